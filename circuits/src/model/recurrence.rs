//! A small model that generates, for tests (cargo feature `testing`).

use super::bundle::{Bundle, Info};
use super::graph::{Activation, Graph, Input, Layout, Node, Operator};
use super::range::Range;
use super::weights::{LinearWeights, Weights};
use crate::layout::choose;

/// Three numbers of nine asked and three generated, each of the three before it: half of the first two less the third, halves
/// up, and at least 0. `[1, 2, 4]` is answered by `[0, 3, 1]`.
///
/// # Panics
/// If this module makes an invalid model.
#[must_use]
#[expect(clippy::expect_used, reason = "test support: an invalid model is a mistake in this module")]
pub fn three_terms() -> Bundle {
    let range = |min, max| Range { min, max };
    let nodes = [
        (Operator::Strided { offset: 0, shape: vec![3, 3], strides: vec![1, 1] }, 0),
        (Operator::Dense { inputs: 3, outputs: 1, accumulator: range(-9, 18) }, 1),
        (Operator::Reshape { shape: vec![3] }, 2),
        (Operator::Requantise { shift: 1, clamp: range(0, 9), activation: Activation::Identity }, 3),
    ];
    let nodes = nodes.map(|(operator, input)| Node { operator, inputs: vec![input] }).to_vec();
    let input = Input { shape: vec![5], range: range(0, 9) };
    let graph = Graph::new(input, nodes, Layout { k: 8, rows: 1, lanes: 1 }).and_then(Graph::with_generation);
    let graph = graph.expect("a graph that generates");
    let layout = choose(&graph).expect("a layout");
    let graph = graph.with_layout(layout).expect("its own layout");
    let linear = LinearWeights::new(1, 3, vec![1, 1, -1], vec![0]).expect("weights of their shape");
    let weights = Weights::new(&graph, [(1, linear)].into_iter().collect()).expect("the graph's weights");
    let name = "a rule with three terms".to_owned();
    let info = Info { name, labels: vec![], input_scale: String::new(), quantisation: None };
    Bundle::new(graph, weights, info).expect("a bundle")
}

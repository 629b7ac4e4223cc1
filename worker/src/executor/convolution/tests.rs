use std::collections::BTreeMap;

use circuits::model::analysis::tightest;
use circuits::model::graph::{Graph, Input, Layout, Node, Operator};
use circuits::model::range::Range;
use circuits::model::reference;
use circuits::model::tensor::Tensor as Integers;
use circuits::model::weights::Weights;

use super::*;

/// Integers that look random.
fn scattered(count: usize, bound: u64) -> impl Iterator<Item = i64> {
    let hash = |index: usize| (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    (0..count).map(move |index| (hash(index) % (2 * bound + 1)) as i64 - bound as i64)
}

#[test]
fn products_of_any_size_give_the_reference_of_every_item() {
    let geometry = Geometry {
        outputs: 6,
        groups: 2,
        kernel: [2, 3],
        stride: [2, 1],
        dilation: [1, 2],
        before: [1, 0],
        after: [2, 3],
    };
    let range = Range { min: -500, max: 500 };
    let matrix = scattered(6 * 12, 2000).map(|weight| weight as i32).collect();
    let weights = LinearWeights::new(6, 12, matrix, scattered(6, 90_000).collect()).unwrap();
    let accumulator = tightest(0, &weights, range).unwrap();
    let node = Node { operator: Operator::Convolution { geometry, accumulator }, inputs: vec![0] };
    let input = Input { shape: vec![4, 5, 6], range };
    let graph = Graph::new(input, vec![node], Layout { k: 10, rows: 6, lanes: 1 }).unwrap();
    let &[_, rows, columns] = graph.output().shape.as_slice() else { panic!("{:?}", graph.output()) };
    assert_eq!([rows, columns], [4, 5]);
    let of_graph = Weights::new(&graph, BTreeMap::from([(0, weights.clone())])).unwrap();
    let source: Vec<i64> = scattered(3 * 120, 500).collect();
    let run = |item: &[i64]| {
        let item = Integers::new(vec![4, 5, 6], item.to_vec()).unwrap();
        reference::run(&graph, &of_graph, &item).unwrap().output().to_vec()
    };
    let expected: Vec<i64> = source.chunks_exact(120).flat_map(run).collect();
    let sums = Sums { node: 0, width: 120, range: accumulator };
    for patch_elements_max in [1, 24 * 3, 24 * 7, 24 * 20, 24 * 41, PATCH_ELEMENTS_MAX] {
        let convolution = Convolution::new(&weights, geometry, [4, 5, 6], [4, 5], sums, &Device::Cpu).unwrap();
        let convolution = convolution.with_patch_elements_max(patch_elements_max);
        assert_eq!(convolution.run(&source, &Device::Cpu).unwrap(), expected, "{patch_elements_max}");
    }
}

#[test]
fn a_sum_outside_its_interval_names_item_and_element() {
    let geometry = Geometry {
        outputs: 1,
        groups: 1,
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        before: [0, 0],
        after: [0, 0],
    };
    let weights = LinearWeights::new(1, 1, vec![3], vec![1]).unwrap();
    let sums = Sums { node: 4, width: 2, range: Range { min: 0, max: 10 } };
    let convolution = Convolution::new(&weights, geometry, [1, 1, 2], [1, 2], sums, &Device::Cpu).unwrap();
    let error = convolution.run(&[0, 1, 2, 4], &Device::Cpu).unwrap_err();
    assert_eq!(
        error.to_string(),
        "batch item 1, node 4 element 1: the device returned 12, expected an integer within [-1, 9]; its arithmetic is \
         not exact, use another device"
    );
}

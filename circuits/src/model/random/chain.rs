//! Chains of dense nodes and requantisations.

use std::collections::BTreeMap;

use super::weights::linear;
use super::{Limits, Model, RandomError, Source};
use crate::model::graph::{Activation, Graph, Input, Layout, Node, Operator, Value, quotient};
use crate::model::range::Range;
use crate::model::weights::{LinearWeights, Weights};
use crate::model::{analysis, reference};

pub(super) struct Chain<'a> {
    seed: u64,
    limits: &'a Limits,
    source: Source,
    input: Input,
    nodes: Vec<Node>,
    weights: BTreeMap<usize, LinearWeights>,
    rows: u32,
}

impl<'a> Chain<'a> {
    pub(super) fn new(seed: u64, limits: &'a Limits) -> Self {
        let mut source = Source::new(&[seed]);
        let width = u32::try_from(source.between(1, limits.width_max)).unwrap_or(1);
        let range = source.choose([(0, 16), (-127, 127), (-8, 7), (3, 40)]);
        let shape = if width.is_multiple_of(2) { vec![2, width / 2] } else { vec![width] };
        let input = Input { shape, range: Range { min: range.0, max: range.1 } };
        Self { seed, limits, source, input, nodes: vec![], weights: BTreeMap::new(), rows: 1 }
    }

    pub(super) fn build(mut self) -> Result<Model, RandomError> {
        let layers = self.source.between(1, self.limits.layers_max);
        let raw_output = self.source.up_to(1) == 0;
        for layer in 0..layers {
            let shift = self.source.between(1, self.limits.shift_max);
            self.dense(shift)?;
            if layer + 1 < layers || !raw_output {
                self.requantise(u8::try_from(shift).unwrap_or(1))?;
            }
        }
        self.model()
    }

    /// The model so far.
    fn model(&self) -> Result<Model, RandomError> {
        let layout = Layout { k: 10, rows: self.rows, lanes: 1 };
        let graph = Graph::new(self.input.clone(), self.nodes.clone(), layout)?;
        let weights = Weights::new(&graph, self.weights.clone())?;
        Ok(Model { graph, weights, seed: self.seed })
    }

    fn last(&self) -> Result<Value, RandomError> {
        if self.nodes.is_empty() {
            let width = self.input.shape.iter().product();
            return Ok(Value { shape: vec![width], range: self.input.range });
        }
        Ok(self.model()?.graph.output())
    }

    /// Appends a dense node whose accumulators, divided by 2^shift, stay within `quotients_max` integers.
    fn dense(&mut self, shift: u64) -> Result<(), RandomError> {
        let source = self.last()?;
        let outputs = u32::try_from(self.source.between(1, self.limits.width_max)).unwrap_or(1);
        let budget = i64::try_from(((self.limits.quotients_max - 2) / 2) << shift).unwrap_or(i64::MAX).min(1 << 40);
        let weights = linear(&mut self.source, [outputs, source.width()], source.range, budget)?;
        let node = self.nodes.len();
        let accumulator = analysis::tightest(node, &weights, source.range)?;
        self.weights.insert(node, weights);
        self.push(Operator::Dense { inputs: source.width(), outputs, accumulator });
        self.rows = self.rows.max(outputs);
        Ok(())
    }

    /// Appends a requantisation whose clamp lies inside the quotients that a few inputs reach.
    fn requantise(&mut self, shift: u8) -> Result<(), RandomError> {
        let so_far = self.model()?;
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        for draw in 0..6 {
            let trace = reference::run(&so_far.graph, &so_far.weights, &so_far.input(draw))?;
            for value in trace.output() {
                low = low.min(quotient(*value, shift));
                high = high.max(quotient(*value, shift));
            }
        }
        let quarter = (high - low) / self.source.choose([3, 4, 8, 1 << 40]);
        let clamp = Range { min: low + quarter, max: high - quarter };
        let activation = if self.source.up_to(1) == 0 { Activation::Identity } else { Activation::Relu };
        self.push(Operator::Requantise { shift, clamp, activation });
        Ok(())
    }

    fn push(&mut self, operator: Operator) {
        let source = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node { operator, inputs: vec![source] });
    }
}

//! Graphs of any operators.
//!
//! A node is drawn, tried and kept: one whose values could grow too large is dropped and another drawn. The values of a
//! few inputs are computed along the way, so that clamps lie where values are.

mod elementwise;
mod formula;
mod linear;
mod structural;

use std::collections::BTreeMap;

use super::weights::magnitude;
use super::{Limits, Model, RandomError, Source, input_values};
use crate::model::graph::{Graph, GraphError, Input, Layout, Node, Operator, Value};
use crate::model::range::Range;
use crate::model::reference;
use crate::model::weights::{LinearWeights, Weights};

/// Inputs whose values are computed along the way.
const SAMPLES: u64 = 6;

/// Index of a value that was drawn; none where what was drawn did not fit.
type Drawn = Result<Option<usize>, RandomError>;

/// A graph in the making.
pub(super) struct Dag<'a> {
    seed: u64,
    limits: &'a Limits,
    source: Source,
    input: Input,
    nodes: Vec<Node>,
    weights: BTreeMap<usize, LinearWeights>,
    values: Vec<Value>,
    /// By sample: what [`reference::Trace`] holds.
    samples: Vec<Vec<Vec<i64>>>,
    rows: u32,
}

impl<'a> Dag<'a> {
    pub(super) fn new(seed: u64, limits: &'a Limits) -> Result<Self, RandomError> {
        let mut source = Source::new(&[seed, u64::MAX]);
        let range = source.choose([(0, 16), (-127, 127), (-8, 7), (3, 40)]);
        let range = Range { min: range.0, max: range.1 };
        let width = u32::try_from(limits.width_max).unwrap_or(1);
        let side = if limits.elements_max > 1000 { 7 } else { 5 };
        let shape = match source.up_to(3) {
            0 => vec![source.number(1, width)],
            1 => vec![source.number(1, 4), source.number(1, width / 4)],
            _ => vec![source.number(1, 4), source.number(1, side), source.number(1, side)],
        };
        let input = Input { shape: shape.clone(), range };
        let samples = (0..SAMPLES).map(|draw| vec![input_values(seed, &input, draw)]).collect();
        let values = vec![Value { shape, range }];
        Ok(Self { seed, limits, source, input, nodes: vec![], weights: BTreeMap::new(), values, samples, rows: 1 })
    }

    pub(super) fn build(mut self) -> Result<Model, RandomError> {
        let count = usize::try_from(self.source.between(3, self.limits.nodes_max.max(3))).unwrap_or(3);
        for _ in 0..6 * count {
            if self.nodes.len() >= count {
                break;
            }
            self.draw()?;
        }
        if self.nodes.is_empty() || self.source.one_in(2) {
            self.gather()?;
        }
        let (graph, weights) = self.parts()?;
        Ok(Model { graph, weights, seed: self.seed })
    }

    fn draw(&mut self) -> Drawn {
        match self.source.up_to(if self.limits.embeddings { 21 } else { 20 }) {
            0 => self.dense(),
            1 | 2 => self.convolution(),
            3 => self.matrix_multiply(),
            4 => self.sum(),
            5 => self.combine(),
            6 => self.multiply(),
            7 => self.pair(Operator::Maximum),
            8 => self.pair(Operator::Minimum),
            9 => self.constant(),
            10 => self.reshape(),
            11 => self.strided(),
            12 => self.transposed(),
            13 => self.concatenate(),
            14 => self.pad(),
            15 => self.select(),
            21 => self.embedding(),
            _ => self.requantise(),
        }
    }

    /// Ends with one vector of all values that nobody reads, where there is room for it.
    fn gather(&mut self) -> Drawn {
        let read =
            |value: &usize| self.nodes.iter().any(|node| node.inputs.iter().any(|read| *read as usize == *value));
        let unread: Vec<usize> = (0..self.values.len()).filter(|value| !read(value)).collect();
        let mut vectors = Vec::new();
        for value in unread {
            let shape = vec![self.values[value].width()];
            let vector = self.push(Operator::Reshape { shape }, &[value])?;
            vectors.extend(vector);
        }
        self.push(Operator::Concatenate { axis: 0 }, &vectors)
    }

    fn push(&mut self, operator: Operator, inputs: &[usize]) -> Drawn {
        self.push_with(operator, inputs, None)
    }

    /// Appends a node and computes its samples, unless its value is too large for the limits.
    fn push_with(&mut self, operator: Operator, inputs: &[usize], weights: Option<LinearWeights>) -> Drawn {
        if inputs.is_empty() && !matches!(operator, Operator::Constant { .. }) {
            return Ok(None);
        }
        let index = self.nodes.len();
        let inputs = inputs.iter().map(|value| u32::try_from(*value).unwrap_or(u32::MAX)).collect();
        let rows = weights.as_ref().map_or(1, LinearWeights::outputs);
        self.nodes.push(Node { operator, inputs });
        self.weights.extend(weights.map(|weights| (index, weights)));
        let kept = match self.parts() {
            Ok((graph, weights)) if self.fits(&graph) => Some((graph, weights)),
            Ok(_) | Err(RandomError::Graph(GraphError::Magnitude { .. })) => None,
            Err(error) => return Err(error),
        };
        let Some((graph, weights)) = kept else {
            self.nodes.pop();
            self.weights.remove(&index);
            return Ok(None);
        };
        for sample in &mut self.samples {
            let value = reference::evaluate(&graph, &weights, index, sample)?;
            sample.push(value);
        }
        self.rows = self.rows.max(rows);
        self.values = graph.values().to_vec();
        Ok(Some(index + 1))
    }

    fn fits(&self, graph: &Graph) -> bool {
        let elements: u64 = graph.values().iter().map(|value| u64::from(value.width())).sum();
        elements <= self.limits.elements_max && magnitude(graph.output().range) <= self.limits.magnitude_max()
    }

    fn parts(&self) -> Result<(Graph, Weights), RandomError> {
        let layout = Layout { k: 12, rows: self.rows, lanes: 1 };
        let graph = Graph::new(self.input.clone(), self.nodes.clone(), layout)?;
        let weights = Weights::new(&graph, self.weights.clone())?;
        Ok((graph, weights))
    }

    /// Any value, the last one more often than others.
    fn any(&mut self) -> usize {
        let last = self.values.len() - 1;
        if self.source.one_in(3) { last } else { usize::try_from(self.source.up_to(last as u64)).unwrap_or(last) }
    }

    /// Any value that `fits` likes.
    fn any_where(&mut self, fits: impl Fn(&Value) -> bool) -> Option<usize> {
        let options: Vec<usize> = (0..self.values.len()).filter(|value| fits(&self.values[*value])).collect();
        self.source.pick(&options).copied()
    }

    /// A value of three dimensions, reshaped for it if need be.
    fn cube(&mut self) -> Drawn {
        if let Some(cube) = self.any_where(|value| value.shape.len() == 3) {
            return Ok(Some(cube));
        }
        let value = self.any();
        let shape = self.dimensions(self.values[value].width(), 3);
        self.push(Operator::Reshape { shape }, &[value])
    }

    /// Dimensions whose product is `width`.
    fn dimensions(&mut self, width: u32, rank: usize) -> Vec<u32> {
        let mut rest = width;
        let mut shape = Vec::new();
        for _ in 1..rank {
            let side = self.divisor(rest);
            shape.push(side);
            rest /= side;
        }
        shape.push(rest);
        shape
    }

    fn divisor(&mut self, number: u32) -> u32 {
        let divisors: Vec<u32> = (1..=number).filter(|divisor| number.is_multiple_of(*divisor)).collect();
        self.source.pick(&divisors).copied().unwrap_or(1)
    }
}

#[cfg(test)]
mod tests;

//! The integer graph in the making: nodes with shapes and intervals, and the narrowing of values.

use std::collections::HashMap;

use circuits::model::graph::{Activation, Input, Node, Operator, SHIFT_MAX, Value, quotient_range};
use circuits::model::range::{MAGNITUDE_MAX, Range};

use super::super::real::{NodeId, RealGraph, RealOperator, count};
use super::scale::{Interval, Precision, exponent_of};
use super::{LinearNodes, QuantiseError, Segment};

/// Bits of an input of real numbers.
const INPUT_BITS_MIN: u32 = 8;
/// Values are kept below 2 to this before the next operator.
pub(super) const WIDE_BITS: u32 = 46;

/// A value of the integer graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Integer {
    /// Its index.
    pub(super) value: u32,
    /// `X` stands for `X 2^-exponent`.
    pub(super) exponent: i32,
}

/// Writes nodes.
pub(super) struct Emitter<'a> {
    pub(super) network: &'a RealGraph,
    pub(super) segments: &'a [Segment],
    pub(super) intervals: &'a [Interval],
    pub(super) precision: Precision,
    pub(super) input: Input,
    pub(super) input_exponents: Vec<i32>,
    pub(super) nodes: Vec<Node>,
    pub(super) weights: LinearNodes,
    pub(super) values: Vec<Value>,
    pub(super) integers: Vec<Option<Integer>>,
    /// Nodes whose values only move into the output.
    pub(super) ends: Vec<bool>,
    /// Nodes that a threshold reads, and what may be done with their constants.
    pub(super) compared: Vec<Option<Rounding>>,
    pub(super) ordered: HashMap<(NodeId, bool, bool, u32), Integer>,
    pub(super) constants: HashMap<(NodeId, i32, Rounding), Integer>,
    /// Positions to tag elements with, by shape and order.
    pub(super) tags: HashMap<(Vec<u32>, bool), u32>,
}

/// How the constants of a difference may be rounded when only its sign counts.
///
/// With whole `X` and real `k`, `X + k < 0` holds if and only if `X + floor(k) < 0`, and `X + k > 0` if and only if
/// `X + ceil(k) > 0`: comparing with a rounded constant is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rounding {
    /// Down: zero counts as above.
    Down,
    /// Up: zero counts as below.
    Up,
    /// Not at all: zero is told from both sides.
    Exact,
}

impl Rounding {
    fn of(values: [i64; 3]) -> Self {
        match values {
            [_, zero, positive] if zero == positive => Self::Down,
            [negative, zero, _] if negative == zero => Self::Up,
            _ => Self::Exact,
        }
    }
}

impl<'a> Emitter<'a> {
    pub(super) fn new(
        network: &'a RealGraph,
        segments: &'a [Segment],
        intervals: &'a [Interval],
        precision: Precision,
    ) -> Result<Self, QuantiseError> {
        let bits = precision.activation_bits.max(INPUT_BITS_MIN);
        let mut exponents = Vec::new();
        let mut range: Option<Range> = None;
        for segment in segments {
            let nought = Interval { low: 0.0, high: 0.0 };
            let interval = segment.interval.hull(nought);
            let exponent = if segment.whole { 0 } else { exponent_of(interval.span(), bits) };
            // Two values at least, so that no input is a constant.
            let covered = interval.widened().integers(exponent).hull(&Range { min: 0, max: 1 });
            let covered = if segment.whole && interval.high <= 1.0 && interval.low >= 0.0 {
                Range { min: 0, max: 1 }
            } else {
                covered
            };
            range = Some(range.map_or(covered, |range| range.hull(&covered)));
            exponents.push(exponent);
        }
        let range = range.unwrap_or(Range { min: 0, max: 1 });
        let shape = network.nodes.first().map(|node| node.shape.clone()).filter(|shape| !shape.is_empty());
        let shape = shape.unwrap_or_else(|| vec![1]);
        let mut emitter = Self {
            network,
            segments,
            intervals,
            precision,
            input: Input { shape: shape.clone(), range },
            input_exponents: exponents,
            nodes: Vec::new(),
            weights: LinearNodes::new(),
            values: vec![Value { shape, range }],
            integers: vec![None; network.nodes.len()],
            ends: vec![false; network.nodes.len()],
            compared: vec![None; network.nodes.len()],
            ordered: HashMap::new(),
            constants: HashMap::new(),
            tags: HashMap::new(),
        };
        emitter.mark();
        Ok(emitter)
    }

    /// Finds the nodes that only move into the output, and those that are compared with zero.
    fn mark(&mut self) {
        let network = self.network;
        let mut readers: Vec<usize> = vec![0; network.nodes.len()];
        let mut moving: Vec<bool> = vec![true; network.nodes.len()];
        for (id, node) in network.nodes.iter().enumerate().rev() {
            let moves = matches!(
                node.operator,
                RealOperator::Reshape
                    | RealOperator::Strided { .. }
                    | RealOperator::Concatenate { .. }
                    | RealOperator::Select { .. }
            );
            self.ends[id] =
                if id == network.output { readers[id] == 0 || moving[id] } else { readers[id] > 0 && moving[id] };
            for input in &node.inputs {
                readers[*input] += 1;
                moving[*input] &= moves && self.ends[id];
                let reads = match &node.operator {
                    RealOperator::Threshold { negative, zero, positive } => {
                        Some(Rounding::of([*negative, *zero, *positive]))
                    }
                    _ if moves => self.compared[id],
                    RealOperator::Combine { multipliers, .. } => {
                        let place = node.inputs.iter().position(|other| other == input).unwrap_or(0);
                        let falls = multipliers.get(place).is_some_and(|multiplier| *multiplier < 0.0);
                        self.compared[id].map(|rounding| if falls { rounding.reversed() } else { rounding })
                    }
                    _ => None,
                };
                // Readers that disagree need the exact difference.
                self.compared[*input] = match (self.compared[*input], reads) {
                    (Some(known), Some(reads)) if known != reads => Some(Rounding::Exact),
                    (known, reads) => known.or(reads),
                };
            }
        }
    }

    /// Writes every node.
    pub(super) fn run(&mut self) -> Result<(), QuantiseError> {
        for id in 0..self.network.nodes.len() {
            let integer = self.node(id)?;
            self.integers[id] = integer;
        }
        Ok(())
    }

    /// Makes the output the last node, and says its exponent.
    pub(super) fn output(&mut self) -> Result<i32, QuantiseError> {
        let output = self.integer(self.network.output)?;
        let shape = self.values[output.value as usize].shape.clone();
        if output.value as usize != self.nodes.len() || self.nodes.is_empty() {
            let range = self.range(output);
            self.push(Operator::Reshape { shape: shape.clone() }, vec![output.value], shape, range);
        }
        Ok(output.exponent)
    }

    /// The integer value of a node; constants are written where they are needed.
    pub(super) fn integer(&mut self, id: NodeId) -> Result<Integer, QuantiseError> {
        match self.integers.get(id).copied().flatten() {
            Some(integer) => Ok(integer),
            None => self.constant(id),
        }
    }

    /// The interval of a value.
    pub(super) fn range(&self, integer: Integer) -> Range {
        self.values.get(integer.value as usize).map_or(Range { min: 0, max: 0 }, |value| value.range)
    }

    /// The shape of a value.
    pub(super) fn shape(&self, integer: Integer) -> Vec<u32> {
        self.values.get(integer.value as usize).map(|value| value.shape.clone()).unwrap_or_default()
    }

    /// Adds a node; the index of its value.
    pub(super) fn push(&mut self, operator: Operator, inputs: Vec<u32>, shape: Vec<u32>, range: Range) -> u32 {
        self.nodes.push(Node { operator, inputs });
        self.values.push(Value { shape, range });
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// `activation(clamp(q))` for `q` the value divided by `2^shift`, in as many steps as shifts are long.
    ///
    /// Elements that were only moved or repeated are narrowed where they come from, once.
    pub(super) fn requantise(
        &mut self,
        source: Integer,
        shift: u32,
        clamp: Range,
        activation: Activation,
        results: Range,
    ) -> u32 {
        if let Some((inner, moved)) = self.moved_from(source) {
            let value = self.requantise(inner, shift, clamp, activation, results);
            let shape = self.shape(source);
            return self.push_once(moved, value, shape, results);
        }
        let shape = self.shape(source);
        let mut value = source.value;
        let mut range = self.range(source);
        let mut left = shift;
        while left > u32::from(SHIFT_MAX) {
            range = quotient_range(range, SHIFT_MAX);
            let operator = Operator::Requantise { shift: SHIFT_MAX, clamp: range, activation: Activation::Identity };
            value = self.push_once(operator, value, shape.clone(), range);
            left -= u32::from(SHIFT_MAX);
        }
        let shift = u8::try_from(left).unwrap_or(SHIFT_MAX);
        self.push_once(Operator::Requantise { shift, clamp, activation }, value, shape, results)
    }

    /// Where a value's elements come from, if they are all of another value's, moved or repeated, and how they moved.
    fn moved_from(&self, source: Integer) -> Option<(Integer, Operator)> {
        let node = self.nodes.get((source.value as usize).checked_sub(1)?)?;
        if !matches!(node.operator, Operator::Reshape { .. } | Operator::Strided { .. }) {
            return None;
        }
        let inner = Integer { value: *node.inputs.first()?, ..source };
        let fewer = count(&self.shape(inner)) <= count(&self.shape(source));
        (inner.value != 0 && fewer).then(|| (inner, node.operator.clone()))
    }

    /// Adds a node of one input unless it is there already.
    fn push_once(&mut self, operator: Operator, input: u32, shape: Vec<u32>, range: Range) -> u32 {
        let known = self.nodes.iter().position(|node| node.inputs == [input] && node.operator == operator);
        match known.and_then(|place| u32::try_from(place + 1).ok()) {
            Some(value) => value,
            None => self.push(operator, vec![input], shape, range),
        }
    }

    /// The interval after a shift and a clamp.
    pub(super) fn quotients(&self, source: Integer, shift: u32, clamp: Range) -> Range {
        let mut range = self.range(source);
        let mut left = shift;
        while left > u32::from(SHIFT_MAX) {
            range = quotient_range(range, SHIFT_MAX);
            left -= u32::from(SHIFT_MAX);
        }
        let range = quotient_range(range, u8::try_from(left).unwrap_or(SHIFT_MAX));
        Range { min: range.min.clamp(clamp.min, clamp.max), max: range.max.clamp(clamp.min, clamp.max) }
    }

    /// The value rounded to an exponent that is not larger, and clamped to an interval of reals.
    pub(super) fn rounded(&mut self, source: Integer, exponent: i32, interval: Interval) -> Integer {
        let shift = source.exponent.saturating_sub(exponent).max(0).unsigned_abs();
        let exponent = source.exponent.min(exponent);
        let clamp = interval.widened().integers(exponent);
        let clamp = if clamp.min < clamp.max { clamp } else { Range { min: clamp.min, max: clamp.min + 1 } };
        let results = self.quotients(source, shift, clamp);
        if shift == 0 && results == self.range(source) {
            return source;
        }
        let value = self.requantise(source, shift, clamp, Activation::Identity, results);
        Integer { value, exponent }
    }

    /// The value in at most `bits` bits, sign included; a value that has no more stays as it is.
    pub(super) fn narrow(&mut self, source: Integer, interval: Interval, bits: u32) -> Integer {
        let range = self.range(source);
        let limit = 1i64 << (bits - 1);
        if range.min >= -limit && range.max <= limit {
            return source;
        }
        self.rounded(source, exponent_of(interval.magnitude(), bits - 1), interval)
    }

    /// The interval of a node in calibration.
    pub(super) fn interval(&self, id: NodeId) -> Interval {
        self.intervals.get(id).copied().unwrap_or(Interval { low: 0.0, high: 0.0 })
    }

    /// A refusal for a node.
    pub(super) fn magnitude(&self, node: NodeId) -> QuantiseError {
        let operator = self.network.nodes.get(node).map_or("nothing", |node| node.operator.name());
        QuantiseError::Magnitude { node, operator }
    }
}

/// An interval in 128 bits, if it stays below 2^46.
pub(super) fn bounded(min: i128, max: i128) -> Option<Range> {
    let limit = i128::from(MAGNITUDE_MAX / 2);
    match (i64::try_from(min), i64::try_from(max)) {
        (Ok(low), Ok(high)) if min >= -limit && max <= limit => Some(Range { min: low, max: high }),
        _ => None,
    }
}

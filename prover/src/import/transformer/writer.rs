//! The integer graph in the making: nodes with the shapes, intervals and exponents of their values.

use std::collections::BTreeMap;

use circuits::model::graph::{Activation, Input, Node, Operator, SHIFT_MAX, quotient_range};
use circuits::model::range::{MAGNITUDE_MAX, Range};
use circuits::model::weights::LinearWeights;

use super::configuration::of_texts;
use super::sites::Span;

/// Quotients that one lookup table takes at most, as a power of two: in a circuit by positions of 2^15 rows or more.
pub(super) const TABLE_BITS_MAX: u32 = 16;
/// Fewer than so many leave too little of a number.
pub(super) const TABLE_BITS_MIN: u32 = 12;
/// The same of functions of few elements, which take the longer way if they must.
pub(super) const ARGUMENT_BITS: u32 = 14;

/// A value of the integer graph: an integer `X` stands for `X 2^-exponent`.
#[derive(Clone, Debug)]
pub(super) struct Fixed {
    pub(super) value: u32,
    pub(super) shape: Vec<u32>,
    pub(super) range: Range,
    pub(super) exponent: i32,
}

impl Fixed {
    fn last(&self) -> u32 {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// Writes nodes. What [`circuits::model::graph::Graph::new`] checks is not checked here.
pub(super) struct Writer {
    /// Quotients that one lookup table takes, as a power of two.
    pub(super) table_bits: u32,
    /// Texts of the input.
    pub(super) batch: u32,
    pub(super) input: Input,
    pub(super) nodes: Vec<Node>,
    pub(super) weights: BTreeMap<usize, LinearWeights>,
}

impl Writer {
    pub(super) fn new(input: Input, table_bits: u32, batch: u32) -> Self {
        Self { table_bits, batch, input, nodes: Vec::new(), weights: BTreeMap::new() }
    }

    pub(super) fn input(&self) -> Fixed {
        Fixed { value: 0, shape: self.input.shape.clone(), range: self.input.range, exponent: 0 }
    }

    pub(super) fn push(
        &mut self,
        operator: Operator,
        inputs: &[&Fixed],
        shape: Vec<u32>,
        range: Range,
        exponent: i32,
    ) -> Fixed {
        self.nodes.push(Node { operator, inputs: inputs.iter().map(|input| input.value).collect() });
        let value = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        Fixed { value, shape, range, exponent }
    }

    /// A node with weights, whose interval the operator declares.
    pub(super) fn weighted(
        &mut self,
        operator: Operator,
        weights: LinearWeights,
        source: &Fixed,
        shape: Vec<u32>,
        exponent: i32,
    ) -> Fixed {
        let range = operator.accumulator().unwrap_or(source.range);
        self.weights.insert(self.nodes.len(), weights);
        self.push(operator, &[source], shape, range, exponent)
    }

    pub(super) fn constant(&mut self, shape: Vec<u32>, values: Vec<i64>, exponent: i32) -> Fixed {
        let low = values.iter().copied().min().unwrap_or(0);
        let high = values.iter().copied().max().unwrap_or(0);
        let operator = Operator::Constant { shape: shape.clone(), values };
        self.push(operator, &[], shape, Range { min: low, max: high }, exponent)
    }

    pub(super) fn reshape(&mut self, source: &Fixed, shape: Vec<u32>) -> Fixed {
        if source.shape == shape {
            return source.clone();
        }
        self.push(Operator::Reshape { shape: shape.clone() }, &[source], shape, source.range, source.exponent)
    }

    /// Elements by steps; `strides` are in element numbers of `source`.
    pub(super) fn strided(&mut self, source: &Fixed, offset: u32, shape: Vec<u32>, strides: &[u32]) -> Fixed {
        let strides = strides.iter().map(|stride| i32::try_from(*stride).unwrap_or(i32::MAX)).collect();
        let operator = Operator::Strided { offset, shape: shape.clone(), strides };
        self.push(operator, &[source], shape, source.range, source.exponent)
    }

    /// The same in every text, `step` elements behind those of the text before: a dimension more where there are several.
    pub(super) fn each(&mut self, source: &Fixed, offset: u32, step: u32, shape: &[u32], strides: &[u32]) -> Fixed {
        let [shape, strides] =
            [(self.batch, shape), (step, strides)].map(|(first, rest)| of_texts(self.batch, first, rest));
        self.strided(source, offset, shape, &strides)
    }

    /// Two values one after the other along a dimension; the exponent is the first's, whatever the second's.
    pub(super) fn beside(&mut self, a: &Fixed, b: &Fixed, axis: usize) -> Fixed {
        let mut shape = a.shape.clone();
        let other = b.shape.get(axis).copied().unwrap_or(0);
        shape.iter_mut().skip(axis).take(1).for_each(|length| *length += other);
        let operator = Operator::Concatenate { axis: u32::try_from(axis).unwrap_or(u32::MAX) };
        self.push(operator, &[a, b], shape, a.range.hull(&b.range), a.exponent)
    }

    pub(super) fn multiply(&mut self, a: &Fixed, b: &Fixed) -> Fixed {
        let range = product(a.range, b.range, 1);
        self.push(Operator::Multiply, &[a, b], a.shape.clone(), range, a.exponent + b.exponent)
    }

    /// `[batch, m, k]` times `[batch, k, n]`.
    pub(super) fn matrix_multiply(&mut self, a: &Fixed, b: &Fixed) -> Fixed {
        let range = product(a.range, b.range, a.last());
        let mut shape = a.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = b.last();
        }
        self.push(Operator::MatrixMultiply, &[a, b], shape, range, a.exponent + b.exponent)
    }

    /// `constant + sum_i multipliers[i] x_i` of values of one exponent.
    pub(super) fn combine(&mut self, sources: &[&Fixed], multipliers: Vec<i64>, constant: i64) -> Fixed {
        let start = (i128::from(constant), i128::from(constant));
        let (low, high) = sources.iter().zip(&multipliers).fold(start, |sum, (source, multiplier)| {
            let (low, high) = source.range.scaled(*multiplier);
            (sum.0 + low, sum.1 + high)
        });
        let (shape, exponent) = sources.first().map_or((vec![1], 0), |source| (source.shape.clone(), source.exponent));
        self.push(Operator::Combine { multipliers, constant }, sources, shape, bounded(low, high), exponent)
    }

    /// The sum along the last dimension.
    pub(super) fn sum(&mut self, source: &Fixed) -> Fixed {
        let (low, high) = source.range.scaled(i64::from(source.last()));
        let shape = source.shape.split_last().map_or(vec![1], |(_, outer)| outer.to_vec());
        self.push(Operator::Sum, &[source], shape, bounded(low, high), source.exponent)
    }

    /// The largest of the last dimension of `[a, b, n]`, as `[a, b, 1]`: halves that may overlap are compared until one is left.
    pub(super) fn largest(&mut self, source: &Fixed) -> Fixed {
        let mut rest = source.clone();
        while let [a, b, n] = *rest.shape.as_slice()
            && n > 1
        {
            let half = n.div_ceil(2);
            let shape = vec![a, b, half];
            let strides = [b * n, n, 1];
            let first = self.strided(&rest, 0, shape.clone(), &strides);
            let second = self.strided(&rest, n - half, shape.clone(), &strides);
            rest = self.push(Operator::Maximum, &[&first, &second], shape, source.range, source.exponent);
        }
        rest
    }

    /// `activation(clamp(q))` for `q` the value at `exponent`, which is not larger than its own; `results` are the
    /// activation's, of exponent `result_exponent`.
    pub(super) fn requantise(
        &mut self,
        source: &Fixed,
        exponent: i32,
        clamp: Range,
        activation: Activation,
        result_exponent: i32,
    ) -> Fixed {
        let mut source = source.clone();
        let mut shift = (source.exponent - exponent).max(0).unsigned_abs();
        while shift > u32::from(SHIFT_MAX) {
            let range = quotient_range(source.range, SHIFT_MAX);
            let whole = Operator::Requantise { shift: SHIFT_MAX, clamp: range, activation: Activation::Identity };
            let exponent = source.exponent - i32::from(SHIFT_MAX);
            source = self.push(whole, &[&source], source.shape.clone(), range, exponent);
            shift -= u32::from(SHIFT_MAX);
        }
        let shift = u8::try_from(shift).unwrap_or(SHIFT_MAX);
        let range = results(source.range, shift, clamp, &activation);
        let operator = Operator::Requantise { shift, clamp, activation };
        self.push(operator, &[&source], source.shape.clone(), range, result_exponent)
    }

    /// The value as precise as one table and `bits` (sign included) allow, clamped to what calibration saw.
    pub(super) fn narrow(&mut self, source: &Fixed, span: Span, bits: u32) -> Fixed {
        let table_bits = self.table_bits;
        let shift = finest(source, |exponent, quotients| {
            quotients.count() <= 1 << table_bits && fits(span.clamp(exponent), bits)
        });
        let exponent = source.exponent - shift;
        self.requantise(source, exponent, span.clamp(exponent), Activation::Identity, exponent)
    }
}

/// The smallest shift after which exponent and quotients are accepted.
pub(super) fn finest(source: &Fixed, accepted: impl Fn(i32, Range) -> bool) -> i32 {
    const LIMIT: i32 = 47;
    (0..LIMIT).find(|shift| accepted(source.exponent - shift, quotients(source.range, *shift))).unwrap_or(LIMIT)
}

/// An interval that holds the quotients of another.
pub(super) fn quotients(range: Range, shift: i32) -> Range {
    Range { min: range.min >> shift, max: (range.max >> shift) + 1 }
}

/// Whether an interval takes at most `bits` bits, sign included.
pub(super) fn fits(range: Range, bits: u32) -> bool {
    let limit = 1i64 << (bits - 1);
    range.min >= -limit && range.max < limit
}

/// The interval of a requantisation's results.
pub(super) fn results(source: Range, shift: u8, clamp: Range, activation: &Activation) -> Range {
    let quotients = quotient_range(source, shift);
    let (low, high) = (quotients.min.clamp(clamp.min, clamp.max), quotients.max.clamp(clamp.min, clamp.max));
    let one = |q: i64| {
        let y = activation.apply(q);
        Range { min: y, max: y }
    };
    match activation {
        Activation::Formula(_) => (low..=high).map(one).reduce(|a, b| a.hull(&b)).unwrap_or_else(|| one(low)),
        Activation::Identity | Activation::Relu => one(low).hull(&one(high)),
    }
}

fn product(a: Range, b: Range, terms: u32) -> Range {
    let ends = [b.scaled(a.min), b.scaled(a.max)];
    let low = ends.iter().map(|(low, _)| *low).min().unwrap_or(0);
    let high = ends.iter().map(|(_, high)| *high).max().unwrap_or(0);
    bounded(low * i128::from(terms), high * i128::from(terms))
}

/// An interval cut off where a graph refuses it.
fn bounded(low: i128, high: i128) -> Range {
    let limit = i128::from(MAGNITUDE_MAX) + 1;
    let narrow = |value: i128| i64::try_from(value.clamp(-limit, limit)).unwrap_or(0);
    Range { min: narrow(low), max: narrow(high) }
}

//! Nodes that move, compare, multiply and add up.

use circuits::model::graph::Operator;
use circuits::model::range::Range;

use super::super::real::evaluate::structural;
use super::super::real::{NodeId, RealOperator};
use super::emitter::{Emitter, Integer, Rounding, WIDE_BITS, bounded};
use super::scale::{fixed_exponent, scaled};
use super::{QuantiseError, point};

/// Bits to narrow operands to, from the widest, until a result fits.
pub(super) const ATTEMPTS: [u32; 6] = [WIDE_BITS, 36, 28, 22, 16, 12];
/// Integers that operands of a maximum may range over.
const COMPARED_MAX: u64 = 1 << 14;
/// Bits of a constant.
const CONSTANT_BITS: u32 = 18;

impl Emitter<'_> {
    /// Writes one node; constants are left to those who read them.
    pub(super) fn node(&mut self, id: NodeId) -> Result<Option<Integer>, QuantiseError> {
        let network = self.network;
        let node = &network.nodes[id];
        let integer = match &node.operator {
            RealOperator::Input => Integer { value: 0, exponent: self.input_exponents.first().copied().unwrap_or(0) },
            RealOperator::Constant(_) => return Ok(None),
            RealOperator::Dense { .. } | RealOperator::Convolution { .. } => self.linear(id)?,
            RealOperator::Function(steps) => self.function(id, steps)?,
            RealOperator::Threshold { negative, zero, positive } => {
                self.threshold(id, [*negative, *zero, *positive])?
            }
            RealOperator::Combine { multipliers, constant } => self.combine(id, multipliers, *constant)?,
            RealOperator::Multiply => self.product(id, |_| 1, Operator::Multiply)?,
            RealOperator::MatrixMultiply => {
                self.product(id, |shape| shape.last().copied().unwrap_or(1), Operator::MatrixMultiply)?
            }
            RealOperator::Maximum => self.extremum(id, Operator::Maximum)?,
            RealOperator::Minimum => self.extremum(id, Operator::Minimum)?,
            RealOperator::Sum => self.sum(id)?,
            RealOperator::Order { .. } => self.order(id)?,
            RealOperator::Concatenate { .. } => self.concatenate(id)?,
            RealOperator::Reshape
            | RealOperator::Strided { .. }
            | RealOperator::Pad { .. }
            | RealOperator::Select { .. } => match self.moved(id)? {
                Some(integer) => integer,
                None => return Ok(None),
            },
        };
        Ok(Some(integer))
    }

    /// Dimensions of a node, at least one.
    pub(super) fn dimensions(&self, id: NodeId) -> Vec<u32> {
        let shape = self.network.nodes[id].shape.clone();
        if shape.is_empty() { vec![1] } else { shape }
    }

    /// Operand number `slot` of a node.
    pub(super) fn operand(&self, id: NodeId, slot: usize) -> NodeId {
        self.network.nodes[id].inputs.get(slot).copied().unwrap_or(0)
    }

    /// A constant at the exponent that suits it.
    pub(super) fn constant(&mut self, id: NodeId) -> Result<Integer, QuantiseError> {
        let exponent = match &self.network.nodes[id].operator {
            RealOperator::Constant(values) => fixed_exponent(values, CONSTANT_BITS),
            _ => return self.repeated(id, None),
        };
        self.constant_at(id, exponent)
    }

    /// A constant at an exponent.
    pub(super) fn constant_at(&mut self, id: NodeId, exponent: i32) -> Result<Integer, QuantiseError> {
        self.constant_rounded(id, exponent, Rounding::Exact)
    }

    /// A constant at an exponent, rounded one way.
    pub(super) fn constant_rounded(
        &mut self,
        id: NodeId,
        exponent: i32,
        rounding: Rounding,
    ) -> Result<Integer, QuantiseError> {
        let network = self.network;
        let RealOperator::Constant(values) = &network.nodes[id].operator else {
            return self.repeated(id, Some((exponent, rounding)));
        };
        if let Some(known) = self.constants.get(&(id, exponent, rounding)) {
            return Ok(*known);
        }
        let values: Vec<i64> = values.iter().map(|value| rounding.scaled(*value, exponent)).collect();
        let min = values.iter().copied().min().unwrap_or(0);
        let max = values.iter().copied().max().unwrap_or(0);
        let range = bounded(i128::from(min), i128::from(max)).ok_or_else(|| self.magnitude(id))?;
        let shape = self.dimensions(id);
        let value = self.push(Operator::Constant { shape: shape.clone(), values }, Vec::new(), shape, range);
        let integer = Integer { value, exponent };
        self.constants.insert((id, exponent, rounding), integer);
        Ok(integer)
    }

    /// A repetition of a constant.
    fn repeated(&mut self, id: NodeId, exponent: Option<(i32, Rounding)>) -> Result<Integer, QuantiseError> {
        let source = self.operand(id, 0);
        let source = match exponent {
            Some((exponent, rounding)) => self.constant_rounded(source, exponent, rounding)?,
            None => self.constant(source)?,
        };
        self.structure(id, &[source], 0).ok_or_else(|| self.magnitude(id))
    }

    /// Whether a node is a constant, or a repetition of one.
    pub(super) fn is_constant(&self, id: NodeId) -> bool {
        let node = &self.network.nodes[id];
        match node.operator {
            RealOperator::Constant(_) => true,
            RealOperator::Strided { .. } => self.is_constant(node.inputs[0]),
            _ => false,
        }
    }

    fn structure(&mut self, id: NodeId, sources: &[Integer], padding: i64) -> Option<Integer> {
        let node = &self.network.nodes[id];
        let operator = structural(node, padding)?;
        let exponent = sources.first()?.exponent;
        let mut range = sources.iter().map(|source| self.range(*source)).reduce(|a, b| a.hull(&b))?;
        if matches!(operator, Operator::Pad { .. }) {
            range = range.hull(&point(padding));
        }
        let shape = self.dimensions(id);
        let inputs = sources.iter().map(|source| source.value).collect();
        let value = self.push(operator, inputs, shape, range);
        Some(Integer { value, exponent })
    }

    fn moved(&mut self, id: NodeId) -> Result<Option<Integer>, QuantiseError> {
        if self.is_constant(id) {
            return Ok(None);
        }
        let network = self.network;
        let node = &network.nodes[id];
        let source = self.operand(id, 0);
        let mut integer = self.integer(source)?;
        if let (0, RealOperator::Strided { offset, .. }) = (source, &node.operator)
            && let Some(part) = self.segments.iter().position(|segment| segment.offset == *offset)
            && self.segments.len() > 1
        {
            integer.exponent = self.input_exponents.get(part).copied().unwrap_or(0);
        }
        let range = self.range(integer);
        let padding = match &node.operator {
            RealOperator::Pad { value, .. } if value.is_finite() => scaled(*value, integer.exponent),
            RealOperator::Pad { .. } => range.min,
            _ => 0,
        };
        if bounded(i128::from(padding), i128::from(padding)).is_none() {
            return Err(self.magnitude(id));
        }
        self.structure(id, &[integer], padding).map(Some).ok_or_else(|| self.magnitude(id))
    }

    fn concatenate(&mut self, id: NodeId) -> Result<Integer, QuantiseError> {
        let inputs = self.network.nodes[id].inputs.clone();
        for bits in ATTEMPTS {
            let mut parts = Vec::new();
            for input in &inputs {
                parts.push(if self.is_constant(*input) { None } else { Some(self.integer(*input)?) });
            }
            for (part, input) in parts.iter_mut().zip(&inputs) {
                if let Some(integer) = part {
                    *integer = self.narrow(*integer, self.interval(*input), bits);
                }
            }
            let exponent = parts.iter().flatten().map(|part| part.exponent).max();
            let exponent = match exponent {
                Some(exponent) => exponent,
                None => self.constant(inputs[0])?.exponent,
            };
            let Some(aligned) = self.aligned_parts(&inputs, &parts, exponent)? else { continue };
            return self.structure(id, &aligned, 0).ok_or_else(|| self.magnitude(id));
        }
        Err(self.magnitude(id))
    }

    fn aligned_parts(
        &mut self,
        inputs: &[NodeId],
        parts: &[Option<Integer>],
        exponent: i32,
    ) -> Result<Option<Vec<Integer>>, QuantiseError> {
        let fits = parts.iter().flatten().all(|part| self.raised(*part, exponent).is_some());
        if !fits {
            return Ok(None);
        }
        let mut aligned = Vec::new();
        for (part, input) in parts.iter().zip(inputs) {
            aligned.push(match part {
                Some(part) => self.align(*part, exponent),
                None => self.constant_at(*input, exponent)?,
            });
        }
        Ok(Some(aligned))
    }

    /// The interval of a value at a larger exponent, if it stays within bounds.
    pub(super) fn raised(&self, integer: Integer, exponent: i32) -> Option<Range> {
        let steps = u32::try_from(exponent - integer.exponent).ok().filter(|steps| *steps < 62)?;
        let (min, max) = self.range(integer).scaled(1i64 << steps);
        bounded(min, max)
    }

    /// The value at a larger exponent, which [`Emitter::raised`] allows.
    pub(super) fn align(&mut self, integer: Integer, exponent: i32) -> Integer {
        match self.raised(integer, exponent) {
            Some(range) if exponent > integer.exponent => {
                let multipliers = vec![1i64 << (exponent - integer.exponent)];
                let shape = self.shape(integer);
                let operator = Operator::Combine { multipliers, constant: 0 };
                Integer { value: self.push(operator, vec![integer.value], shape, range), exponent }
            }
            _ => integer,
        }
    }

    fn extremum(&mut self, id: NodeId, operator: Operator) -> Result<Integer, QuantiseError> {
        let (left, right) = (self.operand(id, 0), self.operand(id, 1));
        for bits in ATTEMPTS {
            let (a, b) = (self.integer(left)?, self.integer(right)?);
            // Comparing costs by the bits; narrowing first costs less than comparing wide values.
            let bits = bits.min(self.precision.factor_bits());
            let wide = |range: Range| range.count() > COMPARED_MAX;
            let a = if wide(self.range(a)) { self.narrow(a, self.interval(left), bits) } else { a };
            let b = if wide(self.range(b)) { self.narrow(b, self.interval(right), bits) } else { b };
            let exponent = a.exponent.max(b.exponent);
            if self.raised(a, exponent).is_none() || self.raised(b, exponent).is_none() {
                continue;
            }
            let (a, b) = (self.align(a, exponent), self.align(b, exponent));
            let (x, y) = (self.range(a), self.range(b));
            let range = if operator == Operator::Maximum {
                Range { min: x.min.max(y.min), max: x.max.max(y.max) }
            } else {
                Range { min: x.min.min(y.min), max: x.max.min(y.max) }
            };
            let shape = self.dimensions(id);
            let value = self.push(operator, vec![a.value, b.value], shape, range);
            return Ok(Integer { value, exponent });
        }
        Err(self.magnitude(id))
    }

    fn sum(&mut self, id: NodeId) -> Result<Integer, QuantiseError> {
        let source = self.operand(id, 0);
        let terms = i64::from(self.dimensions(source).last().copied().unwrap_or(1));
        for bits in ATTEMPTS {
            let integer = self.integer(source)?;
            let integer = self.narrow(integer, self.interval(source), bits);
            let (min, max) = self.range(integer).scaled(terms);
            if let Some(range) = bounded(min, max) {
                let shape = self.dimensions(id);
                let value = self.push(Operator::Sum, vec![integer.value], shape, range);
                return Ok(Integer { value, exponent: integer.exponent });
            }
        }
        Err(self.magnitude(id))
    }

    /// Products of pairs, and sums of `terms` of them.
    fn product(&mut self, id: NodeId, terms: fn(&[u32]) -> u32, operator: Operator) -> Result<Integer, QuantiseError> {
        let (left, right) = (self.operand(id, 0), self.operand(id, 1));
        let terms = i128::from(terms(&self.dimensions(left)));
        let mark = |range: Range| range.min >= -1 && range.max <= 1;
        for bits in ATTEMPTS {
            let (a, b) = (self.integer(left)?, self.integer(right)?);
            // A factor of 0 or 1 leaves the other one as wide as it is.
            let wide = mark(self.range(a)) || mark(self.range(b));
            let bits = if wide { bits } else { bits.min(self.precision.factor_bits()) };
            let a = self.narrow(a, self.interval(left), bits);
            let b = self.narrow(b, self.interval(right), bits);
            let (x, y) = (self.range(a), self.range(b));
            let (low, high) = (y.scaled(x.min), y.scaled(x.max));
            let (min, max) = (low.0.min(high.0) * terms, low.1.max(high.1) * terms);
            if let Some(range) = bounded(min, max) {
                let shape = self.dimensions(id);
                let value = self.push(operator, vec![a.value, b.value], shape, range);
                return Ok(Integer { value, exponent: a.exponent + b.exponent });
            }
        }
        Err(self.magnitude(id))
    }
}

impl RealOperator {
    /// The operator's name in messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Constant(_) => "constant",
            Self::Dense { .. } => "dense",
            Self::Convolution { .. } => "convolution",
            Self::Function(_) => "function",
            Self::Threshold { .. } => "threshold",
            Self::Combine { .. } => "combine",
            Self::Multiply => "multiply",
            Self::Maximum => "maximum",
            Self::Minimum => "minimum",
            Self::Sum => "sum",
            Self::MatrixMultiply => "matrix multiply",
            Self::Order { .. } => "order",
            Self::Reshape => "reshape",
            Self::Strided { .. } => "strided",
            Self::Concatenate { .. } => "concatenate",
            Self::Pad { .. } => "pad",
            Self::Select { .. } => "select",
        }
    }
}

//! Dense layers and convolutions: the scale of weights.

use circuits::model::analysis;
use circuits::model::graph::Operator;
use circuits::model::operator::Geometry;
use circuits::model::range::Range;
use circuits::model::weights::LinearWeights;

use super::super::real::{NodeId, RealOperator};
use super::emitter::{Emitter, Integer, Rounding, bounded};
use super::scale::{EXPONENT_LIMIT, exponent_of, fixed_exponent, scaled};
use super::{QuantiseError, point};

/// Bits that weights keep whatever shift they are scaled for.
const WEIGHT_BITS_KEPT: i32 = 8;
/// Bits of weights that only pick numbers to compare: their sums have one term.
const COMPARED_BITS: u32 = 16;
/// Bits by which weights that only pick are finer than others.
const PICKED_BITS: u32 = 3;
/// Inputs are narrowed beyond this.
const INPUT_BITS: u32 = 18;

impl Emitter<'_> {
    pub(super) fn linear(&mut self, id: NodeId) -> Result<Integer, QuantiseError> {
        let network = self.network;
        let (geometry, weights, bias) = match &network.nodes[id].operator {
            RealOperator::Dense { weights, bias } => (None, weights, bias),
            RealOperator::Convolution { geometry, weights, bias } => (Some(*geometry), weights, bias),
            _ => return Err(self.magnitude(id)),
        };
        let source_id = self.operand(id, 0);
        let source = self.integer(source_id)?;
        let picks = self.range(source).min >= 0 && self.range(source).max <= 1 && source.exponent == 0;
        let exact = fixed_exponent(weights, self.precision.weight_bits);
        let whole = weights.iter().all(|weight| (weight * f64::from(exact).exp2()).fract() == 0.0);
        // Sums with few exact weights stay exact; anything else reads few bits, which keeps what follows narrow.
        let bits = if whole && exact <= 0 { 40 } else { INPUT_BITS.min(self.precision.factor_bits().max(12)) };
        let mut source = self.narrow(source, self.interval(source_id), bits);
        // Picked numbers that are only compared with the input can be rounded to the input's own steps.
        let rounding = if picks { self.compared[id] } else { None };
        let mut exponent = match rounding {
            Some(Rounding::Exact) => fixed_exponent(weights, COMPARED_BITS),
            Some(_) => {
                let steps = self.input_exponents.iter().copied().max().unwrap_or(0);
                fixed_exponent(weights, COMPARED_BITS).min(steps)
            }
            None if picks => fixed_exponent(weights, self.precision.weight_bits + PICKED_BITS),
            None => exact,
        };
        let rounding = rounding.unwrap_or(Rounding::Exact);
        if !self.ends[id] && !picks && !whole {
            let interval = self.interval(id);
            let wanted = exponent_of(interval.span(), self.precision.activation_bits);
            let shift = i32::try_from(self.precision.shift).unwrap_or(12);
            let lowest = exponent - (self.precision.weight_bits as i32 - WEIGHT_BITS_KEPT).max(0);
            exponent = (wanted + shift - source.exponent).clamp(lowest.min(exponent), exponent);
        }
        exponent = exponent.min(EXPONENT_LIMIT - source.exponent);
        loop {
            match self.scaled_linear(id, source, (geometry.as_ref(), weights, bias), (exponent, rounding)) {
                Ok(integer) => return Ok(integer),
                Err(error) if exponent <= exact - 12 => {
                    let narrowed = self.narrow(source, self.interval(source_id), 12);
                    if narrowed == source {
                        return Err(error);
                    }
                    source = narrowed;
                    exponent = exact;
                }
                Err(_) => exponent -= 2,
            }
        }
    }

    fn scaled_linear(
        &mut self,
        id: NodeId,
        source: Integer,
        (geometry, weights, bias): (Option<&Geometry>, &[f64], &[f64]),
        (exponent, rounding): (i32, Rounding),
    ) -> Result<Integer, QuantiseError> {
        let limit = i64::from(i32::MAX);
        let integers = weights.iter().map(|weight| rounding.scaled(*weight, exponent).clamp(-limit, limit));
        let integers = integers.filter_map(|weight| i32::try_from(weight).ok()).collect();
        let sum_exponent = source.exponent + exponent;
        let biases: Vec<i64> = bias.iter().map(|bias| scaled(*bias, sum_exponent)).collect();
        if biases.iter().any(|bias| bounded(i128::from(*bias), i128::from(*bias)).is_none()) {
            return Err(self.magnitude(id));
        }
        let outputs = u32::try_from(bias.len()).unwrap_or(u32::MAX);
        let inputs = u32::try_from(weights.len() / bias.len().max(1)).unwrap_or(u32::MAX);
        let linear = LinearWeights::new(outputs, inputs, integers, biases)?;
        let operator = |accumulator: Range| match geometry {
            Some(geometry) => Operator::Convolution { geometry: *geometry, accumulator },
            None => Operator::Dense { inputs, outputs, accumulator },
        };
        let operands = analysis::operand_range(&operator(point(0)), self.range(source));
        let accumulator = analysis::tightest(self.nodes.len(), &linear, operands)?;
        if bounded(i128::from(accumulator.min), i128::from(accumulator.max)).is_none() {
            return Err(self.magnitude(id));
        }
        self.weights.insert(self.nodes.len(), linear);
        let shape = self.dimensions(id);
        let value = self.push(operator(accumulator), vec![source.value], shape, accumulator);
        Ok(Integer { value, exponent: sum_exponent })
    }
}

//! Sums with real multipliers.

use circuits::model::graph::Operator;

use super::super::real::{NodeId, RealOperator};
use super::QuantiseError;
use super::arithmetic::ATTEMPTS;
use super::emitter::{Emitter, Integer, Rounding, bounded};
use super::scale::{exponent_of, fixed_exponent, power_of_two, scaled};

/// Bits by which a difference that is compared with zero may be finer than its terms.
const COMPARED_BITS: i32 = 14;
/// Bits of a multiplier, sign included.
const MULTIPLIER_BITS: u32 = 14;

/// `m x` as an integer multiple: `multiplier X` at `exponent`.
struct Term {
    node: NodeId,
    /// `None` for a constant, whose integers are chosen with the sum's exponent.
    integer: Option<Integer>,
    multiplier: i64,
    exponent: i32,
}

impl Rounding {
    /// `value 2^exponent`, rounded this way, to the nearest whole number where none is prescribed.
    pub(super) fn scaled(self, value: f64, exponent: i32) -> i64 {
        let real = value * f64::from(exponent).exp2();
        match self {
            Self::Down => real.floor() as i64,
            Self::Up => real.ceil() as i64,
            Self::Exact => scaled(value, exponent),
        }
    }

    /// The other way round.
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::Down => Self::Up,
            Self::Up => Self::Down,
            Self::Exact => Self::Exact,
        }
    }
}

impl Emitter<'_> {
    pub(super) fn combine(&mut self, id: NodeId, multipliers: &[f64], constant: f64) -> Result<Integer, QuantiseError> {
        let inputs = self.network.nodes[id].inputs.clone();
        // Multiplying by a power of two alone is a matter of exponents.
        if let ([input], [multiplier]) = (&inputs[..], multipliers)
            && constant == 0.0
            && *multiplier > 0.0
            && multiplier.log2().fract() == 0.0
            && !self.is_constant(*input)
        {
            let integer = self.integer(*input)?;
            return Ok(Integer { exponent: integer.exponent - multiplier.log2() as i32, ..integer });
        }
        for bits in ATTEMPTS {
            let terms = self.terms(&inputs, multipliers, bits)?;
            let exponent = self.sum_exponent(id, &terms, constant);
            if let Some(integer) = self.summed(id, &terms, constant, exponent)? {
                return Ok(integer);
            }
        }
        Err(self.magnitude(id))
    }

    fn terms(&mut self, inputs: &[NodeId], multipliers: &[f64], bits: u32) -> Result<Vec<Term>, QuantiseError> {
        let mut terms = Vec::new();
        for (node, multiplier) in inputs.iter().copied().zip(multipliers.iter().copied()) {
            let factor = fixed_exponent(&[multiplier], MULTIPLIER_BITS);
            let integer = if self.is_constant(node) {
                None
            } else {
                let integer = self.integer(node)?;
                Some(self.narrow(integer, self.interval(node), bits))
            };
            let exponent = integer.map_or(i32::MIN, |integer| integer.exponent + factor);
            terms.push(Term { node, integer, multiplier: scaled(multiplier, factor), exponent });
        }
        Ok(terms)
    }

    /// The finest exponent among the terms, finer where constants need it.
    fn sum_exponent(&self, id: NodeId, terms: &[Term], constant: f64) -> i32 {
        let own = terms.iter().filter(|term| term.integer.is_some()).map(|term| term.exponent).max();
        let wanted = exponent_of(self.interval(id).magnitude(), self.precision.result_bits());
        let own = own.unwrap_or(wanted);
        let mut numbers = vec![constant];
        for term in terms.iter().filter(|term| term.integer.is_none()) {
            numbers.extend(self.constants(term.node));
        }
        let smallest = numbers.iter().filter(|number| **number != 0.0).map(|number| -power_of_two(*number)).max();
        let Some(needed) = smallest.filter(|needed| *needed > own) else { return own };
        let finer = match self.rounding(id, terms, constant) {
            Some(Rounding::Exact) => own + COMPARED_BITS,
            Some(_) => return own,
            None => own.max(wanted),
        };
        needed.min(finer)
    }

    /// How the one constant of a difference may be rounded; several would be rounded several times.
    fn rounding(&self, id: NodeId, terms: &[Term], constant: f64) -> Option<Rounding> {
        let rounding = self.compared[id]?;
        let fixed = terms.iter().filter(|term| term.integer.is_none());
        let whole = terms.iter().all(|term| self.multiplier_of(id, term.node).abs() == 1.0 || term.integer.is_some());
        let lone = fixed.count() + usize::from(constant != 0.0) == 1;
        Some(if lone && whole { rounding } else { Rounding::Exact })
    }

    /// The numbers of a constant, without its repetitions.
    fn constants(&self, id: NodeId) -> Vec<f64> {
        match &self.network.nodes[id].operator {
            RealOperator::Constant(values) => values.to_vec(),
            _ => self.constants(self.operand(id, 0)),
        }
    }

    /// The sum at an exponent; `None` if it does not stay within bounds.
    fn summed(
        &mut self,
        id: NodeId,
        terms: &[Term],
        constant: f64,
        exponent: i32,
    ) -> Result<Option<Integer>, QuantiseError> {
        let rounding = self.rounding(id, terms, constant).unwrap_or(Rounding::Exact);
        let offset = rounding.scaled(constant, exponent);
        let mut sum = (i128::from(offset), i128::from(offset));
        let mut multipliers = Vec::new();
        let mut values = Vec::new();
        for term in terms {
            let (multiplier, value) = match term.integer {
                Some(integer) => {
                    let Some(raised) = u32::try_from(exponent - term.exponent)
                        .ok()
                        .filter(|steps| *steps < 46)
                        .and_then(|steps| term.multiplier.checked_mul(1 << steps))
                    else {
                        return Ok(None);
                    };
                    (raised, integer)
                }
                None => {
                    let largest =
                        self.constants(term.node).iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
                    if largest * f64::from(exponent).exp2() > f64::from(40).exp2() {
                        return Ok(None);
                    }
                    // A multiplier that is no whole number is rare here; its constant then carries the extra bits.
                    let factor = fixed_exponent(&[self.multiplier_of(id, term.node)], MULTIPLIER_BITS);
                    let rounding = if term.multiplier < 0 { rounding.reversed() } else { rounding };
                    (term.multiplier, self.constant_rounded(term.node, exponent - factor, rounding)?)
                }
            };
            let (low, high) = self.range(value).scaled(multiplier);
            sum = (sum.0 + low, sum.1 + high);
            multipliers.push(multiplier);
            values.push(value.value);
        }
        let Some(range) = bounded(sum.0, sum.1) else { return Ok(None) };
        let shape = self.dimensions(id);
        let value = self.push(Operator::Combine { multipliers, constant: offset }, values, shape, range);
        Ok(Some(Integer { value, exponent }))
    }

    fn multiplier_of(&self, id: NodeId, input: NodeId) -> f64 {
        let node = &self.network.nodes[id];
        let RealOperator::Combine { multipliers, .. } = &node.operator else { return 1.0 };
        let place = node.inputs.iter().position(|other| *other == input);
        place.and_then(|place| multipliers.get(place)).copied().unwrap_or(1.0)
    }
}

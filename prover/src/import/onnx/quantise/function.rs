//! Functions of one variable: a clamp and a table.

use circuits::model::formula::{Formula, Step};
use circuits::model::graph::{Activation, FORMULA_DOMAIN_MAX, GraphError};
use circuits::model::range::Range;

use super::super::real::NodeId;
use super::super::real::expression::{constant, is_relu};
use super::emitter::{Emitter, Integer};
use super::scale::{EXPONENT_LIMIT, Interval, exponent_of};
use super::{QuantiseError, point};

/// Bits of the result of a function that nothing but the output reads.
const END_BITS: u32 = 16;

impl Emitter<'_> {
    pub(super) fn function(&mut self, id: NodeId, steps: &[Step]) -> Result<Integer, QuantiseError> {
        let source_id = self.operand(id, 0);
        let source = self.integer(source_id)?;
        if is_relu(steps) {
            return Ok(self.relu(source, self.interval(id)));
        }
        let interval = self.interval(source_id);
        // Where the argument has few values anyway, none of them is merged with another.
        let range = self.range(source);
        let bits = self.precision.activation_bits;
        let few = range.count() <= 1 << (bits + 1);
        let wanted = if few { source.exponent } else { exponent_of(interval.span(), bits) };
        let exponent = wanted.min(source.exponent).clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT);
        let shift = (source.exponent - exponent).max(0).unsigned_abs();
        let clamp = if few { range } else { interval.widened().integers(exponent) };
        let arguments = self.quotients(source, shift, clamp);
        if arguments.count() > FORMULA_DOMAIN_MAX {
            // Numbers beyond every exponent: walking through them all would never end.
            return Err(GraphError::Domain { node: self.nodes.len(), got: arguments.count() }.into());
        }
        let formula = self.formula(id, steps, exponent);
        let results = results(&formula, arguments);
        let output = i32::from(formula.output_exponent);
        let value = self.requantise(source, shift, clamp, Activation::Formula(formula), results);
        Ok(Integer { value, exponent: output })
    }

    /// `max(x, 0)`, clamped to what calibration saw.
    fn relu(&mut self, source: Integer, interval: Interval) -> Integer {
        let range = self.range(source);
        let bits = self.precision.activation_bits;
        let high = interval.high.max(0.0);
        let few = range.max.max(0) < 1 << bits;
        let wanted = if few { source.exponent } else { exponent_of(high, bits) };
        let exponent = wanted.min(source.exponent);
        let shift = (source.exponent - exponent).max(0).unsigned_abs();
        let top = Interval { low: 0.0, high }.widened().integers(exponent).max.max(1);
        let top = if few { range.max.max(1) } else { top };
        let clamp = Range { min: 0, max: top };
        let results = self.quotients(source, shift, clamp);
        let value = self.requantise(source, shift, clamp, Activation::Relu, results);
        Integer { value, exponent }
    }

    /// The formula with scales: results as fine as their bits allow over what calibration saw.
    fn formula(&self, id: NodeId, steps: &[Step], input_exponent: i32) -> Formula {
        let interval = self.interval(id);
        let whole = matches!(
            steps.last(),
            Some(Step::Floor | Step::Ceiling | Step::RoundHalfEven | Step::Sign | Step::Less | Step::Equal)
        ) || self.network.nodes[id].whole;
        let bits = if self.ends[id] { END_BITS } else { self.precision.result_bits() };
        let output_exponent = if whole { 0 } else { exponent_of(interval.magnitude(), bits) };
        let output_exponent = output_exponent.clamp(-EXPONENT_LIMIT, EXPONENT_LIMIT);
        let results = interval.widened().integers(output_exponent);
        let narrow = |exponent: i32| i8::try_from(exponent).unwrap_or(0);
        Formula {
            steps: steps.to_vec(),
            input_exponent: narrow(input_exponent),
            output_exponent: narrow(output_exponent),
            results,
        }
    }

    /// The sign of a value, by a table of three.
    pub(super) fn threshold(&mut self, id: NodeId, values: [i64; 3]) -> Result<Integer, QuantiseError> {
        let source = self.integer(self.operand(id, 0))?;
        let clamp = Range { min: -1, max: 1 };
        let arguments = self.quotients(source, 0, clamp);
        let activation = match values {
            [-1, 0, 1] => Activation::Identity,
            _ => Activation::Formula(three(values)),
        };
        let all = (arguments.min..=arguments.max).map(|q| point(activation.apply(q)));
        let range = all.reduce(|a, b| a.hull(&b)).unwrap_or(point(0));
        let value = self.requantise(source, 0, clamp, activation, range);
        Ok(Integer { value, exponent: 0 })
    }
}

/// The formula that is `values` at -1, 0 and 1.
pub(super) fn three([negative, zero, positive]: [i64; 3]) -> Formula {
    let number = |value: i64| constant(value as f64);
    let line = |from: i64, to: i64, side: Step| {
        // zero + (to - from) * max(x, 0), or min.
        Some(vec![Step::Variable, number(0)?, side, number(to - from)?, Step::Multiply])
    };
    let above = line(zero, positive, Step::Maximum).unwrap_or_default();
    let below = line(negative, zero, Step::Minimum).unwrap_or_default();
    let mut steps = [above, below, vec![Step::Add]].concat();
    if let Some(offset) = number(zero).filter(|_| zero != 0) {
        steps.extend([offset, Step::Add]);
    }
    let results = point(negative).hull(&point(zero)).hull(&point(positive));
    Formula { steps, input_exponent: 0, output_exponent: 0, results }
}

/// The interval of a formula over all its arguments.
fn results(formula: &Formula, arguments: Range) -> Range {
    let all = (arguments.min..=arguments.max).map(|q| point(formula.apply(q)));
    all.reduce(|a, b| a.hull(&b)).unwrap_or(point(0))
}

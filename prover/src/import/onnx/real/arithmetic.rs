//! Arithmetic of a network in the making: sums are merged, and multipliers move outward until something takes them in.

use circuits::model::formula::Step;

use super::super::quantise::scale::HUGE;
use super::builder::{Builder, Built, refuse};
use super::expression::{self, Expression, fits, scaled};
use super::{NodeId, RealNode, RealOperator};

/// Largest number of terms of one sum.
const TERMS_MAX: usize = 16;

impl Builder {
    /// `constant + sum_i multiplier_i x_i` over values of one shape.
    pub(crate) fn combine(&mut self, terms: &[(NodeId, f64)], constant: f64) -> Built {
        let Some(shape) = terms.first().map(|(id, _)| self.shape(*id).to_vec()) else {
            return refuse("an empty sum");
        };
        let (terms, constant) = self.flattened(terms, constant);
        if !constant.is_finite() {
            return refuse("a sum with infinity in every element");
        }
        let Some((first, multiplier)) = terms.first().copied() else {
            return self.filled(&shape, constant);
        };
        if terms.len() == 1 && multiplier == 1.0 && constant == 0.0 {
            return Ok(first);
        }
        if let Some(folded) = self.fold_into_linear(&terms, constant)? {
            return Ok(folded);
        }
        if terms.len() > 1
            && multiplier.abs().log2().fract() != 0.0
            && terms.iter().all(|(_, other)| other.abs() == multiplier.abs())
        {
            // The common factor stays outside, where a function or weights can take it.
            let signs: Vec<(NodeId, f64)> = terms.iter().map(|(id, other)| (*id, other.signum())).collect();
            let inner = self.combine(&signs, 0.0)?;
            return self.scaled_by(inner, multiplier.abs(), constant);
        }
        let fused = self.fused_sum(&terms, constant);
        if let Some((expression, false)) = &fused {
            return self.function_of(expression.root, expression.steps.clone(), shape);
        }
        let (inputs, multipliers) = terms.into_iter().unzip();
        let id = self.push(RealOperator::Combine { multipliers, constant }, inputs, shape)?;
        if let Some((expression, true)) = fused {
            self.describe(id, expression);
        }
        Ok(id)
    }

    /// `multiplier x + constant` as a node of its own.
    fn scaled_by(&mut self, input: NodeId, multiplier: f64, constant: f64) -> Built {
        let shape = self.shape(input).to_vec();
        let fused = self.fused_sum(&[(input, multiplier)], constant);
        let id = self.push(RealOperator::Combine { multipliers: vec![multiplier], constant }, vec![input], shape)?;
        if let Some((expression, true)) = fused {
            self.describe(id, expression);
        }
        Ok(id)
    }

    /// A node as `multiplier x + constant` of another, where it is one. Such scalars move outward through whatever
    /// only moves or adds up elements, until a function or the weights of a layer take them in.
    pub(super) fn scalar_of(&self, id: NodeId) -> Option<(NodeId, f64, f64)> {
        match self.node(id) {
            RealNode { operator: RealOperator::Combine { multipliers, constant }, inputs, .. } => {
                match (&inputs[..], &multipliers[..]) {
                    ([input], [multiplier]) => Some((*input, *multiplier, *constant)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The same for nodes that are a plain multiple.
    pub(super) fn multiple_of(&self, id: NodeId) -> Option<(NodeId, f64)> {
        self.scalar_of(id).filter(|(.., constant)| *constant == 0.0).map(|(input, multiplier, _)| (input, multiplier))
    }

    /// Terms with inner sums opened, equal inputs merged and uniform constants added up.
    fn flattened(&self, terms: &[(NodeId, f64)], mut constant: f64) -> (Vec<(NodeId, f64)>, f64) {
        let mut flat: Vec<(NodeId, f64)> = Vec::new();
        let mut add = |id: NodeId, multiplier: f64, constant: &mut f64| {
            if let Some(value) = self.uniform(id) {
                *constant += multiplier * value;
            } else if let Some((_, sum)) = flat.iter_mut().find(|(other, _)| *other == id) {
                *sum += multiplier;
            } else {
                flat.push((id, multiplier));
            }
        };
        for (id, multiplier) in terms {
            match self.node(*id) {
                RealNode { operator: RealOperator::Combine { multipliers, constant: inner }, inputs, .. }
                    if terms.len() + inputs.len() <= TERMS_MAX
                        && !inputs.iter().any(|input| self.is_constant(*input)) =>
                {
                    constant += multiplier * inner;
                    for (input, factor) in inputs.iter().zip(multipliers) {
                        add(*input, multiplier * factor, &mut constant);
                    }
                }
                _ => add(*id, *multiplier, &mut constant),
            }
        }
        flat.retain(|(_, multiplier)| *multiplier != 0.0);
        (flat, constant)
    }

    /// The sum as a function of one variable, and whether it is linear in it.
    fn fused_sum(&self, terms: &[(NodeId, f64)], constant: f64) -> Option<(Expression, bool)> {
        let mut parts = terms.iter().map(|(id, multiplier)| (self.expression(*id), *multiplier));
        let (first, multiplier) = parts.next()?;
        let root = first.root;
        let (mut linear, mut truth) = (first.linear, first.truth || expression::is_relu(&first.steps));
        let mut steps = scaled(first.steps, multiplier, constant)?;
        for (part, multiplier) in parts {
            if part.root != root {
                return None;
            }
            linear &= part.linear;
            truth &= part.truth;
            steps.extend(scaled(part.steps, multiplier, 0.0)?);
            steps.push(Step::Add);
        }
        // Sums of truth values, or of one rectified value, are exact without a table.
        let keep = linear || truth;
        fits(&steps).then_some((Expression { root, steps, linear, truth }, keep))
    }

    /// `a b` over values of one shape.
    pub(crate) fn multiply(&mut self, a: NodeId, b: NodeId) -> Built {
        match (self.uniform(a), self.uniform(b)) {
            (_, Some(factor)) => return self.combine(&[(a, factor)], 0.0),
            (Some(factor), None) => return self.combine(&[(b, factor)], 0.0),
            _ => {}
        }
        for (value, factors) in [(a, b), (b, a)] {
            if let Some(folded) = self.scale_linear(value, factors)? {
                return Ok(folded);
            }
        }
        if self.expression(a).root != self.expression(b).root {
            for (value, other) in [(a, b), (b, a)] {
                if let Some((inner, multiplier)) = self.multiple_of(value) {
                    let product = self.multiply(inner, other)?;
                    return self.combine(&[(product, multiplier)], 0.0);
                }
            }
        }
        self.binary(RealOperator::Multiply, Step::Multiply, a, b)
    }

    /// `max(a, b)` over values of one shape.
    pub(crate) fn maximum(&mut self, a: NodeId, b: NodeId) -> Built {
        self.extremum(RealOperator::Maximum, Step::Maximum, a, b)
    }

    /// `min(a, b)` over values of one shape.
    pub(crate) fn minimum(&mut self, a: NodeId, b: NodeId) -> Built {
        self.extremum(RealOperator::Minimum, Step::Minimum, a, b)
    }

    fn extremum(&mut self, operator: RealOperator, step: Step, a: NodeId, b: NodeId) -> Built {
        for (value, bound) in [(a, b), (b, a)] {
            // A bound that bounds nothing.
            let side = if operator == RealOperator::Maximum { -1.0 } else { 1.0 };
            if self.uniform(bound).is_some_and(|bound| bound * side >= HUGE) {
                return Ok(value);
            }
            // Whole numbers stay exact when they are compared, not looked up.
            if let Some(bound) = self.uniform(bound).and_then(expression::constant)
                && !(self.whole(a) && self.whole(b))
            {
                return self.function(value, &[Step::Variable, bound, step]);
            }
        }
        if let (Some((left, multiplier, constant)), Some((right, other, offset))) =
            (self.scalar_of(a), self.scalar_of(b))
            && multiplier > 0.0
            && (multiplier, constant) == (other, offset)
        {
            let inner = self.extremum(operator, step, left, right)?;
            return self.combine(&[(inner, multiplier)], constant);
        }
        self.binary(operator, step, a, b)
    }

    fn binary(&mut self, operator: RealOperator, step: Step, a: NodeId, b: NodeId) -> Built {
        let shape = self.shape(a).to_vec();
        if self.shape(b) != shape {
            return refuse(format!("operands of shapes {shape:?} and {:?}", self.shape(b)));
        }
        let (left, right) = (self.expression(a), self.expression(b));
        if left.root == right.root && !(left.truth && right.truth) {
            let steps: Vec<Step> = [left.steps, right.steps, vec![step]].concat();
            if fits(&steps) {
                return self.function_of(left.root, steps, shape);
            }
        }
        self.push(operator, vec![a, b], shape)
    }

    /// `positive`, `zero` or `negative` by the sign of the input.
    pub(crate) fn threshold(&mut self, input: NodeId, [negative, zero, positive]: [i64; 3]) -> Built {
        let shape = self.shape(input).to_vec();
        let Expression { root, steps: inner, .. } = self.expression(input);
        let id = self.push(RealOperator::Threshold { negative, zero, positive }, vec![input], shape)?;
        if let Some(steps) = expression::constant(0.0).and_then(|nought| {
            let above = [&[nought][..], &inner, &[Step::Less]].concat();
            let below = [&inner[..], &[nought, Step::Less]].concat();
            let above = scaled(above, (positive - zero) as f64, 0.0)?;
            let below = scaled(below, (negative - zero) as f64, zero as f64)?;
            Some([above, below, vec![Step::Add]].concat())
        }) && fits(&steps)
        {
            self.describe(id, Expression { root, steps, linear: false, truth: true });
        }
        Ok(id)
    }

    /// The sum along the last dimension.
    pub(crate) fn sum(&mut self, input: NodeId) -> Built {
        let mut shape = self.shape(input).to_vec();
        let length = shape.pop();
        if length == Some(1) {
            return self.reshape(input, shape);
        }
        if let Some((inner, multiplier, constant)) = self.scalar_of(input) {
            let sum = self.sum(inner)?;
            return self.combine(&[(sum, multiplier)], constant * f64::from(length.unwrap_or(1)));
        }
        self.push(RealOperator::Sum, vec![input], shape)
    }

    /// `[batch, m, k]` times `[batch, k, n]`.
    pub(crate) fn matrix_multiply(&mut self, a: NodeId, b: NodeId) -> Built {
        if let Some((inner, multiplier)) = self.multiple_of(a) {
            let product = self.matrix_multiply(inner, b)?;
            return self.combine(&[(product, multiplier)], 0.0);
        }
        if let Some((inner, multiplier)) = self.multiple_of(b) {
            let product = self.matrix_multiply(a, inner)?;
            return self.combine(&[(product, multiplier)], 0.0);
        }
        match (self.shape(a), self.shape(b)) {
            (&[batch, m, k], &[other, inner, n]) if batch == other && k == inner => {
                self.push(RealOperator::MatrixMultiply, vec![a, b], vec![batch, m, n])
            }
            (left, right) => refuse(format!("matrices of shapes {left:?} and {right:?}")),
        }
    }

    /// The first `kept` elements of the last dimension in order.
    pub(crate) fn order(&mut self, input: NodeId, [largest, last, positions]: [bool; 3], kept: u32) -> Built {
        let mut shape = self.shape(input).to_vec();
        match shape.last_mut() {
            Some(length) if (1..=*length).contains(&kept) => *length = kept,
            _ => return refuse(format!("the first {kept} of shape {shape:?}")),
        }
        self.push(RealOperator::Order { largest, last, count: kept, positions }, vec![input], shape)
    }
}

//! Random formulas: any steps in any order, results clamped.

use super::Dag;
use crate::model::formula::{Formula, Real, Step};
use crate::model::range::Range;

const UNARY: [Step; 24] = [
    Step::Negate,
    Step::Absolute,
    Step::Exponential,
    Step::Logarithm,
    Step::SquareRoot,
    Step::HyperbolicTangent,
    Step::ErrorFunction,
    Step::Sine,
    Step::Cosine,
    Step::Tangent,
    Step::ArcSine,
    Step::ArcCosine,
    Step::ArcTangent,
    Step::HyperbolicSine,
    Step::HyperbolicCosine,
    Step::AreaSine,
    Step::AreaCosine,
    Step::AreaTangent,
    Step::Floor,
    Step::Ceiling,
    Step::RoundHalfEven,
    Step::Sign,
    Step::Sigmoid,
    Step::Softplus,
];

const BINARY: [Step; 9] = [
    Step::Add,
    Step::Subtract,
    Step::Multiply,
    Step::Divide,
    Step::Power,
    Step::Maximum,
    Step::Minimum,
    Step::Less,
    Step::Equal,
];

impl Dag<'_> {
    /// A formula of at most about two dozen steps.
    pub(super) fn formula(&mut self) -> Formula {
        let length = usize::try_from(self.source.between(2, 12)).unwrap_or(1);
        let (mut steps, mut height) = (vec![], 0);
        while steps.len() < length || height != 1 {
            let full = steps.len() >= length;
            if height >= 2 && (full || self.source.one_in(2)) {
                steps.extend(self.source.pick(&BINARY));
                height -= 1;
            } else if height >= 1 && self.source.one_in(2) {
                steps.extend(self.source.pick(&UNARY));
            } else {
                steps.push(self.leaf());
                height += 1;
            }
        }
        let exponent = |number: u64| i8::try_from(number).unwrap_or(0);
        let bound = self.limits.magnitude_max().min(4000);
        let results = Range { min: -self.source.symmetric(bound).abs(), max: self.source.symmetric(bound).abs() };
        Formula {
            steps,
            input_exponent: exponent(self.source.up_to(7)) - 1,
            output_exponent: exponent(self.source.up_to(8)),
            results,
        }
    }

    fn leaf(&mut self) -> Step {
        if !self.source.one_in(3) {
            return Step::Variable;
        }
        let eighths = i16::try_from(self.source.symmetric(64)).unwrap_or(1);
        Real::new(f64::from(eighths) / 8.0).map_or(Step::Variable, Step::Constant)
    }
}

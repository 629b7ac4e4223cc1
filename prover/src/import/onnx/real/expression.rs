//! One-variable functions as programs, so that a chain of them becomes a single lookup.

use circuits::model::formula::{Formula, Real, STEPS_MAX, Step};
use circuits::model::range::Range;

use super::NodeId;

/// A node's value as a function of another node's, element by element.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    /// The variable.
    pub(crate) root: NodeId,
    /// The function.
    pub(crate) steps: Vec<Step>,
    /// Whether it is `a x + b`: then fusing it gains nothing by itself.
    pub(crate) linear: bool,
    /// Whether it came from a comparison, which is exact without a table of its argument.
    pub(crate) truth: bool,
}

/// The program of a constant; `None` if it is not finite.
pub(crate) fn constant(value: f64) -> Option<Step> {
    Real::new(value).map(Step::Constant)
}

/// `outer(inner(x))`.
pub(crate) fn compose(outer: &[Step], inner: &[Step]) -> Vec<Step> {
    let mut steps = Vec::new();
    for step in outer {
        match step {
            Step::Variable => steps.extend_from_slice(inner),
            other => steps.push(*other),
        }
    }
    steps
}

/// Whether a formula may hold this program.
pub(crate) fn fits(steps: &[Step]) -> bool {
    let formula = formula(steps.to_vec());
    steps.len() <= STEPS_MAX && formula.check().is_ok()
}

/// Whether the program is `max(x, 0)`.
pub(crate) fn is_relu(steps: &[Step]) -> bool {
    matches!(steps, [Step::Variable, Step::Constant(zero), Step::Maximum] if zero.get() == 0.0)
}

/// `multiplier x + offset` after `steps`.
pub(crate) fn scaled(mut steps: Vec<Step>, multiplier: f64, offset: f64) -> Option<Vec<Step>> {
    if multiplier == -1.0 {
        steps.push(Step::Negate);
    } else if multiplier != 1.0 {
        steps.extend([constant(multiplier)?, Step::Multiply]);
    }
    if offset != 0.0 {
        steps.extend([constant(offset)?, Step::Add]);
    }
    Some(steps)
}

/// The program on a formula without scales, to check and to evaluate it.
pub(crate) fn formula(steps: Vec<Step>) -> Formula {
    Formula { steps, input_exponent: 0, output_exponent: 0, results: Range { min: 0, max: 0 } }
}

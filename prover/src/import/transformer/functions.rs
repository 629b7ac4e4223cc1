//! The functions of a transformer as formulas over integers.

use circuits::model::formula::{Formula, Real, Step};
use circuits::model::graph::Activation;
use circuits::model::range::Range;

use super::TransformerError;
use super::configuration::Nonlinearity;

/// Largest weight of a key before softmax divides by the sum.
pub(super) const SHARE_MAX: i64 = (1 << 12) - 1;

fn constant(value: f64) -> Result<Step, TransformerError> {
    let place = || TransformerError::NotFinite { place: "a formula".into() };
    Real::new(value).map(Step::Constant).ok_or_else(place)
}

fn exponent(value: i32) -> i8 {
    i8::try_from(value).unwrap_or(i8::MAX)
}

/// `steps` of an argument of one exponent, for results of another within `results`.
fn formula(steps: Vec<Step>, [argument, result]: [i32; 2], results: Range) -> Activation {
    let formula = Formula { steps, input_exponent: exponent(argument), output_exponent: exponent(result), results };
    Activation::Formula(formula)
}

/// A feed-forward function, of exponents `[argument, result]`, in `bits` bits.
pub(super) fn nonlinearity(kind: Nonlinearity, exponents: [i32; 2], bits: u32) -> Result<Activation, TransformerError> {
    use Step::{Add, ErrorFunction, HyperbolicTangent, Multiply, Sigmoid, Variable};
    let steps = match kind {
        Nonlinearity::Gelu => {
            let inner = vec![Variable, constant(std::f64::consts::FRAC_1_SQRT_2)?, Multiply, ErrorFunction];
            [inner, vec![constant(1.0)?, Add, Variable, Multiply, constant(0.5)?, Multiply]].concat()
        }
        Nonlinearity::GeluTanh => {
            let cube = vec![Variable, Variable, Multiply, Variable, Multiply, constant(0.044715)?, Multiply];
            let scale = (2.0 / std::f64::consts::PI).sqrt();
            let inner = vec![Variable, Add, constant(scale)?, Multiply, HyperbolicTangent];
            [cube, inner, vec![constant(1.0)?, Add, Variable, Multiply, constant(0.5)?, Multiply]].concat()
        }
        Nonlinearity::Silu | Nonlinearity::SwiGlu => vec![Variable, Variable, Sigmoid, Multiply],
    };
    let limit = 1i64 << (bits - 1);
    Ok(formula(steps, exponents, Range { min: -limit, max: limit - 1 }))
}

/// `SHARE_MAX e^x` of a number that is not positive.
pub(super) fn exponential(argument: i32) -> Result<Activation, TransformerError> {
    let steps = vec![Step::Variable, Step::Exponential, constant(SHARE_MAX as f64)?, Step::Multiply];
    Ok(formula(steps, [argument, 0], Range { min: 0, max: SHARE_MAX }))
}

/// `1 / x`, in at most `bits` bits.
pub(super) fn reciprocal(exponents: [i32; 2], bits: u32) -> Result<Activation, TransformerError> {
    let steps = vec![constant(1.0)?, Step::Variable, Step::Divide];
    Ok(formula(steps, exponents, Range { min: 0, max: 1 << bits }))
}

/// `1 / sqrt(x / count + epsilon)`, in at most `bits` bits.
pub(super) fn reciprocal_root(
    exponents: [i32; 2],
    count: f64,
    epsilon: f64,
    bits: u32,
) -> Result<Activation, TransformerError> {
    use Step::{Add, Divide, Multiply, SquareRoot, Variable};
    let inside = [Variable, constant(1.0 / count)?, Multiply, constant(epsilon)?, Add];
    let steps = [vec![constant(1.0)?], inside.to_vec(), vec![SquareRoot, Divide]].concat();
    Ok(formula(steps, exponents, Range { min: 0, max: 1 << bits }))
}

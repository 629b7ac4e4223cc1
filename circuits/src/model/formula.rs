//! Real functions of one variable, as short programs whose value is the same on every machine.
//!
//! A lookup table is derived from the graph by prover, verifier and chain alike, so the functions behind it must not
//! depend on a platform's mathematics library. A formula is a program in reverse Polish notation over IEEE doubles:
//! addition to division and the square root are exact by that standard, and everything else comes from the portable
//! build of the `libm` crate, whose version is pinned and whose results a test holds fast. A whole chain of
//! element-wise operations (GELU, softplus, `x / (1 + |x|)`) becomes one formula and so one lookup, with one rounding
//! at its end. Storing the table's integers instead was the other choice: hundreds of kilobytes in a registration, and
//! nobody can read what they compute.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::range::Range;

/// Largest number of steps of a formula.
pub const STEPS_MAX: usize = 64;
/// Largest number of values that a formula holds at once.
pub const STACK_MAX: usize = 16;
/// Exponents of a formula's input and output run from minus this to this.
pub const EXPONENT_MAX: i8 = 60;

/// Arguments of an interval that are evaluated side by side.
const BLOCK: usize = 32;

/// A finite double; its JSON is a decimal string that reads back to the same bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(f64);

impl Real {
    /// `value`, or `None` if it is infinite or not a number. Negative zero becomes zero.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(if value == 0.0 { 0.0 } else { value }))
    }

    /// The double.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    fn from_bits(bits: u64) -> Option<Self> {
        Self::new(f64::from_bits(bits)).filter(|real| real.0.to_bits() == bits)
    }
}

// Sound because a real is never NaN.
impl Eq for Real {}

impl BorshSerialize for Real {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        BorshSerialize::serialize(&self.0.to_bits(), writer)
    }
}

impl BorshDeserialize for Real {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let bits = <u64 as BorshDeserialize>::deserialize_reader(reader)?;
        let refused = || borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, "formula constant: not finite");
        Self::from_bits(bits).ok_or_else(refused)
    }
}

impl Serialize for Real {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `{:?}` prints the shortest decimal that reads back to the same double.
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        let value = text.parse().ok().and_then(Self::new);
        value.filter(|real| format!("{:?}", real.0) == text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "formula constant: expected the shortest form of a finite double, got {text}"
            ))
        })
    }
}

/// One step of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Step {
    /// Pushes the variable.
    Variable = 0,
    /// Pushes a constant.
    Constant(Real) = 1,
    /// Replaces `a, b` by `a + b`.
    Add = 2,
    /// Replaces `a, b` by `a - b`.
    Subtract = 3,
    /// Replaces `a, b` by `a b`.
    Multiply = 4,
    /// Replaces `a, b` by `a / b`.
    Divide = 5,
    /// Replaces `a, b` by `a` to the power `b`.
    Power = 6,
    /// Replaces `a, b` by the larger.
    Maximum = 7,
    /// Replaces `a, b` by the smaller.
    Minimum = 8,
    /// Replaces `a, b` by 1 if `a < b`, else 0.
    Less = 9,
    /// Replaces `a, b` by 1 if they are equal, else 0.
    Equal = 10,
    /// `-a`
    Negate = 11,
    /// `|a|`
    Absolute = 12,
    /// `e^a`
    Exponential = 13,
    /// Natural logarithm.
    Logarithm = 14,
    /// Square root.
    SquareRoot = 15,
    /// Hyperbolic tangent.
    HyperbolicTangent = 16,
    /// Gauss error function.
    ErrorFunction = 17,
    /// Sine.
    Sine = 18,
    /// Cosine.
    Cosine = 19,
    /// Tangent.
    Tangent = 20,
    /// Inverse sine.
    ArcSine = 21,
    /// Inverse cosine.
    ArcCosine = 22,
    /// Inverse tangent.
    ArcTangent = 23,
    /// Hyperbolic sine.
    HyperbolicSine = 24,
    /// Hyperbolic cosine.
    HyperbolicCosine = 25,
    /// Inverse hyperbolic sine.
    AreaSine = 26,
    /// Inverse hyperbolic cosine.
    AreaCosine = 27,
    /// Inverse hyperbolic tangent.
    AreaTangent = 28,
    /// Largest integer that is not larger.
    Floor = 29,
    /// Smallest integer that is not smaller.
    Ceiling = 30,
    /// Nearest integer, halves to the even one.
    RoundHalfEven = 31,
    /// -1, 0 or 1.
    Sign = 32,
    /// `1 / (1 + e^-a)`
    Sigmoid = 33,
    /// `ln(1 + e^a)`
    Softplus = 34,
}

impl Step {
    /// How many values the step takes off the stack; each step puts one back.
    fn operands(self) -> usize {
        match self {
            Self::Variable | Self::Constant(_) => 0,
            Self::Add
            | Self::Subtract
            | Self::Multiply
            | Self::Divide
            | Self::Power
            | Self::Maximum
            | Self::Minimum
            | Self::Less
            | Self::Equal => 2,
            _ => 1,
        }
    }

    fn unary(self, a: f64) -> f64 {
        match self {
            Self::Negate => -a,
            Self::Absolute => a.abs(),
            Self::Exponential => libm::exp(a),
            Self::Logarithm => libm::log(a),
            Self::SquareRoot => libm::sqrt(a),
            Self::HyperbolicTangent => libm::tanh(a),
            Self::ErrorFunction => libm::erf(a),
            Self::Sine => libm::sin(a),
            Self::Cosine => libm::cos(a),
            Self::Tangent => libm::tan(a),
            Self::ArcSine => libm::asin(a),
            Self::ArcCosine => libm::acos(a),
            Self::ArcTangent => libm::atan(a),
            Self::HyperbolicSine => libm::sinh(a),
            Self::HyperbolicCosine => libm::cosh(a),
            Self::AreaSine => libm::asinh(a),
            Self::AreaCosine => libm::acosh(a),
            Self::AreaTangent => libm::atanh(a),
            Self::Floor => libm::floor(a),
            Self::Ceiling => libm::ceil(a),
            Self::RoundHalfEven => libm::rint(a),
            Self::Sign => f64::from(i8::from(a > 0.0)) - f64::from(i8::from(a < 0.0)),
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-a)),
            // Written so that neither side overflows.
            Self::Softplus => libm::fmax(a, 0.0) + libm::log1p(libm::exp(-a.abs())),
            _ => f64::NAN,
        }
    }

    fn binary(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Power => libm::pow(a, b),
            Self::Maximum => libm::fmax(a, b),
            Self::Minimum => libm::fmin(a, b),
            Self::Less => f64::from(u8::from(a < b)),
            Self::Equal => f64::from(u8::from(a.to_bits() == b.to_bits() || (a - b) == 0.0)),
            _ => f64::NAN,
        }
    }
}

/// Why a formula was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormulaError {
    /// No steps, or too many.
    #[error("expected 1 to {STEPS_MAX} steps, got {got}")]
    Length {
        /// Steps that came.
        got: usize,
    },
    /// A step lacks operands, or the stack grows too high.
    #[error("step {step}: expected 1 to {STACK_MAX} values on the stack after it and its operands before it")]
    Stack {
        /// Index of the step.
        step: usize,
    },
    /// The formula does not end with one value.
    #[error("expected one value at the end, got {got}")]
    Result {
        /// Values left.
        got: usize,
    },
    /// An exponent is out of bounds.
    #[error("expected exponents of -{EXPONENT_MAX} to {EXPONENT_MAX}, got {input} and {output}")]
    Exponent {
        /// Exponent of the input.
        input: i8,
        /// Exponent of the output.
        output: i8,
    },
    /// The interval of the results is empty or too wide.
    #[error("results: interval [{}, {}] is empty or exceeds 2^47", range.min, range.max)]
    Results {
        /// The interval.
        range: Range,
    },
}

/// `y = clamp(round(f(q 2^-input_exponent) 2^output_exponent))`, halves rounded up.
///
/// Invariant (held by [`Formula::check`], which every graph calls): the steps leave one value, and never more than
/// [`STACK_MAX`]. A result that is not a number counts as the smallest allowed result.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Formula {
    /// The function, in reverse Polish notation.
    pub steps: Vec<Step>,
    /// The integer `q` stands for the real number `q 2^-input_exponent`.
    pub input_exponent: i8,
    /// The integer `y` stands for the real number `y 2^-output_exponent`.
    pub output_exponent: i8,
    /// Interval that results are clamped to.
    pub results: Range,
}

impl Formula {
    /// Checks the invariant.
    pub fn check(&self) -> Result<(), FormulaError> {
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(FormulaError::Length { got: self.steps.len() });
        }
        let mut height = 0usize;
        for (step, kind) in self.steps.iter().enumerate() {
            let rest = height.checked_sub(kind.operands()).ok_or(FormulaError::Stack { step })?;
            height = rest.saturating_add(1);
            if height > STACK_MAX {
                return Err(FormulaError::Stack { step });
            }
        }
        if height != 1 {
            return Err(FormulaError::Result { got: height });
        }
        let bounds = -EXPONENT_MAX..=EXPONENT_MAX;
        if !bounds.contains(&self.input_exponent) || !bounds.contains(&self.output_exponent) {
            return Err(FormulaError::Exponent { input: self.input_exponent, output: self.output_exponent });
        }
        if !self.results.is_valid() {
            return Err(FormulaError::Results { range: self.results });
        }
        Ok(())
    }

    /// The function at a real number.
    #[must_use]
    pub fn evaluate(&self, variable: f64) -> f64 {
        let [value] = self.evaluate_all([variable]);
        value
    }

    /// The integer result for the integer `q`.
    #[must_use]
    pub fn apply(&self, q: i64) -> i64 {
        self.integer(self.evaluate(self.real(q)))
    }

    /// The interval of the results for all integers of `arguments`, each of which is evaluated.
    #[must_use]
    pub fn interval(&self, arguments: Range) -> Range {
        let mut results = Range { min: i64::MAX, max: i64::MIN };
        let mut first = arguments.min;
        while first <= arguments.max {
            let mut next = first;
            // The last block repeats its last argument.
            let variables = std::array::from_fn(|_| {
                let variable = self.real(next.min(arguments.max));
                next = next.saturating_add(1);
                variable
            });
            let values: [f64; BLOCK] = self.evaluate_all(variables);
            for y in values.into_iter().map(|value| self.integer(value)) {
                results = Range { min: results.min.min(y), max: results.max.max(y) };
            }
            first = next;
        }
        results
    }

    /// The function at several real numbers, step by step.
    fn evaluate_all<const N: usize>(&self, variables: [f64; N]) -> [f64; N] {
        let mut stack: Vec<[f64; N]> = Vec::with_capacity(STACK_MAX);
        for step in &self.steps {
            let mut pop = || stack.pop().unwrap_or([f64::NAN; N]);
            let values = match step {
                Step::Variable => variables,
                Step::Constant(real) => [real.get(); N],
                step if step.operands() == 2 => {
                    let (b, mut a) = (pop(), pop());
                    a.iter_mut().zip(b).for_each(|(a, b)| *a = step.binary(*a, b));
                    a
                }
                step => pop().map(|a| step.unary(a)),
            };
            stack.push(values);
        }
        stack.pop().unwrap_or([f64::NAN; N])
    }

    #[expect(clippy::as_conversions, reason = "q is below 2^53")]
    fn real(&self, q: i64) -> f64 {
        libm::ldexp(q as f64, -i32::from(self.input_exponent))
    }

    #[expect(clippy::as_conversions, reason = "a cast to i64 saturates before the clamp")]
    fn integer(&self, real: f64) -> i64 {
        let scaled = libm::floor(libm::ldexp(real, i32::from(self.output_exponent)) + 0.5);
        if scaled.is_nan() {
            return self.results.min;
        }
        (scaled as i64).clamp(self.results.min, self.results.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula(steps: Vec<Step>) -> Formula {
        Formula { steps, input_exponent: 4, output_exponent: 8, results: Range { min: -100_000, max: 100_000 } }
    }

    fn constant(value: f64) -> Step {
        Step::Constant(Real::new(value).unwrap())
    }

    #[test]
    fn programs_compute_what_they_say() {
        use Step::{Absolute, Add, Divide, Variable};
        let softsign = formula(vec![Variable, Variable, Absolute, constant(1.0), Add, Divide]);
        assert_eq!(softsign.check(), Ok(()));
        assert_eq!(softsign.apply(16), 128);
        assert_eq!(softsign.apply(-48), -192);
        let halves = formula(vec![Variable]);
        assert_eq!(halves.apply(3), 48);
        let coarse = Formula { output_exponent: 3, ..halves };
        assert_eq!([coarse.apply(1), coarse.apply(-1), coarse.apply(3)], [1, 0, 2]);
    }

    #[test]
    fn intervals_hold_the_results_of_every_argument_and_no_more() {
        use Step::{Add, Multiply, Sine, Variable};
        let wave = formula(vec![Variable, Sine, Variable, constant(0.3), Multiply, Add]);
        for (min, max) in [(-7, -7), (-200, 55), (0, 31), (0, 32), (-1, 1000)] {
            let results: Vec<i64> = (min..=max).map(|q| wave.apply(q)).collect();
            let expected = Range { min: *results.iter().min().unwrap(), max: *results.iter().max().unwrap() };
            assert_eq!(wave.interval(Range { min, max }), expected, "{min} to {max}");
        }
    }

    #[test]
    fn every_malformed_program_has_its_refusal() {
        assert_eq!(formula(vec![]).check(), Err(FormulaError::Length { got: 0 }));
        assert_eq!(formula(vec![Step::Add]).check(), Err(FormulaError::Stack { step: 0 }));
        assert_eq!(formula(vec![Step::Variable; 2]).check(), Err(FormulaError::Result { got: 2 }));
        assert_eq!(formula(vec![Step::Variable; 17]).check(), Err(FormulaError::Stack { step: 16 }));
        let far = Formula { input_exponent: 61, ..formula(vec![Step::Variable]) };
        assert_eq!(far.check(), Err(FormulaError::Exponent { input: 61, output: 8 }));
        let empty = Range { min: 1, max: 0 };
        let none = Formula { results: empty, ..formula(vec![Step::Variable]) };
        assert_eq!(none.check(), Err(FormulaError::Results { range: empty }));
    }

    #[test]
    fn results_beyond_every_number_are_clamped() {
        let logarithm = formula(vec![Step::Variable, Step::Logarithm]);
        assert_eq!([logarithm.apply(-1), logarithm.apply(0)], [-100_000, -100_000]);
        let exponential = formula(vec![Step::Variable, Step::Exponential]);
        assert_eq!(exponential.apply(1 << 20), 100_000);
    }

    #[test]
    fn reals_keep_their_bits_in_json_and_in_binary() {
        for value in [0.1, -1.0e-300, 1.0 / 3.0, 5.0] {
            let step = constant(value);
            let json = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), step);
            assert_eq!(borsh::from_slice::<Step>(&borsh::to_vec(&step).unwrap()).unwrap(), step);
        }
        assert!(serde_json::from_str::<Step>(r#"{"constant":"NaN"}"#).is_err());
        assert!(serde_json::from_str::<Step>(r#"{"constant":"0.10"}"#).is_err());
        assert_eq!(Real::new(f64::INFINITY), None);
        let mut bytes = vec![1];
        bytes.extend(f64::NAN.to_bits().to_le_bytes());
        assert!(borsh::from_slice::<Step>(&bytes).is_err());
    }
}

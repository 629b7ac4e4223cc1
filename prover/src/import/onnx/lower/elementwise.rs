//! Operators that treat every element alike.

use circuits::model::formula::Step::{self, *};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::math::PowConst;
use tract_onnx::tract_core::ops::nn::{GeluApproximate, LeakyRelu};

use super::super::real::NodeId;
use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::expression::constant;
use super::{Lowering, is_whole};

impl Lowering<'_> {
    /// Element-wise operators; `None` for others.
    pub(super) fn elementwise(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        if let Some(operator) = node.op_as::<ElementWiseOp>() {
            let input = self.first(inputs)?;
            let whole = is_whole(self.datum_type(node, 0)?);
            return self.unary(operator, input, whole).map(Some);
        }
        if let Some(operator) = node.op_as::<TypedBinOp>() {
            let shape = self.shape_of(node, 0)?;
            let a = self.input(inputs, 0)?;
            let b = self.input(inputs, 1)?;
            let whole = is_whole(self.datum_type(node, 0)?);
            let name = operator.0.name();
            // A scalar factor or term is best kept a scalar, but everything else takes the result's shape.
            let a = self.builder.broadcast(a, &shape)?;
            let b = self.builder.broadcast(b, &shape)?;
            return self.binary(name, a, b, whole).map(Some);
        }
        if node.op_is::<Iff>() {
            let shape = self.shape_of(node, 0)?;
            let mut operands = Vec::new();
            for slot in 0..3 {
                let operand = self.input(inputs, slot)?;
                operands.push(self.builder.broadcast(operand, &shape)?);
            }
            let [condition, yes, no] = operands[..] else { return refuse("expected three inputs") };
            return self.choose(condition, yes, no).map(Some);
        }
        Ok(None)
    }

    fn unary(&mut self, operator: &ElementWiseOp, input: NodeId, whole: bool) -> Built {
        let mini = &operator.0;
        let name = mini.name();
        if let Some(leaky) = mini.downcast_ref::<LeakyRelu>() {
            let slope = real(f64::from(leaky.alpha))?;
            let nought = real(0.0)?;
            let steps = [Variable, nought, Maximum, Variable, nought, Minimum, slope, Multiply, Add];
            return self.builder.function(input, &steps);
        }
        if let Some(power) = mini.downcast_ref::<PowConst>() {
            return self.power(input, f64::from(power.exponent));
        }
        if mini.is::<GeluApproximate>() {
            let cube = [Variable, Variable, Variable, Multiply, Multiply, real(0.044_715)?, Multiply];
            let inner = [&[Variable][..], &cube, &[Add, real(0.797_884_560_802_865_4)?, Multiply]].concat();
            let half = [HyperbolicTangent, real(1.0)?, Add, Variable, Multiply, real(0.5)?, Multiply];
            return self.builder.function(input, &[&inner[..], &half].concat());
        }
        match name.as_str() {
            "Neg" => return self.builder.combine(&[(input, -1.0)], 0.0),
            "Not" | "BitNot" => return self.builder.combine(&[(input, -1.0)], 1.0),
            "Sign" => return self.builder.threshold(input, [-1, 0, 1]),
            "Ceil" | "Floor" | "Round" | "RoundHalfToEven" if whole => return Ok(input),
            "Abs" if whole => {
                let negative = self.builder.combine(&[(input, -1.0)], 0.0)?;
                return self.builder.maximum(input, negative);
            }
            _ => {}
        }
        let Some(steps) = program(&name)? else { return refuse(format!("the function {name} is not supported")) };
        self.builder.function(input, &steps)
    }

    /// `input` to a fixed power.
    pub(super) fn power(&mut self, input: NodeId, exponent: f64) -> Built {
        let steps = match exponent {
            1.0 => return Ok(input),
            2.0 => vec![Variable, Variable, Multiply],
            3.0 => vec![Variable, Variable, Variable, Multiply, Multiply],
            0.5 => vec![Variable, SquareRoot],
            -1.0 => vec![real(1.0)?, Variable, Divide],
            -0.5 => vec![real(1.0)?, Variable, SquareRoot, Divide],
            _ => vec![Variable, real(exponent)?, Power],
        };
        self.builder.function(input, &steps)
    }

    /// Two-operand operators by tract's names.
    pub(super) fn binary(&mut self, name: &str, a: NodeId, b: NodeId, whole: bool) -> Built {
        let builder = &mut *self.builder;
        let compared = |builder: &mut super::Builder, signs| {
            let difference = builder.combine(&[(a, 1.0), (b, -1.0)], 0.0)?;
            builder.threshold(difference, signs)
        };
        match name {
            "Add" => builder.combine(&[(a, 1.0), (b, 1.0)], 0.0),
            "Sub" => builder.combine(&[(a, 1.0), (b, -1.0)], 0.0),
            "SubF" => builder.combine(&[(b, 1.0), (a, -1.0)], 0.0),
            "Mul" => builder.multiply(a, b),
            "Div" => self.divide(a, b, whole),
            "Rem" => self.remainder(a, b),
            "Min" | "And" | "BitAnd" => builder.minimum(a, b),
            "Max" | "Or" | "BitOr" => builder.maximum(a, b),
            "Xor" | "BitXor" => compared(builder, [1, 0, 1]),
            "Pow" => self.pow(a, b),
            "Eq" => compared(builder, [0, 1, 0]),
            "NE" | "NEq" | "Ne" => compared(builder, [1, 0, 1]),
            "LT" => compared(builder, [1, 0, 0]),
            "LTE" => compared(builder, [1, 1, 0]),
            "GT" => compared(builder, [0, 0, 1]),
            "GTE" => compared(builder, [0, 1, 1]),
            "ShiftLeft" => match builder.uniform(b) {
                Some(bits) if (0.0..48.0).contains(&bits) => builder.combine(&[(a, bits.exp2())], 0.0),
                _ => refuse("shifts by a number that the input decides are not supported"),
            },
            "ShiftRight" => match builder.uniform(b) {
                Some(bits) if (0.0..48.0).contains(&bits) => {
                    builder.function(a, &[Variable, real((-bits).exp2())?, Multiply, Floor])
                }
                _ => refuse("shifts by a number that the input decides are not supported"),
            },
            _ => refuse(format!("the operator {name} is not supported")),
        }
    }

    /// `a / b`; whole numbers are cut towards zero.
    pub(super) fn divide(&mut self, a: NodeId, b: NodeId, whole: bool) -> Built {
        let builder = &mut *self.builder;
        let quotient = match builder.uniform(b) {
            Some(0.0) => return refuse("a division by zero"),
            Some(divisor) if whole => return builder.function(a, &truncated(&[Variable, real(divisor)?, Divide])),
            Some(divisor) => return builder.combine(&[(a, divisor.recip())], 0.0),
            None if builder.is_constant(b) => {
                let reciprocals = builder.function(b, &[real(1.0)?, Variable, Divide])?;
                builder.multiply(a, reciprocals)?
            }
            None => match builder.uniform(a) {
                Some(dividend) => builder.function(b, &[real(dividend)?, Variable, Divide])?,
                None => {
                    let reciprocal = builder.function(b, &[real(1.0)?, Variable, Divide])?;
                    builder.multiply(a, reciprocal)?
                }
            },
        };
        if whole { builder.function(quotient, &truncated(&[Variable])) } else { Ok(quotient) }
    }

    fn remainder(&mut self, a: NodeId, b: NodeId) -> Built {
        match self.builder.uniform(b) {
            Some(divisor) if divisor != 0.0 => {
                let whole = truncated(&[Variable, real(divisor)?, Divide]);
                let steps = [&[Variable][..], &whole, &[real(divisor)?, Multiply, Subtract]].concat();
                self.builder.function(a, &steps)
            }
            _ => refuse("remainders are supported for one fixed divisor that is not zero"),
        }
    }

    fn pow(&mut self, a: NodeId, b: NodeId) -> Built {
        if let Some(exponent) = self.builder.uniform(b) {
            return self.power(a, exponent);
        }
        if let Some(base) = self.builder.uniform(a) {
            return self.builder.function(b, &[real(base)?, Variable, Power]);
        }
        // a^b = e^(b ln a): right for positive bases.
        let logarithm = self.builder.function(a, &[Variable, Logarithm])?;
        let product = self.builder.multiply(logarithm, b)?;
        self.builder.function(product, &[Variable, Exponential])
    }

    /// `yes` where the condition is 1, `no` where it is 0.
    pub(super) fn choose(&mut self, condition: NodeId, yes: NodeId, no: NodeId) -> Built {
        if let Some(mask) = self.builder.literal(condition) {
            let origins = mask.iter().enumerate().map(|(place, yes)| super::movement::Place::Element {
                input: usize::from(*yes == 0.0),
                element: place,
            });
            let shape = self.builder.shape(condition).to_vec();
            return self.placed(&[yes, no], origins.collect(), shape);
        }
        let difference = self.builder.combine(&[(yes, 1.0), (no, -1.0)], 0.0)?;
        let chosen = self.builder.multiply(condition, difference)?;
        self.builder.combine(&[(no, 1.0), (chosen, 1.0)], 0.0)
    }

    /// A change of element type.
    pub(super) fn cast(&mut self, input: NodeId, from: DatumType, to: DatumType) -> Built {
        if to == bool::datum_type() && from != to {
            return self.builder.threshold(input, [1, 0, 1]);
        }
        if is_whole(to) && !is_whole(from) && !self.builder.whole(input) {
            return self.builder.function(input, &truncated(&[Variable]));
        }
        Ok(input)
    }
}

/// The step that pushes a number.
pub(super) fn real(value: f64) -> Result<Step, Unsupported> {
    constant(value).ok_or_else(|| Unsupported(format!("the constant {value}: expected a finite number")))
}

/// The program's result without its fraction.
fn truncated(program: &[Step]) -> Vec<Step> {
    [program, &[Sign], program, &[Absolute, Floor, Multiply]].concat()
}

/// The program of a named function.
fn program(name: &str) -> Result<Option<Vec<Step>>, Unsupported> {
    let one = real(1.0)?;
    let half = real(0.5)?;
    Ok(Some(match name {
        "Abs" => vec![Variable, Absolute],
        "Exp" => vec![Variable, Exponential],
        "Ln" => vec![Variable, Logarithm],
        "Square" => vec![Variable, Variable, Multiply],
        "Sqrt" => vec![Variable, SquareRoot],
        "Recip" => vec![one, Variable, Divide],
        "Rsqrt" => vec![one, Variable, SquareRoot, Divide],
        "Ceil" => vec![Variable, Ceiling],
        "Floor" => vec![Variable, Floor],
        // Halves away from zero.
        "Round" => vec![Variable, Sign, Variable, Absolute, half, Add, Floor, Multiply],
        "RoundHalfToEven" => vec![Variable, RoundHalfEven],
        "Cos" => vec![Variable, Cosine],
        "Sin" => vec![Variable, Sine],
        "Tan" => vec![Variable, Tangent],
        "Acos" => vec![Variable, ArcCosine],
        "Asin" => vec![Variable, ArcSine],
        "Atan" => vec![Variable, ArcTangent],
        "Cosh" => vec![Variable, HyperbolicCosine],
        "Sinh" => vec![Variable, HyperbolicSine],
        "Tanh" => vec![Variable, HyperbolicTangent],
        "Acosh" => vec![Variable, AreaCosine],
        "Asinh" => vec![Variable, AreaSine],
        "Atanh" => vec![Variable, AreaTangent],
        "Erf" => vec![Variable, ErrorFunction],
        "Sigmoid" => vec![Variable, Sigmoid],
        "Silu" => vec![Variable, Variable, Sigmoid, Multiply],
        "GeluExact" => {
            let root = real(std::f64::consts::FRAC_1_SQRT_2)?;
            vec![Variable, root, Multiply, ErrorFunction, one, Add, Variable, Multiply, half, Multiply]
        }
        "HardSwish" => {
            let sixth = real(1.0 / 6.0)?;
            let gate = vec![Variable, sixth, Multiply, half, Add, one, Minimum, real(0.0)?, Maximum];
            [gate, vec![Variable, Multiply]].concat()
        }
        _ => return Ok(None),
    }))
}

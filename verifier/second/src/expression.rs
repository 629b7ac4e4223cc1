//! Polynomials in the cells of a row and the row below it: evaluated, and written down as the fingerprint writes them.

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use std::rc::Rc;

use ark_bn254::Fr;

use crate::fingerprint::Hex;

/// A tree of sums and products. What it means is its value; how it is put together only enters the fingerprint.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Constant(Fr),
    /// Number of the query, and the column.
    Fixed(usize, usize),
    Advice(AdviceQuery),
    Challenge(usize),
    Negated(Rc<Expression>),
    Sum(Rc<Expression>, Rc<Expression>),
    Product(Rc<Expression>, Rc<Expression>),
}

/// A read of an advice column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdviceQuery {
    pub(crate) number: usize,
    pub(crate) column: usize,
    pub(crate) rotation: usize,
    pub(crate) phase: u8,
}

/// Values of everything that expressions read, by number.
pub(crate) struct Values<'a> {
    pub(crate) fixed: &'a [Fr],
    pub(crate) advice: &'a [Fr],
    pub(crate) challenges: &'a [Fr],
}

impl Expression {
    /// The value, `None` if something that is read has none.
    pub(crate) fn evaluate(&self, values: &Values<'_>) -> Option<Fr> {
        Some(match self {
            Self::Constant(value) => *value,
            Self::Fixed(number, _) => *values.fixed.get(*number)?,
            Self::Advice(query) => *values.advice.get(query.number)?,
            Self::Challenge(number) => *values.challenges.get(*number)?,
            Self::Negated(value) => -value.evaluate(values)?,
            Self::Sum(left, right) => left.evaluate(values)? + right.evaluate(values)?,
            Self::Product(left, right) => left.evaluate(values)? * right.evaluate(values)?,
        })
    }

    /// `self^exponent` by squaring.
    pub(crate) fn power(&self, exponent: usize) -> Self {
        match exponent {
            0 => Self::Constant(Fr::from(1)),
            1 => self.clone(),
            _ => {
                let half = self.power(exponent / 2);
                let square = half.clone() * half;
                if exponent.is_multiple_of(2) { square } else { square * self.clone() }
            }
        }
    }
}

impl Add for Expression {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::Sum(Rc::new(self), Rc::new(other))
    }
}

impl Sub for Expression {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Expression {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::Product(Rc::new(self), Rc::new(other))
    }
}

impl Neg for Expression {
    type Output = Self;

    fn neg(self) -> Self {
        Self::Negated(Rc::new(self))
    }
}

// spec: verifier#fingerprint
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "Constant({})", Hex(value)),
            Self::Fixed(number, column) => {
                write!(f, "Fixed {{ query_index: {number}, column_index: {column}, rotation: Rotation(0) }}")
            }
            Self::Advice(AdviceQuery { number, column, rotation, phase }) => {
                write!(f, "Advice {{ query_index: {number}, column_index: {column}, rotation: Rotation({rotation})")?;
                if *phase > 0 {
                    write!(f, ", phase: Phase({phase})")?;
                }
                f.write_str(" }")
            }
            Self::Challenge(number) => write!(f, "Challenge(Challenge {{ index: {number}, phase: Phase(0) }})"),
            Self::Negated(value) => write!(f, "Negated({value})"),
            Self::Sum(left, right) => write!(f, "Sum({left}, {right})"),
            Self::Product(left, right) => write!(f, "Product({left}, {right})"),
        }
    }
}

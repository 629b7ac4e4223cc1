//! The float network in the operators of the integer graph.
//!
//! Every ONNX operator is lowered to these few, which mirror [`circuits::model::operator::Operator`] with real numbers
//! in place of integers. Everything that does not depend on the choice of scales happens here: constants are folded,
//! multipliers move into neighbouring weights, and chains of element-wise operations on one variable become one
//! function, so that each costs one lookup and one rounding. Choosing scales then is a walk over this graph.

pub(crate) mod arithmetic;
pub(crate) mod builder;
pub(crate) mod constants;
pub(crate) mod evaluate;
pub(crate) mod expression;
pub(crate) mod linear;

use std::sync::Arc;

use circuits::model::formula::Step;
use circuits::model::operator::Geometry;

use self::expression::Expression;

/// Number of a node.
pub(crate) type NodeId = usize;

/// What a node computes, in real numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RealOperator {
    /// The graph's input; always node 0.
    Input,
    /// Fixed numbers, row-major.
    Constant(Arc<Vec<f64>>),
    /// `W x + b` along the last dimension, `W` as `[outputs, inputs]`.
    Dense {
        /// `outputs * inputs` weights.
        weights: Arc<Vec<f64>>,
        /// One number per output.
        bias: Vec<f64>,
    },
    /// Cross-correlation over `[channels, height, width]`.
    Convolution {
        /// Kernel, steps and padding.
        geometry: Geometry,
        /// `outputs * channels / groups * kernel elements` weights.
        weights: Arc<Vec<f64>>,
        /// One number per output channel.
        bias: Vec<f64>,
    },
    /// A function of one variable, element by element.
    Function(Vec<Step>),
    /// `positive` where the input is above zero, `zero` where it is zero, `negative` below.
    Threshold {
        /// Value below zero.
        negative: i64,
        /// Value at zero.
        zero: i64,
        /// Value above zero.
        positive: i64,
    },
    /// `constant + sum_i multipliers[i] x_i`.
    Combine {
        /// One multiplier for each input.
        multipliers: Vec<f64>,
        /// Added to every element.
        constant: f64,
    },
    /// `a b`
    Multiply,
    /// `max(a, b)`
    Maximum,
    /// `min(a, b)`
    Minimum,
    /// The sum along the last dimension, which disappears.
    Sum,
    /// `[batch, m, k]` times `[batch, k, n]`.
    MatrixMultiply,
    /// The first `count` of the last dimension in order, ties by position; positions instead of values on demand.
    Order {
        /// Largest first.
        largest: bool,
        /// Among equal elements, the last position first.
        last: bool,
        /// How many are kept.
        count: u32,
        /// Positions, not values.
        positions: bool,
    },
    /// The same elements in another shape.
    Reshape,
    /// Element `(i_0, ..)` is element number `offset + sum_a i_a strides[a]`.
    Strided {
        /// First element's number.
        offset: u32,
        /// Step of each dimension.
        strides: Vec<i32>,
    },
    /// One value after the other along a dimension.
    Concatenate {
        /// The dimension.
        axis: usize,
    },
    /// A constant around, and between, the elements.
    Pad {
        /// Elements before the first, by dimension.
        low: Vec<i32>,
        /// Elements after the last, by dimension.
        high: Vec<i32>,
        /// Elements between neighbours, by dimension.
        interior: Vec<u32>,
        /// The constant.
        value: f64,
    },
    /// Element `i` is element number `indices[i]`.
    Select {
        /// Element numbers, row-major.
        indices: Arc<Vec<u32>>,
    },
}

/// A node: what is computed, from which nodes, in which shape (empty for a scalar).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RealNode {
    /// What is computed.
    pub(crate) operator: RealOperator,
    /// Nodes read.
    pub(crate) inputs: Vec<NodeId>,
    /// Dimensions, outermost first.
    pub(crate) shape: Vec<u32>,
    /// The node as a function of one other node, where it is one.
    pub(crate) expression: Option<Expression>,
    /// Whether every element is a whole number by construction.
    pub(crate) whole: bool,
}

/// A lowered network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RealGraph {
    /// Nodes, each after those it reads.
    pub(crate) nodes: Vec<RealNode>,
    /// The output.
    pub(crate) output: NodeId,
}

/// Number of elements of a shape, saturating.
pub(crate) fn count(shape: &[u32]) -> usize {
    shape.iter().fold(1usize, |product, dimension| product.saturating_mul(*dimension as usize))
}

/// Row-major strides of a shape.
pub(crate) fn strides(shape: &[u32]) -> Vec<i32> {
    let mut step = 1i64;
    let mut strides: Vec<i32> = shape
        .iter()
        .rev()
        .map(|dimension| {
            let stride = i32::try_from(step).unwrap_or(i32::MAX);
            step = step.saturating_mul(i64::from(*dimension));
            stride
        })
        .collect();
    strides.reverse();
    strides
}

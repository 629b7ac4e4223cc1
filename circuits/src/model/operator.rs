//! What a node computes, in integers.
//!
//! Few operators, each with a meaning of a line: whatever a network does is brought down to these at import.
//! *Linear* operators with weights (dense, convolution, embedding) read the bundle; [`Operator::Requantise`] is the only one that
//! rounds, and the only one that applies a function; the *structural* ones move elements and compute nothing.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::formula::Formula;
use super::range::Range;

/// A function of one integer, applied after clamping.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Activation {
    /// `y = q`
    Identity = 0,
    /// `y = max(q, 0)`
    Relu = 1,
    /// `y = f(q)`, a real function between fixed-point numbers.
    Formula(Formula) = 2,
}

impl Activation {
    /// Applies the function to one integer.
    #[must_use]
    pub fn apply(&self, value: i64) -> i64 {
        match self {
            Self::Identity => value,
            Self::Relu => value.max(0),
            Self::Formula(formula) => formula.apply(value),
        }
    }
}

/// Shape of a two-dimensional convolution (one dimension: height 1) over an input `[channels, height, width]`.
///
/// `y[o][i][j] = b[o] + sum_(c,k,l) w[o][c][k][l] x[c][i s_0 + k d_0 - top][j s_1 + l d_1 - left]` with `c` over the
/// channels of `o`'s group and zeros outside the input (cross-correlation, as ONNX `Conv`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geometry {
    /// Output channels.
    pub outputs: u32,
    /// Groups; they divide the input's and the output's channels.
    pub groups: u32,
    /// Kernel height and width.
    pub kernel: [u32; 2],
    /// Vertical and horizontal step.
    pub stride: [u32; 2],
    /// Vertical and horizontal distance of kernel elements.
    pub dilation: [u32; 2],
    /// Zeros before the first row and column.
    pub before: [u32; 2],
    /// Zeros after the last row and column.
    pub after: [u32; 2],
}

impl Geometry {
    /// Height and width of the output for an input of this height and width; `None` where the kernel does not fit.
    #[must_use]
    pub fn output(&self, input: [u32; 2]) -> Option<[u32; 2]> {
        let padded = self.padded(input)?;
        let side = |axis: usize| {
            let kernel =
                self.kernel.get(axis)?.checked_sub(1)?.checked_mul(*self.dilation.get(axis)?)?.checked_add(1)?;
            padded.get(axis)?.checked_sub(kernel)?.checked_div(*self.stride.get(axis)?)?.checked_add(1)
        };
        Some([side(0)?, side(1)?])
    }

    /// Height and width of an input of this height and width with its padding.
    #[must_use]
    pub fn padded(&self, input: [u32; 2]) -> Option<[u32; 2]> {
        let side =
            |axis: usize| input.get(axis)?.checked_add(*self.before.get(axis)?)?.checked_add(*self.after.get(axis)?);
        Some([side(0)?, side(1)?])
    }

    /// Weights of one output channel, for an input of `channels` channels.
    #[must_use]
    pub fn columns(&self, channels: u32) -> Option<u32> {
        let [height, width] = self.kernel;
        channels.checked_div(self.groups)?.checked_mul(height)?.checked_mul(width)
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operator {
    /// `acc = W x + b` along the last dimension; `W` is `[outputs, inputs]`, multipliers already folded in.
    ///
    /// A value of exactly `inputs` elements counts as one vector, whatever its shape.
    Dense {
        /// Number of inputs.
        inputs: u32,
        /// Number of outputs.
        outputs: u32,
        /// Interval that no accumulator leaves for any input inside its declared range.
        accumulator: Range,
    },
    /// Cross-correlation with a kernel; `W` is `[outputs, channels / groups * kernel elements]`.
    Convolution {
        /// Kernel, steps and padding.
        geometry: Geometry,
        /// Interval that no accumulator leaves for any input inside its declared range.
        accumulator: Range,
    },
    /// `q = floor((x + 2^(shift-1)) / 2^shift)` (`q = x` for shift 0), `y = activation(clamp(q))`, element by element.
    Requantise {
        /// Power of two to divide by, 0 to [`super::graph::SHIFT_MAX`].
        shift: u8,
        /// Interval that `q` is clamped to.
        clamp: Range,
        /// Function applied after clamping.
        activation: Activation,
    },
    /// `y = constant + sum_i multipliers[i] x_i`, element by element over values of one shape.
    Combine {
        /// One multiplier for each input.
        multipliers: Vec<i64>,
        /// Added to every element.
        constant: i64,
    },
    /// `y = a b`, element by element over two values of one shape.
    Multiply,
    /// `y = max(a, b)`, element by element over two values of one shape.
    Maximum,
    /// `y = min(a, b)`, element by element over two values of one shape.
    Minimum,
    /// The sum along the last dimension, which disappears (a vector's sum has shape `[1]`).
    Sum,
    /// `[batch, m, k]` times `[batch, k, n]` is `[batch, m, n]`.
    MatrixMultiply,
    /// A value that the graph states. No inputs.
    Constant {
        /// Its shape.
        shape: Vec<u32>,
        /// Its elements, row-major.
        values: Vec<i64>,
    },
    /// The same elements in another shape.
    Reshape {
        /// The new shape.
        shape: Vec<u32>,
    },
    /// Element `(i_0, i_1, ...)` is the input's element number `offset + sum_a i_a strides[a]`: transposition, slices,
    /// steps, reversal, broadcasting and nearest-neighbour resizing.
    Strided {
        /// Element number of the first element.
        offset: u32,
        /// Shape of the result.
        shape: Vec<u32>,
        /// Steps in element numbers, one for each dimension of the result.
        strides: Vec<i32>,
    },
    /// Values one after the other along a dimension.
    Concatenate {
        /// The dimension.
        axis: u32,
    },
    /// A constant around, and between, the elements.
    Pad {
        /// Elements before the first, by dimension; negative ones are cut off.
        low: Vec<i32>,
        /// Elements after the last, by dimension; negative ones are cut off.
        high: Vec<i32>,
        /// Elements between neighbours, by dimension.
        interior: Vec<u32>,
        /// The constant.
        value: i64,
    },
    /// Element `i` is the input's element number `indices[i]`.
    Select {
        /// Shape of the result.
        shape: Vec<u32>,
        /// Element numbers, row-major.
        indices: Vec<u32>,
    },
    /// `y[i] = W e_(x[i])`: every element, an index below `vocabulary`, becomes a column of `W`, `[width, vocabulary]`,
    /// along a new last dimension. Biases are zero.
    ///
    /// What a dense operator does to one-hot vectors, without the vectors.
    Embedding {
        /// Number of columns to choose from.
        vocabulary: u32,
        /// Elements of a column.
        width: u32,
        /// Interval that every weight lies in.
        accumulator: Range,
    },
}

impl Operator {
    /// The operator's name in messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Convolution { .. } => "convolution",
            Self::Requantise { .. } => "requantise",
            Self::Combine { .. } => "combine",
            Self::Multiply => "multiply",
            Self::Maximum => "maximum",
            Self::Minimum => "minimum",
            Self::Sum => "sum",
            Self::MatrixMultiply => "matrix multiply",
            Self::Constant { .. } => "constant",
            Self::Reshape { .. } => "reshape",
            Self::Strided { .. } => "strided",
            Self::Concatenate { .. } => "concatenate",
            Self::Pad { .. } => "pad",
            Self::Select { .. } => "select",
            Self::Embedding { .. } => "embedding",
        }
    }

    /// Whether the operator only moves elements.
    #[must_use]
    pub fn is_structural(&self) -> bool {
        matches!(
            self,
            Self::Constant { .. }
                | Self::Reshape { .. }
                | Self::Strided { .. }
                | Self::Concatenate { .. }
                | Self::Pad { .. }
                | Self::Select { .. }
        )
    }

    /// Whether the bundle holds weights for the operator.
    #[must_use]
    pub fn has_weights(&self) -> bool {
        self.accumulator().is_some()
    }

    /// The interval that an operator with weights declares for its results; `None` for the others.
    #[must_use]
    pub fn accumulator(&self) -> Option<Range> {
        match self {
            Self::Dense { accumulator, .. }
            | Self::Convolution { accumulator, .. }
            | Self::Embedding { accumulator, .. } => Some(*accumulator),
            _ => None,
        }
    }
}

//! Dense nodes, embeddings, convolutions, matrix products and sums.

use super::super::weights::{linear, magnitude};
use super::{Dag, Drawn};
use crate::model::analysis::{chosen, operand_range, tightest};
use crate::model::graph::{Activation, Geometry, Operator};
use crate::model::range::Range;
use crate::model::weights::LinearWeights;

const UNKNOWN: Range = Range { min: 0, max: 0 };

impl Dag<'_> {
    pub(super) fn dense(&mut self) -> Drawn {
        let any = self.any();
        let Some(value) = self.narrowed(any, 1 << 10)? else { return Ok(None) };
        let shape = &self.values[value].shape;
        let whole = self.values[value].width();
        let inputs = if self.source.one_in(3) { whole } else { shape.last().copied().unwrap_or(1) };
        let outputs = self.source.number(1, u32::try_from(self.limits.width_max / 2).unwrap_or(1));
        self.linear(Operator::Dense { inputs, outputs, accumulator: UNKNOWN }, value, [outputs, inputs])
    }

    pub(super) fn convolution(&mut self) -> Drawn {
        let Some(cube) = self.cube()? else { return Ok(None) };
        let Some(value) = self.narrowed(cube, 1 << 10)? else { return Ok(None) };
        let &[channels, height, width] = self.values[value].shape.as_slice() else { return Ok(None) };
        let groups = self.divisor(channels);
        let outputs = groups * self.source.number(1, 2);
        let mut pair = |min, max| [self.source.number(min, max), self.source.number(min, max)];
        let geometry = Geometry {
            outputs,
            groups,
            kernel: pair(1, 3),
            stride: pair(1, 3),
            dilation: pair(1, 2),
            before: pair(0, 2),
            after: pair(0, 2),
        };
        let (Some(_), Some(columns)) = (geometry.output([height, width]), geometry.columns(channels)) else {
            return Ok(None);
        };
        self.linear(Operator::Convolution { geometry, accumulator: UNKNOWN }, value, [outputs, columns])
    }

    /// Columns of a table for a value that is clamped to its indices.
    pub(super) fn embedding(&mut self) -> Drawn {
        let any = self.any();
        let vocabulary = self.source.number(1, 20);
        let clamp = Range { min: 0, max: i64::from(vocabulary) - 1 };
        let clamped = Operator::Requantise { shift: 0, clamp, activation: Activation::Identity };
        let Some(value) = self.push(clamped, &[any])? else { return Ok(None) };
        let width = self.source.number(1, 4);
        let bound = self.limits.magnitude_max().min(self.source.choose([3, 127, 2047, i64::from(i32::MAX)]));
        let mut weight = || i32::try_from(self.source.symmetric(bound)).unwrap_or(0);
        let table = (0..vocabulary * width).map(|_| weight()).collect();
        let weights = LinearWeights::new(width, vocabulary, table, vec![0; width as usize])?;
        let accumulator = chosen(&weights).into_iter().reduce(|a, b| a.hull(&b)).unwrap_or(UNKNOWN);
        self.push_with(Operator::Embedding { vocabulary, width, accumulator }, &[value], Some(weights))
    }

    /// Draws weights for an operator and declares the interval that they need.
    fn linear(&mut self, mut operator: Operator, value: usize, shape: [u32; 2]) -> Drawn {
        let operands = operand_range(&operator, self.values[value].range);
        let weights = linear(&mut self.source, shape, operands, self.limits.magnitude_max())?;
        if let Operator::Dense { accumulator, .. } | Operator::Convolution { accumulator, .. } = &mut operator {
            *accumulator = tightest(self.nodes.len(), &weights, operands)?;
        }
        self.push_with(operator, &[value], Some(weights))
    }

    /// A product with another value, with a constant, or with its own transpose.
    pub(super) fn matrix_multiply(&mut self) -> Drawn {
        let Some(cube) = self.cube()? else { return Ok(None) };
        let &[batch, m, k] = self.values[cube].shape.as_slice() else { return Ok(None) };
        let bound = (self.limits.magnitude_max() / i64::from(k)).isqrt();
        let Some(a) = self.narrowed(cube, bound)? else { return Ok(None) };
        let fits = |shape: &[u32]| matches!(shape, [other, rows, _] if [*other, *rows] == [batch, k]);
        let b = match self.any_where(|value| fits(&value.shape)) {
            Some(b) if self.source.one_in(2) => self.narrowed(b, bound)?,
            _ if self.source.one_in(2) => {
                let shape = vec![batch, k, self.source.number(1, 3)];
                self.constant_of(shape, bound.min(100))?
            }
            _ => {
                let strides = [m * k, 1, k].map(|stride| i32::try_from(stride).unwrap_or(0)).to_vec();
                self.push(Operator::Strided { offset: 0, shape: vec![batch, k, m], strides }, &[a])?
            }
        };
        let Some(b) = b else { return Ok(None) };
        self.push(Operator::MatrixMultiply, &[a, b])
    }

    pub(super) fn sum(&mut self) -> Drawn {
        let any = self.any();
        let terms = self.values[any].shape.last().copied().unwrap_or(1);
        let Some(value) = self.narrowed(any, self.limits.magnitude_max() / i64::from(terms))? else { return Ok(None) };
        self.push(Operator::Sum, &[value])
    }

    /// The value, requantised if it leaves `bound`.
    pub(super) fn narrowed(&mut self, value: usize, bound: i64) -> Drawn {
        if magnitude(self.values[value].range) <= bound {
            return Ok(Some(value));
        }
        self.requantised(value, Some(bound))
    }
}

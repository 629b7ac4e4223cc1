//! Operators along a dimension: reductions, softmax, norms, running sums, order.

use std::sync::Arc;

use circuits::model::formula::Step::*;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::Topk;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, RmsNorm, Softmax, SoftmaxKind};
use tract_onnx_opl::lrn::Lrn;

use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::{NodeId, count};
use super::elementwise::real;
use super::{Lowering, numbers};

/// Longest running sum: its weights are a triangular matrix.
const RUNNING_MAX: u32 = 4096;

impl Lowering<'_> {
    /// Operators along dimensions; `None` for others.
    pub(super) fn reduce(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<Vec<NodeId>>, Unsupported> {
        if let Some(reduce) = node.op_as::<Reduce>() {
            let shape = self.shape_of(node, 0)?;
            let (flat, _) = self.gather_last(self.first(inputs)?, &reduce.axes)?;
            let reduced = self.reduced(reduce.reducer, flat)?;
            return Ok(Some(vec![self.builder.reshape(reduced, shape)?]));
        }
        if let Some(softmax) = node.op_as::<Softmax>() {
            if softmax.quant_output_dt.is_some() {
                return refuse("quantised softmax is not supported: export the float network");
            }
            return self.softmax(softmax, self.first(inputs)?).map(|value| Some(vec![value]));
        }
        if let Some(norm) = node.op_as::<RmsNorm>() {
            let epsilon = numbers(&norm.eps)?.first().copied().unwrap_or(0.0);
            return self.root_mean_square(self.first(inputs)?, norm.axis, epsilon).map(|value| Some(vec![value]));
        }
        if let Some(norm) = node.op_as::<Lrn>() {
            return self.local_norm(self.first(inputs)?, norm).map(|value| Some(vec![value]));
        }
        if let Some(top) = node.op_as::<Topk>() {
            let [kept] = self.integers(inputs, 1).unwrap_or_default()[..] else {
                return refuse("the number of elements to keep depends on the network's input");
            };
            let kept = u32::try_from(kept).map_err(|_| Unsupported(format!("keeping {kept} elements")))?;
            let shape = self.shape_of(node, 0)?;
            let (flat, mut outer) = self.gather_last(self.first(inputs)?, &[top.axis])?;
            let mut outputs = Vec::new();
            outer.push(kept);
            for positions in [false, true] {
                let ordered = self.builder.order(flat, [top.largest, false, positions], kept)?;
                outputs.push(self.last_moved_to(ordered, top.axis, &shape)?);
            }
            return Ok(Some(outputs));
        }
        if node.op.name() == "CumSum" {
            return self.running_sum(node, inputs).map(|value| Some(vec![value]));
        }
        Ok(None)
    }

    /// Puts the last dimension back to place `axis` of `shape`.
    pub(super) fn last_moved_to(&mut self, value: NodeId, axis: usize, shape: &[u32]) -> Built {
        let last = shape.len().saturating_sub(1);
        let mut order: Vec<usize> = (0..last).collect();
        order.insert(axis.min(last), last);
        let current: Vec<u32> =
            (0..shape.len()).filter(|place| *place != axis).chain([axis]).map(|place| shape[place]).collect();
        let value = self.builder.reshape(value, current)?;
        self.builder.transpose(value, &order)
    }

    /// A reduction along the last dimension.
    fn reduced(&mut self, reducer: Reducer, flat: NodeId) -> Built {
        let length = self.builder.shape(flat).last().copied().unwrap_or(1);
        match reducer {
            Reducer::Sum => self.builder.sum(flat),
            Reducer::MeanOfSquares => {
                let squares = self.power(flat, 2.0)?;
                let sum = self.builder.sum(squares)?;
                self.builder.combine(&[(sum, f64::from(length).recip())], 0.0)
            }
            Reducer::Max | Reducer::Any => self.folded(flat, |lowering, a, b| lowering.builder.maximum(a, b)),
            Reducer::Min | Reducer::All => self.folded(flat, |lowering, a, b| lowering.builder.minimum(a, b)),
            Reducer::Prod => self.product_of(flat),
            Reducer::ArgMax(last) => self.builder.order(flat, [true, last, true], 1),
            Reducer::ArgMin(last) => self.builder.order(flat, [false, last, true], 1),
        }
    }

    /// Halves that may overlap, folded until one element is left: for operators to which a repetition is nothing.
    fn folded(&mut self, flat: NodeId, operator: fn(&mut Self, NodeId, NodeId) -> Built) -> Built {
        let mut value = flat;
        loop {
            let shape = self.builder.shape(value).to_vec();
            let length = shape.last().copied().unwrap_or(1);
            if length <= 1 {
                return Ok(value);
            }
            let half = length.div_ceil(2);
            let low = self.slice_last(value, 0, half)?;
            let high = self.slice_last(value, length - half, half)?;
            value = operator(self, low, high)?;
        }
    }

    fn product_of(&mut self, flat: NodeId) -> Built {
        let mut value = flat;
        loop {
            let length = self.builder.shape(value).last().copied().unwrap_or(1);
            if length <= 1 {
                return Ok(value);
            }
            let half = length / 2;
            let low = self.slice_last(value, 0, half)?;
            let high = self.slice_last(value, half, half)?;
            let product = self.builder.multiply(low, high)?;
            value = if length % 2 == 0 {
                product
            } else {
                let rest = self.slice_last(value, length - 1, 1)?;
                let axis = self.builder.shape(value).len() - 1;
                self.builder.concatenate(&[product, rest], axis)?
            };
        }
    }

    /// Elements `start` to `start + length` of the last dimension.
    pub(super) fn slice_last(&mut self, value: NodeId, start: u32, length: u32) -> Built {
        let mut shape = self.builder.shape(value).to_vec();
        let steps = super::super::real::strides(&shape);
        if let Some(last) = shape.last_mut() {
            *last = length;
        }
        self.builder.strided(value, start, shape, steps)
    }

    fn softmax(&mut self, softmax: &Softmax, input: NodeId) -> Built {
        let shape = self.builder.shape(input).to_vec();
        let (flat, mut outer) = self.gather_last(input, &softmax.axes)?;
        outer.push(1);
        let wide = self.builder.shape(flat).to_vec();
        let largest = self.folded(flat, |lowering, a, b| lowering.builder.maximum(a, b))?;
        let largest = self.builder.reshape(largest, outer.clone())?;
        let largest = self.builder.broadcast(largest, &wide)?;
        let shifted = self.builder.combine(&[(flat, 1.0), (largest, -1.0)], 0.0)?;
        let powers = self.builder.function(shifted, &[Variable, Exponential])?;
        let sum = self.builder.sum(powers)?;
        let sum = self.builder.reshape(sum, outer)?;
        let result = match softmax.kind {
            SoftmaxKind::Softmax => {
                let reciprocal = self.builder.function(sum, &[real(1.0)?, Variable, Divide])?;
                let reciprocal = self.builder.broadcast(reciprocal, &wide)?;
                self.builder.multiply(powers, reciprocal)?
            }
            SoftmaxKind::LogSoftmax => {
                let logarithm = self.builder.function(sum, &[Variable, Logarithm])?;
                let logarithm = self.builder.broadcast(logarithm, &wide)?;
                self.builder.combine(&[(shifted, 1.0), (logarithm, -1.0)], 0.0)?
            }
        };
        self.back(result, &softmax.axes, &shape)
    }

    /// Undoes [`Lowering::gather_last`] for a value of the original size.
    fn back(&mut self, flat: NodeId, axes: &[usize], shape: &[u32]) -> Built {
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
        let order: Vec<usize> = kept.iter().chain(axes).copied().collect();
        let unflat = self.builder.reshape(flat, order.iter().map(|axis| shape[*axis]).collect())?;
        let mut inverse: Vec<usize> = (0..order.len()).collect();
        inverse.sort_by_key(|place| order[*place]);
        self.builder.transpose(unflat, &inverse)
    }

    /// `x / sqrt(mean(x^2) + epsilon)` along a dimension.
    fn root_mean_square(&mut self, input: NodeId, axis: usize, epsilon: f64) -> Built {
        let shape = self.builder.shape(input).to_vec();
        let (flat, mut outer) = self.gather_last(input, &[axis])?;
        let wide = self.builder.shape(flat).to_vec();
        let length = wide.last().copied().unwrap_or(1);
        let squares = self.power(flat, 2.0)?;
        let sum = self.builder.sum(squares)?;
        let mean = self.builder.combine(&[(sum, f64::from(length).recip())], epsilon)?;
        let scale = self.builder.function(mean, &[real(1.0)?, Variable, SquareRoot, Divide])?;
        outer.push(1);
        let scale = self.builder.reshape(scale, outer)?;
        let scale = self.builder.broadcast(scale, &wide)?;
        let scaled = self.builder.multiply(flat, scale)?;
        self.back(scaled, &[axis], &shape)
    }

    /// `x / (bias + alpha / size * sum of squares over neighbouring channels)^beta`, channels in dimension 1.
    fn local_norm(&mut self, input: NodeId, norm: &Lrn) -> Built {
        let shape = self.builder.shape(input).to_vec();
        let (flat, _) = self.gather_last(input, &[1])?;
        let channels = self.builder.shape(flat).last().copied().unwrap_or(1) as usize;
        let squares = self.power(flat, 2.0)?;
        let (before, after) = ((norm.size - 1) / 2, norm.size / 2);
        let factor = f64::from(norm.alpha) / norm.size as f64;
        let near = |row: usize, column: usize| column + before >= row && column <= row + after;
        let weights = (0..channels).flat_map(|row| (0..channels).map(move |column| (row, column)));
        let weights = weights.map(|(row, column)| if near(row, column) { factor } else { 0.0 }).collect();
        let sum = self.builder.dense(squares, Arc::new(weights), vec![f64::from(norm.bias); channels])?;
        let scale = self.power(sum, -f64::from(norm.beta))?;
        let scaled = self.builder.multiply(flat, scale)?;
        self.back(scaled, &[1], &shape)
    }

    fn running_sum(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Built {
        use tract_onnx::tract_core::ops::array::CumSum;
        let Some(sum) = node.op_as::<CumSum>() else { return refuse("a running sum of another kind") };
        let shape = self.shape_of(node, 0)?;
        let (flat, _) = self.gather_last(self.first(inputs)?, &[sum.axis])?;
        let length = self.builder.shape(flat).last().copied().unwrap_or(1);
        if length > RUNNING_MAX {
            return refuse(format!("a running sum over {length} elements: expected at most {RUNNING_MAX}"));
        }
        let length = length as usize;
        let counts = |row: usize, column: usize| match (sum.reverse, sum.exclusive) {
            (false, false) => column <= row,
            (false, true) => column < row,
            (true, false) => column >= row,
            (true, true) => column > row,
        };
        let weights = (0..length * length).map(|place| f64::from(u8::from(counts(place / length, place % length))));
        let summed = self.builder.dense(flat, Arc::new(weights.collect()), vec![0.0; length])?;
        debug_assert_eq!(count(self.builder.shape(summed)), count(&shape));
        self.last_moved_to(summed, sum.axis, &shape)
    }
}

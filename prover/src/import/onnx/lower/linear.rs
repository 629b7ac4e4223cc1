//! Matrix products and convolutions.

use std::sync::Arc;

use circuits::model::operator::Geometry;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::InOut;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv, KernelFormat, PoolSpec};
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::{NodeId, count};
use super::{Lowering, rearranged};

/// Which dimensions of a product are shared, outer or summed.
#[derive(Default)]
struct Axes {
    batch: Vec<[usize; 3]>,
    left: Vec<[usize; 2]>,
    right: Vec<[usize; 2]>,
    summed: Vec<[usize; 2]>,
}

impl Lowering<'_> {
    /// Linear operators; `None` for others.
    pub(super) fn linear(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        if let Some(product) = node.op_as::<EinSum>() {
            if product.q_params.is_some() {
                return refuse("quantised products are not supported: export the float network");
            }
            return self.einsum(node, product, inputs).map(Some);
        }
        if let Some(convolution) = node.op_as::<Conv>() {
            if convolution.q_params.is_some() {
                return refuse("quantised convolutions are not supported: export the float network");
            }
            return self.convolution(node, convolution, inputs).map(Some);
        }
        if let Some(transposed) = node.op_as::<Deconv>() {
            return self.transposed_convolution(node, transposed, inputs).map(Some);
        }
        Ok(None)
    }

    fn einsum(&mut self, node: &TypedNode, product: &EinSum, inputs: &[NodeId]) -> Built {
        let [a, b] = *inputs else { return refuse("products of two values are supported") };
        let output = self.shape_of(node, 0)?;
        let mut axes = Axes::default();
        let mut dropped = [Vec::new(), Vec::new()];
        for axis in product.axes.iter_all_axes() {
            let place = |side: InOut| axis.interface(side).to_vec();
            match (&place(InOut::In(0))[..], &place(InOut::In(1))[..], &place(InOut::Out(0))[..]) {
                ([a], [b], [out]) => axes.batch.push([*a, *b, *out]),
                ([a], [], [out]) => axes.left.push([*a, *out]),
                ([], [b], [out]) => axes.right.push([*b, *out]),
                ([a], [b], []) => axes.summed.push([*a, *b]),
                ([a], [], []) => dropped[0].push(*a),
                ([], [b], []) => dropped[1].push(*b),
                ([], [], [_]) => {}
                _ => return refuse("diagonals in a product are not supported"),
            }
        }
        if dropped.iter().flatten().next().is_some() {
            // Length 1 in every export seen; a sum over one operand alone would be a reduction of its own.
            for (value, dropped) in [(a, &dropped[0]), (b, &dropped[1])] {
                if dropped.iter().any(|axis| self.builder.shape(value).get(*axis) != Some(&1)) {
                    return refuse("a product that sums over a dimension of one operand alone");
                }
            }
        }
        let (a, b) = self.equal_lengths(a, b, &axes)?;
        self.product(a, b, &axes, &output)
    }

    /// Repeats shared dimensions of length 1.
    fn equal_lengths(&mut self, a: NodeId, b: NodeId, axes: &Axes) -> Result<(NodeId, NodeId), Unsupported> {
        let (mut left, mut right) = (self.builder.shape(a).to_vec(), self.builder.shape(b).to_vec());
        let shared = axes.batch.iter().map(|[a, b, _]| [*a, *b]).chain(axes.summed.iter().copied());
        for [i, j] in shared {
            let length = left[i].max(right[j]);
            (left[i], right[j]) = (length, length);
        }
        Ok((self.builder.broadcast(a, &left)?, self.builder.broadcast(b, &right)?))
    }

    fn product(&mut self, a: NodeId, b: NodeId, axes: &Axes, output: &[u32]) -> Built {
        let (left_shape, right_shape) = (self.builder.shape(a).to_vec(), self.builder.shape(b).to_vec());
        let size = |lengths: Vec<u32>| u32::try_from(count(&lengths)).unwrap_or(u32::MAX);
        let batch = size(axes.batch.iter().map(|[a, ..]| left_shape[*a]).collect());
        let rows = size(axes.left.iter().map(|[a, _]| left_shape[*a]).collect());
        let columns = size(axes.right.iter().map(|[b, _]| right_shape[*b]).collect());
        let inner = size(axes.summed.iter().map(|[a, _]| left_shape[*a]).collect());
        let order = |groups: [Vec<usize>; 3], rank: usize| -> Vec<usize> {
            let mut order = groups.concat();
            // Dimensions of length 1 that take part in nothing go first, where they change nothing.
            let rest: Vec<usize> = (0..rank).filter(|axis| !order.contains(axis)).collect();
            order.splice(0..0, rest);
            order
        };
        let left_order = order(
            [
                axes.batch.iter().map(|[a, ..]| *a).collect(),
                axes.left.iter().map(|[a, _]| *a).collect(),
                axes.summed.iter().map(|[a, _]| *a).collect(),
            ],
            left_shape.len(),
        );
        let right_order = order(
            [
                axes.batch.iter().map(|[_, b, _]| *b).collect(),
                axes.right.iter().map(|[b, _]| *b).collect(),
                axes.summed.iter().map(|[_, b]| *b).collect(),
            ],
            right_shape.len(),
        );
        // Both as [batch, own, inner].
        let left = self.builder.transpose(a, &left_order)?;
        let right = self.builder.transpose(b, &right_order)?;
        let result = if batch == 1 && self.builder.is_constant(right) {
            let left = self.builder.reshape(left, vec![rows, inner])?;
            self.dense_by(left, right, columns)?
        } else if batch == 1 && self.builder.is_constant(left) {
            let right = self.builder.reshape(right, vec![columns, inner])?;
            let swapped = self.dense_by(right, left, rows)?;
            self.builder.transpose(swapped, &[1, 0])?
        } else if [rows, columns, inner] == [1; 3] {
            let left = self.builder.reshape(left, vec![batch])?;
            let right = self.builder.reshape(right, vec![batch])?;
            self.builder.multiply(left, right)?
        } else {
            let left = self.builder.reshape(left, vec![batch, rows, inner])?;
            let right = self.builder.reshape(right, vec![batch, columns, inner])?;
            let right = self.builder.transpose(right, &[0, 2, 1])?;
            self.builder.matrix_multiply(left, right)?
        };
        // The result is [batch.., left.., right..]; the output wants its own order, with 1 where no operand has it.
        let outs: Vec<usize> = axes
            .batch
            .iter()
            .map(|[.., out]| *out)
            .chain(axes.left.iter().chain(&axes.right).map(|[_, out]| *out))
            .collect();
        let lengths = outs.iter().map(|out| output.get(*out).copied().unwrap_or(1)).collect();
        let result = self.builder.reshape(result, lengths)?;
        let mut order: Vec<usize> = (0..outs.len()).collect();
        order.sort_by_key(|place| outs[*place]);
        let result = self.builder.transpose(result, &order)?;
        self.builder.reshape(result, output.to_vec())
    }

    /// `[rows, inner]` times a fixed `[columns, inner]`.
    fn dense_by(&mut self, value: NodeId, weights: NodeId, columns: u32) -> Built {
        let weights = self.builder.literal(weights).unwrap_or_default();
        self.builder.dense(value, weights, vec![0.0; columns as usize])
    }

    fn convolution(&mut self, node: &TypedNode, convolution: &Conv, inputs: &[NodeId]) -> Built {
        let (weights, taps) = self.kernel(inputs, convolution.kernel_fmt, convolution.group)?;
        let &[groups, outputs_of_group, channels_of_group, pixels] = &taps[..] else {
            return refuse("a kernel of another rank");
        };
        let output = self.shape_of(node, 0)?;
        let spec = &convolution.pool_spec;
        let bias = self.bias(inputs, (groups * outputs_of_group) as usize)?;
        let images = self.images(self.first(inputs)?, spec)?;
        if channels_of_group as usize * pixels as usize * bias.len() != weights.len() {
            return refuse("a kernel whose size does not fit its channels");
        }
        let mut results = Vec::new();
        for image in images {
            let window = self.window(image, spec)?;
            let geometry = Geometry { outputs: groups * outputs_of_group, groups, ..window };
            results.push(self.builder.convolution(image, geometry, weights.clone(), bias.clone())?);
        }
        self.images_joined(results, spec, output)
    }

    /// Kernel as `[group, outputs, inputs, pixels]`, which must be fixed.
    fn kernel(
        &mut self,
        inputs: &[NodeId],
        format: KernelFormat,
        groups: usize,
    ) -> Result<(Arc<Vec<f64>>, Vec<u32>), Unsupported> {
        let kernel = self.input(inputs, 1)?;
        let Some(values) = self.builder.literal(kernel) else {
            return refuse("a kernel that depends on the network's input");
        };
        let shape: Vec<usize> = self.builder.shape(kernel).iter().map(|length| *length as usize).collect();
        let tensor = Tensor::from_shape(&shape, &values).map_err(|error| Unsupported(error.to_string()))?;
        let tensor = rearranged(tensor, &format.kernel_as_group_o_i_hw_ops(&shape, groups))?;
        let shape = super::shape_u32(tensor.shape()).unwrap_or_default();
        Ok((Arc::new(super::numbers(&tensor)?), shape))
    }

    fn bias(&mut self, inputs: &[NodeId], outputs: usize) -> Result<Vec<f64>, Unsupported> {
        let Some(bias) = inputs.get(2) else { return Ok(vec![0.0; outputs]) };
        match self.builder.literal(*bias).map(|bias| bias.to_vec()) {
            Some(bias) if bias.len() == outputs => Ok(bias),
            Some(bias) if bias.len() == 1 => Ok(vec![bias[0]; outputs]),
            Some(bias) => refuse(format!("{} biases for {outputs} channels", bias.len())),
            None => refuse("a bias that depends on the network's input"),
        }
    }

    /// The images of a batch as `[channels, height, width]`; one dimension counts as height 1.
    pub(super) fn images(&mut self, value: NodeId, spec: &PoolSpec) -> Result<Vec<NodeId>, Unsupported> {
        let shape = self.builder.shape(value).to_vec();
        let sizes: Vec<usize> = shape.iter().map(|length| *length as usize).collect();
        let data = spec.data_format.shape(&sizes[..]).map_err(|error| Unsupported(error.to_string()))?;
        let spatial = data.hw_dims().to_vec();
        if spatial.is_empty() || spatial.len() > 2 {
            return refuse(format!("convolution and pooling over {} dimensions: expected 1 or 2", spatial.len()));
        }
        let batch = data.n().copied().unwrap_or(1);
        let channels = data.c_axis();
        let mut order: Vec<usize> = data.n_axis().into_iter().collect();
        order.push(channels);
        order.extend(data.hw_axes());
        let moved = self.builder.transpose(value, &order)?;
        let (height, width) = if spatial.len() == 1 { (1, spatial[0]) } else { (spatial[0], spatial[1]) };
        let image = super::shape_u32(&[sizes[channels], height, width]).unwrap_or_default();
        let pixels = u32::try_from(count(&image)).unwrap_or(u32::MAX);
        let flat =
            self.builder.reshape(moved, vec![u32::try_from(batch).unwrap_or(u32::MAX).saturating_mul(pixels)])?;
        let steps = super::super::real::strides(&image);
        let offsets = (0..batch).map(|item| u32::try_from(item).unwrap_or(u32::MAX).saturating_mul(pixels));
        offsets.map(|offset| self.builder.strided(flat, offset, image.clone(), steps.clone())).collect()
    }

    /// Puts images back into the layout of the network.
    pub(super) fn images_joined(&mut self, images: Vec<NodeId>, spec: &PoolSpec, output: Vec<u32>) -> Built {
        let sizes: Vec<usize> = output.iter().map(|length| *length as usize).collect();
        let data = spec.data_format.shape(&sizes[..]).map_err(|error| Unsupported(error.to_string()))?;
        let mut order: Vec<usize> = data.n_axis().into_iter().collect();
        order.push(data.c_axis());
        order.extend(data.hw_axes());
        let all = self.builder.concatenate(&images, 0)?;
        let moved = self.builder.reshape(all, order.iter().map(|axis| output[*axis]).collect())?;
        let mut back: Vec<usize> = (0..order.len()).collect();
        back.sort_by_key(|place| order[*place]);
        self.builder.transpose(moved, &back)
    }

    /// Kernel, steps and padding over one image; outputs and groups are left at 1.
    pub(super) fn window(&mut self, image: NodeId, spec: &PoolSpec) -> Result<Geometry, Unsupported> {
        let &[_, height, width] = self.builder.shape(image) else { return refuse("not an image") };
        let rank = spec.kernel_shape.len();
        let spatial: Vec<usize> = if rank == 1 { vec![width as usize] } else { vec![height as usize, width as usize] };
        let padding = spec.computed_padding(&spatial);
        let pair = |values: Vec<usize>, lone: u32| -> Result<[u32; 2], Unsupported> {
            let values = super::shape_u32(&values).unwrap_or_default();
            match values[..] {
                [only] => Ok([lone, only]),
                [first, second] => Ok([first, second]),
                _ => refuse("a window of another rank"),
            }
        };
        let mut window = Geometry {
            outputs: 1,
            groups: 1,
            kernel: pair(spec.kernel_shape.to_vec(), 1)?,
            stride: pair(spec.strides().to_vec(), 1)?,
            dilation: pair(spec.dilations().to_vec(), 1)?,
            before: pair(padding.iter().map(|side| side.pad_before).collect(), 0)?,
            after: pair(padding.iter().map(|side| side.pad_after).collect(), 0)?,
        };
        // Rounding up may need more padding behind than is declared.
        let wanted = pair(padding.iter().map(|side| side.convoluted).collect(), 1)?;
        for (axis, length) in [height, width].into_iter().enumerate() {
            let reach = u64::from(wanted[axis].saturating_sub(1)) * u64::from(window.stride[axis])
                + u64::from(window.kernel[axis].saturating_sub(1)) * u64::from(window.dilation[axis])
                + 1;
            let missing = reach.saturating_sub(u64::from(length) + u64::from(window.before[axis]));
            window.after[axis] = window.after[axis].max(u32::try_from(missing).unwrap_or(u32::MAX));
        }
        Ok(window)
    }

    /// A transposed convolution: zeros between the elements, then a convolution with the mirrored kernel.
    fn transposed_convolution(&mut self, node: &TypedNode, transposed: &Deconv, inputs: &[NodeId]) -> Built {
        let (weights, taps) = self.kernel(inputs, transposed.kernel_format, transposed.group)?;
        let &[groups, outputs_of_group, channels_of_group, pixels] = &taps[..] else {
            return refuse("a kernel of another rank");
        };
        let outputs = groups * outputs_of_group;
        let mirrored: Vec<f64> =
            weights.chunks_exact((pixels as usize).max(1)).flat_map(|taps| taps.iter().rev().copied()).collect();
        let bias = self.bias(inputs, outputs as usize)?;
        let output = self.shape_of(node, 0)?;
        let spec = &transposed.pool_spec;
        let sizes: Vec<usize> = output.iter().map(|length| *length as usize).collect();
        let wanted =
            spec.data_format.shape(&sizes[..]).map_err(|error| Unsupported(error.to_string()))?.hw_dims().to_vec();
        let images = self.images(self.first(inputs)?, spec)?;
        let mut results = Vec::new();
        for image in images {
            let shape = self.builder.shape(image).to_vec();
            let rank = spec.kernel_shape.len();
            let spatial: Vec<usize> = shape[3 - rank..].iter().map(|length| *length as usize).collect();
            let strides = spec.strides();
            let padding = spec
                .padding
                .compute_for_deconv(&spatial, &spec.kernel_shape, &spec.dilations(), &strides, &transposed.adjustments)
                .map_err(|error| Unsupported(error.to_string()))?;
            let (mut low, mut high, mut gaps) = (vec![0i32; 3], vec![0i32; 3], vec![0u32; 3]);
            for axis in 0..rank {
                let reach = (spec.kernel_shape[axis] as i64 - 1) * spec.dilations()[axis] as i64;
                let spread = (spatial[axis] as i64 - 1) * strides[axis] as i64 + 1;
                let before = reach - padding[axis].pad_before as i64;
                let after = wanted[axis] as i64 + reach - spread - before;
                let place = 3 - rank + axis;
                low[place] = i32::try_from(before).unwrap_or(i32::MAX);
                high[place] = i32::try_from(after).unwrap_or(i32::MAX);
                gaps[place] = u32::try_from(strides[axis].saturating_sub(1)).unwrap_or(u32::MAX);
            }
            let spread = self.builder.pad(image, [low, high], gaps, 0.0)?;
            let two = |values: &[usize]| {
                let values = super::shape_u32(values).unwrap_or_default();
                if values.len() == 1 { [1, values[0]] } else { [values[0], values[1]] }
            };
            let geometry = Geometry {
                outputs,
                groups,
                kernel: two(&spec.kernel_shape),
                stride: [1; 2],
                dilation: two(&spec.dilations()),
                before: [0; 2],
                after: [0; 2],
            };
            if (channels_of_group * pixels * outputs) as usize != mirrored.len() {
                return refuse("a kernel whose size does not fit its channels");
            }
            results.push(self.builder.convolution(spread, geometry, Arc::new(mirrored.clone()), bias.clone())?);
        }
        self.images_joined(results, spec, output)
    }
}

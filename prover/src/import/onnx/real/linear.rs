//! Dense layers and convolutions, and what folds into their weights.

use std::sync::Arc;

use circuits::model::operator::Geometry;

use super::builder::{Builder, Built, Unsupported, refuse};
use super::{NodeId, RealNode, RealOperator, count};

impl Builder {
    /// `W x + b` along the last dimension, `W` as `[outputs, inputs]`.
    pub(crate) fn dense(&mut self, input: NodeId, weights: Arc<Vec<f64>>, bias: Vec<f64>) -> Built {
        let mut shape = self.shape(input).to_vec();
        let Some(inputs) = shape.last().copied() else { return refuse("a dense layer over a single number") };
        let outputs = bias.len();
        if weights.len() != outputs.saturating_mul(inputs as usize) {
            return refuse(format!("{} weights for {outputs} outputs and {inputs} inputs", weights.len()));
        }
        if weights.iter().chain(&bias).any(|number| !number.is_finite()) {
            return refuse("a weight or bias that is infinite or not a number: expected finite numbers");
        }
        if let Some((inner, weights, bias)) = self.scaled_input(input, &weights, &bias) {
            return self.dense(inner, weights, bias);
        }
        if let Some(last) = shape.last_mut() {
            *last = u32::try_from(outputs).unwrap_or(u32::MAX);
        }
        self.push(RealOperator::Dense { weights, bias }, vec![input], shape)
    }

    /// Moves factors and constants that vary along the last dimension of a dense layer's input into its weights.
    fn scaled_input(
        &self,
        input: NodeId,
        weights: &Arc<Vec<f64>>,
        bias: &[f64],
    ) -> Option<(NodeId, Arc<Vec<f64>>, Vec<f64>)> {
        let node = self.node(input);
        let axis = node.shape.len().checked_sub(1)?;
        let width = *node.shape.last()? as usize;
        match &node.operator {
            RealOperator::Multiply => {
                let (a, b) = (*node.inputs.first()?, *node.inputs.get(1)?);
                let (inner, factors) = [(a, b), (b, a)]
                    .into_iter()
                    .find_map(|(inner, fixed)| Some((inner, self.along(fixed, &node.shape, axis)?)))?;
                let weights = weights.chunks_exact(width).flat_map(|row| row.iter().zip(&factors).map(|(w, f)| w * f));
                Some((inner, Arc::new(weights.collect()), bias.to_vec()))
            }
            RealOperator::Combine { multipliers, constant } => {
                let mut inner = None;
                let mut offsets = vec![*constant; width];
                for (id, multiplier) in node.inputs.iter().zip(multipliers) {
                    if let Some(fixed) = self.along(*id, &node.shape, axis) {
                        offsets.iter_mut().zip(fixed).for_each(|(offset, value)| *offset += multiplier * value);
                    } else if inner.replace((*id, *multiplier)).is_some() {
                        return None;
                    }
                }
                let (inner, multiplier) = inner?;
                let moved = |(row, bias): (&[f64], &f64)| {
                    bias + row.iter().zip(&offsets).map(|(weight, offset)| weight * offset).sum::<f64>()
                };
                let bias = weights.chunks_exact(width).zip(bias).map(moved).collect();
                let weights = weights.iter().map(|weight| weight * multiplier).collect();
                Some((inner, Arc::new(weights), bias))
            }
            _ => None,
        }
    }

    /// Cross-correlation over `[channels, height, width]`.
    pub(crate) fn convolution(
        &mut self,
        input: NodeId,
        geometry: Geometry,
        weights: Arc<Vec<f64>>,
        bias: Vec<f64>,
    ) -> Built {
        let &[channels, height, width] = self.shape(input) else {
            return refuse(format!("a convolution over shape {:?}", self.shape(input)));
        };
        let expected = geometry.columns(channels).map(|columns| columns as usize * geometry.outputs as usize);
        if expected != Some(weights.len()) || bias.len() != geometry.outputs as usize {
            return refuse(format!("{} weights for a convolution of {geometry:?}", weights.len()));
        }
        if weights.iter().chain(&bias).any(|number| !number.is_finite()) {
            return refuse("a weight or bias that is infinite or not a number: expected finite numbers");
        }
        if let Some((inner, multiplier)) = self.multiple_of(input) {
            let weights = weights.iter().map(|weight| weight * multiplier).collect();
            return self.convolution(inner, geometry, Arc::new(weights), bias);
        }
        let Some([rows, columns]) = geometry.output([height, width]) else {
            return refuse(format!("a kernel of {:?} does not fit {height} x {width}", geometry.kernel));
        };
        let shape = vec![geometry.outputs, rows, columns];
        self.push(RealOperator::Convolution { geometry, weights, bias }, vec![input], shape)
    }

    /// The linear layer behind a node, through reshapes, and the dimension of its output channels.
    fn linear_behind(&self, id: NodeId) -> Option<(NodeId, usize)> {
        let node = self.node(id);
        match &node.operator {
            RealOperator::Reshape => self.linear_behind(*node.inputs.first()?),
            RealOperator::Dense { .. } => Some((id, node.shape.len().checked_sub(1)?)),
            RealOperator::Convolution { .. } => Some((id, 0)),
            _ => None,
        }
    }

    /// The layer with output channel `c` multiplied by `factors[c]` and `offsets[c]` added, in the shape of `outer`.
    fn adjusted(&mut self, outer: NodeId, layer: NodeId, factors: &[f64], offsets: &[f64]) -> Built {
        let shape = self.shape(outer).to_vec();
        let node = self.node(layer).clone();
        let rescale = |weights: &[f64], bias: &[f64]| {
            let columns = (weights.len() / bias.len().max(1)).max(1);
            let rows = weights.chunks_exact(columns).zip(factors);
            let weights: Vec<f64> =
                rows.flat_map(|(row, factor)| row.iter().map(move |weight| weight * factor)).collect();
            let bias = bias.iter().zip(factors).zip(offsets).map(|((bias, factor), offset)| bias * factor + offset);
            (Arc::new(weights), bias.collect::<Vec<f64>>())
        };
        let input = node.inputs.first().copied().unwrap_or(0);
        let folded = match &node.operator {
            RealOperator::Dense { weights, bias } => {
                let (weights, bias) = rescale(weights, bias);
                self.dense(input, weights, bias)?
            }
            RealOperator::Convolution { geometry, weights, bias } => {
                let (weights, bias) = rescale(weights, bias);
                self.convolution(input, *geometry, weights, bias)?
            }
            _ => return refuse("not a linear layer"),
        };
        self.reshape(folded, shape)
    }

    /// A sum of one linear layer and constants along its channels, folded into its weights.
    pub(super) fn fold_into_linear(
        &mut self,
        terms: &[(NodeId, f64)],
        constant: f64,
    ) -> Result<Option<NodeId>, Unsupported> {
        let mut moving = terms.iter().filter(|(id, _)| !self.is_constant(*id));
        let (Some((outer, multiplier)), None) = (moving.next(), moving.next()) else { return Ok(None) };
        let Some((layer, axis)) = self.linear_behind(*outer) else { return Ok(None) };
        if terms.len() == 1 {
            // A scalar may still fuse with what follows; `settle` folds it if it does not.
            return Ok(None);
        }
        let shape = self.shape(layer).to_vec();
        let channels = shape.get(axis).map_or(0, |length| *length as usize);
        let mut offsets = vec![constant; channels];
        for (id, factor) in terms.iter().filter(|(id, _)| self.is_constant(*id)) {
            let Some(fixed) = self.along(*id, &shape, axis) else { return Ok(None) };
            offsets.iter_mut().zip(fixed).for_each(|(offset, value)| *offset += factor * value);
        }
        self.adjusted(*outer, layer, &vec![*multiplier; channels], &offsets).map(Some)
    }

    /// A linear layer times factors along its channels; any value of few channels times such factors.
    pub(super) fn scale_linear(&mut self, value: NodeId, factors: NodeId) -> Result<Option<NodeId>, Unsupported> {
        if !self.is_constant(factors) || self.is_constant(value) {
            return Ok(None);
        }
        if let Some((layer, axis)) = self.linear_behind(value) {
            let shape = self.shape(layer).to_vec();
            if let Some(factors) = self.along(factors, &shape, axis) {
                let offsets = vec![0.0; factors.len()];
                return self.adjusted(value, layer, &factors, &offsets).map(Some);
            }
        }
        // A factor for each of the outermost channels: a depthwise convolution with kernel 1.
        let shape = self.shape(value).to_vec();
        let Some(axis) = shape.iter().position(|length| *length > 1).filter(|axis| axis + 1 < shape.len()) else {
            return Ok(None);
        };
        let Some(weights) = self.along(factors, &shape, axis) else { return Ok(None) };
        let channels = shape[axis];
        let pixels = u32::try_from(count(&shape[axis + 1..])).unwrap_or(u32::MAX);
        let image = self.reshape(value, vec![channels, 1, pixels])?;
        let geometry = Geometry {
            outputs: channels,
            groups: channels,
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            before: [0; 2],
            after: [0; 2],
        };
        let scaled = self.convolution(image, geometry, Arc::new(weights), vec![0.0; channels as usize])?;
        self.reshape(scaled, shape).map(Some)
    }
}

/// Folds scalars into the weights of layers that nothing else reads.
pub(super) fn settle(nodes: &mut [RealNode], output: NodeId) {
    let mut readers = vec![0usize; nodes.len()];
    nodes.iter().flat_map(|node| &node.inputs).for_each(|input| readers[*input] += 1);
    readers[output] += 1;
    for id in 0..nodes.len() {
        let RealOperator::Combine { multipliers, constant } = &nodes[id].operator else { continue };
        let ([multiplier], [input]) = (&multipliers[..], &nodes[id].inputs[..]) else { continue };
        let (multiplier, constant, mut layer) = (*multiplier, *constant, *input);
        while readers[layer] == 1
            && matches!(
                nodes[layer].operator,
                RealOperator::Reshape | RealOperator::Strided { .. } | RealOperator::Select { .. }
            )
        {
            layer = nodes[layer].inputs[0];
        }
        let (1, RealOperator::Dense { weights, bias } | RealOperator::Convolution { weights, bias, .. }) =
            (readers[layer], &mut nodes[layer].operator)
        else {
            continue;
        };
        *weights = Arc::new(weights.iter().map(|weight| weight * multiplier).collect());
        bias.iter_mut().for_each(|bias| *bias = *bias * multiplier + constant);
        nodes[layer].whole = false;
        nodes[id].operator = RealOperator::Reshape;
    }
}

//! What is known of a node's numbers before the network runs.

use std::sync::Arc;

use super::builder::Builder;
use super::{NodeId, RealOperator, count, evaluate};

impl Builder {
    /// Whether a node's elements are fixed.
    pub(crate) fn is_constant(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match node.operator {
            RealOperator::Constant(_) => true,
            // The only operator over constants that is not computed at once: a repetition.
            RealOperator::Strided { .. } => node.inputs.iter().all(|input| self.is_constant(*input)),
            _ => false,
        }
    }

    /// The elements of a fixed node, row-major.
    pub(crate) fn literal(&self, id: NodeId) -> Option<Arc<Vec<f64>>> {
        let node = self.node(id);
        match &node.operator {
            RealOperator::Constant(values) => Some(values.clone()),
            RealOperator::Strided { .. } => {
                let source = self.literal(*node.inputs.first()?)?;
                let shape = self.shape(*node.inputs.first()?);
                Some(Arc::new(evaluate::evaluate(node, &[&source], &[shape])))
            }
            _ => None,
        }
    }

    /// The number in every element of a fixed node, where it is one number.
    pub(crate) fn uniform(&self, id: NodeId) -> Option<f64> {
        let node = self.node(id);
        match &node.operator {
            RealOperator::Constant(values) => {
                let (first, rest) = values.split_first()?;
                rest.iter().all(|value| value == first).then_some(*first)
            }
            RealOperator::Strided { .. } if self.is_constant(id) => self.uniform(*node.inputs.first()?),
            _ => None,
        }
    }

    /// The elements of a fixed node seen as `shape`, where they depend on dimension `axis` alone.
    pub(super) fn along(&self, id: NodeId, shape: &[u32], axis: usize) -> Option<Vec<f64>> {
        let values = self.literal(id)?;
        let length = *shape.get(axis)? as usize;
        let inner = count(shape.get(axis + 1..)?);
        if values.len() != count(shape) {
            return None;
        }
        let channels: Vec<f64> = (0..length).filter_map(|channel| values.get(channel * inner).copied()).collect();
        let agrees = |(place, value): (usize, &f64)| channels.get(place / inner.max(1) % length.max(1)) == Some(value);
        values.iter().enumerate().all(agrees).then_some(channels)
    }
}

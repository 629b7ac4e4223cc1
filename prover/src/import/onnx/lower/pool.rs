//! Pooling: the largest or the mean of every window.

use std::sync::Arc;

use circuits::model::operator::Geometry;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::cnn::{MaxPool, SumPool};

use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::{NodeId, strides};
use super::Lowering;

/// Places of a window that is summed without weights.
const VIEWS_MAX: u32 = 9;

impl Lowering<'_> {
    /// Pooling operators; `None` for others.
    pub(super) fn pool(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        if let Some(pool) = node.op_as::<MaxPool>() {
            if node.outputs.iter().skip(1).any(|output| !output.successors.is_empty()) {
                return refuse("the positions of pooled maxima are not supported");
            }
            let output = self.shape_of(node, 0)?;
            let mut results = Vec::new();
            for image in self.images(self.first(inputs)?, &pool.pool_spec)? {
                let window = self.window(image, &pool.pool_spec)?;
                results.push(self.largest(image, &window)?);
            }
            return self.images_joined(results, &pool.pool_spec, output).map(Some);
        }
        if let Some(pool) = node.op_as::<SumPool>() {
            let output = self.shape_of(node, 0)?;
            let mut results = Vec::new();
            for image in self.images(self.first(inputs)?, &pool.pool_spec)? {
                let window = self.window(image, &pool.pool_spec)?;
                let summed = self.summed(image, &window, pool)?;
                results.push(summed);
            }
            return self.images_joined(results, &pool.pool_spec, output).map(Some);
        }
        Ok(None)
    }

    /// The largest of every window, by a tree.
    fn largest(&mut self, image: NodeId, window: &Geometry) -> Built {
        // Below every value, so that padding never wins.
        let mut views = self.views(image, window, f64::NEG_INFINITY)?;
        while views.len() > 1 {
            let mut next = Vec::new();
            for pair in views.chunks(2) {
                next.push(if let [a, b] = *pair { self.builder.maximum(a, b)? } else { pair[0] });
            }
            views = next;
        }
        views.first().copied().ok_or_else(|| Unsupported("an empty window".to_owned()))
    }

    /// One strided view of the padded image for each place in the window.
    fn views(&mut self, image: NodeId, window: &Geometry, padding: f64) -> Result<Vec<NodeId>, Unsupported> {
        let &[channels, height, width] = self.builder.shape(image) else { return refuse("not an image") };
        let Some([rows, columns]) = window.output([height, width]) else { return refuse("a window that does not fit") };
        let signed = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        let padded = self.builder.pad(
            image,
            [
                vec![0, signed(window.before[0]), signed(window.before[1])],
                vec![0, signed(window.after[0]), signed(window.after[1])],
            ],
            vec![0; 3],
            padding,
        )?;
        let [plane, line, _] = strides(self.builder.shape(padded))[..] else { return refuse("not an image") };
        let mut views = Vec::new();
        for row in 0..window.kernel[0] {
            for column in 0..window.kernel[1] {
                let offset = i64::from(row) * i64::from(window.dilation[0]) * i64::from(line)
                    + i64::from(column) * i64::from(window.dilation[1]);
                let steps = vec![plane, line.saturating_mul(signed(window.stride[0])), signed(window.stride[1])];
                let offset = u32::try_from(offset).unwrap_or(u32::MAX);
                views.push(self.builder.strided(padded, offset, vec![channels, rows, columns], steps)?);
            }
        }
        Ok(views)
    }

    /// Sum or mean of every window: a sum of views where the window is small, which takes fewer rows than reading every
    /// channel for weights that are all the same, else a depthwise convolution with equal weights.
    fn summed(&mut self, image: NodeId, window: &Geometry, pool: &SumPool) -> Built {
        let &[channels, height, width] = self.builder.shape(image) else { return refuse("not an image") };
        let taps = window.kernel[0].saturating_mul(window.kernel[1]);
        let geometry = Geometry { outputs: channels, groups: channels, ..*window };
        let uneven = pool.normalize && !pool.count_include_pad && (window.before != [0; 2] || window.after != [0; 2]);
        let weight = if pool.normalize && !uneven { f64::from(taps).recip() } else { 1.0 };
        let sum = if taps <= VIEWS_MAX {
            let terms: Vec<(NodeId, f64)> =
                self.views(image, window, 0.0)?.into_iter().map(|view| (view, weight)).collect();
            self.builder.combine(&terms, 0.0)?
        } else {
            let weights = Arc::new(vec![weight; channels as usize * taps as usize]);
            self.builder.convolution(image, geometry, weights, vec![0.0; channels as usize])?
        };
        if !uneven {
            return Ok(sum);
        }
        // At the border, fewer elements count.
        let Some([rows, columns]) = window.output([height, width]) else { return refuse("a window that does not fit") };
        let inside = |index: u32, axis: usize, length: u32| {
            let taps = (0..window.kernel[axis]).filter(|tap| {
                let place = i64::from(index) * i64::from(window.stride[axis])
                    + i64::from(*tap) * i64::from(window.dilation[axis])
                    - i64::from(window.before[axis]);
                (0..i64::from(length)).contains(&place)
            });
            taps.count().max(1) as f64
        };
        let factors: Vec<f64> = (0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(row, column)| (inside(row, 0, height) * inside(column, 1, width)).recip())
            .collect();
        let factors = self.builder.constant(vec![1, rows, columns], factors)?;
        let factors = self.builder.broadcast(factors, &[channels, rows, columns])?;
        self.builder.multiply(sum, factors)
    }
}

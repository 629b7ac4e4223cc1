//! Convolutions: the patches that the kernel meets become the columns of a matrix, and one matrix product for each group
//! does the rest.
//!
//! Candle's own convolution has one padding and one stride for both axes, and on a GPU it may choose a Winograd or FFT
//! algorithm, which is not exact. A product of kernel and patches is: each sum has exactly the terms of the definition.

use std::ops::Range as Span;

use candle_core::{Device, Tensor};
use circuits::model::graph::Geometry;
use circuits::model::weights::LinearWeights;

use super::ExecutorError;
use super::exact::{Sums, download, upload, upload_weights};

/// Patch elements of one matrix product on the processor: 2 MiB, beyond which they leave its cache.
const PATCH_ELEMENTS_MAX: usize = 1 << 18;
/// The same on a GPU: 32 MiB, so that there are few products and a large image's patches still fit.
const PATCH_ELEMENTS_MAX_GPU: usize = 1 << 22;

/// A convolution whose weights are on the device.
pub(super) struct Convolution {
    /// `[groups, outputs / groups, columns]`
    kernel: Tensor,
    bias: Vec<i64>,
    geometry: Geometry,
    /// Channels, height and width of the input.
    input: [usize; 3],
    /// Height and width of the output.
    output: [usize; 2],
    patch_elements_max: usize,
    sums: Sums,
}

/// Neighbouring output positions of one row.
struct Stretch {
    item: usize,
    row: usize,
    columns: Span<usize>,
}

impl Convolution {
    pub(super) fn new(
        weights: &LinearWeights,
        geometry: Geometry,
        input: [usize; 3],
        output: [usize; 2],
        sums: Sums,
        device: &Device,
    ) -> Result<Self, ExecutorError> {
        let groups = geometry.groups as usize;
        let shape = (groups, weights.outputs() as usize / groups, weights.inputs() as usize);
        let kernel = upload_weights(weights.weights(), shape, device)?;
        let bias = weights.bias().to_vec();
        let patch_elements_max = if device.is_cpu() { PATCH_ELEMENTS_MAX } else { PATCH_ELEMENTS_MAX_GPU };
        Ok(Self { kernel, bias, geometry, input, output, patch_elements_max, sums })
    }

    /// The same with another bound on the elements of one product.
    #[cfg(test)]
    pub(super) fn with_patch_elements_max(self, patch_elements_max: usize) -> Self {
        Self { patch_elements_max, ..self }
    }

    pub(super) fn run(&self, source: &[i64], device: &Device) -> Result<Vec<i64>, ExecutorError> {
        let [channels, height, width] = self.input;
        let items = source.len() / (channels * height * width);
        let positions = self.output[0] * self.output[1];
        let (groups, outputs, columns) = self.kernel.dims3()?;
        let mut results = vec![0; items * groups * outputs * positions];
        let span_max = (self.patch_elements_max / (groups * columns)).max(1);
        for start in (0..items * positions).step_by(span_max) {
            let span = start..(start + span_max).min(items * positions);
            let patches = upload(&self.patches(source, span.clone()), (groups, columns, span.len()), device)?;
            let products = download(&self.kernel.matmul(&patches)?)?;
            for ((channel, bias), row) in self.bias.iter().enumerate().zip(products.chunks_exact(span.len())) {
                for (position, got) in span.clone().zip(row) {
                    let (item, place) = (position / positions, position % positions);
                    let place = (item * self.bias.len() + channel) * positions + place;
                    results[place] = self.sums.integer(place, *got, *bias)?;
                }
            }
        }
        Ok(results)
    }

    /// Element `[c, k, l][p]` is what kernel element `[k, l]` meets in channel `c` at output position `p` of the batch:
    /// the rows of a group follow one another, as the kernel's columns do.
    fn patches(&self, source: &[i64], span: Span<usize>) -> Vec<i64> {
        let [channels, height, width] = self.input;
        let [kernel_rows, kernel_columns] = self.geometry.kernel;
        let stretches = self.stretches(span.clone());
        let mut patches = Vec::with_capacity(channels * (kernel_rows * kernel_columns) as usize * span.len());
        for channel in 0..channels {
            for k in 0..kernel_rows {
                for l in 0..kernel_columns {
                    for Stretch { item, row, columns } in &stretches {
                        let Some(i) = self.inside(0, *row, k, height) else {
                            patches.extend(std::iter::repeat_n(0, columns.len()));
                            continue;
                        };
                        let line = ((item * channels + channel) * height + i) * width;
                        let line = &source[line..line + width];
                        patches.extend(
                            columns.clone().map(|column| self.inside(1, column, l, width).map_or(0, |j| line[j])),
                        );
                    }
                }
            }
        }
        patches
    }

    /// Splits a span of output positions at the ends of rows.
    fn stretches(&self, span: Span<usize>) -> Vec<Stretch> {
        let [height, width] = self.output;
        let mut stretches = Vec::new();
        let mut start = span.start;
        while start < span.end {
            let (line, first) = (start / width, start % width);
            let last = width.min(first + span.end - start);
            stretches.push(Stretch { item: line / height, row: line % height, columns: first..last });
            start += last - first;
        }
        stretches
    }

    /// Input row (axis 0) or column (axis 1) that kernel element `kernel` meets at output position `position`; `None` in
    /// the padding.
    fn inside(&self, axis: usize, position: usize, kernel: u32, length: usize) -> Option<usize> {
        let Geometry { stride, dilation, before, .. } = &self.geometry;
        let padded = position * stride[axis] as usize + kernel as usize * dilation[axis] as usize;
        padded.checked_sub(before[axis] as usize).filter(|place| *place < length)
    }
}

#[cfg(test)]
mod tests;

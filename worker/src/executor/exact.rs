//! Integers to the device and back, with a check that nothing was rounded.

use candle_core::{Device, Shape, Tensor};
use circuits::model::range::{MAGNITUDE_MAX, Range};

use super::ExecutorError;

/// All integers up to this magnitude are exact in `f64`.
const EXACT_MAX: i64 = 1 << 53;
const _: () = assert!(MAGNITUDE_MAX < EXACT_MAX);

/// Copies integers of at most 2^47 in magnitude to the device.
pub(super) fn upload(values: &[i64], shape: impl Into<Shape>, device: &Device) -> Result<Tensor, ExecutorError> {
    let elements: Vec<f64> = values.iter().map(|value| *value as f64).collect();
    Ok(Tensor::from_vec(elements, shape.into(), device)?)
}

/// Copies a matrix of weights to the device.
pub(super) fn upload_weights(
    weights: &[i32],
    shape: impl Into<Shape>,
    device: &Device,
) -> Result<Tensor, ExecutorError> {
    let elements: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
    Ok(Tensor::from_vec(elements, shape.into(), device)?)
}

/// All elements of a device's tensor, row-major.
pub(super) fn download(tensor: &Tensor) -> Result<Vec<f64>, ExecutorError> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

/// What the products and sums of one node must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    /// Node index.
    pub(super) node: usize,
    /// Elements of the node's value.
    pub(super) width: usize,
    /// Interval that they lie in, the biases included.
    pub(super) range: Range,
}

impl Sums {
    /// The integer `got + bias`, where the device returned `got` for element `position` of the whole batch.
    pub(super) fn integer(&self, position: usize, got: f64, bias: i64) -> Result<i64, ExecutorError> {
        let range = Range { min: self.range.min - bias, max: self.range.max - bias };
        // The cast saturates and turns NaN into 0, so comparing back catches everything that is not an integer.
        let integer = got as i64;
        if integer as f64 != got || !range.contains(integer) {
            let width = self.width.max(1);
            let (item, element) = (position / width, position % width);
            return Err(ExecutorError::Inexact { item, node: self.node, element, got, range });
        }
        Ok(integer + bias)
    }
}

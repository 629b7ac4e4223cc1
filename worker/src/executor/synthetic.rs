//! Synthetic tasks on candle: the product by which a worker shows that its machine computes.

use candle_core::Tensor;
use chain::synthetic::{Operand, Row, SIZE, operand};
use chain::types::Hash;
use circuits::model::range::Range;

use super::{Device, ExecutorError};

/// All sums of a task lie within this, which `f32` represents exactly in any order of summation.
const SUMS: Range = Range { min: -(1 << 24), max: 1 << 24 };

/// The rows of a task's product, computed on `device`.
///
/// # Errors
/// [`ExecutorError`]: the device is not usable, or it returned something that is no such integer.
pub fn product(task: &Hash, device: Device) -> Result<Vec<Row<i32>>, ExecutorError> {
    let device = device.open()?;
    let upload = |which| {
        let elements: Vec<f32> = operand(task, which).into_iter().map(f32::from).collect();
        Tensor::from_vec(elements, (SIZE, SIZE), &device)
    };
    let sums: Vec<f32> = upload(Operand::Left)?.matmul(&upload(Operand::Right)?)?.flatten_all()?.to_vec1()?;
    let mut integers = Vec::with_capacity(sums.len());
    for (element, got) in sums.into_iter().map(f64::from).enumerate() {
        // The cast saturates and turns NaN into 0, so comparing back catches everything that is not an integer.
        let integer = got as i32;
        if f64::from(integer) != got || !SUMS.contains(integer.into()) {
            return Err(ExecutorError::Inexact { item: 0, node: 0, element, got, range: SUMS });
        }
        integers.push(integer);
    }
    Ok(integers.chunks(SIZE).map(<[i32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chain::synthetic::{self, task};

    #[test]
    fn candle_gives_the_integers_of_the_reference() {
        let task = task(&[7; 32], 1, &[8; 32]);
        let computed = product(&task, Device::Cpu).unwrap();
        let reference = synthetic::product(&task);
        assert_eq!(computed, reference);
        assert_eq!(synthetic::root(&computed), synthetic::root(&reference));
    }
}

//! Integer tensors: the inputs, activations and outputs of a quantised model.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::range::Range;

/// Largest rank of a tensor.
pub const RANK_MAX: usize = 8;
/// Largest number of elements of a tensor.
pub const ELEMENTS_MAX: usize = 1 << 24;

const HASH_CONTEXT: &str = "assay 2026 tensor v1";
/// The only element type of format 1: 64-bit signed little-endian integers.
const DTYPE_INT64: u8 = 1;

/// Why a tensor was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorError {
    /// More dimensions than [`RANK_MAX`].
    #[error("tensor rank: expected at most {RANK_MAX}, got {got}")]
    Rank {
        /// Rank that came.
        got: usize,
    },
    /// The shape holds more elements than [`ELEMENTS_MAX`].
    #[error("tensor shape {shape:?}: expected at most {ELEMENTS_MAX} elements")]
    TooLarge {
        /// Shape that came.
        shape: Vec<u32>,
    },
    /// The number of values is not the product of the dimensions.
    #[error("tensor values: expected {expected} for shape {shape:?}, got {got}")]
    Length {
        /// Shape that came.
        shape: Vec<u32>,
        /// Product of its dimensions.
        expected: usize,
        /// Number of values that came.
        got: usize,
    },
}

/// A dense integer tensor in row-major order.
///
/// Invariant: `values.len()` is the product of `shape`, rank and size lie within [`RANK_MAX`] and [`ELEMENTS_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, Serialize)]
pub struct Tensor {
    shape: Vec<u32>,
    values: Vec<i64>,
}

impl Tensor {
    /// A tensor of `shape` (row-major), or an error that names the mismatch.
    pub fn new(shape: Vec<u32>, values: Vec<i64>) -> Result<Self, TensorError> {
        let expected = elements(&shape)?;
        if expected != values.len() {
            return Err(TensorError::Length { shape, expected, got: values.len() });
        }
        Ok(Self { shape, values })
    }

    /// A tensor of rank one.
    pub fn vector(values: Vec<i64>) -> Result<Self, TensorError> {
        let length = u32::try_from(values.len()).unwrap_or(u32::MAX);
        Self::new(vec![length], values)
    }

    /// Dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// Elements in row-major order.
    #[must_use]
    pub fn values(&self) -> &[i64] {
        &self.values
    }

    /// Elements along the last dimension, one slice for each index of the others; all of them of a tensor of rank one.
    pub fn rows(&self) -> impl Iterator<Item = &[i64]> {
        let width = self.shape.last().map_or(1, |width| usize::try_from(*width).unwrap_or(usize::MAX));
        self.values.chunks(width.max(1))
    }

    /// Position and value of the first element outside `range`.
    #[must_use]
    pub fn first_outside(&self, range: &Range) -> Option<(usize, i64)> {
        self.values.iter().copied().enumerate().find(|(_, value)| !range.contains(*value))
    }

    /// Index of the largest element; the lowest index wins a tie. `None` for an empty tensor.
    #[must_use]
    pub fn argmax(&self) -> Option<usize> {
        let mut best: Option<(usize, i64)> = None;
        for (index, value) in self.values.iter().copied().enumerate() {
            if best.is_none_or(|(_, largest)| value > largest) {
                best = Some((index, value));
            }
        }
        best.map(|(index, _)| index)
    }

    /// BLAKE3 `derive_key` over element type, rank, dimensions and little-endian elements.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(HASH_CONTEXT);
        hasher.update(&[DTYPE_INT64]);
        hasher.update(&u32::try_from(self.shape.len()).unwrap_or(u32::MAX).to_le_bytes());
        for dimension in &self.shape {
            hasher.update(&dimension.to_le_bytes());
        }
        for value in &self.values {
            hasher.update(&value.to_le_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

fn elements(shape: &[u32]) -> Result<usize, TensorError> {
    if shape.len() > RANK_MAX {
        return Err(TensorError::Rank { got: shape.len() });
    }
    shape
        .iter()
        .try_fold(1usize, |product, dimension| product.checked_mul(usize::try_from(*dimension).ok()?))
        .filter(|product| *product <= ELEMENTS_MAX)
        .ok_or_else(|| TensorError::TooLarge { shape: shape.to_vec() })
}

#[derive(BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTensor {
    shape: Vec<u32>,
    values: Vec<i64>,
}

impl BorshDeserialize for Tensor {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let raw = RawTensor::deserialize_reader(reader)?;
        Self::new(raw.shape, raw.values)
            .map_err(|error| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <RawTensor as Deserialize>::deserialize(deserializer)?;
        Self::new(raw.shape, raw.values).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_and_length_must_agree() {
        assert_eq!(
            Tensor::new(vec![2, 3], vec![0; 5]),
            Err(TensorError::Length { shape: vec![2, 3], expected: 6, got: 5 })
        );
        assert_eq!(Tensor::new(vec![1; 9], vec![0]), Err(TensorError::Rank { got: 9 }));
        assert_eq!(
            Tensor::new(vec![u32::MAX, u32::MAX], vec![]),
            Err(TensorError::TooLarge { shape: vec![u32::MAX, u32::MAX] })
        );
    }

    #[test]
    fn hash_separates_shape_from_values() {
        let row = Tensor::new(vec![1, 4], vec![1, 2, 3, 4]).unwrap();
        let square = Tensor::new(vec![2, 2], vec![1, 2, 3, 4]).unwrap();
        assert_ne!(row.hash(), square.hash());
        assert_ne!(row.hash(), Tensor::new(vec![1, 4], vec![1, 2, 3, 5]).unwrap().hash());
    }

    #[test]
    fn argmax_takes_the_lowest_index_of_a_tie() {
        assert_eq!(Tensor::vector(vec![3, 9, 9]).unwrap().argmax(), Some(1));
        assert_eq!(Tensor::vector(vec![]).unwrap().argmax(), None);
    }

    #[test]
    fn rows_run_along_the_last_dimension() {
        let rows = |shape: &[u32], values: &[i64]| {
            let tensor = Tensor::new(shape.to_vec(), values.to_vec()).unwrap();
            tensor.rows().map(<[i64]>::to_vec).collect::<Vec<_>>()
        };
        assert_eq!(rows(&[2, 1, 2], &[1, 2, 3, 4]), [[1, 2], [3, 4]]);
        assert_eq!(rows(&[3], &[1, 2, 3]), [[1, 2, 3]]);
        assert_eq!(rows(&[], &[7]), [[7]]);
        assert!(rows(&[3, 0], &[]).is_empty());
    }

    #[test]
    fn decoding_checks_the_invariant() {
        let mut bytes = borsh::to_vec(&Tensor::vector(vec![7, 8]).unwrap()).unwrap();
        assert_eq!(borsh::from_slice::<Tensor>(&bytes).unwrap().values(), [7, 8]);
        bytes[4] = 3;
        let error = borsh::from_slice::<Tensor>(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "tensor values: expected 3 for shape [3], got 2");
    }
}

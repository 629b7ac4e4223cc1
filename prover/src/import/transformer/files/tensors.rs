//! Float tensors of a safetensors file.

use circuits::model::container::Container;
use safetensors::tensor::Dtype;

use super::FilesError;
use super::settings::Family;

/// The tensors of a file, under a prefix that its names may share.
pub(super) struct Tensors<'a> {
    container: Container<'a>,
    prefix: &'static str,
    family: Family,
}

impl<'a> Tensors<'a> {
    pub(super) fn open(bytes: &'a [u8], family: Family) -> Result<Self, FilesError> {
        let container = Container::open(bytes)?;
        let (prefix, known) = family.prefix();
        let has = container.tensors().tensor(&format!("{prefix}{known}")).is_ok();
        Ok(Self { container, prefix: if has { prefix } else { "" }, family })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        [self.prefix, ""].iter().any(|prefix| self.container.tensors().tensor(&format!("{prefix}{name}")).is_ok())
    }

    /// The first `shape[0]` rows of a tensor, which may have more only if `is_cut`.
    pub(super) fn get(&self, name: &str, shape: &[u32], is_cut: bool) -> Result<Vec<f32>, FilesError> {
        let own = format!("{}{name}", self.prefix);
        let found = self.container.tensors().tensor(&own).or_else(|_| self.container.tensors().tensor(name));
        let Ok(view) = found else {
            return Err(FilesError::Missing { name: own, family: self.family.name() });
        };
        let expected: Vec<usize> = shape.iter().map(|length| *length as usize).collect();
        let got = view.shape();
        let longer = is_cut && got.len() == expected.len() && got.first() >= expected.first();
        if got != expected && !(longer && got.get(1..) == expected.get(1..)) {
            return Err(FilesError::Shape { name: own, expected, got: got.to_vec() });
        }
        let count = expected.iter().product();
        let data = view.data();
        let (words, _) = data.as_chunks::<4>();
        let (halves, _) = data.as_chunks::<2>();
        let halves = halves.iter().take(count).map(|bytes| u16::from_le_bytes(*bytes));
        match view.dtype() {
            Dtype::F32 => Ok(words.iter().take(count).map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            Dtype::BF16 => Ok(halves.map(|bits| f32::from_bits(u32::from(bits) << 16)).collect()),
            Dtype::F16 => Ok(halves.map(half).collect()),
            other => Err(FilesError::Type { name: own, got: other.to_string() }),
        }
    }

    /// The same of a matrix that is stored `[inputs, outputs]`.
    pub(super) fn transposed(&self, name: &str, [outputs, inputs]: [u32; 2]) -> Result<Vec<f32>, FilesError> {
        let stored = self.get(name, &[inputs, outputs], false)?;
        let column = |output: usize| stored.iter().skip(output).step_by(outputs as usize).copied();
        Ok((0..outputs as usize).flat_map(column).collect())
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from((bits >> 10) & 31), f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * (-24f32).exp2(),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * ((exponent - 25) as f32).exp2(),
    };
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_read_as_the_standard_says() {
        let cases =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)];
        for (bits, value) in cases {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:04x}");
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }
}

//! A polynomial's value, by Horner's rule.
//!
//! Where the processor can, as 32 polynomials in a power of the point: four chains of eight lanes, so that no multiplication
//! waits for the one before. On two cores of an Intel Xeon all values of MiniLM's shape (2^16 rows) take 0.07 s instead of 0.18 s.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;

/// Value of a polynomial.
pub(super) fn evaluate(polynomial: &[Fr], at: Fr) -> Fr {
    #[cfg(target_arch = "x86_64")]
    if lanes::supported() {
        return wide::evaluate(polynomial, at);
    }
    plain(polynomial, at)
}

fn plain(polynomial: &[Fr], at: Fr) -> Fr {
    polynomial.iter().rev().fold(Fr::ZERO, |value, coefficient| value * at + coefficient)
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "a call needs the processor's features, which were looked for")]
mod wide {
    use super::{Field, Fr, plain};
    use crate::engine::transform::lanes::zero;
    use lanes::{LANES, Lanes, Limbs, add, all, carried, factor, gathered};

    const CHAINS: usize = 4;
    const EACH: usize = CHAINS * LANES;

    type Scalars = Lanes<Fr>;

    /// The caller has found the processor's features.
    pub(super) fn evaluate(polynomial: &[Fr], at: Fr) -> Fr {
        let (whole, rest) = polynomial.as_chunks::<EACH>();
        let last = plain(rest, at);
        if whole.is_empty() {
            return last;
        }
        // SAFETY: the caller found the features.
        let first = unsafe { chunks(whole, at) };
        first + last * at.pow_vartime([(whole.len() * EACH) as u64])
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn chunks(chunks: &[[Fr; EACH]], at: Fr) -> Fr {
        let step = all(&factor(&at.pow_vartime([EACH as u64])));
        let mut values = [zero(); CHAINS];
        for chunk in chunks.iter().rev() {
            for (value, elements) in values.iter_mut().zip(chunk.as_chunks::<LANES>().0) {
                // Below 2 p and p.
                *value = add(&Scalars::multiply(&carried(*value), &step), &Scalars::loaded(elements));
            }
        }
        let mut power = Fr::ONE;
        let mut sum = zero();
        for value in &values {
            let powers: [Limbs; LANES] = std::array::from_fn(|_| {
                let number = factor(&power);
                power *= at;
                number
            });
            sum = add(&sum, &Scalars::multiply(&carried(*value), &gathered(&powers)));
        }
        let mut parts = [Fr::ZERO; LANES];
        Scalars::stored(&Scalars::canonical(Scalars::reduced(sum)), &mut parts);
        parts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_horners_rule() {
        let at = -Fr::from(5).pow_vartime([77]);
        for length in [0, 1, 7, 31, 32, 33, 64, 96, 1000, 4096] {
            let dense: Vec<Fr> = (0..length).map(|index| Fr::from(index + 3).pow_vartime([index + 9])).collect();
            for polynomial in [dense, vec![-Fr::ONE; length as usize]] {
                for at in [at, Fr::ZERO, Fr::ONE, -Fr::ONE] {
                    assert_eq!(evaluate(&polynomial, at), plain(&polynomial, at), "{length}");
                }
            }
        }
    }
}

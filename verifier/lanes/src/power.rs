//! Powers of many elements with one exponent.

use crate::Prime;

/// Raises each element to a power, in time that depends on the exponent. `false`, and nothing is done, where the processor
/// cannot.
pub fn raise<F: Prime>(elements: &mut [F], exponent: &[u64; 4]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if crate::supported() {
        for chunk in elements.chunks_mut(crate::LANES) {
            wide::raise(chunk, exponent);
        }
        return true;
    }
    let _ = (elements, exponent);
    false
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "a call needs the processor's features, which the caller found")]
mod wide {
    use crate::{LANES, Lanes, Prime, Vector, carried};

    /// Bits of the exponent that are taken at a time.
    const WINDOW: u32 = 4;

    /// Raises up to eight elements.
    pub(super) fn raise<F: Prime>(elements: &mut [F], exponent: &[u64; 4]) {
        let mut lanes = [F::ZERO; LANES];
        let count = elements.len().min(LANES);
        lanes[..count].copy_from_slice(&elements[..count]);
        // SAFETY: the caller found the features.
        unsafe { raise_lanes(&mut lanes, exponent) };
        elements[..count].copy_from_slice(&lanes[..count]);
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn raise_lanes<F: Prime>(elements: &mut [F; LANES], exponent: &[u64; 4]) {
        let base = Lanes::<F>::scaled(elements);
        let mut powers: [Vector; 1 << WINDOW] = [Lanes::<F>::one(); 1 << WINDOW];
        for power in 1..powers.len() {
            powers[power] = product::<F>(&powers[power - 1], &base);
        }
        let mut result = powers[0];
        for word in exponent.iter().rev() {
            for window in (0..u64::BITS / WINDOW).rev() {
                for _ in 0..WINDOW {
                    result = product::<F>(&result, &result);
                }
                let digit = word >> (WINDOW * window) & ((1 << WINDOW) - 1);
                if digit != 0 {
                    result = product::<F>(&result, &powers[digit as usize]);
                }
            }
        }
        Lanes::<F>::unscaled(&result, elements);
    }

    /// Of numbers below twice the order, again below twice the order.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    fn product<F: Prime>(left: &Vector, right: &Vector) -> Vector {
        carried(Lanes::<F>::multiply(left, right))
    }
}

#[cfg(test)]
mod tests {
    use halo2_proofs::halo2curves::bn256::{Fq, Fr};
    use rand_chacha::ChaCha20Rng;
    use rand_core::{RngCore, SeedableRng};

    use super::*;

    fn check<F: Prime>() {
        let mut generator = ChaCha20Rng::seed_from_u64(21);
        for count in 0..20 {
            let mut elements: Vec<F> = (0..count).map(|_| F::random(&mut generator)).collect();
            for (element, special) in elements.iter_mut().skip(3).zip([F::ZERO, F::ONE, -F::ONE]) {
                *element = special;
            }
            let exponent = match count {
                0..3 => [count, 0, 0, 0],
                3 => F::ORDER,
                4 => [u64::MAX; 4],
                _ => std::array::from_fn(|_| generator.next_u64()),
            };
            let expected: Vec<F> = elements.iter().map(|element| element.pow_vartime(exponent)).collect();
            let before = elements.clone();
            let raised = raise(&mut elements, &exponent);
            assert_eq!(elements, if raised { expected } else { before }, "{count}");
        }
    }

    #[test]
    fn powers_are_the_librarys() {
        check::<Fr>();
        check::<Fq>();
    }
}

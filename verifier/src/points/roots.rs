//! Candidates for square roots in the base field: `value^((p + 1) / 4)` is one if there is any, as p is 3 modulo 4.
//!
//! One after the other they were a third of the time of a proof in a batch: each product waits for the one before. Where the
//! processor has lanes eight are worked out at once ([`lanes`]), elsewhere two. Points of proofs are public, so time may
//! depend on them. Whoever asks checks the candidate.
#![expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]

use halo2_proofs::halo2curves::bn256::Fq;
use halo2_proofs::halo2curves::ff::Field;

/// `(p + 1) / 4`
const EXPONENT: [u64; 4] = [0x4f08_2305_b61f_3f52, 0x65e0_5aa4_5a1c_72a3, 0x6e14_116d_a060_5617, 0x0c19_139c_b84c_680a];
/// Fewest that are worth eight lanes: those take 11.4 us however many are filled, a pair 8.3 to 11.0 us, three 14.1 to 19.5 us (one
/// core of an Intel Xeon, with and without the library's assembly).
const LANES_LEAST: usize = 3;

/// Candidate for one value's root.
pub(super) fn of_one(value: Fq) -> Fq {
    let [root] = raised([value]);
    root
}

/// Puts candidates for their roots in the values' place.
pub(super) fn of_all(values: &mut [Fq]) {
    let eights = values.len().saturating_sub(values.len() % lanes::LANES);
    let (wide, rest) = if values.len() % lanes::LANES < LANES_LEAST {
        values.split_at_mut(eights)
    } else {
        values.split_at_mut(values.len())
    };
    if !lanes::raise(wide, &EXPONENT) {
        in_pairs(wide);
    }
    in_pairs(rest);
}

fn in_pairs(values: &mut [Fq]) {
    let (pairs, last) = values.as_chunks_mut();
    for pair in pairs {
        *pair = raised::<2>(*pair);
    }
    for value in last {
        *value = of_one(*value);
    }
}

/// By windows of four bits, in two thirds of the time of a power in constant time.
fn raised<const COUNT: usize>(values: [Fq; COUNT]) -> [Fq; COUNT] {
    let product = |mut left: [Fq; COUNT], right: &[Fq; COUNT]| {
        left.iter_mut().zip(right).for_each(|(left, right)| *left *= right);
        left
    };
    let mut powers = [[Fq::ONE; COUNT]; 16];
    let mut power = [Fq::ONE; COUNT];
    for target in powers.iter_mut().skip(1) {
        power = product(power, &values);
        *target = power;
    }
    let mut roots = [Fq::ONE; COUNT];
    for limb in EXPONENT.into_iter().rev() {
        for window in (0..16u32).rev() {
            for _ in 0..4 {
                roots = roots.map(|root| root.square());
            }
            let digit = usize::try_from((limb >> (4 * window)) & 15).unwrap_or(0);
            if let Some(power) = powers.get(digit) {
                roots = product(roots, power);
            }
        }
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_squares_are_found_wherever_they_stand() {
        let squares: Vec<Fq> = (3..30).map(|number| Fq::from(number).square()).collect();
        for count in 0..squares.len() {
            let squares = &squares[..count];
            let (mut all, mut pairs) = (squares.to_vec(), squares.to_vec());
            of_all(&mut all);
            in_pairs(&mut pairs);
            assert_eq!(all, pairs);
            assert!(all.iter().zip(squares).all(|(root, square)| root.square() == *square), "{count}");
        }
    }
}

//! Transforms between a polynomial's coefficients and its values on a coset of the 2^k-th roots of unity.
//!
//! Where the processor can, eight at once ([`lanes`], and [`blocks`] for values on cosets); the plain transform is what any
//! other processor runs, and what the others are tested against.

#[cfg(target_arch = "x86_64")]
pub(super) mod blocks;
#[cfg(target_arch = "x86_64")]
pub(super) mod lanes;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use rayon::prelude::*;

/// Cosets that the quotient is computed on: its degree is below four times the rows.
pub(super) const COSETS: usize = 4;

/// Roots of unity of one size.
#[derive(Debug)]
pub(crate) struct Transform {
    k: u32,
    /// Powers of the root, half as many as there are rows.
    roots: Vec<Fr>,
    inverse_roots: Vec<Fr>,
    inverse_rows: Fr,
    /// First element of each coset.
    shifts: [Fr; COSETS],
    inverse_shifts: [Fr; COSETS],
    #[cfg(target_arch = "x86_64")]
    lanes: Option<[lanes::Roots; 2]>,
}

/// What a transform is computed in, for whoever computes many.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    #[cfg(target_arch = "x86_64")]
    vectors: Vec<::lanes::Vector>,
}

impl Transform {
    /// Transforms of 2^k elements, two at least.
    pub(crate) fn new(k: u32) -> Self {
        let root = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let inverse_root = (k..Fr::S).fold(Fr::ROOT_OF_UNITY_INV, |root, _| root.square());
        let extended = (k + COSETS.ilog2()..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let shifts = std::array::from_fn(|coset| Fr::MULTIPLICATIVE_GENERATOR * extended.pow_vartime([coset as u64]));
        let (roots, inverse_roots) = (powers(root, 1 << (k - 1)), powers(inverse_root, 1 << (k - 1)));
        Self {
            k,
            #[cfg(target_arch = "x86_64")]
            lanes: lanes::Roots::new(&roots).zip(lanes::Roots::new(&inverse_roots)).map(<[lanes::Roots; 2]>::from),
            roots,
            inverse_roots,
            inverse_rows: Fr::TWO_INV.pow_vartime([u64::from(k)]),
            shifts,
            inverse_shifts: shifts.map(|shift| shift.invert().unwrap_or(Fr::ONE)),
        }
    }

    pub(super) fn rows(&self) -> usize {
        1 << self.k
    }

    /// The root of unity whose powers the rows stand for.
    pub(super) fn root(&self) -> Fr {
        // With two rows there is one stored power; the root is -1.
        self.roots.get(1).copied().unwrap_or(-Fr::ONE)
    }

    pub(super) fn shift(&self, coset: usize) -> Fr {
        self.shifts[coset]
    }

    /// Coefficients of the polynomials with these values on the rows.
    pub(super) fn interpolate_all(&self, columns: Vec<Vec<Fr>>) -> Vec<Vec<Fr>> {
        let interpolate = |scratch: &mut Scratch, column| self.interpolate(column, scratch);
        columns.into_par_iter().map_init(Scratch::default, interpolate).collect()
    }

    /// Coefficients of the polynomial with these values on the rows.
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "the plain transform is in place"))]
    pub(crate) fn interpolate(&self, mut values: Vec<Fr>, scratch: &mut Scratch) -> Vec<Fr> {
        #[cfg(target_arch = "x86_64")]
        if let Some([_, inverse]) = &self.lanes {
            inverse.transform(&mut values, self.inverse_rows, &mut scratch.vectors);
            return values;
        }
        transform(&mut values, &self.inverse_roots);
        values.iter_mut().for_each(|value| *value *= self.inverse_rows);
        values
    }

    /// Values of a polynomial on a coset.
    pub(super) fn evaluate(&self, coefficients: &[Fr], coset: usize) -> Vec<Fr> {
        let mut values = Vec::with_capacity(self.rows());
        let mut power = Fr::ONE;
        values.extend(coefficients.iter().map(|coefficient| {
            let scaled = *coefficient * power;
            power *= self.shifts[coset];
            scaled
        }));
        values.resize(self.rows(), Fr::ZERO);
        transform(&mut values, &self.roots);
        values
    }

    /// Coefficients of the polynomial of degree below the rows with these values on a coset.
    pub(super) fn interpolate_coset(&self, values: Vec<Fr>, coset: usize) -> Vec<Fr> {
        let mut coefficients = self.interpolate(values, &mut Scratch::default());
        #[cfg(target_arch = "x86_64")]
        if let Some([_, inverse]) = &self.lanes {
            inverse.scale(&mut coefficients, self.inverse_shifts[coset]);
            return coefficients;
        }
        let mut power = Fr::ONE;
        for coefficient in &mut coefficients {
            *coefficient *= power;
            power *= self.inverse_shifts[coset];
        }
        coefficients
    }

    /// Transforms to a coset, a block at a time and eight elements at once, where the processor can.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn coset(&self, coset: usize) -> Option<blocks::Coset<'_>> {
        self.lanes.is_some().then(|| blocks::Coset::new(self, self.shifts[coset]))
    }
}

pub(super) fn powers(base: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |power| Some(*power * base)).take(count).collect()
}

/// Cooley and Tukey's transform, in place: natural order in, natural order out.
fn transform(values: &mut [Fr], roots: &[Fr]) {
    let bits = values.len().trailing_zeros();
    for index in 0..values.len() {
        let reversed = index.reverse_bits() >> (usize::BITS - bits);
        if index < reversed {
            values.swap(index, reversed);
        }
    }
    let mut half = 1;
    while half < values.len() {
        let stride = roots.len() / half;
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((low, high), root) in low.iter_mut().zip(high).zip(roots.iter().step_by(stride)) {
                let product = *high * root;
                *high = *low - product;
                *low += product;
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn horner(coefficients: &[Fr], at: Fr) -> Fr {
        coefficients.iter().rev().fold(Fr::ZERO, |value, coefficient| value * at + coefficient)
    }

    #[test]
    fn values_and_coefficients_follow_from_each_other() {
        for k in 1..12 {
            let transform = Transform::new(k);
            let values: Vec<Fr> = (0..1u64 << k).map(|row| Fr::from(row * row + 3).square()).collect();
            let coefficients = transform.interpolate(values.clone(), &mut Scratch::default());
            for (value, at) in values.iter().zip(powers(transform.root(), 1 << k)) {
                assert_eq!(horner(&coefficients, at), *value);
            }
            for coset in 0..COSETS {
                let on_coset = transform.evaluate(&coefficients, coset);
                let at = transform.shift(coset) * transform.root();
                assert_eq!(on_coset[1], horner(&coefficients, at));
                assert_ne!(at.pow_vartime([1u64 << k]), Fr::ONE);
                assert_eq!(transform.interpolate_coset(on_coset, coset), coefficients);
            }
        }
    }

    /// Elements at both ends of their range too: the order less one, zero and one. Of more than a block, too.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn eight_at_once_are_what_one_is() {
        if !::lanes::supported() {
            return;
        }
        let mut scratch = Scratch::default();
        for k in [6, 7, 8, 9, 10, 11, 15, 16] {
            let vectors = Transform::new(k);
            let plain = Transform { lanes: None, ..Transform::new(k) };
            let element = |row: u64| match row % 5 {
                0 => -Fr::ONE,
                1 => Fr::ZERO,
                2 => Fr::ONE,
                _ => (Fr::from(row) + Fr::from(7)).pow_vartime([row + 11]),
            };
            for values in [(0..1 << k).map(element).collect::<Vec<Fr>>(), vec![-Fr::ONE; 1 << k]] {
                let both = [&vectors, &plain].map(|transform| transform.interpolate(values.clone(), &mut scratch));
                assert_eq!(both[0], both[1], "{k}");
                let both = [&vectors, &plain].map(|transform| transform.interpolate_coset(values.clone(), 3));
                assert_eq!(both[0], both[1], "{k}");
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn elements(values: &[::lanes::Vector]) -> Vec<Fr> {
        let mut elements = vec![[Fr::ZERO; ::lanes::LANES]; values.len()];
        for (numbers, elements) in values.iter().zip(&mut elements) {
            ::lanes::Lanes::<Fr>::unscaled(numbers, elements);
        }
        elements.concat()
    }

    /// Every row of every block, turned too: past the last block, before the first, and by more rows than a column has.
    #[cfg(target_arch = "x86_64")]
    #[test]
    #[expect(unsafe_code, reason = "the processor's features are looked for")]
    fn blocks_hold_the_values_on_their_rows() {
        if !::lanes::supported() {
            return;
        }
        let (mut scratch, mut parts) = (Vec::new(), Vec::new());
        for k in [6, 7, 8, 9, 10, 11, 14, 19] {
            let transform = Transform::new(k);
            let rows = transform.rows();
            let random = |row: usize| Fr::from(row as u64 + 7).pow_vartime([row as u64 + 11]);
            let dense: Vec<Fr> = (0..rows).map(|row| if row % 3 == 0 { -Fr::ONE } else { random(row) }).collect();
            for (number, coefficients) in
                [(0, &dense[..]), (3, &vec![-Fr::ONE; rows]), (1, &dense[..rows / 2 + 1]), (2, &dense[..2])]
            {
                let expected = transform.evaluate(coefficients, number);
                let coset = transform.coset(number).unwrap();
                coset.spread(coefficients, &mut scratch, &mut parts);
                let (blocks, mut factors) = (coset.blocks() as i64, blocks::Factors::default());
                let mut values = vec![lanes::zero(); coset.vectors()];
                let each = values.len() * ::lanes::LANES;
                let turned = [-7, -1, blocks, blocks + 1, 9 * blocks + 5].into_iter();
                for block in (0..blocks.min(40)).chain([blocks - 1]).chain(turned) {
                    coset.factors(block, &mut factors);
                    coset.values(&parts, block, &factors, &mut values);
                    // SAFETY: the features were found above.
                    let found = unsafe { elements(&values) };
                    for row in 0..each {
                        let expected = expected[(block + blocks * row as i64).rem_euclid(rows as i64) as usize];
                        assert_eq!(found[coset.place(row)], expected, "{k}, {number}: {block}, {row}");
                    }
                }
            }
        }
    }
}

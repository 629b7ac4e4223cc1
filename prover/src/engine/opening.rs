//! The opening of all commitments at once, by Boneh, Drake, Fisch and Gabizon ("Efficient polynomial commitment schemes for
//! multiple points and polynomials", section 4): two commitments, whatever is opened where.
//!
//! Commitments that are opened at the same points are combined before anything else is done with them, so that what follows
//! costs as much as one polynomial for each set of points.

use std::io;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use rayon::prelude::*;
use verifier::multiexp::Bases;

use super::Messages;
use super::horner::evaluate;

/// A polynomial, and the points that it is opened at.
pub(super) struct Opened<'a> {
    pub(super) polynomial: &'a [Fr],
    pub(super) points: Vec<Fr>,
}

/// Polynomials that are opened at the same points.
struct Set<'a> {
    points: Vec<Fr>,
    polynomials: Vec<&'a [Fr]>,
}

/// One set, combined by the powers of a challenge.
struct Combined {
    points: Vec<Fr>,
    polynomial: Vec<Fr>,
    /// The polynomial of least degree with the same values at the points.
    remainder: Vec<Fr>,
}

/// Writes the opening; polynomials in the order in which the verifier first asks for them.
pub(super) fn open(opened: Vec<Opened<'_>>, powers: &Bases, messages: &mut Messages<'_>) -> io::Result<()> {
    let mut sets: Vec<Set<'_>> = Vec::new();
    let mut all_points: Vec<Fr> = Vec::new();
    for Opened { polynomial, points } in opened {
        all_points.extend(&points);
        let same = |set: &&mut Set<'_>| {
            set.points.len() == points.len() && points.iter().all(|point| set.points.contains(point))
        };
        match sets.iter_mut().find(same) {
            Some(set) => set.polynomials.push(polynomial),
            None => sets.push(Set { points, polynomials: vec![polynomial] }),
        }
    }
    all_points.sort_unstable();
    all_points.dedup();
    let y = messages.squeeze();
    let v = messages.squeeze();
    let sets: Vec<Combined> = sets.into_par_iter().map(|set| set.combine(y)).collect();
    let quotients: Vec<Vec<Fr>> = sets.par_iter().map(Combined::quotient).collect();
    let quotient = weighted_sum(&quotients, v);
    messages.commitment(powers.multiply(&quotient))?;
    let u = messages.squeeze();
    // Every point of the others, so that all sets have the same vanishing polynomial.
    let others = |set: &Combined| {
        let missing = all_points.iter().filter(|point| !set.points.contains(point));
        missing.fold(Fr::ONE, |product, point| product * (u - point))
    };
    let scales: Vec<Fr> = sets.iter().map(others).collect();
    let linear: Vec<Vec<Fr>> = sets
        .par_iter()
        .zip(&scales)
        .map(|(set, scale)| {
            let mut polynomial: Vec<Fr> = set.polynomial.iter().map(|coefficient| *coefficient * scale).collect();
            if let Some(constant) = polynomial.first_mut() {
                *constant -= evaluate(&set.remainder, u) * scale;
            }
            polynomial
        })
        .collect();
    let mut combined = weighted_sum(&linear, v);
    let vanishing = all_points.iter().fold(Fr::ONE, |product, point| product * (u - point));
    combined.iter_mut().zip(&quotient).for_each(|(coefficient, other)| *coefficient -= *other * vanishing);
    let mut last = divided(&combined, u);
    let first_scale = scales.first().and_then(|scale| Option::<Fr>::from(scale.invert())).unwrap_or(Fr::ONE);
    last.iter_mut().for_each(|coefficient| *coefficient *= first_scale);
    messages.commitment(powers.multiply(&last))
}

impl Set<'_> {
    fn combine(self, y: Fr) -> Combined {
        let polynomial = weighted_sum(&self.polynomials, y);
        let values: Vec<Fr> = self.points.iter().map(|point| evaluate(&polynomial, *point)).collect();
        let remainder = interpolate(&self.points, &values);
        Combined { points: self.points, polynomial, remainder }
    }
}

impl Combined {
    /// What is left of the polynomial less its remainder, divided by each point's factor.
    fn quotient(&self) -> Vec<Fr> {
        let mut quotient = self.polynomial.clone();
        quotient.iter_mut().zip(&self.remainder).for_each(|(coefficient, other)| *coefficient -= other);
        self.points.iter().fold(quotient, |quotient, point| divided(&quotient, *point))
    }
}

/// `sum_i base^i polynomials_i`
pub(super) fn weighted_sum<P: AsRef<[Fr]> + Sync>(polynomials: &[P], base: Fr) -> Vec<Fr> {
    let length = polynomials.iter().map(|polynomial| polynomial.as_ref().len()).max().unwrap_or(0);
    let mut sum = vec![Fr::ZERO; length];
    const CHUNK: usize = 1024;
    sum.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, sum)| {
        // Horner's rule, from the last polynomial.
        for polynomial in polynomials.iter().rev() {
            let polynomial = polynomial.as_ref();
            let own = polynomial.get(chunk * CHUNK..).unwrap_or_default();
            sum.iter_mut().for_each(|coefficient| *coefficient *= base);
            sum.iter_mut().zip(own).for_each(|(coefficient, other)| *coefficient += other);
        }
    });
    sum
}

/// The polynomial divided by `X - root`, without the remainder.
fn divided(polynomial: &[Fr], root: Fr) -> Vec<Fr> {
    let mut quotient = vec![Fr::ZERO; polynomial.len().saturating_sub(1)];
    let mut carried = Fr::ZERO;
    for (target, coefficient) in quotient.iter_mut().zip(polynomial.iter().skip(1)).rev() {
        carried = carried * root + coefficient;
        *target = carried;
    }
    quotient
}

/// The polynomial of least degree with these values (Lagrange).
pub(super) fn interpolate(points: &[Fr], values: &[Fr]) -> Vec<Fr> {
    let mut sum = vec![Fr::ZERO; points.len()];
    for (place, value) in values.iter().enumerate() {
        let mut basis = vec![Fr::ONE];
        let mut scale = Fr::ONE;
        for other in points.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, point)| point) {
            scale *= points[place] - other;
            basis.push(Fr::ZERO);
            for index in (0..basis.len()).rev() {
                let below = index.checked_sub(1).map_or(Fr::ZERO, |below| basis[below]);
                basis[index] = below - basis[index] * other;
            }
        }
        let scale = *value * Option::<Fr>::from(scale.invert()).unwrap_or(Fr::ZERO);
        sum.iter_mut().zip(basis).for_each(|(sum, coefficient)| *sum += coefficient * scale);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_interpolated_and_divided() {
        let points = [3, 8, 21].map(Fr::from);
        let values = [5, 7, 11].map(Fr::from);
        let polynomial = interpolate(&points, &values);
        assert_eq!(polynomial.len(), 3);
        for (point, value) in points.iter().zip(&values) {
            assert_eq!(evaluate(&polynomial, *point), *value);
        }
        let quotient = divided(&polynomial, Fr::from(9));
        let at = Fr::from(1234);
        let product = evaluate(&quotient, at) * (at - Fr::from(9));
        assert_eq!(product + evaluate(&polynomial, Fr::from(9)), evaluate(&polynomial, at));
    }
}

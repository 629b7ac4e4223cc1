//! The security budget, as code: what a false statement's chance of passing adds up to.
//!
//! Each challenge of the protocol is a random field element, and each check that rests on it fails to notice a lie with
//! probability at most (degree) / p. [`SecurityBudget::of`] names every source; a new one cannot be forgotten by
//! [`SecurityBudget::numerator`], which takes the struct apart. Fiat and Shamir's transformation lets a prover try again:
//! after 2^t tries the chance is at most 2^t times the sum. That bound is *proven* in the random-oracle model, given that
//! the polynomial commitments bind. That they do is *conjectured*: KZG over BN254 in the algebraic group model, about
//! 100 bits against discrete logarithms in the curve's pairing target (Barbulescu and Duquesne 2019 and later estimates),
//! and a setup whose secret nobody knows.

use circuits::circuit::DEGREE;
use circuits::layout::Shape;

/// Bits of work against the commitments, by present estimates for BN254.
pub const CONJECTURED_BITS: u32 = 100;
/// Floor of the base-2 logarithm of the scalar field's order.
pub const FIELD_BITS: u32 = 253;

/// Numerators over p, one for each challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityBudget {
    /// Challenge r: the degrees of the combined linear equations; and the challenge that combines the weight columns' links.
    pub linear: u64,
    /// Challenges beta and gamma: logUp over tuples of three.
    pub lookup: u64,
    /// halo2's own beta and gamma: the permutation over the copied columns.
    pub copies: u64,
    /// Challenge y: constraints that are combined.
    pub constraints: u64,
    /// Challenge x: degree of the quotient identity.
    pub quotient: u64,
    /// SHPLONK's challenges: polynomials opened and points opened at.
    pub openings: u64,
}

impl SecurityBudget {
    /// The budget of a circuit with `constraints` gate constraints, and `queries` of advice and fixed columns, in whose linear
    /// relation the row challenge has exponents up to `row_degree`.
    #[must_use]
    pub fn of(shape: &Shape, row_degree: u64, constraints: usize, queries: usize) -> Self {
        let wide = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let rows = 1u64.checked_shl(shape.k()).unwrap_or(u64::MAX);
        let lookups = wide(shape.features().lookups(shape.lanes())).saturating_mul(rows);
        // Entries are as many more, and as much of the table.
        let entries = if shape.features().entries { rows.saturating_mul(2) } else { 0 };
        let tables = wide(shape.tables()).saturating_mul(rows).saturating_add(entries);
        // The instance column, two columns of each lane, and H and G where positions share a relation; each product takes in
        // as many as the degree holds.
        let shared = if shape.features().shared { 2 } else { 0 };
        let copied = wide(shape.lanes()).saturating_mul(2).saturating_add(1).saturating_add(shared);
        let products = copied.div_ceil(wide(DEGREE).saturating_sub(2).max(1));
        // Beside the columns': a permuted column each, a product at three points, the quotient, and what blinds it.
        let opened = wide(queries).saturating_add(copied).saturating_add(products.saturating_mul(3)).saturating_add(2);
        Self {
            linear: row_degree.saturating_add(wide(shape.weight_columns())),
            // All fractions over one denominator, whose factors have degree 2 in both challenges together. A factor that
            // vanishes makes the whole vanish, so that no more is needed for it.
            lookup: lookups.saturating_add(tables).saturating_mul(2),
            // Two products of degree 1 in every copied cell must agree, and none of their factors vanish.
            copies: copied.saturating_mul(rows).saturating_mul(2),
            // Beside the gates': a step of each product, its link to the one before, and both ends.
            constraints: wide(constraints).saturating_add(products.saturating_mul(2)).saturating_add(1),
            quotient: rows.saturating_mul(wide(DEGREE)),
            // Combining what is opened at the same points, then the sets of points, then one more point.
            openings: opened.saturating_mul(2).saturating_add(rows),
        }
    }

    /// The sum of all numerators.
    #[must_use]
    pub fn numerator(&self) -> u64 {
        let Self { linear, lookup, copies, constraints, quotient, openings } = *self;
        [linear, lookup, copies, constraints, quotient, openings].into_iter().fold(0, u64::saturating_add)
    }

    /// Bits that remain proven after 2^`tries` tries at the transcript: `-log2(2^tries numerator / p)`, rounded down.
    #[must_use]
    pub fn proven_bits(&self, tries: u32) -> u32 {
        let numerator_bits = u64::BITS.saturating_sub(self.numerator().leading_zeros());
        FIELD_BITS.saturating_sub(numerator_bits).saturating_sub(tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_follow_the_largest_source() {
        let budget = SecurityBudget {
            linear: 35,
            lookup: 4 * 1024,
            copies: 6 * 1024,
            constraints: 9,
            quotient: 5 * 1024,
            openings: 1064,
        };
        // 16468 lies between 2^14 and 2^15.
        assert_eq!(budget.numerator(), 16_468);
        assert_eq!(budget.proven_bits(0), 253 - 15);
        assert_eq!(budget.proven_bits(100), 253 - 15 - 100);
        let huge = SecurityBudget { linear: u64::MAX, ..budget };
        assert_eq!(huge.proven_bits(200), 0);
    }
}

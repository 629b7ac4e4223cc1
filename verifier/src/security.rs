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
use circuits::layout::Plan;

/// Bits of work against the commitments, by present estimates for BN254.
pub const CONJECTURED_BITS: u32 = 100;
/// Floor of the base-2 logarithm of the scalar field's order.
pub const FIELD_BITS: u32 = 253;

/// Numerators over p, one for each challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityBudget {
    /// Challenge r: the degrees of the combined linear equations.
    pub linear: u64,
    /// Challenges beta and gamma: logUp over tuples of three.
    pub lookup: u64,
    /// Challenge y: constraints that are combined.
    pub constraints: u64,
    /// Challenge x: degree of the quotient identity.
    pub quotient: u64,
    /// SHPLONK's challenges: polynomials opened and points opened at.
    pub openings: u64,
}

impl SecurityBudget {
    /// The budget of a circuit with `constraints` constraints and `openings` queries.
    #[must_use]
    pub fn of(plan: &Plan, constraints: usize, openings: usize) -> Self {
        let wide = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        let rows = 1u64.checked_shl(plan.k()).unwrap_or(u64::MAX);
        let lookups = wide(plan.features().lookups(plan.lanes())).saturating_mul(rows);
        let tables = wide(plan.tables()).saturating_mul(rows);
        Self {
            linear: plan.row_degree(),
            // N_f + (N_f + N_t) (w - 1) with w = 3 elements in a tuple.
            lookup: lookups.saturating_add(lookups.saturating_add(tables).saturating_mul(2)),
            // Beside the gates': one product for each three copied columns, and their ends.
            constraints: wide(constraints).saturating_add(wide(plan.lanes()).saturating_add(4)),
            quotient: rows.saturating_mul(wide(DEGREE)),
            // Every opened polynomial has degree below `rows`; combining and opening costs a degree each.
            openings: wide(openings).saturating_add(rows),
        }
    }

    /// The sum of all numerators.
    #[must_use]
    pub fn numerator(&self) -> u64 {
        let Self { linear, lookup, constraints, quotient, openings } = *self;
        [linear, lookup, constraints, quotient, openings].into_iter().fold(0, u64::saturating_add)
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
        let budget =
            SecurityBudget { linear: 35, lookup: 5 * 1024, constraints: 9, quotient: 5 * 1024, openings: 1064 };
        // 11348 < 2^14.
        assert_eq!(budget.numerator(), 11_348);
        assert_eq!(budget.proven_bits(0), 253 - 14);
        assert_eq!(budget.proven_bits(100), 253 - 14 - 100);
        let huge = SecurityBudget { linear: u64::MAX, ..budget };
        assert_eq!(huge.proven_bits(200), 0);
    }
}

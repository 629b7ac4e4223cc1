//! How long a proof takes: what the prover computes, counted, at this machine's rates.

use std::time::Duration;

use super::{Rates, Shape};

/// Multiplications of one fraction of a lookup: two tuples, its inverse, its sum.
const FRACTION: u64 = 8;
/// Multiplications of one copy's column: products of both sides, and the inverse.
const COPY: u64 = 8;

/// A part of a proof's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// How many columns' worth of it there are.
    pub columns: u64,
    /// How long all of it takes.
    pub time: Duration,
}

/// Predicted time of one proof, by its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// Parts.
    pub parts: Vec<Part>,
}

impl Time {
    pub(super) fn new(shape: &Shape, rates: &Rates) -> Self {
        let rate = rates.at(shape.k);
        let pieces = shape.quotient_pieces();
        let advice = shape.advice();
        // The random polynomial, the quotient's pieces, and the two points of the opening.
        let full = shape.challenge + shape.products + 1 + pieces + 2;
        // Coefficients of what was committed; then every column on each part of the larger domain, and the quotient back.
        let domain_parts = pieces;
        let columns = shape.fixed + 3 + advice + 1 + shape.products + shape.permutation;
        let transforms = advice + 1 + shape.products + domain_parts * columns + 2 * pieces;
        // Constraints on each part, sums and products, and every polynomial at its points, folded and divided.
        let gates = domain_parts * shape.multiplications;
        let sums = shape.fractions * FRACTION + shape.permutation * COPY;
        let openings = shape.advice_queries + shape.fixed_queries + shape.permutation + 3 * shape.products + 2;
        let polynomials = advice + shape.fixed + shape.permutation + shape.products + 2;
        let multiplications = gates + sums + openings + 2 * polynomials;
        let part = |name, columns: u64, ns: u64| Part {
            name,
            columns,
            time: Duration::from_nanos(columns.saturating_mul(ns)),
        };
        Self {
            parts: vec![
                part("small commitments", shape.data, rate.small_ns),
                part("full commitments", full, rate.full_ns),
                part("transforms", transforms, rate.transform_ns),
                part("multiplications", multiplications, rate.multiply_ns),
            ],
        }
    }

    /// All parts together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.parts.iter().map(|part| part.time).sum()
    }
}

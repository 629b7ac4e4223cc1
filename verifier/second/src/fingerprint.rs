//! The fingerprint of a circuit: a hash of its columns, queries, gates and commitments, written down as one line of text.

use std::fmt::{self, Write};

use ark_bn254::{Fq, Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ff::PrimeField;

use crate::expression::Expression;
use crate::points::{little_endian, wide};
use crate::system::{Copied, System};

const BASE: &str = "0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
const SCALAR: &str = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";

/// A field element as 64 hexadecimal digits.
pub(crate) struct Hex<'a, F>(pub(crate) &'a F);

impl<F: PrimeField> fmt::Display for Hex<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        little_endian(self.0).iter().rev().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

struct Point<'a>(&'a G1Affine);

impl fmt::Display for Point<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            return f.write_str("Infinity");
        }
        let (x, y): (Hex<'_, Fq>, Hex<'_, Fq>) = (Hex(&self.0.x), Hex(&self.0.y));
        write!(f, "({x}, {y})")
    }
}

/// Items between brackets.
struct List<T>(Vec<T>);

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (place, item) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            item.fmt(f)?;
        }
        f.write_char(']')
    }
}

/// The hash of [`text`], modulo the order.
// spec: verifier#fingerprint
pub(crate) fn fingerprint(system: &System, k: u32, root: &Fr, fixed: &[G1Affine], positions: &[G1Affine]) -> Fr {
    let text = text(system, k, root, fixed, positions);
    let mut hasher = blake2b_simd::Params::new().hash_length(64).personal(b"Halo2-Verify-Key").to_state();
    hasher.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
    hasher.update(text.as_bytes());
    wide(hasher.finalize().as_array())
}

fn text(system: &System, k: u32, root: &Fr, fixed: &[G1Affine], positions: &[G1Affine]) -> String {
    let extended_k = k + 2;
    let domain = format!("PinnedEvaluationDomain {{ k: {k}, extended_k: {extended_k}, omega: {} }}", Hex(root));
    let [fixed, positions] = [fixed, positions].map(|points| List(points.iter().map(Point).collect()));
    format!(
        "PinnedVerificationKey {{ base_modulus: \"{BASE}\", scalar_modulus: \"{SCALAR}\", domain: {domain}, cs: {}, \
         fixed_commitments: {fixed}, permutation: VerifyingKey {{ commitments: {positions} }} }}",
        circuit(system)
    )
}

fn circuit(system: &System) -> String {
    let (columns, advice) = (system.fixed_columns, system.phases.len());
    let challenges = if system.challenges == 0 {
        String::new()
    } else {
        let phases = List(system.phases.iter().map(|phase| format!("Phase({phase})")).collect());
        let drawn = List(vec!["Phase(0)"; system.challenges]);
        format!("num_challenges: {}, advice_column_phase: {phases}, challenge_phase: {drawn}, ", system.challenges)
    };
    let gates: List<&Expression> = List(system.gates.iter().collect());
    let phase = |column: usize| match system.phases.get(column) {
        Some(0) | None => "Advice".to_owned(),
        Some(phase) => format!("Advice {{ phase: Phase({phase}) }}"),
    };
    let column = |index: usize, kind: &str| format!("Column {{ index: {index}, column_type: {kind} }}");
    let advice_queries = system.advice_queries.iter().map(|(index, rotation)| {
        let column = column(*index, &phase(*index));
        format!("({column}, Rotation({rotation}))")
    });
    let fixed_queries = system.fixed_queries.iter().map(|index| format!("({}, Rotation(0))", column(*index, "Fixed")));
    let copied = system.copied.iter().map(|copied| match copied {
        Copied::Instance => column(0, "Instance"),
        Copied::Advice(index) => column(*index, &phase(*index)),
    });
    format!(
        "PinnedConstraintSystem {{ num_fixed_columns: {columns}, num_advice_columns: {advice}, num_instance_columns: 1, \
         num_selectors: 0, {challenges}gates: {gates}, advice_queries: {}, \
         instance_queries: [({}, Rotation(0))], fixed_queries: {}, permutation: Argument {{ columns: {} }}, lookups: [], \
         constants: [], minimum_degree: Some(5) }}",
        List(advice_queries.collect()),
        column(0, "Instance"),
        List(fixed_queries.collect()),
        List(copied.collect())
    )
}

//! The argument behind a proof: what halo2's `verify_proof` does for circuits like ours, decided by one sum of points and one
//! pairing.
//!
//! PLONK (Gabizon, Williamson, Ciobotaru 2019) with halo2's messages in halo2's order: columns by phase, a permutation
//! argument over several columns, a quotient in pieces ([`messages`], [`constraints`], [`program`]); opened by the scheme of Boneh, Drake,
//! Fisch and Gabizon ([`opening`]). halo2's own lookups and dynamic selectors are not supported, and the circuit has none.
//!
//! It differs in what it costs. halo2 raises a root of unity to a power for every value of the instance, interpolates for
//! every commitment, multiplies points by an algorithm for many of them, and prepares both points of the setup again for
//! every proof. And the weight link ([`crate::weights`]) would be a second sum of points: here it joins the one that the
//! pairing decides, times the powers of a challenge that depends on the whole proof. If any of its equations were false, the
//! sum would still pass for at most as many of the `p` challenges as there are columns.
//!
//! halo2's verifier decides the same in the prover's tests, on honest and on forged proofs.

mod constraints;
mod domain;
mod messages;
mod opening;
mod pairing;
mod points;
mod program;

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::FromUniformBytes;
use halo2_proofs::halo2curves::group::Curve;

pub(crate) use self::domain::Domain;
use self::messages::Messages;
use self::opening::Right;
pub(crate) use self::pairing::PairingKey;
pub(crate) use self::points::KeyPoints;
pub(crate) use self::program::Program;
use crate::key::VerifyingKey;
use crate::multiexp::Bases;
use crate::points::encode_scalar;
use crate::proof::ProofError;
use crate::transcript::ProofReader;
use crate::weights;

const BATCH_CONTEXT: &str = "assay 2026 proof-batch v1";

/// One multiple of a point.
type Term = (Fr, G1Affine);

/// What is left to decide of a proof that was read: whether `e(left, [tau]_2) = e(right, [1]_2)`.
pub(crate) struct Claim<'a> {
    key: &'a VerifyingKey,
    left: G1Affine,
    /// What is paired with `[1]_2`, the weight link included.
    right: Right,
    /// The weight columns, and the challenge that combines the committed rows; `None` for a model without weights.
    columns: Option<(Vec<G1Affine>, Fr)>,
    /// Depends on every message of the proof.
    combiner: Fr,
}

impl<'a> Claim<'a> {
    /// Reads a proof to the end of its opening; what it claims follows from the key, the instance and the messages.
    // spec: verifier#argument
    pub(crate) fn read(
        key: &'a VerifyingKey,
        instance: &[Fr],
        reader: &mut ProofReader<'_>,
    ) -> Result<Self, ProofError> {
        let messages = Messages::read(key, instance, reader)?;
        let degenerate = || ProofError::Unchecked { detail: "a challenge is a root of unity or repeats".to_owned() };
        let quotient = constraints::quotient(key, &messages, instance).ok_or_else(degenerate)?;
        let opened = opening::opened(key, &messages, quotient);
        let (left, right) = opening::read(key, opened, reader)?.ok_or_else(degenerate)?;
        let mut claim = Self { key, left, right, columns: None, combiner: reader.squeeze() };
        if let Some(link) = key.link() {
            let columns: Option<Vec<G1Affine>> =
                link.columns.iter().map(|column| messages.advice.get(*column).copied()).collect();
            let challenge = messages.challenges.get(link.index).copied();
            let unchecked = || ProofError::Unchecked { detail: "a weight column is not in the proof".to_owned() };
            claim.columns = columns.zip(challenge);
            claim.add_link().ok_or_else(unchecked)?;
        }
        Ok(claim)
    }

    /// Takes the weight link into the sum.
    #[expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]
    fn add_link(&mut self) -> Option<()> {
        let (columns, challenge) = self.columns.as_ref()?;
        let (of_rows, of_columns) = weights::multiples(self.key.rows(), columns.len(), *challenge, self.combiner);
        self.right.own.extend(of_columns.into_iter().zip(columns.iter().copied()));
        let places = self.right.of_key.get_mut(self.key.points().places().rows)?;
        places.iter_mut().zip(of_rows).for_each(|(place, multiple)| *place += multiple);
        Some(())
    }

    /// Key of the setup: claims are decided together under one.
    pub(crate) fn setup_id(&self) -> [u8; 32] {
        self.key.setup_id()
    }

    /// Decides.
    pub(crate) fn decide(&self) -> Result<(), ProofError> {
        if hold(&[(Fr::one(), self)]) {
            return Ok(());
        }
        // Only a refused proof is asked why.
        match &self.columns {
            Some((columns, challenge)) if !weights::linked(self.key.rows(), columns, *challenge, self.combiner) => {
                Err(ProofError::Weights)
            }
            _ => Err(ProofError::Constraints),
        }
    }
}

/// Whether claims under one setup hold, all of them: a false one passes for at most as many of the `p` weights that combine
/// them as there are claims.
///
/// Every claim's own transcript ends in a challenge that depends on its key, instance and messages; the weights are the
/// powers of a hash of all of these.
pub(crate) fn all_hold(claims: &[&Claim<'_>]) -> bool {
    let mut hasher = blake3::Hasher::new_derive_key(BATCH_CONTEXT);
    for claim in claims {
        hasher.update(&encode_scalar(&claim.combiner));
    }
    let mut wide = [0; 64];
    hasher.finalize_xof().fill(&mut wide);
    let base = Fr::from_uniform_bytes(&wide);
    let powers = std::iter::successors(Some(Fr::one()), |power| Some(power.mul(&base)));
    hold(&powers.zip(claims.iter().copied()).collect::<Vec<_>>())
}

/// Whether the sum of these multiples of claims holds.
#[expect(clippy::arithmetic_side_effects, reason = "field and group arithmetic is total")]
fn hold(claims: &[(Fr, &Claim<'_>)]) -> bool {
    let Some((_, first)) = claims.first() else { return true };
    let (mut scalars, mut points) = (Vec::new(), Vec::new());
    let mut of_keys: BTreeMap<[u8; 32], (&VerifyingKey, Vec<Fr>)> = BTreeMap::new();
    for (weight, claim) in claims {
        let (_, sums) = of_keys
            .entry(claim.key.digest())
            .or_insert_with(|| (claim.key, vec![Fr::zero(); claim.key.points().all().len()]));
        sums.iter_mut().zip(&claim.right.of_key).for_each(|(sum, multiple)| *sum += *weight * multiple);
        scalars.extend(claim.right.own.iter().map(|(multiple, _)| *weight * multiple));
        points.extend(claim.right.own.iter().map(|(_, point)| *point));
    }
    for (key, sums) in of_keys.values() {
        scalars.extend(sums);
        points.extend(key.points().all());
    }
    let right = Bases::new(&points).multiply(&scalars);
    let (weights, lefts): (Vec<Fr>, Vec<G1Affine>) = claims.iter().map(|(weight, claim)| (*weight, claim.left)).unzip();
    let left = if claims.len() == 1 { first.left } else { Bases::new(&lefts).multiply(&weights).to_affine() };
    first.key.pairing().equal(&left, right)
}

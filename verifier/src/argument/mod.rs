//! The argument behind a proof: what halo2's `verify_proof` does for circuits like ours, decided by one sum of points and one
//! pairing.
//!
//! PLONK (Gabizon, Williamson, Ciobotaru 2019) with halo2's messages in halo2's order: columns by phase, a permutation
//! argument over several columns, a quotient in pieces ([`messages`], [`constraints`]); opened by the scheme of Boneh, Drake,
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

use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};

pub(crate) use self::domain::Domain;
use self::messages::Messages;
pub(crate) use self::pairing::PairingKey;
use crate::key::VerifyingKey;
use crate::multiexp::Bases;
use crate::proof::ProofError;
use crate::transcript::ProofReader;
use crate::weights;

/// One multiple of a point.
type Term = (Fr, G1Affine);

/// What is left to decide of a proof that was read: whether `e(left, [tau]_2) = e(right, [1]_2)`.
pub(crate) struct Claim<'a> {
    key: &'a VerifyingKey,
    left: G1Affine,
    right: Vec<Term>,
    /// The weight columns, and the challenge that combines the committed rows; `None` for a model without weights.
    columns: Option<(Vec<G1Affine>, Fr)>,
    /// Depends on every message of the proof.
    combiner: Fr,
}

impl<'a> Claim<'a> {
    /// Reads a proof to the end of its opening; what it claims follows from the key, the instance and the messages.
    pub(crate) fn read(
        key: &'a VerifyingKey,
        instance: &[Fr],
        reader: &mut ProofReader<'_>,
    ) -> Result<Self, ProofError> {
        let messages = Messages::read(key, instance, reader)?;
        let degenerate = || ProofError::Unchecked { detail: "a challenge is a root of unity or repeats".to_owned() };
        let quotient = constraints::quotient(key, &messages, instance).ok_or_else(degenerate)?;
        let opened = opening::opened(key, &messages, quotient);
        let (left, right) = opening::read(opened, reader)?.ok_or_else(degenerate)?;
        let columns = match key.link() {
            None => None,
            Some(link) => {
                let columns: Vec<G1Affine> =
                    link.columns.iter().filter_map(|column| messages.advice.get(*column)).copied().collect();
                let challenge = messages.challenges.get(link.index).copied();
                let found = challenge.filter(|_| columns.len() == link.columns.len() && !columns.is_empty());
                let unchecked = || ProofError::Unchecked { detail: "a weight column is not in the proof".to_owned() };
                Some((columns, found.ok_or_else(unchecked)?))
            }
        };
        Ok(Self { key, left, right, columns, combiner: reader.squeeze() })
    }

    /// Decides.
    pub(crate) fn decide(self) -> Result<(), ProofError> {
        let link = self.columns.as_ref().map(|(columns, challenge)| {
            weights::terms(self.key.rows(), columns, *challenge, self.combiner).collect::<Vec<Term>>()
        });
        let terms = self.right.iter().chain(link.iter().flatten());
        let (scalars, points): (Vec<Fr>, Vec<G1Affine>) = terms.copied().unzip();
        if self.key.pairing().equal(&self.left, Bases::new(&points).multiply(&scalars)) {
            return Ok(());
        }
        // Only a refused proof is asked why.
        match self.columns {
            Some((columns, challenge)) if !weights::linked(self.key.rows(), &columns, challenge, self.combiner) => {
                Err(ProofError::Weights)
            }
            _ => Err(ProofError::Constraints),
        }
    }
}

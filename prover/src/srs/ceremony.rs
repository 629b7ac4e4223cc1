//! The points of a ceremony: what they are checked for, and what is believed without a check.
//!
//! Checked: that the powers start at the generator, that every one is on the curve and not the identity, that `[tau]_2`
//! is in the subgroup and belongs to `[tau]_1`, that no public value of `tau` was used, and by one pairing that every
//! power is `tau` times the one before. For random `w_i`,
//!
//! ```text
//! e(sum_i w_i P_(i+1), [1]_2) = e(sum_i w_i P_i, [tau]_2)
//! ```
//!
//! holds for points that are no such powers with probability 2^-128. The `w_i` are a hash of the whole file, so a check
//! comes out the same every time, and whoever wants to choose points by the weights has to hash a file for each try.
//!
//! If the file has a Lagrange basis, it is checked against the powers in the same manner, which is far quicker than
//! computing one.
//!
//! Not to be checked: that nobody knows `tau`. That is a belief about the people who took part, and it is tied to a
//! digest: one that is published and known to this release, or one that the user states.

use std::fmt::{self, Display};
use std::str::FromStr;

use halo2_proofs::arithmetic::best_multiexp;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine, G2Affine, G2Prepared};
use halo2_proofs::halo2curves::ff::PrimeField;
use halo2_proofs::halo2curves::group::{Curve, Group};
use halo2_proofs::halo2curves::pairing::{MillerLoopResult, MultiMillerLoop};
use verifier::setup::{Setup, VerifierSetup};

use super::error::ImportError;
use super::generate::K_RANGE;
use super::known::{self, Known};
use super::lagrange;

const POWERS_CONTEXT: &str = "assay 2026 ceremony-check-weights v1";
const BASIS_CONTEXT: &str = "assay 2026 ceremony-basis-check-weights v1";

/// BLAKE2b-512 of a ceremony's file, or of its files one after the other: what `b2sum` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 64]);

impl Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&const_hex::encode(self.0))
    }
}

/// Why a text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the 128 hexadecimal digits of a BLAKE2b-512 digest, as b2sum prints it")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        const_hex::decode_to_array(text).map(Self).map_err(|_| DigestError)
    }
}

/// k of the powers to take from files that hold 2^`held`.
pub(super) fn wanted(k: Option<u32>, held: u32) -> Result<u32, ImportError> {
    let max = held.min(*K_RANGE.end());
    let k = k.unwrap_or(max);
    if (*K_RANGE.start()..=max).contains(&k) { Ok(k) } else { Err(ImportError::Size { max, got: k }) }
}

/// The decoded points of a ceremony's files, before anything is known about them together.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// Size: `2^k` powers.
    pub(super) k: u32,
    /// `[tau^i]_1` by the file's word; none is the identity, the first is the generator.
    pub(super) powers: Vec<G1Affine>,
    /// The Lagrange basis by the file's word, if it has one: `2^k` points, none of them the identity.
    pub(super) basis: Option<Vec<G1Affine>>,
    /// Points of G2 of which one should be `[tau]_2`; all are in the subgroup.
    pub(super) tau_g2: Vec<G2Affine>,
    /// Of all bytes.
    pub(super) digest: Digest,
}

impl Transcript {
    /// Decides whether the points are the powers of one secret that is not public.
    pub fn check(self) -> Result<Ceremony, ImportError> {
        let Self { k, powers, basis, tau_g2, digest } = self;
        let ([first, tau, ..], Some(halfway)) = (powers.as_slice(), powers.get(powers.len() / 2)) else {
            return Err(ImportError::Powers);
        };
        let tau_g2 = tau_g2.into_iter().find(|tau_g2| is_multiple(tau, first, tau_g2)).ok_or(ImportError::Tau)?;
        // tau^(2^(k-1)) is 1 or -1 exactly if tau is one of the 2^k-th roots of unity.
        if halfway == first || *halfway == -*first {
            let why = "it is a root of unity, as in a file without contributions";
            return Err(ImportError::KnownSecret { why });
        }
        let ceremony = Ceremony { k, powers, basis, tau_g2, digest };
        if ceremony.setup_id() == VerifierSetup::development().id() {
            return Err(ImportError::KnownSecret { why: "it is that of the development setup" });
        }
        let weights = |context, count| weights(context, &ceremony.digest, count);
        let count = ceremony.powers.len();
        let low_weights = weights(POWERS_CONTEXT, count - 1);
        let combined = |powers: &[G1Affine]| best_multiexp(&low_weights, powers).to_affine();
        let (low, high) = (combined(&ceremony.powers[..count - 1]), combined(&ceremony.powers[1..]));
        if !is_multiple(&high, &low, &ceremony.tau_g2) {
            return Err(ImportError::Powers);
        }
        let is_basis =
            |basis: &Vec<G1Affine>| lagrange::is_basis(k, &ceremony.powers, basis, weights(BASIS_CONTEXT, count));
        if !ceremony.basis.as_ref().is_none_or(is_basis) {
            return Err(ImportError::Lagrange);
        }
        Ok(ceremony)
    }
}

/// Whether `high` is `tau low`.
fn is_multiple(high: &G1Affine, low: &G1Affine, tau_g2: &G2Affine) -> bool {
    let (one, tau) = (G2Prepared::from(G2Affine::generator()), G2Prepared::from(*tau_g2));
    let product = Bn256::multi_miller_loop(&[(high, &one), (&-*low, &tau)]).final_exponentiation();
    bool::from(product.is_identity())
}

/// Weights below 2^128, from the digest of the file.
fn weights(context: &str, digest: &Digest, count: usize) -> Vec<Fr> {
    let mut stream = blake3::Hasher::new_derive_key(context).update(&digest.0).finalize_xof();
    let weight = || {
        let mut bytes = [0; 16];
        stream.fill(&mut bytes);
        Fr::from_u128(u128::from_le_bytes(bytes))
    };
    std::iter::repeat_with(weight).take(count).collect()
}

/// The powers of a ceremony's secret, checked.
#[derive(Debug, Clone)]
pub struct Ceremony {
    k: u32,
    powers: Vec<G1Affine>,
    basis: Option<Vec<G1Affine>>,
    tau_g2: G2Affine,
    digest: Digest,
}

impl Ceremony {
    /// Size: `2^k` powers.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.k
    }

    /// Digest of the file.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Identifier of the setup that it gives.
    #[must_use]
    pub fn setup_id(&self) -> [u8; 32] {
        VerifierSetup::from_point(self.tau_g2).id()
    }

    /// The public ceremony that the file belongs to, if this release knows it.
    #[must_use]
    pub fn known(&self) -> Option<Known> {
        known::find(self)
    }

    /// Refuses a file that is not the `expected` one, and, if none is expected, a file of no known ceremony.
    pub fn trust(&self, expected: Option<&Digest>) -> Result<(), ImportError> {
        match expected {
            Some(expected) if *expected == self.digest => Ok(()),
            Some(expected) => Err(ImportError::Digest { expected: Box::new(*expected), got: Box::new(self.digest) }),
            None if self.known().is_some() => Ok(()),
            None => Err(ImportError::Unknown { digest: Box::new(self.digest), setup_id: self.setup_id() }),
        }
    }

    /// The setup, with the file's Lagrange basis or one that is computed; `progress` gets the steps done and their
    /// total.
    pub fn into_setup(self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Setup, ImportError> {
        let basis = match self.basis {
            Some(basis) => basis,
            None => lagrange::basis(self.k, &self.powers, progress).ok_or(ImportError::Basis)?,
        };
        Setup::new(self.k, self.powers, basis, self.tau_g2).ok_or(ImportError::Basis)
    }

    /// `[tau]_1`.
    pub(super) fn tau_g1(&self) -> Option<&G1Affine> {
        self.powers.get(1)
    }
}

//! Setup parameters of the KZG commitment scheme, as a verifier sees them.
//!
//! Verifying needs two points, `[1]_2` and `[tau]_2`, and nothing that grows with the circuit; deriving a key from a
//! graph also needs the Lagrange basis of the circuit's size. A setup is toxic if anybody knows `tau`, so acceptance is
//! by identifier: `setup id = derive_key(g1, g2, [tau]_2)`, which no label in a file can change. The development setup's
//! `tau` is public; its identifier is known here so that every surface can name it.

pub mod generate;
pub mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

use halo2_proofs::SerdeFormat;
use halo2_proofs::arithmetic::g_to_lagrange;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::FromUniformBytes;
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_proofs::poly::commitment::{Params, ParamsProver};
use halo2_proofs::poly::kzg::commitment::ParamsKZG;

use crate::points::{PointError, decode_g2, encode_compressed, encode_g2};

const ID_CONTEXT: &str = "assay 2026 setup-id v1";
const DEVELOPMENT_CONTEXT: &str = "assay 2026 development-setup-secret v1";

/// The two G2 points that verification needs, and their identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierSetup {
    tau_g2: G2Affine,
    id: [u8; 32],
}

impl VerifierSetup {
    /// From the canonical encoding of `[tau]_2`; identity and points outside the subgroup are refused.
    pub fn decode(tau_g2: &[u8; 64]) -> Result<Self, PointError> {
        Ok(Self::from_point(decode_g2(tau_g2)?))
    }

    /// The canonical encoding of `[tau]_2`.
    #[must_use]
    pub fn encode(&self) -> [u8; 64] {
        encode_g2(&self.tau_g2)
    }

    /// `derive_key` over the encodings of `g1`, `g2` and `[tau]_2`.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// The development setup, whose secret is public.
    #[must_use]
    #[expect(clippy::arithmetic_side_effects, reason = "group and field arithmetic is total")]
    pub fn development() -> Self {
        Self::from_point((G2Affine::generator() * development_secret()).to_affine())
    }

    /// From `[tau]_2`, which the caller knows to be in the subgroup and not the identity.
    #[must_use]
    pub fn from_point(tau_g2: G2Affine) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
        hasher.update(&encode_compressed(&G1Affine::generator()));
        hasher.update(&encode_g2(&G2Affine::generator()));
        hasher.update(&encode_g2(&tau_g2));
        Self { tau_g2, id: *hasher.finalize().as_bytes() }
    }

    pub(crate) fn tau_g2(&self) -> G2Affine {
        self.tau_g2
    }

    fn parameters_with(&self, k: u32, powers: Vec<G1Affine>, lagrange: Vec<G1Affine>) -> Option<ParamsKZG<Bn256>> {
        // The fields are private to halo2, so the smallest parameter file is written to memory and read back.
        let mut bytes = 0u32.to_le_bytes().to_vec();
        for _ in 0..2 {
            G1Affine::generator().write_raw(&mut bytes).ok()?;
        }
        for point in [G2Affine::generator(), self.tau_g2] {
            point.write_raw(&mut bytes).ok()?;
        }
        let smallest = ParamsKZG::<Bn256>::read_custom(&mut bytes.as_slice(), SerdeFormat::RawBytes).ok()?;
        Some(smallest.from_parts(k, powers, Some(lagrange), G2Affine::generator(), self.tau_g2))
    }
}

/// The public secret of the development setup: anybody can forge proofs under it.
#[must_use]
pub fn development_secret() -> Fr {
    let mut wide = [0; 64];
    blake3::Hasher::new_derive_key(DEVELOPMENT_CONTEXT).finalize_xof().fill(&mut wide);
    Fr::from_uniform_bytes(&wide)
}

/// The bases for one circuit size.
#[derive(Clone, Debug)]
struct Bases {
    parameters: Arc<ParamsKZG<Bn256>>,
    lagrange: Arc<Vec<G1Affine>>,
}

/// Setup parameters for circuits of up to 2^k rows.
#[derive(Clone, Debug)]
pub struct Setup {
    bases: Bases,
    smaller: Arc<BTreeMap<u32, Bases>>,
    verifier: VerifierSetup,
}

impl Setup {
    /// Bases for circuits of 2^k rows: `powers[i] = [tau^i]_1`, `lagrange[i] = [L_i(tau)]_1`, `2^k` points each.
    ///
    /// The caller generated the points or checked them against `[tau]_2`; `None` if their number is not 2^k.
    #[must_use]
    pub fn new(k: u32, powers: Vec<G1Affine>, lagrange: Vec<G1Affine>, tau_g2: G2Affine) -> Option<Self> {
        let verifier = VerifierSetup::from_point(tau_g2);
        let bases = Bases::new(k, powers, lagrange, &verifier)?;
        Some(Self { bases, smaller: Arc::default(), verifier })
    }

    /// Adds known Lagrange bases of smaller sizes, so that [`Setup::at`] need not compute them.
    ///
    /// `None` if a basis does not have `2^k` points or `k` is not below this setup's.
    #[must_use]
    pub fn with_smaller(mut self, lagrange_bases: Vec<(u32, Vec<G1Affine>)>) -> Option<Self> {
        let mut smaller = BTreeMap::clone(&self.smaller);
        for (k, lagrange) in lagrange_bases {
            let powers = self.powers(k)?;
            smaller.insert(k, Bases::new(k, powers, lagrange, &self.verifier)?);
        }
        self.smaller = Arc::new(smaller);
        Some(self)
    }

    /// The halo2 parameters.
    #[must_use]
    pub fn parameters(&self) -> &ParamsKZG<Bn256> {
        &self.bases.parameters
    }

    /// The halo2 parameters, to be kept.
    #[must_use]
    pub fn shared_parameters(&self) -> Arc<ParamsKZG<Bn256>> {
        Arc::clone(&self.bases.parameters)
    }

    /// The commitment basis of column values: `[L_i(tau)]_1`.
    #[must_use]
    pub fn lagrange_basis(&self) -> &[G1Affine] {
        &self.bases.lagrange
    }

    /// The circuit size that the bases are for: 2^k rows.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.bases.parameters.k()
    }

    /// What verification needs of it.
    #[must_use]
    pub fn verifier(&self) -> &VerifierSetup {
        &self.verifier
    }

    /// Setup identifier.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.verifier.id
    }

    /// The same setup for circuits of 2^k rows, `k` at most this one's.
    ///
    /// A size whose Lagrange basis is not at hand is computed by a transform over points: seconds for 2^10 rows.
    #[must_use]
    pub fn at(&self, k: u32) -> Option<Self> {
        if k == self.k() {
            return Some(self.clone());
        }
        if k > self.k() {
            return None;
        }
        let bases = match self.smaller.get(&k) {
            Some(bases) => bases.clone(),
            None => {
                let powers = self.powers(k)?;
                let lagrange = g_to_lagrange(powers.iter().map(PrimeCurveAffine::to_curve).collect(), k);
                Bases::new(k, powers, lagrange, &self.verifier)?
            }
        };
        Some(Self { bases, smaller: Arc::clone(&self.smaller), verifier: self.verifier.clone() })
    }

    /// The first 2^k powers, if there are as many.
    fn powers(&self, k: u32) -> Option<Vec<G1Affine>> {
        let rows = 1usize.checked_shl(k)?;
        self.parameters().get_g().get(..rows).map(<[G1Affine]>::to_vec)
    }
}

impl Bases {
    fn new(k: u32, powers: Vec<G1Affine>, lagrange: Vec<G1Affine>, verifier: &VerifierSetup) -> Option<Self> {
        let rows = 1usize.checked_shl(k)?;
        if powers.len() != rows || lagrange.len() != rows {
            return None;
        }
        let parameters = verifier.parameters_with(k, powers, lagrange.clone())?;
        Some(Self { parameters: Arc::new(parameters), lagrange: Arc::new(lagrange) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_setup_has_a_pinned_identifier() {
        let id = const_hex::encode(VerifierSetup::development().id());
        assert_eq!(id, "78a945022328d521fe0848e7ed47edee9c195220e33590039f03ca54105dfb1b");
    }

    #[test]
    fn encoding_round_trips() {
        let setup = VerifierSetup::development();
        assert_eq!(VerifierSetup::decode(&setup.encode()), Ok(setup));
    }
}

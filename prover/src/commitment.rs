//! The prover's commitments: the points that halo2 would compute, in less time.
//!
//! halo2 takes its commitments from whatever implements [`CommitmentScheme`]; this one sums with
//! [`verifier::multiexp`], and halo2's own verifier accepts what it makes. The opening's two commitments are halo2's,
//! because what it opens is private to it. `cargo bench --bench multiexp` compares the two.

use std::io;
use std::sync::Arc;

use halo2_proofs::arithmetic::g_to_lagrange;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1, G1Affine};
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::poly::commitment::{Blind, CommitmentScheme, Params, ParamsProver, Prover};
use halo2_proofs::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_proofs::poly::kzg::msm::MSMKZG;
use halo2_proofs::poly::kzg::multiopen::ProverSHPLONK;
use halo2_proofs::poly::{Coeff, LagrangeCoeff, Polynomial, ProverQuery};
use halo2_proofs::transcript::{EncodedChallenge, TranscriptWrite};
use rand_core::RngCore;
use verifier::multiexp::Bases;
use verifier::setup::Setup;

/// KZG commitments over BN254.
#[derive(Debug)]
pub(crate) struct Commitments;

impl CommitmentScheme for Commitments {
    type Scalar = Fr;
    type Curve = G1Affine;
    type ParamsProver = Parameters;
    type ParamsVerifier = ParamsKZG<Bn256>;

    fn new_params(k: u32) -> Parameters {
        Parameters::new(k)
    }

    fn read_params<R: io::Read>(reader: &mut R) -> io::Result<Parameters> {
        Parameters::read(reader)
    }
}

/// A setup's points, ready for sums.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    halo2: Arc<ParamsKZG<Bn256>>,
    powers: Arc<Bases>,
    lagrange: Arc<Bases>,
}

impl Parameters {
    /// The parameters of a setup.
    pub(crate) fn of(setup: &Setup) -> Self {
        Self::with_basis(setup.shared_parameters(), setup.lagrange_basis())
    }

    fn with_basis(halo2: Arc<ParamsKZG<Bn256>>, lagrange: &[G1Affine]) -> Self {
        let powers = Arc::new(Bases::new(halo2.get_g()));
        Self { halo2, powers, lagrange: Arc::new(Bases::new(lagrange)) }
    }

    fn with_powers(halo2: ParamsKZG<Bn256>) -> Self {
        let powers = halo2.get_g().iter().map(PrimeCurveAffine::to_curve).collect();
        let lagrange = g_to_lagrange(powers, halo2.k());
        Self::with_basis(Arc::new(halo2), &lagrange)
    }
}

impl<'params> Params<'params, G1Affine> for Parameters {
    type MSM = MSMKZG<Bn256>;

    fn k(&self) -> u32 {
        self.halo2.k()
    }

    fn n(&self) -> u64 {
        self.halo2.n()
    }

    fn downsize(&mut self, k: u32) {
        let mut smaller = ParamsKZG::clone(&self.halo2);
        smaller.downsize(k);
        *self = Self::with_powers(smaller);
    }

    fn empty_msm(&'params self) -> MSMKZG<Bn256> {
        self.halo2.empty_msm()
    }

    fn commit_lagrange(&self, values: &Polynomial<Fr, LagrangeCoeff>, _: Blind<Fr>) -> G1 {
        self.lagrange.multiply(values)
    }

    fn write<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.halo2.write(writer)
    }

    fn read<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        ParamsKZG::read(reader).map(Self::with_powers)
    }
}

impl<'params> ParamsProver<'params, G1Affine> for Parameters {
    type ParamsVerifier = ParamsKZG<Bn256>;

    fn new(k: u32) -> Self {
        Self::with_powers(ParamsKZG::new(k))
    }

    fn commit(&self, polynomial: &Polynomial<Fr, Coeff>, _: Blind<Fr>) -> G1 {
        self.powers.multiply(polynomial)
    }

    fn get_g(&self) -> &[G1Affine] {
        self.halo2.get_g()
    }

    fn verifier_params(&'params self) -> &'params ParamsKZG<Bn256> {
        &self.halo2
    }
}

/// halo2's opening, by Boneh, Drake, Fisch and Gabizon (SHPLONK).
#[derive(Debug)]
pub(crate) struct Opening<'params>(&'params Parameters);

impl<'params> Prover<'params, Commitments> for Opening<'params> {
    const QUERY_INSTANCE: bool = false;

    fn new(parameters: &'params Parameters) -> Self {
        Self(parameters)
    }

    fn create_proof<'com, E, T, R, I>(&self, generator: R, transcript: &mut T, queries: I) -> io::Result<()>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
        I: IntoIterator<Item = ProverQuery<'com, G1Affine>> + Clone,
        R: RngCore,
    {
        let prover = ProverSHPLONK::new(&self.0.halo2);
        Prover::<KZGCommitmentScheme<Bn256>>::create_proof(&prover, generator, transcript, queries)
    }
}

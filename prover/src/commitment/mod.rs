//! A setup's points as halo2's key generation takes them, summed by [`verifier::multiexp`].

#[cfg(target_arch = "x86_64")]
mod windows;

use std::io;
use std::sync::Arc;

use halo2_proofs::arithmetic::g_to_lagrange;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1, G1Affine};
use halo2_proofs::halo2curves::group::prime::PrimeCurveAffine;
use halo2_proofs::poly::commitment::{Blind, Params, ParamsProver};
use halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2_proofs::poly::kzg::msm::MSMKZG;
use halo2_proofs::poly::{LagrangeCoeff, Polynomial};
use verifier::multiexp::Bases;
use verifier::setup::Setup;

/// Points with the fastest way to add up their multiples that this processor has.
pub(crate) fn bases(points: &[G1Affine]) -> Bases {
    let bases = Bases::new(points);
    #[cfg(target_arch = "x86_64")]
    if let Some(wide) = windows::Wide::new(points) {
        return bases.with_windows(Arc::new(wide));
    }
    bases
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

    /// What polynomials are committed to by their coefficients.
    pub(crate) fn powers(&self) -> &Bases {
        &self.powers
    }

    /// What columns are committed to by their values.
    pub(crate) fn lagrange(&self) -> &Bases {
        &self.lagrange
    }

    fn with_basis(halo2: Arc<ParamsKZG<Bn256>>, lagrange: &[G1Affine]) -> Self {
        let (powers, lagrange) = (Arc::new(bases(halo2.get_g())), Arc::new(bases(lagrange)));
        Self { halo2, powers, lagrange }
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

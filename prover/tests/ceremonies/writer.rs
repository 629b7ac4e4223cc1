//! Writes ceremony files after their published formats, honest ones and others.

use halo2_proofs::halo2curves::bn256::{Fq, Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::halo2curves::serde::SerdeObject;

/// A secret that the tests know.
pub(crate) fn tau() -> Fr {
    Fr::from(0x5eed_cafe).square().square()
}

/// `count` powers of `tau` from `tau^first`.
pub(crate) fn powers(tau: Fr, first: u64, count: usize) -> Vec<G1Affine> {
    let scalars = std::iter::successors(Some(tau.pow_vartime([first])), |power| Some(*power * tau));
    scalars.take(count).map(|scalar| (G1Affine::generator() * scalar).to_affine()).collect()
}

pub(crate) fn in_g2(scalar: Fr) -> G2Affine {
    (G2Affine::generator() * scalar).to_affine()
}

/// A `.ptau` file in parts.
#[derive(Clone)]
pub(crate) struct Ptau {
    pub(crate) magic: [u8; 4],
    pub(crate) version: u32,
    /// Number and content.
    pub(crate) sections: Vec<(u32, Vec<u8>)>,
}

/// Start of a section in the file's bytes.
pub(crate) const FIRST_SECTION: usize = 12;
pub(crate) const SECTION_HEAD: usize = 12;

pub(crate) fn montgomery_g1(point: &G1Affine) -> Vec<u8> {
    [point.x, point.y].iter().flat_map(SerdeObject::to_raw_bytes).collect()
}

pub(crate) fn montgomery_g2(point: &G2Affine) -> Vec<u8> {
    [point.x.c0, point.x.c1, point.y.c0, point.y.c1].iter().flat_map(SerdeObject::to_raw_bytes).collect()
}

impl Ptau {
    /// The powers of `tau`, without contributions; sections that no reader uses are zero.
    pub(crate) fn new(power: u32, tau: Fr) -> Self {
        let mut header = 32u32.to_le_bytes().to_vec();
        let mut prime = (-Fq::ONE).to_repr().to_vec();
        prime[0] += 1;
        header.extend(prime);
        header.extend([power, power].map(u32::to_le_bytes).as_flattened());
        let tau_g1 = powers(tau, 0, (2 << power) - 1).iter().flat_map(montgomery_g1).collect();
        let tau_g2 =
            (0..1u64 << power).map(|exponent| if exponent < 2 { tau.pow_vartime([exponent]) } else { Fr::ONE });
        let tau_g2 = tau_g2.flat_map(|scalar| montgomery_g2(&in_g2(scalar))).collect();
        let zeros = |bytes: usize| vec![0; bytes];
        let sections = vec![
            (1, header),
            (2, tau_g1),
            (3, tau_g2),
            (4, zeros(64 << power)),
            (5, zeros(64 << power)),
            (6, zeros(128)),
            (7, zeros(4)),
        ];
        Self { magic: *b"ptau", version: 1, sections }
    }

    /// Content of a section.
    pub(crate) fn section(&mut self, id: u32) -> &mut Vec<u8> {
        &mut self.sections.iter_mut().find(|section| section.0 == id).unwrap().1
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.magic.to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(u32::try_from(self.sections.len()).unwrap().to_le_bytes());
        for (id, content) in &self.sections {
            bytes.extend(id.to_le_bytes());
            bytes.extend((content.len() as u64).to_le_bytes());
            bytes.extend(content);
        }
        bytes
    }
}

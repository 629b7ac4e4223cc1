//! All openings at once (Boneh, Drake, Fisch and Gabizon 2020, section 4).

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, Field, Zero};

use crate::Refusal;
use crate::transcript::Transcript;

/// A commitment, as multiples of points, and the values that it is opened to.
pub(crate) struct Opened {
    pub(crate) terms: Vec<(Fr, G1Affine)>,
    /// Points and values.
    pub(crate) values: Vec<(Fr, Fr)>,
}

/// Reads the two points of the opening, and decides whether everything opens.
// spec: verifier#opening
pub(crate) fn opens(opened: &[Opened], transcript: &mut Transcript<'_>, tau: &G2Affine) -> Result<bool, Refusal> {
    let (y, v) = (transcript.challenge(), transcript.challenge());
    let quotient = transcript.point()?;
    let u = transcript.challenge();
    let remainder = transcript.point()?;

    let sets = sets(opened);
    let mut all: Vec<Fr> = opened.iter().flat_map(points).collect();
    all.sort_unstable();
    all.dedup();
    let first: Vec<Fr> = opened.first().map(points).unwrap_or_default();
    // Everything is divided by what the first set lacks.
    let lacked =
        |set: &[Fr]| all.iter().filter(|point| !set.contains(point)).fold(Fr::ONE, |product, at| product * (u - at));
    let scale = lacked(&first).inverse().ok_or(Refusal::Degenerate)?;
    let (mut scalars, mut bases) = (Vec::new(), Vec::new());
    let mut constant = Fr::ZERO;
    let mut weight = scale;
    for set in sets {
        let own = set.first().map(|opened| points(opened)).unwrap_or_default();
        let mut factor = weight * lacked(&own);
        for opened in set {
            for (scalar, point) in &opened.terms {
                scalars.push(factor * scalar);
                bases.push(*point);
            }
            constant += factor * interpolated(&opened.values, u).ok_or(Refusal::Degenerate)?;
            factor *= y;
        }
        weight *= v;
    }
    let vanishing = first.iter().fold(Fr::ONE, |product, point| product * (u - point));
    scalars.extend([-constant, -vanishing, u]);
    bases.extend([G1Affine::generator(), quotient, remainder]);
    let right = G1Projective::msm(&bases, &scalars).map_err(|_| Refusal::Degenerate)?.into_affine();
    Ok(Bn254::multi_pairing([remainder, -right], [*tau, G2Affine::generator()]).is_zero())
}

fn points(opened: &Opened) -> Vec<Fr> {
    opened.values.iter().map(|(point, _)| *point).collect()
}

/// What is opened at the same points, in the order of the first of each.
fn sets(opened: &[Opened]) -> Vec<Vec<&Opened>> {
    let mut sets: Vec<(Vec<Fr>, Vec<&Opened>)> = Vec::new();
    for opened in opened {
        let mut at = points(opened);
        at.sort_unstable();
        match sets.iter_mut().find(|(own, _)| *own == at) {
            Some((_, set)) => set.push(opened),
            None => sets.push((at, vec![opened])),
        }
    }
    sets.into_iter().map(|(_, set)| set).collect()
}

/// Value at u of the polynomial through these points.
fn interpolated(values: &[(Fr, Fr)], u: Fr) -> Option<Fr> {
    let mut sum = Fr::ZERO;
    for (own, (point, value)) in values.iter().enumerate() {
        let (mut above, mut below) = (*value, Fr::ONE);
        for (_, (other, _)) in values.iter().enumerate().filter(|(place, _)| *place != own) {
            above *= u - other;
            below *= *point - other;
        }
        sum += above * below.inverse()?;
    }
    Some(sum)
}

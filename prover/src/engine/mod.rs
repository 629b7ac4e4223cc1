//! The prover: what halo2's `create_proof` does for circuits like ours, so that halo2's verifier accepts the result.
//!
//! The messages and their order are halo2's (PLONK with a permutation argument over several columns, and a quotient in
//! pieces), and so is the key. Written here is how they are computed: gates as one straight-line program in which nothing
//! that depends on challenges alone is computed for every row ([`program`]), transforms with a table of roots of which no
//! power is computed twice ([`transform`]), commitments by [`verifier::multiexp`], the two of the opening included
//! ([`opening`]), and columns that come as integers, without a walk through regions. halo2's own lookups, selectors and
//! dynamic queries are not supported, and the circuit has none.
//!
//! A mistake here cannot make a false proof pass, because a proof is verified before it is returned.

mod copies;
mod horner;
mod opening;
mod program;
mod quotient;
mod transform;
#[cfg(target_arch = "x86_64")]
mod windows;

use std::io;

use circuits::circuit::{Assignment, InferenceCircuit};
use circuits::gadgets::columns::signed;
use halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine};
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::halo2curves::group::Curve;
use halo2_proofs::plonk::{Column, ColumnType};
use halo2_proofs::poly::Rotation;
use halo2_proofs::transcript::{EncodedChallenge, Transcript, TranscriptWrite};
use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng};
use rayon::prelude::*;
use verifier::multiexp::Bases;

pub(crate) use self::copies::Challenges;
use self::copies::Columns;
use self::opening::Opened;
pub(crate) use self::program::Program;
pub(crate) use self::transform::{Scratch, Transform};
use crate::profile::Stages;
use crate::proving_key::ProvingKey;
use crate::transcript::ProofWriter;

/// Writes the proof of `assignment` and the statement `instance` under `key`; `stages` hear when each part ends.
///
/// Fails if a commitment is the identity, which no transcript takes.
pub(crate) fn prove(
    key: &ProvingKey,
    assignment: &dyn Assignment,
    instance: &[Fr],
    writer: &mut ProofWriter,
    stages: &mut Stages,
) -> io::Result<()> {
    let halo2 = key.halo2();
    let system = halo2.get_vk().cs();
    let (powers, lagrange) = (key.parameters().powers(), key.parameters().lagrange());
    let transform = Transform::new(key.plan().k());
    let mut generator = ChaCha20Rng::from_rng(OsRng).map_err(io::Error::other)?;
    let mut random = |count: usize| -> Vec<Fr> { (0..count).map(|_| Fr::random(&mut generator)).collect() };
    let mut messages = Messages(writer);

    messages.0.common_scalar(halo2.get_vk().transcript_repr())?;
    instance.iter().try_for_each(|value| messages.0.common_scalar(*value))?;

    let (rows, blinded) = (transform.rows(), system.blinding_factors());
    let unblinded = key.verifying().link().map_or(&[][..], |link| &link.columns);
    let mut blind = |(column, mut values): (usize, Vec<Fr>)| {
        values.resize(rows - blinded - 1, Fr::ZERO);
        if unblinded.contains(&column) {
            values.resize(rows, Fr::ZERO);
        } else {
            values.extend(random(blinded + 1));
        }
        values
    };
    let circuit = InferenceCircuit::columns_of(key.plan().shape());
    let data = circuit.data(key.plan(), assignment.witness()).into_iter();
    let mut advice: Vec<Vec<Fr>> =
        data.map(|(column, values)| blind((column.index(), values.into_iter().map(signed).collect()))).collect();
    stages.end("integer columns");
    messages.commitments(commit(&advice, lagrange))?;
    stages.end("integer commitments");
    let challenges: Vec<Fr> = (0..system.num_challenges()).map(|_| messages.squeeze()).collect();
    let later = circuit.challenged(key.plan(), assignment, &challenges).into_iter();
    let later: Vec<Vec<Fr>> = later.map(|(column, values)| blind((column.index(), values))).collect();
    stages.end("challenge columns");
    messages.commitments(commit(&later, lagrange))?;
    stages.end("challenge commitments");
    advice.extend(later);
    // halo2's challenge for lookups, of which there are none.
    messages.squeeze();
    let copy_challenges = Challenges { beta: messages.squeeze(), gamma: messages.squeeze() };

    let mut statement = instance.to_vec();
    statement.resize(rows, Fr::ZERO);
    let instance = vec![statement];
    let values = Columns { fixed: &[], advice: &advice, instance: &instance };
    let positions: Vec<&[Fr]> = halo2.permutation().permutations().iter().map(|column| &column[..]).collect();
    let mut products = copies::products(system, &transform, &values, &positions, copy_challenges);
    products.iter_mut().for_each(|column| column.extend(random(blinded)));
    stages.end("copy products");
    messages.commitments(commit(&products, lagrange))?;
    let masking = random(rows);
    messages.commitment(powers.multiply(&masking))?;
    stages.end("product commitments");
    let y = messages.squeeze();

    let [advice, instance, products] = [advice, instance, products].map(|columns| transform.interpolate_all(columns));
    stages.end("coefficients");
    let program = Program::new(system, &challenges, copy_challenges, y);
    let committed = quotient::Committed { key: halo2, advice: &advice, instance: &instance, products: &products };
    let pieces = quotient::pieces(&transform, &program, &committed);
    stages.end("quotient");
    messages.commitments(commit(&pieces, powers))?;
    stages.end("quotient commitments");

    let x = messages.squeeze();
    let at = Points { x, root: transform.root() };
    let quotient = opening::weighted_sum(&pieces, x.pow_vartime([rows as u64]));
    let advice_queries: Vec<(usize, i32)> = queries(system.advice_queries());
    let fixed_queries: Vec<(usize, i32)> = queries(system.fixed_queries());
    let fixed: Vec<&[Fr]> = halo2.fixed_polys().iter().map(|column| &column[..]).collect();
    let positions: Vec<&[Fr]> = halo2.permutation().polys().iter().map(|column| &column[..]).collect();
    let [next, last] = [1, -(i32::try_from(blinded).unwrap_or(i32::MAX) + 1)].map(|rotation| at.rotated(rotation));
    let product_points = |set: usize| if set + 1 < products.len() { vec![x, next, last] } else { vec![x, next] };

    let advice_values = advice_queries.iter().map(|(column, rotation)| (&advice[*column][..], at.rotated(*rotation)));
    let fixed_values = fixed_queries.iter().map(|(column, rotation)| (fixed[*column], at.rotated(*rotation)));
    let position_values = [&masking[..]].into_iter().chain(positions.iter().copied()).map(|polynomial| (polynomial, x));
    let product_values = products
        .iter()
        .enumerate()
        .flat_map(|(set, product)| product_points(set).into_iter().map(|point| (&product[..], point)));
    let asked: Vec<(&[Fr], Fr)> =
        advice_values.chain(fixed_values).chain(position_values).chain(product_values).collect();
    let values: Vec<Fr> = asked.par_iter().map(|(polynomial, point)| horner::evaluate(polynomial, *point)).collect();
    values.into_iter().try_for_each(|value| messages.0.write_scalar(value))?;
    stages.end("evaluations");

    // In the order in which the verifier asks first.
    let mut opened = by_polynomial(&advice_queries, at, |column| &advice[column]);
    let product_sets = products.iter().enumerate();
    opened.extend(product_sets.map(|(set, polynomial)| Opened { polynomial, points: product_points(set) }));
    opened.extend(by_polynomial(&fixed_queries, at, |column| fixed[column]));
    let rest = positions.into_iter().chain([&quotient[..], &masking]);
    opened.extend(rest.map(|polynomial| Opened { polynomial, points: vec![x] }));
    opening::open(opened, powers, &mut messages)?;
    stages.end("opening");
    Ok(())
}

/// Where polynomials are opened.
#[derive(Clone, Copy)]
struct Points {
    x: Fr,
    root: Fr,
}

impl Points {
    fn rotated(self, rotation: i32) -> Fr {
        let power = self.root.pow_vartime([u64::from(rotation.unsigned_abs())]);
        self.x * if rotation < 0 { Option::<Fr>::from(power.invert()).unwrap_or(Fr::ZERO) } else { power }
    }
}

/// Index and rotation of each query.
fn queries<T: ColumnType>(queries: &[(Column<T>, Rotation)]) -> Vec<(usize, i32)> {
    queries.iter().map(|(column, rotation)| (column.index(), rotation.0)).collect()
}

/// Queries of columns, one entry for each column, in the order of their first.
fn by_polynomial<'a>(queries: &[(usize, i32)], at: Points, polynomial: impl Fn(usize) -> &'a [Fr]) -> Vec<Opened<'a>> {
    let mut columns: Vec<(usize, Vec<Fr>)> = Vec::new();
    for (column, rotation) in queries {
        let point = at.rotated(*rotation);
        match columns.iter_mut().find(|(other, _)| other == column) {
            Some((_, points)) => points.push(point),
            None => columns.push((*column, vec![point])),
        }
    }
    columns.into_iter().map(|(column, points)| Opened { polynomial: polynomial(column), points }).collect()
}

fn commit(columns: &[Vec<Fr>], bases: &Bases) -> Vec<G1> {
    columns.par_iter().map(|column| bases.multiply(column)).collect()
}

/// The transcript.
struct Messages<'a>(&'a mut ProofWriter);

impl Messages<'_> {
    fn squeeze(&mut self) -> Fr {
        self.0.squeeze_challenge().get_scalar()
    }

    fn commitment(&mut self, commitment: G1) -> io::Result<()> {
        self.0.write_point(commitment.to_affine())
    }

    fn commitments(&mut self, commitments: Vec<G1>) -> io::Result<()> {
        let mut points = vec![G1Affine::default(); commitments.len()];
        G1::batch_normalize(&commitments, &mut points);
        points.into_iter().try_for_each(|point| self.0.write_point(point))
    }
}

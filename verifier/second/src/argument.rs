//! What a proof has to show, and what it opens.

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, Field};

use crate::Refusal;
use crate::expression::Values;
use crate::key::Key;
use crate::opening::{Opened, opens};
use crate::system::Copied;
use crate::transcript::Transcript;

/// Copied columns that share a running product.
const COLUMNS_EACH: usize = 3;
/// Rows at the end that hide, and the row before them, on which products end.
const HIDING_ROWS: usize = 5;
/// Pieces of the quotient.
const PIECES: usize = 4;

/// Values of a running product: on this row, on the next, and on the last row, of all but the last product.
struct Product {
    here: Fr,
    below: Fr,
    last: Option<Fr>,
}

impl Key {
    /// Reads the elements of a proof, and decides.
    // spec: verifier#argument
    pub(crate) fn argue(&self, instance: &[Fr], elements: &[u8]) -> Result<(), Refusal> {
        let system = &self.system;
        let mut transcript = Transcript::new(&self.digest(), elements);
        transcript.known(&self.fingerprint);
        instance.iter().for_each(|value| transcript.known(value));
        let mut commitments = transcript.points(system.phases.iter().filter(|phase| **phase == 0).count())?;
        let challenges: Vec<Fr> = (0..system.challenges).map(|_| transcript.challenge()).collect();
        commitments.extend(transcript.points(system.phases.len() - commitments.len())?);
        let [_unused, beta, gamma] = [(); 3].map(|()| transcript.challenge());
        let products = transcript.points(system.copied.len().div_ceil(COLUMNS_EACH))?;
        let masking = transcript.point()?;
        let y = transcript.challenge();
        let pieces = transcript.points(PIECES)?;
        let x = transcript.challenge();
        let advice = transcript.scalars(system.advice_queries.len())?;
        let fixed = transcript.scalars(system.fixed_queries.len())?;
        let masking_value = transcript.scalar()?;
        let positions = transcript.scalars(system.copied.len())?;
        let mut product_values = Vec::with_capacity(products.len());
        for own in 1..=products.len() {
            let (here, below) = (transcript.scalar()?, transcript.scalar()?);
            let last = if own < products.len() { Some(transcript.scalar()?) } else { None };
            product_values.push(Product { here, below, last });
        }

        let size = 1u64 << self.k;
        let vanishing = x.pow([size]) - Fr::ONE;
        // L_row(x) for a row counted from the first, backwards if negative.
        let lagrange = |row: i64| {
            let power = self.power(row);
            let inverse = ((x - power) * Fr::from(size)).inverse()?;
            Some(power * vanishing * inverse)
        };
        let first = lagrange(0).ok_or(Refusal::Degenerate)?;
        let mut behind = Vec::new();
        for row in 1..=HIDING_ROWS + 1 {
            behind.push(lagrange(-small(row)).ok_or(Refusal::Degenerate)?);
        }
        let last = behind.pop().unwrap_or_default();
        let hiding: Fr = behind.into_iter().sum();
        let mut instance_value = Fr::ZERO;
        for (row, value) in instance.iter().enumerate() {
            instance_value += lagrange(small(row)).ok_or(Refusal::Degenerate)? * value;
        }

        let values = Values { fixed: &fixed, advice: &advice, challenges: &challenges };
        let mut constraints = Vec::new();
        for gate in &system.gates {
            constraints.push(gate.evaluate(&values).ok_or(Refusal::Degenerate)?);
        }
        if let (Some(start), Some(end)) = (product_values.first(), product_values.last()) {
            constraints.push(first * (Fr::ONE - start.here));
            constraints.push(last * (end.here.square() - end.here));
        }
        for pair in product_values.windows(2) {
            if let [before, own] = pair {
                constraints.push(first * (own.here - before.last.unwrap_or_default()));
            }
        }
        let mut name = beta * x;
        let columns: Vec<(&Copied, &Fr)> = system.copied.iter().zip(&positions).collect();
        for (group, product) in columns.chunks(COLUMNS_EACH).zip(&product_values) {
            let (mut left, mut right) = (product.below, product.here);
            for (column, position) in group {
                let cell = match column {
                    Copied::Instance => Some(instance_value),
                    Copied::Advice(column) => system.place(*column, 0).and_then(|place| advice.get(place)).copied(),
                };
                let cell = cell.ok_or(Refusal::Degenerate)?;
                left *= cell + beta * **position + gamma;
                right *= cell + name + gamma;
                name *= self.delta;
            }
            constraints.push((Fr::ONE - last - hiding) * (left - right));
        }
        let combined = constraints.into_iter().fold(Fr::ZERO, |sum, constraint| sum * y + constraint);
        let quotient = combined * vanishing.inverse().ok_or(Refusal::Degenerate)?;

        let at = |rotation: i64| x * self.power(rotation);
        let mut opened = Vec::new();
        push_columns(&mut opened, &system.advice_queries, &advice, &commitments, &at);
        for (commitment, product) in products.iter().zip(&product_values) {
            let mut values = vec![(x, product.here), (at(1), product.below)];
            values.extend(product.last.map(|value| (at(-small(HIDING_ROWS + 1)), value)));
            opened.push(Opened { terms: vec![(Fr::ONE, *commitment)], values });
        }
        let fixed_queries: Vec<(usize, usize)> = system.fixed_queries.iter().map(|column| (*column, 0)).collect();
        push_columns(&mut opened, &fixed_queries, &fixed, &self.fixed, &at);
        for (commitment, value) in self.positions.iter().zip(&positions) {
            opened.push(Opened { terms: vec![(Fr::ONE, *commitment)], values: vec![(x, *value)] });
        }
        let step = x.pow([size]);
        let terms = pieces.iter().scan(Fr::ONE, |power, piece| {
            let term = (*power, *piece);
            *power *= step;
            Some(term)
        });
        opened.push(Opened { terms: terms.collect(), values: vec![(x, quotient)] });
        opened.push(Opened { terms: vec![(Fr::ONE, masking)], values: vec![(x, masking_value)] });
        let holds = opens(&opened, &mut transcript, &self.tau)?;
        transcript.end()?;
        if !self.linked(&commitments, &challenges) {
            return Err(Refusal::Link);
        }
        if holds { Ok(()) } else { Err(Refusal::Constraints) }
    }

    /// Whether each weight column is the combination of its committed rows by the powers of r.
    // spec: circuits#linear
    fn linked(&self, commitments: &[G1Affine], challenges: &[Fr]) -> bool {
        let Some(linear) = &self.system.linear else { return true };
        let Some(r) = challenges.get(linear.r) else { return false };
        let columns = linear.weights.len();
        linear.weights.iter().enumerate().all(|(place, column)| {
            let rows: Vec<G1Affine> = self.rows.iter().skip(place).step_by(columns).copied().collect();
            let powers: Vec<Fr> =
                std::iter::successors(Some(Fr::ONE), |power| Some(*power * r)).take(rows.len()).collect();
            let combined = G1Projective::msm(&rows, &powers).map(CurveGroup::into_affine);
            combined.ok().as_ref() == commitments.get(*column)
        })
    }

    fn power(&self, row: i64) -> Fr {
        let power = self.root.pow([row.unsigned_abs()]);
        if row < 0 { power.inverse().unwrap_or_default() } else { power }
    }
}

fn small(row: usize) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

/// One entry for each column, in the order of its first query.
fn push_columns(
    opened: &mut Vec<Opened>,
    queries: &[(usize, usize)],
    values: &[Fr],
    commitments: &[G1Affine],
    at: &impl Fn(i64) -> Fr,
) {
    let start = opened.len();
    let mut columns: Vec<usize> = Vec::new();
    for ((column, rotation), value) in queries.iter().zip(values) {
        let value = (at(small(*rotation)), *value);
        if let Some(place) = columns.iter().position(|own| own == column) {
            if let Some(known) = opened.get_mut(start + place) {
                known.values.push(value);
            }
        } else if let Some(commitment) = commitments.get(*column) {
            columns.push(*column);
            opened.push(Opened { terms: vec![(Fr::ONE, *commitment)], values: vec![value] });
        }
    }
}

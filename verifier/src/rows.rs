//! From a bundle's integers to its row commitments: what a registrant publishes and an auditor recomputes.
//!
//! `C_i = sum_t B[i][t] L_t` over the Lagrange basis of the setup. Weights are small signed integers, so each row is two
//! multi-scalar multiplications over magnitudes, positives and negatives apart, instead of one over full-width scalars.

use ark_bn254::{Fq as ArkFq, G1Affine as ArkPoint, G1Projective as ArkSum};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{BigInteger, PrimeField};
use circuits::committed::CommittedMatrix;
use circuits::layout::{Plan, PlanError};
use circuits::model::bundle::Bundle;
use halo2_proofs::arithmetic::parallelize;
use halo2_proofs::halo2curves::bn256::G1Affine;

use crate::inclusion::merkle::{List, leaf_hash, root_of_hashes};
use crate::key::{KeyError, ModelCommitment, RowCommitment, VerifyingKey};
use crate::points::encode_affine;
use crate::setup::Setup;

/// Why a bundle's rows could not be committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// The graph cannot be laid out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The bundle's weights do not have the graph's shapes.
    #[error("bundle: the weights do not have the graph's shapes")]
    Shapes,
    /// The setup's bases are too small for the circuit.
    #[error("setup: expected bases for at least 2^{expected} rows, got 2^{got}")]
    SetupSize {
        /// k of the circuit.
        expected: u32,
        /// k of the setup.
        got: u32,
    },
    /// The key could not be derived.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Computes every row commitment of a bundle, the root over its integer rows, and the bundle's hash.
pub fn commit(bundle: &Bundle, setup: &Setup) -> Result<ModelCommitment, RowsError> {
    let plan = Plan::new(bundle.graph())?;
    let size = RowsError::SetupSize { expected: plan.k(), got: setup.k() };
    let setup = setup.at(plan.k()).ok_or(size)?;
    let basis: Vec<ArkPoint> = setup.lagrange_basis().iter().map(to_ark).collect();
    commit_with(bundle, &plan, &|cells| Some(RowCommitment(encode(&commit_row(cells, &basis)?))))
}

/// The commitment of a row, given as circuit rows and integers; `None` if a cell lies outside the basis.
pub type RowSum<'a> = dyn Fn(&[(usize, i64)]) -> Option<RowCommitment> + Sync + 'a;

/// The same, for whoever has a faster sum, at the circuit's size.
pub fn commit_with(bundle: &Bundle, plan: &Plan, sum: &RowSum<'_>) -> Result<ModelCommitment, RowsError> {
    let matrix = CommittedMatrix::new(plan, bundle.weights()).ok_or(RowsError::Shapes)?;
    let mut rows = vec![None; matrix.rows()];
    // On halo2's threads, where it has any. A row's bytes are hashed at once: those of all rows take eight times the weights.
    parallelize(&mut rows, |rows, first| {
        for (row, index) in rows.iter_mut().zip(first..) {
            let leaf = || leaf_hash(List::WeightRows, &matrix.row_bytes(index));
            *row = sum(&matrix.row(index)).map(|commitment| (commitment, leaf()));
        }
    });
    let rows: Vec<_> = rows.into_iter().collect::<Option<_>>().ok_or(RowsError::Shapes)?;
    let (rows, leaves) = rows.into_iter().unzip();
    Ok(ModelCommitment { rows, rows_root: root_of_hashes(List::WeightRows, leaves), bundle_hash: bundle.hash() })
}

/// The verifying key of a bundle, from the weights up.
pub fn derive_key(bundle: &Bundle, setup: &Setup) -> Result<VerifyingKey, RowsError> {
    Ok(VerifyingKey::derive(bundle.graph().clone(), commit(bundle, setup)?, setup)?)
}

/// What a bundle's rows have to do with a published commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowAudit {
    /// Rows of the bundle.
    pub rows: usize,
    /// Rows whose published commitment is another's, or which only one of the two has, ascending.
    pub failed: Vec<usize>,
    /// Whether the root is over the bundle's integer rows: only then can a row of it be opened.
    pub root: bool,
    /// Whether the published hash is the bundle's.
    pub bundle: bool,
}

impl RowAudit {
    /// Whether the published commitment is the bundle's in every part.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.failed.is_empty() && self.root && self.bundle
    }
}

/// Recomputes every row of a bundle and compares it with what was published.
pub fn audit(bundle: &Bundle, setup: &Setup, published: &ModelCommitment) -> Result<RowAudit, RowsError> {
    let own = commit(bundle, setup)?;
    let differs = |row: &usize| own.rows.get(*row) != published.rows.get(*row);
    Ok(RowAudit {
        rows: own.rows.len(),
        failed: (0..own.rows.len().max(published.rows.len())).filter(differs).collect(),
        root: own.rows_root == published.rows_root,
        bundle: own.bundle_hash == published.bundle_hash,
    })
}

/// The commitment of one row, given as circuit rows and integers, for circuits of 2^k rows.
pub(crate) fn row_commitment(cells: &[(u64, i64)], k: u32, setup: &Setup) -> Result<RowCommitment, RowsError> {
    let setup = setup.at(k).ok_or(RowsError::SetupSize { expected: k, got: setup.k() })?;
    let basis = setup.lagrange_basis();
    let points = cells.iter().map(|(row, _)| usize::try_from(*row).ok().and_then(|row| basis.get(row)).map(to_ark));
    let points: Vec<ArkPoint> = points.collect::<Option<_>>().ok_or(RowsError::Shapes)?;
    let cells: Vec<(usize, i64)> = cells.iter().map(|(_, value)| *value).enumerate().collect();
    Ok(RowCommitment(encode(&commit_row(&cells, &points).ok_or(RowsError::Shapes)?)))
}

/// One row's sum; `None` if a cell lies outside the basis.
#[expect(clippy::arithmetic_side_effects, reason = "group and field arithmetic is total")]
fn commit_row(cells: &[(usize, i64)], basis: &[ArkPoint]) -> Option<ArkSum> {
    let mut sides = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    for (row, value) in cells.iter().filter(|(_, value)| *value != 0) {
        let [positive, negative] = &mut sides;
        let (points, magnitudes) = if *value > 0 { positive } else { negative };
        points.push(*basis.get(*row)?);
        magnitudes.push(value.unsigned_abs());
    }
    let [positive, negative] = sides.map(|(points, magnitudes)| small_sum(&points, &magnitudes));
    Some(positive - negative)
}

/// A sum whose cost follows the width of the scalars: weights fit 16 bits, only biases need more.
#[expect(clippy::arithmetic_side_effects, reason = "group and field arithmetic is total")]
fn small_sum(points: &[ArkPoint], magnitudes: &[u64]) -> ArkSum {
    let (mut small, mut small_points) = (Vec::new(), Vec::new());
    let (mut large, mut large_points) = (Vec::new(), Vec::new());
    for (point, magnitude) in points.iter().zip(magnitudes) {
        if let Ok(magnitude) = u16::try_from(*magnitude) {
            small.push(magnitude);
            small_points.push(*point);
        } else {
            large.push(*magnitude);
            large_points.push(*point);
        }
    }
    ArkSum::msm_u16(&small_points, &small) + ArkSum::msm_u64(&large_points, &large)
}

fn to_ark(point: &G1Affine) -> ArkPoint {
    let bytes = encode_affine(point);
    if bytes == [0; 64] {
        return ArkPoint::identity();
    }
    let (x, y) = bytes.split_at(32);
    // The point comes from halo2curves, so it is on the curve, and G1 has prime order.
    ArkPoint::new_unchecked(ArkFq::from_le_bytes_mod_order(x), ArkFq::from_le_bytes_mod_order(y))
}

fn encode(sum: &ArkSum) -> [u8; 64] {
    let mut bytes = [0; 64];
    if let Some((x, y)) = sum.into_affine().xy() {
        let (low, high) = bytes.split_at_mut(32);
        low.copy_from_slice(&x.into_bigint().to_bytes_le());
        high.copy_from_slice(&y.into_bigint().to_bytes_le());
    }
    bytes
}

//! Rows of a registered model, opened one by one: what convicts a registrant.
//!
//! A registration publishes the commitment `C_i` of every row of B and a Merkle root over the rows' integers. A row opened
//! under that root must be one that a checked model can have ([`circuits::opened_row`]), and `C_i` must be its commitment.
//! The bytes of the row come as they are under the root, so that bytes which are no row convict too. Nothing here needs
//! more of the weights than the rows that were opened.

use borsh::{BorshDeserialize, BorshSerialize};
use circuits::committed::CommittedMatrix;
use circuits::layout::Plan;
use circuits::model::bundle::Bundle;
use circuits::model::graph::Graph;
use circuits::opened_row::{self, OpenedRow, RowFault};
use serde::{Deserialize, Serialize};

use crate::inclusion::merkle::{List, MerkleError, MerkleProof, prove};
use crate::key::ModelCommitment;
use crate::rows::{RowsError, row_commitment};
use crate::setup::Setup;

/// One row of B and its place under the root.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowOpening {
    /// The leaf: an index, then circuit row and integer of every cell, each 8 bytes little-endian.
    #[serde(with = "hexadecimal")]
    pub row: Vec<u8>,
    /// Its audit path.
    pub proof: MerkleProof,
}

/// Why openings say nothing about a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpeningError {
    /// None, or more than the model has weight columns.
    #[error("opened rows: expected 1 to {max}, one of each weight column, got {got}")]
    Count {
        /// Weight columns.
        max: usize,
        /// Rows that came.
        got: usize,
    },
    /// Rows out of ascending order, or of different exponents.
    #[error("opened row {position}: expected another weight column of the same exponent, ascending")]
    Order {
        /// Position in the list.
        position: usize,
    },
    /// A row is not under the model's root.
    #[error("opened row {position}: {error}")]
    Path {
        /// Position in the list.
        position: usize,
        /// What is wrong with its path.
        error: MerkleError,
    },
    /// The node's own setup or the model's graph do not fit; says nothing about the opening.
    #[error(transparent)]
    Model(#[from] RowsError),
}

/// What is wrong with a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// The root is over another number of rows than the graph has.
    #[error("the root is over {got} rows, the graph has {expected}")]
    Rows {
        /// Rows of B.
        expected: u64,
        /// Leaves under the root.
        got: u64,
    },
    /// A row that no checked model has.
    #[error("row {row}: {fault}")]
    Row {
        /// The row; of several opened ones the first.
        row: u64,
        /// What is wrong with it.
        fault: RowFault,
    },
    /// The published commitment is another row's.
    #[error("row {row}: the published commitment is not the row's")]
    Commitment {
        /// The row.
        row: u64,
    },
}

/// Judges opened rows of one exponent against the model's graph, its root and its commitments. `Ok(None)`: nothing is wrong.
///
/// # Errors
/// [`OpeningError`]: the rows are not the model's, so nothing follows from them.
pub fn judge(
    graph: &Graph,
    commitment: &ModelCommitment,
    setup: &Setup,
    openings: &[RowOpening],
) -> Result<Option<ModelFault>, OpeningError> {
    // The paths come first: they cost a few hashes, and whoever sends nonsense shall cost no more.
    for (position, RowOpening { row, proof }) in openings.iter().enumerate() {
        let path = proof.verify(List::WeightRows, &commitment.rows_root, row);
        path.map_err(|error| OpeningError::Path { position, error })?;
    }
    let plan = Plan::new(graph).map_err(RowsError::from)?;
    let columns = plan.weight_columns();
    let (max, got) = (columns.max(1), openings.len());
    if !(1..=max).contains(&got) {
        return Err(OpeningError::Count { max, got });
    }
    let expected = u64::try_from(plan.committed_rows()).unwrap_or(u64::MAX);
    if let Some(got) = openings.iter().map(|opening| opening.proof.count).find(|count| *count != expected) {
        return Ok(Some(ModelFault::Rows { expected, got }));
    }
    let width = u64::try_from(max).unwrap_or(u64::MAX);
    let pairs = openings.iter().zip(openings.iter().skip(1));
    let follows = |(left, right): (&RowOpening, &RowOpening)| {
        let (left, right) = (left.proof.index, right.proof.index);
        left < right && left.checked_div(width) == right.checked_div(width)
    };
    if let Some(position) = pairs.map(follows).position(|follows| !follows) {
        return Err(OpeningError::Order { position: position.saturating_add(1) });
    }
    let first = openings.first().map_or(0, |opening| opening.proof.index);
    let mut rows = Vec::with_capacity(got);
    for RowOpening { row, proof } in openings {
        match OpenedRow::decode(proof.index, row) {
            Ok(row) => rows.push(row),
            Err(fault) => return Ok(Some(ModelFault::Row { row: proof.index, fault })),
        }
    }
    if let Err(fault) = opened_row::check(&plan, &rows) {
        return Ok(Some(ModelFault::Row { row: first, fault }));
    }
    for row in &rows {
        let published = usize::try_from(row.index()).ok().and_then(|index| commitment.rows.get(index));
        if published != Some(&row_commitment(row.cells(), plan.k(), setup)?) {
            return Ok(Some(ModelFault::Commitment { row: row.index() }));
        }
    }
    Ok(None)
}

/// Opens row `index` of a bundle, with the rows of the other weight columns beside it; none beyond the last.
///
/// # Errors
/// [`RowsError`]: the bundle has no rows.
pub fn open(bundle: &Bundle, index: usize) -> Result<Vec<RowOpening>, RowsError> {
    let plan = Plan::new(bundle.graph())?;
    let matrix = CommittedMatrix::new(&plan, bundle.weights()).ok_or(RowsError::Shapes)?;
    let leaves: Vec<Vec<u8>> = (0..matrix.rows()).map(|row| matrix.row_bytes(row)).collect();
    let columns = plan.weight_columns().max(1);
    let start = index.saturating_sub(index.checked_rem(columns).unwrap_or(0));
    let rows = (start..start.saturating_add(columns)).filter_map(|index| {
        let proof = prove(List::WeightRows, &leaves, index)?;
        Some(RowOpening { row: leaves.get(index)?.clone(), proof })
    });
    Ok(rows.collect())
}

/// Bytes as hexadecimal text.
mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&attestation::hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        attestation::hex::decode_vec(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

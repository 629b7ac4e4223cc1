//! Sizes of proofs and keys, to the byte.

use crate::key_file::file_bytes;

use super::Shape;

/// Bytes of a compressed point and of a scalar in a proof.
const ELEMENT: u64 = 32;
/// Bytes of an affine point in a verifying key.
const POINT: u64 = 64;
/// Bytes of a container around its body.
const CONTAINER: u64 = 24;
/// Bytes that announce the length of a list.
const LENGTH: u64 = 4;
/// Bytes of a hash.
const HASH: u64 = 32;

/// Exact sizes, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Points and scalars of a proof, without the file's header.
    pub proof: u64,
    /// A verifying key's file.
    pub verifying_key: u64,
    /// A proving key's file.
    pub proving_key: u64,
}

impl Sizes {
    pub(super) fn new(shape: &Shape) -> Self {
        let verifying_key = verifying_key(shape);
        let columns = shape.fixed + shape.permutation;
        Self { proof: proof(shape), verifying_key, proving_key: file_bytes(shape.k, columns, verifying_key) }
    }
}

fn proof(shape: &Shape) -> u64 {
    // The random polynomial; the two points of the opening.
    let points = shape.advice() + shape.products + 1 + shape.quotient_pieces() + 2;
    // Each product is opened on two rows, and every one but the last on a third.
    let products = (3 * shape.products).saturating_sub(1);
    let scalars = shape.advice_queries + shape.fixed_queries + 1 + shape.permutation + products;
    (points + scalars) * ELEMENT
}

fn verifying_key(shape: &Shape) -> u64 {
    let graph = LENGTH + shape.graph_bytes;
    let commitment = LENGTH + shape.committed_rows * POINT + 2 * HASH;
    let columns = 2 * LENGTH + (shape.fixed + shape.permutation) * POINT;
    CONTAINER + graph + commitment + POINT + columns + shape.stated_bytes
}

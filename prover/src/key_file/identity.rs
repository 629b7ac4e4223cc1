//! What a proving key follows from, in one hash.

use std::fmt::{self, Write as _};

use circuits::circuit::InferenceCircuit;
use circuits::layout::fixed::content;
use circuits::layout::tape::Place;
use circuits::layout::{Plan, PlanError};
use circuits::model::bundle::Bundle;
use halo2_proofs::plonk::ConstraintSystem;
use verifier::key::PROOF_SYSTEM;
use verifier::setup::Setup;

const IDENTITY_CONTEXT: &str = "assay 2026 proving-key-file v1";

/// BLAKE3 `derive_key` over proof system, setup, bundle, and the circuit as this program lays it out.
pub(super) fn identity(bundle: &Bundle, plan: &Plan, setup: &Setup) -> Result<[u8; 32], PlanError> {
    let mut hasher = Hasher(blake3::Hasher::new_derive_key(IDENTITY_CONTEXT));
    hasher.number(PROOF_SYSTEM.len() as u64);
    hasher.0.update(PROOF_SYSTEM.as_bytes());
    hasher.0.update(&setup.id());
    hasher.0.update(&bundle.hash());
    hasher.circuit(plan)?;
    Ok(*hasher.0.finalize().as_bytes())
}

struct Hasher(blake3::Hasher);

impl Hasher {
    fn number(&mut self, value: u64) {
        self.0.update(&value.to_le_bytes());
    }

    /// Gates and columns, then what the fixed columns hold and which cells are copies.
    fn circuit(&mut self, plan: &Plan) -> Result<(), PlanError> {
        let mut system = ConstraintSystem::default();
        InferenceCircuit::configure_shape(&mut system, plan.shape());
        // The text that halo2 itself hashes for its transcript. Writing to a hasher cannot fail.
        let _ = write!(self, "{:?}", system.pinned());
        self.number(u64::from(plan.k()));
        self.number(plan.usable_rows() as u64);
        let rows = plan.tape().rows();
        for role in plan.shape().roles() {
            self.number(rows.len() as u64);
            for row in rows.iter() {
                self.0.update(&content(row, *role).to_le_bytes());
            }
        }
        for entry in plan.table().entries() {
            self.number(entry.tag);
            self.0.update(&entry.a.to_le_bytes());
            self.0.update(&entry.b.to_le_bytes());
        }
        let copies = plan.copies()?;
        self.number(copies.len() as u64);
        for place in copies.iter().flat_map(|(from, to)| [from, to]) {
            let numbers = match *place {
                Place::Instance(row) => [0, row, 0, 0],
                Place::Cell { row, lane, slot } => [1, row, lane, slot as usize],
                Place::Chain(row) => [2, row, 0, 0],
                Place::Guest(row) => [3, row, 0, 0],
            };
            numbers.into_iter().for_each(|number| self.number(number as u64));
        }
        Ok(())
    }
}

impl fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

//! A prover that does not check what it proves.

use std::sync::Arc;

use circuits::circuit::{Assignment, InferenceCircuit};
use circuits::committed::CommittedMatrix;
use circuits::statement::Statement;
use circuits::witness::Witness;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr};
use halo2_proofs::plonk::create_proof;
use halo2_proofs::poly::kzg::commitment::KZGCommitmentScheme;
use halo2_proofs::poly::kzg::multiopen::ProverSHPLONK;
use prover::proving_key::ProvingKey;
use prover::transcript::ProofWriter;
use rand_core::RngCore;
use verifier::key::{PROOF_SYSTEM, VerifyingKey};
use verifier::proof::Proof;
use verifier::transcript::HASH_ID;

use crate::common::Fixture;

/// The honest cells of a fixture.
pub(crate) fn honest_cells(fixture: &Fixture) -> Cells {
    Cells {
        key: fixture.key.clone(),
        witness: Witness::new(fixture.key.plan(), &fixture.values).unwrap(),
        instance: fixture.statement.instance(fixture.key.bundle().graph()).unwrap(),
        weight_shift: None,
    }
}

/// How a prover bends V once it knows the challenge r: the row and what is added to it.
pub(crate) type WeightShift = Arc<dyn Fn(Fr, &[(usize, Fr)]) -> (usize, Fr) + Send + Sync>;

/// An assignment whose cells a test may change.
#[derive(Clone)]
pub(crate) struct Cells {
    pub(crate) key: ProvingKey,
    pub(crate) witness: Witness,
    pub(crate) instance: Vec<Fr>,
    pub(crate) weight_shift: Option<WeightShift>,
}

impl std::fmt::Debug for Cells {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Cells")
    }
}

impl Assignment for Cells {
    fn witness(&self) -> &Witness {
        &self.witness
    }

    fn instance(&self) -> &[Fr] {
        &self.instance
    }

    fn combine(&self, r: Fr) -> Vec<(usize, Fr)> {
        let matrix = CommittedMatrix::new(self.key.plan(), self.key.bundle().weights()).unwrap();
        let mut column = matrix.combine(r);
        if let Some(shift) = &self.weight_shift {
            let (row, change) = shift(r, &column);
            let cell = column.iter_mut().find(|(other, _)| *other == row).unwrap();
            cell.1 += change;
        }
        column
    }
}

/// Makes a proof of whatever the cells say, labelled for `key` and `statement`, without verifying anything.
pub(crate) fn forge(
    cells: &Cells,
    statement: &Statement,
    key_digest: [u8; 32],
    generator: impl RngCore,
    label: &VerifyingKey,
) -> Proof {
    let circuit = InferenceCircuit::assigned(Arc::clone(cells.key.plan()), Arc::new(cells.clone()));
    let mut writer = ProofWriter::new(&key_digest);
    create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
        cells.key.setup().parameters(),
        cells.key.halo2(),
        &[circuit],
        &[&[&cells.instance]],
        generator,
        &mut writer,
    )
    .unwrap();
    Proof {
        system: PROOF_SYSTEM.to_owned(),
        hash: HASH_ID,
        setup_id: label.setup_id(),
        key_digest: label.digest(),
        statement_digest: statement.digest(),
        bytes: writer.into_bytes(),
    }
}

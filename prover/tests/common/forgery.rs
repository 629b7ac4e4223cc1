//! A prover that does not check what it proves.

use std::sync::Arc;

use crate::blinding::BlindingGenerator;
use circuits::circuit::{Assignment, InferenceCircuit};
use circuits::committed::CommittedMatrix;
use circuits::layout::Plan;
use circuits::layout::tape::{Chain, Place, Row, SLOTS, Slot, WeightPlace};
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use circuits::witness::Witness;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr};
use halo2_proofs::plonk::create_proof;
use halo2_proofs::poly::kzg::commitment::KZGCommitmentScheme;
use halo2_proofs::poly::kzg::multiopen::ProverSHPLONK;
use prover::proving_key::ProvingKey;
use prover::transcript::ProofWriter;
use rand_core::{OsRng, RngCore};
use verifier::key::{PROOF_SYSTEM, VerifyingKey};
use verifier::proof::Proof;
use verifier::transcript::HASH_ID;

use crate::common::Fixture;

/// The honest cells of a fixture.
pub(crate) fn honest_cells(fixture: &Fixture) -> Cells {
    Cells {
        key: fixture.key.clone(),
        witness: Witness::new(fixture.key.plan(), &fixture.values, fixture.key.bundle().weights()).unwrap(),
        instance: fixture.statement.instance(fixture.key.bundle().graph()).unwrap(),
        weight_shift: None,
    }
}

/// How a prover bends V once it knows the challenge r: the place and what is added to it.
pub(crate) type WeightShift = Arc<dyn Fn(Fr) -> (WeightPlace, Fr) + Send + Sync>;

/// Row, lane and column of a data cell.
pub(crate) type Position = (usize, usize, Slot);

/// An assignment whose cells a test may change.
#[derive(Clone)]
pub(crate) struct Cells {
    pub(crate) key: ProvingKey,
    pub(crate) witness: Witness,
    pub(crate) instance: Vec<Fr>,
    pub(crate) weight_shift: Option<WeightShift>,
}

impl Cells {
    pub(crate) fn cell_mut(&mut self, (row, lane, slot): Position) -> &mut i64 {
        let index = (row * self.key.plan().lanes() + lane) * SLOTS + slot as usize;
        &mut self.witness.cells[index]
    }
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

    fn combine(&self, r: Fr) -> Vec<(WeightPlace, Fr)> {
        let matrix = CommittedMatrix::new(self.key.plan(), self.key.bundle().weights()).unwrap();
        let mut column = matrix.combine(r);
        if let Some(shift) = &self.weight_shift {
            let (place, change) = shift(r);
            let cell = column.iter_mut().find(|(other, _)| *other == place).unwrap();
            cell.1 += change;
        }
        column
    }
}

/// A statement with another value of output `element`, and the honest cells but for the one that the output is copied from.
pub(crate) fn false_output(fixture: &Fixture, element: usize) -> (Statement, Cells) {
    let graph = fixture.key.bundle().graph();
    let mut values = fixture.statement.output.values().to_vec();
    let change = if values[element] < graph.output().range.max { 1 } else { -1 };
    values[element] += change;
    let statement = Statement { output: Tensor::vector(values).unwrap(), ..fixture.statement.clone() };
    let mut cells = honest_cells(fixture);
    cells.instance = statement.instance(graph).unwrap();
    let plan = Arc::clone(fixture.key.plan());
    let instance = Place::Instance(cells.instance.len() - fixture.statement.output.values().len() + element);
    let origin = plan.copies().unwrap().iter().find(|(_, to)| *to == instance).map(|(from, _)| *from);
    let Some(Place::Cell { row, lane, slot }) = origin else { panic!("output {element} comes from {origin:?}") };
    *cells.cell_mut((row, lane, slot)) += change;
    (statement, cells)
}

/// A cell of lane 0 for each column of each kind of row that reads it.
pub(crate) fn read_cells(plan: &Plan) -> Vec<Position> {
    let mut kinds: Vec<Row> = Vec::new();
    let mut cells = Vec::new();
    for (number, row) in plan.tape().rows().iter().enumerate() {
        let kind = Row { bound: false, constant: 0, guest: None, turn: None, entry: 0, ..*row };
        if kinds.contains(&kind) {
            continue;
        }
        kinds.push(kind);
        let forms = row.zero || row.output || row.shared_output;
        let slides = matches!(row.chain, Some(Chain::Slide(_)));
        let results = matches!(row.chain, Some(Chain::Result(_) | Chain::Square(_)));
        let reads = [
            row.pair != 0
                || (row.a != 0 && (forms || row.look || row.operand || (row.chain.is_some() && !results)))
                || row.product != 0,
            row.pair != 0 || (row.b != 0 && forms) || row.product != 0 || slides || results,
            row.range != 0 || (row.c != 0 && forms),
        ];
        let slots = [Slot::A, Slot::B, Slot::C].into_iter().zip(reads);
        cells.extend(slots.filter(|(_, reads)| *reads).map(|(slot, _)| (number, 0, slot)));
    }
    cells
}

/// The generator of an honest prover: everything is blinded but V.
pub(crate) fn blinding(cells: &Cells) -> BlindingGenerator<OsRng> {
    let verifying = cells.key.verifying();
    BlindingGenerator::new(OsRng, verifying.halo2().cs(), verifying.link().map_or(&[][..], |link| &link.columns))
}

/// Forges with the fixture's own key, label and statement.
pub(crate) fn forge_plainly(fixture: &Fixture, cells: &Cells) -> Proof {
    let key = fixture.verifying();
    forge(cells, &fixture.statement, key.digest(), blinding(cells), key)
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

//! The numbers of a circuit that its costs follow from.

use circuits::circuit::{DEGREE, InferenceCircuit};
use circuits::layout::tape::{Place, SLOTS};
use circuits::layout::{Plan, PlanError};
use circuits::model::weights::linear_shapes;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::ConstraintSystem;

use crate::engine::{Challenges, Program};

/// The numbers of a circuit that its costs follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The circuit has 2^k rows.
    pub k: u32,
    /// Rows that the operators use.
    pub used_rows: u64,
    /// Bytes of what those rows state.
    pub row_bytes: u64,
    /// Lanes.
    pub lanes: u64,
    /// Committed rows of the weight matrix.
    pub committed_rows: u64,
    /// Fixed columns.
    pub fixed: u64,
    /// Columns of integers, multiplicities included.
    pub data: u64,
    /// Columns of values that depend on a challenge.
    pub challenge: u64,
    /// Columns with copies.
    pub permutation: u64,
    /// Permutation products.
    pub products: u64,
    /// Columns of the lookup table.
    pub tables: u64,
    /// Tuples of the lookup table.
    pub tuples: u64,
    /// Lookups of one row, by its cells and by the table.
    pub fractions: u64,
    /// Equations that hold on every row: the gates', and the copies'.
    pub constraints: u64,
    /// Cells that are copies of others.
    pub copies: u64,
    /// Openings of advice columns.
    pub advice_queries: u64,
    /// Openings of fixed columns.
    pub fixed_queries: u64,
    /// Multiplications of all gates on one row, as the prover's program does them.
    pub multiplications: u64,
    /// Bytes of the encoded graph.
    pub graph_bytes: u64,
    /// Bytes of the circuit's shape in a verifying key's file.
    pub stated_bytes: u64,
    /// Weights and biases.
    pub parameters: u64,
}

impl Shape {
    /// The numbers of a plan.
    pub fn new(plan: &Plan) -> Result<Self, PlanError> {
        let mut system = ConstraintSystem::default();
        InferenceCircuit::configure_shape(&mut system, plan.shape());
        let phases = system.advice_column_phase();
        let permutation = system.permutation().get_columns().len();
        let products = permutation.div_ceil(DEGREE - 2);
        let gates = || system.gates().iter().flat_map(|gate| gate.polynomials());
        // Of each product its start, step and end; two are stated once for all.
        let copy_constraints = if products == 0 { 0 } else { 2 * products + 1 };
        // Any challenges, all different, so that none of their products is a one.
        let challenges: Vec<Fr> = (0..system.num_challenges()).map(|place| Fr::from(place as u64 + 3)).collect();
        let copies = Challenges { beta: Fr::from(1009), gamma: Fr::from(2003) };
        let program = Program::new(&system, &challenges, copies, Fr::from(2));
        let lookups = plan.features().lookups(plan.lanes());
        let parameters = linear_shapes(plan.graph())
            .into_values()
            .map(|[outputs, inputs]| u64::from(outputs) * (u64::from(inputs) + 1));
        Ok(Self {
            k: plan.k(),
            used_rows: plan.tape().rows().len() as u64,
            row_bytes: plan.tape().rows().bytes() as u64,
            lanes: plan.lanes() as u64,
            committed_rows: plan.committed_rows() as u64,
            fixed: system.num_fixed_columns() as u64,
            data: phases.iter().filter(|phase| **phase == 0).count() as u64,
            challenge: phases.iter().filter(|phase| **phase != 0).count() as u64,
            permutation: permutation as u64,
            products: products as u64,
            tables: plan.tables() as u64,
            tuples: plan.table().length(),
            fractions: (lookups + plan.tables()) as u64,
            constraints: (gates().count() + copy_constraints) as u64,
            copies: plan.copies()?.len() as u64,
            advice_queries: system.advice_queries().len() as u64,
            fixed_queries: system.fixed_queries().len() as u64,
            multiplications: program.multiplications() as u64,
            graph_bytes: plan.graph().encode().len() as u64,
            stated_bytes: plan.shape().stated_bytes(plan.graph()) as u64,
            parameters: parameters.sum(),
        })
    }

    /// 2^k.
    #[must_use]
    pub fn rows(&self) -> u64 {
        1 << self.k
    }

    /// Advice columns.
    #[must_use]
    pub fn advice(&self) -> u64 {
        self.data + self.challenge
    }

    /// Pieces of the quotient polynomial.
    #[must_use]
    pub fn quotient_pieces(&self) -> u64 {
        (DEGREE - 1) as u64
    }

    /// Bytes of the rows while they are planned.
    pub(super) fn tape_bytes(&self) -> u64 {
        self.row_bytes + self.copies * (2 * size_of::<Place>()) as u64
    }

    /// Bytes of the integers that the rows hold.
    pub(super) fn cell_bytes(&self) -> u64 {
        self.used_rows * self.lanes * (SLOTS * size_of::<i64>()) as u64
    }
}

//! An assignment that tests change cell by cell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use halo2_proofs::dev::{FailureLocation, MockProver, VerifyFailure};
use halo2_proofs::halo2curves::bn256::Fr;

use crate::circuit::{Assignment, InferenceCircuit};
use crate::committed::CommittedMatrix;
use crate::layout::tape::{Chain, Place, SLOTS, Slot, WeightPlace};
use crate::layout::{Plan, choose};
use crate::model::graph::{Graph, Input, Layout, Node, Operator};
use crate::model::range::Range;
use crate::model::reference;
use crate::model::tensor::Tensor;
use crate::model::weights::{LinearWeights, Weights};
use crate::statement::Statement;
use crate::witness::Witness;

/// What each failure is called.
pub(super) const ARITHMETIC: &str = "sum is zero";
pub(super) const LOOKUP: &str = "lookup sums agree";
pub(super) const STRETCH: &str = "stretch sums to zero";
pub(super) const COPY: &str = "copy";

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) plan: Arc<Plan>,
    pub(super) weights: Weights,
    pub(super) input: Tensor,
    pub(super) witness: Witness,
    pub(super) instance: Vec<Fr>,
    /// Added to V, as a prover would that ignores the commitments.
    pub(super) weight_error: Option<(WeightPlace, Fr)>,
}

impl Assignment for Case {
    fn witness(&self) -> &Witness {
        &self.witness
    }

    fn combine(&self, r: Fr) -> Vec<(WeightPlace, Fr)> {
        let mut column = CommittedMatrix::new(&self.plan, &self.weights).unwrap().combine(r);
        column.extend(self.weight_error);
        column
    }
}

impl Case {
    pub(super) fn new(graph: Graph, weights: Weights, input: Tensor) -> Self {
        let layout = choose(&graph).unwrap();
        Self::with_layout(graph, weights, input, layout)
    }

    pub(super) fn with_layout(graph: Graph, weights: Weights, input: Tensor, layout: Layout) -> Self {
        let graph = graph.with_layout(layout).unwrap();
        let plan = Arc::new(Plan::new(&graph).unwrap());
        let trace = reference::run(&graph, &weights, &input).unwrap();
        let output = Tensor::vector(trace.output().to_vec()).unwrap();
        let statement = Statement { context_digest: [0xA5; 32], input: input.clone(), output };
        let witness = Witness::new(&plan, &trace.values, &weights).unwrap();
        let instance = statement.instance(&graph).unwrap();
        Self { plan, weights, input, witness, instance, weight_error: None }
    }

    /// The same with outputs in blocks of `rows`.
    pub(super) fn in_blocks(&self, rows: u32) -> Self {
        let graph = self.plan.graph().clone();
        let layout = Layout { rows, ..graph.layout() };
        Self::with_layout(graph, self.weights.clone(), self.input.clone(), layout)
    }

    /// A case of one chain of operators over an input of this shape, in this many lanes.
    pub(super) fn of(
        shape: &[u32],
        values: &[i64],
        nodes: Vec<(Operator, Vec<u32>)>,
        weights: BTreeMap<usize, LinearWeights>,
        lanes: u32,
    ) -> Self {
        let range = Range { min: -40, max: 40 };
        let input = Input { shape: shape.to_vec(), range };
        let nodes = nodes.into_iter().map(|(operator, inputs)| Node { operator, inputs }).collect();
        let graph = Graph::new(input, nodes, Layout { k: 10, rows: 0, lanes }).unwrap();
        let weights = Weights::new(&graph, weights).unwrap();
        let layout = Layout { lanes, ..choose(&graph).unwrap() };
        let input = Tensor::new(shape.to_vec(), values.to_vec()).unwrap();
        // More lanes need fewer rows and more table columns; fewer lanes the contrary.
        Self::with_layout(graph, weights, input, Layout { k: layout.k.max(9), ..layout })
    }

    /// Names and rows of the constraints that fail.
    pub(super) fn failures(&self) -> Vec<(String, usize)> {
        let circuit = InferenceCircuit::assigned(Arc::clone(&self.plan), Arc::new(self.clone()));
        let prover = MockProver::run(self.plan.k(), &circuit, vec![self.instance.clone()]).unwrap();
        let failures = prover.verify().err().unwrap_or_default();
        failures.into_iter().map(name_and_row).collect()
    }

    pub(super) fn failing_names(&self) -> BTreeSet<String> {
        self.failures().into_iter().map(|(name, _)| name).collect()
    }

    /// Whether some relation reads a cell; `None` where that depends on the cell beside it.
    pub(super) fn reads(&self, row: usize, lane: usize, slot: Slot) -> Option<bool> {
        let stated = self.plan.tape().rows()[row];
        let above = row.checked_sub(1).map(|row| self.plan.tape().rows()[row]).unwrap_or_default();
        let place = Place::Cell { row, lane, slot };
        if self.plan.copies().unwrap().iter().any(|(from, to)| *from == place || *to == place) {
            return Some(true);
        }
        // A moving window is of lane 0 alone, operands of the lanes that have a weight column.
        let slides = matches!(stated.chain, Some(Chain::Slide(_)));
        let forms = stated.zero || stated.output || stated.shared_output;
        // A chain of results reads column b, every other one column a.
        let takes_results = matches!(stated.chain, Some(Chain::Result(_) | Chain::Square(_)));
        let combines = (stated.chain.is_some() && !takes_results && (lane == 0 || !slides))
            || (stated.operand && lane < self.plan.weight_columns());
        if forms && stated.product != 0 && slot != Slot::C {
            return None;
        }
        Some(match slot {
            Slot::A => {
                stated.pair != 0
                    || (stated.look && lane == 0)
                    || (stated.a != 0 && (forms || combines))
                    || (above.zero && above.next_a != 0)
            }
            Slot::B => stated.pair != 0 || (forms && stated.b != 0) || (slides && lane == 0) || takes_results,
            Slot::C => stated.range != 0 || (forms && stated.c != 0) || (above.zero && above.next_c != 0),
        })
    }

    /// All data cells: row, lane and column.
    pub(super) fn positions(&self) -> impl Iterator<Item = (usize, usize, Slot)> + use<> {
        let (rows, lanes) = (self.plan.tape().rows().len(), self.plan.lanes());
        let of_lane = |row, lane| [Slot::A, Slot::B, Slot::C].map(|slot| (row, lane, slot));
        (0..rows).flat_map(move |row| (0..lanes).flat_map(move |lane| of_lane(row, lane)))
    }

    pub(super) fn cell_mut(&mut self, row: usize, lane: usize, slot: Slot) -> &mut i64 {
        let index = (row * self.plan.lanes() + lane) * SLOTS + slot as usize;
        &mut self.witness.cells[index]
    }
}

pub(super) fn name_and_row(failure: VerifyFailure) -> (String, usize) {
    let row = |location| match location {
        FailureLocation::InRegion { offset, .. } => offset,
        FailureLocation::OutsideRegion { row } => row,
    };
    match failure {
        VerifyFailure::ConstraintNotSatisfied { constraint, location, .. } => {
            let text = constraint.to_string();
            let name =
                text.split_once("('").and_then(|(_, rest)| rest.split_once("')")).map(|(name, _)| name.to_owned());
            (name.unwrap_or(text), row(location))
        }
        VerifyFailure::Permutation { location, .. } => (COPY.to_owned(), row(location)),
        other => panic!("unexpected failure {other}"),
    }
}

pub(super) fn names(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|name| (*name).to_owned()).collect()
}

//! What the advice columns hold, column by column, in the order in which they are committed to.

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::Challenge;

use super::{Assignment, sums};
use crate::gadgets::columns::{ChallengeColumn, Columns, DataColumn, EntryColumns, LinearColumns};
use crate::layout::Plan;
use crate::layout::tape::SLOTS;
use crate::witness::Witness;

impl Columns {
    /// First-phase columns and their values from the top; rows that are not listed hold zero.
    #[must_use]
    pub fn data(&self, plan: &Plan, witness: &Witness) -> Vec<(DataColumn, Vec<i64>)> {
        let width = self.lanes.len() * SLOTS;
        let rows = plan.tape().rows().len();
        let cells = self.lanes.iter().flatten().enumerate().map(|(place, column)| {
            let values = witness.cells.iter().skip(place).step_by(width).take(rows);
            (*column, values.copied().collect())
        });
        let counts = self.lookup.iter().flat_map(|lookup| {
            let chunks = witness.multiplicities.chunks(plan.usable_rows() - 1);
            lookup.multiplicities.iter().zip(chunks).map(|(column, counts)| {
                let counts = counts.iter().map(|count| i64::try_from(*count).unwrap_or(i64::MAX));
                (*column, counts.collect())
            })
        });
        let uses = self.lookup.iter().filter_map(|lookup| lookup.entries.as_ref()).map(|entries| {
            let uses = witness.uses.iter().map(|count| i64::try_from(*count).unwrap_or(i64::MAX));
            (entries.multiplicity, uses.collect())
        });
        cells.chain(counts).chain(uses).collect()
    }

    /// The challenges, in the order in which they are squeezed.
    pub(super) fn challenges(&self) -> Vec<Challenge> {
        let position = |linear: &LinearColumns| linear.shared.as_ref().map(|shared| shared.position);
        let linear = self.linear.iter().flat_map(|linear| std::iter::once(linear.row).chain(position(linear)));
        linear.chain(self.lookup.iter().flat_map(|lookup| [lookup.beta, lookup.gamma])).collect()
    }

    /// Second-phase columns and their values on the usable rows, given the challenges in the order in which they are
    /// squeezed.
    #[must_use]
    pub fn challenged(
        &self,
        plan: &Plan,
        assignment: &dyn Assignment,
        challenges: &[Fr],
    ) -> Vec<(ChallengeColumn, Vec<Fr>)> {
        let mut challenges = challenges.iter().copied();
        let mut next = || challenges.next().unwrap_or_default();
        let mut columns = Vec::new();
        let (mut first_weights, mut combined) = (Vec::new(), Vec::new());
        if let Some(linear) = &self.linear {
            let r = next();
            let position = if linear.shared.is_some() { next() } else { Fr::zero() };
            let witness = assignment.witness();
            let weights = sums::weights(plan, &assignment.combine(r));
            let (sum, chain) = sums::linear(plan, witness, &weights, r, position);
            let shared = linear.shared.as_ref().map(|columns| {
                let values = sums::shared(plan, witness, &weights, &chain, r, position);
                [columns.guest, columns.outputs, columns.operands].into_iter().zip(values)
            });
            if plan.features().entries {
                (first_weights, combined) = (weights.first().cloned().unwrap_or_default(), chain.clone());
            }
            columns.extend(linear.weights.iter().copied().zip(weights));
            columns.push((linear.sum, sum));
            columns.extend(linear.chain.map(|column| (column, chain)));
            columns.extend(shared.into_iter().flatten());
        }
        if let Some(lookup) = &self.lookup {
            let (beta, gamma) = (next(), next());
            columns.extend(lookup.sums.iter().copied().zip(sums::lookups(plan, assignment.witness(), beta, gamma)));
            let entries = |entries: &EntryColumns| {
                let values = sums::entries(plan, assignment.witness(), [&first_weights, &combined], [beta, gamma]);
                (entries.sum, values)
            };
            columns.extend(lookup.entries.as_ref().map(entries));
        }
        columns
    }
}

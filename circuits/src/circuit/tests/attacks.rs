//! What a dishonest prover may try that single changed cells do not show.

use std::sync::Arc;

use halo2_proofs::circuit::{Layouter, SimpleFloorPlanner};
use halo2_proofs::dev::MockProver;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{Circuit, ConstraintSystem, Error};

use super::case::{ARITHMETIC, COPY, Case, LOOKUP, STRETCH, name_and_row, names};
use super::operators::cases;
use crate::circuit::sums;
use crate::circuit::{Assignment, InferenceCircuit, known};
use crate::gadgets::columns::{ChallengeColumn, Columns};
use crate::layout::Plan;
use crate::layout::tape::{Chain, Row, SLOTS, Slot};

fn named(name: &str, lanes: u32) -> Case {
    cases(lanes).into_iter().find(|(other, _)| *other == name).unwrap().1
}

/// Replaces cells of one row and lane, and counts its lookups anew.
fn replace(case: &mut Case, row: usize, lane: usize, cells: &[(Slot, i64)]) {
    let stated = case.plan.tape().rows()[row];
    let count = |case: &mut Case, by: i64| {
        for (tag, slot) in [(stated.pair, Slot::A), (stated.range, Slot::C)] {
            let first = *case.cell_mut(row, lane, slot);
            if let Some(position) = case.plan.table().position(tag, first).filter(|_| tag != 0) {
                let counted = &mut case.witness.multiplicities[position];
                *counted = counted.checked_add_signed(by).unwrap();
            }
        }
    };
    count(case, -1);
    for (slot, value) in cells {
        *case.cell_mut(row, lane, *slot) = *value;
    }
    count(case, 1);
}

/// A quotient is unique: the next smaller one with a remainder of a whole step more satisfies every equation, and its
/// remainder is outside the table.
#[test]
fn another_quotient_needs_a_remainder_outside_its_range() {
    for name in ["dense", "convolution", "requantise", "combine", "sum"] {
        let honest = named(name, 2);
        let rows = honest.plan.tape().rows().iter().copied().collect::<Vec<_>>();
        let mut tried = 0;
        for (row, stated) in rows.iter().enumerate().filter(|(_, stated)| stated.pair != 0 && stated.range != 0) {
            for lane in 0..2 {
                let mut other = honest.clone();
                let [q, y, remainder] = [Slot::A, Slot::B, Slot::C].map(|slot| *other.cell_mut(row, lane, slot));
                let relation = &honest.plan.table().relations()[stated.pair as usize - 1];
                // Neighbours of one image, so that the result stays.
                for (next, step) in [(q - 1, 1), (q + 1, -1)] {
                    let Some(position) = u64::try_from(next).ok().filter(|next| *next < relation.length()) else {
                        continue;
                    };
                    if relation.second(position) != y {
                        continue;
                    }
                    let length = honest.plan.table().relations()[stated.range as usize - 1].length() as i64;
                    other = honest.clone();
                    replace(&mut other, row, lane, &[(Slot::A, next), (Slot::C, remainder + step * length)]);
                    assert_eq!(other.failing_names(), names(&[LOOKUP]), "{name}: row {row}, lane {lane}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 0, "{name}");
    }
}

/// Both limbs of a wide quotient are unique as well.
#[test]
fn other_limbs_of_a_wide_quotient_are_outside_their_ranges() {
    for name in ["requantise, wide", "requantise, wide and clamped"] {
        let honest = named(name, 1);
        let split = |row: &Row| row.zero && row.pair != 0 && row.c == 1 && row.next_a != 0;
        let row = honest.plan.tape().rows().iter().position(split).unwrap();
        let limbs = honest.plan.tape().rows()[row + 1];
        let length = honest.plan.table().relations()[limbs.pair as usize - 1].length() as i64;
        let scale = -honest.plan.tape().rows()[row].next_a;
        let mut other = honest.clone();
        let [high, low] = [(row, Slot::A), (row + 1, Slot::A)].map(|(row, slot)| *other.cell_mut(row, 0, slot));
        let joint = *other.cell_mut(row, 0, Slot::C);
        replace(&mut other, row, 0, &[(Slot::A, high - 1), (Slot::C, joint + scale * length)]);
        replace(&mut other, row + 1, 0, &[(Slot::A, low + length)]);
        let failing = other.failing_names();
        assert!(failing.contains(LOOKUP), "{name}: {failing:?}");
        // Copies of the limbs and what follows from them tell as well; the equations of the limbs themselves hold.
        assert!(!other.failures().contains(&(ARITHMETIC.to_owned(), row)), "{name}");
        assert!(failing.is_subset(&names(&[LOOKUP, COPY])), "{name}: {failing:?}");
    }
}

/// A row's tag is fixed: a tuple of another relation is none of its own, however often the other counts it.
#[test]
fn tuples_of_another_relation_are_caught() {
    for (name, honest) in cases(2) {
        let rows = honest.plan.tape().rows().iter().copied().collect::<Vec<_>>();
        for (row, stated) in rows.iter().enumerate().filter(|(_, stated)| stated.pair != 0) {
            let own = &honest.plan.table().relations()[stated.pair as usize - 1];
            let entries = honest.plan.table().entries();
            let foreign = entries.enumerate().find(|(_, entry)| {
                let tuple = u64::try_from(entry.a).ok().filter(|a| *a < own.length()).map(|a| own.second(a));
                entry.tag != stated.pair && tuple != Some(entry.b)
            });
            let Some((position, entry)) = foreign else { continue };
            let mut other = honest.clone();
            replace(&mut other, row, 1, &[(Slot::A, -1)]);
            *other.cell_mut(row, 1, Slot::A) = entry.a;
            *other.cell_mut(row, 1, Slot::B) = entry.b;
            other.witness.multiplicities[position] += 1;
            let failing = other.failing_names();
            assert!(failing.contains(LOOKUP), "{name}: row {row}, {entry:?}: {failing:?}");
        }
    }
}

/// Outputs that only fill the lanes have weights of zero, so their accumulators are zero and nothing else.
#[test]
fn outputs_that_fill_the_lanes_are_zero() {
    // Five outputs in two lanes: lane 1 of the first row is the sixth.
    let honest = named("dense", 2);
    let row = honest.plan.tape().rows().iter().position(|row| row.output).unwrap();
    let mut other = honest.clone();
    let remainder = *other.cell_mut(row, 1, Slot::C);
    replace(&mut other, row, 1, &[(Slot::C, remainder ^ 1)]);
    assert_eq!(other.failing_names(), names(&[STRETCH]));
}

/// The larger of two values is not the prover's to choose.
#[test]
fn the_other_of_two_values_is_not_the_maximum() {
    for name in ["maximum", "minimum"] {
        let honest = named(name, 1);
        let row = honest.plan.tape().rows().iter().position(|row| row.pair != 0).unwrap();
        let relation = &honest.plan.table().relations()[honest.plan.tape().rows()[row].pair as usize - 1];
        let mut other = honest.clone();
        let gap = *other.cell_mut(row, 0, Slot::A);
        let mirrored = relation.length() as i64 - 1 - gap;
        assert_ne!(gap, mirrored);
        replace(&mut other, row, 0, &[(Slot::A, mirrored), (Slot::B, relation.second(mirrored as u64))]);
        let failures = other.failures();
        assert!(failures.contains(&(ARITHMETIC.to_owned(), row - 1)), "{name}: {failures:?}");
    }
}

/// Cells below the rows, and multiplicities of the table's filling, meet a tag of zero and no equation.
#[test]
fn what_no_row_states_changes_nothing() {
    for (name, honest) in cases(2) {
        let mut other = honest.clone();
        let end = honest.plan.usable_rows() * 2 * SLOTS;
        other.witness.cells.resize(end, 12_345);
        if !other.witness.multiplicities.is_empty() {
            let capacity = (honest.plan.usable_rows() - 1) * honest.plan.tables();
            other.witness.multiplicities.resize(capacity, 77);
        }
        for position in 0..2 {
            other.instance[position] += Fr::from(5);
        }
        assert_eq!(other.failures(), [], "{name}");
    }
}

#[test]
fn every_multiplicity_is_counted() {
    for name in ["dense", "requantise, wide and clamped", "maximum"] {
        let honest = named(name, 2);
        for position in (0..honest.witness.multiplicities.len()).step_by(23) {
            let mut other = honest.clone();
            other.witness.multiplicities[position] += 1;
            assert_eq!(other.failing_names(), names(&[LOOKUP]), "{name}: tuple {position}");
        }
    }
}

/// How the second-phase columns are overwritten after honest ones were assigned.
#[derive(Clone, Copy, Debug)]
enum Overwrite {
    /// One cell of a column.
    Cell(fn(&Columns) -> ChallengeColumn, usize),
    /// T starts and goes on from 1.
    Shift,
}

#[derive(Clone, Debug)]
struct Overwritten {
    case: Case,
    overwrite: Overwrite,
}

impl Overwritten {
    fn failures(case: &Case, overwrite: Overwrite) -> Vec<(String, usize)> {
        let circuit = Self { case: case.clone(), overwrite };
        let prover = MockProver::run(case.plan.k(), &circuit, vec![case.instance.clone()]).unwrap();
        prover.verify().err().unwrap_or_default().into_iter().map(name_and_row).collect()
    }
}

impl Overwritten {
    /// T that starts from 1 and steps as it should.
    fn shifted(&self, r: Fr) -> Vec<Fr> {
        let plan = &self.case.plan;
        let weights = sums::weights(plan, &self.case.combine(r));
        let (honest, _) = sums::linear(plan, &self.case.witness, &weights, r, Fr::ZERO);
        let (mut shift, step) = (Fr::one(), r.pow_vartime([plan.lanes() as u64]));
        let shifted = honest.into_iter().enumerate().map(|(row, value)| {
            let here = shift;
            if plan.tape().rows().get(row).is_some_and(|stated| stated.output) {
                shift *= step;
            }
            value + here
        });
        shifted.collect()
    }
}

impl Circuit<Fr> for Overwritten {
    type Config = Option<Columns>;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Option<Arc<Plan>>;

    fn params(&self) -> Self::Params {
        Some(Arc::clone(&self.case.plan))
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Self::Config {
        None
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, plan: Self::Params) -> Self::Config {
        plan.map(|plan| InferenceCircuit::configure_shape(meta, plan.shape()))
    }

    fn synthesize(&self, columns: Self::Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let columns = columns.unwrap();
        let circuit = InferenceCircuit::assigned(Arc::clone(&self.case.plan), Arc::new(self.case.clone()));
        layouter.assign_region(
            || "overwritten",
            |mut region| {
                circuit.assign(&columns, &mut region)?;
                match self.overwrite {
                    Overwrite::Cell(column, row) => column(&columns).assign(&mut region, row, Fr::from(987_654_321)),
                    Overwrite::Shift => {
                        let linear = columns.linear.unwrap();
                        if let Some(r) = known(&region, linear.row) {
                            let shifted = self.shifted(r);
                            shifted.into_iter().enumerate().for_each(|(row, value)| {
                                linear.sum.assign(&mut region, row, value);
                            });
                        }
                    }
                }
                Ok(())
            },
        )
    }
}

const SUM: fn(&Columns) -> ChallengeColumn = |columns| columns.linear.as_ref().unwrap().sum;
const CHAIN: fn(&Columns) -> ChallengeColumn = |columns| columns.linear.as_ref().unwrap().chain.unwrap();
const FIRST_PHI: fn(&Columns) -> ChallengeColumn = |columns| columns.lookup.as_ref().unwrap().sums[0];
const LAST_PHI: fn(&Columns) -> ChallengeColumn = |columns| *columns.lookup.as_ref().unwrap().sums.last().unwrap();

/// T that starts elsewhere than at zero steps as it should and fails exactly where it is bound.
#[test]
fn the_linear_sum_starts_and_ends_at_zero() {
    for name in ["dense", "dense over items", "convolution"] {
        let case = named(name, 2);
        let bounds: Vec<(String, usize)> = case
            .plan
            .tape()
            .rows()
            .iter()
            .enumerate()
            .filter(|(_, row)| row.bound)
            .map(|(row, _)| (STRETCH.to_owned(), row))
            .collect();
        assert_eq!(bounds.first().map(|(_, row)| *row), Some(0));
        assert_eq!(Overwritten::failures(&case, Overwrite::Shift), bounds, "{name}");
    }
}

#[test]
fn every_cell_of_the_sums_is_constrained() {
    let case = named("convolution", 2);
    let usable = case.plan.usable_rows();
    let rows = case.plan.tape().rows().len();
    for row in (0..rows + 2).step_by(5).chain([1, usable - 2, usable - 1]) {
        for (column, step, ends) in [
            (SUM, "accumulators less products", [Some(0), None]),
            (CHAIN, "combined operands", [None, None]),
            (FIRST_PHI, "lookup step", [Some(0), Some(usable - 1)]),
            (LAST_PHI, "lookup step", [Some(0), Some(usable - 1)]),
        ] {
            let failures = Overwritten::failures(&case, Overwrite::Cell(column, row));
            let stepped = failures.iter().any(|(name, _)| name == step);
            // H of the first row is no step's result, and no row reads it.
            let is_free = step == "combined operands" && row == 0;
            assert_eq!(stepped, !is_free, "{step}, row {row}: {failures:?}");
            assert_eq!(failures.is_empty(), is_free, "{step}, row {row}: {failures:?}");
            if ends.contains(&Some(row)) {
                assert!(failures.iter().any(|(name, at)| name != step && *at == row), "{step}, row {row}");
            }
        }
    }
}

/// Nothing continues a chain that no row starts, so that H before its first start is read by nobody.
#[test]
fn chains_start_before_they_are_read() {
    for (name, case) in cases(3) {
        let rows = case.plan.tape().rows();
        for (row, stated) in rows.iter().enumerate() {
            let reads = stated.chain_operand || matches!(stated.chain, Some(Chain::Continue(_) | Chain::Slide(_)));
            let above = row.checked_sub(1).and_then(|above| rows[above].chain);
            assert!(!reads || above.is_some(), "{name}: row {row}");
        }
    }
}

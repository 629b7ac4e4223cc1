//! The second-phase columns: recurrences of the gates, run forward.

use halo2_proofs::arithmetic::parallelize;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{BatchInvert, Field};

use crate::gadgets::columns::{signed, wide};
use crate::layout::Plan;
use crate::layout::plan::LOOKUPS_PER_SUM;
use crate::layout::tape::{Chain, Guest, Power, Row, Slot, WeightPlace};
use crate::witness::Witness;

/// Columns V over all usable rows.
pub(super) fn weights(plan: &Plan, combined: &[(WeightPlace, Fr)]) -> Vec<Vec<Fr>> {
    let mut columns = vec![vec![Fr::zero(); plan.usable_rows()]; plan.weight_columns()];
    for (place, value) in combined {
        if let Some(cell) = columns.get_mut(place.column).and_then(|column| column.get_mut(place.row)) {
            *cell = *value;
        }
    }
    columns
}

/// Columns T and H over all usable rows. `position` is the position challenge, where there is one.
pub(super) fn linear(plan: &Plan, witness: &Witness, weights: &[Vec<Fr>], r: Fr, position: Fr) -> (Vec<Fr>, Vec<Fr>) {
    let lanes = plan.lanes();
    let tape = plan.tape();
    let cell = |row, lane, slot| witness.cell(lanes, row, lane, slot);
    let lane_powers: Vec<Fr> = powers(r, lanes + 1);
    let base = |power: &Power| match power {
        Power::Row(exponent) => r.pow_vartime([*exponent as u64]),
        Power::Position => position,
    };
    let classes: Vec<Vec<Fr>> = tape.chain_powers().iter().map(|power| powers(base(power), lanes + 1)).collect();
    let slides: Vec<[Fr; 2]> = tape
        .slides()
        .iter()
        .map(|(single, length)| [single, length].map(|exponent| r.pow_vartime([*exponent as u64])))
        .collect();
    let (mut sum, mut chain) = (Fr::zero(), Fr::zero());
    let (mut sums, mut chains) = (vec![sum; plan.usable_rows()], vec![chain; plan.usable_rows()]);
    for (row, stated) in tape.rows().iter().enumerate() {
        let operand = |lane, slot| operand(stated, cell(row, lane, slot));
        let mut met = weights.iter().map(|column| column.get(row).copied().unwrap_or_default());
        if stated.output {
            let taken =
                (0..lanes).map(|lane| form(stated, [Slot::A, Slot::B, Slot::C].map(|slot| cell(row, lane, slot))));
            sum = lane_powers.get(lanes).copied().unwrap_or_default() * sum
                + taken.zip(&lane_powers).fold(Fr::zero(), |total, (value, power)| total + wide(value) * power);
        }
        if stated.operand {
            sum -=
                met.enumerate().fold(Fr::zero(), |total, (lane, weight)| total + weight * wide(operand(lane, Slot::A)));
        } else if stated.chain_operand {
            sum -= met.next().unwrap_or_default() * chain;
        }
        let take = |class: usize| {
            let powers = classes.get(class).map_or(&[][..], Vec::as_slice);
            (0..lanes).zip(powers).fold(Fr::zero(), |total, (lane, power)| total + wide(operand(lane, Slot::A)) * power)
        };
        let taken = |class: usize, value: &dyn Fn(i128) -> Fr| {
            let powers = classes.get(class).map_or(&[][..], Vec::as_slice);
            let result = |lane| i128::from(cell(row, lane, Slot::B)) + i128::from(stated.rest);
            (0..lanes).zip(powers).fold(Fr::zero(), |total, (lane, power)| total + value(result(lane)) * power)
        };
        chain = match stated.chain {
            None => Fr::zero(),
            Some(Chain::Start(class)) => take(class),
            Some(Chain::Continue(class)) => {
                let carry = classes.get(class).and_then(|powers| powers.get(lanes)).copied().unwrap_or_default();
                carry * chain + take(class)
            }
            Some(Chain::Slide(class)) => {
                let [single, length] = slides.get(class).copied().unwrap_or_default();
                single * chain - length * wide(operand(0, Slot::B)) + wide(operand(0, Slot::A))
            }
            Some(Chain::Result(class)) => taken(class, &|y| wide(y)),
            Some(Chain::Square(class)) => taken(class, &|y| wide(y * y)),
        };
        if let (Some(next_sum), Some(next_chain)) = (sums.get_mut(row + 1), chains.get_mut(row + 1)) {
            (*next_sum, *next_chain) = (sum, chain);
        }
    }
    // T keeps its value below the rows, H does not.
    sums.iter_mut().skip(tape.rows().len() + 1).for_each(|cell| *cell = sum);
    (sums, chains)
}

/// Columns G, S and U over all usable rows, given H.
pub(super) fn shared(
    plan: &Plan,
    witness: &Witness,
    weights: &[Vec<Fr>],
    chain: &[Fr],
    r: Fr,
    position: Fr,
) -> [Vec<Fr>; 3] {
    let (lanes, tape, rows) = (plan.lanes(), plan.tape(), plan.usable_rows());
    let mut guests = vec![Fr::zero(); rows];
    for (row, from) in tape.guests() {
        if let (Some(guest), Some(value)) = (guests.get_mut(*row), chain.get(*from)) {
            *guest = *value;
        }
    }
    let lane_powers = powers(position, lanes);
    let turns: Vec<Fr> = tape.turns().iter().map(|outputs| r.pow_vartime([*outputs as u64])).collect();
    let [mut outputs, mut operands] = [vec![Fr::zero(); rows], vec![Fr::zero(); rows]];
    let (mut output, mut operand) = (Fr::zero(), Fr::zero());
    for (row, stated) in tape.rows().iter().enumerate().rev() {
        if stated.shared_output {
            let cells = |lane| [Slot::A, Slot::B, Slot::C].map(|slot| witness.cell(lanes, row, lane, slot));
            let taken = (0..lanes).zip(&lane_powers);
            output =
                r * output + taken.fold(Fr::zero(), |sum, (lane, power)| sum + wide(form(stated, cells(lane))) * power);
        }
        let guest = |row: usize| guests.get(row).copied().unwrap_or_default();
        operand += match stated.guest {
            None => Fr::zero(),
            Some(Guest::Weighted) => {
                weights.first().and_then(|column| column.get(row)).copied().unwrap_or_default() * guest(row)
            }
            Some(Guest::Alone) => guest(row),
            Some(Guest::Pair) => guest(row) * guest(row + 1),
        };
        if let Some(scale) = stated.turn.and_then(|class| turns.get(class)) {
            operand *= scale;
        }
        if let (Some(at_outputs), Some(at_operands)) = (outputs.get_mut(row), operands.get_mut(row)) {
            (*at_outputs, *at_operands) = (output, operand);
        }
    }
    [guests, outputs, operands]
}

fn operand(stated: &Row, cell: i64) -> i128 {
    i128::from(stated.a) * i128::from(cell) + stated.constant
}

fn form(stated: &Row, [a, b, c]: [i64; 3]) -> i128 {
    i128::from(stated.product) * i128::from(a) * i128::from(b)
        + i128::from(stated.a) * i128::from(a)
        + i128::from(stated.b) * i128::from(b)
        + i128::from(stated.c) * i128::from(c)
        + stated.constant
}

fn powers(base: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::one()), |power| Some(*power * base)).take(count).collect()
}

/// Rows whose fractions are added up, and inverted, at a time.
const ROWS_EACH: usize = 256;

/// Columns phi: running sums of the fractions, three to a column.
pub(super) fn lookups(plan: &Plan, witness: &Witness, beta: Fr, gamma: Fr) -> Vec<Vec<Fr>> {
    let rows = plan.usable_rows();
    let fractions = plan.features().lookups(plan.lanes()) + plan.tables();
    let count = fractions.div_ceil(LOOKUPS_PER_SUM);
    let mut blocks: Vec<Vec<Fr>> = vec![Vec::new(); (rows - 1).div_ceil(ROWS_EACH)];
    // On halo2's threads, where it has any.
    parallelize(&mut blocks, |blocks, first| {
        for (block, number) in blocks.iter_mut().zip(first..) {
            let own = number * ROWS_EACH..((number + 1) * ROWS_EACH).min(rows - 1);
            *block = lookup_steps(plan, witness, own, [beta, gamma]);
        }
    });
    let mut columns = vec![Vec::with_capacity(rows); count];
    let mut totals = vec![Fr::zero(); count];
    for steps in blocks.iter().flat_map(|block| block.chunks_exact(count.max(1))) {
        for ((column, total), step) in columns.iter_mut().zip(&mut totals).zip(steps) {
            column.push(*total);
            *total += step;
        }
    }
    for (column, total) in columns.iter_mut().zip(totals) {
        column.push(total);
    }
    columns
}

/// What the sums of some rows grow by, row by row, column by column.
fn lookup_steps(plan: &Plan, witness: &Witness, rows: std::ops::Range<usize>, [beta, gamma]: [Fr; 2]) -> Vec<Fr> {
    let (lanes, features) = (plan.lanes(), plan.features());
    let last = plan.usable_rows() - 1;
    let square = gamma * gamma;
    let tuple = |tag: u64, a: i64, b: i64| beta + signed(a) + gamma * signed(b) + square * Fr::from(tag);
    let fractions = features.lookups(lanes) + plan.tables();
    let (mut numerators, mut denominators) = (Vec::new(), Vec::with_capacity(fractions * rows.len()));
    let blank = Row::default();
    for row in rows {
        let stated = plan.tape().rows().get(row).unwrap_or(&blank);
        let cell = |lane, slot| witness.cell(lanes, row, lane, slot);
        if features.pairs {
            for lane in 0..lanes {
                numerators.push(Fr::from(stated.pair));
                denominators.push(tuple(stated.pair, cell(lane, Slot::A), cell(lane, Slot::B)));
            }
        }
        if features.ranges {
            for lane in 0..lanes {
                numerators.push(Fr::from(stated.range));
                denominators.push(tuple(stated.range, cell(lane, Slot::C), 0));
            }
        }
        for table in 0..plan.tables() {
            let position = table * last + row;
            let (tag, a, b) = plan.table().entry(position).map_or((0, 0, 0), |entry| (entry.tag, entry.a, entry.b));
            let count = witness.multiplicities.get(position).copied().unwrap_or(0);
            numerators.push(-(Fr::from(count) * Fr::from(tag)));
            denominators.push(tuple(tag, a, b));
        }
    }
    denominators.iter_mut().batch_invert();
    let per_row = fractions.max(1);
    let rows = numerators.chunks_exact(per_row).zip(denominators.chunks_exact(per_row));
    let groups = rows
        .flat_map(|(numerators, inverses)| numerators.chunks(LOOKUPS_PER_SUM).zip(inverses.chunks(LOOKUPS_PER_SUM)));
    groups
        .map(|(numerators, inverses)| numerators.iter().zip(inverses).fold(Fr::zero(), |sum, (a, b)| sum + *a * b))
        .collect()
}

/// The running sum of the lookups among the entries of V, given H.
pub(super) fn entries(plan: &Plan, witness: &Witness, [weights, chain]: [&[Fr]; 2], [beta, gamma]: [Fr; 2]) -> Vec<Fr> {
    let (lanes, rows) = (plan.lanes(), plan.usable_rows());
    let blank = Row::default();
    let mut numerators = Vec::with_capacity(2 * rows);
    let mut denominators = Vec::with_capacity(2 * rows);
    let cells = plan.tape().rows().iter().chain(std::iter::repeat(&blank)).zip(chain.iter().zip(weights));
    for (row, (stated, (combined, weight))) in cells.enumerate().take(rows - 1) {
        let number = wide(operand(stated, witness.cell(lanes, row, 0, Slot::A)));
        let entry = Fr::from(stated.entry);
        let uses = Fr::from(witness.uses.get(row).copied().unwrap_or(0));
        numerators.extend([if stated.look { number } else { Fr::zero() }, -(uses * entry)]);
        denominators.extend([beta + number + gamma * combined, beta + entry + gamma * weight]);
    }
    denominators.iter_mut().batch_invert();
    let mut total = Fr::zero();
    let mut column = Vec::with_capacity(rows);
    for (numerators, inverses) in numerators.chunks_exact(2).zip(denominators.chunks_exact(2)) {
        column.push(total);
        total += numerators.iter().zip(inverses).fold(Fr::zero(), |sum, (a, b)| sum + *a * b);
    }
    column.push(total);
    column
}

//! Every output follows from the input, by the constraints alone.
//!
//! A honest witness that satisfies the circuit shows that the circuit admits the right output; what is asked here is
//! whether it admits another one. The rows are read as equations, without looking at how they were made: a cell is
//! *determined* if it is an input, a copy of a determined cell, the image of one under a lookup, the only unknown of an
//! equation, or one of two unknowns that a mixed radix takes apart, their bounds being looked up. Accumulators of a
//! stretch are determined once its operands are, because each has a power of r of its own; so are those of a stretch of
//! the shared relation, because each has powers of r and rho of its own.

use std::collections::HashMap;

use crate::layout::lower::CONTEXT_ROWS;
use crate::layout::tape::{Chain, Guest, Place, Row, Slot};
use crate::layout::{Plan, choose};
use crate::model::random::{Limits, Model};

use super::operators::cases;
use super::positions;

/// Both sides of every equation stay below this, far below half of the field's order.
const WRAP: u128 = 1 << 120;

/// The constraints of a circuit, to be changed one at a time.
#[derive(Clone)]
struct Rules {
    lanes: usize,
    weight_columns: usize,
    rows: Vec<Row>,
    copies: Vec<(Place, Place)>,
    /// Tuples of each relation, by tag from 1.
    lengths: Vec<u64>,
    /// Outputs of the stretches that turns end, by class.
    turns: Vec<usize>,
    inputs: usize,
    outputs: usize,
}

impl Rules {
    fn of(plan: &Plan) -> Self {
        let tape = plan.tape();
        let inputs = plan.graph().values()[0].width() as usize;
        Self {
            lanes: tape.lanes(),
            weight_columns: plan.weight_columns(),
            rows: tape.rows().iter().copied().collect(),
            copies: plan.copies().unwrap().to_vec(),
            lengths: tape.table().relations().iter().map(crate::layout::table::Relation::length).collect(),
            turns: tape.turns().to_vec(),
            inputs,
            outputs: plan.statement_rows() - CONTEXT_ROWS - inputs,
        }
    }

    /// Outputs that the input does not determine.
    fn free_outputs(&self) -> Vec<usize> {
        let mut known = Known::new(self);
        while known.pass() {}
        let place = |output: &usize| Place::Instance(CONTEXT_ROWS + self.inputs + output);
        (0..self.outputs).filter(|output| !known.is(place(output))).collect()
    }
}

struct Known<'a> {
    rules: &'a Rules,
    /// Representative of each copied place.
    origins: HashMap<Place, Place>,
    known: HashMap<Place, bool>,
    /// Cells hold integers below this.
    bounds: HashMap<Place, u128>,
}

impl<'a> Known<'a> {
    fn new(rules: &'a Rules) -> Self {
        let mut known = Self { rules, origins: HashMap::new(), known: HashMap::new(), bounds: HashMap::new() };
        for (from, to) in &rules.copies {
            let (from, to) = (known.origin(*from), known.origin(*to));
            if from != to {
                known.origins.insert(to, from);
            }
        }
        for input in 0..rules.inputs {
            known.learn(Place::Instance(CONTEXT_ROWS + input));
        }
        for _ in 0..2 {
            known.bound();
        }
        known
    }

    fn origin(&self, mut place: Place) -> Place {
        while let Some(origin) = self.origins.get(&place) {
            place = *origin;
        }
        place
    }

    fn is(&self, place: Place) -> bool {
        self.known.contains_key(&self.origin(place))
    }

    fn learn(&mut self, place: Place) -> bool {
        self.known.insert(self.origin(place), true).is_none()
    }

    fn bounded(&self, place: Place) -> Option<u128> {
        self.bounds.get(&self.origin(place)).copied()
    }

    fn limit(&mut self, place: Place, below: u128) {
        let bound = self.bounds.entry(self.origin(place)).or_insert(below);
        *bound = below.min(*bound);
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let lanes = self.rules.lanes;
        (0..self.rules.rows.len()).flat_map(move |row| (0..lanes).map(move |lane| (row, lane)))
    }

    /// Bounds from lookups, and of sums of bounded cells.
    fn bound(&mut self) {
        for (row, lane) in self.cells() {
            let stated = self.rules.rows[row];
            let length = |tag: u64| self.rules.lengths.get(tag as usize - 1).map(|length| u128::from(*length));
            let at = |row, slot| Place::Cell { row, lane, slot };
            if let Some(length) = (stated.pair > 0).then(|| length(stated.pair)).flatten() {
                self.limit(at(row, Slot::A), length);
            }
            if let Some(length) = (stated.range > 0).then(|| length(stated.range)).flatten() {
                self.limit(at(row, Slot::C), length);
            }
            let split = stated.zero && (stated.product, stated.a, stated.b, stated.c) == (0, 0, 0, 1);
            let next = [(stated.next_a, Slot::A), (stated.next_c, Slot::C)].map(|(factor, slot)| {
                let below = if factor == 0 { Some(1) } else { self.bounded(at(row + 1, slot)) };
                below.filter(|_| factor <= 0).map(|below| u128::from(factor.unsigned_abs()) * (below - 1))
            });
            if let (true, 0, [Some(first), Some(second)]) = (split, stated.constant, next) {
                self.limit(at(row, Slot::C), first + second + 1);
            }
        }
    }

    /// Learns what follows at once; false if nothing does.
    fn pass(&mut self) -> bool {
        let mut learned = false;
        for (row, lane) in self.cells() {
            let stated = self.rules.rows[row];
            let at = |row, slot| Place::Cell { row, lane, slot };
            if stated.pair > 0 && self.is(at(row, Slot::A)) {
                learned |= self.learn(at(row, Slot::B));
            }
            if stated.zero {
                let next = [(stated.next_a, at(row + 1, Slot::A)), (stated.next_c, at(row + 1, Slot::C))];
                learned |= self.solve(row, lane, &next);
            }
        }
        let bounds: Vec<usize> = (0..self.rules.rows.len()).filter(|row| self.rules.rows[*row].bound).collect();
        for segment in bounds.windows(2) {
            let rows = segment[0]..segment[1];
            if rows.clone().all(|row| self.operand_is_known(row)) {
                for row in rows.filter(|row| self.rules.rows[*row].output) {
                    for lane in 0..self.rules.lanes {
                        learned |= self.solve(row, lane, &[]);
                    }
                }
            }
        }
        learned | self.shared() | self.chosen()
    }

    /// Learns the columns that known indices choose: each cell has a power of r of its own.
    fn chosen(&mut self) -> bool {
        let mut learned = false;
        let looks: Vec<usize> = (0..self.rules.rows.len()).filter(|row| self.rules.rows[*row].look).collect();
        for look in looks {
            if !self.is(Place::Cell { row: look, lane: 0, slot: Slot::A }) {
                continue;
            }
            for row in (0..look).rev() {
                let Some(Chain::Start(_) | Chain::Continue(_)) = self.rules.rows[row].chain else { break };
                for lane in 0..self.rules.lanes {
                    learned |= self.learn(Place::Cell { row, lane, slot: Slot::A });
                }
                if let Some(Chain::Start(_)) = self.rules.rows[row].chain {
                    break;
                }
            }
        }
        learned
    }

    /// Learns the accumulators of the shared relation whose operands are known.
    fn shared(&mut self) -> bool {
        let rules = self.rules;
        let rows = || rules.rows.iter().enumerate();
        let mut stretches: Vec<Vec<usize>> = Vec::new();
        let mut lengths = Vec::new();
        for (row, stated) in rows().filter(|(_, stated)| stated.guest.is_some()) {
            if let Some(class) = stated.turn {
                lengths.push(rules.turns[class]);
            }
            if stated.turn.is_some() || stretches.is_empty() {
                stretches.push(Vec::new());
            }
            stretches.last_mut().unwrap().push(row);
        }
        let mut outputs = rows().filter(|(_, stated)| stated.shared_output).map(|(row, _)| row);
        let mut learned = false;
        for (stretch, uses) in stretches.into_iter().enumerate() {
            let length = lengths.get(stretch).copied().unwrap_or(usize::MAX);
            let own: Vec<usize> = outputs.by_ref().take(length).collect();
            let met = |row: &usize| {
                let pair = rules.rows[*row].guest == Some(Guest::Pair);
                self.guest_is_known(*row) && (!pair || self.guest_is_known(row + 1))
            };
            if uses.iter().all(met) {
                for row in own {
                    for lane in 0..rules.lanes {
                        learned |= self.solve(row, lane, &[]);
                    }
                }
            }
        }
        learned
    }

    /// Whether G on a row is a copy of an H whose cells are known.
    fn guest_is_known(&self, row: usize) -> bool {
        let Place::Chain(from) = self.origin(Place::Guest(row)) else { return false };
        self.chain_is_known(from)
    }

    /// Whether everything that H on a row combines is known.
    fn chain_is_known(&self, row: usize) -> bool {
        let cell = |row, lane, slot| self.is(Place::Cell { row, lane, slot });
        for row in (0..row).rev() {
            let chain = self.rules.rows[row].chain;
            let lanes = match chain {
                None => return false,
                Some(Chain::Slide(_)) => 1,
                Some(_) => self.rules.lanes,
            };
            let slides = matches!(chain, Some(Chain::Slide(_)));
            let results = matches!(chain, Some(Chain::Result(_) | Chain::Square(_)));
            let first = if results { Slot::B } else { Slot::A };
            if !(0..lanes).all(|lane| cell(row, lane, first)) || (slides && !cell(row, 0, Slot::B)) {
                return false;
            }
            if results || matches!(chain, Some(Chain::Start(_))) {
                return true;
            }
        }
        false
    }

    /// Whether everything that meets a committed weight on this row is known.
    fn operand_is_known(&self, row: usize) -> bool {
        let stated = self.rules.rows[row];
        let cell = |row, lane, slot| self.is(Place::Cell { row, lane, slot });
        if stated.operand && stated.a != 0 && !(0..self.rules.weight_columns).all(|lane| cell(row, lane, Slot::A)) {
            return false;
        }
        !stated.chain_operand || self.chain_is_known(row)
    }

    /// Learns the unknowns of `L + next = known`, if that says what they are.
    fn solve(&mut self, row: usize, lane: usize, next: &[(i64, Place)]) -> bool {
        let stated = self.rules.rows[row];
        let at = |slot| Place::Cell { row, lane, slot };
        let own = [(stated.a, at(Slot::A)), (stated.b, at(Slot::B)), (stated.c, at(Slot::C))];
        if stated.product != 0 && !(self.is(at(Slot::A)) && self.is(at(Slot::B))) {
            return false;
        }
        let terms = own.iter().chain(next).filter(|(factor, _)| *factor != 0);
        let unknown: Vec<(i64, Place)> = terms.filter(|(_, place)| !self.is(*place)).copied().collect();
        match unknown.as_slice() {
            [(_, place)] => self.learn(*place),
            [first, second] => {
                let (large, small) = if first.0.abs() > second.0.abs() { (first, second) } else { (second, first) };
                let [Some(high), Some(low)] = [large, small].map(|(_, place)| self.bounded(*place)) else {
                    return false;
                };
                let [step, unit] = [large, small].map(|(factor, _)| u128::from(factor.unsigned_abs()));
                let splits = unit * (low - 1) < step && step * high < WRAP && large.0.signum() == small.0.signum();
                splits && (self.learn(large.1) | self.learn(small.1))
            }
            _ => false,
        }
    }
}

#[test]
fn every_operators_output_follows_from_its_input() {
    for lanes in [1, 2, 3, 5] {
        for (name, case) in cases(lanes) {
            assert_eq!(Rules::of(&case.plan).free_outputs(), Vec::<usize>::new(), "{name}, {lanes} lanes");
            if !case.plan.blocks().is_empty() {
                let split = case.in_blocks(1);
                assert_eq!(Rules::of(&split.plan).free_outputs(), Vec::<usize>::new(), "{name}, {lanes} lanes, split");
            }
        }
    }
}

#[test]
fn every_output_of_a_sequence_follows_from_its_input() {
    for (positions, lanes) in [(4, 4), (4, 3), (3, 4), (5, 2)] {
        for vocabulary in [0, 11] {
            let case = positions::case(positions, lanes, None, vocabulary);
            let rules = Rules::of(&case.plan);
            assert_eq!(rules.free_outputs(), Vec::<usize>::new(), "{positions} positions, {lanes} lanes, {vocabulary}");
        }
    }
}

/// Without any one of its statements or copies, a sequence's circuit lets some output be anything.
#[test]
fn every_statement_about_a_sequence_is_needed() {
    let rules = Rules::of(&positions::case(4, 4, None, 11).plan);
    let free = |change: &dyn Fn(&mut Rules)| {
        let mut changed = rules.clone();
        change(&mut changed);
        !changed.free_outputs().is_empty()
    };
    for (row, stated) in rules.rows.iter().enumerate() {
        let context = format!("row {row} {stated:?}");
        assert!(!stated.zero || free(&|rules| rules.rows[row].zero = false), "{context}");
        assert!(!stated.look || free(&|rules| rules.rows[row].look = false), "{context}");
        assert!(!stated.shared_output || free(&|rules| rules.rows[row].shared_output = false), "{context}");
        assert!(stated.chain.is_none() || free(&|rules| rules.rows[row].chain = None), "{context}");
        assert!(stated.pair == 0 || free(&|rules| rules.rows[row].pair = 0), "{context}");
    }
    for (index, (from, to)) in rules.copies.iter().enumerate() {
        assert!(free(&|rules| _ = rules.copies.remove(index)), "{from:?} to {to:?}");
    }
}

#[test]
fn every_random_graphs_output_follows_from_its_input() {
    let mut laid_out = 0;
    for seed in 0..300 {
        let graph = Model::graph_from_seed(seed, &Limits::circuit()).graph;
        let Ok(layout) = choose(&graph) else { continue };
        let plan = Plan::new(&graph.with_layout(layout).unwrap()).unwrap();
        assert_eq!(Rules::of(&plan).free_outputs(), Vec::<usize>::new(), "seed {seed}");
        laid_out += 1;
    }
    assert!(laid_out > 280, "{laid_out}");
}

/// Without any one of its statements, a circuit lets some output be anything; so the tests above can fail.
#[test]
fn every_statement_is_needed() {
    for (name, case) in cases(2) {
        // Positions at which a window wraps around, and outputs that fill the lanes, have rows that nobody needs.
        let is_linear = !case.plan.blocks().is_empty();
        let rules = Rules::of(&case.plan);
        let free = |change: &dyn Fn(&mut Rules)| {
            let mut changed = rules.clone();
            change(&mut changed);
            !changed.free_outputs().is_empty()
        };
        for (row, stated) in rules.rows.iter().enumerate() {
            let context = format!("{name}: row {row} {stated:?}");
            assert!(!stated.zero || free(&|rules| rules.rows[row].zero = false), "{context}");
            assert!(!stated.bound || !is_linear || free(&|rules| rules.rows[row].bound = false), "{context}");
            if !is_linear {
                assert!(stated.pair == 0 || free(&|rules| rules.rows[row].pair = 0), "{context}");
                assert!(stated.range == 0 || free(&|rules| rules.rows[row].range = 0), "{context}");
            }
        }
        for (index, (from, to)) in rules.copies.iter().enumerate() {
            let reads_everything = !name.starts_with("convolution");
            assert!(!reads_everything || free(&|rules| _ = rules.copies.remove(index)), "{name}: {from:?} to {to:?}");
        }
    }
}

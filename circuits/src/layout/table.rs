//! The lookup table: one list of `(tag, a, y)` tuples that every trace row is looked up in.
//!
//! Tag 0 holds only `(0, 0, 0)`, the tuple of rows that carry no data. Each distinct remainder width has a tag with the
//! tuples `(tag, r, 0)`, `0 <= r < 2^shift`; each distinct requantisation has a tag with `(tag, q - q_min, y - y_min)`
//! over the whole static range of `q`, which fuses clamp and activation. The tag is a fixed column on the input side, so
//! no row can borrow another relation's tuples.
//!
//! Only the sections are stored. Tuples and their rows are computed, so that a key file or a registration that announces
//! a large circuit costs its reader nothing before the announcement is believed.

use super::plan::{Requantisation, Stage};

/// One tuple of the lookup table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which relation the tuple belongs to.
    pub tag: u64,
    /// Quotient or remainder, offset to be non-negative.
    pub a: u64,
    /// Activation, offset to be non-negative; 0 for remainders.
    pub y: u64,
}

impl Entry {
    /// The tuple of rows without data.
    pub const IDLE: Self = Self { tag: 0, a: 0, y: 0 };
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Relation {
    Remainder { shift: u8 },
    Requantisation(Requantisation),
}

impl Relation {
    fn length(&self) -> u64 {
        match self {
            Self::Remainder { shift } => 1 << shift,
            Self::Requantisation(step) => step.quotient.count(),
        }
    }

    /// Tuple `a` of the relation.
    fn entry(&self, tag: u64, a: u64) -> Entry {
        let y = match self {
            Self::Remainder { .. } => 0,
            Self::Requantisation(step) => {
                let quotient = step.quotient.min.saturating_add_unsigned(a);
                step.apply(quotient).abs_diff(step.output.min)
            }
        };
        Entry { tag, a, y }
    }
}

/// The relations of a circuit, in table order after the idle tuple; relation `i` has tag `i + 1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    relations: Vec<Relation>,
}

impl Table {
    /// The table that serves `stages`.
    #[must_use]
    pub fn new(stages: &[Stage]) -> Self {
        let mut table = Self { relations: Vec::new() };
        for step in stages.iter().filter_map(|stage| stage.requantisation.as_ref()) {
            for relation in [Relation::Remainder { shift: step.shift }, Relation::Requantisation(step.clone())] {
                if !table.relations.contains(&relation) {
                    table.relations.push(relation);
                }
            }
        }
        table
    }

    /// Number of tuples.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.relations.iter().fold(1, |length: u64, relation| length.saturating_add(relation.length()))
    }

    /// All tuples, in row order; rows after the last repeat [`Entry::IDLE`].
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let relations = self.relations.iter().zip(1u64..);
        let tuples = relations.flat_map(|(relation, tag)| (0..relation.length()).map(move |a| relation.entry(tag, a)));
        std::iter::once(Entry::IDLE).chain(tuples)
    }

    /// Row of `entry`, if it is in the table.
    #[must_use]
    pub fn position(&self, entry: &Entry) -> Option<usize> {
        if *entry == Entry::IDLE {
            return Some(0);
        }
        let index = usize::try_from(entry.tag).ok()?.checked_sub(1)?;
        let relation = self.relations.get(index)?;
        if entry.a >= relation.length() || relation.entry(entry.tag, entry.a) != *entry {
            return None;
        }
        let before: u64 = self.relations.iter().take(index).map(Relation::length).sum();
        usize::try_from(1 + before + entry.a).ok()
    }

    /// Tag of remainders below `2^shift`.
    #[must_use]
    pub fn remainder_tag(&self, shift: u8) -> Option<u64> {
        self.tag(&Relation::Remainder { shift })
    }

    /// Tag of one requantisation's tuples.
    #[must_use]
    pub fn requantisation_tag(&self, step: &Requantisation) -> Option<u64> {
        self.tag(&Relation::Requantisation(step.clone()))
    }

    fn tag(&self, relation: &Relation) -> Option<u64> {
        self.relations.iter().zip(1u64..).find(|(known, _)| *known == relation).map(|(_, tag)| tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::graph::Activation;
    use crate::model::range::Range;

    fn stage(shift: u8, clamp: Range) -> Stage {
        let quotient = Range { min: -5, max: 9 };
        let output = Range { min: clamp.min.max(-5), max: clamp.max.min(9) };
        let requantisation = Requantisation { shift, clamp, activation: Activation::Identity, quotient, output };
        Stage { node: 0, inputs: 1, outputs: 1, requantisation: Some(requantisation) }
    }

    #[test]
    fn positions_are_those_of_the_listed_tuples() {
        let stages = [
            stage(2, Range { min: -3, max: 4 }),
            stage(3, Range { min: 0, max: 1 }),
            stage(2, Range { min: -3, max: 4 }),
        ];
        let table = Table::new(&stages);
        let entries: Vec<Entry> = table.entries().collect();
        assert_eq!(entries.len(), 1 + 4 + 15 + 8 + 15, "equal relations share a section");
        assert_eq!(table.length(), entries.len() as u64);
        for (row, entry) in entries.iter().enumerate() {
            assert_eq!(table.position(entry), Some(row));
            let other = Entry { y: entry.y + 1, ..*entry };
            assert_eq!(table.position(&other), None);
        }
        assert_eq!(table.position(&Entry { tag: 1, a: 4, y: 0 }), None);
        assert_eq!(table.position(&Entry { tag: 9, a: 0, y: 0 }), None);
    }
}

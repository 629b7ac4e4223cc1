//! The lookup table: one list of `(tag, a, y)` tuples that every trace row is looked up in.
//!
//! Tag 0 holds only `(0, 0, 0)`, the tuple of rows that carry no data. Each distinct remainder width has a tag with the
//! tuples `(tag, r, 0)`, `0 <= r < 2^shift`; each distinct requantisation has a tag with `(tag, q - q_min, y - y_min)`
//! over the whole static range of `q`, which fuses clamp and activation. The tag is a fixed column on the input side, so
//! no row can borrow another relation's tuples.

use std::collections::BTreeMap;

use super::plan::{Requantisation, Stage};

/// One tuple of the lookup table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Which relation the tuple belongs to.
    pub tag: u64,
    /// Quotient or remainder, offset to be non-negative.
    pub a: u64,
    /// Activation, offset to be non-negative; 0 for remainders.
    pub y: u64,
}

/// The tags of a circuit's relations and the list of its tuples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    entries: Vec<Entry>,
    positions: BTreeMap<Entry, usize>,
    remainder_tags: BTreeMap<u8, u64>,
    requantisation_tags: Vec<(Requantisation, u64)>,
}

impl Table {
    /// The table that serves `stages`.
    #[must_use]
    pub fn new(stages: &[Stage]) -> Self {
        let mut table = Self {
            entries: vec![Entry { tag: 0, a: 0, y: 0 }],
            positions: BTreeMap::new(),
            remainder_tags: BTreeMap::new(),
            requantisation_tags: Vec::new(),
        };
        let mut next_tag = 1;
        for requantisation in stages.iter().filter_map(|stage| stage.requantisation.as_ref()) {
            if table.remainder_tag(requantisation.shift).is_none() {
                table.remainder_tags.insert(requantisation.shift, next_tag);
                table.entries.extend((0..1u64 << requantisation.shift).map(|a| Entry { tag: next_tag, a, y: 0 }));
                next_tag += 1;
            }
            if table.requantisation_tag(requantisation).is_none() {
                table.requantisation_tags.push((requantisation.clone(), next_tag));
                let quotients = requantisation.quotient.min..=requantisation.quotient.max;
                table.entries.extend(quotients.map(|quotient| Entry {
                    tag: next_tag,
                    a: quotient.abs_diff(requantisation.quotient.min),
                    y: requantisation.apply(quotient).abs_diff(requantisation.output.min),
                }));
                next_tag += 1;
            }
        }
        table.positions = table.entries.iter().enumerate().map(|(row, entry)| (*entry, row)).collect();
        table
    }

    /// Number of tuples that [`Table::new`] would list for `stages`, without listing them.
    #[must_use]
    pub fn length(stages: &[Stage]) -> u64 {
        let mut shifts = Vec::new();
        let mut seen: Vec<&Requantisation> = Vec::new();
        let mut length = 1u64;
        for requantisation in stages.iter().filter_map(|stage| stage.requantisation.as_ref()) {
            if !shifts.contains(&requantisation.shift) {
                shifts.push(requantisation.shift);
                length = length.saturating_add(1 << requantisation.shift);
            }
            if !seen.contains(&requantisation) {
                seen.push(requantisation);
                length = length.saturating_add(requantisation.quotient.count());
            }
        }
        length
    }

    /// All tuples, in row order; rows after the last repeat the first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Row of `entry`, if it is in the table.
    #[must_use]
    pub fn position(&self, entry: &Entry) -> Option<usize> {
        self.positions.get(entry).copied()
    }

    /// Tag of remainders below `2^shift`.
    #[must_use]
    pub fn remainder_tag(&self, shift: u8) -> Option<u64> {
        self.remainder_tags.get(&shift).copied()
    }

    /// Tag of one requantisation's tuples.
    #[must_use]
    pub fn requantisation_tag(&self, requantisation: &Requantisation) -> Option<u64> {
        self.requantisation_tags.iter().find(|(known, _)| known == requantisation).map(|(_, tag)| *tag)
    }
}

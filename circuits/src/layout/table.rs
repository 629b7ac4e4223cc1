//! The lookup table: one list of `(tag, a, b)` tuples that the rows' cells are looked up in.
//!
//! Each relation has a tag of its own, from 1 up; a row without a lookup carries tag 0, which multiplies its share of
//! the argument away. Ranges admit `(r, 0)` with `0 <= r < 2^bits`; functions admit `(q - q_min, y - y_offset)` over the
//! whole static range of `q`, which fuses clamp and activation. The tag is a fixed column on the input side, so no row
//! can borrow another relation's tuples.
//!
//! Only the relations are stored. Tuples and their rows are computed, so that a key file or a registration that announces
//! a large circuit costs its reader nothing before the announcement is believed.

use crate::model::graph::Activation;
use crate::model::range::Range;

/// One tuple of the lookup table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which relation the tuple belongs to.
    pub tag: u64,
    /// First element.
    pub a: i64,
    /// Second element.
    pub b: i64,
}

/// A set of tuples `(a, b)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `(r, 0)` for `0 <= r < length`
    Range {
        /// Number of tuples.
        length: u64,
    },
    /// `(q - arguments.min, activation(clamp(q)) - offset)` for `q` in `arguments`
    Function {
        /// Static range of the quotients.
        arguments: Range,
        /// Interval they are clamped to.
        clamp: Range,
        /// What is applied then.
        activation: Activation,
        /// What results are offset by.
        offset: i64,
    },
    /// `(h - arguments.min, 1 if h = 0 else 0)` for `h` in `arguments`
    IsZero {
        /// Range of `h`.
        arguments: Range,
    },
    /// `(h - arguments.min, value if h > 0 else 0)` for `h` in `arguments`
    IfPositive {
        /// Range of `h`.
        arguments: Range,
        /// The second element for positive `h`.
        value: i64,
    },
}

impl Relation {
    /// Number of tuples.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Range { length } => *length,
            Self::Function { arguments, .. } | Self::IsZero { arguments } | Self::IfPositive { arguments, .. } => {
                arguments.count()
            }
        }
    }

    /// The second element of the tuple whose first is `a`, for `0 <= a < length`.
    #[must_use]
    pub fn second(&self, a: u64) -> i64 {
        match self {
            Self::Range { .. } => 0,
            Self::Function { arguments, clamp, activation, offset } => {
                let q = arguments.min.saturating_add_unsigned(a);
                activation.apply(q.clamp(clamp.min, clamp.max)) - offset
            }
            Self::IsZero { arguments } => i64::from(arguments.min.saturating_add_unsigned(a) == 0),
            Self::IfPositive { arguments, value } => {
                if arguments.min.saturating_add_unsigned(a) > 0 {
                    *value
                } else {
                    0
                }
            }
        }
    }
}

/// The relations of a circuit, in table order; relation `i` has tag `i + 1`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    relations: Vec<Relation>,
    /// Number of tuples before each relation.
    starts: Vec<u64>,
    length: u64,
}

impl Table {
    /// The tag of a relation, which is added if it is new.
    pub(super) fn tag(&mut self, relation: Relation) -> u64 {
        let index = self.relations.iter().position(|other| *other == relation).unwrap_or_else(|| {
            self.starts.push(self.length);
            self.length = self.length.saturating_add(relation.length());
            self.relations.push(relation);
            self.relations.len() - 1
        });
        index as u64 + 1
    }

    /// Number of tuples.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The relations, by tag from 1.
    #[must_use]
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// All tuples, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.relations.iter().zip(1u64..).flat_map(|(relation, tag)| {
            (0..relation.length()).map(move |a| Entry {
                tag,
                a: i64::try_from(a).unwrap_or(i64::MAX),
                b: relation.second(a),
            })
        })
    }

    /// The tuple at a position, if there is one.
    #[must_use]
    pub fn entry(&self, position: usize) -> Option<Entry> {
        let position = u64::try_from(position).ok().filter(|position| *position < self.length)?;
        let index = self.starts.partition_point(|start| *start <= position).checked_sub(1)?;
        let a = position - self.starts.get(index)?;
        let b = self.relations.get(index)?.second(a);
        Some(Entry { tag: index as u64 + 1, a: i64::try_from(a).ok()?, b })
    }

    /// Position of the tuple of `tag` that starts with `a`, if there is one.
    #[must_use]
    pub fn position(&self, tag: u64, a: i64) -> Option<usize> {
        let index = usize::try_from(tag).ok()?.checked_sub(1)?;
        let a = u64::try_from(a).ok().filter(|a| self.relations.get(index).is_some_and(|found| *a < found.length()))?;
        usize::try_from(self.starts.get(index)? + a).ok()
    }
}

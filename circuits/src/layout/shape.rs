//! The shape of a circuit: how many columns it has and what its gates say, without its rows.
//!
//! Laying a graph out looks at every element; a verifier needs the shape alone. So key files carry it ([`Stated`]), and whoever
//! reads one does not lay the graph out. Nothing rests on its being right: columns and gates are in the key's fingerprint, so
//! that another shape is another key. What is checked here is that a circuit can be built of it at all, in little time.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::model::graph::{Graph, Layout};

use super::fixed::{Role, all_roles, roles};
use super::plan::{Features, tables_max, used_weight_columns};
use super::tape::{Power, Tape};

/// Most powers of challenges that the gates of a shape multiply out, all classes together.
pub const POWERS_MAX: u64 = 1 << 22;
/// Most classes of each kind.
pub const CLASSES_MAX: usize = 1 << 10;

/// What the columns and gates of a circuit follow from.
///
/// Invariants: made from rows, or checked by [`Shape::read`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    layout: Layout,
    weight_columns: usize,
    tables: usize,
    chain_powers: Vec<Power>,
    slides: Vec<(usize, usize)>,
    turns: Vec<usize>,
    roles: Vec<Role>,
}

/// A shape as a key file states it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Stated {
    /// Number of weight columns.
    pub weight_columns: u32,
    /// Number of table columns.
    pub tables: u32,
    /// What each class of chains multiplies by: the exponent of the row challenge, or 0 for the position challenge.
    pub chain_powers: Vec<u32>,
    /// Exponents of the row challenge for each class of windows: step, and step times length.
    pub slides: Vec<[u32; 2]>,
    /// Exponent of the row challenge for each class of stretches of the shared relation.
    pub turns: Vec<u32>,
    /// Whether some row states it, for each role in the order of `circuits#columns`.
    pub roles: Vec<bool>,
}

/// Why a stated shape is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// A number of columns is out of bounds.
    #[error("{kind} columns: expected {least} to {most}, got {got}")]
    Columns {
        /// Which columns.
        kind: &'static str,
        /// Fewest.
        least: u64,
        /// Most.
        most: u64,
        /// Columns that are stated.
        got: u64,
    },
    /// There are too many classes of a kind.
    #[error("classes of {kind}: expected at most {CLASSES_MAX}, got {got}")]
    Classes {
        /// Which classes.
        kind: &'static str,
        /// Classes that are stated.
        got: usize,
    },
    /// An exponent is zero, or a window is shorter than its step.
    #[error("class {class} of {kind}: its exponents are not those of a circuit")]
    Exponent {
        /// Which classes.
        kind: &'static str,
        /// Number of the class.
        class: usize,
    },
    /// The exponents are too large.
    #[error("exponents of all classes together: expected at most {POWERS_MAX}, got {got}")]
    Powers {
        /// Their sum.
        got: u64,
    },
    /// Another number of roles than the classes have.
    #[error("roles: expected {expected}, got {got}")]
    RoleCount {
        /// Roles of the classes.
        expected: usize,
        /// Roles that are stated.
        got: usize,
    },
    /// No row states a class that there is, or a role without another that goes with it.
    #[error("{role:?}: it is stated without what belongs to it")]
    Role {
        /// The role.
        role: Role,
    },
}

impl Shape {
    /// The shape of a tape's circuit.
    pub(super) fn of(tape: &Tape, graph: &Graph, tables: usize) -> Self {
        Self {
            layout: graph.layout(),
            weight_columns: used_weight_columns(tape),
            tables,
            chain_powers: tape.chain_powers().to_vec(),
            slides: tape.slides().to_vec(),
            turns: tape.turns().to_vec(),
            roles: roles(tape),
        }
    }

    /// The circuit has 2^k rows.
    #[must_use]
    pub fn k(&self) -> u32 {
        self.layout.k
    }

    /// Number of lanes.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.layout.lanes as usize
    }

    /// Number of weight columns.
    #[must_use]
    pub fn weight_columns(&self) -> usize {
        self.weight_columns
    }

    /// Number of committed rows of all weight columns together: the points that a key consists of.
    #[must_use]
    pub fn committed_rows(&self) -> usize {
        self.weight_columns * self.layout.rows as usize
    }

    /// Number of table columns; 0 for a circuit without lookups.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.tables
    }

    /// What the chains' classes multiply by.
    #[must_use]
    pub fn chain_powers(&self) -> &[Power] {
        &self.chain_powers
    }

    /// Exponents of the row challenge for the sliding windows: step, and step times length.
    #[must_use]
    pub fn slides(&self) -> &[(usize, usize)] {
        &self.slides
    }

    /// Exponents of the row challenge that the shared relation's operands are multiplied by where a stretch begins.
    #[must_use]
    pub fn turns(&self) -> &[usize] {
        &self.turns
    }

    /// What some row states, in the order of the fixed columns.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Which columns and gates there are.
    #[must_use]
    pub fn features(&self) -> Features {
        Features::of(&self.roles)
    }

    /// The shape as a key file states it; `None` for one that [`Shape::read`] would refuse as too large.
    #[must_use]
    pub fn stated(&self, graph: &Graph) -> Option<Stated> {
        let narrow = |value: usize| u32::try_from(value).ok();
        let power = |power: &Power| match power {
            Power::Position => Some(0),
            Power::Row(exponent) => narrow(*exponent),
        };
        let all = all_roles(self.chain_powers.len(), self.slides.len(), self.turns.len());
        let stated = Stated {
            weight_columns: narrow(self.weight_columns)?,
            tables: narrow(self.tables)?,
            chain_powers: self.chain_powers.iter().map(power).collect::<Option<_>>()?,
            slides: self
                .slides
                .iter()
                .map(|(step, length)| Some([narrow(*step)?, narrow(*length)?]))
                .collect::<Option<_>>()?,
            turns: self.turns.iter().copied().map(narrow).collect::<Option<_>>()?,
            roles: all.map(|role| self.roles.contains(&role)).collect(),
        };
        (Self::read(&stated, graph).as_ref() == Ok(self)).then_some(stated)
    }

    /// Bytes that the shape takes in a key file, or that there is none.
    #[must_use]
    pub fn stated_bytes(&self, graph: &Graph) -> usize {
        // Writing to a vector cannot fail.
        borsh::to_vec(&self.stated(graph)).unwrap_or_default().len()
    }

    /// The shape that is stated for `graph`'s circuit.
    ///
    /// # Errors
    /// [`ShapeError`] for one that no circuit has, or that would take long to build.
    pub fn read(stated: &Stated, graph: &Graph) -> Result<Self, ShapeError> {
        let shape = Self {
            layout: graph.layout(),
            weight_columns: stated.weight_columns as usize,
            tables: stated.tables as usize,
            chain_powers: stated.chain_powers.iter().copied().map(power).collect(),
            slides: stated.slides.iter().map(|[step, length]| (*step as usize, *length as usize)).collect(),
            turns: stated.turns.iter().map(|outputs| *outputs as usize).collect(),
            roles: Vec::new(),
        };
        shape.check_classes()?;
        let all = all_roles(shape.chain_powers.len(), shape.slides.len(), shape.turns.len());
        let expected = all.clone().count();
        if stated.roles.len() != expected {
            return Err(ShapeError::RoleCount { expected, got: stated.roles.len() });
        }
        let roles = all.zip(&stated.roles).filter(|(_, stated)| **stated).map(|(role, _)| role).collect();
        let shape = Self { roles, ..shape };
        shape.check_roles()?;
        shape.check_columns(tables_max(graph))?;
        Ok(shape)
    }

    /// Weight columns and tables are there where there are weights and lookups, and not elsewhere.
    fn check_columns(&self, tables_max: u64) -> Result<(), ShapeError> {
        let features = self.features();
        let weights = if features.weights { 1..=u64::from(self.layout.lanes) } else { 1..=1 };
        let tables = if features.lookups(1) > 0 { 1..=tables_max } else { 0..=0 };
        for (kind, expected, got) in [("weight", weights, self.weight_columns), ("table", tables, self.tables)] {
            let got = got as u64;
            if !expected.contains(&got) {
                return Err(ShapeError::Columns { kind, least: *expected.start(), most: *expected.end(), got });
            }
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), ShapeError> {
        let counts =
            [("chains", self.chain_powers.len()), ("windows", self.slides.len()), ("stretches", self.turns.len())];
        if let Some((kind, got)) = counts.into_iter().find(|(_, count)| *count > CLASSES_MAX) {
            return Err(ShapeError::Classes { kind, got });
        }
        let lengths = self.slides.iter().position(|(step, length)| *step == 0 || length < step);
        let turns = self.turns.iter().position(|outputs| *outputs == 0);
        let unlike = [("windows", lengths), ("stretches", turns)];
        if let Some((kind, Some(class))) = unlike.into_iter().find(|(_, class)| class.is_some()) {
            return Err(ShapeError::Exponent { kind, class });
        }
        let chains = self.chain_powers.iter().map(|power| match power {
            Power::Position => self.lanes(),
            Power::Row(exponent) => exponent.saturating_mul(self.lanes()),
        });
        let windows = self.slides.iter().map(|(step, length)| step.saturating_add(*length));
        let all = chains.chain(windows).chain(self.turns.iter().copied());
        let got = all.fold(0u64, |sum, exponent| sum.saturating_add(exponent as u64));
        if got > POWERS_MAX { Err(ShapeError::Powers { got }) } else { Ok(()) }
    }

    /// Every class is stated by some row, and every gate says something.
    fn check_roles(&self) -> Result<(), ShapeError> {
        let has = |role: Role| self.roles.contains(&role);
        let any = |roles: &[Role]| roles.iter().any(|role| has(*role));
        let summed = [Role::Product, Role::A, Role::B, Role::C, Role::Constant, Role::NextA, Role::NextC];
        let chains = (0..self.chain_powers.len()).map(|class| {
            let roles = [Role::Take(class), Role::Result(class), Role::Square(class)];
            (Role::Take(class), any(&roles))
        });
        let slides = (0..self.slides.len()).map(|class| (Role::Slide(class), has(Role::Slide(class))));
        let turns = (0..self.turns.len()).map(|class| (Role::Turn(class), has(Role::Turn(class))));
        let gates = [
            (Role::Zero, !has(Role::Zero) || any(&summed)),
            (Role::Look, has(Role::Look) == has(Role::Entry)),
            (Role::Bound, has(Role::Bound) || !(any(&[Role::SharedOutput, Role::Look]) || self.features().chains)),
        ];
        let mut all = gates.into_iter().chain(chains).chain(slides).chain(turns);
        match all.find(|(_, holds)| !holds) {
            Some((role, _)) => Err(ShapeError::Role { role }),
            None => Ok(()),
        }
    }
}

fn power(stated: u32) -> Power {
    if stated == 0 { Power::Position } else { Power::Row(stated as usize) }
}

#[cfg(test)]
mod tests;

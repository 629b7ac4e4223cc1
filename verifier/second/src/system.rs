//! The columns of a shape's circuit, numbered, and which of their cells the gates read.

use circuits::layout::Shape;
use circuits::layout::fixed::Role;

use crate::expression::{AdviceQuery, Expression};
use crate::gates;

/// Lookups that share one running sum.
const LOOKUPS_EACH: usize = 3;
/// Data columns of a lane: a, b and c.
const LANE_COLUMNS: usize = 3;

/// A column that cells are copied from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    Instance,
    Advice(usize),
}

/// Columns of the linear relation.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) weights: Vec<usize>,
    pub(crate) sum: usize,
    pub(crate) chain: Option<usize>,
    /// Challenge r.
    pub(crate) r: usize,
    pub(crate) shared: Option<Shared>,
}

/// Columns of the relation that positions share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// Challenge rho.
    pub(crate) rho: usize,
    pub(crate) guest: usize,
    pub(crate) outputs: usize,
    pub(crate) operands: usize,
}

/// Columns of the lookup argument.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) beta: usize,
    pub(crate) gamma: usize,
    pub(crate) sums: Vec<usize>,
    pub(crate) multiplicities: Vec<usize>,
    /// Tag, first and second element of each table column.
    pub(crate) tables: Vec<[usize; 3]>,
    /// Multiplicity and running sum of the lookups among a weight column's entries.
    pub(crate) entries: Option<[usize; 2]>,
}

/// A circuit as a verifier sees it.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) lanes: usize,
    pub(crate) linear: Option<Linear>,
    pub(crate) lookup: Option<Lookup>,
    /// Marks the rows above the last usable one, the first row, and the last usable one.
    pub(crate) marks: [usize; 3],
    pub(crate) roles: Vec<(Role, usize)>,
    /// Phase of every advice column.
    pub(crate) phases: Vec<u8>,
    pub(crate) challenges: usize,
    pub(crate) fixed_columns: usize,
    pub(crate) copied: Vec<Copied>,
    /// Column and rotation of every query, in the order in which they are first made.
    pub(crate) advice_queries: Vec<(usize, usize)>,
    pub(crate) fixed_queries: Vec<usize>,
    pub(crate) gates: Vec<Expression>,
}

/// Takes the next numbers.
fn next(counter: &mut usize) -> usize {
    *counter += 1;
    *counter - 1
}

impl System {
    // spec: circuits#columns
    pub(crate) fn new(shape: &Shape) -> Self {
        let (lanes, features) = (shape.lanes(), shape.features());
        let mut phases = vec![0; lanes * LANE_COLUMNS];
        let mut advice = |phase: u8, count: usize| -> Vec<usize> {
            let first = phases.len();
            phases.resize(first + count, phase);
            (first..first + count).collect()
        };
        let (mut challenges, mut fixed) = (0, 0);
        let multiplicities = advice(0, shape.tables());
        let uses = features.entries.then(|| advice(0, 1).first().copied().unwrap_or_default());
        let mut one = |count: usize| advice(1, count).first().copied().unwrap_or_default();
        let linear = features.weights.then(|| {
            let r = next(&mut challenges);
            let rho = features.shared.then(|| next(&mut challenges));
            let first = one(shape.weight_columns());
            Linear {
                r,
                weights: (first..first + shape.weight_columns()).collect(),
                sum: one(1),
                chain: features.chains.then(|| one(1)),
                shared: rho.map(|rho| Shared { rho, guest: one(1), outputs: one(1), operands: one(1) }),
            }
        });
        let lookups = features.lookups(lanes);
        let lookup = (lookups > 0 || features.entries).then(|| Lookup {
            beta: next(&mut challenges),
            gamma: next(&mut challenges),
            sums: advice(1, (lookups + shape.tables()).div_ceil(LOOKUPS_EACH)),
            multiplicities,
            entries: uses.map(|uses| [uses, advice(1, 1).first().copied().unwrap_or_default()]),
            tables: (0..shape.tables()).map(|_| [(); 3].map(|()| next(&mut fixed))).collect(),
        });
        let marks = [(); 3].map(|()| next(&mut fixed));
        let roles = shape.roles().iter().map(|role| (*role, next(&mut fixed))).collect();
        let data: Vec<usize> = (0..lanes).flat_map(|lane| [lane * LANE_COLUMNS, lane * LANE_COLUMNS + 1]).collect();
        let shared = linear.iter().filter_map(|linear| Some([linear.chain?, linear.shared.as_ref()?.guest]));
        let copies: Vec<usize> = data.into_iter().chain(shared.flatten()).collect();
        let copied = std::iter::once(Copied::Instance).chain(copies.iter().copied().map(Copied::Advice));
        let mut system = Self {
            lanes,
            linear,
            lookup,
            marks,
            roles,
            phases,
            challenges,
            fixed_columns: fixed,
            copied: copied.collect(),
            advice_queries: copies.into_iter().map(|column| (column, 0)).collect(),
            fixed_queries: Vec::new(),
            gates: Vec::new(),
        };
        system.gates = gates::all(&mut system, shape);
        system
    }

    /// Reads an advice column on this row (0) or the one below (1).
    pub(crate) fn advice(&mut self, column: usize, rotation: usize) -> Expression {
        let number = number(&mut self.advice_queries, (column, rotation));
        let phase = self.phases.get(column).copied().unwrap_or_default();
        Expression::Advice(AdviceQuery { number, column, rotation, phase })
    }

    /// Reads a fixed column on this row.
    pub(crate) fn fixed(&mut self, column: usize) -> Expression {
        Expression::Fixed(number(&mut self.fixed_queries, column), column)
    }

    /// Reads the coefficients of one kind, if some row has them.
    pub(crate) fn role(&mut self, role: Role) -> Option<Expression> {
        let column = self.roles.iter().find(|(own, _)| *own == role)?.1;
        Some(self.fixed(column))
    }

    /// Reads column a, b or c of a lane.
    pub(crate) fn data(&mut self, lane: usize, slot: usize, rotation: usize) -> Expression {
        self.advice(lane * LANE_COLUMNS + slot, rotation)
    }

    /// Value of an advice column on this row.
    pub(crate) fn place(&self, column: usize, rotation: usize) -> Option<usize> {
        self.advice_queries.iter().position(|query| *query == (column, rotation))
    }
}

/// Number of a query: its place in the list, at whose end it is put if it is new.
fn number<T: PartialEq>(queries: &mut Vec<T>, query: T) -> usize {
    let known = queries.iter().position(|other| *other == query);
    known.unwrap_or_else(|| {
        queries.push(query);
        queries.len() - 1
    })
}

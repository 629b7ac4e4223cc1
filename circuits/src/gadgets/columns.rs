//! The columns of the circuit, typed by the phase that may write them.
//!
//! halo2 silently drops a first-phase cell that is written after its column is committed, and its mock prover does not
//! notice one that was computed from a challenge. So data cells live in [`DataColumn`]s, which take integers only, and
//! everything that depends on a challenge lives in [`ChallengeColumn`]s; neither type can hold the other's values.

use halo2_proofs::circuit::{Region, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{
    Advice, Any, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance, SecondPhase,
    VirtualCells,
};
use halo2_proofs::poly::Rotation;

use crate::committed::unsigned;
use crate::layout::Shape;
use crate::layout::fixed::Role;
use crate::layout::plan::LOOKUPS_PER_SUM;
use crate::layout::tape::{SLOTS, Slot};

/// A first-phase advice column: integers, committed before any challenge.
#[derive(Clone, Copy, Debug)]
pub struct DataColumn(Column<Advice>);

impl DataColumn {
    pub(crate) fn new(meta: &mut ConstraintSystem<Fr>) -> Self {
        Self(meta.advice_column_in(FirstPhase))
    }

    pub(crate) fn query(&self, cells: &mut VirtualCells<'_, Fr>, rotation: i32) -> Expression<Fr> {
        cells.query_advice(self.0, Rotation(rotation))
    }

    pub(crate) fn assign(&self, region: &mut Region<'_, Fr>, row: usize, value: i64) {
        region.assign_advice(self.0, row, Value::known(signed(value)));
    }

    /// Index among the advice columns.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index()
    }

    pub(crate) fn any(&self) -> Column<Any> {
        self.0.into()
    }
}

/// A second-phase advice column: values that depend on the challenges.
#[derive(Clone, Copy, Debug)]
pub struct ChallengeColumn(Column<Advice>);

impl ChallengeColumn {
    pub(crate) fn new(meta: &mut ConstraintSystem<Fr>) -> Self {
        Self(meta.advice_column_in(SecondPhase))
    }

    pub(crate) fn query(&self, cells: &mut VirtualCells<'_, Fr>, rotation: i32) -> Expression<Fr> {
        cells.query_advice(self.0, Rotation(rotation))
    }

    pub(crate) fn assign(&self, region: &mut Region<'_, Fr>, row: usize, value: Fr) {
        region.assign_advice(self.0, row, Value::known(value));
    }

    /// Index among the advice columns.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index()
    }

    pub(crate) fn any(&self) -> Column<Any> {
        self.0.into()
    }
}

/// Columns and challenge of the linear relation; only circuits with committed weights have them.
#[derive(Clone, Debug)]
pub struct LinearColumns {
    /// V: random combinations of the committed weight rows, and nothing else; one beside each of the first lanes.
    pub weights: Vec<ChallengeColumn>,
    /// T: the running sum of accumulators less products.
    pub sum: ChallengeColumn,
    /// H: the running combination of operands, where some operand has one.
    pub chain: Option<ChallengeColumn>,
    /// r: combines outputs, and through its powers positions.
    pub row: Challenge,
    /// The relation that positions side by side share, where there is one.
    pub shared: Option<SharedColumns>,
}

/// Columns and challenge of the relation that positions side by side share.
#[derive(Clone, Debug)]
pub struct SharedColumns {
    /// G: copies of H.
    pub guest: ChallengeColumn,
    /// S: accumulators from here down.
    pub outputs: ChallengeColumn,
    /// U: what the accumulators consist of, from here down.
    pub operands: ChallengeColumn,
    /// rho: combines positions.
    pub position: Challenge,
}

/// Columns and challenges of the lookup argument; only circuits with tables have them.
#[derive(Clone, Debug)]
pub struct LookupColumns {
    /// How often each table row is used, by table column.
    pub multiplicities: Vec<DataColumn>,
    /// Tag, first and second element, by table column.
    pub tables: Vec<[Column<Fixed>; 3]>,
    /// phi: running sums, each over up to three lookups.
    pub sums: Vec<ChallengeColumn>,
    /// beta: shifts the denominators.
    pub beta: Challenge,
    /// gamma: combines the elements of a tuple.
    pub gamma: Challenge,
    /// The entries of a weight column, where something is looked up among them.
    pub entries: Option<EntryColumns>,
}

/// Columns of the lookups among a weight column's entries.
#[derive(Clone, Debug)]
pub struct EntryColumns {
    /// How often each entry is used.
    pub multiplicity: DataColumn,
    /// The running sum.
    pub sum: ChallengeColumn,
}

/// Fixed columns besides the table's. Their contents follow from the plan.
#[derive(Clone, Debug)]
pub struct FixedColumns {
    /// 1 on every row but the last usable one: where the sums step.
    pub active: Column<Fixed>,
    /// 1 on row 0.
    pub first: Column<Fixed>,
    /// 1 on the last usable row.
    pub last: Column<Fixed>,
    /// One column for each thing that some row states.
    pub roles: Vec<(Role, Column<Fixed>)>,
}

/// All columns and challenges of a circuit.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The statement: context, input, output.
    pub instance: Column<Instance>,
    /// Columns a, b and c of each lane.
    pub lanes: Vec<[DataColumn; SLOTS]>,
    /// The linear relation's.
    pub linear: Option<LinearColumns>,
    /// The lookup argument's.
    pub lookup: Option<LookupColumns>,
    /// Fixed columns.
    pub fixed: FixedColumns,
}

impl Columns {
    /// Allocates a circuit's columns. V's are the first second-phase columns.
    // spec: circuits#columns
    pub(crate) fn new(meta: &mut ConstraintSystem<Fr>, shape: &Shape) -> Self {
        let features = shape.features();
        let instance = meta.instance_column();
        meta.enable_equality(instance);
        let lanes: Vec<[DataColumn; SLOTS]> =
            (0..shape.lanes()).map(|_| std::array::from_fn(|_| DataColumn::new(meta))).collect();
        for [a, b, _] in &lanes {
            meta.enable_equality(a.0);
            meta.enable_equality(b.0);
        }
        let multiplicities: Vec<DataColumn> = (0..shape.tables()).map(|_| DataColumn::new(meta)).collect();
        let multiplicity = features.entries.then(|| DataColumn::new(meta));
        let linear = features.weights.then(|| {
            let row = meta.challenge_usable_after(FirstPhase);
            let position = features.shared.then(|| meta.challenge_usable_after(FirstPhase));
            let weights = (0..shape.weight_columns()).map(|_| ChallengeColumn::new(meta)).collect();
            let sum = ChallengeColumn::new(meta);
            let chain = features.chains.then(|| ChallengeColumn::new(meta));
            let shared = position.map(|position| SharedColumns {
                guest: ChallengeColumn::new(meta),
                outputs: ChallengeColumn::new(meta),
                operands: ChallengeColumn::new(meta),
                position,
            });
            if let (Some(chain), Some(shared)) = (&chain, &shared) {
                meta.enable_equality(chain.0);
                meta.enable_equality(shared.guest.0);
            }
            LinearColumns { weights, sum, chain, row, shared }
        });
        let lookups = features.lookups(shape.lanes());
        let lookup = (lookups > 0 || features.entries).then(|| LookupColumns {
            beta: meta.challenge_usable_after(FirstPhase),
            gamma: meta.challenge_usable_after(FirstPhase),
            sums: (0..(lookups + shape.tables()).div_ceil(LOOKUPS_PER_SUM))
                .map(|_| ChallengeColumn::new(meta))
                .collect(),
            entries: multiplicity.map(|multiplicity| EntryColumns { multiplicity, sum: ChallengeColumn::new(meta) }),
            tables: (0..shape.tables()).map(|_| std::array::from_fn(|_| meta.fixed_column())).collect(),
            multiplicities,
        });
        let fixed = FixedColumns {
            active: meta.fixed_column(),
            first: meta.fixed_column(),
            last: meta.fixed_column(),
            roles: shape.roles().iter().map(|role| (*role, meta.fixed_column())).collect(),
        };
        Self { instance, lanes, linear, lookup, fixed }
    }

    /// What the current row states in `role`; `None` where no row states anything.
    pub(crate) fn role(&self, cells: &mut VirtualCells<'_, Fr>, role: Role) -> Option<Expression<Fr>> {
        let column = self.fixed.roles.iter().find(|(other, _)| *other == role)?.1;
        Some(fixed(cells, column))
    }

    /// `L` of one lane: see [`crate::layout::tape::Row`]; `None` if no row states one.
    pub(crate) fn form(&self, cells: &mut VirtualCells<'_, Fr>, lane: usize) -> Option<Expression<Fr>> {
        let [a, b, c] = *self.lanes.get(lane)?;
        let product = self.role(cells, Role::Product).map(|role| role * a.query(cells, 0) * b.query(cells, 0));
        let linear = [(Role::A, a), (Role::B, b), (Role::C, c)]
            .map(|(role, column)| self.role(cells, role).map(|role| role * column.query(cells, 0)));
        let constant = self.role(cells, Role::Constant);
        product.into_iter().chain(linear.into_iter().flatten()).chain(constant).reduce(|sum, term| sum + term)
    }

    /// `b + rest` of one lane: a result, as chains read it.
    pub(crate) fn result(&self, cells: &mut VirtualCells<'_, Fr>, lane: usize) -> Option<Expression<Fr>> {
        let [_, column, _] = *self.lanes.get(lane)?;
        let rest = self.role(cells, Role::Rest);
        let cell = column.query(cells, 0);
        Some(match rest {
            Some(rest) => cell + rest,
            None => cell,
        })
    }

    /// `a x + constant` of one lane, x being column a or b: an operand of a linear operator.
    pub(crate) fn operand(&self, cells: &mut VirtualCells<'_, Fr>, lane: usize, slot: Slot) -> Option<Expression<Fr>> {
        let column = *self.lanes.get(lane)?.get(slot as usize)?;
        let multiple = self.role(cells, Role::A).map(|role| role * column.query(cells, 0));
        multiple.into_iter().chain(self.role(cells, Role::Constant)).reduce(|sum, term| sum + term)
    }
}

/// Reads a fixed column on the current row.
pub(crate) fn fixed(cells: &mut VirtualCells<'_, Fr>, column: Column<Fixed>) -> Expression<Fr> {
    cells.query_fixed(column, Rotation::cur())
}

/// `base^exponent` by squaring, so that evaluating the expression costs a logarithm of the exponent.
pub(crate) fn power(base: &Expression<Fr>, exponent: usize) -> Expression<Fr> {
    match exponent {
        0 => Expression::Constant(Fr::one()),
        1 => base.clone(),
        _ => {
            let half = power(base, exponent / 2);
            let square = half.clone() * half;
            if exponent % 2 == 1 { square * base.clone() } else { square }
        }
    }
}

/// `value` as a field element.
#[must_use]
pub fn signed(value: i64) -> Fr {
    wide(i128::from(value))
}

/// `value` as a field element.
#[must_use]
pub fn wide(value: i128) -> Fr {
    let magnitude = unsigned(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

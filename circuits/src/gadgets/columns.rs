//! The columns of the circuit, typed by the phase that may write them.
//!
//! halo2 silently drops a first-phase cell that is written after its column is committed, and its mock prover does not
//! notice one that was computed from a challenge. So data cells live in [`DataColumn`]s, which take integers only, and
//! everything that depends on a challenge lives in [`ChallengeColumn`]s; neither type can hold the other's values.

use halo2_proofs::circuit::{Region, Value};
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::plonk::{
    Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance, SecondPhase, VirtualCells,
};
use halo2_proofs::poly::Rotation;

/// A first-phase advice column: small non-negative integers, committed before any challenge.
#[derive(Clone, Copy, Debug)]
pub struct DataColumn(Column<Advice>);

impl DataColumn {
    pub(crate) fn new(meta: &mut ConstraintSystem<Fr>) -> Self {
        Self(meta.advice_column_in(FirstPhase))
    }

    pub(crate) fn query(&self, cells: &mut VirtualCells<'_, Fr>, rotation: i32) -> Expression<Fr> {
        cells.query_advice(self.0, Rotation(rotation))
    }

    pub(crate) fn assign(&self, region: &mut Region<'_, Fr>, row: usize, value: u64) {
        region.assign_advice(self.0, row, Value::known(Fr::from(value)));
    }

    /// Index among the advice columns.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index()
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
}

/// The challenges, all squeezed after the first phase and independent of each other.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Combines committed rows: output `i` of a stage has its own power of it.
    pub row: Challenge,
    /// Separates stages.
    pub sigma: Challenge,
    /// Shifts the lookup's denominators.
    pub beta: Challenge,
    /// Combines the elements of a lookup tuple.
    pub gamma: Challenge,
}

/// Fixed columns. Their contents follow from the plan.
#[derive(Clone, Copy, Debug)]
pub struct FixedColumns {
    /// 1 on every row but the last usable one: where the chains step.
    pub active: Column<Fixed>,
    /// 1 on row 0.
    pub first: Column<Fixed>,
    /// 1 on the last usable row.
    pub last: Column<Fixed>,
    /// Relation that the row's tuple belongs to; 0 on rows without data.
    pub tag: Column<Fixed>,
    /// Table: tags.
    pub table_tag: Column<Fixed>,
    /// Table: quotients and remainders.
    pub table_a: Column<Fixed>,
    /// Table: activations.
    pub table_y: Column<Fixed>,
    /// 1 on input rows.
    pub input: Column<Fixed>,
    /// 1 on rows whose activation the next stage reads.
    pub hidden: Column<Fixed>,
    /// 1 on output rows.
    pub output: Column<Fixed>,
    /// The constant that dot products read beside cells: 1 on bias rows, the activation offset on hidden rows.
    pub constant: Column<Fixed>,
    /// 2^shift on requantised rows.
    pub scale: Column<Fixed>,
    /// What the accumulator is offset by on requantised rows: `q_min 2^shift - 2^(shift-1)`.
    pub offset: Column<Fixed>,
    /// 1 where the chains fold.
    pub fold: Column<Fixed>,
    /// 1 on the rows that the last stage's dot product reads.
    pub last_stage: Column<Fixed>,
}

impl FixedColumns {
    fn new(meta: &mut ConstraintSystem<Fr>) -> Self {
        Self {
            active: meta.fixed_column(),
            first: meta.fixed_column(),
            last: meta.fixed_column(),
            tag: meta.fixed_column(),
            table_tag: meta.fixed_column(),
            table_a: meta.fixed_column(),
            table_y: meta.fixed_column(),
            input: meta.fixed_column(),
            hidden: meta.fixed_column(),
            output: meta.fixed_column(),
            constant: meta.fixed_column(),
            scale: meta.fixed_column(),
            offset: meta.fixed_column(),
            fold: meta.fixed_column(),
            last_stage: meta.fixed_column(),
        }
    }
}

/// All columns and challenges of the circuit.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// The statement: context, input, output.
    pub instance: Column<Instance>,
    /// Quotients and remainders.
    pub a: DataColumn,
    /// Activations.
    pub y: DataColumn,
    /// How often each table row is used.
    pub multiplicity: DataColumn,
    /// V: the random combination of the committed weight rows, and nothing else.
    pub weights: ChallengeColumn,
    /// E: the running sum of dot products and folded Horner sums.
    pub chain: ChallengeColumn,
    /// H: Horner's rule over one stage's accumulators.
    pub horner: ChallengeColumn,
    /// phi: the running sum of the lookup.
    pub sum: ChallengeColumn,
    /// Fixed columns.
    pub fixed: FixedColumns,
    /// Challenges.
    pub challenges: Challenges,
}

impl Columns {
    /// Allocates the columns. V is the first second-phase column; the prover's blinding relies on it, and checks it.
    pub(crate) fn new(meta: &mut ConstraintSystem<Fr>) -> Self {
        let instance = meta.instance_column();
        let a = DataColumn::new(meta);
        let y = DataColumn::new(meta);
        let multiplicity = DataColumn::new(meta);
        let challenges = Challenges {
            row: meta.challenge_usable_after(FirstPhase),
            sigma: meta.challenge_usable_after(FirstPhase),
            beta: meta.challenge_usable_after(FirstPhase),
            gamma: meta.challenge_usable_after(FirstPhase),
        };
        let weights = ChallengeColumn::new(meta);
        let chain = ChallengeColumn::new(meta);
        let horner = ChallengeColumn::new(meta);
        let sum = ChallengeColumn::new(meta);
        let fixed = FixedColumns::new(meta);
        Self { instance, a, y, multiplicity, weights, chain, horner, sum, fixed, challenges }
    }
}

/// Reads a fixed column on the current row.
pub(crate) fn fixed(cells: &mut VirtualCells<'_, Fr>, column: Column<Fixed>) -> Expression<Fr> {
    cells.query_fixed(column, Rotation::cur())
}

/// `value` as a field element.
#[must_use]
pub fn signed(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

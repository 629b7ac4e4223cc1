//! Each operator's rows, honest and with every cell of them changed.

use std::collections::BTreeMap;

use super::case::{ARITHMETIC, COPY, Case, LOOKUP, STRETCH, names};
use crate::layout::tape::Place;
use crate::model::formula::{Formula, Real, Step};
use crate::model::graph::{Activation, Geometry, Operator};
use crate::model::range::Range;
use crate::model::weights::LinearWeights;

fn range(min: i64, max: i64) -> Range {
    Range { min, max }
}

fn requantise(shift: u8, clamp: Range, activation: Activation) -> Operator {
    Operator::Requantise { shift, clamp, activation }
}

fn relu(shift: u8) -> Operator {
    requantise(shift, range(-30, 30), Activation::Relu)
}

fn tanh() -> Activation {
    Activation::Formula(Formula {
        steps: vec![Step::Variable, Step::Constant(Real::new(0.5).unwrap()), Step::Multiply, Step::HyperbolicTangent],
        input_exponent: 3,
        output_exponent: 6,
        results: range(-64, 64),
    })
}

fn weights(outputs: u32, inputs: u32) -> LinearWeights {
    let matrix = (0..outputs * inputs).map(|place| (place as i32 * 7 + 3) % 11 - 5).collect();
    let bias = (0..outputs).map(|output| i64::from(output) * 5 - 7).collect();
    LinearWeights::new(outputs, inputs, matrix, bias).unwrap()
}

fn convolution(geometry: Geometry) -> Operator {
    Operator::Convolution { geometry, accumulator: range(-20_000, 20_000) }
}

const PLAIN: Geometry =
    Geometry { outputs: 3, groups: 1, kernel: [2, 3], stride: [1, 1], dilation: [1, 1], before: [0, 0], after: [0, 0] };

fn ramp(count: usize) -> Vec<i64> {
    (0..count as i64).map(|value| (value * 29) % 79 - 39).collect()
}

/// Every operator, small, with its name.
pub(super) fn cases(lanes: u32) -> Vec<(&'static str, Case)> {
    let none = BTreeMap::new;
    let of = |shape: &[u32], nodes, weights| {
        let count = shape.iter().product::<u32>() as usize;
        Case::of(shape, &ramp(count), nodes, weights, lanes)
    };
    let dense = |inputs, outputs| Operator::Dense { inputs, outputs, accumulator: range(-9000, 9000) };
    let halves = |offset| Operator::Strided { offset, shape: vec![5], strides: vec![1] };
    let pair = |operator| vec![(halves(0), vec![0]), (halves(5), vec![0]), (operator, vec![1, 2])];
    let wide = |operator, factor| {
        let scaled = |multiplier| Operator::Combine { multipliers: vec![multiplier], constant: 4095 };
        vec![
            (halves(0), vec![0]),
            (halves(5), vec![0]),
            (scaled(factor), vec![1]),
            (scaled(-9_000), vec![2]),
            (operator, vec![3, 4]),
        ]
    };
    let strided = Geometry { stride: [2, 2], dilation: [1, 2], before: [1, 0], after: [0, 2], ..PLAIN };
    let grouped = Geometry { outputs: 4, groups: 2, kernel: [1, 1], ..PLAIN };
    let conv = |geometry: Geometry, channels: u32| {
        let columns = geometry.columns(channels).unwrap();
        let nodes = vec![(convolution(geometry), vec![0]), (relu(4), vec![1])];
        of(&[channels, 4, 5], nodes, BTreeMap::from([(0, weights(geometry.outputs, columns))]))
    };
    let matrices = vec![
        (Operator::Strided { offset: 0, shape: vec![2, 2, 3], strides: vec![6, 3, 1] }, vec![0]),
        (Operator::Strided { offset: 0, shape: vec![2, 3, 2], strides: vec![6, 1, 3] }, vec![0]),
        (Operator::MatrixMultiply, vec![1, 2]),
        (requantise(5, range(-200, 200), Activation::Identity), vec![3]),
    ];
    let scaled = Operator::Combine { multipliers: vec![1000], constant: 77 };
    vec![
        ("dense", of(&[4], vec![(dense(4, 5), vec![0]), (relu(3), vec![1])], BTreeMap::from([(0, weights(5, 4))]))),
        ("dense, raw", of(&[4], vec![(dense(4, 3), vec![0])], BTreeMap::from([(0, weights(3, 4))]))),
        (
            "dense over items",
            of(&[7, 3], vec![(dense(3, 2), vec![0]), (relu(2), vec![1])], BTreeMap::from([(0, weights(2, 3))])),
        ),
        ("dense over items, raw", of(&[7, 3], vec![(dense(3, 2), vec![0])], BTreeMap::from([(0, weights(2, 3))]))),
        ("convolution", conv(PLAIN, 2)),
        ("convolution with steps", conv(strided, 2)),
        ("convolution in groups", conv(grouped, 2)),
        ("requantise", of(&[6], vec![(requantise(2, range(-5, 6), tanh()), vec![0])], none())),
        ("requantise, unshifted", of(&[6], vec![(requantise(0, range(-20, 40), tanh()), vec![0])], none())),
        (
            "requantise, wide and clamped",
            of(&[6], vec![(scaled.clone(), vec![0]), (requantise(1, range(-100, 90), tanh()), vec![1])], none()),
        ),
        (
            "requantise, wide",
            of(
                &[6],
                vec![
                    (scaled, vec![0]),
                    (requantise(1, range(-100_000, 100_000), Activation::Identity), vec![1]),
                    (Operator::Combine { multipliers: vec![3], constant: 1 }, vec![2]),
                ],
                none(),
            ),
        ),
        (
            "combine",
            of(
                &[10],
                vec![
                    (halves(0), vec![0]),
                    (halves(5), vec![0]),
                    (Operator::Combine { multipliers: vec![3, -2, 5], constant: -9 }, vec![1, 2, 1]),
                    (relu(3), vec![3]),
                ],
                none(),
            ),
        ),
        ("multiply", of(&[10], pair(Operator::Multiply), none())),
        ("maximum", of(&[10], pair(Operator::Maximum), none())),
        ("minimum", of(&[10], pair(Operator::Minimum), none())),
        ("maximum, wide", of(&[10], wide(Operator::Maximum, 70_001), none())),
        ("maximum, wider", of(&[10], wide(Operator::Maximum, 1_234_567), none())),
        ("minimum, wide", of(&[10], wide(Operator::Minimum, 70_001), none())),
        ("sum", of(&[3, 5], vec![(Operator::Sum, vec![0]), (relu(3), vec![1])], none())),
        ("matrix multiply", of(&[12], matrices, none())),
        (
            "moves",
            of(
                &[2, 3],
                vec![
                    (Operator::Constant { shape: vec![1, 3], values: vec![-4, 0, 9] }, vec![]),
                    (Operator::Concatenate { axis: 0 }, vec![0, 1]),
                    (Operator::Pad { low: vec![0, 1], high: vec![0, -1], interior: vec![1, 0], value: -8 }, vec![2]),
                    (Operator::Select { shape: vec![4], indices: vec![14, 0, 7, 7] }, vec![3]),
                    (Operator::Reshape { shape: vec![2, 2] }, vec![4]),
                    (Operator::Combine { multipliers: vec![2], constant: 0 }, vec![5]),
                    (Operator::Concatenate { axis: 0 }, vec![6, 5]),
                ],
                none(),
            ),
        ),
    ]
}

#[test]
fn honest_assignments_satisfy_every_constraint() {
    for lanes in [1, 2, 3, 5] {
        for (name, case) in cases(lanes) {
            assert_eq!(case.failures(), [], "{name}, {lanes} lanes");
        }
    }
}

/// Differences on both sides of zero and of a limb's end.
#[test]
fn wide_differences_are_compared_at_their_edges() {
    let differences = vec![0, 1, -1, 4095, -4095, 4096, -4096, 4097, -4097];
    for (operator, larger) in [(Operator::Maximum, true), (Operator::Minimum, false)] {
        let nodes = vec![
            (Operator::Combine { multipliers: vec![100_003], constant: 0 }, vec![0]),
            (Operator::Constant { shape: vec![9], values: differences.clone() }, vec![]),
            (Operator::Combine { multipliers: vec![1, 1], constant: 0 }, vec![1, 2]),
            (operator, vec![1, 3]),
        ];
        let case = Case::of(&[9], &ramp(9), nodes, BTreeMap::new(), 2);
        let expected = ramp(9).into_iter().zip(&differences).map(|(value, difference)| {
            let (a, b) = (value * 100_003, value * 100_003 + difference);
            if larger { a.max(b) } else { a.min(b) }
        });
        let instance: Vec<_> = expected.map(crate::gadgets::columns::signed).collect();
        assert_eq!(case.instance[11..], instance);
        assert_eq!(case.failures(), []);
    }
}

/// Outputs in blocks are equations of their own.
#[test]
fn outputs_in_blocks_satisfy_every_constraint() {
    for (name, case) in cases(2).into_iter().filter(|(_, case)| !case.plan.blocks().is_empty()) {
        for rows in [1, 2] {
            let split = case.in_blocks(rows);
            assert!(rows > 1 || split.plan.blocks().len() > 1, "{name}");
            assert_eq!(split.failures(), [], "{name}, {rows} rows");
        }
    }
}

/// Any one data cell changed is caught by a relation that reads it.
#[test]
fn every_changed_cell_is_caught() {
    for (name, case) in cases(2) {
        let known = names(&[ARITHMETIC, COPY, LOOKUP, STRETCH]);
        for (row, lane, slot) in
            case.positions().filter(|(row, lane, slot)| case.reads(*row, *lane, *slot) == Some(true))
        {
            let mut changed = case.clone();
            *changed.cell_mut(row, lane, slot) += 1;
            let failing = changed.failing_names();
            let stated = case.plan.tape().rows()[row];
            assert!(!failing.is_empty(), "{name}: row {row} {stated:?}, lane {lane}, {slot:?}");
            assert!(failing.is_subset(&known), "{name}: {failing:?}");
        }
    }
}

/// What nothing reads may be anything: all such cells of a circuit at once.
#[test]
fn cells_that_nothing_reads_change_nothing() {
    for (name, case) in cases(3) {
        let mut changed = case.clone();
        for (row, lane, slot) in
            case.positions().filter(|(row, lane, slot)| case.reads(*row, *lane, *slot) == Some(false))
        {
            *changed.cell_mut(row, lane, slot) = 1_000_003;
        }
        assert_eq!(changed.failures(), [], "{name}");
    }
}

#[test]
fn every_changed_instance_value_is_caught() {
    for (name, case) in cases(3) {
        for position in 2..case.instance.len() {
            let mut changed = case.clone();
            changed.instance[position] += halo2_proofs::halo2curves::bn256::Fr::one();
            let failing = changed.failing_names();
            // An input element that nothing reads may be anything: the verifier absorbs it, no gate does.
            let read =
                case.plan.copies().unwrap().iter().any(|(from, to)| [from, to].contains(&&Place::Instance(position)));
            assert_eq!(!failing.is_empty(), read, "{name}: instance {position}");
            assert!(failing.is_subset(&names(&[COPY])), "{name}: {failing:?}");
        }
    }
}

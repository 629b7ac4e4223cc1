//! Runs a lowered network in double precision: for calibration, and to fold constants.

use std::cmp::Ordering;

use circuits::model::operator::{Geometry, Operator};
use circuits::model::structure::{Origin, origins};

use super::expression::formula;
use super::{RealGraph, RealNode, RealOperator, count};

/// The values of every node for one input.
pub(crate) fn run(graph: &RealGraph, input: &[f64]) -> Vec<Vec<f64>> {
    let mut values: Vec<Vec<f64>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let sources: Vec<&[f64]> =
            node.inputs.iter().map(|source| values.get(*source).map_or(&[][..], Vec::as_slice)).collect();
        let shapes: Vec<&[u32]> = node
            .inputs
            .iter()
            .map(|source| graph.nodes.get(*source).map_or(&[][..], |node| node.shape.as_slice()))
            .collect();
        let value = if matches!(node.operator, RealOperator::Input) {
            input.to_vec()
        } else {
            evaluate(node, &sources, &shapes)
        };
        values.push(value);
    }
    values
}

/// The value of one node.
pub(crate) fn evaluate(node: &RealNode, sources: &[&[f64]], shapes: &[&[u32]]) -> Vec<f64> {
    let first = sources.first().copied().unwrap_or_default();
    let second = sources.get(1).copied().unwrap_or_default();
    let shape = shapes.first().copied().unwrap_or_default();
    let pairwise = |function: fn(f64, f64) -> f64| -> Vec<f64> {
        first.iter().zip(second).map(|(a, b)| function(*a, *b)).collect()
    };
    match &node.operator {
        RealOperator::Input => first.to_vec(),
        RealOperator::Constant(values) => values.to_vec(),
        RealOperator::Dense { weights, bias } => dense(weights, bias, first),
        RealOperator::Convolution { geometry, weights, bias } => {
            convolution(geometry, weights, bias, first, shape, &node.shape)
        }
        RealOperator::Function(steps) => {
            let formula = formula(steps.clone());
            first.iter().map(|value| formula.evaluate(*value)).collect()
        }
        RealOperator::Threshold { negative, zero, positive } => {
            let step = |value: &f64| match value.partial_cmp(&0.0) {
                Some(Ordering::Less) => *negative as f64,
                Some(Ordering::Greater) => *positive as f64,
                _ => *zero as f64,
            };
            first.iter().map(step).collect()
        }
        RealOperator::Combine { multipliers, constant } => {
            let mut sum = vec![*constant; count(&node.shape)];
            for (source, multiplier) in sources.iter().zip(multipliers) {
                sum.iter_mut().zip(*source).for_each(|(sum, value)| *sum += multiplier * value);
            }
            sum
        }
        RealOperator::Multiply => pairwise(|a, b| a * b),
        RealOperator::Maximum => pairwise(f64::max),
        RealOperator::Minimum => pairwise(f64::min),
        RealOperator::Sum => {
            let length = shape.last().copied().unwrap_or(1).max(1) as usize;
            first.chunks_exact(length).map(|row| row.iter().sum()).collect()
        }
        RealOperator::MatrixMultiply => matrix_multiply(first, second, shapes),
        RealOperator::Order { largest, last, count, positions } => {
            let length = shape.last().copied().unwrap_or(1).max(1) as usize;
            let order = Order { largest: *largest, last: *last, count: *count as usize, positions: *positions };
            first.chunks_exact(length).flat_map(|row| ordered(row, &order)).collect()
        }
        RealOperator::Reshape
        | RealOperator::Strided { .. }
        | RealOperator::Concatenate { .. }
        | RealOperator::Pad { .. }
        | RealOperator::Select { .. } => moved(node, sources, shapes),
    }
}

/// The structural operator of the integer graph; `None` for those that compute. The padding is put in by the caller.
pub(crate) fn structural(node: &RealNode, padding: i64) -> Option<Operator> {
    let shape = if node.shape.is_empty() { vec![1] } else { node.shape.clone() };
    Some(match &node.operator {
        RealOperator::Reshape => Operator::Reshape { shape },
        RealOperator::Strided { offset, strides } => {
            let strides = if strides.is_empty() { vec![0] } else { strides.clone() };
            Operator::Strided { offset: *offset, shape, strides }
        }
        RealOperator::Concatenate { axis } => Operator::Concatenate { axis: u32::try_from(*axis).ok()? },
        RealOperator::Pad { low, high, interior, .. } => {
            Operator::Pad { low: low.clone(), high: high.clone(), interior: interior.clone(), value: padding }
        }
        RealOperator::Select { indices } => Operator::Select { shape, indices: indices.to_vec() },
        _ => return None,
    })
}

fn moved(node: &RealNode, sources: &[&[f64]], shapes: &[&[u32]]) -> Vec<f64> {
    let padding = if let RealOperator::Pad { value, .. } = &node.operator { *value } else { 0.0 };
    let origins = structural(node, 0).and_then(|operator| origins(&operator, shapes, &node.shape)).unwrap_or_default();
    let element = |origin: &Origin| match *origin {
        Origin::Element { input, element } => sources.get(input).and_then(|source| source.get(element)).copied(),
        Origin::Constant(_) => Some(padding),
    };
    origins.iter().map(|origin| element(origin).unwrap_or(padding)).collect()
}

fn dense(weights: &[f64], bias: &[f64], source: &[f64]) -> Vec<f64> {
    let inputs = (weights.len() / bias.len().max(1)).max(1);
    let item = |item: &[f64]| -> Vec<f64> {
        let rows = weights.chunks_exact(inputs).zip(bias);
        rows.map(|(row, bias)| bias + row.iter().zip(item).map(|(weight, value)| weight * value).sum::<f64>()).collect()
    };
    source.chunks_exact(inputs).flat_map(item).collect()
}

fn convolution(
    geometry: &Geometry,
    weights: &[f64],
    bias: &[f64],
    source: &[f64],
    input: &[u32],
    output: &[u32],
) -> Vec<f64> {
    let (&[channels, height, width], &[outputs, rows, columns]) = (input, output) else { return Vec::new() };
    let groups = geometry.groups.max(1);
    let (inside, outside) = (channels / groups, (outputs / groups).max(1));
    let [kernel_height, kernel_width] = geometry.kernel;
    let taps = ((inside * kernel_height * kernel_width) as usize).max(1);
    let position = |index: u32, axis: usize, tap: u32, length: u32| {
        let place =
            i64::from(index) * i64::from(geometry.stride[axis]) + i64::from(tap) * i64::from(geometry.dilation[axis]);
        u32::try_from(place - i64::from(geometry.before[axis])).ok().filter(|place| *place < length)
    };
    let mut results = Vec::with_capacity(count(output));
    for ((channel, row), bias) in (0..outputs).zip(weights.chunks_exact(taps)).zip(bias) {
        let first = (channel / outside) * inside;
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let mut sum = *bias;
            let mut tap = 0;
            for c in first..first + inside {
                for k in 0..kernel_height {
                    for l in 0..kernel_width {
                        if let (Some(y), Some(x)) = (position(i, 0, k, height), position(j, 1, l, width)) {
                            let element = ((c * height + y) * width + x) as usize;
                            sum += row.get(tap).copied().unwrap_or(0.0) * source.get(element).copied().unwrap_or(0.0);
                        }
                        tap += 1;
                    }
                }
            }
            results.push(sum);
        }
    }
    results
}

fn matrix_multiply(a: &[f64], b: &[f64], shapes: &[&[u32]]) -> Vec<f64> {
    let shape = |input: usize| shapes.get(input).and_then(|shape| shape.first_chunk::<3>());
    let (Some([_, m, k]), Some([_, _, n])) = (shape(0), shape(1)) else { return Vec::new() };
    let (m, k, n) = (*m as usize, *k as usize, *n as usize);
    let mut results = Vec::new();
    for (a, b) in a.chunks_exact((m * k).max(1)).zip(b.chunks_exact((k * n).max(1))) {
        for row in a.chunks_exact(k.max(1)) {
            let column =
                |column| row.iter().zip(b.iter().skip(column).step_by(n.max(1))).map(|(x, y)| x * y).sum::<f64>();
            results.extend((0..n).map(column));
        }
    }
    results
}

struct Order {
    largest: bool,
    last: bool,
    count: usize,
    positions: bool,
}

fn ordered(row: &[f64], order: &Order) -> Vec<f64> {
    let mut places: Vec<usize> = (0..row.len()).collect();
    let value = |place: usize| row.get(place).copied().unwrap_or(f64::NAN);
    places.sort_by(|a, b| {
        let by_value = value(*a).partial_cmp(&value(*b)).unwrap_or(Ordering::Equal);
        let by_value = if order.largest { by_value.reverse() } else { by_value };
        by_value.then(if order.last { b.cmp(a) } else { a.cmp(b) })
    });
    places.truncate(order.count);
    places.into_iter().map(|place| if order.positions { place as f64 } else { value(place) }).collect()
}

//! On which elements of the graph's input each element of a value depends, for graphs that generate.
//!
//! What a graph computes from the elements before a place must not change with those after it, or what it generates
//! would not follow from what it was asked. A causal mask is arithmetic here (scores far below all others, whose weights
//! round to zero), so dependencies are followed together with intervals: an element whose interval is one integer depends
//! on nothing, nor does a product with zero, and of two operands whose intervals do not overlap a maximum is one.
//! Intervals only ever err towards more dependencies, and every step is linear in the elements read and written.

use super::graph::{Activation, Node, Operator, Value, quotient_range};
use super::range::{MAGNITUDE_MAX, Range};
use super::structure::{Origin, origins};

/// On what the elements of a value depend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Number of the last element of the sequence that an element depends on, plus one; 0 for a constant.
    pub reach: Vec<u32>,
    /// The least integer that an element can be. Whoever computes elements as the sequence becomes known puts it in the
    /// place of those that are not: whatever is computed from it and does not depend on it is right.
    pub least: Vec<i64>,
}

/// What may be said of the elements of a value.
struct Facts {
    /// Number of the last element of the input that an element depends on, plus one; 0 for a constant.
    reach: Vec<u32>,
    intervals: Intervals,
}

/// Intervals of the elements of a value.
enum Intervals {
    /// One for all.
    Same(Range),
    /// One for each.
    Each(Vec<Range>),
}

impl Facts {
    fn reach(&self, element: usize) -> u32 {
        self.reach.get(element).copied().unwrap_or(u32::MAX)
    }

    fn interval(&self, element: usize) -> Range {
        match &self.intervals {
            Intervals::Same(range) => *range,
            Intervals::Each(ranges) => {
                ranges.get(element).copied().unwrap_or(Range { min: -MAGNITUDE_MAX, max: MAGNITUDE_MAX })
            }
        }
    }

    fn into_dependencies(self) -> Dependencies {
        let least = match self.intervals {
            Intervals::Same(range) => vec![range.min; self.reach.len()],
            Intervals::Each(ranges) => ranges.into_iter().map(|range| range.min).collect(),
        };
        Dependencies { reach: self.reach, least }
    }

    fn is_zero(&self, element: usize) -> bool {
        self.interval(element) == Range { min: 0, max: 0 }
    }

    /// Elements of a value whose interval is `range`, from what each depends on and lies in.
    fn of(range: Range, elements: impl Iterator<Item = (u32, Range)>) -> Self {
        let (reach, ranges): (Vec<u32>, Vec<Range>) = elements
            .map(|(reach, interval)| {
                let min = interval.min.clamp(range.min, range.max);
                let max = interval.max.clamp(range.min, range.max);
                (if min == max { 0 } else { reach }, Range { min, max })
            })
            .unzip();
        let is_same = ranges.iter().all(|interval| *interval == range);
        Self { reach, intervals: if is_same { Intervals::Same(range) } else { Intervals::Each(ranges) } }
    }
}

/// The dependencies of every value of a checked graph, or of the last alone.
pub(super) fn dependencies(nodes: &[Node], values: &[Value], all: bool) -> Vec<Dependencies> {
    let Some(input) = values.first() else { return Vec::new() };
    let mut last_reader = vec![usize::MAX; values.len()];
    for (index, node) in nodes.iter().enumerate() {
        for value in &node.inputs {
            if let Some(reader) = last_reader.get_mut(wide(*value)) {
                *reader = index;
            }
        }
    }
    let mut facts = vec![Facts { reach: (1..=input.width()).collect(), intervals: Intervals::Same(input.range) }];
    for (index, node) in nodes.iter().enumerate() {
        let Some(result) = values.get(index.saturating_add(1)) else { break };
        let shapes: Vec<&[u32]> =
            node.inputs.iter().filter_map(|value| Some(values.get(wide(*value))?.shape.as_slice())).collect();
        let sources: Vec<&Facts> = node.inputs.iter().filter_map(|value| facts.get(wide(*value))).collect();
        let found = follow(&node.operator, &sources, &shapes, result);
        facts.push(found);
        let read = node.inputs.iter().filter(|value| last_reader.get(wide(**value)) == Some(&index));
        for value in read.filter(|_| !all) {
            if let Some(facts) = facts.get_mut(wide(*value)) {
                *facts = Facts { reach: Vec::new(), intervals: Intervals::Each(Vec::new()) };
            }
        }
    }
    let skipped = if all { 0 } else { facts.len().saturating_sub(1) };
    facts.into_iter().skip(skipped).map(Facts::into_dependencies).collect()
}

fn follow(operator: &Operator, sources: &[&Facts], shapes: &[&[u32]], result: &Value) -> Facts {
    let range = result.range;
    if let Some(origins) = origins(operator, shapes, &result.shape) {
        let moved = origins.iter().map(|origin| match *origin {
            Origin::Constant(value) => (0, Range { min: value, max: value }),
            Origin::Element { input, element } => {
                sources.get(input).map_or((u32::MAX, range), |source| (source.reach(element), source.interval(element)))
            }
        });
        return Facts::of(range, moved);
    }
    let width = wide(result.width());
    let [first, rest @ ..] = sources else { return unknown(result) };
    let second = rest.first().unwrap_or(first);
    let length = shapes.first().and_then(|shape| shape.last()).map_or(1, |length| wide(*length).max(1));
    match operator {
        Operator::Requantise { shift, clamp, activation } => {
            let requantised = (0..width).map(|element| {
                let quotients = quotient_range(first.interval(element), *shift);
                let low = quotients.min.clamp(clamp.min, clamp.max);
                let high = quotients.max.clamp(clamp.min, clamp.max);
                let is_monotone = matches!(activation, Activation::Identity | Activation::Relu);
                let interval = if low == high || is_monotone {
                    Range { min: activation.apply(low), max: activation.apply(high) }
                } else {
                    range
                };
                (first.reach(element), interval)
            });
            Facts::of(range, requantised)
        }
        Operator::Combine { multipliers, constant } => {
            let combined = (0..width).map(|element| {
                let start = (0, i128::from(*constant), i128::from(*constant));
                let terms = sources.iter().zip(multipliers).filter(|(_, multiplier)| **multiplier != 0);
                let (reach, low, high) = terms.fold(start, |(reach, low, high), (source, multiplier)| {
                    let ends = source.interval(element).scaled(*multiplier);
                    (reach.max(source.reach(element)), low.saturating_add(ends.0), high.saturating_add(ends.1))
                });
                (reach, narrow(low, high))
            });
            Facts::of(range, combined)
        }
        Operator::Multiply => {
            let products = (0..width).map(|element| {
                if first.is_zero(element) || second.is_zero(element) {
                    return (0, Range { min: 0, max: 0 });
                }
                let (a, b) = (first.interval(element), second.interval(element));
                let ends = [b.scaled(a.min), b.scaled(a.max)];
                let low = ends.iter().map(|(low, _)| *low).min().unwrap_or(0);
                let high = ends.iter().map(|(_, high)| *high).max().unwrap_or(0);
                (first.reach(element).max(second.reach(element)), narrow(low, high))
            });
            Facts::of(range, products)
        }
        Operator::Maximum | Operator::Minimum => {
            let is_maximum = matches!(operator, Operator::Maximum);
            Facts::of(range, (0..width).map(|element| extremum(first, second, element, is_maximum)))
        }
        Operator::Sum => {
            let sums = (0..width).map(|row| {
                let start = row.saturating_mul(length);
                (start..start.saturating_add(length)).fold((0, Range { min: 0, max: 0 }), |(reach, sum), element| {
                    let term = first.interval(element);
                    let sum = Range { min: sum.min.saturating_add(term.min), max: sum.max.saturating_add(term.max) };
                    (reach.max(first.reach(element)), sum)
                })
            });
            Facts::of(range, sums)
        }
        Operator::MatrixMultiply => product(first, second, shapes, result),
        Operator::Dense { inputs, outputs, .. } => {
            let rows = first.reach.chunks(wide(*inputs).max(1)).map(|row| row.iter().copied().max().unwrap_or(0));
            let reach = rows.flat_map(|reach| std::iter::repeat_n(reach, wide(*outputs))).collect();
            Facts { reach, intervals: Intervals::Same(range) }
        }
        Operator::Embedding { width: columns, .. } => {
            let reach = first.reach.iter().flat_map(|reach| std::iter::repeat_n(*reach, wide(*columns))).collect();
            Facts { reach, intervals: Intervals::Same(range) }
        }
        // Of what a kernel reads no account is kept: all that its input does.
        Operator::Convolution { .. } => {
            let most = first.reach.iter().copied().max().unwrap_or(0);
            Facts { reach: vec![most; width], intervals: Intervals::Same(range) }
        }
        Operator::Constant { .. }
        | Operator::Reshape { .. }
        | Operator::Strided { .. }
        | Operator::Concatenate { .. }
        | Operator::Pad { .. }
        | Operator::Select { .. } => unknown(result),
    }
}

fn extremum(first: &Facts, second: &Facts, element: usize, is_maximum: bool) -> (u32, Range) {
    let (a, b) = (first.interval(element), second.interval(element));
    let (from_first, from_second) = ((first.reach(element), a), (second.reach(element), b));
    let is_above = a.min >= b.max;
    let is_below = b.min >= a.max;
    match (is_maximum, is_above, is_below) {
        (true, true, _) | (false, false, true) => from_first,
        (true, false, true) | (false, true, _) => from_second,
        _ => {
            let interval = if is_maximum {
                Range { min: a.min.max(b.min), max: a.max.max(b.max) }
            } else {
                Range { min: a.min.min(b.min), max: a.max.min(b.max) }
            };
            (from_first.0.max(from_second.0), interval)
        }
    }
}

/// `[batch, m, k]` times `[batch, k, n]`: an element depends on its row of the first factor, on its column of the second,
/// and of that on no row that the first factor has a zero for.
fn product(first: &Facts, second: &Facts, shapes: &[&[u32]], result: &Value) -> Facts {
    let (Some([batch, m, n]), Some([_, _, k])) = (sides(&result.shape), shapes.first().and_then(|shape| sides(shape)))
    else {
        return unknown(result);
    };
    let mut reach = Vec::with_capacity(wide(result.width()));
    let place = |outer: usize, length: usize, inner: usize| outer.saturating_mul(length).saturating_add(inner);
    for item in 0..batch {
        let columns: Vec<u32> = (0..n)
            .map(|column| (0..k).map(|term| second.reach(place(place(item, k, term), n, column))).max().unwrap_or(0))
            .collect();
        let rows: Vec<u32> = (0..k)
            .map(|term| (0..n).map(|column| second.reach(place(place(item, k, term), n, column))).max().unwrap_or(0))
            .collect();
        for row in 0..m {
            let start = place(place(item, m, row), k, 0);
            let own = (0..k).map(|term| first.reach(start.saturating_add(term))).max().unwrap_or(0);
            let met = rows.iter().enumerate().filter(|(term, _)| !first.is_zero(start.saturating_add(*term)));
            let met = met.map(|(_, reach)| *reach).max().unwrap_or(0);
            reach.extend(columns.iter().map(|column| own.max(met.min(*column))));
        }
    }
    Facts { reach, intervals: Intervals::Same(result.range) }
}

/// What is said of a value of which nothing is known.
fn unknown(result: &Value) -> Facts {
    Facts { reach: vec![u32::MAX; wide(result.width())], intervals: Intervals::Same(result.range) }
}

fn sides(shape: &[u32]) -> Option<[usize; 3]> {
    <[u32; 3]>::try_from(shape).ok().map(|sides| sides.map(wide))
}

fn narrow(low: i128, high: i128) -> Range {
    let bounded = |value: i128| i64::try_from(value).unwrap_or(if value.is_negative() { i64::MIN } else { i64::MAX });
    Range { min: bounded(low), max: bounded(high) }
}

fn wide(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

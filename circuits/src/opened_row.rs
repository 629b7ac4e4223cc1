//! Rows of the committed matrix B that somebody shows alone: whether they can be rows of a checked model.
//!
//! A published model is a graph and commitments to B. Whoever holds the integers of one row can show that it is none that
//! [`crate::model::analysis`] would have passed: a cell where no weight belongs, a weight beyond 32 bits, an output whose
//! accumulator leaves what the graph declares. An output's weights lie in one row of each weight column; its interval is
//! judged when all of them are shown, its magnitude, which only grows, by any of them. What an honest import writes is
//! never found wrong.

use std::collections::BTreeMap;

use crate::committed::{anchors, operand_places};
use crate::layout::Plan;
use crate::model::analysis::operand_range;
use crate::model::graph::Operator;
use crate::model::range::{MAGNITUDE_MAX, Range};
use crate::model::weights::linear_shapes;

/// What a row shows that no checked model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The bytes are not an index and pairs of circuit row and integer.
    #[error("expected 8 bytes and 16 for each cell, got {got}")]
    Length {
        /// Bytes that came.
        got: usize,
    },
    /// The bytes state another row than the one they stand for.
    #[error("expected row {expected}, the bytes state {got}")]
    Index {
        /// Position of the row in B.
        expected: u64,
        /// Position that the bytes state.
        got: u64,
    },
    /// The cells are not those that the graph gives the row, in ascending order.
    #[error("cell {position}: expected circuit row {expected:?}, got {got:?}")]
    Place {
        /// Position among the cells.
        position: usize,
        /// Circuit row of the cell, none after the last.
        expected: Option<u64>,
        /// Circuit row that the bytes state, none after the last.
        got: Option<u64>,
    },
    /// A cell that keeps its column from being zero holds something else than one.
    #[error("circuit row {row}: expected 1, got {got}")]
    Anchor {
        /// Circuit row.
        row: u64,
        /// Integer that came.
        got: i64,
    },
    /// A weight that is no 32-bit integer.
    #[error("node {node} channel {channel}: expected a weight of 32 bits, got {got}")]
    Weight {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// Integer that came.
        got: i64,
    },
    /// Sums of a channel could exceed 2^47 in magnitude.
    #[error("node {node} channel {channel}: absolute sum {got} exceeds {MAGNITUDE_MAX} (2^47)")]
    Magnitude {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// `|b| + sum_j |w_j| max|x_j|` over the weights shown.
        got: i128,
    },
    /// The accumulators of a channel can leave the declared interval.
    #[error("node {node} channel {channel}: accumulators reach [{min}, {max}], declared [{}, {}]", declared.min, declared.max)]
    Accumulator {
        /// Node index.
        node: usize,
        /// Output channel.
        channel: usize,
        /// Interval that the graph declares.
        declared: Range,
        /// Smallest value that the weights allow.
        min: i128,
        /// Greatest value that the weights allow.
        max: i128,
    },
}

/// The cells of one row, as its bytes state them: circuit row and integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedRow {
    index: u64,
    cells: Vec<(u64, i64)>,
}

/// What a cell of a row is.
#[derive(Clone, Copy)]
enum Meaning {
    Anchor,
    Bias,
    Weight,
}

/// The output of a node that a row holds weights of.
struct Sum {
    node: usize,
    channel: usize,
    operands: Range,
    declared: Range,
    absolute: i128,
    min: i128,
    max: i128,
}

impl OpenedRow {
    /// Reads row `index` as [`crate::committed::CommittedMatrix::row_bytes`] writes it.
    ///
    /// # Errors
    /// [`RowFault`]: the bytes are none, or those of another row.
    pub fn decode(index: u64, bytes: &[u8]) -> Result<Self, RowFault> {
        let length = RowFault::Length { got: bytes.len() };
        let words = bytes.chunks_exact(8);
        if !words.remainder().is_empty() || words.len().is_multiple_of(2) {
            return Err(length);
        }
        let mut words = words.filter_map(|word| <[u8; 8]>::try_from(word).ok());
        let got = u64::from_le_bytes(words.next().ok_or(length)?);
        if got != index {
            return Err(RowFault::Index { expected: index, got });
        }
        let mut cells = Vec::new();
        while let (Some(row), Some(value)) = (words.next(), words.next()) {
            cells.push((u64::from_le_bytes(row), i64::from_le_bytes(value)));
        }
        Ok(Self { index, cells })
    }

    /// Position in B.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Circuit rows and integers, in the order of the bytes.
    #[must_use]
    pub fn cells(&self) -> &[(u64, i64)] {
        &self.cells
    }
}

/// Judges rows of one exponent, each of another weight column, against the model's graph.
///
/// # Errors
/// [`RowFault`]: the first thing found that no checked model has.
pub fn check(plan: &Plan, rows: &[OpenedRow]) -> Result<(), RowFault> {
    let columns = plan.weight_columns();
    let Some(exponent) = rows.first().and_then(|row| (row.index as usize).checked_div(columns)) else { return Ok(()) };
    let mut sums = sums_of(plan, exponent);
    for row in rows {
        let expected = meanings(plan, exponent, row.index as usize % columns);
        for position in 0..expected.len().max(row.cells.len()) {
            let (wanted, cell) = (expected.get(position), row.cells.get(position));
            let place = RowFault::Place {
                position,
                expected: wanted.map(|(place, ..)| *place),
                got: cell.map(|(place, _)| *place),
            };
            let (Some((place_wanted, block, meaning)), Some((place_got, value))) = (wanted, cell) else {
                return Err(place);
            };
            if place_wanted != place_got {
                return Err(place);
            }
            match (meaning, sums.get_mut(block)) {
                (Meaning::Anchor, _) if *value == 1 => {}
                (Meaning::Anchor, _) | (_, None) => return Err(RowFault::Anchor { row: *place_got, got: *value }),
                (Meaning::Bias, Some(sum)) => {
                    sum.add((i128::from(*value), i128::from(*value)), value.unsigned_abs(), 1)?
                }
                (Meaning::Weight, Some(sum)) => sum.weigh(*value)?,
            }
        }
    }
    // Weights that were not shown could bring a sum back into its interval.
    if rows.len() == columns {
        sums.values().try_for_each(Sum::contained)?;
    }
    Ok(())
}

/// The outputs of exponent `exponent`, by block.
fn sums_of(plan: &Plan, exponent: usize) -> BTreeMap<usize, Sum> {
    let graph = plan.graph();
    let blocks = plan.blocks().iter().enumerate().filter(|(_, block)| exponent < block.outputs);
    let sums = blocks.filter_map(|(index, block)| {
        let node = graph.nodes().get(block.node)?;
        let (Operator::Dense { accumulator, .. } | Operator::Convolution { accumulator, .. }) = &node.operator else {
            return None;
        };
        let operands = operand_range(&node.operator, graph.sources(node).next()?.range);
        let channel = block.first_output + exponent;
        let (node, declared) = (block.node, *accumulator);
        Some((index, Sum { node, channel, operands, declared, absolute: 0, min: 0, max: 0 }))
    });
    sums.collect()
}

/// The cells of row `exponent` of a weight column, ascending: circuit row, block, what the cell is.
fn meanings(plan: &Plan, exponent: usize, column: usize) -> Vec<(u64, usize, Meaning)> {
    let shapes = linear_shapes(plan.graph());
    let mut cells = Vec::new();
    if exponent == 0 {
        let own = anchors(plan.weight_columns(), plan.usable_rows() - 1).filter(|place| place.column == column);
        cells.extend(own.map(|place| (place.row as u64, usize::MAX, Meaning::Anchor)));
    }
    for (index, block) in plan.blocks().iter().enumerate().filter(|(_, block)| exponent < block.outputs) {
        if column == 0 {
            cells.push((block.bias_row as u64, index, Meaning::Bias));
        }
        let [outputs, _] = shapes.get(&block.node).copied().unwrap_or_default();
        let places = operand_places(block, outputs, block.first_output + exponent);
        let own = places.iter().filter(|place| place.column == column);
        cells.extend(own.map(|place| (place.row as u64, index, Meaning::Weight)));
    }
    cells.sort_unstable_by_key(|(row, ..)| *row);
    cells
}

impl Sum {
    fn weigh(&mut self, weight: i64) -> Result<(), RowFault> {
        if i32::try_from(weight).is_err() {
            return Err(RowFault::Weight { node: self.node, channel: self.channel, got: weight });
        }
        let magnitude = self.operands.min.unsigned_abs().max(self.operands.max.unsigned_abs());
        self.add(self.operands.scaled(weight), weight.unsigned_abs(), magnitude)
    }

    /// Adds a term: its interval, and its magnitude as a product.
    fn add(&mut self, (min, max): (i128, i128), weight: u64, magnitude: u64) -> Result<(), RowFault> {
        self.min += min;
        self.max += max;
        self.absolute += i128::from(weight) * i128::from(magnitude);
        if self.absolute > i128::from(MAGNITUDE_MAX) {
            let Self { node, channel, absolute: got, .. } = *self;
            return Err(RowFault::Magnitude { node, channel, got });
        }
        Ok(())
    }

    fn contained(&self) -> Result<(), RowFault> {
        let Self { node, channel, declared, min, max, .. } = *self;
        if min < declared.min.into() || max > declared.max.into() {
            return Err(RowFault::Accumulator { node, channel, declared, min, max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

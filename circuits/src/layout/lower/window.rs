//! What a linear operator reads: sequences of elements, over which each weight moves like a window.
//!
//! A dense operator over `T` items has a sequence for each input, with one weight at its start. A convolution is cut
//! along its steps: the padded image of a channel falls into one sub-image for each remainder of (row, column) by
//! (vertical step, horizontal step), and kernel element `(k, l)` meets the sub-image of its own remainder at a fixed
//! distance. Sub-images are read row after row at one common width, so that moving the window is moving along the
//! sequence; the positions at which a window wraps around a row's end are computed too, and read by nobody.

use crate::model::graph::{Geometry, Node, Operator, Value};

/// One element of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Element(usize),
    Zero,
}

/// A weight of a sequence: how far its window has moved, and which column of the matrix it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) distance: usize,
    pub(super) column: usize,
}

/// Elements that weights meet.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    /// Group of outputs that reads it.
    pub(super) group: usize,
    /// The first window, and as many elements as the window moves on.
    pub(super) items: Vec<Item>,
    /// Ascending by distance.
    pub(super) taps: Vec<Tap>,
}

/// The reading pattern of a linear operator.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Number of positions that each weight meets: the window's length.
    pub(super) positions: usize,
    /// Number of outputs.
    pub(super) outputs: usize,
    /// Groups of outputs.
    pub(super) groups: usize,
    /// Columns of the matrix.
    pub(super) columns: usize,
    pub(super) sequences: Vec<Sequence>,
    /// Element of the result at each position for output 0, and how far the next output's is; `None` where it wraps.
    pub(super) results: Vec<Option<usize>>,
    pub(super) result_stride: usize,
}

impl Pattern {
    /// The pattern of a dense operator or a convolution.
    pub(super) fn new(node: &Node, source: &Value, result: &Value) -> Option<Self> {
        let positions = positions(&node.operator, source, result)?;
        match &node.operator {
            Operator::Dense { inputs, outputs, .. } => Some(dense(*inputs as usize, *outputs as usize, positions)),
            Operator::Convolution { geometry, .. } => convolution(geometry, source, result, positions),
            _ => None,
        }
    }

    /// Element of the result for an output at a position.
    pub(super) fn result(&self, position: usize, output: usize) -> Option<usize> {
        Some(self.results.get(position).copied().flatten()? + output * self.result_stride)
    }
}

/// Number of positions that each weight of a dense operator or a convolution meets.
pub(super) fn positions(operator: &Operator, source: &Value, result: &Value) -> Option<usize> {
    match operator {
        Operator::Dense { inputs, .. } => Some(source.width() as usize / (*inputs as usize).max(1)),
        Operator::Convolution { geometry, .. } => {
            let &[_, rows, columns] = result.shape.as_slice() else { return None };
            Some((rows as usize - 1) * line(geometry, columns as usize) + columns as usize)
        }
        _ => None,
    }
}

/// One width for all sub-images: the output's, and how far the kernel reaches to the right.
fn line(geometry: &Geometry, columns: usize) -> usize {
    let [kernel, gap, step] = [geometry.kernel[1], geometry.dilation[1], geometry.stride[1]].map(|side| side as usize);
    columns + (kernel - 1) * gap / step
}

fn dense(inputs: usize, outputs: usize, positions: usize) -> Pattern {
    let sequence = |column: usize| Sequence {
        group: 0,
        items: (0..positions).map(|position| Item::Element(position * inputs + column)).collect(),
        taps: vec![Tap { distance: 0, column }],
    };
    Pattern {
        positions,
        outputs,
        groups: 1,
        columns: inputs,
        sequences: (0..inputs).map(sequence).collect(),
        results: (0..positions).map(|position| Some(position * outputs)).collect(),
        result_stride: 1,
    }
}

fn convolution(geometry: &Geometry, source: &Value, result: &Value, positions: usize) -> Option<Pattern> {
    let &[channels, height, width] = source.shape.as_slice() else { return None };
    let &[outputs, rows, columns] = result.shape.as_slice() else { return None };
    let [channels, height, width] = [channels as usize, height as usize, width as usize];
    let [outputs, rows, columns] = [outputs as usize, rows as usize, columns as usize];
    let [kernel_rows, kernel_columns] = geometry.kernel.map(|side| side as usize);
    let [step_down, step_right] = geometry.stride.map(|step| step as usize);
    let [gap_down, gap_right] = geometry.dilation.map(|gap| gap as usize);
    let [top, left] = geometry.before.map(|side| side as usize);
    let groups = geometry.groups as usize;
    let per_group = channels / groups.max(1);
    let pads = geometry.before != [0; 2] || geometry.after != [0; 2];
    let line = line(geometry, columns);
    let mut sequences = Vec::new();
    // Remainders beyond the kernel's reach occur nowhere, however long the steps are.
    let downs = step_down.min((kernel_rows - 1) * gap_down + 1);
    let rights = step_right.min((kernel_columns - 1) * gap_right + 1);
    for channel in 0..channels {
        for down in 0..downs {
            for right in 0..rights {
                let mut taps = Vec::new();
                for k in (0..kernel_rows).filter(|k| k * gap_down % step_down == down) {
                    for l in (0..kernel_columns).filter(|l| l * gap_right % step_right == right) {
                        let distance = k * gap_down / step_down * line + l * gap_right / step_right;
                        let column = (channel % per_group * kernel_rows + k) * kernel_columns + l;
                        taps.push(Tap { distance, column });
                    }
                }
                let Some(last) = taps.last() else { continue };
                let item = |index: usize| {
                    let (i, j) = (index / line * step_down + down, index % line * step_right + right);
                    let inside =
                        i.checked_sub(top).filter(|i| *i < height).zip(j.checked_sub(left).filter(|j| *j < width));
                    match inside {
                        Some((i, j)) => Item::Element((channel * height + i) * width + j),
                        // Zero may lie outside the interval of an input that is not padded.
                        None if pads => Item::Zero,
                        None => Item::Element(channel * height * width),
                    }
                };
                let items = (0..positions + last.distance).map(item).collect();
                sequences.push(Sequence { group: channel / per_group, items, taps });
            }
        }
    }
    Some(Pattern {
        positions,
        outputs,
        groups,
        columns: geometry.columns(channels as u32)? as usize,
        sequences,
        results: (0..positions)
            .map(|position| (position % line < columns).then_some(position / line * columns + position % line))
            .collect(),
        result_stride: rows * columns,
    })
}

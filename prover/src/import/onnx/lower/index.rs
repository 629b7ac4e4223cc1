//! Picking and placing elements at positions that the network's input decides.
//!
//! A position becomes a row of zeros with a single one; picking is then a product with the data. Positions beyond the
//! data pick zero.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{
    Gather, GatherElements, GatherNd, OneHot, ScatterElements, ScatterNd, ScatterReduction,
};

use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::{NodeId, count, strides};
use super::{Lowering, numbers};

/// Longest table of labels that is looked for.
const TABLE_MAX: i32 = 1 << 12;
/// Largest number of positions that are written one after the other.
const STEPS_MAX: u32 = 512;

impl Lowering<'_> {
    /// Operators with positions that are not fixed; `None` for others.
    pub(super) fn indexed(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        let fixed = |lowering: &Self, slot: usize| inputs.get(slot).is_none_or(|id| lowering.builder.is_constant(*id));
        let shape = self.shape_of(node, 0)?;
        if let Some(one_hot) = node.op_as::<OneHot>() {
            let first = |tensor: &Tensor| numbers(tensor).map(|numbers| numbers.first().copied().unwrap_or(0.0));
            let (off, on) = (first(&one_hot.off)?, first(&one_hot.on)?);
            let length = u32::try_from(one_hot.dim).unwrap_or(u32::MAX);
            let marks = self.marks(self.first(inputs)?, length)?;
            let values = self.builder.combine(&[(marks, on - off)], off)?;
            return self.last_moved_to(values, one_hot.axis, &shape).map(Some);
        }
        if node.op.name() == "DirectLookup" {
            return self.looked_up(node, self.first(inputs)?).map(Some);
        }
        if fixed(self, 1) {
            return Ok(None);
        }
        if let Some(gather) = node.op_as::<Gather>() {
            return self.gathered(inputs, gather.axis, shape).map(Some);
        }
        if let Some(gather) = node.op_as::<GatherElements>() {
            return self.gathered_elements(inputs, gather.axis, &shape).map(Some);
        }
        if let Some(gather) = node.op_as::<GatherNd>() {
            if gather.batch_dims != 0 {
                return refuse("positions by batch that depend on the network's input are not supported");
            }
            return self.gathered_tuples(inputs, shape).map(Some);
        }
        if let Some(scatter) = node.op_as::<ScatterNd>() {
            return self.scattered_tuples(inputs, scatter.reduction, shape).map(Some);
        }
        if let Some(scatter) = node.op_as::<ScatterElements>() {
            return self.scattered(inputs, scatter, &shape).map(Some);
        }
        Ok(None)
    }

    /// Positions that count from the front: negative ones count from behind in ONNX.
    fn counted_from_front(&mut self, positions: NodeId, length: u32) -> Built {
        if self.builder.never_negative(positions) {
            return Ok(positions);
        }
        let behind = self.builder.threshold(positions, [1, 0, 0])?;
        self.builder.combine(&[(positions, 1.0), (behind, f64::from(length))], 0.0)
    }

    /// `[.., length]` with a one at each element's position.
    fn marks(&mut self, positions: NodeId, length: u32) -> Built {
        let positions = self.counted_from_front(positions, length)?;
        let mut shape = self.builder.shape(positions).to_vec();
        shape.push(1);
        let column = self.builder.reshape(positions, shape.clone())?;
        if let Some(last) = shape.last_mut() {
            *last = length;
        }
        let column = self.builder.broadcast(column, &shape)?;
        let mut line = vec![1; shape.len()];
        if let Some(last) = line.last_mut() {
            *last = length;
        }
        let numbers = self.builder.constant(line, (0..length).map(f64::from).collect())?;
        let numbers = self.builder.broadcast(numbers, &shape)?;
        let difference = self.builder.combine(&[(column, 1.0), (numbers, -1.0)], 0.0)?;
        self.builder.threshold(difference, [0, 1, 0])
    }

    /// Marks `[picks, length]` times data `[length, rest]`.
    fn picked(&mut self, marks: NodeId, data: NodeId) -> Built {
        let (&[picks, length], &[_, rest]) = (self.builder.shape(marks), self.builder.shape(data)) else {
            return refuse("marks of another rank");
        };
        if let Some(values) = self.builder.literal(data) {
            let (length, rest) = (length as usize, rest as usize);
            let weights = (0..rest * length).map(|place| values[(place % length) * rest + place / length]).collect();
            return self.builder.dense(marks, Arc::new(weights), vec![0.0; rest]);
        }
        let marks = self.builder.reshape(marks, vec![1, picks, length])?;
        let data = self.builder.reshape(data, vec![1, length, rest])?;
        let product = self.builder.matrix_multiply(marks, data)?;
        self.builder.reshape(product, vec![picks, rest])
    }

    /// Start and step of a table `[length, 1]` that advances evenly: then the position itself says the number.
    fn progression(&self, table: NodeId) -> Option<(f64, f64)> {
        let values = self.builder.literal(table)?;
        let (start, second) = (*values.first()?, *values.get(1)?);
        let step = second - start;
        let even = values.iter().enumerate().all(|(place, value)| *value == start + step * place as f64);
        (even && self.builder.shape(table).last() == Some(&1)).then_some((start, step))
    }

    fn gathered(&mut self, inputs: &[NodeId], axis: usize, output: Vec<u32>) -> Built {
        let (data, positions) = (self.input(inputs, 0)?, self.input(inputs, 1)?);
        let shape = self.builder.shape(data).to_vec();
        let picked_shape = self.builder.shape(positions).to_vec();
        let mut order: Vec<usize> = (0..shape.len()).filter(|place| *place != axis).collect();
        order.insert(0, axis);
        let length = shape[axis];
        let rest = u32::try_from(count(&shape) / (length as usize).max(1)).unwrap_or(u32::MAX);
        let first = self.builder.transpose(data, &order)?;
        let first = self.builder.reshape(first, vec![length, rest])?;
        let picks = u32::try_from(count(&picked_shape)).unwrap_or(u32::MAX);
        let flat = self.builder.reshape(positions, vec![picks])?;
        let picked = match self.progression(first) {
            Some((start, step)) => {
                let flat = self.counted_from_front(flat, length)?;
                let values = self.builder.combine(&[(flat, step)], start)?;
                self.builder.reshape(values, vec![picks, 1])?
            }
            None => {
                let marks = self.marks(flat, length)?;
                self.picked(marks, first)?
            }
        };
        // [positions.., rest..] to [before.., positions.., after..].
        let outer: Vec<u32> =
            picked_shape.iter().copied().chain(order[1..].iter().map(|place| shape[*place])).collect();
        let picked = self.builder.reshape(picked, outer)?;
        let width = picked_shape.len();
        let back: Vec<usize> =
            (width..width + axis).chain(0..width).chain(width + axis..width + shape.len() - 1).collect();
        let moved = self.builder.transpose(picked, &back)?;
        self.builder.reshape(moved, output)
    }

    fn gathered_elements(&mut self, inputs: &[NodeId], axis: usize, output: &[u32]) -> Built {
        let (data, positions) = (self.input(inputs, 0)?, self.input(inputs, 1)?);
        // Other dimensions may be shorter in the positions than in the data.
        let mut shape = self.builder.shape(data).to_vec();
        let length = shape[axis];
        let steps = strides(&shape);
        shape = output.to_vec();
        shape[axis] = length;
        let data = self.builder.strided(data, 0, shape, steps)?;
        let (data, outer) = self.gather_last(data, &[axis])?;
        let (positions, _) = self.gather_last(positions, &[axis])?;
        let lanes = u32::try_from(count(&outer)).unwrap_or(u32::MAX);
        let picks = output[axis];
        let positions = self.builder.reshape(positions, vec![lanes, picks])?;
        let marks = self.marks(positions, length)?;
        let data = self.builder.reshape(data, vec![lanes, length, 1])?;
        let picked = self.builder.matrix_multiply(marks, data)?;
        self.last_moved_to(picked, axis, output)
    }

    fn gathered_tuples(&mut self, inputs: &[NodeId], output: Vec<u32>) -> Built {
        let (data, positions) = (self.input(inputs, 0)?, self.input(inputs, 1)?);
        let (marks, [length, rest, _]) = self.tuple_marks(data, positions)?;
        let data = self.builder.reshape(data, vec![length, rest])?;
        let picked = self.picked(marks, data)?;
        self.builder.reshape(picked, output)
    }

    /// A row of marks over the first dimensions of the data for every tuple of positions; their size, the rest's, and
    /// the number of tuples.
    fn tuple_marks(&mut self, data: NodeId, positions: NodeId) -> Result<(NodeId, [u32; 3]), Unsupported> {
        let shape = self.builder.shape(data).to_vec();
        let tuples = self.builder.shape(positions).to_vec();
        let Some((depth, outer)) = tuples.split_last() else { return refuse("positions without dimensions") };
        let depth = *depth as usize;
        if depth == 0 || depth > shape.len() {
            return refuse(format!("positions of {depth} numbers in data of shape {shape:?}"));
        }
        let length = u32::try_from(count(&shape[..depth])).unwrap_or(u32::MAX);
        let rest = u32::try_from(count(&shape[depth..])).unwrap_or(u32::MAX);
        let picks = u32::try_from(count(outer)).unwrap_or(u32::MAX);
        let positions = self.builder.reshape(positions, vec![picks, u32::try_from(depth).unwrap_or(0)])?;
        let factors: Vec<f64> = strides(&shape[..depth]).into_iter().map(f64::from).collect();
        let numbers = self.builder.dense(positions, Arc::new(factors), vec![0.0])?;
        let numbers = self.builder.reshape(numbers, vec![picks])?;
        Ok((self.marks(numbers, length)?, [length, rest, picks]))
    }

    /// Rows of the data at tuples of positions take the updates, one after the other.
    fn scattered_tuples(&mut self, inputs: &[NodeId], reduction: ScatterReduction, output: Vec<u32>) -> Built {
        let (data, positions) = (self.input(inputs, 0)?, self.input(inputs, 1)?);
        let (marks, [length, rest, picks]) = self.tuple_marks(data, positions)?;
        if picks > STEPS_MAX {
            return refuse(format!("scattering at {picks} positions: expected at most {STEPS_MAX}"));
        }
        let mut data = self.builder.reshape(data, vec![length, rest])?;
        let updates = self.builder.reshape(self.input(inputs, 2)?, vec![picks, rest])?;
        for pick in 0..picks {
            let offset = |width: u32| pick.saturating_mul(width);
            let mark = self.builder.strided(marks, offset(length), vec![length, rest], vec![1, 0])?;
            let update = self.builder.strided(updates, offset(rest), vec![length, rest], vec![0, 1])?;
            data = match reduction {
                ScatterReduction::None => self.choose(mark, update, data)?,
                ScatterReduction::Add => {
                    let added = self.builder.multiply(mark, update)?;
                    self.builder.combine(&[(data, 1.0), (added, 1.0)], 0.0)?
                }
                _ => return refuse("scattering with a product, a minimum or a maximum is not supported"),
            };
        }
        self.builder.reshape(data, output)
    }

    /// A table from whole numbers to whole numbers: class numbers to labels.
    fn looked_up(&mut self, node: &TypedNode, input: NodeId) -> Built {
        let probe: Vec<f64> = (0..=TABLE_MAX).map(f64::from).collect();
        let probe = super::movement::typed(&[probe.len()], &probe, i32::datum_type())?;
        let outputs = super::evaluate(node, tvec!(probe.into_tvalue()))?;
        let mut table = match outputs.first() {
            Some(tensor) if tensor.datum_type().is_number() => numbers(tensor)?,
            _ => return refuse("labels that are texts are not supported: export without them"),
        };
        // Beyond the table, everything is the fallback.
        let fallback = table.last().copied();
        while table.len() > 2 && table.last().copied() == fallback {
            table.pop();
        }
        let length = u32::try_from(table.len()).unwrap_or(u32::MAX);
        let table = self.builder.constant(vec![length], table)?;
        let output = self.builder.shape(input).to_vec();
        self.gathered(&[table, input], 0, output)
    }

    /// Positions along a dimension take the updates, one after the other, so that the last one stays.
    fn scattered(&mut self, inputs: &[NodeId], scatter: &ScatterElements, output: &[u32]) -> Built {
        if !matches!(scatter.reduction, ScatterReduction::None | ScatterReduction::Add) {
            return refuse("scattering with a product, a minimum or a maximum is not supported");
        }
        let axis = scatter.axis;
        let (positions, updates) = (self.input(inputs, 1)?, self.input(inputs, 2)?);
        let wanted = self.builder.shape(positions).to_vec();
        let same = |place: usize| place == axis || wanted.get(place) == output.get(place);
        if wanted.len() != output.len() || !(0..wanted.len()).all(same) {
            return refuse("positions that cover only part of the other dimensions");
        }
        let (mut data, outer) = self.gather_last(self.first(inputs)?, &[axis])?;
        let (positions, _) = self.gather_last(positions, &[axis])?;
        let (updates, _) = self.gather_last(updates, &[axis])?;
        let lanes = u32::try_from(count(&outer)).unwrap_or(u32::MAX);
        let (length, steps) = (output[axis], wanted[axis]);
        data = self.builder.reshape(data, vec![lanes, length])?;
        let positions = self.builder.reshape(positions, vec![lanes, steps])?;
        let updates = self.builder.reshape(updates, vec![lanes, steps])?;
        for step in 0..steps {
            let position = self.slice_last(positions, step, 1)?;
            let position = self.builder.reshape(position, vec![lanes])?;
            let marks = self.marks(position, length)?;
            let update = self.slice_last(updates, step, 1)?;
            let update = self.builder.broadcast(update, &[lanes, length])?;
            data = if scatter.reduction == ScatterReduction::Add {
                let added = self.builder.multiply(marks, update)?;
                self.builder.combine(&[(data, 1.0), (added, 1.0)], 0.0)?
            } else {
                self.choose(marks, update, data)?
            };
        }
        self.last_moved_to(data, axis, output)
    }
}

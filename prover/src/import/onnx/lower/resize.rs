//! Resizing: a matrix for each dimension that changes, found by running the operator on unit vectors.

use std::sync::Arc;

use tract_onnx::prelude::*;

use super::super::real::builder::{Unsupported, refuse};
use super::super::real::{NodeId, count};
use super::movement::{Place, typed};
use super::{Lowering, evaluate, numbers};

/// Longest dimension that is resized.
const LENGTH_MAX: u32 = 1024;
/// Largest number of elements that all runs on unit vectors compute.
const WORK_MAX: usize = 1 << 28;

impl Lowering<'_> {
    /// Resizing; `None` for other operators.
    pub(super) fn resized(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        if node.op.name() != "Resize" {
            return Ok(None);
        }
        let input = self.first(inputs)?;
        let (shape, output) = (self.builder.shape(input).to_vec(), self.shape_of(node, 0)?);
        let changed: Vec<usize> = (0..shape.len()).filter(|axis| shape.get(*axis) != output.get(*axis)).collect();
        let mut matrices = Vec::new();
        for axis in &changed {
            matrices.push(self.matrix(node, inputs, *axis, &output)?);
        }
        let picks: Option<Vec<Vec<usize>>> =
            matrices.iter().zip(&changed).map(|(matrix, axis)| picks(matrix, shape[*axis] as usize)).collect();
        if let Some(picks) = picks {
            let steps = super::super::real::strides(&shape);
            let place = |mut place: usize| {
                let mut element = 0;
                for axis in (0..output.len()).rev() {
                    let length = output[axis] as usize;
                    let (index, rest) = (place % length, place / length);
                    place = rest;
                    let known = changed.iter().position(|other| *other == axis);
                    element += known.map_or(index, |known| picks[known][index]) * steps[axis].unsigned_abs() as usize;
                }
                Place::Element { input: 0, element }
            };
            let places = (0..count(&output)).map(place).collect();
            return self.placed(&[input], places, output).map(Some);
        }
        let mut value = input;
        let mut current = shape;
        for (axis, matrix) in changed.into_iter().zip(matrices) {
            current[axis] = output[axis];
            let (flat, _) = self.gather_last(value, &[axis])?;
            let resized = self.builder.dense(flat, Arc::new(matrix), vec![0.0; output[axis] as usize])?;
            value = self.last_moved_to(resized, axis, &current)?;
        }
        Ok(Some(value))
    }

    /// `[length after, length before]` of one dimension.
    fn matrix(
        &self,
        node: &TypedNode,
        inputs: &[NodeId],
        axis: usize,
        output: &[u32],
    ) -> Result<Vec<f64>, Unsupported> {
        let shape: Vec<usize> = self.builder.shape(self.first(inputs)?).iter().map(|length| *length as usize).collect();
        let (before, after) = (shape[axis], output[axis] as usize);
        let elements = shape.iter().product::<usize>();
        if before > LENGTH_MAX as usize || count(output).saturating_mul(before) > WORK_MAX {
            return refuse(format!("resizing a dimension of {before} elements"));
        }
        let inner: usize = shape[axis + 1..].iter().product();
        let step: usize = output[axis + 1..].iter().map(|length| *length as usize).product();
        let mut matrix = vec![0.0; after * before];
        for unit in 0..before {
            let values: Vec<f64> =
                (0..elements).map(|place| f64::from(u8::from(place / inner % before == unit))).collect();
            let mut tensors: TVec<TValue> = tvec!();
            for (slot, id) in inputs.iter().enumerate() {
                let tensor = if slot == 0 {
                    typed(&shape, &values, f32::datum_type())?
                } else {
                    let Some(values) = self.builder.literal(*id) else {
                        return refuse("a size that depends on the network's input");
                    };
                    let shape: Vec<usize> = self.builder.shape(*id).iter().map(|length| *length as usize).collect();
                    typed(&shape, &values, self.datum_type(node, slot)?)?
                };
                tensors.push(tensor.into_tvalue());
            }
            let outputs = evaluate(node, tensors)?;
            let result = outputs.first().map_or_else(|| refuse("no result"), |tensor| numbers(tensor))?;
            for row in 0..after {
                matrix[row * before + unit] = result.get(row * step).copied().unwrap_or(0.0);
            }
        }
        Ok(matrix)
    }
}

/// The column that each row of a matrix picks, if it picks one.
fn picks(matrix: &[f64], columns: usize) -> Option<Vec<usize>> {
    let pick = |row: &[f64]| {
        let one = row.iter().position(|weight| *weight == 1.0)?;
        row.iter().enumerate().all(|(column, weight)| *weight == 0.0 || column == one).then_some(one)
    };
    matrix.chunks_exact(columns.max(1)).map(pick).collect()
}

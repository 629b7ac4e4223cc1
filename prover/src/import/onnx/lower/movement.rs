//! Operators that move elements and compute nothing.
//!
//! There are many, each with corner cases of its own, and tract runs them all. So they are run here on element
//! *numbers* instead of elements: what comes out says where every element of the result comes from. Run a second time
//! with other numbers, it also says which elements are constants.

use std::collections::HashMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::array::{Pad, PadMode, TypedConcat};

use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::{NodeId, count};
use super::{Lowering, evaluate, numbers};

/// Where an element comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// An element of an input.
    Element {
        /// Which input.
        input: usize,
        /// Its row-major number.
        element: usize,
    },
    /// A constant.
    Constant(f64),
}

/// Operators whose elements come from inputs `data`, and whose other inputs must be fixed.
fn data_inputs(name: &str) -> Option<&'static [usize]> {
    Some(match name {
        "Reshape" | "AddAxis" | "RmAxis" | "MoveAxis" | "Slice" | "Tile" | "DynTile" | "MultiBroadcastTo" | "Pad"
        | "Downsample" | "NearestUpsample" | "Trilu" | "StridedSlice" | "DynSlice" | "Gather" | "GatherElements"
        | "GatherNd" | "DepthToSpace" | "SpaceToDepth" | "ReverseSequence" | "Reverse" => &[0],
        "ScatterElements" | "ScatterNd" => &[0, 2],
        _ => return None,
    })
}

impl Lowering<'_> {
    /// Structural operators; `None` for others.
    pub(super) fn movement(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        let shape = self.shape_of(node, 0)?;
        if let Some(concat) = node.op_as::<TypedConcat>() {
            return self.builder.concatenate(inputs, concat.axis).map(Some);
        }
        if let Some(pad) = node.op_as::<Pad>()
            && let PadMode::Constant(value) = &pad.mode
        {
            let value = numbers(value)?.first().copied().unwrap_or(0.0);
            let side = |side: fn(&(usize, usize)) -> usize| -> Option<Vec<i32>> {
                pad.pads.iter().map(|pair| i32::try_from(side(pair)).ok()).collect()
            };
            let (Some(low), Some(high)) = (side(|pair| pair.0), side(|pair| pair.1)) else {
                return refuse("a padding beyond 2^31");
            };
            let gaps = vec![0; low.len()];
            return self.builder.pad(self.first(inputs)?, [low, high], gaps, value).map(Some);
        }
        let name = node.op.name();
        let Some(data) = data_inputs(&name) else { return Ok(None) };
        if matches!(name.as_ref(), "Reshape" | "AddAxis" | "RmAxis") {
            return self.builder.reshape(self.first(inputs)?, shape).map(Some);
        }
        let sources: Vec<NodeId> = data.iter().filter_map(|slot| inputs.get(*slot).copied()).collect();
        let places = match self.places(node, inputs, data, DatumType::I64) {
            Ok(places) => places,
            Err(_) => self.places(node, inputs, data, DatumType::F32)?,
        };
        if places.len() != count(&shape) {
            return refuse(format!("{} elements for shape {shape:?}", places.len()));
        }
        self.placed(&sources, places, shape).map(Some)
    }

    /// Where the elements of the result come from, by running the operator on numbers.
    fn places(
        &self,
        node: &TypedNode,
        inputs: &[NodeId],
        data: &[usize],
        number_type: DatumType,
    ) -> Result<Vec<Place>, Unsupported> {
        let sizes: Vec<usize> =
            data.iter().map(|slot| inputs.get(*slot).map_or(0, |id| count(self.builder.shape(*id)))).collect();
        let total: usize = sizes.iter().sum();
        let words = |error: TractError| Unsupported(error.to_string());
        let run = |offset: usize| -> Result<Vec<f64>, Unsupported> {
            let mut tensors: TVec<TValue> = tvec!();
            for (slot, id) in inputs.iter().enumerate() {
                let shape: Vec<usize> = self.builder.shape(*id).iter().map(|dimension| *dimension as usize).collect();
                let tensor = if let Some(place) = data.iter().position(|other| *other == slot) {
                    let first = offset + sizes.iter().take(place).sum::<usize>();
                    let values: Vec<i64> = (0..sizes[place]).map(|element| (first + element) as i64).collect();
                    let tensor = Tensor::from_shape(&shape, &values).map_err(words)?;
                    tensor.cast_to_dt(number_type).map_err(words)?.into_owned()
                } else {
                    let Some(values) = self.integers(inputs, slot) else {
                        return refuse(format!(
                            "input {slot} depends on the network's input: expected fixed positions"
                        ));
                    };
                    let tensor = Tensor::from_shape(&shape, &values).map_err(words)?;
                    let wanted = self.datum_type(node, slot)?;
                    tensor.cast_to_dt(wanted).map_err(words)?.into_owned()
                };
                tensors.push(tensor.into_tvalue());
            }
            let outputs = evaluate(node, tensors)?;
            outputs.first().map_or_else(|| refuse("no result"), |tensor| numbers(tensor))
        };
        let (plain, moved) = (run(0)?, run(total)?);
        let place = |(plain, moved): (&f64, &f64)| {
            if moved - plain != total as f64 {
                return Place::Constant(*plain);
            }
            let mut element = *plain as usize;
            for (input, size) in sizes.iter().enumerate() {
                if element < *size {
                    return Place::Element { input, element };
                }
                element -= size;
            }
            Place::Constant(0.0)
        };
        Ok(plain.iter().zip(&moved).map(place).collect())
    }

    /// A value of elements from anywhere: as a strided view of one source where it is one, as a selection otherwise.
    pub(super) fn placed(&mut self, sources: &[NodeId], places: Vec<Place>, shape: Vec<u32>) -> Built {
        // An element of a uniform constant is that constant.
        let uniform: Vec<Option<f64>> = sources.iter().map(|source| self.builder.uniform(*source)).collect();
        let places: Vec<Place> = places
            .into_iter()
            .map(|place| match place {
                Place::Element { input, .. } => uniform.get(input).copied().flatten().map_or(place, Place::Constant),
                Place::Constant(_) => place,
            })
            .collect();
        let mut used: Vec<usize> = Vec::new();
        let mut constants: Vec<f64> = Vec::new();
        let mut known: HashMap<u64, usize> = HashMap::new();
        for place in &places {
            match place {
                Place::Element { input, .. } if !used.contains(input) => used.push(*input),
                Place::Constant(value) => {
                    known.entry(value.to_bits()).or_insert_with(|| {
                        constants.push(*value);
                        constants.len() - 1
                    });
                }
                Place::Element { .. } => {}
            }
        }
        if let ([input], []) = (&used[..], &constants[..]) {
            let elements: Vec<usize> = places
                .iter()
                .map(|place| if let Place::Element { element, .. } = place { *element } else { 0 })
                .collect();
            let source = sources.get(*input).copied().unwrap_or(0);
            if let Some((offset, steps)) = strided(&elements, &shape) {
                return self.builder.strided(source, offset, shape, steps);
            }
        }
        let mut flat = Vec::new();
        let mut offsets = HashMap::new();
        let mut total = 0usize;
        for input in used {
            let source = sources.get(input).copied().unwrap_or(0);
            let length = count(self.builder.shape(source));
            flat.push(self.builder.reshape(source, vec![u32::try_from(length).unwrap_or(u32::MAX)])?);
            offsets.insert(input, total);
            total += length;
        }
        if !constants.is_empty() {
            let length = u32::try_from(constants.len()).unwrap_or(u32::MAX);
            flat.push(self.builder.constant(vec![length], constants)?);
        }
        let all = self.builder.concatenate(&flat, 0)?;
        let index = |place: &Place| match place {
            Place::Element { input, element } => offsets.get(input).map_or(0, |offset| offset + element),
            Place::Constant(value) => total + known.get(&value.to_bits()).copied().unwrap_or(0),
        };
        let indices = places.iter().map(|place| u32::try_from(index(place)).unwrap_or(u32::MAX)).collect();
        self.builder.select(all, shape, indices)
    }
}

/// Offset and steps, if the element numbers advance by a fixed step in every dimension.
fn strided(elements: &[usize], shape: &[u32]) -> Option<(u32, Vec<i32>)> {
    let first = *elements.first()? as i64;
    let mut inner = 1usize;
    let mut steps = Vec::new();
    for dimension in shape.iter().rev() {
        let step = if *dimension > 1 { *elements.get(inner)? as i64 - first } else { 0 };
        steps.push(i32::try_from(step).ok()?);
        inner = inner.checked_mul(*dimension as usize)?;
    }
    steps.reverse();
    let expected = |mut place: usize| {
        let mut element = first;
        for (dimension, step) in shape.iter().zip(&steps).rev() {
            let length = (*dimension as usize).max(1);
            element += (place % length) as i64 * i64::from(*step);
            place /= length;
        }
        element
    };
    let agrees = elements.iter().enumerate().all(|(place, element)| expected(place) == *element as i64);
    agrees.then_some((u32::try_from(first).ok()?, steps))
}

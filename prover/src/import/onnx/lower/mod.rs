//! From tract's typed graph to real operators.
//!
//! One file for each family of operators. What cannot be lowered is collected, not reported one by one: a user sees
//! every obstacle of a network at once.

mod elementwise;
mod index;
mod linear;
mod movement;
mod pool;
mod recurrent;
mod reduce;
mod tree;

use std::collections::HashMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{AxisOp, EvalContext};
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::konst::Const;
use tract_onnx::tract_core::ops::source::TypedSource;

use super::real::builder::{Builder, Built, Unsupported, refuse};
use super::real::{NodeId, count};

/// Largest number of elements of a value that a network may have on the way.
const ELEMENTS_MAX: usize = 1 << 24;

/// A node that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedNode {
    /// Its name in the network.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// Why not.
    pub why: String,
}

/// A model on its way into a builder: the outer network, or the body of a loop.
pub(super) struct Lowering<'a> {
    /// The network.
    pub(super) model: &'a TypedModel,
    /// What it becomes.
    pub(super) builder: &'a mut Builder,
    /// Values lowered so far.
    pub(super) values: HashMap<OutletId, NodeId>,
    /// What could not be lowered.
    pub(super) unsupported: Vec<UnsupportedNode>,
}

impl<'a> Lowering<'a> {
    /// Starts with the values of the model's inputs, in order.
    pub(super) fn new(model: &'a TypedModel, builder: &'a mut Builder, inputs: &[NodeId]) -> Self {
        let values = model.inputs.iter().copied().zip(inputs.iter().copied()).collect();
        Self { model, builder, values, unsupported: Vec::new() }
    }

    /// Lowers every node; the outputs, or everything that stands in the way.
    pub(super) fn run(mut self) -> Result<Vec<NodeId>, Vec<UnsupportedNode>> {
        let refused = |name: &str, why: String| {
            vec![UnsupportedNode { name: name.to_owned(), operator: "graph".to_owned(), why }]
        };
        let order = self.model.eval_order().map_err(|error| refused("order", error.to_string()))?;
        for id in order {
            let Some(node) = self.model.nodes.get(id) else { continue };
            // What follows an unsupported node is not reported: it may be fine.
            let Some(inputs) = self.inputs(node) else { continue };
            match self.node(node, &inputs) {
                Ok(outputs) => {
                    let outlets = outputs.into_iter().enumerate().map(|(slot, value)| (OutletId::new(id, slot), value));
                    self.values.extend(outlets);
                }
                Err(Unsupported(why)) => {
                    let (name, operator) = (node.name.clone(), node.op.name().into_owned());
                    self.unsupported.push(UnsupportedNode { name, operator, why });
                }
            }
        }
        if !self.unsupported.is_empty() {
            return Err(self.unsupported);
        }
        let outputs: Option<Vec<NodeId>> =
            self.model.outputs.iter().map(|outlet| self.values.get(outlet).copied()).collect();
        outputs.ok_or_else(|| refused("outputs", "an output of the network is never computed".to_owned()))
    }

    fn inputs(&self, node: &TypedNode) -> Option<Vec<NodeId>> {
        if node.op_is::<TypedSource>() {
            return Some(Vec::new());
        }
        node.inputs.iter().map(|outlet| self.values.get(outlet).copied()).collect()
    }

    fn node(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Vec<NodeId>, Unsupported> {
        if node.op_is::<TypedSource>() {
            return match self.values.get(&OutletId::new(node.id, 0)) {
                Some(value) => Ok(vec![*value]),
                None => refuse("an input that the network does not declare"),
            };
        }
        for slot in 0..node.outputs.len() {
            // Some operators declare outputs that nothing reads and nothing can be said of.
            if !node.outputs[slot].successors.is_empty() || slot == 0 {
                self.shape_of(node, slot)?;
            }
        }
        if let Some(constant) = node.op_as::<Const>() {
            return Ok(vec![self.tensor(constant.val())?]);
        }
        if node.op_is::<Identity>() {
            return Ok(vec![self.first(inputs)?]);
        }
        if let Some(cast) = node.op_as::<Cast>() {
            let from = self.datum_type(node, 0)?;
            return Ok(vec![self.cast(self.first(inputs)?, from, cast.to)?]);
        }
        if let Some(outputs) = self.elementwise(node, inputs)? {
            return Ok(vec![outputs]);
        }
        if let Some(outputs) = self.linear(node, inputs)? {
            return Ok(vec![outputs]);
        }
        if let Some(output) = self.pool(node, inputs)? {
            return Ok(vec![output]);
        }
        if let Some(outputs) = self.reduce(node, inputs)? {
            return Ok(outputs);
        }
        if let Some(outputs) = self.recurrent(node, inputs)? {
            return Ok(outputs);
        }
        if let Some(output) = self.indexed(node, inputs)? {
            return Ok(vec![output]);
        }
        if let Some(output) = self.tree(node, inputs)? {
            return Ok(vec![output]);
        }
        if let Some(output) = self.movement(node, inputs)? {
            return Ok(vec![output]);
        }
        refuse("this operator is not supported")
    }

    /// The first input.
    fn first(&self, inputs: &[NodeId]) -> Built {
        self.input(inputs, 0)
    }

    /// An input by number.
    fn input(&self, inputs: &[NodeId], slot: usize) -> Built {
        inputs.get(slot).copied().ok_or_else(|| Unsupported(format!("input {slot} is missing")))
    }

    /// The shape of an output.
    fn shape_of(&self, node: &TypedNode, slot: usize) -> Result<Vec<u32>, Unsupported> {
        let fact = node.outputs.get(slot).map(|outlet| &outlet.fact);
        let shape = fact.and_then(|fact| fact.shape.as_concrete()).and_then(shape_u32);
        match shape {
            Some(shape) if count(&shape) <= ELEMENTS_MAX => Ok(shape),
            Some(shape) => refuse(format!("shape {shape:?}: expected at most {ELEMENTS_MAX} elements")),
            None => {
                let got = fact.map(|fact| format!("{:?}", fact.shape)).unwrap_or_default();
                refuse(format!("a shape that depends on the input ({got}): expected fixed dimensions"))
            }
        }
    }

    /// The element type of an input.
    fn datum_type(&self, node: &TypedNode, slot: usize) -> Result<DatumType, Unsupported> {
        let fact = node.inputs.get(slot).and_then(|outlet| self.model.outlet_fact(*outlet).ok());
        fact.map(|fact| fact.datum_type).ok_or_else(|| Unsupported(format!("input {slot} has no type")))
    }

    /// A constant of the network.
    fn tensor(&mut self, tensor: &Tensor) -> Built {
        let Some(shape) = shape_u32(tensor.shape()) else { return refuse("a constant with a dimension beyond 2^32") };
        let values = numbers(tensor)?;
        self.builder.constant(shape, values)
    }

    /// The fixed whole numbers of an input; `None` if it is not fixed.
    fn integers(&self, inputs: &[NodeId], slot: usize) -> Option<Vec<i64>> {
        let values = self.builder.literal(*inputs.get(slot)?)?;
        Some(values.iter().map(|value| *value as i64).collect())
    }

    /// The value with its reduced dimensions last and flattened, and the order that did it.
    fn gather_last(&mut self, value: NodeId, axes: &[usize]) -> Result<(NodeId, Vec<u32>), Unsupported> {
        let shape = self.builder.shape(value).to_vec();
        if axes.iter().any(|axis| *axis >= shape.len()) {
            return refuse(format!("dimensions {axes:?} of shape {shape:?}"));
        }
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
        let order: Vec<usize> = kept.iter().chain(axes).copied().collect();
        let moved = self.builder.transpose(value, &order)?;
        let kept: Vec<u32> = kept.iter().map(|axis| shape[*axis]).collect();
        let length = axes.iter().fold(1u32, |product, axis| product.saturating_mul(shape[*axis]));
        let flat = kept.iter().copied().chain([length]).collect();
        Ok((self.builder.reshape(moved, flat)?, kept))
    }
}

/// The numbers of a tensor, whatever its type.
fn numbers(tensor: &Tensor) -> Result<Vec<f64>, Unsupported> {
    let words = |error: TractError| Unsupported(format!("a constant of type {:?}: {error}", tensor.datum_type()));
    let plain = if tensor.datum_type() == TDim::datum_type() {
        tensor.cast_to::<i64>().map_err(words)?.cast_to::<f64>().map_err(words)?.into_owned()
    } else {
        tensor.cast_to::<f64>().map_err(words)?.into_owned()
    };
    let view = plain.to_plain_array_view::<f64>().map_err(words)?;
    Ok(view.iter().copied().collect())
}

/// Dimensions in 32 bits.
pub(super) fn shape_u32(shape: &[usize]) -> Option<Vec<u32>> {
    shape.iter().map(|dimension| u32::try_from(*dimension).ok()).collect()
}

/// Whether values of this type are whole numbers.
pub(super) fn is_whole(datum_type: DatumType) -> bool {
    datum_type.is_integer() || datum_type == TDim::datum_type() || datum_type == bool::datum_type()
}

/// Runs an operator on tensors, outside any network.
fn evaluate(node: &TypedNode, inputs: TVec<TValue>) -> Result<TVec<TValue>, Unsupported> {
    node.op
        .eval(&EvalContext::out_of_plan(), inputs)
        .map_err(|error| Unsupported(format!("the operator does not run on its inputs: {error}")))
}

/// A tensor after a change of its dimensions.
fn rearranged(mut tensor: Tensor, changes: &[AxisOp]) -> Result<Tensor, Unsupported> {
    for change in changes {
        change.change_tensor(&mut tensor, false).map_err(|error| Unsupported(error.to_string()))?;
    }
    Ok(tensor)
}

//! Refuses what a network would make tract allocate, before tract allocates it.
//!
//! Whatever reads nothing but constants is evaluated by tract while it infers shapes, and looked at for its size
//! afterwards: three numbers in a file can ask for terabytes, and an allocation that fails ends the process. So each node
//! is first asked for the shapes of its outputs alone. Bodies of loops are not looked into.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::{Factoid, InferenceFact};
use tract_onnx::tract_hir::internal::DimLike;

use super::parse::{ParseError, malformed, printable};

/// Largest number of elements that a node makes of fewer.
const ELEMENTS_MAX: usize = 1 << 24;
/// tract's names of the operators that read how large their outputs are. Inference takes these numbers as 32 bits each,
/// evaluation does not, so they are looked at themselves.
const SIZED: [&str; 7] = ["ConstantOfShape", "MultiBroadcastTo", "OneHot", "Pad", "Range", "Resize", "Tile"];

/// Brings facts forward through a network whose inputs are known, a node at a time.
pub(super) fn check(model: &mut InferenceModel) -> Result<(), ParseError> {
    for id in model.eval_order().map_err(malformed)? {
        let (inputs, outputs) = model.node_facts(id).map_err(malformed)?;
        if inputs.is_empty() {
            // Inputs are bounded by now, and constants are as large as the file makes them.
            continue;
        }
        let node = model.node(id);
        let observed = node.op.observe_outlets(model, node).map_err(malformed)?;
        let observed = observed.into_iter().map(|outlet| model.outlet_fact(outlet).cloned());
        let observed: Vec<InferenceFact> = observed.collect::<TractResult<_>>().map_err(malformed)?;
        let inputs: Vec<InferenceFact> = inputs.into_iter().cloned().collect();
        let outputs: Vec<InferenceFact> = outputs.into_iter().cloned().collect();
        let name = printable(&node.name);
        let op = &mut model.node_mut(id).op;
        let (_, expected, _) = op.infer_facts(all(&inputs), all(&outputs), all(&observed)).map_err(malformed)?;
        let read = inputs.iter().fold(0usize, |sum, fact| sum.saturating_add(elements(fact)));
        let limit = read.max(ELEMENTS_MAX);
        let asked = if SIZED.contains(&&*op.name()) { inputs.iter().map(largest).max() } else { None };
        if let Some(got) = expected.iter().map(elements).chain(asked).find(|made| *made > limit) {
            return Err(ParseError::ValueSize { name, limit, got });
        }
        let (_, inferred, _) = op.infer(all(&inputs), all(&outputs), all(&observed)).map_err(malformed)?;
        for (slot, (known, inferred)) in outputs.iter().zip(&inferred).enumerate() {
            let fact = known.unify(inferred).map_err(malformed)?;
            model.set_outlet_fact(OutletId::new(id, slot), fact).map_err(malformed)?;
        }
    }
    Ok(())
}

fn all(facts: &[InferenceFact]) -> TVec<&InferenceFact> {
    facts.iter().collect()
}

/// The elements of a value, those dimensions that are not known yet taken as 1.
fn elements(fact: &InferenceFact) -> usize {
    let known = fact.shape.dims().filter_map(|dimension| dimension.concretize()?.to_usize().ok());
    known.fold(1, usize::saturating_mul)
}

/// The largest magnitude among the whole numbers of a known value.
fn largest(fact: &InferenceFact) -> usize {
    let known = fact.value.concretize().filter(|value| value.datum_type() == i64::datum_type());
    let largest = |value: Arc<Tensor>| {
        let numbers = value.to_plain_array_view::<i64>().ok()?;
        numbers.iter().map(|number| number.unsigned_abs()).max()
    };
    known.and_then(largest).map_or(0, |number| usize::try_from(number).unwrap_or(usize::MAX))
}

//! Registering models.
//!
//! Nobody's key is trusted: the key is derived here from the graph, under a setup that genesis allows, and its model
//! hash becomes the model's identity. Units are bounded by the graph's multiply-accumulates, since the mint's cost floor
//! is paid per unit and a free formula would mint at will.

pub(crate) mod challenge;

use circuits::model::graph::Graph;

use super::{Call, Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::types::event::Event;
use crate::types::model::{MODEL_BYTES_MAX, Model, ModelStatus};
use crate::types::transaction::RegisterModel;

/// Admits a model.
// spec: chain#register-model
pub(crate) fn register(execution: &mut Execution<'_>, call: Call<'_>, action: &RegisterModel) -> Result<(), Failure> {
    let environment = execution.environment;
    // spec: chain#model-oversized
    let got = action.graph.len().saturating_add(action.commitment.len());
    if got > MODEL_BYTES_MAX {
        return Err(Reject::ModelOversized { max: MODEL_BYTES_MAX, got }.into());
    }
    // spec: chain#model-bond-low
    let expected = environment.params.bond.model_min;
    if action.bond < expected {
        return Err(Reject::ModelBondLow { expected, got: action.bond }.into());
    }
    // spec: chain#graph-malformed
    let graph = Graph::decode(&action.graph).map_err(Reject::GraphMalformed)?;
    let (tokens_in, tokens_out) = Model::tokens_of(&graph);
    let units = check_units(&graph, action, tokens_in, tokens_out)?;
    // spec: chain#circuit-oversized
    let (max, got) = (environment.params.model.k_max, graph.layout().k);
    if got > max {
        return Err(Reject::CircuitOversized { max, got }.into());
    }
    // The bond is taken before the key is derived, so that only who can pay makes the node work.
    execution.debit(call.sender, action.bond)?;
    let key = environment.services.derive(graph, &action.commitment, &action.setup)?;
    let model = key.model_hash();
    // spec: chain#model-duplicate
    if execution.state.contains(&Key::Model(model))? {
        return Err(Reject::ModelDuplicate { model }.into());
    }
    let record = Model {
        version: 1,
        registrant: *call.sender,
        graph: action.graph.clone(),
        commitment: action.commitment.clone(),
        setup: action.setup,
        key_digest: key.digest(),
        formula: action.formula,
        tokens_in,
        tokens_out,
        units,
        bond: action.bond,
        registered_height: environment.height,
        status: ModelStatus::Open,
    };
    execution.state.put(&Key::Model(model), record)?;
    execution.events.push(Event::ModelRegistered { model, units });
    Ok(())
}

fn check_units(graph: &Graph, action: &RegisterModel, tokens_in: u64, tokens_out: u64) -> Result<u64, Reject> {
    let units = action.formula.units(tokens_in, tokens_out).ok_or(Reject::AmountOverflow { what: "units" })?;
    // spec: chain#units-zero
    if units == 0 {
        return Err(Reject::UnitsZero);
    }
    // spec: chain#units-excessive
    let max = graph.multiply_accumulates();
    if units > max {
        return Err(Reject::UnitsExcessive { max, got: units });
    }
    Ok(units)
}

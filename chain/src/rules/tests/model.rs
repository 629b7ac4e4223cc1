use attestation::codec::DecodeError;
use circuits::model::graph::{GraphError, Layout};
use verifier::key::KeyError;

use crate::rules::Reject;
use crate::testing::{FUNDS, K, World, commitment, graph, register_model, setup};
use crate::types::model::{MODEL_BYTES_MAX, UnitsFormula};
use crate::types::transaction::{Action, RegisterModel};

fn refusal(change: impl FnOnce(&mut RegisterModel)) -> Reject {
    let mut world = World::new();
    let mut action = register_model();
    change(&mut action);
    world.refusal(1, Action::RegisterModel(action))
}

#[test]
fn a_registered_model_carries_the_key_this_node_derived() {
    let mut world = World::new();
    let hash = world.register_model();
    let (_, model) = world.model();
    let key = verifier::key::VerifyingKey::derive(graph(), commitment(3), setup()).unwrap();
    assert_eq!((hash, model.key_digest), (key.model_hash(), key.digest()));
    assert_eq!((model.units, model.tokens_in, model.tokens_out), (18, 2, 1));
    assert_eq!(world.machine().supply().unwrap().held.bonds, 100_000_000);
    assert_eq!(world.balance(1), FUNDS - 25_000_000 - 100_000_000);
}

#[test]
fn the_same_model_is_refused_the_second_time() {
    let mut world = World::new();
    let model = world.register_model();
    assert_eq!(world.refusal(2, Action::RegisterModel(register_model())), Reject::ModelDuplicate { model });
}

#[test]
fn size_bond_graph_and_commitment_are_checked() {
    assert_eq!(
        refusal(|action| action.commitment = vec![0; MODEL_BYTES_MAX]),
        Reject::ModelOversized { max: MODEL_BYTES_MAX, got: MODEL_BYTES_MAX + graph().encode().len() }
    );
    assert_eq!(
        refusal(|action| action.bond = 99_999_999),
        Reject::ModelBondLow { expected: 100_000_000, got: 99_999_999 }
    );
    assert_eq!(
        refusal(|action| action.graph = vec![9; 100]),
        Reject::GraphMalformed(GraphError::Version { got: 0x0909 })
    );
    assert_eq!(
        refusal(|action| action.graph = vec![1; MODEL_BYTES_MAX]),
        Reject::ModelOversized {
            max: MODEL_BYTES_MAX,
            got: MODEL_BYTES_MAX + borsh::to_vec(&commitment(3)).unwrap().len()
        }
    );
    assert_eq!(
        refusal(|action| action.commitment.push(0)),
        Reject::CommitmentMalformed(DecodeError::TrailingBytes { what: "model commitment", extra: 1 })
    );
}

#[test]
fn only_setups_of_genesis_are_allowed() {
    assert_eq!(refusal(|action| action.setup = [3; 32]), Reject::SetupNotAllowed { setup: [3; 32] });
}

#[test]
fn a_key_that_does_not_follow_is_refused() {
    assert_eq!(
        refusal(|action| action.commitment = borsh::to_vec(&commitment(4)).unwrap()),
        Reject::KeyUnderivable(KeyError::RowCount { expected: 3, got: 4 })
    );
}

#[test]
fn circuits_beyond_the_chains_size_are_refused() {
    let larger = graph().with_layout(Layout { k: K + 1, rows: 3, lanes: 1 }).unwrap();
    assert_eq!(refusal(|action| action.graph = larger.encode()), Reject::CircuitOversized { max: K, got: K + 1 });
}

#[test]
fn units_are_above_zero_and_at_most_what_the_graph_computes() {
    let formula = |base, per_token_in, per_token_out| UnitsFormula { base, per_token_in, per_token_out };
    assert_eq!(refusal(|action| action.formula = formula(0, 0, 0)), Reject::UnitsZero);
    assert_eq!(refusal(|action| action.formula = formula(19, 0, 0)), Reject::UnitsExcessive { max: 18, got: 19 });
    // The input [2, 2] is two vectors, the output one.
    assert_eq!(refusal(|action| action.formula = formula(0, 9, 1)), Reject::UnitsExcessive { max: 18, got: 19 });
    assert_eq!(refusal(|action| action.formula = formula(1, u64::MAX, 0)), Reject::AmountOverflow { what: "units" });
}

//! A model with weights, and its commitments: what there is to audit.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use circuits::model::bundle::{Bundle, Info};
use circuits::model::weights::{LinearWeights, Weights};
use verifier::key::ModelCommitment;
use verifier::row_opening::{RowOpening, open};
use verifier::rows::commit;

use super::{World, graph, register_model, setup};
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::transaction::{Action, ChallengeModel, RegisterModel};

/// The test graph with weights.
fn bundle() -> Bundle {
    let graph = graph();
    let nodes = BTreeMap::from([
        (0, LinearWeights::new(3, 4, vec![1, 2, 3, 4, -1, -2, -3, -4, 5, -5, 5, -5], vec![1, -2, 3]).unwrap()),
        (2, LinearWeights::new(2, 3, vec![1, -2, 3, -4, 2, -1], vec![10, -10]).unwrap()),
    ]);
    let weights = Weights::new(&graph, nodes).unwrap();
    let info = Info { name: "test".to_owned(), labels: vec![], input_scale: String::new(), quantisation: None };
    Bundle::new(graph, weights, info).unwrap()
}

/// Its commitments.
pub(crate) fn true_commitment() -> ModelCommitment {
    static COMMITMENT: LazyLock<ModelCommitment> = LazyLock::new(|| commit(&bundle(), setup()).unwrap());
    COMMITMENT.clone()
}

/// Row `index` of the model, opened.
pub(crate) fn opening(index: usize) -> Vec<RowOpening> {
    open(&bundle(), index).unwrap()
}

impl World {
    /// Registers the test model by account 1, with its commitments changed.
    pub(crate) fn register_committed(&mut self, change: impl FnOnce(&mut ModelCommitment)) -> Hash {
        let mut commitment = true_commitment();
        change(&mut commitment);
        let action = RegisterModel { commitment: borsh::to_vec(&commitment).unwrap(), ..register_model() };
        match self.send(1, Action::RegisterModel(action)).events.as_slice() {
            [Event::ModelRegistered { model, .. }] => *model,
            events => panic!("unexpected events {events:?}"),
        }
    }

    /// A challenge of the model by row `index`.
    pub(crate) fn row_challenge(model: Hash, index: usize) -> ChallengeModel {
        ChallengeModel { model, openings: opening(index), bond: 2_000_000 }
    }
}

//! What the proof tests share: a small model with its key and an honest run.

use std::sync::Arc;

use circuits::layout::choose;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::random::{Limits, Model};
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use verifier::key::VerifyingKey;

/// A model with its key and an honest run.
pub(crate) struct Fixture {
    pub(crate) key: ProvingKey,
    pub(crate) statement: Statement,
    pub(crate) values: Vec<Vec<i64>>,
}

impl Fixture {
    pub(crate) fn new(bundle: Arc<Bundle>, input: Tensor) -> Self {
        let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
        let key = ProvingKey::derive(Arc::clone(&bundle), &setup).unwrap();
        let trace = reference::run(bundle.graph(), bundle.weights(), &input).unwrap();
        let output = Tensor::vector(trace.output().to_vec()).unwrap();
        Self { key, statement: Statement { context_digest: [7; 32], input, output }, values: trace.values }
    }

    /// Two requantised stages and a raw output, in 2^6 to 2^9 rows.
    pub(crate) fn small() -> Self {
        let (seed, model) = (0..200)
            .map(|seed| {
                (seed, Model::from_seed(seed, &Limits { quotients_max: 60, shift_max: 4, ..Limits::circuit() }))
            })
            .find(|(_, model)| {
                let wide = model.graph.values().iter().all(|value| value.width() > 2);
                model.graph.nodes().len() == 5 && wide
            })
            .unwrap();
        let layout = choose(&model.graph).unwrap();
        let input = model.input(seed + 2);
        let graph = model.graph.with_layout(layout).unwrap();
        let info = Info { name: "small".into(), labels: vec![], input_scale: String::new(), quantisation: None };
        Self::new(Arc::new(Bundle::new(graph, model.weights, info).unwrap()), input)
    }

    pub(crate) fn verifying(&self) -> &VerifyingKey {
        self.key.verifying()
    }
}

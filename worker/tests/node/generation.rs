//! Jobs of a model that generates.

use std::sync::Arc;

use chain::types::transaction::PostJob;
use chain::types::{JobPolicy, UnitsFormula};
use circuits::layout::choose;
use circuits::model::bundle::{Bundle, Info};
use circuits::model::graph::{Activation, Graph, Input, Layout, Node, Operator};
use circuits::model::range::Range;
use circuits::model::tensor::Tensor;
use circuits::model::weights::{LinearWeights, Weights};
use worker::engine::CandleEngine;
use worker::executor::Device;
use worker::{JobSettings, Models, ServedModel, WorkerReport};

use crate::jobs::settled;
use crate::world::{World, fixture};

/// A model that is asked three numbers and generates three, each of the three before it.
fn generating_model() -> Arc<ServedModel> {
    let range = |min, max| Range { min, max };
    let dense = Operator::Dense { inputs: 3, outputs: 1, accumulator: range(-9, 18) };
    let requantise = Operator::Requantise { shift: 1, clamp: range(0, 9), activation: Activation::Identity };
    let nodes = [
        (Operator::Strided { offset: 0, shape: vec![3, 3], strides: vec![1, 1] }, 0),
        (dense, 1),
        (Operator::Reshape { shape: vec![3] }, 2),
        (requantise, 3),
    ];
    let nodes = nodes.map(|(operator, input)| Node { operator, inputs: vec![input] }).to_vec();
    let input = Input { shape: vec![5], range: range(0, 9) };
    let graph = Graph::new(input, nodes, Layout { k: 8, rows: 1, lanes: 1 }).unwrap().with_generation().unwrap();
    let layout = choose(&graph).unwrap();
    let graph = graph.with_layout(layout).unwrap();
    let linear = LinearWeights::new(1, 3, vec![1, 1, -1], vec![0]).unwrap();
    let weights = Weights::new(&graph, [(1, linear)].into_iter().collect()).unwrap();
    let info = Info { name: "three more".into(), labels: vec![], input_scale: String::new(), quantisation: None };
    let bundle = Arc::new(Bundle::new(graph, weights, info).unwrap());
    Arc::new(ServedModel::derive(bundle, &fixture().setup).unwrap())
}

/// The prompt is the job's input, and what continues it the receipt's output; each token of both is paid.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_generated_is_proven_and_paid_by_the_token() {
    let world = World::start(|_| {}).await;
    let model = generating_model();
    world.register_model_at(&model, UnitsFormula { base: 1, per_token_in: 1, per_token_out: 1 }).await;
    let models: Models = [Arc::clone(&model)].into_iter().collect();
    let person = world.worker_with("a", Arc::new(CandleEngine::new(Device::Cpu)), models).await;
    let policy = JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: 0 };
    let prompt = Tensor::vector(vec![1, 2, 4]).unwrap();
    let job = world.post(PostJob { policy, ..world.job(&model, prompt) }).await;
    assert_eq!(world.job_record(&job).await.units, 7);
    let running = person.work(JobSettings::default());
    let (done, _, paid) = person.journal.wait("settlement", settled).await;
    running.drain().await;
    // Seven units at 10 000, a fifth of it burned.
    assert_eq!((done, paid), (job, 56_000));
    // (1 + 2 - 4) / 2, then (2 + 4 - 0) / 2, then (4 + 0 - 3) / 2, halves up.
    let answer = Tensor::vector(vec![0, 3, 1]).unwrap();
    assert_eq!(world.settled(&job).await.output_hash, answer.hash());
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Proven { .. })), 1);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Refused { .. })), 0);
}

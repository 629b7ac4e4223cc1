//! Jobs of a model that generates.

use std::sync::Arc;

use chain::types::transaction::PostJob;
use chain::types::{JobPolicy, UnitsFormula};
use circuits::model::recurrence::three_terms;
use circuits::model::tensor::Tensor;
use worker::engine::CandleEngine;
use worker::executor::Device;
use worker::{JobSettings, Models, ServedModel, WorkerReport};

use crate::jobs::settled;
use crate::world::{World, fixture};

/// The prompt is the job's input, and what continues it the receipt's output; each token of both is paid.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_generated_is_proven_and_paid_by_the_token() {
    let world = World::start(|_| {}).await;
    let model = Arc::new(ServedModel::derive(Arc::new(three_terms()), &fixture().setup).unwrap());
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

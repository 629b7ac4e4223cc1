//! Verdicts of juries that were wrong: an honest worker answers, or has a larger jury sit.

use std::sync::Arc;

use chain::state::Key;
use chain::types::{Dispute, Hash, ResultStage, Stake, WindowParams};
use worker::engine::{CandleEngine, Engine};
use worker::executor::Device;
use worker::{JobSettings, WorkerReport};

use crate::engines::{LyingEngine, UnprovableEngine};
use crate::reviews::{SAMPLED, end, reach, submitted};
use crate::world::{Person, STAKE, World, fixture};

fn appeals(window: &mut WindowParams) {
    window.appeal = 200;
}

/// Workers that all return the same wrong output.
async fn liars(world: &World, names: &[&'static str]) -> Vec<Person> {
    let mut people = Vec::new();
    for name in names {
        people.push(world.worker_with(name, Arc::new(LyingEngine::new()), fixture().models.clone()).await);
    }
    people
}

/// A right result of an absent worker that a checker and a jury of liars found wrong.
async fn wronged(world: &World, engine: Arc<dyn Engine>) -> (Person, Hash) {
    let worker = world.worker_with("a", engine, fixture().models.clone()).await;
    let liars = liars(world, &["b", "c", "d", "e"]).await;
    world.post_image(40).await;
    let running = worker.work(SAMPLED);
    let result = worker.journal.wait("result", submitted).await;
    running.halt().await;
    let checking: Vec<_> = liars.iter().map(Person::check).collect();
    reach(world, &result, ResultStage::Appealing).await;
    for running in checking {
        running.drain().await;
    }
    (worker, result)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_away_proves_a_verdict_wrong() {
    let world = World::start(appeals).await;
    let (worker, result) = wronged(&world, Arc::new(CandleEngine::new(Device::Cpu))).await;
    let running = worker.work(SAMPLED);
    let ended = worker.journal.wait("end", end).await;
    assert!(matches!(ended, WorkerReport::Settled { .. }), "{ended:?}");
    running.drain().await;
    assert_eq!(worker.journal.count(|report| matches!(report, WorkerReport::FoundWrong { .. })), 1);
    assert_eq!(world.result(&result).await.trust_bps, 10_000);
    let stake: Stake = world.client().get(&Key::Stake(*worker.operator.worker())).await.unwrap().unwrap();
    assert_eq!((stake.amount, stake.bonded), (STAKE, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_prove_appeals_and_one_that_was_wrong_does_not() {
    let world = World::start(appeals).await;
    let (worker, result) = wronged(&world, Arc::new(UnprovableEngine::new())).await;
    let running = worker.work(JobSettings::default());
    let appealed = |report: &WorkerReport| matches!(report, WorkerReport::Appealed { .. }).then_some(());
    worker.journal.wait("appeal", appealed).await;
    assert_eq!(worker.journal.count(|report| matches!(report, WorkerReport::Unanswered { .. })), 1);
    let dispute: Dispute = world.client().get(&Key::Dispute(result)).await.unwrap().unwrap();
    assert!(dispute.verdict.is_some_and(|verdict| verdict.appeal_bond > 0));
    running.halt().await;

    // Its own run gives the honest output now, and not the one that it handed in.
    let world = World::start(appeals).await;
    let liar = world.worker_with("a", Arc::new(LyingEngine::new()), fixture().models.clone()).await;
    let mut checking = Vec::new();
    for name in ["b", "c", "d", "e"] {
        checking.push(world.worker(name).await.check());
    }
    world.post_image(41).await;
    let running = liar.work(SAMPLED);
    let result = liar.journal.wait("result", submitted).await;
    running.halt().await;
    reach(&world, &result, ResultStage::Appealing).await;
    let honest = Arc::new(CandleEngine::new(Device::Cpu));
    let late = world.person("a", honest, fixture().models.clone()).await;
    let running = late.work(JobSettings::default());
    let reason = late.journal.wait("reason", |report| match report {
        WorkerReport::Unanswered { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    let reason = reason.await;
    running.halt().await;
    assert!(reason.contains("output"), "{reason}");
    assert_eq!(late.journal.count(|report| appealed(report).is_some()), 0);
    for running in checking {
        running.drain().await;
    }
}

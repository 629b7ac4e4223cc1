//! Workers and nodes that go away in the middle.

use std::sync::Arc;

use worker::{JobSettings, WorkerReport};

use crate::engines::GatedEngine;
use crate::world::{PATIENCE, World, fixture};

fn settlement(report: &WorkerReport) -> Option<chain::types::Hash> {
    match report {
        WorkerReport::Settled { job, .. } => Some(*job),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_finds_the_work_done() {
    let mut world = World::start(|_| {}).await;
    let (engine, begun, gate) = GatedEngine::new();
    let person = world.worker_with("a", Arc::new(engine), fixture().models.clone()).await;
    let job = world.post_image(10).await;
    let running = person.work(JobSettings::default());
    let begun = tokio::task::spawn_blocking(move || begun.recv_timeout(PATIENCE).map(|()| begun));
    begun.await.unwrap().unwrap();
    world.stop().await;
    gate.send(()).unwrap();
    let lost = |report: &WorkerReport| matches!(report, WorkerReport::Disconnected { .. }).then_some(());
    person.journal.wait("lost connection", lost).await;
    world.serve().await;
    assert_eq!(person.journal.wait("settlement", settlement).await, job);
    running.drain().await;
    assert_eq!(world.settled(&job).await.worker, *person.operator.worker());
    let back = person.journal.count(|report| matches!(report, WorkerReport::Reconnected));
    assert!(back >= 1);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Leased { .. })), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_worker_finishes_the_lease_it_had() {
    let world = World::start(|_| {}).await;
    let (engine, begun, gate) = GatedEngine::new();
    let before = world.worker_with("a", Arc::new(engine), fixture().models.clone()).await;
    let job = world.post_image(11).await;
    let running = before.work(JobSettings::default());
    tokio::task::spawn_blocking(move || begun.recv_timeout(PATIENCE)).await.unwrap().unwrap();
    running.halt().await;
    drop(gate);
    assert_eq!(before.journal.count(|report| matches!(report, WorkerReport::Submitted { .. })), 0);

    let after = world
        .person(
            "a",
            Arc::new(worker::engine::CandleEngine::new(worker::executor::Device::Cpu)),
            fixture().models.clone(),
        )
        .await;
    assert!(after.operator.register().await.unwrap().before);
    let running = after.work(JobSettings::default());
    let resumed = after.journal.wait("resumption", |report| match report {
        WorkerReport::Resumed { job, .. } => Some(*job),
        _ => None,
    });
    assert_eq!(resumed.await, job);
    assert_eq!(after.journal.wait("settlement", settlement).await, job);
    running.drain().await;
    assert_eq!(after.journal.count(|report| matches!(report, WorkerReport::Leased { .. })), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_finishes_and_takes_nothing_new() {
    let world = World::start(|_| {}).await;
    let (engine, begun, gate) = GatedEngine::new();
    let person = world.worker_with("a", Arc::new(engine), fixture().models.clone()).await;
    let (first, second) = (world.post_image(12).await, world.post_image(13).await);
    let running = person.work(JobSettings::default());
    tokio::task::spawn_blocking(move || begun.recv_timeout(PATIENCE)).await.unwrap().unwrap();
    gate.send(()).unwrap();
    running.drain().await;
    let done = person.journal.wait("settlement", settlement).await;
    assert!([first, second].contains(&done));
    let left = if done == first { second } else { first };
    assert_eq!(world.job_record(&left).await.status, chain::types::JobStatus::Open);
    assert_eq!(person.journal.count(|report| settlement(report).is_some()), 1);
}

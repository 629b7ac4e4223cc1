//! Synthetic tasks, answered on candle over a real node.

use chain::state::Key;
use chain::types::{ResourceSnapshot, SyntheticClaim};
use worker::WorkerReport;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_the_task_of_the_epoch_once() {
    let world = World::start(|_| {}).await;
    let person = world.worker("a").await;
    let running = person.answer_tasks();
    let epoch = person.journal.wait("answer", |report| match report {
        WorkerReport::Present { epoch } => Some(*epoch),
        _ => None,
    });
    assert_eq!(epoch.await, 0);
    running.drain().await;
    let worker = *person.operator.worker();
    let client = world.client();
    let snapshot: ResourceSnapshot = client.get(&Key::Snapshot(worker)).await.unwrap().unwrap();
    assert_eq!((snapshot.epoch, snapshot.history, snapshot.answered), (0, 1, 1));
    assert_eq!(client.get::<SyntheticClaim>(&Key::Synthetic(worker)).await.unwrap(), None);
    // Started again in the same epoch, there is nothing to do.
    person.answer_tasks().drain().await;
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Present { .. })), 1);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Refused { .. })), 0);
}

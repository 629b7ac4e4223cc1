//! Registering and staking, again and again.

use std::sync::Arc;

use chain::client::Account;
use chain::state::Key;
use chain::types::{Stake, WorkerRegistration};
use worker::engine::CandleEngine;
use worker::executor::Device;
use worker::{CheckLoop, Hardware, JobLoop, JobSettings, Models, NoInputs, Operator, Reports, WorkerError, stop};

use crate::world::{STAKE, World, account_key, fixture, model, worker_key};

#[tokio::test(flavor = "multi_thread")]
async fn registering_and_staking_twice_is_the_same_as_once() {
    let world = World::start(|_| {}).await;
    let person = world.worker("a").await;
    let operator = &person.operator;
    let again = operator.register().await.unwrap();
    assert!(again.before);
    assert_eq!((again.missing, again.unregistered), (vec![], vec![]));
    assert_eq!(operator.stake(STAKE).await.unwrap(), 0);
    assert_eq!(operator.stake(STAKE + 5).await.unwrap(), 5);
    let stake: Stake = world.client().get(&Key::Stake(*operator.worker())).await.unwrap().unwrap();
    assert_eq!(stake.amount, STAKE + 5);
    let record: WorkerRegistration = world.client().get(&Key::Worker(*operator.worker())).await.unwrap().unwrap();
    assert_eq!(record.models, [*model().hash()]);
    assert_eq!(record.version, 1);

    // Without bundles it can do nothing that it is registered for.
    let idle = world.person("a", Arc::new(CandleEngine::new(Device::Cpu)), Models::default()).await;
    assert_eq!(idle.operator.register().await.unwrap().missing, [*model().hash()]);
    let error = idle.check().ended().await;
    assert!(matches!(&error, WorkerError::NoModels { worker } if worker == operator.worker()), "{error}");
    let error = idle.work(JobSettings::default()).ended().await;
    assert!(matches!(&error, WorkerError::NoModels { worker } if worker == operator.worker()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_key_of_another_account_is_refused_by_name() {
    let world = World::start(|_| {}).await;
    let owner = world.worker("a").await;
    let client = world.client();
    let account = Account::open(client, account_key("b")).await.unwrap();
    let thief = Operator::new(
        account,
        worker_key("a"),
        fixture().models.clone(),
        Hardware::this_machine(Device::Cpu, "test").unwrap(),
        Arc::new(CandleEngine::new(Device::Cpu)),
        Arc::new(NoInputs),
        Reports::none(),
    );
    let (a, b) = (account_key("a").public_key().address(), account_key("b").public_key().address());
    let bound = |error: &WorkerError| matches!(error, WorkerError::KeyBound { worker, expected, got } if worker == owner.operator.worker() && *expected == a && *got == b);
    assert!(bound(&thief.register().await.unwrap_err()));
    assert!(bound(&thief.stake(1).await.unwrap_err()));
    let (_stopper, stop) = stop::signal();
    assert!(bound(&JobLoop::new(thief.clone(), JobSettings::default()).run(stop.clone()).await.unwrap_err()));
    assert!(bound(&CheckLoop::new(thief).run(stop).await.unwrap_err()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_not_registered_is_told_so() {
    let world = World::start(|_| {}).await;
    let person = world.person("a", Arc::new(CandleEngine::new(Device::Cpu)), fixture().models.clone()).await;
    let unknown = |error: &WorkerError| matches!(error, WorkerError::NotRegistered { worker } if worker == person.operator.worker());
    assert!(unknown(&person.operator.stake(1).await.unwrap_err()));
    assert!(unknown(&person.work(JobSettings::default()).ended().await));
    assert!(unknown(&person.check().ended().await));
}

//! Jobs that nobody disputes.

use std::sync::Arc;

use attestation::receipt::HardwareTier;
use chain::state::Key;
use chain::types::transaction::PostJob;
use chain::types::{Hash, JobInput, JobPolicy, JobStatus, LeaseKind, WorkerRegistration};
use worker::engine::CandleEngine;
use worker::executor::Device;
use worker::job::{Final, Lease};
use worker::{JobSettings, Models, WorkerReport};

use crate::engines::BrokenEngine;
use crate::world::{FUNDS, Handed, Person, STAKE, World, fixture, image, model, other_model};

pub(crate) fn settled(report: &WorkerReport) -> Option<(Hash, u128, u128)> {
    match report {
        WorkerReport::Settled { job, reward, paid, .. } => Some((*job, *reward, *paid)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_proven_settled_and_paid() {
    let world = World::start(|_| {}).await;
    let person = world.worker("a").await;
    let policy = JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: 0 };
    let job = world.post(PostJob { policy, ..world.job(model(), image(260)) }).await;
    let before = person.balance().await;
    // A preference for sampling gives way to a job that asks for a proof.
    let running = person.work(JobSettings { prefer: LeaseKind::Sampled, price_per_unit_min: 10_000 });
    let (done, reward, paid) = person.journal.wait("settlement", settled).await;
    running.drain().await;
    assert_eq!(done, job);
    // 2368 units at 10 000, a fifth of it burned; the mint is capped by the burned share and the cost floor.
    assert_eq!((reward, paid), (11_840_000, 18_944_000));
    let record = world.settled(&job).await;
    assert_eq!((record.worker, record.trust_bps), (*person.operator.worker(), 10_000));
    let fees: u128 = world.outcomes(&person).await.iter().map(|outcome| outcome.fee).sum();
    // Registering and staking were paid before.
    let earlier = FUNDS - STAKE - before;
    assert_eq!(person.balance().await, before + reward + paid - (fees - earlier));
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Proven { .. })), 1);
    assert_eq!(person.journal.all().last(), Some(&WorkerReport::Stopped { activity: worker::report::Activity::Jobs }));
}

/// A processor gives ten tokens of the digits model in less than a millisecond, far above the lowest class.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_declares_the_class_of_its_speed_before_it_takes_jobs_by_the_token() {
    let world = World::start(|_| {}).await;
    world.register_token_model(other_model()).await;
    let models: Models = [Arc::clone(other_model())].into_iter().collect();
    let person = world.worker_with("a", Arc::new(CandleEngine::new(Device::Cpu)), models).await;
    let tier = |person: &Person| {
        let (client, key) = (world.client(), Key::Worker(*person.operator.worker()));
        async move { client.get::<WorkerRegistration>(&key).await.unwrap().unwrap().profile.tier }
    };
    assert_eq!(tier(&person).await, HardwareTier::Entry);
    let policy = JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: 0 };
    let job = world.post(PostJob { policy, ..world.job(other_model(), image(1)) }).await;
    let running = person.work(JobSettings::default());
    let (done, ..) = person.journal.wait("settlement", settled).await;
    running.drain().await;
    assert_eq!(done, job);
    assert!(tier(&person).await > HardwareTier::Entry);
    let declared = |report: &WorkerReport| matches!(report, WorkerReport::TierDeclared { .. });
    assert_eq!(person.journal.count(declared), 1);
    // What holds is not declared again.
    person.work(JobSettings::default()).drain().await;
    assert_eq!(person.journal.count(declared), 1);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Refused { .. })), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_jobs_and_none_is_done_twice() {
    let world = World::start(|_| {}).await;
    let people = [world.worker("a").await, world.worker("b").await, world.worker("c").await];
    let mut jobs = Vec::new();
    for number in 0..5 {
        jobs.push(world.post_image(number).await);
    }
    let running: Vec<_> = people.iter().map(|person| person.work(JobSettings::default())).collect();
    for job in &jobs {
        loop {
            if matches!(world.job_record(job).await.status, JobStatus::Settled(_)) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    for running in running {
        running.drain().await;
    }
    let mut done: Vec<Hash> =
        people.iter().flat_map(|person| person.journal.all()).filter_map(|report| Some(settled(&report)?.0)).collect();
    done.sort_unstable();
    jobs.sort_unstable();
    assert_eq!(done, jobs);
    for person in &people {
        assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Refused { .. })), 0);
        assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::LeaseFailed { .. })), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_passed_over_with_its_reason() {
    let world = World::start(|_| {}).await;
    let person = world.worker("a").await;
    let fitting = world.job(model(), image(1));
    let cheap = world.post(PostJob { price_per_unit: 9_999, ..fitting.clone() }).await;
    let hidden = world.post(PostJob { input: JobInput::Reference([7; 32]), ..fitting.clone() }).await;
    let soon = world.post(PostJob { deadline: 1_000, ..fitting.clone() }).await;
    let policy = JobPolicy { trust_bps_min: 6_001, ..fitting.policy };
    let trusted = world.post(PostJob { policy, ..fitting.clone() }).await;
    let good = world.post(fitting).await;
    let running = person.work(JobSettings { price_per_unit_min: 10_000, ..JobSettings::default() });
    assert_eq!(person.journal.wait("settlement", settled).await.0, good);
    for (job, expected) in [
        (cheap, "it pays 9999 micro-tokens per unit, the operator wants 10000"),
        (hidden, "its input is given by hash only, and 0x0707070707070707"),
        (soon, "its deadline is 1000"),
        (trusted, "it asks for evidence trusted at 6001 bps, this worker's is at 6000"),
    ] {
        let passed = |report: &WorkerReport| match report {
            WorkerReport::Passed { job: passed, reason } if *passed == job => Some(reason.clone()),
            _ => None,
        };
        let reason = person.journal.wait(expected, passed).await;
        assert!(reason.contains(expected), "{reason}");
        assert_eq!(world.job_record(&job).await.status, JobStatus::Open);
    }
    running.drain().await;
    // Each reason once, although the loop looked again when its bond came back.
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Passed { .. })), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_by_hash_is_done_once_its_input_is_there() {
    let world = World::start(|_| {}).await;
    let inputs = Arc::new(Handed::default());
    let person = world.worker_given("a", Arc::<Handed>::clone(&inputs)).await;
    let (input, another) = (image(7), image(8));
    let hash = input.hash();
    let policy = JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: 0 };
    let id =
        world.post(PostJob { input: JobInput::Reference(hash), policy, ..world.job(model(), input.clone()) }).await;
    let running = person.work(JobSettings::default());
    let name = |hash: &Hash| attestation::hex::encode(hash);
    let passed = |expected: String| {
        let journal = person.journal.clone();
        async move {
            let reason = journal.wait(&expected, |report| match report {
                WorkerReport::Passed { job, reason } if *job == id && *reason == expected => Some(()),
                _ => None,
            });
            reason.await;
        }
    };
    // Each reason is said when it comes, and no lease is taken that could not be worked for.
    passed(format!("its input is given by hash only, and {} is not here; hand it in", name(&hash))).await;
    inputs.hand(hash, Err("half of it is missing"));
    let unreadable = "its input is given by hash only, and what is here for";
    passed(format!("{unreadable} {} cannot be read: half of it is missing", name(&hash))).await;
    inputs.hand(hash, Ok(another.clone()));
    let got = name(&another.hash());
    let other = format!("its input is given by hash only: expected {}, got one of hash {got}", name(&hash));
    passed(format!("{other}; ask its requester for the right one")).await;
    assert_eq!(world.job_record(&id).await.status, JobStatus::Open);
    inputs.hand(hash, Ok(input));
    assert_eq!(person.journal.wait("settlement", settled).await.0, id);
    running.drain().await;
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Leased { .. })), 1);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Passed { .. })), 3);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Refused { .. })), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_engine_is_said_and_no_result_is_made_up() {
    let world = World::start(|window| window.lease_standard = 40).await;
    let person = world.worker_with("a", Arc::new(BrokenEngine), fixture().models.clone()).await;
    let job = world.post_image(2).await;
    let running = person.work(JobSettings::default());
    let reason = person.journal.wait("failure", |report| match report {
        WorkerReport::LeaseFailed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reason.await, "engine: the machine is on fire");
    // Its lease runs out, and it does not take the job again to lose another part of its bond.
    let passed = |report: &WorkerReport| match report {
        WorkerReport::Passed { job, reason } => Some((*job, reason.clone())),
        _ => None,
    };
    let (passed, reason) = person.journal.wait("reason", passed).await;
    assert_eq!(passed, job);
    assert!(reason.starts_with("its model failed here 3 times in a row"), "{reason}");
    running.drain().await;
    assert_eq!(world.job_record(&job).await.status, JobStatus::Open);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::LeaseFailed { .. })), 3);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Leased { .. })), 1);
    assert_eq!(person.journal.count(|report| matches!(report, WorkerReport::Submitted { .. })), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_can_be_gone_one_by_one() {
    let world = World::start(|_| {}).await;
    let person = world.worker("a").await;
    let operator = &person.operator;
    let id = world.post_image(3).await;
    let job = chain::types::ObjectRef { id, version: 1 };
    let lease = Lease::take(operator, job, LeaseKind::Proof).await.unwrap();
    assert_eq!(Lease::held(operator).await.unwrap(), Some(*lease.id()));
    let taken = Lease::take(operator, job, LeaseKind::Proof).await.unwrap_err();
    assert_eq!(taken.refusal(), Some(603), "{taken}");
    let receipt = lease.run(operator).await.unwrap().prove(operator).await.unwrap().sign(operator).unwrap();
    let submitted = receipt.submit(operator).await.unwrap();
    // An answer that was lost: handing in again finds the result.
    let again = receipt.submit(operator).await.unwrap();
    assert_eq!(again.result(), submitted.result());
    let end = submitted.finality(operator).await.unwrap();
    let height = submitted.record().height;
    assert_eq!(end, Final::Settled { reward: 11_840_000, paid: 18_944_000, height });
    assert_eq!(Lease::held(operator).await.unwrap(), None);
}

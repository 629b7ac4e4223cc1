//! Sampled results: checked, disputed, answered, judged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chain::state::Key;
use chain::types::ids::check_commitment;
use chain::types::transaction::{Action, Challenge, CommitCheck, PostJob};
use chain::types::{Dispute, Hash, JobInput, JobPolicy, JobStatus, LeaseKind, ResultStage, SpotCheck, Stake};
use tokio::time::sleep;
use worker::engine::{CandleEngine, Engine as _};
use worker::executor::Device;
use worker::report::SeatKind;
use worker::salt::check_salt;
use worker::{JobSettings, Models, WorkerError, WorkerReport};

use crate::engines::LyingEngine;
use crate::world::{Handed, Person, World, fixture, image, model, worker_key};

pub(crate) const SAMPLED: JobSettings = JobSettings { prefer: LeaseKind::Sampled, price_per_unit_min: 0 };

pub(crate) fn submitted(report: &WorkerReport) -> Option<Hash> {
    match report {
        WorkerReport::Submitted { result, .. } => Some(*result),
        _ => None,
    }
}

fn revealed(report: &WorkerReport) -> Option<bool> {
    match report {
        WorkerReport::Revealed { agrees, .. } => Some(*agrees),
        _ => None,
    }
}

pub(crate) fn end(report: &WorkerReport) -> Option<WorkerReport> {
    let end =
        matches!(report, WorkerReport::Settled { .. } | WorkerReport::Convicted { .. } | WorkerReport::Voided { .. });
    end.then(|| report.clone())
}

/// Makes `wanted` true, or gives up.
pub(crate) async fn reach(world: &World, result: &Hash, wanted: ResultStage) {
    let reached = async {
        while world.result(result).await.stage != wanted {
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, reached).await.unwrap_or_else(|_| panic!("never {wanted:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_result_is_checked_and_paid() {
    let world = World::start(|_| {}).await;
    let worker = world.worker("a").await;
    let checkers = [world.worker("b").await, world.worker("c").await];
    let job = world.post_image(20).await;
    let checking: Vec<_> = checkers.iter().map(Person::check).collect();
    let running = worker.work(SAMPLED);
    let ended = worker.journal.wait("end", end).await;
    assert!(
        matches!(ended, WorkerReport::Settled { job: settled, paid: 18_944_000, .. } if settled == job),
        "{ended:?}"
    );
    running.drain().await;
    for running in checking {
        running.drain().await;
    }
    // One of them was drawn, agreed, and earned a fiftieth of the escrow.
    let reports: Vec<WorkerReport> = checkers.iter().flat_map(|person| person.journal.all()).collect();
    assert_eq!(reports.iter().filter_map(revealed).collect::<Vec<_>>(), [true]);
    let drawn = |report: &&WorkerReport| matches!(report, WorkerReport::CheckDrawn { seat: SeatKind::Checker, .. });
    assert_eq!(reports.iter().filter(drawn).count(), 1);
    assert_eq!(world.settled(&job).await.trust_bps, 6_000);
    assert_eq!(worker.journal.count(|report| matches!(report, WorkerReport::Proven { .. })), 0);
}

/// The result of a lying worker `a`, called wrong by one of `people`; returns it and who said so.
async fn lie<'a>(world: &World, people: &'a [Person], job: &Hash) -> (Person, Hash, &'a Person) {
    let liar = world.worker_with("a", Arc::new(LyingEngine::new()), fixture().models.clone()).await;
    let checking: Vec<_> = people.iter().map(Person::check).collect();
    let running = liar.work(SAMPLED);
    let result = liar.journal.wait("result", submitted).await;
    assert_eq!(world.job_record(job).await.status, JobStatus::Pending(result));
    let reason = liar.journal.wait("reason", |report| match report {
        WorkerReport::Unanswered { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    let reason = reason.await;
    assert!(reason.contains("the trace is not an honest run") || reason.contains("trace"), "{reason}");
    for running in checking {
        running.drain().await;
    }
    running.halt().await;
    let check: SpotCheck = world.client().get(&Key::SpotCheck(result)).await.unwrap().unwrap();
    let checker = people.iter().find(|person| *person.operator.worker() == check.seat.worker).unwrap();
    assert_eq!(checker.journal.all().iter().filter_map(revealed).collect::<Vec<_>>(), [false]);
    (liar, result, checker)
}

/// The jury is drawn while its jurors are away. One is restarted between commitment and reveal, one copies another's
/// commitment before it is made, and the verdict is still the honest one.
#[tokio::test(flavor = "multi_thread")]
async fn a_lie_is_convicted_whatever_befalls_its_jury_and_the_job_is_done_by_another() {
    let world = World::start(|_| {}).await;
    let mut people = Vec::new();
    for name in ["b", "c", "d", "e"] {
        people.push(world.worker(name).await);
    }
    let job = world.post_image(21).await;
    let (liar, result, checker) = lie(&world, &people, &job).await;
    reach(&world, &result, ResultStage::JuryCommit).await;
    let dispute: Dispute = world.client().get(&Key::Dispute(result)).await.unwrap().unwrap();
    let by_worker: BTreeMap<Hash, &Person> = people.iter().map(|person| (*person.operator.worker(), person)).collect();
    let jury: Vec<&Person> = dispute.seats.iter().map(|seat| by_worker[&seat.worker]).collect();
    let [restarted, copying, copied] = jury[..] else { panic!("{} jurors", jury.len()) };
    assert!(jury.iter().all(|juror| juror.name != checker.name && juror.name != "a"));

    // The first commits, and is gone.
    let running = restarted.check();
    let committed = |report: &WorkerReport| matches!(report, WorkerReport::Committed { .. }).then_some(());
    restarted.journal.wait("commitment", committed).await;
    running.halt().await;
    assert_eq!(restarted.journal.count(|report| revealed(report).is_some()), 0);

    // The second commits to what the third is about to.
    let run = CandleEngine::new(Device::Cpu).run(model(), &image(21)).unwrap();
    let output = run.output().unwrap().hash();
    let salt = check_salt(&worker_key(copied.name), &result, 0);
    let commitment = check_commitment(&result, copied.operator.worker(), &output, &salt);
    let worker = *copying.operator.worker();
    let action = Action::CommitCheck(CommitCheck { result, worker, commitment });
    copying.operator.account().act(action).await.unwrap();

    let running: Vec<_> = jury.iter().map(|juror| juror.check()).collect();
    reach(&world, &result, ResultStage::Convicted).await;
    for running in running {
        running.drain().await;
    }
    let commits = restarted.journal.count(|report| committed(report).is_some());
    assert_eq!((commits, restarted.journal.all().iter().filter_map(revealed).collect::<Vec<_>>()), (1, vec![false]));
    assert_eq!(copied.journal.count(|report| matches!(report, WorkerReport::Refused { code: 908, .. })), 1);
    assert_eq!(copied.journal.all().iter().filter_map(revealed).collect::<Vec<_>>(), [false]);
    let reason = copying.journal.wait("silence", |report| match report {
        WorkerReport::Silent { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.await.contains("does not open with its key and its own run"));

    // The liar lost its bond; whoever takes the job now is paid for it.
    let stake: Stake = world.client().get(&Key::Stake(*liar.operator.worker())).await.unwrap().unwrap();
    assert_eq!(stake.bonded, 0);
    assert!(stake.amount < crate::world::STAKE, "{stake:?}");
    assert_eq!(world.job_record(&job).await.status, JobStatus::Open);
    let running = checker.work(JobSettings::default());
    checker.journal.wait("end", end).await;
    running.drain().await;
    assert_eq!(world.settled(&job).await.worker, *checker.operator.worker());

    // The liar started again may not do the same job twice, and sees nothing to report of the old result.
    let heard = liar.journal.all().len();
    let running = liar.work(SAMPLED);
    running.drain().await;
    assert_eq!(liar.journal.all().len(), heard + 2, "{:#?}", liar.journal.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_convicted_twice_is_banned_and_its_loop_ends() {
    let world = World::start(|window| window.review = 40).await;
    let mut checking = Vec::new();
    for name in ["b", "c", "d", "e"] {
        checking.push(world.worker(name).await.check());
    }
    let liar = world.worker_with("a", Arc::new(LyingEngine::new()), fixture().models.clone()).await;
    let jobs = [world.post_image(30).await, world.post_image(31).await];
    let error = liar.work(SAMPLED).ended().await;
    let banned = |error: &WorkerError| matches!(error, WorkerError::Banned { worker, convictions: 2 } if worker == liar.operator.worker());
    assert!(banned(&error), "{error}: {:#?}", liar.journal.all());
    assert_eq!(liar.journal.count(|report| matches!(report, WorkerReport::Convicted { .. })), 2);
    for job in jobs {
        assert_eq!(world.job_record(&job).await.status, JobStatus::Open);
    }
    for running in checking {
        running.drain().await;
    }
    assert!(banned(&liar.operator.register().await.unwrap_err()));
    assert!(banned(&liar.check().ended().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenged_result_is_answered_with_a_proof_and_paid() {
    let world = World::start(|window| window.draw = 40).await;
    let worker = world.worker("a").await;
    let job = world.post_image(22).await;
    let running = worker.work(SAMPLED);
    let result = worker.journal.wait("result", submitted).await;
    let challenger = world.account("f").await;
    let before = challenger.balance().await.unwrap();
    challenger.act(Action::Challenge(Challenge { result, bond: 2_000_000 })).await.unwrap();
    let ended = worker.journal.wait("end", end).await;
    assert!(matches!(ended, WorkerReport::Settled { job: settled, .. } if settled == job), "{ended:?}");
    running.drain().await;
    assert_eq!(worker.journal.count(|report| matches!(report, WorkerReport::Disputed { .. })), 1);
    assert_eq!(worker.journal.count(|report| matches!(report, WorkerReport::Answered { .. })), 1);
    // A proof settles at its own trust, and the false accusation cost its bond.
    assert_eq!(world.result(&result).await.trust_bps, 10_000);
    assert!(challenger.balance().await.unwrap() < before - 2_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_from_before_a_restart_is_answered() {
    let world = World::start(|window| window.draw = 40).await;
    let inputs = Arc::new(Handed::default());
    let worker = world.worker_given("a", Arc::<Handed>::clone(&inputs)).await;
    let (input, hash) = (image(23), image(23).hash());
    inputs.hand(hash, Ok(input.clone()));
    let job = world.post(PostJob { input: JobInput::Reference(hash), ..world.job(model(), input) }).await;
    let running = worker.work(SAMPLED);
    let result = worker.journal.wait("result", submitted).await;
    running.halt().await;
    let challenger = world.account("f").await;
    challenger.act(Action::Challenge(Challenge { result, bond: 2_000_000 })).await.unwrap();
    reach(&world, &result, ResultStage::Answering).await;
    // The input came to the chain with the result, and is not needed from elsewhere any more.
    inputs.hand(hash, Err("gone"));
    let running = worker.work(SAMPLED);
    let ended = worker.journal.wait("end", end).await;
    assert!(matches!(ended, WorkerReport::Settled { job: settled, .. } if settled == job), "{ended:?}");
    running.drain().await;
    assert_eq!(world.result(&result).await.trust_bps, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_without_the_model_stays_silent_and_says_so() {
    let world = World::start(|window| window.review = 20).await;
    let other = crate::world::other_model();
    world.register_model(other).await;
    let digits = fixture().models.get(model().hash()).unwrap();
    let both: Models = [Arc::clone(digits), Arc::clone(other)].into_iter().collect();
    let engine = || Arc::new(CandleEngine::new(Device::Cpu));
    let worker = world.worker_with("a", engine(), both.clone()).await;
    world.worker_with("b", engine(), both).await;
    // Started again with one of its two models.
    let checker = world.person("b", engine(), fixture().models.clone()).await;
    assert_eq!(checker.operator.register().await.unwrap().missing, [*other.hash()]);
    let job = PostJob {
        policy: JobPolicy { proof_required: false, trust_bps_min: 0, spot_rate_bps_min: 10_000 },
        ..world.job(other, image(24))
    };
    world.post(job).await;
    let checking = checker.check();
    let running = worker.work(SAMPLED);
    let reason = checker.journal.wait("silence", |report| match report {
        WorkerReport::Silent { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.await.contains("no bundle at hand"));
    let lost = checker.journal.wait("slash", |report| match report {
        WorkerReport::AuditSlashed { slashed, .. } => Some(*slashed),
        _ => None,
    });
    assert_eq!(lost.await, 50_000);
    running.halt().await;
    checking.drain().await;
    assert_eq!(checker.journal.count(|report| matches!(report, WorkerReport::Committed { .. })), 0);
    assert_eq!(checker.journal.count(|report| revealed(report).is_some()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_given_by_hash_is_found_in_the_block_of_its_result() {
    let world = World::start(|_| {}).await;
    let inputs = Arc::new(Handed::default());
    let worker = world.worker_given("a", Arc::<Handed>::clone(&inputs)).await;
    let checker = world.worker("b").await;
    let input = image(25);
    inputs.hand(input.hash(), Ok(input.clone()));
    let checking = checker.check();
    let running = worker.work(SAMPLED);
    world.post(PostJob { input: JobInput::Reference(input.hash()), ..world.job(model(), input) }).await;
    // Nobody handed it to the checker.
    assert!(checker.journal.wait("reveal", revealed).await, "{:#?}", checker.journal.all());
    running.drain().await;
    checking.drain().await;
}

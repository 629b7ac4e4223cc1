//! "Why was I not paid", at each turn that a job can take.

use crate::state::StateMachine;
use crate::state::explain::{Explanation, Payment, Subject};
use crate::testing::{World, output, worker_key, wrong_output};
use crate::types::standing::Standing;
use crate::types::transaction::{Action, ChallengeModel, Unstake};

fn ask(world: &World, subject: Subject) -> Explanation {
    world.machine().explain(subject).unwrap().unwrap()
}

fn rules(explanation: &Explanation) -> Vec<&str> {
    explanation.reasons.iter().map(|reason| reason.rule.as_str()).collect()
}

#[test]
fn a_job_tells_of_its_lease_and_result() {
    let (mut world, leased) = World::leased();
    let worker = leased.context.worker;
    for subject in [Subject::Job(leased.job), Subject::Lease(leased.lease.id)] {
        let told = ask(&world, subject);
        assert_eq!((told.payment, rules(&told)), (Payment::Waiting, vec!["submit-result"]));
    }
    assert_eq!(rules(&ask(&world, Subject::Worker(worker))), ["submit-result", "uptime"]);
    world.settle(&leased);
    for subject in [Subject::Job(leased.job), Subject::Lease(leased.lease.id)] {
        let told = ask(&world, subject);
        assert_eq!((told.payment, told.paid, told.minted), (Payment::Paid, 144_000, 90_000));
        assert_eq!(rules(&told), ["settlement"]);
    }
    let told = ask(&world, Subject::Worker(worker));
    assert_eq!((told.payment, told.paid, told.minted), (Payment::Paid, 144_000, 90_000));
    assert_eq!(rules(&told), ["epoch-batch", "uptime"]);
}

#[test]
fn a_lease_that_ran_out_says_what_it_cost_and_what_is_still_taken() {
    let (mut world, leased) = World::leased();
    let expires = world.machine().height() + 240;
    world.reach(expires);
    let told = ask(&world, Subject::Lease(leased.lease.id));
    assert_eq!((told.payment, rules(&told)), (Payment::Waiting, vec!["lease-timeout", "lease-grace"]));
    assert_eq!(rules(&ask(&world, Subject::Job(leased.job))), ["lease-job", "lease-timeout"]);
    world.reach(expires + 8);
    let told = ask(&world, Subject::Lease(leased.lease.id));
    assert_eq!((told.payment, rules(&told)), (Payment::Unpaid, vec!["lease-grace"]));
}

#[test]
fn a_review_is_followed_to_its_end() {
    let (mut world, leased, result) = World::handed_in(wrong_output());
    assert_eq!(rules(&ask(&world, Subject::Result(result))), ["draw"]);
    world.check(&result, &output());
    assert_eq!(rules(&ask(&world, Subject::Job(leased.job))), ["dispute"]);
    world.next_stage(&result);
    assert_eq!(rules(&ask(&world, Subject::Result(result))), ["jury"]);
    for juror in world.jurors(&result) {
        world.commit(&result, juror, &output());
    }
    for juror in world.jurors(&result) {
        world.reveal(&result, juror, &output());
    }
    let told = ask(&world, Subject::Result(result));
    assert_eq!((told.payment, told.minted, rules(&told)), (Payment::Unpaid, 0, vec!["conviction"]));
}

#[test]
fn work_on_a_model_that_fell_is_unpaid_for_that_reason() {
    let mut world = World::with(|params| {
        params.window.challenge = 120;
        params.window.unbonding = 5_000;
    });
    let model = world.register_committed(|commitment| commitment.rows[2] = commitment.rows[1]);
    world.register_worker(2);
    world.register_worker(3);
    let [open, reviewed, leased] = [(); 3].map(|()| world.post(world.sampled_job()));
    let pending = world.lease_sampled(reviewed, 2);
    let result = world.hand_in(&pending, output());
    let lease = world.lease_sampled(leased, 3);
    let challenge: ChallengeModel = World::row_challenge(model, 2);
    world.send(5, Action::ChallengeModel(challenge));
    for subject in [Subject::Job(open), Subject::Job(reviewed), Subject::Result(result), Subject::Lease(lease.lease.id)]
    {
        let told = ask(&world, subject);
        assert_eq!((told.payment, rules(&told)), (Payment::Unpaid, vec!["model-conviction"]), "{subject:?}");
    }
}

#[test]
fn a_result_that_nobody_could_judge_says_so() {
    let mut world = World::with(|_| {});
    world.register_model();
    world.register_worker(2);
    let job = world.post(world.sampled_job());
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, output());
    while !world.stage(&result).is_final() {
        world.block();
    }
    for subject in [Subject::Job(job), Subject::Result(result)] {
        let told = ask(&world, subject);
        assert_eq!((told.payment, rules(&told)), (Payment::Unpaid, vec!["void"]), "{subject:?}");
    }
}

#[test]
fn a_worker_learns_what_keeps_it_from_leasing() {
    let mut world = World::staffed(|params| params.epoch.capacity_pool = 1);
    let worker = worker_key(2).public_key().id();
    world.send(2, Action::Unstake(Unstake { worker, amount: 60_000_000 }));
    let key = crate::state::Key::Standing(worker);
    let poor = Standing { implausible: 6, suspended_until: 1_000, ..Standing::default() };
    world.chain = crate::testing::tampered(world.machine(), &[(key, poor)]);
    let told = ask(&world, Subject::Worker(worker));
    assert_eq!(told.payment, Payment::Unpaid);
    let expected = ["worker-fraudulent", "worker-suspended", "stake-under-minimum", "uptime", "capacity-pool"];
    assert_eq!(rules(&told), expected);
    assert_eq!(world.machine().explain(Subject::Job([9; 32])), Ok(None));
}

#[test]
fn every_rule_that_is_named_is_a_section() {
    let source = include_str!("../explain.rs");
    let spec = include_str!("../../../SPEC.md");
    let named: Vec<&str> = source.split("answer.say(").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
    assert!(named.len() > 20);
    for rule in named {
        assert!(spec.contains(&format!("\n### {rule}\n")), "no section {rule}");
    }
}

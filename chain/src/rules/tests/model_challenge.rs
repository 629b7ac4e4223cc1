//! Challenged models: the weight swapper, the griefing challenger, and jobs on a model that falls.

use verifier::inclusion::MerkleError;
use verifier::inclusion::merkle::{List, prove, root};
use verifier::key::{ModelCommitment, RowCommitment};
use verifier::row_opening::{OpeningError, RowOpening};

use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::testing::{FUNDS, World, opening, output, true_commitment, wrong_output};
use crate::types::event::Event;
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobStatus, LeaseStatus, ResultStage, WorkLease};
use crate::types::model::{CONTESTABLE_JOBS_MAX, ContestableJobs, Model, ModelStatus};
use crate::types::transaction::{Action, Appeal, ChallengeModel, Transfer};

/// Publishes the commitment of row 1 for row 2.
fn swapped(commitment: &mut ModelCommitment) {
    commitment.rows[2] = commitment.rows[1];
}

fn challenge(world: &mut World, number: u8, model: Hash, row: usize) -> Vec<Event> {
    world.send(number, Action::ChallengeModel(World::row_challenge(model, row))).events
}

#[test]
fn a_row_with_anothers_commitment_convicts() {
    let mut world = World::new();
    let model = world.register_committed(swapped);
    let challenger = World::address(2);
    let convicted = Event::ModelConvicted { model, challenger, row: 2, slashed: 100_000_000 };
    let burned = world.machine().supply().unwrap().burned;
    assert_eq!(challenge(&mut world, 2, model, 2), [convicted]);
    // 30 % to the challenger, whose own bond came back; the rest burns.
    assert_eq!(world.balance(2), FUNDS - 25_000_000 + 30_000_000);
    assert_eq!(world.machine().supply().unwrap().burned, burned + 5_000_000 + 70_000_000);
    let record: Model = world.machine().get(&Key::Model(model)).unwrap().unwrap();
    assert_eq!((record.status, record.bond), (ModelStatus::Convicted, 0));

    let closed = Reject::ModelConvicted { model };
    assert_eq!(world.refusal(1, Action::PostJob(world.job())), closed);
    assert_eq!(world.refusal(3, Action::ChallengeModel(World::row_challenge(model, 2))), closed);
}

#[test]
fn rows_that_no_checked_model_has_convict_whatever_their_commitment() {
    let honest: Vec<RowOpening> = (0..3).flat_map(opening).collect();
    let last = honest[2].row.len() - 8;
    let row = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut leaves: Vec<Vec<u8>> = honest.iter().map(|opening| opening.row.clone()).collect();
        change(&mut leaves[2]);
        leaves
    };
    let beyond = row(&|bytes| bytes[last..].copy_from_slice(&(1i64 << 40).to_le_bytes()));
    let longer = row(&|bytes| bytes.extend([0; 16]));
    let broken = row(&|bytes| bytes.truncate(3));
    let other = row(&|bytes| bytes[0] = 9);
    let mut more = row(&|_| ());
    more.push(vec![7]);
    for leaves in [beyond, longer, broken, other, more] {
        let mut world = World::new();
        let model = world.register_committed(|commitment| commitment.rows_root = root(List::WeightRows, &leaves));
        let proof = prove(List::WeightRows, &leaves, 2).unwrap();
        let openings = vec![RowOpening { row: leaves[2].clone(), proof }];
        let action = ChallengeModel { model, openings, bond: 2_000_000 };
        let events = world.send(2, Action::ChallengeModel(action)).events;
        assert!(matches!(events.as_slice(), [Event::ModelConvicted { row: 2, .. }]), "{events:?}");
    }
}

#[test]
fn a_row_that_is_right_costs_the_challenger_its_bond() {
    let mut world = World::new();
    let model = world.register_committed(|_| ());
    for row in 0..3 {
        let registrant = world.balance(1);
        let challenger = world.balance(2);
        let upheld = Event::ModelUpheld { model, challenger: World::address(2), slashed: 2_000_000 };
        assert_eq!(challenge(&mut world, 2, model, row), [upheld]);
        assert_eq!(world.balance(1), registrant + 600_000);
        assert_eq!(world.balance(2), challenger - 25_000_000 - 2_000_000);
    }
    // Another row than the wrong one says nothing about it.
    let mut world = World::new();
    let model = world.register_committed(swapped);
    assert!(matches!(challenge(&mut world, 2, model, 0).as_slice(), [Event::ModelUpheld { .. }]));
    assert!(matches!(challenge(&mut world, 2, model, 2).as_slice(), [Event::ModelConvicted { .. }]));
}

#[test]
fn openings_under_another_root_are_refused() {
    let mut world = World::new();
    let model = world.register_committed(swapped);
    let refusal = |world: &mut World, change: &dyn Fn(&mut ChallengeModel)| {
        let mut action = World::row_challenge(model, 2);
        change(&mut action);
        world.refusal(2, Action::ChallengeModel(action))
    };
    let path = |error| Reject::RowOpeningInvalid(OpeningError::Path { position: 0, error });
    assert_eq!(refusal(&mut world, &|action| action.openings[0].row.push(0)), path(MerkleError::Root));
    let shorter = path(MerkleError::PathLength { expected: 2, got: 1 });
    assert_eq!(refusal(&mut world, &|action| action.openings[0].proof.index = 1), shorter);
    let outside = path(MerkleError::Index { index: 3, count: 3 });
    assert_eq!(refusal(&mut world, &|action| action.openings[0].proof.index = 3), outside);
    let count = |got| Reject::RowOpeningInvalid(OpeningError::Count { max: 1, got });
    assert_eq!(refusal(&mut world, &|action| action.openings.clear()), count(0));
    assert_eq!(refusal(&mut world, &|action| action.openings.extend(opening(1))), count(2));
    let low = Reject::ChallengeBondLow { needed: 2_000_000, got: 1_999_999 };
    assert_eq!(refusal(&mut world, &|action| action.bond = 1_999_999), low);
    let poor = Reject::BalanceShort { account: World::address(2), needed: FUNDS, got: FUNDS - 25_000_000 };
    assert_eq!(refusal(&mut world, &|action| action.bond = FUNDS), poor);
    assert_eq!(refusal(&mut world, &|action| action.model = [4; 32]), Reject::ModelUnknown { model: [4; 32] });
}

#[test]
fn a_model_is_safe_after_its_window() {
    let mut world = World::new();
    let model = world.register_committed(swapped);
    let until = world.machine().height() + 8;
    world.reach(until);
    let over = Reject::ModelWindowOver { model, until, height: until + 1 };
    assert_eq!(world.refusal(2, Action::ChallengeModel(World::row_challenge(model, 2))), over);
    // Jobs are no longer remembered.
    world.post(world.job());
    assert_eq!(world.machine().get::<ContestableJobs>(&Key::ContestableJobs(model)), Ok(None));
}

#[test]
fn a_root_that_nobody_can_open_convicts_nobody() {
    let mut world = World::new();
    let model = world.register_committed(|commitment| {
        commitment.rows[2] = RowCommitment(true_commitment().rows[1].0);
        commitment.rows_root = [9; 32];
    });
    let refused = world.refusal(2, Action::ChallengeModel(World::row_challenge(model, 2)));
    assert_eq!(refused, Reject::RowOpeningInvalid(OpeningError::Path { position: 0, error: MerkleError::Root }));
}

/// Jobs of every kind on a model that falls: open, leased, late, under review, disputed, settled.
#[test]
fn every_job_on_a_convicted_model_ends_and_nobody_else_pays() {
    let mut world = World::with(|params| {
        params.window.challenge = 120;
        params.window.review = 20;
        params.window.unbonding = 5_000;
        params.window.lease_standard = 6;
    });
    let model = world.register_committed(swapped);
    for number in 2..=5 {
        world.register_worker(number);
    }
    let open = world.post(world.job());
    let jobs: Vec<Hash> = (0..4).map(|_| world.post(world.sampled_job())).collect();
    let late = world.lease_sampled(jobs[3], 4);
    world.reach(world.machine().height() + 7);
    let disputed = world.lease_sampled(jobs[1], 3);
    let disputed_result = world.hand_in(&disputed, wrong_output());
    world.check(&disputed_result, &output());
    assert_eq!(world.stage(&disputed_result), ResultStage::Answering);
    let settled = world.post(world.job());
    let done = world.lease(settled, 2);
    world.settle(&done);
    let pending = world.lease_sampled(jobs[0], 2);
    let pending_result = world.hand_in(&pending, output());
    world.next_stage(&pending_result);
    assert_eq!(world.stage(&pending_result), ResultStage::CheckCommit);
    let leased = world.lease_sampled(jobs[2], 5);

    let stakes = [2, 3, 4, 5].map(|number| world.stake(number).0 + world.stake(number).1);
    let poster = world.balance(1);
    let supply = world.machine().supply().unwrap();
    let events = challenge(&mut world, 5, model, 2);
    let ended = events.iter().filter(|event| matches!(event, Event::JobExpired { .. } | Event::Voided { .. })).count();
    assert_eq!(ended, 5, "{events:?}");
    assert_eq!(world.balance(1), poster + 5 * 300_000);
    assert_eq!([2, 3, 4, 5].map(|number| world.stake(number).0), stakes);
    let after = world.machine().supply().unwrap();
    assert_eq!((after.minted, after.held.escrow), (supply.minted, 0));
    for job in jobs.iter().chain([&open]) {
        let record: InferenceJob = world.machine().get(&Key::Job(*job)).unwrap().unwrap();
        assert_eq!((record.status, record.escrow), (JobStatus::Expired, 0));
    }
    for lease in [pending, disputed, leased] {
        let record: WorkLease = world.machine().get(&Key::Lease(lease.lease.id)).unwrap().unwrap();
        assert_eq!((record.status, record.bond), (LeaseStatus::Closed, 0));
    }
    assert_eq!([pending_result, disputed_result].map(|result| world.stage(&result)), [ResultStage::Void; 2]);
    let record: InferenceJob = world.machine().get(&Key::Job(settled)).unwrap().unwrap();
    assert!(matches!(record.status, JobStatus::Settled(_)));
    // Nothing waits but the grace window of the late lease.
    while world.chain.block_due().unwrap() {
        world.block();
    }
    let record: WorkLease = world.machine().get(&Key::Lease(late.lease.id)).unwrap().unwrap();
    assert_eq!((record.status, record.bond), (LeaseStatus::Closed, 0));
    assert_eq!([2, 3, 4, 5].map(|number| world.stake(number).1), [0; 4]);
}

#[test]
fn an_appeal_on_a_convicted_model_gives_every_bond_back() {
    for appealed in [false, true] {
        let mut world = World::with(|params| {
            params.window.challenge = 200;
            params.window.review = 20;
            params.window.appeal = 20;
            params.window.unbonding = 5_000;
        });
        let model = world.register_committed(swapped);
        for number in 6..=12 {
            let transfer = Transfer { to: World::address(number), amount: 400_000_000 };
            world.send(1, Action::Transfer(transfer));
        }
        for number in 2..=12 {
            world.register_worker(number);
        }
        let job = world.post(world.sampled_job());
        let leased = world.lease_sampled(job, 2);
        let result = world.hand_in(&leased, wrong_output());
        world.check(&result, &output());
        world.next_stage(&result);
        let jurors = world.jurors(&result);
        for juror in &jurors {
            world.commit(&result, *juror, &output());
        }
        for juror in &jurors {
            world.reveal(&result, *juror, &output());
        }
        assert_eq!(world.stage(&result), ResultStage::Appealing);
        let before = world.balance(2);
        if appealed {
            world.send(2, Action::Appeal(Appeal { result }));
            world.reach(world.machine().height() + 2);
            assert_eq!(world.stage(&result), ResultStage::JuryCommit);
        }
        let events = challenge(&mut world, 3, model, 2);
        assert!(events.iter().any(|event| matches!(event, Event::Voided { .. })), "{events:?}");
        assert_eq!(world.stage(&result), ResultStage::Void);
        // The fee of the appeal is gone, its bond is not.
        let fee = if appealed { 25_000_000 } else { 0 };
        assert_eq!(world.balance(2), before - fee);
        assert!((2..=12).all(|number| world.stake(number) == (100_000_000, 0)));
        let held = world.machine().supply().unwrap().held;
        assert_eq!((held.bonds, held.escrow), (0, 0));
    }
}

#[test]
fn a_model_that_can_be_challenged_takes_a_bounded_number_of_jobs() {
    let mut world = World::new();
    let model = world.register_committed(|_| ());
    let until = world.machine().height() + 8;
    let list = ContestableJobs { jobs: vec![[1; 32]; CONTESTABLE_JOBS_MAX] };
    world.chain = crate::testing::tampered(world.machine(), &[(Key::ContestableJobs(model), list)]);
    let full = Reject::ModelWindowFull { model, max: CONTESTABLE_JOBS_MAX, until };
    assert_eq!(world.refusal(1, Action::PostJob(world.job())), full);
}

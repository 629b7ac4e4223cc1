use circuits::model::tensor::Tensor;

use crate::rules::Reject;
use crate::rules::timer::TIMERS_PER_HEIGHT_MAX;
use crate::state::{Key, StateMachine};
use crate::testing::{World, input};
use crate::types::event::Event;
use crate::types::job::{INPUT_BYTES_MAX, InferenceJob, JobInput, JobStatus};
use crate::types::transaction::{Action, PostJob};

fn world() -> World {
    let mut world = World::new();
    world.register_model();
    world
}

fn refusal(change: impl FnOnce(&mut PostJob)) -> Reject {
    let mut world = world();
    let mut job = world.job();
    change(&mut job);
    world.refusal(1, Action::PostJob(job))
}

#[test]
fn a_job_locks_its_escrow_and_gives_it_back_at_its_deadline() {
    let mut world = world();
    let mut action = world.job();
    action.deadline = world.machine().height() + 5;
    let deadline = action.deadline;
    let before = world.balance(1);
    let job = world.post(action);
    assert_eq!(world.balance(1), before - 25_000_000 - 300_000);
    assert_eq!(world.machine().supply().unwrap().held.escrow, 300_000);
    assert!(world.chain.block_due().unwrap());
    let produced = world.reach(deadline);
    assert_eq!(produced.commit.height, deadline);
    assert_eq!(produced.commit.closing, vec![Event::JobExpired { job, returned: 300_000 }]);
    let record: InferenceJob = world.machine().get(&Key::Job(job)).unwrap().unwrap();
    assert_eq!((record.status, record.escrow, record.version), (JobStatus::Expired, 0, 2));
    assert_eq!(world.balance(1), before - 25_000_000);
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn the_model_must_be_known() {
    assert_eq!(refusal(|job| job.model = [1; 32]), Reject::ModelUnknown { model: [1; 32] });
}

#[test]
fn the_input_is_small_and_the_models() {
    let long = Tensor::vector(vec![0; 8192]).unwrap();
    assert_eq!(
        refusal(|job| job.input = JobInput::Inline(long)),
        Reject::InputOversized { max: INPUT_BYTES_MAX, got: 12 + 65_536 }
    );
    let unfit = |got: Vec<u32>| Reject::InputUnfit { expected: vec![2, 2], min: 0, max: 16, got };
    let flat = Tensor::vector(vec![1, 2, 3, 4]).unwrap();
    assert_eq!(refusal(|job| job.input = JobInput::Inline(flat)), unfit(vec![4]));
    let bright = Tensor::new(vec![2, 2], vec![1, 2, 3, 17]).unwrap();
    assert_eq!(refusal(|job| job.input = JobInput::Inline(bright)), unfit(vec![2, 2]));
}

#[test]
fn the_escrow_covers_price_times_units() {
    assert_eq!(refusal(|job| job.escrow = 179_999), Reject::EscrowShort { needed: 180_000, got: 179_999 });
    assert_eq!(refusal(|job| job.price_per_unit = u128::MAX), Reject::AmountOverflow { what: "price times units" });
}

#[test]
fn the_deadline_is_ahead_but_not_too_far() {
    // The world is at height 1, the job would be in block 2.
    for got in [2, 100_003] {
        assert_eq!(refusal(|job| job.deadline = got), Reject::DeadlineOutside { min: 3, max: 100_002, got });
    }
}

#[test]
fn the_policy_asks_for_no_more_than_everything() {
    assert_eq!(
        refusal(|job| job.policy.trust_bps_min = 10_001),
        Reject::PolicyInvalid { name: "trust_bps_min", got: 10_001 }
    );
    assert_eq!(
        refusal(|job| job.policy.spot_rate_bps_min = 10_001),
        Reject::PolicyInvalid { name: "spot_rate_bps_min", got: 10_001 }
    );
}

#[test]
fn one_height_has_room_for_so_many_deadlines() {
    use crate::testing::account;
    let mut world = World::with(|params| params.block.gas_max = 1 << 40);
    world.register_model();
    // While the model can be challenged it takes fewer jobs.
    world.reach(world.machine().height() + 8);
    let template = PostJob { input: JobInput::Reference(input().hash()), escrow: 180_000, ..world.job() };
    let height = template.deadline;
    // One block of jobs with one deadline fills it.
    let first = world.transaction(1, Action::PostJob(template.clone()));
    let mut candidates = Vec::new();
    for offset in 0..=u64::from(TIMERS_PER_HEIGHT_MAX) {
        let mut transaction = first.clone();
        transaction.nonce += offset;
        transaction.gas_limit = 40_000;
        let bytes = transaction.sign(&account(1)).to_bytes();
        candidates.push(crate::types::CheckedTransaction::parse(&bytes).unwrap());
    }
    let proposer = crate::testing::validator().public_key().address();
    let proposal = world.machine().propose(&proposer, world.now + 250, &candidates, u64::MAX).unwrap();
    assert_eq!(proposal.block.transactions.len(), 4096);
    let refused: Vec<&Reject> = proposal.refused.iter().map(|(_, reject)| reject).collect();
    assert_eq!(refused, [&Reject::TimersFull { height, max: TIMERS_PER_HEIGHT_MAX }]);
}

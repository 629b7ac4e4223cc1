//! Synthetic tasks: commitments, draws, openings, and who cannot open.

use std::sync::OnceLock;

use crate::rules::Reject;
use crate::state::{Key, StateMachine};
use crate::synthetic::{self, Row};
use crate::testing::{World, worker_key};
use crate::types::event::Event;
use crate::types::ids::{Hash, genesis_beacon};
use crate::types::snapshot::{ResourceSnapshot, SyntheticClaim};
use crate::types::standing::Standing;
use crate::types::transaction::{Action, OpenSynthetic, OpenedRow, SyntheticResult};

const EPOCH: u64 = 60;

fn worker() -> Hash {
    worker_key(2).public_key().id()
}

fn world() -> World {
    let mut world = World::with(|params| params.block.epoch_blocks = EPOCH);
    world.register_model();
    world.register_worker(2);
    world
}

/// The product of worker 2's first task.
fn product() -> &'static [Row<i32>] {
    static PRODUCT: OnceLock<Vec<Row<i32>>> = OnceLock::new();
    PRODUCT.get_or_init(|| {
        let seed = genesis_beacon(world().machine().genesis_hash());
        synthetic::product(&synthetic::task(&seed, 0, &worker()))
    })
}

fn result(epoch: u64, root: Hash) -> Action {
    Action::SyntheticResult(SyntheticResult { worker: worker(), epoch, root })
}

fn opening(product: &[Row<i32>], rows: &[u32]) -> OpenSynthetic {
    let opened = rows.iter().map(|row| {
        let row = *row as usize;
        OpenedRow { values: product[row].clone(), path: synthetic::prove_row(product, row).unwrap() }
    });
    OpenSynthetic { worker: worker(), rows: opened.collect() }
}

fn open(action: OpenSynthetic) -> Action {
    Action::OpenSynthetic(Box::new(action))
}

/// Commits to a product and waits for the draw; returns the rows.
fn drawn(world: &mut World, product: &[Row<i32>]) -> Vec<u32> {
    world.send(2, result(0, synthetic::root(product)));
    let height = world.machine().height();
    let produced = world.reach(height + 2);
    match produced.commit.closing.as_slice() {
        [Event::SyntheticDrawn { rows, open_until, .. }] => {
            assert_eq!(*open_until, height + 10);
            rows.clone()
        }
        events => panic!("unexpected events {events:?}"),
    }
}

#[test]
fn an_honest_product_is_opened_and_counted() {
    let mut world = world();
    let root = synthetic::root(product());
    let early = open(opening(product(), &[0, 1]));
    assert_eq!(world.refusal(2, early.clone()), Reject::TaskUnknown { worker: worker() });
    world.send(2, result(0, root));
    assert_eq!(world.stake(2), (99_000_000, 1_000_000));
    let height = world.machine().height() + 2;
    assert_eq!(world.refusal(2, early), Reject::RowsUndrawn { worker: worker(), height });
    assert_eq!(world.refusal(2, result(0, root)), Reject::TaskAnswered { worker: worker(), epoch: 0 });
    world.reach(height);
    let claim: SyntheticClaim = world.machine().get(&Key::Synthetic(worker())).unwrap().unwrap();
    let one = open(opening(product(), &claim.rows[..1]));
    assert_eq!(world.refusal(2, one), Reject::RowCount { expected: 2, got: 1 });
    let other = (0..).find(|row| !claim.rows.contains(row)).unwrap();
    let strange = open(opening(product(), &[claim.rows[0], other]));
    let (expected, got) = (u64::from(claim.rows[1]), u64::from(other));
    assert_eq!(world.refusal(2, strange), Reject::RowUnproven { expected, got });
    let mut tampered = opening(product(), &claim.rows);
    tampered.rows[1].values[5] += 1;
    assert_eq!(world.refusal(2, open(tampered)), Reject::RowUnproven { expected, got: expected });
    let outcome = world.send(2, open(opening(product(), &claim.rows)));
    let height = world.machine().height();
    // One of 64 epochs.
    assert_eq!(outcome.events, [Event::SyntheticAnswered { worker: worker(), epoch: 0, uptime_bps: 156, height }]);
    assert_eq!(outcome.gas_used, 3_040_000);
    assert_eq!(world.stake(2), (100_000_000, 0));
    let snapshot: ResourceSnapshot = world.machine().get(&Key::Snapshot(worker())).unwrap().unwrap();
    assert_eq!((snapshot.epoch, snapshot.history, snapshot.answered), (0, 1, 1));
    assert_eq!(world.refusal(2, result(0, root)), Reject::TaskAnswered { worker: worker(), epoch: 0 });
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn who_computed_nothing_cannot_open_and_pays() {
    let mut world = world();
    let lazy: Vec<Row<i32>> = vec![vec![0; synthetic::SIZE]; synthetic::SIZE];
    let rows = drawn(&mut world, &lazy);
    let wrong = world.refusal(2, open(opening(&lazy, &rows)));
    assert!(matches!(wrong, Reject::RowWrong { row, .. } if row == rows[0]), "{wrong:?}");
    // A true row is not under the committed root.
    let (expected, got) = (u64::from(rows[0]), u64::from(rows[0]));
    assert_eq!(world.refusal(2, open(opening(product(), &rows))), Reject::RowUnproven { expected, got });
    let burned = world.machine().supply().unwrap().burned;
    let height = world.machine().height();
    let produced = world.reach(height + 8);
    assert_eq!(produced.commit.closing, [Event::SyntheticFailed { worker: worker(), epoch: 0, slashed: 500_000 }]);
    assert_eq!(world.machine().supply().unwrap().burned, burned + 500_000);
    assert_eq!(world.stake(2), (99_500_000, 0));
    assert!(world.machine().get::<ResourceSnapshot>(&Key::Snapshot(worker())).unwrap().is_none());
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn tasks_are_of_the_running_epoch_and_opened_in_it() {
    let mut world = world();
    let root = synthetic::root(product());
    assert_eq!(world.refusal(2, result(1, root)), Reject::TaskStale { expected: 0, got: 1 });
    world.post(world.job());
    world.reach(EPOCH - 11);
    // Committed at 50, drawn at 52, opened to 60.
    assert_eq!(world.refusal(2, result(0, root)), Reject::TaskLate { until: EPOCH, epoch: 0 });
    world.reach(EPOCH);
    assert_eq!(world.refusal(2, result(0, root)), Reject::TaskStale { expected: 1, got: 0 });
    let block = world.machine().block(EPOCH).unwrap().unwrap().block;
    let running: crate::types::RunningEpoch = world.machine().get(&Key::RunningEpoch).unwrap().unwrap();
    assert_eq!(running.seed, block.header.beacon);
    world.send(2, result(1, root));
}

#[test]
fn only_the_operator_of_a_worker_in_good_standing_answers_on_a_bond() {
    let mut world = world();
    let root = synthetic::root(product());
    let (expected, got) = (World::address(2), World::address(3));
    assert_eq!(world.refusal(3, result(0, root)), Reject::OperatorMismatch { worker: worker(), expected, got });
    let suspended = Standing { suspended_until: 1_000, ..Standing::default() };
    world.chain = crate::testing::tampered(world.machine(), &[(Key::Standing(worker()), suspended)]);
    assert_eq!(world.refusal(2, result(0, root)), Reject::WorkerSuspended { worker: worker(), until: 1_000 });
    let free = Standing::default();
    world.chain = crate::testing::tampered(world.machine(), &[(Key::Standing(worker()), free)]);
    world.send(2, Action::Unstake(crate::types::transaction::Unstake { worker: worker(), amount: 99_500_000 }));
    assert_eq!(world.refusal(2, result(0, root)), Reject::BondUncovered { needed: 1_000_000, got: 500_000 });
}

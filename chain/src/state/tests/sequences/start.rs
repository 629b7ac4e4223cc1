//! What sequences start from: two chains that believe each other, with a model and workers on the first.

use std::sync::LazyLock;

use verifier::key::ModelCommitment;

use super::exchange::{COORDINATOR, OTHER, PLANTER};
use super::ledger::Ledger;
use super::step::WORKERS;
use crate::state::{Key, MemoryStore};
use crate::testing::{World, authority, genesis, tampered, true_commitment};
use crate::types::Genesis;
use crate::types::params::Params;
use crate::types::teleport::Link;
use crate::types::transaction::{Action, Transfer};

/// Blocks of an epoch.
pub(super) const EPOCH: u64 = 100;
/// What the other chain may send beyond what it got.
const INFLOW: u128 = 2_000_000_000;

/// Short windows, so that sequences reach their ends, and everything that can be switched on.
fn short(params: &mut Params) {
    params.window.lease_standard = 6;
    params.window.lease_large = 6;
    params.window.grace = 3;
    params.window.challenge = 3;
    params.window.draw = 1;
    params.window.review = 4;
    params.window.evidence_age = 1;
    params.window.unbonding = 140;
    params.window.job_max = 80;
    params.window.appeal = 4;
    params.block.epoch_blocks = EPOCH;
    params.assignment.exclusive = 2;
    params.assignment.candidates = WORKERS.into();
    params.assignment.coordinator = Some(World::address(COORDINATOR));
    params.canary.planter = Some(World::address(PLANTER));
    params.canary.bond = 20_000_000;
    params.canary.reward = 10_000_000;
    params.canary.epoch_max = 3;
    params.governance.tier_stake = 100_000_000;
    params.governance.voting = 8;
    params.governance.cooldown = 140;
}

/// A commitment in which the rows do not have their own.
pub(super) fn changed_commitment(variant: usize) -> ModelCommitment {
    let mut commitment = true_commitment();
    match variant {
        0 => {}
        1 => commitment.rows[2] = commitment.rows[1],
        2 => commitment.rows[1] = commitment.rows[0],
        _ => commitment.rows[0] = commitment.rows[2],
    }
    commitment
}

/// Two chains that believe each other, before anything happens on them, and what the first holds.
pub(super) fn template() -> &'static (Start, Start, Ledger) {
    static TEMPLATE: LazyLock<(Start, Start, Ledger)> = LazyLock::new(|| {
        let mut world = World::of(genesis(short).with_authority(authority()).unwrap());
        world.register_model();
        for number in 6..=WORKERS {
            let transfer = Transfer { to: World::address(number), amount: 1_500_000_000 };
            world.send(number % 5 + 1, Action::Transfer(transfer));
        }
        for number in 1..=WORKERS {
            world.register_worker(number);
        }
        let mut other = World::numbered(OTHER, |_| {});
        let ours = Link { peer: world.as_peer(u128::from(u64::MAX)), sent: 0, received: 0 };
        let theirs = Link { peer: other.as_peer(INFLOW), sent: 0, received: 0 };
        let chain_id = world.machine().genesis().chain_id();
        world.chain = tampered(world.machine(), &[(Key::Link(OTHER), theirs)]);
        other.chain = tampered(other.machine(), &[(Key::Link(chain_id), ours)]);
        let ledger = Ledger::read(&world);
        (Start::of(&world), Start::of(&other), ledger)
    });
    &TEMPLATE
}

/// A chain that any number of sequences start from.
pub(super) struct Start {
    store: MemoryStore,
    pub(super) genesis: Genesis,
    now: u64,
}

impl Start {
    fn of(world: &World) -> Self {
        let machine = world.machine();
        Self { store: machine.store().clone(), genesis: machine.genesis().clone(), now: world.now }
    }

    pub(super) fn world(&self) -> World {
        World::resumed(self.store.clone(), self.genesis.clone(), self.now)
    }
}

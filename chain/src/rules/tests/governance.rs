//! Votes, and the changes that they make or cannot make.

use crate::rules::Reject;
use crate::rules::reject::governance::GovernanceReject;
use crate::state::{Key, StateMachine};
use crate::testing::{World, quick, worker_key};
use crate::types::event::{Event, ProposalEnded};
use crate::types::governance::{Change, Proposal, ProposalStatus};
use crate::types::ids::Hash;
use crate::types::params::{Params, ParamsError};
use crate::types::teleport::Peer;
use crate::types::transaction::{Action, Propose, Unstake};

const TIER: u128 = 100_000_000;

/// A world of three voters: one, one and five votes.
fn council() -> World {
    let mut world = World::with(quick);
    for (number, amount) in [(2, TIER), (3, TIER + 1), (4, 5 * TIER)] {
        world.voter(number, amount);
    }
    world
}

fn changed(world: &World, change: impl FnOnce(&mut Params)) -> Change {
    let mut params = world.machine().params().unwrap();
    change(&mut params);
    Change::Params(Box::new(params))
}

fn proposal(number: u8, change: Change) -> Action {
    let worker = worker_key(number).public_key().id();
    Action::Propose(Box::new(Propose { worker, change }))
}

fn worker(number: u8) -> Hash {
    worker_key(number).public_key().id()
}

#[test]
fn a_majority_of_stake_changes_parameters_at_an_epochs_edge_and_not_before() {
    let mut world = council();
    let before = world.machine().params().unwrap();
    let change = changed(&world, |params| params.fee.check_bps = 300);
    let id = world.propose(2, change);
    world.send(2, World::vote(id, 2, true));
    world.send(4, World::vote(id, 4, true));
    world.send(3, World::vote(id, 3, false));
    let until = world.proposal(&id).voting_until;
    let produced = world.reach(until);
    let status = ProposalStatus::Scheduled;
    assert_eq!(produced.commit.closing, [Event::ProposalEnded(ProposalEnded { proposal: id, status })]);
    let Proposal { yes, no, .. } = world.proposal(&id);
    assert_eq!((yes, no), (6, 1));
    assert_eq!(world.machine().params().unwrap(), before);
    world.finish_epoch();
    // The last block of the epoch writes them, the first of the next one runs under them.
    assert_eq!((world.machine().height() + 1) % 20, 0);
    assert_eq!(world.machine().params().unwrap().fee.check_bps, 300);
    assert_eq!(world.proposal(&id).status, ProposalStatus::Active);
}

#[test]
fn without_majority_or_quorum_nothing_changes() {
    let mut world = council();
    // More against than for.
    let first = world.propose(4, changed(&world, |params| params.fee.check_bps = 300));
    world.send(2, World::vote(first, 2, true));
    world.send(4, World::vote(first, 4, false));
    // Nobody against, and one vote of seven is below a fifth.
    let second = world.propose(3, changed(&world, |params| params.fee.check_bps = 300));
    world.send(3, World::vote(second, 3, true));
    world.reach(world.proposal(&second).voting_until);
    assert_eq!(world.proposal(&first).status, ProposalStatus::Rejected);
    assert_eq!(world.proposal(&second).status, ProposalStatus::Rejected);
    world.finish_epoch();
    assert_eq!(world.machine().params().unwrap().fee.check_bps, 200);
}

#[test]
fn one_change_waits_at_a_time_and_changes_lie_a_cooldown_apart() {
    let mut world = World::with(|params| {
        quick(params);
        params.block.epoch_blocks = 500;
    });
    for number in [2, 3, 4] {
        world.voter(number, 5 * TIER);
    }
    let ids: Vec<Hash> = [2, 3]
        .map(|number| {
            let id = world.propose(number, changed(&world, |params| params.fee.check_bps = 300 + u32::from(number)));
            world.send(number, World::vote(id, number, true));
            id
        })
        .to_vec();
    world.reach(world.proposal(&ids[1]).voting_until);
    assert_eq!(
        ids.iter().map(|id| world.proposal(id).status).collect::<Vec<_>>(),
        [ProposalStatus::Scheduled, ProposalStatus::Rejected]
    );
    world.finish_epoch();
    assert_eq!(world.machine().params().unwrap().fee.check_bps, 302);
    let changed_height = world.machine().height();
    let third = world.propose(4, changed(&world, |params| params.fee.check_bps = 400));
    world.send(4, World::vote(third, 4, true));
    while world.proposal(&third).status != ProposalStatus::Active {
        world.finish_epoch();
        world.block();
        assert!(world.machine().height() < 5_000);
    }
    // 2 000 blocks of cooldown end at the edge of an epoch; the loop made one block more.
    assert_eq!(world.machine().height() - changed_height, 2_001);
    assert_eq!(world.machine().params().unwrap().fee.check_bps, 400);
}

#[test]
fn only_stake_votes_and_only_once() {
    let mut world = council();
    let change = changed(&world, |params| params.fee.check_bps = 300);
    world.voter(5, TIER - 1);
    let short = |number, got| Reject::from(GovernanceReject::TierMissing { worker: worker(number), needed: TIER, got });
    assert_eq!(world.refusal(5, proposal(5, change.clone())), short(5, TIER - 1));
    let (expected, got) = (World::address(2), World::address(3));
    assert_eq!(
        world.refusal(3, proposal(2, change.clone())),
        Reject::OperatorMismatch { worker: worker(2), expected, got }
    );
    let id = world.propose(2, change.clone());
    let until = world.machine().height() + 2_000;
    let cooldown = Reject::from(GovernanceReject::Cooldown { worker: worker(2), until });
    assert_eq!(world.refusal(2, proposal(2, change)), cooldown);
    assert_eq!(world.refusal(5, World::vote(id, 5, true)), short(5, TIER - 1));
    let unknown = GovernanceReject::ProposalUnknown { proposal: [7; 32] };
    assert_eq!(world.refusal(2, World::vote([7; 32], 2, true)), unknown.into());
    world.send(2, World::vote(id, 2, true));
    let again = GovernanceReject::VotedAlready { proposal: id, worker: worker(2) };
    assert_eq!(world.refusal(2, World::vote(id, 2, false)), again.into());
    // What unbonds has no vote.
    world.send(3, Action::Unstake(Unstake { worker: worker(3), amount: 2 }));
    assert_eq!(world.refusal(3, World::vote(id, 3, true)), short(3, TIER - 1));
    let until = world.proposal(&id).voting_until;
    world.reach(until);
    let over = GovernanceReject::VoteOver { proposal: id, until };
    assert_eq!(world.refusal(4, World::vote(id, 4, true)), over.into());
}

#[test]
fn every_inequality_holds_for_parameters_that_are_proposed() {
    let mut world = council();
    let refused = |world: &mut World, change: &dyn Fn(&mut Params)| {
        let change = changed(world, change);
        match world.refusal(2, proposal(2, change)) {
            Reject::Governance(reject) => reject,
            reject => panic!("{reject}"),
        }
    };
    let params = GovernanceReject::Params;
    let i1 = ParamsError::ConvictionTooWeak { conviction_ppm: 0, needed: None, got: 50_000_000 };
    assert_eq!(refused(&mut world, &|params| params.audit.spot_rate_bps = 0), params(i1));
    let i3 = refused(&mut world, &|params| params.audit.error_ppm = 100_000);
    assert!(matches!(i3, GovernanceReject::Params(ParamsError::FalseConviction { .. })), "{i3:?}");
    assert!(i3.to_string().contains("I3: "));
    let i5 = ParamsError::UnbondingTooShort { needed: 1_778, got: 1_777 };
    assert_eq!(refused(&mut world, &|params| params.window.unbonding = 1_777), params(i5));
    let bounds = ParamsError::Bounds { name: "audit.jury", min: 3, max: 5, got: 2 };
    assert_eq!(refused(&mut world, &|params| params.audit.jury = 2), params(bounds));
    // Longer windows with a longer unbonding: what unbonds already leaves too early for them.
    let i5 = ParamsError::UnbondingTooShort { needed: 2_178, got: 2_000 };
    let longer = |change: &mut Params| {
        change.window.evidence_age = 800;
        change.window.unbonding = 3_000;
        change.governance.cooldown = 3_000;
    };
    assert_eq!(refused(&mut world, &longer), params(i5));
    // A cooldown below the unbonding period would let two changes outrun a slash; a longer vote would count twice.
    let name = "governance.cooldown";
    let bounds = ParamsError::Bounds { name, min: 2_000, max: 1 << 40, got: 1_999 };
    assert_eq!(refused(&mut world, &|params| params.governance.cooldown = 1_999), params(bounds));
    let bounds = ParamsError::Bounds { name: "governance.voting", min: 1, max: 2_000, got: 2_001 };
    assert_eq!(refused(&mut world, &|params| params.governance.voting = 2_001), params(bounds));
}

#[test]
fn what_genesis_fixed_stays() {
    let mut world = council();
    let epoch = changed(&world, |params| params.block.epoch_blocks = 21);
    let name = "block.epoch_blocks";
    assert_eq!(world.refusal(2, proposal(2, epoch)), GovernanceReject::Fixed { name, expected: 20, got: 21 }.into());
    let k = changed(&world, |params| params.model.k_max += 1);
    let fixed = GovernanceReject::Fixed { name: "model.k_max", expected: 9, got: 10 };
    assert_eq!(world.refusal(2, proposal(2, k)), fixed.into());
    let base = changed(&world, |params| params.reward.base_per_unit += 1);
    let above = GovernanceReject::AboveGenesis { name: "reward.base_per_unit", max: 5_000, got: 5_001 };
    assert_eq!(world.refusal(2, proposal(2, base)), above.into());
}

#[test]
fn a_link_is_to_another_chain_and_stays_to_the_same() {
    let mut world = council();
    let own = world.as_peer(0);
    let invalid = |peer: &Peer| GovernanceReject::LinkInvalid { chain_id: peer.chain_id, genesis: peer.genesis }.into();
    assert_eq!(world.refusal(2, proposal(2, Change::Link(own.clone()))), invalid(&own));
    let same_genesis = Peer { chain_id: 7, ..own.clone() };
    assert_eq!(world.refusal(2, proposal(2, Change::Link(same_genesis.clone()))), invalid(&same_genesis));
    let other = Peer { chain_id: 7, genesis: [7; 32], ..own };
    world.enact(4, Change::Link(other.clone()));
    let swapped = Peer { genesis: [8; 32], ..other.clone() };
    assert_eq!(world.refusal(2, proposal(2, Change::Link(swapped.clone()))), invalid(&swapped));
    let link: crate::types::Link = world.machine().get(&Key::Link(7)).unwrap().unwrap();
    assert_eq!((link.peer, link.sent, link.received), (other, 0, 0));
}

/// A higher share for checks, voted in while a result waits, must not leave its settlement short.
#[test]
fn a_change_never_stops_what_is_under_way() {
    let mut world = World::with(|params| {
        quick(params);
        params.window.draw = 30;
    });
    world.register_model();
    for number in 1..=5 {
        world.register_worker(number);
    }
    // One that pays all of its escrow, but for the least check.
    let mut tight = world.sampled_job();
    tight.escrow = 183_673;
    let job = world.post(tight);
    let change = changed(&world, |params| params.fee.check_bps = 5_000);
    let id = world.propose(4, change);
    for number in [3, 4, 5] {
        world.send(number, World::vote(id, number, true));
    }
    world.reach(world.proposal(&id).voting_until);
    let leased = world.lease_sampled(job, 2);
    let result = world.hand_in(&leased, crate::testing::output());
    world.finish_epoch();
    assert_eq!(world.machine().params().unwrap().fee.check_bps, 5_000);
    world.check(&result, &crate::testing::output());
    while !world.stage(&result).is_final() {
        world.block();
    }
    assert_eq!(world.stage(&result), crate::types::ResultStage::Settled);
}

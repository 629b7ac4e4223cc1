//! Actions of every kind with bytes changed, signed as they are: executed or refused, never a panic and never a fault.
//!
//! What does not decode never reaches a rule; what does reaches it with numbers, identifiers and lengths that nobody meant.

use std::collections::BTreeSet;

use proptest::prelude::*;

use attestation::receipt::HardwareTier;
use attestation::text::Text;

use crate::economics::hours::HardwareRates;
use crate::state::{Key, LocalError, MemoryStore, StateMachine};
use crate::testing::{Leased, PROOF, World, input, output, register_model, worker_id, wrong_output};
use crate::types::authority::Decision;
use crate::types::genesis::Genesis;
use crate::types::governance::Change;
use crate::types::ids::{Address, Hash};
use crate::types::params::Params;
use crate::types::teleport::{Teleport, TeleportStatus};
use crate::types::transaction::{
    Action, AddStake, AnchorReceipt, AnswerWithProof, Appeal, BindDevice, CastVote, Challenge, ClaimTeleport,
    DeviceStep, OpenSynthetic, OpenedRow, PlantCanary, Propose, ProposeAssignment, RecordTeleport, RefundTeleport,
    ReleaseTeleport, ReportImplausible, ReportMisbehaviour, RevealCanary, SyntheticResult, TeleportOut, Transfer,
    Unstake, UpdateWorker, Withdraw, encode,
};
use crate::types::worker::HardwareProfile;

/// A history to act on, kept as it was: each case starts from it.
struct Start {
    store: MemoryStore,
    genesis: Genesis,
    now: u64,
    /// An action of each kind, with the account that it fits.
    actions: Vec<(u8, Action)>,
}

/// A disputed result of worker 2, an open job, and a lease of worker 3.
fn start() -> Start {
    let (mut world, leased, result) = World::handed_in(wrong_output());
    world.check(&result, &output());
    let open = world.post(world.sampled_job());
    let busy = world.post(world.sampled_job());
    let busy = world.lease_sampled(busy, 3);
    let actions = actions(&world, &leased, &busy, result, open);
    let machine = world.machine();
    Start { store: machine.store().clone(), genesis: machine.genesis().clone(), now: world.now, actions }
}

fn actions(world: &World, leased: &Leased, busy: &Leased, result: Hash, open: Hash) -> Vec<(u8, Action)> {
    let model = leased.context.model_hash;
    let (_, shown) = world.shown::<Params>(&Key::Params);
    let teleport = Teleport {
        source: 6_133,
        source_genesis: [1; 32],
        destination: world.machine().genesis().chain_id(),
        destination_genesis: *world.machine().genesis_hash(),
        sender: World::address(1),
        recipient: World::address(2),
        amount: 5,
        expires: world.now + 100_000,
        status: TeleportStatus::Sent,
    };
    let signed = world.submission(leased).signed;
    let worker = worker_id(2);
    let profile =
        HardwareProfile { tier: HardwareTier::Standard, hardware: Text::new("test").unwrap(), video_memory_mib: 1 };
    let row = OpenedRow {
        values: vec![1; 4],
        path: verifier::inclusion::MerkleProof { index: 1, count: 2, path: vec![[1; 32]] },
    };
    let submission = world.sampled_submission(busy, output());
    let (input, output, proof) = (Some(input()), output(), PROOF.to_vec());
    let job = world.lease_action(open, 4).job;
    let claim = ClaimTeleport { id: [1; 32], teleport, proof: shown.clone() };
    vec![
        (1, Action::Transfer(Transfer { to: World::address(2), amount: 5 })),
        (1, Action::RegisterModel(register_model())),
        (5, Action::RegisterWorker(Box::new(world.worker_registration(6, vec![model])))),
        (2, Action::Stake(AddStake { worker, amount: 5 })),
        (2, Action::Unstake(Unstake { worker, amount: 5 })),
        (2, Action::Withdraw(Withdraw { worker })),
        (1, Action::PostJob(world.sampled_job())),
        (4, Action::LeaseJob(world.sampled_action(open, 4))),
        (3, Action::SubmitResult(Box::new(submission))),
        (4, Action::CommitCheck(World::commit_action(&result, 4, &output))),
        (4, Action::RevealCheck(World::reveal_action(&result, 4, &output))),
        (1, Action::Challenge(Challenge { result, bond: 2_000_000 })),
        (
            2,
            Action::AnswerWithProof(Box::new(AnswerWithProof {
                result,
                input: input.clone(),
                output: output.clone(),
                proof: proof.clone(),
            })),
        ),
        (2, Action::BindDevice(Box::new(BindDevice { worker, step: DeviceStep::Request { device: [1; 32] } }))),
        (
            2,
            Action::UpdateWorker(Box::new(UpdateWorker {
                worker,
                profile,
                models: vec![model],
                region: 1,
                rates: HardwareRates::default(),
            })),
        ),
        (1, Action::ReportImplausible(Box::new(ReportImplausible { lease: leased.lease.id, signed: signed.clone() }))),
        (1, Action::ProposeAssignment(ProposeAssignment { job, worker })),
        (1, Action::ChallengeModel(World::row_challenge(model, 1))),
        (
            2,
            Action::Propose(Box::new(Propose {
                worker,
                change: Change::Params(Box::new(world.machine().params().unwrap())),
            })),
        ),
        (2, Action::Vote(CastVote { proposal: [1; 32], worker, yes: true })),
        (1, world.decided(0, Decision::Issue { to: World::address(1), amount: 5 }, &[1, 2])),
        (
            1,
            Action::ReportMisbehaviour(Box::new(ReportMisbehaviour {
                lease: leased.lease.id,
                first: signed.clone(),
                second: signed,
            })),
        ),
        (1, Action::AnchorReceipt(AnchorReceipt { receipt: [1; 32], coordinator: None })),
        (
            1,
            Action::TeleportOut(TeleportOut {
                destination: 6_133,
                recipient: Address::new([1; 32]),
                amount: 5,
                expires: world.now + 100_000,
            }),
        ),
        (1, Action::RecordTeleport(Box::new(RecordTeleport { id: claim.id, teleport, proof: shown.clone() }))),
        (1, Action::ClaimTeleport(Box::new(claim))),
        (1, Action::RefundTeleport(Box::new(RefundTeleport { id: [1; 32], proof: shown }))),
        (2, Action::SyntheticResult(SyntheticResult { worker, epoch: 0, root: [1; 32] })),
        (2, Action::OpenSynthetic(Box::new(OpenSynthetic { worker, rows: vec![row] }))),
        (2, Action::Appeal(Appeal { result })),
        (1, Action::ReleaseTeleport(ReleaseTeleport { claim: [1; 32] })),
        (1, Action::PlantCanary(PlantCanary { commitment: [1; 32] })),
        (1, Action::RevealCanary(Box::new(RevealCanary { result, salt: [1; 32], input, output, proof }))),
    ]
}

#[test]
fn there_is_an_action_of_every_kind() {
    let start = start();
    let tags: BTreeSet<u8> = start.actions.iter().map(|(_, action)| encode(action)[0]).collect();
    assert!(tags.iter().copied().eq(0..33), "{tags:?}");
    assert!(borsh::from_slice::<Action>(&[33]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changed_actions_are_executed_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 1usize..17), 64),
    ) {
        thread_local!(static START: Start = start());
        START.with(|start| {
            let mut world = World::resumed(start.store.clone(), start.genesis.clone(), start.now);
            for (kind, position, byte, width) in changes {
                let (sender, action) = kind.get(&start.actions);
                let mut bytes = encode(action);
                let position = position.index(bytes.len());
                // Numbers are up to sixteen bytes wide, so extremes of all of their bytes are tried too.
                let end = bytes.len().min(position + width);
                bytes[position..end].fill(byte);
                let Ok(action) = borsh::from_slice::<Action>(&bytes) else { continue };
                match world.chain.submit(&world.signed(*sender, action).to_bytes()) {
                    Ok(_) => {
                        world.block();
                    }
                    Err(LocalError::Refused(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            // Whatever was taken fires its timers too.
            world.reach(world.machine().height() + 40);
        });
    }
}

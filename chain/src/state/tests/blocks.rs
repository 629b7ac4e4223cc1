use attestation::codec::DecodeError;
use verifier::inclusion::{
    Certificate, CertificateError, CommitSignature, LinkError, Misbehaviour, MisbehaviourError, beacon_after,
    check_link,
};

use crate::economics::invariants::ConservationError;
use crate::rules::Reject;
use crate::state::execute::Committed;
use crate::state::execute::conserve;
use crate::state::overlay::Overlay;
use crate::state::{CommitError, Invalid, Key, MemoryStore, StateMachine, Store};
use crate::testing::{FUNDS, World, account, validator};
use crate::types::CheckedTransaction;
use crate::types::block::Block;
use crate::types::ids::Address;
use crate::types::ledger::Account;
use crate::types::params::Params;
use crate::types::transaction::{Action, Transfer, encode};

fn candidates(world: &World) -> Vec<CheckedTransaction> {
    let action = Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 5 });
    vec![CheckedTransaction::parse(&world.signed(1, action).to_bytes()).unwrap()]
}

fn proposed(world: &World) -> Block {
    let proposer = validator().public_key().address();
    world.machine().propose(&proposer, world.now + 250, &candidates(world), u64::MAX).unwrap().block
}

fn certified(world: &World, block: &Block) -> Vec<u8> {
    let signature = CommitSignature::sign(&block.header, world.machine().genesis_hash(), &validator());
    encode(&Certificate { header: block.hash(), signatures: vec![signature] })
}

fn invalid(change: impl FnOnce(&mut Block)) -> Invalid {
    let world = World::new();
    let mut block = proposed(&world);
    assert_eq!(world.machine().verify(&block), Ok(()));
    change(&mut block);
    world.machine().verify(&block).unwrap_err()
}

#[test]
fn every_claim_of_a_header_is_checked() {
    assert_eq!(invalid(|block| block.header.height = 2), Invalid::Link(LinkError::Height { expected: 1, got: 2 }));
    assert_eq!(invalid(|block| block.header.parent = [0; 32]), Invalid::Link(LinkError::Parent));
    let start = crate::testing::START;
    assert_eq!(
        invalid(|block| block.header.time = start),
        Invalid::Link(LinkError::Time { parent: start, got: start })
    );
    assert_eq!(invalid(|block| block.header.beacon = [0; 32]), Invalid::Link(LinkError::Beacon));
    assert_eq!(invalid(|block| block.header.epoch = 1), Invalid::Epoch { expected: 0, got: 1 });
    let stranger = account(1).public_key().address();
    assert_eq!(invalid(|block| block.header.proposer = stranger), Invalid::Proposer { got: stranger });

    let block = proposed(&World::new());
    let header = block.header.clone();
    assert_eq!(
        invalid(|block| block.header.state_root = [0; 32]),
        Invalid::StateRoot { expected: header.state_root, got: [0; 32] }
    );
    assert_eq!(
        invalid(|block| block.header.transaction_root = [0; 32]),
        Invalid::TransactionRoot { expected: header.transaction_root, got: [0; 32] }
    );
    assert_eq!(
        invalid(|block| block.header.compute_root = [0; 32]),
        Invalid::ComputeRoot { expected: header.compute_root, got: [0; 32] }
    );
}

#[test]
fn the_transactions_are_those_of_the_header_and_all_of_them_run() {
    assert!(matches!(invalid(|block| block.transactions.clear()), Invalid::TransactionRoot { .. }));
    let refused = invalid(|block| {
        let bytes = &mut block.transactions[0];
        *bytes = vec![0; 3];
        block.header.transaction_root = block.transaction_root();
    });
    assert!(matches!(refused, Invalid::Transaction { position: 0, reject } if reject.code() == 102));
    let id = *candidates(&World::new())[0].id();
    let twice = invalid(|block| {
        let copy = block.transactions[0].clone();
        block.transactions.push(copy);
        block.header.transaction_root = block.transaction_root();
    });
    assert_eq!(twice, Invalid::Transaction { position: 1, reject: Box::new(Reject::TransactionDuplicate { id }) });
}

#[test]
fn a_block_has_room_for_so_many_bytes_and_so_much_gas() {
    let max = Params::development().block.bytes_max;
    let oversized = invalid(|block| {
        block.transactions = vec![vec![0; 1 << 20]; 5];
        block.header.transaction_root = block.transaction_root();
    });
    assert_eq!(oversized, Invalid::Oversized { max, got: 5 << 20 });

    let world = World::new();
    let action = Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 5 });
    let mut body = world.transaction(1, action);
    body.gas_limit = 150_000_000;
    let first = body.clone().sign(&account(1)).to_bytes();
    body.nonce = 1;
    let second = body.sign(&account(1)).to_bytes();
    let mut block = proposed(&world);
    block.transactions = vec![first.clone(), second.clone()];
    block.header.transaction_root = block.transaction_root();
    assert_eq!(world.machine().verify(&block), Err(Invalid::Gas { max: 200_000_000, got: 300_000_000 }));
    // A proposal leaves what does not fit for the next block and refuses nothing.
    let both = [first, second].map(|bytes| CheckedTransaction::parse(&bytes).unwrap());
    let proposer = validator().public_key().address();
    let proposal = world.machine().propose(&proposer, world.now + 250, &both, u64::MAX).unwrap();
    assert_eq!((proposal.block.transactions.len(), proposal.refused.len()), (1, 0));
    let tight = world.machine().propose(&proposer, world.now + 250, &both, 10).unwrap();
    assert_eq!((tight.block.transactions.len(), tight.refused.len()), (0, 0));
}

#[test]
fn a_block_that_makes_or_loses_tokens_is_refused() {
    let world = World::new();
    let base = Committed { store: world.machine().store(), height: 0 };
    let key = Key::Account(account(1).public_key().address());
    for (balance, difference) in [(FUNDS + 1, 1i128), (FUNDS - 1, -1)] {
        let mut state = Overlay::new(&base);
        state.put(&key, Account { nonce: 1, balance }).unwrap();
        let issued = 5 * FUNDS;
        let accounted = issued.checked_add_signed(difference);
        assert_eq!(
            conserve(&mut state),
            Err(Invalid::Conservation(ConservationError { issued: Some(issued), accounted }))
        );
    }
}

#[test]
fn committing_is_idempotent_and_final() {
    let mut world = World::new();
    let block = proposed(&world);
    let certificate = certified(&world, &block);
    let mut machine = world_machine(&mut world);
    let first = machine.commit(&block, &certificate, &[]).unwrap();
    assert_eq!((first.height, first.block, first.root), (1, block.hash(), machine.root()));
    assert_eq!(machine.commit(&block, &certificate, &[]), Ok(first));
    let mut other = block.clone();
    other.header.time += 1;
    assert_eq!(
        machine.commit(&other, &certificate, &[]),
        Err(CommitError::Conflict { height: 1, expected: block.hash(), got: other.hash() })
    );
    assert_eq!(machine.height(), 1);
}

/// A machine of its own over the world's store.
fn world_machine(world: &mut World) -> crate::state::Machine<MemoryStore> {
    let machine = world.machine();
    let setups = vec![crate::testing::setup().clone()];
    crate::state::Machine::open(machine.store().clone(), machine.genesis().clone(), setups).unwrap()
}

#[test]
fn only_certified_blocks_that_verify_are_committed() {
    let mut world = World::new();
    let block = proposed(&world);
    let certificate = certified(&world, &block);
    let mut machine = world_machine(&mut world);
    let root = machine.root();
    assert_eq!(
        machine.commit(&block, &certificate[1..], &[]),
        Err(CommitError::CertificateEncoding(DecodeError::Truncated {
            what: "certificate",
            got: certificate.len() - 1
        }))
    );
    let unsigned = encode(&Certificate { header: block.hash(), signatures: vec![] });
    assert_eq!(
        machine.commit(&block, &unsigned, &[]),
        Err(CommitError::Certificate(CertificateError::Weight { total: 1, got: 0 }))
    );
    let mut false_root = block.clone();
    false_root.header.state_root = [0; 32];
    let signed = certified(&world, &false_root);
    assert!(matches!(machine.commit(&false_root, &signed, &[]), Err(CommitError::Invalid(Invalid::StateRoot { .. }))));
    // A verified header does not vouch for other transactions under it.
    machine.verify(&block).unwrap();
    let mut emptied = block.clone();
    emptied.transactions.clear();
    assert!(matches!(
        machine.commit(&emptied, &certificate, &[]),
        Err(CommitError::Invalid(Invalid::TransactionRoot { .. }))
    ));
    assert_eq!((machine.height(), machine.root()), (0, root));
}

#[test]
fn reports_of_misbehaviour_are_checked_and_kept() {
    let mut world = World::new();
    let block = proposed(&world);
    let certificate = certified(&world, &block);
    let mut machine = world_machine(&mut world);
    let sign = |header| CommitSignature::sign(header, machine.genesis_hash(), &validator());
    let mut second = block.header.clone();
    second.time += 1;
    let report = Misbehaviour {
        first: block.header.clone(),
        first_signature: sign(&block.header),
        second: second.clone(),
        second_signature: sign(&second),
    };
    let empty = Misbehaviour { second: report.first.clone(), ..report.clone() };
    assert_eq!(
        machine.commit(&block, &certificate, &[report.clone(), empty]),
        Err(CommitError::Misbehaviour { position: 1, error: MisbehaviourError::NoConflict })
    );
    machine.commit(&block, &certificate, std::slice::from_ref(&report)).unwrap();
    assert_eq!(machine.block(1).unwrap().unwrap().misbehaviour, [report]);
}

#[test]
fn committed_headers_link_up_for_a_light_client() {
    let (world, _) = World::leased();
    let machine = world.machine();
    for height in 2..=machine.height() {
        let parent = machine.block(height - 1).unwrap().unwrap();
        let child = machine.block(height).unwrap().unwrap();
        let header = &child.block.header;
        assert_eq!(check_link(&parent.block.header, &parent.certificate, header), Ok(()));
        let validators = machine.validators(height).unwrap();
        assert_eq!(child.certificate.verify(header, machine.genesis_hash(), &validators), Ok(()));
    }
    let last = machine.block(machine.height()).unwrap().unwrap();
    assert_eq!(machine.head().next_beacon, beacon_after(&last.block.header.beacon, &last.certificate));
    assert_eq!(machine.store().head().unwrap(), Some(*machine.head()));
}

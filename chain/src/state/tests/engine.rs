use std::collections::BTreeSet;

use crate::economics::invariants::ConservationError;
use crate::rules::Reject;
use crate::state::machine::Priority;
use crate::state::{
    AuditError, Batch, Head, Key, LocalChain, LocalError, Machine, MachineError, MemoryStore, Object, Spent,
    StateMachine, Store, tree,
};
use crate::testing::{START, World, account, genesis, setup, tampered, validator};
use crate::types::genesis::Genesis;
use crate::types::ids::Address;
use crate::types::ledger::{Account, Holdings, Supply, Treasury};
use crate::types::transaction::{Action, Transfer, encode};

fn transfer() -> Action {
    Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 5 })
}

#[test]
fn a_store_is_opened_again_where_it_stands() {
    let (world, _) = World::leased();
    let machine = world.machine();
    let again = Machine::open(machine.store().clone(), machine.genesis().clone(), vec![setup().clone()]).unwrap();
    assert_eq!((again.height(), again.root()), (machine.height(), machine.root()));
    assert_eq!(again.audit().unwrap(), machine.audit().unwrap());
}

#[test]
fn a_store_of_another_chain_is_refused() {
    let world = World::new();
    let other = genesis(|params| params.block.interval_ms = 500);
    let expected = other.hash();
    let opened = Machine::open(world.machine().store().clone(), other, vec![setup().clone()]);
    let got = *world.machine().genesis_hash();
    assert_eq!(opened.err(), Some(MachineError::Genesis { expected, got }));
}

#[test]
fn setups_are_exactly_those_of_genesis_and_large_enough() {
    let (id, k_max) = (setup().id(), crate::testing::K);
    let missing = Machine::open(MemoryStore::new(), genesis(|_| {}), vec![]);
    assert_eq!(missing.err(), Some(MachineError::Setup { setup: id, k_max }));
    let larger = genesis(|params| params.model.k_max = k_max + 1);
    let small = Machine::open(MemoryStore::new(), larger, vec![setup().clone()]);
    assert_eq!(small.err(), Some(MachineError::Setup { setup: id, k_max: k_max + 1 }));
    let base = genesis(|_| {});
    let others = BTreeSet::from([id, [0; 32]]);
    let two = Genesis::new(
        base.chain_id(),
        START,
        *base.params(),
        vec![],
        base.validators().clone(),
        others,
        base.policy().clone(),
    );
    let opened = Machine::open(MemoryStore::new(), two.unwrap(), vec![setup().clone()]);
    assert_eq!(opened.err(), Some(MachineError::Setup { setup: [0; 32], k_max }));
}

#[test]
fn only_the_validator_runs_the_chain() {
    let machine = Machine::open(MemoryStore::new(), genesis(|_| {}), vec![setup().clone()]).unwrap();
    let got = account(1).public_key().address();
    assert!(matches!(
        LocalChain::new(machine, account(1)).err(),
        Some(LocalError::NotValidator { got: address }) if address == got
    ));
}

#[test]
fn time_moves_forward_even_when_the_clock_does_not() {
    let mut world = World::new();
    let first = world.chain.produce(START).unwrap();
    let header = world.machine().block(first.commit.height).unwrap().unwrap().block.header;
    assert_eq!(header.time, START + 1);
    assert_eq!(
        world.chain.produce(START - 10_000).err(),
        Some(LocalError::ClockBehind { now: START - 10_000, earliest: START + 2 })
    );
}

#[test]
fn blocks_are_due_only_for_transactions_and_timers() {
    let mut world = World::new();
    assert!(!world.chain.block_due().unwrap());
    world.chain.submit(&world.signed(1, transfer()).to_bytes()).unwrap();
    assert!(world.chain.block_due().unwrap());
    world.block();
    assert!(!world.chain.block_due().unwrap());
}

#[test]
fn later_transactions_of_a_sender_wait_for_earlier_ones() {
    let mut world = World::new();
    let body = world.transaction(1, transfer());
    let later = |ahead: u64| {
        let mut body = body.clone();
        body.nonce += ahead;
        body.sign(&account(1)).to_bytes()
    };
    let judged = world.machine().check_tx(&later(2)).unwrap();
    assert_eq!(judged, Ok(Priority { gas_price: 1, waits_for: 2 }));
    for ahead in [1, 0, 2] {
        world.chain.submit(&later(ahead)).unwrap();
    }
    let produced = world.block();
    assert_eq!((produced.commit.outcomes.len(), world.chain.waiting()), (3, 0));

    // A gap is refused by the block, with the reason.
    let mut gap = world.transaction(1, transfer());
    gap.nonce += 1;
    let id = world.chain.submit(&gap.sign(&account(1)).to_bytes()).unwrap();
    let produced = world.block();
    assert_eq!(produced.refused, vec![(id, Reject::NonceMismatch { expected: 3, got: 4 })]);
}

#[test]
fn a_waiting_transaction_must_be_for_this_chain() {
    let mut world = World::new();
    let mut body = world.transaction(1, transfer());
    body.nonce += 1;
    body.chain_id = 1;
    let refused = world.chain.submit(&body.sign(&account(1)).to_bytes());
    assert_eq!(refused, Err(LocalError::Refused(Box::new(Reject::ChainMismatch { expected: 1337, got: 1 }))));
}

#[test]
fn a_damaged_store_is_not_opened() {
    let world = World::new();
    let mut store = world.machine().store().clone();
    let write = (Key::Treasury.to_bytes(), Some(encode(&Object::Treasury(Treasury { amount: 0 }))));
    let (_, tree) = tree::update(&store, 1, &[write]).unwrap();
    let head = Head { height: 1, root: [1; 32], ..*world.machine().head() };
    store.apply(Batch { head, tree, keys: vec![], block: None }).unwrap();
    let opened = Machine::open(store, world.machine().genesis().clone(), vec![setup().clone()]);
    assert_eq!(opened.err(), Some(MachineError::Root { height: 1 }));
}

#[test]
fn an_audit_finds_what_was_changed_past_the_rules() {
    let world = World::new();
    let rich = Key::Account(account(9).public_key().address());
    let chain = tampered(world.machine(), &[(rich, Account { nonce: 0, balance: 1 })]);
    let stated = world.machine().supply().unwrap().held;
    let held = Holdings { balances: stated.balances + 1, ..stated };
    let mismatch = AuditError::Holdings { stated: Box::new(stated), held: Box::new(held) };
    assert_eq!(chain.machine().audit(), Err(mismatch));

    let chain = tampered(world.machine(), &[(Key::Supply, Supply { minted: 1, ..world.machine().supply().unwrap() })]);
    let (issued, accounted) = (Some(50_000_000_001), Some(50_000_000_000));
    assert_eq!(chain.machine().audit(), Err(AuditError::Conservation(ConservationError { issued, accounted })));

    // An object that the key index does not name.
    let mut store = world.machine().store().clone();
    let spent = encode(&Object::Spent(Spent { lease: [0; 32], height: 1 }));
    let (root, tree) = tree::update(&store, 1, &[(Key::SpentWork([1; 32]).to_bytes(), Some(spent))]).unwrap();
    let head = Head { height: 1, root, ..*world.machine().head() };
    store.apply(Batch { head, tree, keys: vec![], block: None }).unwrap();
    let machine = Machine::open(store, world.machine().genesis().clone(), vec![setup().clone()]).unwrap();
    assert_eq!(machine.audit(), Err(AuditError::Root));
}

#[test]
fn the_validator_key_is_the_genesis_validator() {
    let set = genesis(|_| {}).validators().clone();
    assert_eq!(set.validators()[0].public_key, validator().public_key());
}

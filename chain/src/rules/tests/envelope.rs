use attestation::codec::DecodeError;
use attestation::identity::IdentityError;

use crate::rules::Reject;
use crate::state::LocalError;
use crate::testing::{FUNDS, World, account};
use crate::types::ethereum::tests::{high, sign};
use crate::types::ethereum::{Form, SignatureError};
use crate::types::ids::Address;
use crate::types::transaction::{
    Action, Authorisation, SignedTransaction, TRANSACTION_BYTES_MAX, Transaction, Transfer,
};

fn transfer(amount: u128) -> Action {
    Action::Transfer(Transfer { to: Address::new([9; 32]), amount })
}

fn refused(world: &mut World, bytes: &[u8]) -> Reject {
    match world.chain.submit(bytes) {
        Err(LocalError::Refused(reject)) => *reject,
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_transfer_moves_tokens_and_splits_its_fee() {
    let mut world = World::new();
    let outcome = world.send(1, transfer(5));
    assert_eq!((outcome.gas_used, outcome.fee), (20_000, 25_000_000));
    assert_eq!(world.balance(1), FUNDS - 25_000_000 - 5);
    assert_eq!(world.machine().account(&Address::new([9; 32])).unwrap().balance, 5);
    let supply = world.machine().supply().unwrap();
    assert_eq!((supply.burned, supply.held.treasury, supply.minted), (5_000_000, 20_000_000, 0));
}

#[test]
fn a_transfer_to_oneself_moves_nothing() {
    let mut world = World::new();
    let to = account(1).public_key().address();
    world.send(1, Action::Transfer(Transfer { to, amount: 7 }));
    assert_eq!(world.balance(1), FUNDS - 25_000_000);
}

#[test]
fn oversized_and_malformed_bytes_are_refused() {
    let mut world = World::new();
    let long = vec![0; TRANSACTION_BYTES_MAX + 1];
    assert_eq!(
        refused(&mut world, &long),
        Reject::TransactionOversized { max: TRANSACTION_BYTES_MAX, got: TRANSACTION_BYTES_MAX + 1 }
    );
    let mut bytes = world.signed(1, transfer(5)).to_bytes();
    bytes.push(0);
    assert_eq!(
        refused(&mut world, &bytes),
        Reject::TransactionMalformed(DecodeError::TrailingBytes { what: "transaction", extra: 1 })
    );
}

#[test]
fn another_signature_is_refused() {
    let mut world = World::new();
    let mut signed = world.signed(1, transfer(5));
    let Authorisation::Ed25519 { public_key, .. } = &mut signed.authorisation else { panic!("{signed:?}") };
    *public_key = account(2).public_key();
    assert_eq!(
        refused(&mut world, &signed.to_bytes()),
        Reject::SignatureInvalid(IdentityError::SignatureMismatch { what: "ed25519 signature" })
    );
}

#[test]
fn another_chain_and_another_genesis_are_refused() {
    let mut world = World::new();
    let mut transaction = world.transaction(1, transfer(5));
    transaction.chain_id = 1;
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::ChainMismatch { expected: 1337, got: 1 });
    let mut transaction = world.transaction(1, transfer(5));
    transaction.genesis = [0; 32];
    let expected = *world.machine().genesis_hash();
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::GenesisMismatch { expected, got: [0; 32] });
}

#[test]
fn gas_price_and_limit_are_bounded() {
    let mut world = World::new();
    let mut transaction = world.transaction(1, transfer(5));
    transaction.gas_price = 0;
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::GasPriceLow { expected: 1, got: 0 });
    let mut transaction = world.transaction(1, transfer(5));
    transaction.gas_limit = 19_999;
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::GasLimitLow { expected: 20_000, got: 19_999 });
    let mut transaction = world.transaction(1, transfer(5));
    transaction.gas_limit = 200_000_001;
    assert_eq!(
        world.chain.submit(&transaction.clone().sign(&account(1)).to_bytes()),
        Err(LocalError::Refused(Box::new(Reject::GasLimitHigh { max: 200_000_000, got: 200_000_001 })))
    );
}

#[test]
fn only_the_next_nonce_runs() {
    let mut world = World::new();
    world.send(1, transfer(5));
    let mut transaction = world.transaction(1, transfer(5));
    transaction.nonce = 0;
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::NonceMismatch { expected: 1, got: 0 });
    let mut transaction = world.transaction(1, transfer(5));
    transaction.nonce = 66;
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::NonceMismatch { expected: 1, got: 66 });
}

#[test]
fn a_balance_covers_fee_and_amount() {
    let mut world = World::new();
    let address = account(1).public_key().address();
    let rest = FUNDS - 25_000_000;
    assert_eq!(
        world.refusal(1, transfer(rest + 1)),
        Reject::BalanceShort { account: address, needed: rest + 1, got: rest }
    );
    let poor = account(9).public_key().address();
    assert_eq!(world.refusal(9, transfer(1)), Reject::BalanceShort { account: poor, needed: 25_000_000, got: 0 });
    world.send(1, transfer(rest));
    assert_eq!(world.balance(1), 0);
}

#[test]
fn amounts_outside_their_range_are_refused() {
    let mut world = World::new();
    let mut transaction = world.transaction(1, transfer(5));
    transaction.gas_price = u128::MAX;
    assert_eq!(world.refusal_of(transaction.sign(&account(1))), Reject::AmountOverflow { what: "fee" });
    assert_eq!(world.refusal(1, transfer(0)), Reject::AmountZero { what: "transfer" });
}

#[test]
fn a_waiting_transaction_is_not_taken_twice() {
    let mut world = World::new();
    let signed = world.signed(1, transfer(5));
    world.chain.submit(&signed.to_bytes()).unwrap();
    assert_eq!(refused(&mut world, &signed.to_bytes()), Reject::TransactionDuplicate { id: signed.id() });
}

#[test]
fn a_refused_transaction_leaves_no_trace() {
    let mut world = World::new();
    let before = world.machine().supply().unwrap();
    world.refusal(1, transfer(FUNDS));
    let produced = world.block();
    assert_eq!(produced.commit.outcomes, vec![]);
    assert_eq!(world.balance(1), FUNDS);
    assert_eq!(world.machine().supply().unwrap(), before);
    assert_eq!(world.machine().account(&account(1).public_key().address()).unwrap().nonce, 0);
}

/// The account of the key 0x4646.. of EIP-155.
fn wallet() -> Address {
    Address::from_ethereum(alloy_primitives::hex!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"))
}

fn from_wallet(world: &World, nonce: u64, gas_limit: u64) -> SignedTransaction {
    let signed = world.signed(1, transfer(5)).transaction;
    sign(Transaction { nonce, gas_limit, ..signed }, Form::Legacy, 0x46)
}

#[test]
fn an_ethereum_account_pays_and_acts() {
    let mut world = World::new();
    world.send(1, Action::Transfer(Transfer { to: wallet(), amount: 1_000_000 }));
    let signed = from_wallet(&world, 0, 80_000);
    world.chain.submit(&signed.to_bytes()).unwrap();
    let outcome = world.block().commit.outcomes.remove(0);
    assert_eq!(
        (outcome.transaction, outcome.sender, outcome.gas_used, outcome.fee),
        (signed.id(), wallet(), 80_000, 80_000)
    );
    assert_eq!(world.machine().account(&wallet()).unwrap().balance, 1_000_000 - 80_000 - 5);
    // The same again is old, and what the wallet signed for another nonce pays for its signature too.
    assert_eq!(refused(&mut world, &signed.to_bytes()), Reject::NonceMismatch { expected: 1, got: 0 });
    let cheap = from_wallet(&world, 1, 79_999);
    assert_eq!(refused(&mut world, &cheap.to_bytes()), Reject::GasLimitLow { expected: 80_000, got: 79_999 });
    // No genesis is signed, so another one is refused by the envelope alone.
    let mut elsewhere = from_wallet(&world, 1, 80_000);
    elsewhere.transaction.genesis = [7; 32];
    assert!(matches!(refused(&mut world, &elsewhere.to_bytes()), Reject::GenesisMismatch { .. }));
    // Under another chain's number it is somebody else's.
    let mut renumbered = from_wallet(&world, 1, 80_000);
    renumbered.transaction.chain_id += 1;
    assert!(matches!(refused(&mut world, &renumbered.to_bytes()), Reject::ChainMismatch { .. }));
}

#[test]
fn the_other_spelling_of_an_ethereum_signature_is_refused() {
    let mut world = World::new();
    world.send(1, Action::Transfer(Transfer { to: wallet(), amount: 1_000_000 }));
    let mut twin = from_wallet(&world, 0, 80_000);
    let Authorisation::Secp256k1(signature) = &mut twin.authorisation else { panic!("{twin:?}") };
    high(signature);
    assert_eq!(refused(&mut world, &twin.to_bytes()), Reject::SignatureHigh(SignatureError::High));
    let Authorisation::Secp256k1(signature) = &mut twin.authorisation else { panic!("{twin:?}") };
    signature.r = [0; 32];
    assert_eq!(refused(&mut world, &twin.to_bytes()), Reject::SignerUnknown(SignatureError::NoKey));
}

//! Ethereum transactions: known ones, and what is refused.

use alloy_primitives::{b256, hex};
use k256::ecdsa::SigningKey;

use super::call::{CallError, MINING, action};
use super::*;
use crate::types::ids::ObjectRef;
use crate::types::job::LeaseKind;
use crate::types::transaction::{
    Action, Authorisation, CheckedTransaction, LeaseJob, ReleaseTeleport, SignedTransaction, TransactionError,
    Transfer, encode,
};

/// Signs as a wallet does.
pub(crate) fn sign(transaction: Transaction, form: Form, seed: u8) -> SignedTransaction {
    let key = SigningKey::from_slice(&[seed; 32]).unwrap();
    let hash = form.signing_hash(&transaction);
    let (signature, recovery) = key.sign_prehash_recoverable(hash.as_slice());
    let (r, s) = signature.split_bytes();
    let signature = Signature { form, odd: recovery.is_y_odd(), r: r.into(), s: s.into() };
    SignedTransaction { transaction, authorisation: Authorisation::Secp256k1(signature) }
}

fn body(action: Action) -> Transaction {
    Transaction { chain_id: 1337, genesis: [1; 32], nonce: 9, gas_limit: 21_000, gas_price: 3, action }
}

fn transfer(amount: u128) -> Action {
    Action::Transfer(Transfer { to: Address::from_ethereum([0x35; 20]), amount })
}

fn lease() -> Action {
    let job = ObjectRef { id: [5; 32], version: 1 };
    Action::LeaseJob(LeaseJob { job, worker: [6; 32], kind: LeaseKind::Proof })
}

/// The example of EIP-155: nonce 9, 20 gwei, 21 000 gas, 1 ether to 0x3535.., chain 1, key 0x4646... Gas prices below a
/// micro-token have no body here, so the encoding is compared at its own level.
#[test]
fn the_example_of_eip_155_is_signed_for_as_written_there() {
    let (nonce, price, gas) = (9u64, U256::from(20_000_000_000u64), 21_000u64);
    let (to, value) = (Account::repeat_byte(0x35), wei(1_000_000));
    let data = Bytes::new();
    let unsigned = list(&[], &[&nonce, &price, &gas, &to, &value, &data], &[&1u32, &0u8, &0u8]);
    assert_eq!(
        unsigned,
        hex!("ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080")
    );
    assert_eq!(keccak256(unsigned), b256!("0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"));
}

#[test]
fn the_signer_of_each_form_is_found() {
    // The example of EIP-155 again.
    let account = address(Account::from(hex!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f")));
    for form in [Form::Legacy, Form::FeeMarket { priority_wei: 0 }, Form::FeeMarket { priority_wei: u128::MAX }] {
        for action in [transfer(5), transfer(0), transfer(u128::MAX), lease()] {
            let signed = sign(body(action), form, 0x46);
            let bytes = signed.to_bytes();
            let checked = CheckedTransaction::parse(&bytes).unwrap();
            assert_eq!(*checked.sender(), account);
            let Authorisation::Secp256k1(signature) = &signed.authorisation else { panic!() };
            assert_eq!((*checked.id(), signed.id()), (keccak256(signature.raw(&signed.transaction)).0, *checked.id()));
            let json = serde_json::to_string(&signed).unwrap();
            assert_eq!(serde_json::from_str::<SignedTransaction>(&json).unwrap().to_bytes(), bytes);
        }
    }
}

#[test]
fn a_changed_body_has_another_sender() {
    let signed = sign(body(transfer(5)), Form::Legacy, 0x46);
    let sender = *CheckedTransaction::parse(&signed.to_bytes()).unwrap().sender();
    let changes: [fn(&mut Transaction); 6] = [
        |body| body.chain_id = 1338,
        |body| body.nonce = 10,
        |body| body.gas_limit = 21_001,
        |body| body.gas_price = 4,
        |body| body.action = transfer(6),
        |body| body.action = lease(),
    ];
    for change in changes {
        let mut changed = signed.clone();
        change(&mut changed.transaction);
        let checked = CheckedTransaction::parse(&changed.to_bytes());
        assert!(checked.as_ref().is_ok_and(|checked| *checked.sender() != sender), "{checked:?}");
    }
    let mut changed = signed;
    let Authorisation::Secp256k1(signature) = &mut changed.authorisation else { panic!() };
    signature.form = Form::FeeMarket { priority_wei: 0 };
    assert_ne!(CheckedTransaction::parse(&changed.to_bytes()).unwrap().sender(), &sender);
}

/// The larger `s` is the order less the smaller one.
pub(crate) fn high(signature: &mut Signature) {
    let order = U256::from_be_bytes(hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
    signature.s = order.wrapping_sub(U256::from_be_bytes(signature.s)).to_be_bytes();
    signature.odd = !signature.odd;
}

#[test]
fn the_twin_of_a_signature_and_what_is_none_are_refused() {
    let signed = sign(body(transfer(5)), Form::Legacy, 0x46);
    let refused = |change: fn(&mut Signature)| {
        let mut changed = signed.clone();
        let Authorisation::Secp256k1(signature) = &mut changed.authorisation else { panic!() };
        change(signature);
        CheckedTransaction::parse(&changed.to_bytes()).unwrap_err()
    };
    assert_eq!(refused(high), TransactionError::Ethereum(SignatureError::High));
    let no_key = TransactionError::Ethereum(SignatureError::NoKey);
    assert_eq!(refused(|signature| signature.r = [0; 32]), no_key);
    assert_eq!(refused(|signature| signature.s = [0; 32]), no_key);
    assert_eq!(refused(|signature| signature.r = [0xff; 32]), no_key);
    // No point of the curve has x = 5.
    assert_eq!(refused(|signature| signature.r = U256::from(5).to_be_bytes()), no_key);
}

#[test]
fn each_action_has_one_call() {
    for said in [transfer(5), lease(), Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 1 })] {
        assert_eq!(action(&call::payload(&said)), Ok(said));
    }
    // The contract's own address takes no plain transfer, whose call it would be.
    let to_contract = Action::Transfer(Transfer { to: address(MINING), amount: 1 });
    assert_eq!(call::payload(&to_contract).to, MINING);
    assert_eq!(action(&call::payload(&to_contract)), Ok(to_contract));
}

#[test]
fn calls_that_say_nothing_are_told_apart() {
    use alloy_sol_types::SolCall;
    let with = |to, value, data: Vec<u8>| action(&Payload { to, value, data: data.into() });
    let other = Account::repeat_byte(1);
    let none = U256::ZERO;
    assert_eq!(with(other, none, vec![1]), Err(CallError::Contract { got: other }));
    assert_eq!(with(MINING, U256::from(1), vec![]), Err(CallError::Value { got: U256::from(1) }));
    let part = U256::from(WEI_PER_MICRO - 1);
    assert_eq!(with(other, part, vec![]), Err(CallError::Fraction { what: "value", got: part }));
    let most = U256::MAX / U256::from(WEI_PER_MICRO) * U256::from(WEI_PER_MICRO);
    assert_eq!(with(other, most, vec![]), Err(CallError::Fraction { what: "value", got: most }));
    assert_eq!(with(MINING, none, vec![]), Err(CallError::Function { got: Bytes::new() }));
    assert_eq!(with(MINING, none, vec![1, 2, 3, 4, 5]), Err(CallError::Function { got: vec![1, 2, 3, 4].into() }));
    let perform = |bytes: Vec<u8>| call::Mining::performCall { action: bytes.into() }.abi_encode();
    assert_eq!(with(MINING, none, perform(encode(&transfer(5)))), Err(CallError::OwnCall));
    assert!(matches!(with(MINING, none, perform(vec![])), Err(CallError::Bytes { function: "perform", .. })));
    let mut odd = perform(encode(&lease()));
    odd.push(0);
    assert!(matches!(with(MINING, none, odd), Err(CallError::Arguments { function: "perform", .. })));
    let claim = call::Mining::claimTeleportCall { transfer: [1; 32].into() }.abi_encode();
    let release = Action::ReleaseTeleport(ReleaseTeleport { claim: [1; 32] });
    assert_eq!(call::payload(&release).data.to_vec(), claim);
    assert_eq!(with(MINING, none, perform(encode(&release))), Err(CallError::OwnCall));
    assert_eq!(with(MINING, none, claim), Ok(release));
}

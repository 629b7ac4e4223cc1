//! Encoding, identity and signature of transactions.

use super::*;

fn transfer() -> Transaction {
    Transaction {
        chain_id: 1337,
        genesis: [1; 32],
        nonce: 0,
        gas_limit: 20_000,
        gas_price: 1,
        action: Action::Transfer(Transfer { to: Address::new([2; 32]), amount: 5 }),
    }
}

#[test]
fn a_signed_transaction_reads_back() {
    let key = ed25519::SigningKey::from_seed(&[3; 32]);
    let signed = transfer().sign(&key);
    let checked = CheckedTransaction::parse(&signed.to_bytes()).unwrap();
    assert_eq!(*checked.id(), signed.id());
    assert_eq!(*checked.sender(), key.public_key().address());
    assert_eq!(*checked.transaction(), signed.transaction);
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = transfer().sign(&ed25519::SigningKey::from_seed(&[3; 32])).to_bytes();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        assert!(CheckedTransaction::parse(&changed).is_err(), "byte {position}");
    }
}

#[test]
fn malformed_bytes_are_told_apart() {
    let bytes = transfer().sign(&ed25519::SigningKey::from_seed(&[3; 32])).to_bytes();
    let truncated = &bytes[..bytes.len() - 1];
    assert_eq!(
        CheckedTransaction::parse(truncated),
        Err(TransactionError::Decode(DecodeError::Truncated { what: "transaction", got: truncated.len() }))
    );
    let trailing = [bytes, vec![0]].concat();
    assert_eq!(
        CheckedTransaction::parse(&trailing),
        Err(TransactionError::Decode(DecodeError::TrailingBytes { what: "transaction", extra: 1 }))
    );
    assert!(matches!(
        CheckedTransaction::parse(&vec![0; TRANSACTION_BYTES_MAX + 1]),
        Err(TransactionError::Decode(DecodeError::TooLong { .. }))
    ));
}

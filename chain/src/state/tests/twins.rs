//! JSON twins: whatever a chain holds reads back from its twin to the same canonical bytes.

use std::fmt::Debug;

use borsh::BorshSerialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::state::store::Store;
use crate::state::{Object, StateMachine};
use crate::testing::World;
use crate::types::transaction::SignedTransaction;
use crate::types::{Account, JobStatus, encode};
use verifier::inclusion::state::key_hash;

fn check<T: Serialize + DeserializeOwned + BorshSerialize + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&text).unwrap();
    assert_eq!(back, *value, "{text}");
    assert_eq!(encode(&back), encode(value));
}

/// Checks every block, every transaction and every object of a chain.
pub(super) fn check_all(world: &World) {
    let machine = world.machine();
    for height in 1..=machine.height() {
        // A test may have written to a state past all blocks.
        let Some(committed) = machine.block(height).unwrap() else { continue };
        for bytes in &committed.block.transactions {
            check(&borsh::from_slice::<SignedTransaction>(bytes).unwrap());
        }
        check(&committed);
    }
    for key in machine.store().keys(b"", None, usize::MAX).unwrap() {
        if let Some(value) = machine.store().value(machine.height(), &key_hash(&key)).unwrap() {
            check(&borsh::from_slice::<Object>(&value).unwrap());
        }
    }
}

#[test]
fn amounts_are_text_and_only_their_own_spelling_is_read() {
    let account = Account { nonce: 7, balance: 1 << 100 };
    let text = serde_json::to_string(&account).unwrap();
    assert_eq!(text, r#"{"nonce":7,"balance":"1267650600228229401496703205376"}"#);
    for wrong in [r#"7"#, r#""07""#, r#""+7""#, r#""""#, r#""-1""#, r#""340282366920938463463374607431768211456""#] {
        let text = format!(r#"{{"nonce":7,"balance":{wrong}}}"#);
        assert!(serde_json::from_str::<Account>(&text).is_err(), "{wrong}");
    }
    let unknown = r#"{"nonce":7,"balance":"1","owner":"me"}"#;
    assert!(serde_json::from_str::<Account>(unknown).unwrap_err().to_string().contains("unknown field `owner`"));
}

#[test]
fn hashes_are_text_and_kinds_are_words() {
    let text = serde_json::to_string(&JobStatus::Leased([0xab; 32])).unwrap();
    assert_eq!(text, format!(r#"{{"leased":"0x{}"}}"#, "ab".repeat(32)));
    assert_eq!(serde_json::to_string(&JobStatus::Open).unwrap(), r#""open""#);
    assert!(serde_json::from_str::<JobStatus>(r#"{"leased":"0xAB"}"#).is_err());
}

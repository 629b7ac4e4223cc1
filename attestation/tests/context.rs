//! The work context: layout, digest, and that no byte is free.
#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use attestation::{
    codec::DecodeError,
    context::{WORK_CONTEXT_BYTES, WorkContext},
};
use common::{LEASED_AT, hex};
use proptest::prelude::*;

fn numbered() -> WorkContext {
    WorkContext {
        chain_id: 1337,
        genesis: [1; 32],
        job_id: [2; 32],
        model_hash: [3; 32],
        input_hash: [4; 32],
        worker: [5; 32],
        device_id: [6; 32],
        nonce: [7; 32],
        timestamp: LEASED_AT,
    }
}

#[test]
fn golden_vector_of_another_implementation() {
    let context = numbered();
    let middle: String = (1..=7).map(|value| format!("{value:02x}").repeat(32)).collect();
    assert_eq!(hex(&context.to_bytes()), format!("0x39050000{middle}00c02cc899010000"));
    assert_eq!(hex(&context.digest()), "0xedff539230df7078e8fda9b315dfeceefe0193619fa685a6e8b51bb1b25c22ff");
    let halves =
        (317_586_169_752_160_548_462_074_019_816_643_231_725, 339_131_557_157_452_541_998_056_808_688_691_380_734);
    assert_eq!(context.halves(), halves);
    assert_eq!(hex(&context.gpu_nonce(3)), "0xa07ef00b76ee01f8c3a4fbb5dba42ebe16051b65930f08947328e902af9503ec");
}

#[test]
fn every_gpu_gets_its_own_nonce() {
    let context = numbered();
    assert_ne!(context.gpu_nonce(0), context.gpu_nonce(1));
    assert_ne!(context.gpu_nonce(0), context.digest());
}

#[test]
fn only_the_exact_length_is_read() {
    let bytes = numbered().to_bytes();
    for length in 0..WORK_CONTEXT_BYTES {
        let refused = DecodeError::Truncated { what: "work context", got: length };
        assert_eq!(WorkContext::from_bytes(&bytes[..length]), Err(refused));
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    let refused = DecodeError::TooLong { what: "work context", max: 236, got: 237 };
    assert_eq!(WorkContext::from_bytes(&longer), Err(refused));
}

#[test]
fn the_json_twin_reads_back_and_knows_every_field() {
    let context = numbered();
    let json = serde_json::to_value(context).unwrap();
    assert_eq!(json["nonce"], format!("0x{}", "07".repeat(32)));
    assert_eq!(serde_json::from_value::<WorkContext>(json.clone()).unwrap(), context);

    let mut extra = json.clone();
    extra["note"] = "x".into();
    let error = serde_json::from_value::<WorkContext>(extra).unwrap_err().to_string();
    assert!(error.contains("unknown field `note`"), "{error}");

    let mut short = json;
    short["nonce"] = "0x07".into();
    let error = serde_json::from_value::<WorkContext>(short).unwrap_err().to_string();
    assert!(error.contains("expected 64 digits after 0x, got 2"), "{error}");
}

fn any_context() -> impl Strategy<Value = WorkContext> {
    proptest::collection::vec(any::<u8>(), WORK_CONTEXT_BYTES)
        .prop_map(|bytes| WorkContext::from_bytes(&bytes).unwrap())
}

proptest! {
    #[test]
    fn encoding_round_trips_and_borsh_is_the_canonical_bytes(context in any_context()) {
        let bytes = context.to_bytes();
        prop_assert_eq!(WorkContext::from_bytes(&bytes), Ok(context));
        prop_assert_eq!(borsh::to_vec(&context).unwrap(), bytes.to_vec());
        let json = serde_json::to_string(&context).unwrap();
        prop_assert_eq!(serde_json::from_str::<WorkContext>(&json).unwrap(), context);
    }

    #[test]
    fn changing_any_byte_changes_the_digest(context in any_context(), change in 1_u8..) {
        for position in 0..WORK_CONTEXT_BYTES {
            let mut bytes = context.to_bytes();
            bytes[position] ^= change;
            let changed = WorkContext::from_bytes(&bytes).unwrap();
            prop_assert_ne!(changed, context);
            prop_assert_ne!(changed.digest(), context.digest());
        }
    }

    #[test]
    fn any_other_length_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert_eq!(WorkContext::from_bytes(&bytes).is_ok(), bytes.len() == WORK_CONTEXT_BYTES);
    }
}

//! Keys and signatures: known answers, strict decoding, domains, malleation.
#![allow(clippy::unwrap_used, reason = "test code")]

mod common;

use attestation::{
    codec::{DecodeError, FieldError, decode},
    hex::HexError,
    identity::{IdentityError, address::Address, ed25519, ml_dsa},
};
use common::{hex, seed, session_key, worker};

const DOMAIN: &str = "assay 2026 test v1";
const OTHER_DOMAIN: &str = "assay 2026 other-test v1";
const ED25519_MISMATCH: IdentityError = IdentityError::SignatureMismatch { what: "ed25519 signature" };
const ML_DSA_MISMATCH: IdentityError = IdentityError::SignatureMismatch { what: "ml-dsa-65 signature" };

/// `2^255 - 19 + offset`, little-endian: a non-canonical spelling of `offset`.
fn above_the_field(offset: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + offset;
    bytes[31] = 0x7f;
    bytes
}

#[test]
fn ed25519_known_answers() {
    let key = session_key();
    assert_eq!(key.public_key().to_string(), "0x03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
    let address = "0x16cf978b4bf662a9ad30303d4f2da7db5dec2f4ab1afce2714f7d1206a298105";
    assert_eq!(key.public_key().address().to_string(), address);
    let signature = key.sign(DOMAIN, b"message");
    let expected = "0xfeae8ae9c28ba53ecbd59080edd013b81be21e2211439e0d89c94cf3fe074f21\
                    c4b2a5c53dc00422ecf3adbb982e458fdb8961bd0861e909cc5c6841f417d907";
    assert_eq!(signature.to_string(), expected);
    assert_eq!(key.public_key().verify(DOMAIN, b"message", &signature), Ok(()));
    assert_eq!(*key.seed(), seed());
}

#[test]
fn ed25519_signatures_bind_key_domain_and_message() {
    let (key, other) = (session_key(), ed25519::SigningKey::from_seed(&[1; 32]));
    let signature = key.sign(DOMAIN, b"message");
    assert_eq!(key.public_key().verify(OTHER_DOMAIN, b"message", &signature), Err(ED25519_MISMATCH));
    assert_eq!(key.public_key().verify(DOMAIN, b"Message", &signature), Err(ED25519_MISMATCH));
    assert_eq!(other.public_key().verify(DOMAIN, b"message", &signature), Err(ED25519_MISMATCH));
    for bit in 0..512 {
        let mut bytes = *signature.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = ed25519::Signature::from_bytes(&bytes).unwrap();
        assert_eq!(key.public_key().verify(DOMAIN, b"message", &changed), Err(ED25519_MISMATCH), "bit {bit}");
    }
}

#[test]
fn ed25519_refuses_s_plus_the_group_order() {
    let order: [u8; 32] =
        attestation::hex::decode("0xedd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let key = session_key();
    let mut bytes = *key.sign(DOMAIN, b"message").as_bytes();
    let mut carry = 0;
    for (byte, addend) in bytes[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    let malleated = ed25519::Signature::from_bytes(&bytes).unwrap();
    assert_eq!(key.public_key().verify(DOMAIN, b"message", &malleated), Err(ED25519_MISMATCH));
}

#[test]
fn ed25519_public_keys_are_checked() {
    let what = "ed25519 public key";
    for got in [0, 31, 33] {
        let refused = IdentityError::WrongLength { what, expected: 32, got };
        assert_eq!(ed25519::PublicKey::from_bytes(&vec![0; got]), Err(refused));
    }
    let mut small = [0; 32];
    assert_eq!(ed25519::PublicKey::from_bytes(&small), Err(IdentityError::SmallOrderPoint));
    small[0] = 1;
    assert_eq!(ed25519::PublicKey::from_bytes(&small), Err(IdentityError::SmallOrderPoint));
    small[0] = 2;
    assert_eq!(ed25519::PublicKey::from_bytes(&small), Err(IdentityError::NotAPoint));
    assert_eq!(ed25519::PublicKey::from_bytes(&above_the_field(3)), Err(IdentityError::NonCanonicalPoint));
    for offset in 0..=18 {
        let outcome = ed25519::PublicKey::from_bytes(&above_the_field(offset));
        let refusals = [Err(IdentityError::NonCanonicalPoint), Err(IdentityError::NotAPoint)];
        assert!(refusals.contains(&outcome), "offset {offset}: {outcome:?}");
    }
}

#[test]
fn ed25519_signatures_have_one_length() {
    let refused = IdentityError::WrongLength { what: "ed25519 signature", expected: 64, got: 63 };
    assert_eq!(ed25519::Signature::from_bytes(&[0; 63]), Err(refused));
}

#[test]
fn ml_dsa_key_generation_matches_the_example_of_rfc_9881() {
    let key = worker();
    let bytes = key.public_key().as_bytes();
    let first = "0x48683d91978e31eb3dddb8b0473482d2b88a5f625949fd8f58a561e696bd4c27\
                 d05b38dbb2edf01e664efd81be1ea893688ce68aa2d51c5958f8bbc6eb4e89ee";
    assert_eq!(hex(&bytes[..64]), first);
    assert_eq!(hex(&bytes[1920..]), "0xad18bd13fca55059dd9b185f79f9c47196a4e81b2104bc460a051e02f2e8444f");
    let id = "0xe5becec4daf63accd8ff05ccf547f7e6fe48cb3265dd7e719330147f094c7405";
    assert_eq!(hex(&key.public_key().id()), id);
    assert_eq!(*key.seed(), seed());
}

#[test]
fn ml_dsa_signing_is_deterministic_and_binds_key_domain_and_message() {
    let (key, other) = (worker(), ml_dsa::SigningKey::from_seed(&[1; 32]));
    let signature = key.sign(DOMAIN, b"message").unwrap();
    assert_eq!(key.sign(DOMAIN, b"message").unwrap(), signature);
    assert_eq!(key.public_key().verify(DOMAIN, b"message", &signature), Ok(()));
    assert_eq!(key.public_key().verify(OTHER_DOMAIN, b"message", &signature), Err(ML_DSA_MISMATCH));
    assert_eq!(key.public_key().verify(DOMAIN, b"Message", &signature), Err(ML_DSA_MISMATCH));
    assert_eq!(other.public_key().verify(DOMAIN, b"message", &signature), Err(ML_DSA_MISMATCH));
}

#[test]
fn ml_dsa_domains_have_a_cap() {
    const LONG: &str = match std::str::from_utf8(&[b'a'; 256]) {
        Ok(text) => text,
        Err(_) => "",
    };
    let refused = IdentityError::DomainTooLong { max: 255, got: 256 };
    let key = worker();
    assert_eq!(key.sign(LONG, b"message"), Err(refused.clone()));
    let signature = key.sign(&LONG[..255], b"message").unwrap();
    assert_eq!(key.public_key().verify(&LONG[..255], b"message", &signature), Ok(()));
    assert_eq!(key.public_key().verify(LONG, b"message", &signature), Err(refused));
}

#[test]
fn ml_dsa_lengths_are_exact() {
    for got in [0, 1951, 1953] {
        let refused = IdentityError::WrongLength { what: "ml-dsa-65 public key", expected: 1952, got };
        assert_eq!(ml_dsa::PublicKey::from_bytes(&vec![0; got]), Err(refused));
    }
    for got in [0, 3308, 3310] {
        let refused = IdentityError::WrongLength { what: "ml-dsa-65 signature", expected: 3309, got };
        assert_eq!(ml_dsa::Signature::from_bytes(&vec![0; got]), Err(refused));
    }
}

#[test]
fn ml_dsa_every_changed_byte_is_refused() {
    let key = worker();
    let signature = key.sign(DOMAIN, b"message").unwrap();
    for position in 0..ml_dsa::SIGNATURE_BYTES {
        let mut bytes = *signature.as_bytes();
        bytes[position] ^= 1 << (position % 8);
        match ml_dsa::Signature::from_bytes(&bytes) {
            Ok(changed) => {
                let outcome = key.public_key().verify(DOMAIN, b"message", &changed);
                assert_eq!(outcome, Err(ML_DSA_MISMATCH), "byte {position}");
            }
            Err(error) => assert_eq!(error, IdentityError::MalformedSignature, "byte {position}"),
        }
    }
}

/// The hint is the only part of a signature with more than one natural spelling (FIPS 204, algorithm 21).
#[test]
fn ml_dsa_hint_has_one_spelling() {
    let bytes = *worker().sign(DOMAIN, b"message").unwrap().as_bytes();
    let hint = 3309 - 61;
    assert!(bytes[hint + 55] >= 2, "the first polynomial needs two hints for this test");
    let mut swapped = bytes;
    swapped.swap(hint, hint + 1);
    assert_eq!(ml_dsa::Signature::from_bytes(&swapped), Err(IdentityError::MalformedSignature));

    let used = usize::from(bytes[3308]);
    assert!(used < 55, "the hint needs padding for this test");
    let mut padded = bytes;
    padded[hint + 54] = 1;
    assert_eq!(ml_dsa::Signature::from_bytes(&padded), Err(IdentityError::MalformedSignature));
}

#[test]
fn secret_keys_do_not_print_their_secret() {
    let (account, worker) = (session_key(), worker());
    let printed = format!("{account:?} {worker:?}");
    assert!(!printed.contains("000102"), "{printed}");
    assert!(printed.contains(&account.public_key().address().to_string()), "{printed}");
    assert!(printed.contains(&hex(&worker.public_key().id())), "{printed}");
}

#[test]
fn texts_and_borsh_go_through_the_same_checks() {
    let key = session_key().public_key();
    assert_eq!(key.to_string().parse(), Ok(key));
    assert_eq!("03".parse::<ed25519::PublicKey>(), Err(HexError::MissingPrefix.into()));
    let json = serde_json::to_string(&key).unwrap();
    assert_eq!(serde_json::from_str::<ed25519::PublicKey>(&json).unwrap(), key);
    assert_eq!(borsh::to_vec(&key).unwrap(), key.as_bytes());
    let what = "key";
    assert_eq!(decode(what, key.as_bytes(), 32), Ok(key));
    let refused = DecodeError::Field { what, source: FieldError::Identity(IdentityError::SmallOrderPoint) };
    assert_eq!(decode::<ed25519::PublicKey>(what, &[0; 32], 32), Err(refused));
    let refused = DecodeError::Field { what, source: FieldError::Identity(IdentityError::MalformedSignature) };
    assert_eq!(decode::<ml_dsa::Signature>(what, &[0xff; 3309], 3309), Err(refused));
}

#[test]
fn addresses_of_both_kinds_of_account() {
    let ethereum = Address::from_ethereum([0xab; 20]);
    assert_eq!(ethereum.to_string(), format!("0x{}{}", "00".repeat(12), "ab".repeat(20)));
    assert_eq!(ethereum.to_string().parse(), Ok(ethereum));
    assert_eq!(Address::from(ethereum.to_bytes()), ethereum);
    let refused = IdentityError::WrongLength { what: "address", expected: 32, got: 20 };
    assert_eq!(Address::from_bytes(&[0xab; 20]), Err(refused));
}

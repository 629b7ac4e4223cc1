//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2), for one purpose: the vendor certifies the keys of its token
//! service with an RSA authority.

use der::{
    Decode, Sequence,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef},
    oid::db::rfc5912::RSA_ENCRYPTION,
};
use rsa::{
    BigUint, RsaPublicKey,
    pkcs1v15::{Signature, VerifyingKey},
    sha2::Sha256,
    signature::Verifier as _,
};

const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
const EXPONENT: [u8; 3] = [1, 0, 1];

#[derive(Sequence)]
struct KeyInfo<'a> {
    algorithm: Algorithm<'a>,
    key: BitStringRef<'a>,
}

#[derive(Sequence)]
struct Algorithm<'a> {
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct Key<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// Whether `signature` over `message` is good under the key of a subject public key info: a modulus of 2048 to 4096 bits,
/// exponent 65537.
#[must_use]
pub(super) fn verify(key_info: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(info) = KeyInfo::from_der(key_info) else { return false };
    if info.algorithm.oid != RSA_ENCRYPTION || !info.algorithm.parameters.is_some_and(|p| p.is_null()) {
        return false;
    }
    let Some(Ok(key)) = info.key.as_bytes().map(Key::from_der) else { return false };
    let modulus = key.modulus.as_bytes();
    let odd = modulus.last().is_some_and(|last| last & 1 == 1);
    if !odd
        || !MODULUS_BYTES.contains(&modulus.len())
        || key.exponent.as_bytes() != EXPONENT
        || signature.len() != modulus.len()
        // Big-endian numbers of one length compare as bytes do.
        || signature >= modulus
    {
        return false;
    }
    let numbers = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(&EXPONENT));
    let (Ok(key), Ok(signature)) = (RsaPublicKey::new(numbers.0, numbers.1), Signature::try_from(signature)) else {
        return false;
    };
    VerifyingKey::<Sha256>::new(key).verify(message, &signature).is_ok()
}

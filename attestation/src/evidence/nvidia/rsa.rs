//! RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2.2), for one purpose: the vendor certifies the keys of its token
//! service with an RSA authority. Public values only, in variable time.

use der::{
    Decode, Sequence,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef},
    oid::db::rfc5912::RSA_ENCRYPTION,
};
use sha2::{Digest, Sha256};

const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;
const EXPONENT: [u8; 3] = [1, 0, 1];
/// DER of DigestInfo up to the digest, SHA-256.
const DIGEST_INFO: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

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
    let padding = modulus.len().saturating_sub(DIGEST_INFO.len()).saturating_sub(32).saturating_sub(3);
    let mut expected = vec![0, 1];
    expected.resize(padding.saturating_add(2), 0xFF);
    expected.push(0);
    expected.extend(DIGEST_INFO);
    expected.extend(Sha256::digest(message));
    power(signature, &EXPONENT, modulus) == expected
}

/// `base^exponent mod modulus` of big-endian numbers, for an odd modulus whose first byte is not zero and a base below it.
/// As long as the modulus.
pub(super) fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let limbs = modulus.len().div_ceil(8);
    let modulus_limbs = from_bytes(modulus, limbs);
    let low = modulus_limbs.first().copied().unwrap_or(1);
    let inverse =
        (0..5).fold(low, |inverse, _| u64::wrapping_mul(inverse, 2_u64.wrapping_sub(low.wrapping_mul(inverse))));
    let modulus_ = Montgomery { limbs: modulus_limbs, negative_inverse: inverse.wrapping_neg() };
    let bits = limbs.saturating_mul(64);
    // 2^bits, then 2^(2 bits), by doubling one.
    let mut one = vec![0; limbs];
    if let Some(first) = one.first_mut() {
        *first = 1;
    }
    let unit = (0..bits).fold(one.clone(), |value, _| modulus_.double(value));
    let square = (0..bits).fold(unit.clone(), |value, _| modulus_.double(value));
    let base = modulus_.multiply(&from_bytes(base, limbs), &square);
    let mut result = unit;
    for byte in exponent {
        for shift in (0..8_u32).rev() {
            result = modulus_.multiply(&result, &result);
            if (byte >> shift) & 1 == 1 {
                result = modulus_.multiply(&result, &base);
            }
        }
    }
    let plain = modulus_.multiply(&result, &one);
    let bytes: Vec<u8> = plain.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    bytes.get(bytes.len().saturating_sub(modulus.len())..).unwrap_or_default().to_vec()
}

fn from_bytes(bytes: &[u8], limbs: usize) -> Vec<u64> {
    let mut out: Vec<u64> =
        bytes.rchunks(8).map(|chunk| chunk.iter().fold(0, |limb, byte| (limb << 8) | u64::from(*byte))).collect();
    out.resize(limbs, 0);
    out
}

struct Montgomery {
    limbs: Vec<u64>,
    negative_inverse: u64,
}

impl Montgomery {
    /// `value` less the modulus if `over` or not below it.
    fn reduced(&self, value: Vec<u64>, over: bool) -> Vec<u64> {
        let mut borrow = false;
        let mut difference = Vec::with_capacity(value.len());
        for (&a, &b) in value.iter().zip(&self.limbs) {
            let (limb, next) = a.borrowing_sub(b, borrow);
            difference.push(limb);
            borrow = next;
        }
        if over || !borrow { difference } else { value }
    }

    fn double(&self, mut value: Vec<u64>) -> Vec<u64> {
        let mut carry = 0;
        for limb in &mut value {
            let next = *limb >> 63;
            *limb = (*limb << 1) | carry;
            carry = next;
        }
        self.reduced(value, carry == 1)
    }

    /// Product over 2^(64 limbs), coarsely integrated operand scanning.
    fn multiply(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut t = vec![0; b.len()];
        let mut top = false;
        for &x in a {
            let mut carry = 0;
            for (limb, &y) in t.iter_mut().zip(b) {
                (*limb, carry) = x.carrying_mul_add(y, *limb, carry);
            }
            let (high, over) = carry.carrying_add(0, top);
            let q = t.first().copied().unwrap_or(0).wrapping_mul(self.negative_inverse);
            let mut carry = 0;
            for (limb, &m) in t.iter_mut().zip(&self.limbs) {
                (*limb, carry) = q.carrying_mul_add(m, *limb, carry);
            }
            let (last, more) = high.carrying_add(carry, false);
            t.rotate_left(1);
            if let Some(limb) = t.last_mut() {
                *limb = last;
            }
            top = over | more;
        }
        self.reduced(t, top)
    }
}

//! ECDSA on P-384 with SHA-384 (FIPS 186-5, section 6.4.2), as every NVIDIA report, certificate, manifest and token uses.
//!
//! Keys are taken from subject public key infos in their one spelling: `id-ecPublicKey`, `secp384r1`, uncompressed point.
//! `s` above half the order is accepted: 24 of 55 public device signatures have it.

use std::collections::{BTreeMap, BTreeSet};

use der::{Decode, Sequence, asn1::UintRef};
use sha2::{Digest, Sha256, Sha384};
use thiserror::Error;

use super::p384;

/// Bytes of a raw signature: `r` then `s`, big-endian.
pub const SIGNATURE_BYTES: usize = 96;
const SCALAR_BYTES: usize = 48;

/// DER of everything before the point: SEQUENCE { SEQUENCE { id-ecPublicKey, secp384r1 }, BIT STRING }.
const KEY_PREFIX: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00,
];
/// Bytes of a subject public key info that this module reads.
pub const KEY_INFO_BYTES: usize = 120;

/// Order of the group, big-endian (SP 800-186, section 3.2.1.4).
const ORDER: [u8; SCALAR_BYTES] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2, 0x48, 0xB0,
    0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73,
];

/// Why bytes are not a public key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// Another algorithm, another curve, a compressed point or another length.
    #[error("public key: expected an uncompressed point on P-384 (id-ecPublicKey, secp384r1)")]
    NotP384,
    /// The coordinates are not a point of the curve.
    #[error("public key: the coordinates are not a point on P-384")]
    NotOnCurve,
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignatureError {
    /// Not SEQUENCE { INTEGER r, INTEGER s } in DER.
    #[error("signature: not the DER encoding of two integers")]
    Malformed,
    /// A component is zero.
    #[error("signature: {component} is zero")]
    Zero {
        /// `r` or `s`.
        component: char,
    },
    /// A component is not below the order of the group.
    #[error("signature: {component} is not below the order of P-384")]
    TooLarge {
        /// `r` or `s`.
        component: char,
    },
    /// Well formed, but not made by this key over these bytes.
    #[error("signature: does not match key and signed bytes")]
    Mismatch,
}

/// Two integers in `1..n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    r: [u8; SCALAR_BYTES],
    s: [u8; SCALAR_BYTES],
}

#[derive(Sequence)]
struct DerSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

impl Signature {
    /// From `r || s`, 48 bytes each, big-endian.
    ///
    /// # Errors
    /// [`SignatureError::Zero`] and [`SignatureError::TooLarge`].
    pub fn from_raw(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, SignatureError> {
        let (r, s) = bytes.split_at(SCALAR_BYTES);
        Self::from_integers(r, s)
    }

    /// From DER, as certificates carry it (RFC 3279, section 2.2.3).
    ///
    /// # Errors
    /// [`SignatureError`], all but `Mismatch`.
    pub fn from_der(bytes: &[u8]) -> Result<Self, SignatureError> {
        let integers = DerSignature::from_der(bytes).map_err(|_| SignatureError::Malformed)?;
        Self::from_integers(integers.r.as_bytes(), integers.s.as_bytes())
    }

    fn from_integers(r: &[u8], s: &[u8]) -> Result<Self, SignatureError> {
        Ok(Self { r: scalar('r', r)?, s: scalar('s', s)? })
    }

    fn check(&self, digest: &[u8], key: &p384::Multiples) -> Result<(), SignatureError> {
        if p384::verify(key, digest, &self.r, &self.s) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn scalar(component: char, bytes: &[u8]) -> Result<[u8; SCALAR_BYTES], SignatureError> {
    let significant = bytes.iter().position(|&byte| byte != 0).ok_or(SignatureError::Zero { component })?;
    let digits = bytes.get(significant..).unwrap_or_default();
    let mut scalar = [0; SCALAR_BYTES];
    let start = SCALAR_BYTES.checked_sub(digits.len()).ok_or(SignatureError::TooLarge { component })?;
    scalar.get_mut(start..).unwrap_or_default().copy_from_slice(digits);
    if scalar < ORDER { Ok(scalar) } else { Err(SignatureError::TooLarge { component }) }
}

/// A point of P-384 (invariant: on the curve, not the identity).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    info: [u8; KEY_INFO_BYTES],
    point: p384::Affine,
}

impl PublicKey {
    /// From the DER of a subject public key info (RFC 5480).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_info(der: &[u8]) -> Result<Self, KeyError> {
        let info = der.try_into().map_err(|_| KeyError::NotP384)?;
        let point =
            der.strip_prefix(&KEY_PREFIX).and_then(|point| point.strip_prefix(&[4])).ok_or(KeyError::NotP384)?;
        let (x, y) = point.split_at_checked(SCALAR_BYTES).ok_or(KeyError::NotP384)?;
        let (x, y) = (x.try_into().map_err(|_| KeyError::NotP384)?, y.try_into().map_err(|_| KeyError::NotP384)?);
        let point = p384::point(x, y).ok_or(KeyError::NotOnCurve)?;
        Ok(Self { info, point })
    }

    /// DER of the subject public key info.
    #[must_use]
    pub const fn info(&self) -> &[u8; KEY_INFO_BYTES] {
        &self.info
    }

    /// SHA-256 of [`info`](Self::info): the name under which keys are pinned.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.info).into()
    }

    /// Checks a signature over SHA-384 of `message`.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        self.verify_digest(&Sha384::digest(message), signature)
    }

    /// Checks a signature over a digest of 32 or 48 bytes.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`].
    pub fn verify_digest(&self, digest: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        signature.check(digest, &p384::Multiples::new(&self.point))
    }
}

/// Signatures already found good in one appraisal, so that certificates and responses that devices share are checked
/// once, and tables of the keys that made them, which are most of the work of a key's first signature. Sound because a
/// name in it commits to key, digest and signature alike.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    signatures: BTreeSet<[u8; 32]>,
    keys: BTreeMap<[u8; KEY_INFO_BYTES], p384::Multiples>,
}

impl Verified {
    /// As [`PublicKey::verify_digest`], skipping what this value has seen succeed.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`].
    pub fn check(&mut self, key: &PublicKey, digest: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        let mut name = Sha256::new();
        // Every part but the digest has one length, so no two triples share their concatenation.
        name.update(key.info);
        name.update(signature.r);
        name.update(signature.s);
        name.update(digest);
        let name = name.finalize().into();
        if !self.signatures.contains(&name) {
            let multiples = self.keys.entry(key.info).or_insert_with(|| p384::Multiples::new(&key.point));
            signature.check(digest, multiples)?;
            self.signatures.insert(name);
        }
        Ok(())
    }
}

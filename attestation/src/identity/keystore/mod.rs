//! Key files: encrypted PKCS#8 (RFC 5958) in PEM, for Ed25519 and ML-DSA-65 seeds.
//!
//! **Format.** `ENCRYPTED PRIVATE KEY`, PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC. Inside, Ed25519 follows
//! RFC 8410 and ML-DSA-65 the seed form of RFC 9881, so the files belong to no single program: OpenSSL reads them.
//! AES-GCM would detect tampering but OpenSSL cannot read it; instead the id in the `.pub` record is compared on
//! reading, which catches a changed key just as well.
//!
//! **Cost.** `N = 2^14, r = 8, p = 5`, one of the equivalent settings of the OWASP password storage recommendation. It is
//! the one of them whose 16 MiB stay within OpenSSL's built-in limit of 32 MiB; `N = 2^15` already exceeds it.
//!
//! **Public record.** PBES2 hides even the kind of key, so [`write_new`] puts `NAME.pub` beside the key file: JSON with
//! kind, id and public key. Listing keys needs no password.
//!
//! A file from a stranger may ask for any cost; [`decrypt`] refuses more than [`Cost`] can express before it allocates.

use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef,
    der::{self, Decode as _, ErrorKind, Reader as _, asn1::OctetStringRef, pem},
    pkcs5::{
        EncryptionScheme,
        pbes2::{self, Kdf},
    },
};
use zeroize::Zeroizing;

use crate::identity::{ed25519, ml_dsa};

mod cost;
mod error;
mod file;
mod record;

pub use cost::Cost;
pub use error::KeystoreError;
pub use file::{list, public_path, read, read_public, write_new};
pub use record::{KeyKind, PublicKey};

/// Most bytes of a key file; a longer one is not read.
pub const KEY_FILE_BYTES_MAX: usize = 64 * 1024;

const PEM_LABEL: &str = "ENCRYPTED PRIVATE KEY";
const ED25519_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ML_DSA_65_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
/// DER header of the 32-byte OCTET STRING that RFC 8410 puts inside the private key field.
const ED25519_SEED_HEADER: [u8; 2] = [0x04, 0x20];
/// DER header of the 32-byte seed `[0] IMPLICIT OCTET STRING` of RFC 9881.
const ML_DSA_SEED_HEADER: [u8; 2] = [0x80, 0x20];

/// A secret key of either kind. Wiped when dropped.
#[derive(Clone, Debug)]
pub enum SecretKey {
    /// Of an account.
    Ed25519(ed25519::SigningKey),
    /// Of a worker.
    MlDsa65(ml_dsa::SigningKey),
}

/// Seed of a fresh key, from the operating system's generator.
///
/// # Errors
/// [`KeystoreError::Entropy`].
pub fn fresh_seed() -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(KeystoreError::Entropy)?;
    Ok(seed)
}

impl SecretKey {
    /// A fresh key from the operating system's generator.
    ///
    /// # Errors
    /// [`KeystoreError::Entropy`].
    pub fn generate(kind: KeyKind) -> Result<Self, KeystoreError> {
        let seed = fresh_seed()?;
        Ok(Self::from_seed(kind, &seed))
    }

    /// The key of a 32-byte seed.
    #[must_use]
    pub fn from_seed(kind: KeyKind, seed: &[u8; 32]) -> Self {
        match kind {
            KeyKind::Ed25519 => Self::Ed25519(ed25519::SigningKey::from_seed(seed)),
            KeyKind::MlDsa65 => Self::MlDsa65(ml_dsa::SigningKey::from_seed(seed)),
        }
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.public_key()),
            Self::MlDsa65(key) => PublicKey::MlDsa65(key.public_key().clone()),
        }
    }

    fn seed(&self) -> Zeroizing<[u8; 32]> {
        match self {
            Self::Ed25519(key) => key.seed(),
            Self::MlDsa65(key) => key.seed(),
        }
    }
}

/// The text of an encrypted key file.
///
/// # Errors
/// [`KeystoreError::EmptyPassword`], [`KeystoreError::Entropy`].
pub fn encrypt(key: &SecretKey, password: &[u8], cost: Cost) -> Result<Zeroizing<String>, KeystoreError> {
    if password.is_empty() {
        return Err(KeystoreError::EmptyPassword);
    }
    let (oid, header) = match key {
        SecretKey::Ed25519(_) => (ED25519_OID, ED25519_SEED_HEADER),
        SecretKey::MlDsa65(_) => (ML_DSA_65_OID, ML_DSA_SEED_HEADER),
    };
    let private_key = Zeroizing::new([header.as_slice(), key.seed().as_slice()].concat());
    let algorithm = AlgorithmIdentifierRef { oid, parameters: None };
    let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&private_key)?);
    let (mut salt, mut vector) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(KeystoreError::Entropy)?;
    getrandom::fill(&mut vector).map_err(KeystoreError::Entropy)?;
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(cost.parameters()?, &salt, vector)?;
    let document = info.encrypt_with_params(parameters, password)?;
    Ok(document.to_pem(PEM_LABEL, LineEnding::LF)?)
}

/// Reads the text of an encrypted key file.
///
/// # Errors
/// [`KeystoreError`]: too large, truncated, not PEM, not encrypted, other encryption, cost out of range, wrong password,
/// unknown algorithm, malformed key.
pub fn decrypt(text: &[u8], password: &[u8]) -> Result<SecretKey, KeystoreError> {
    let document = unwrap_pem(text)?;
    check_scheme(&document)?;
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(&document).map_err(der_error)?;
    check_encryption(&encrypted.encryption_algorithm)?;
    // CBC has no tag: a wrong password shows as bad padding or as plaintext that is no PKCS#8 structure.
    let plain = encrypted.decrypt(password).map_err(|_| KeystoreError::WrongPassword)?;
    let info = PrivateKeyInfoRef::from_der(plain.as_bytes()).map_err(|_| KeystoreError::WrongPassword)?;
    let (kind, header) = match info.algorithm.oid {
        ED25519_OID => (KeyKind::Ed25519, ED25519_SEED_HEADER),
        ML_DSA_65_OID => (KeyKind::MlDsa65, ML_DSA_SEED_HEADER),
        oid => return Err(KeystoreError::UnknownAlgorithm { got: oid.to_string() }),
    };
    let seed: [u8; 32] = info
        .private_key
        .as_bytes()
        .strip_prefix(header.as_slice())
        .and_then(|seed| seed.try_into().ok())
        .ok_or(KeystoreError::MalformedKey { kind })?;
    Ok(SecretKey::from_seed(kind, &Zeroizing::new(seed)))
}

/// The DER inside the PEM armour.
fn unwrap_pem(text: &[u8]) -> Result<Vec<u8>, KeystoreError> {
    let got = text.len();
    if got > KEY_FILE_BYTES_MAX {
        return Err(KeystoreError::TooLarge { max: KEY_FILE_BYTES_MAX, got });
    }
    let begin = format!("-----BEGIN {PEM_LABEL}-----");
    let end = format!("-----END {PEM_LABEL}-----");
    if begin.as_bytes().starts_with(text) {
        return Err(KeystoreError::Truncated { got });
    }
    if !text.starts_with(b"-----BEGIN ") {
        return Err(KeystoreError::NotPem);
    }
    let ended = text.windows(end.len()).any(|window| window == end.as_bytes());
    if text.starts_with(begin.as_bytes()) && !ended {
        return Err(KeystoreError::Truncated { got });
    }
    let (label, document) = pem::decode_vec(text).map_err(|_| match pem::decode_label(text) {
        Ok(label) if label != PEM_LABEL => KeystoreError::NotEncrypted { got: label.to_owned() },
        _ => KeystoreError::MalformedPem,
    })?;
    if label == PEM_LABEL { Ok(document) } else { Err(KeystoreError::NotEncrypted { got: label.to_owned() }) }
}

fn der_error(error: der::Error) -> KeystoreError {
    match error.kind() {
        ErrorKind::OidUnknown { oid } => KeystoreError::UnsupportedEncryption { got: oid.to_string() },
        ErrorKind::Incomplete { actual_len, .. } => {
            KeystoreError::Truncated { got: usize::try_from(actual_len).unwrap_or(usize::MAX) }
        }
        _ => KeystoreError::MalformedStructure,
    }
}

/// Names any outer scheme but PBES2, of which the decoder would only say that it does not parse.
fn check_scheme(document: &[u8]) -> Result<(), KeystoreError> {
    let oid = der::SliceReader::new(document)
        .and_then(|mut reader| {
            reader.sequence(|inner| {
                let oid = AlgorithmIdentifierRef::decode(inner)?.oid;
                <&OctetStringRef>::decode(inner)?;
                Ok(oid)
            })
        })
        .map_err(der_error)?;
    if oid == pbes2::PBES2_OID { Ok(()) } else { Err(KeystoreError::UnsupportedEncryption { got: oid.to_string() }) }
}

/// Only scrypt and AES-256-CBC, within the cost that [`Cost`] allows: anything else is refused before any work is done.
fn check_encryption(scheme: &EncryptionScheme) -> Result<(), KeystoreError> {
    let unsupported = |oid: ObjectIdentifier| Err(KeystoreError::UnsupportedEncryption { got: oid.to_string() });
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return unsupported(scheme.oid());
    };
    let Kdf::Scrypt(scrypt) = &parameters.kdf else {
        return unsupported(parameters.kdf.oid());
    };
    let pbes2::EncryptionScheme::Aes256Cbc { .. } = parameters.encryption else {
        return unsupported(parameters.encryption.oid());
    };
    Cost::from_file(scrypt.cost_parameter, scrypt.block_size, scrypt.parallelization).map(drop)
}

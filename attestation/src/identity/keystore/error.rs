//! Why a key file is refused.

use std::{io, path::PathBuf};

use pkcs8::{der, pkcs5};
use thiserror::Error;

use crate::identity::keystore::KeyKind;

/// Why a key file cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeystoreError {
    /// The operating system gave no randomness.
    #[error("the operating system gave no random bytes: {0}")]
    Entropy(getrandom::Error),
    /// An empty password protects nothing.
    #[error("the password is empty; choose one")]
    EmptyPassword,
    /// Longer than any key file.
    #[error("key file: expected at most {max} bytes, got {got}")]
    TooLarge {
        /// The cap.
        max: usize,
        /// Length of the file, or at least this.
        got: usize,
    },
    /// Cut off.
    #[error("key file is truncated after {got} bytes; restore it from a backup")]
    Truncated {
        /// Bytes there are.
        got: usize,
    },
    /// Another kind of file.
    #[error("not a key file: it does not start with a PEM line \"-----BEGIN ENCRYPTED PRIVATE KEY-----\"")]
    NotPem,
    /// PEM, but damaged.
    #[error("key file is damaged: its PEM text does not decode; restore it from a backup")]
    MalformedPem,
    /// Well-formed PEM that is not an encrypted private key.
    #[error(
        "key file is not encrypted: expected \"ENCRYPTED PRIVATE KEY\", got \"{got}\"; encrypt it with `openssl pkcs8 -topk8 -scrypt -in FILE -out NEW`"
    )]
    NotEncrypted {
        /// PEM label found.
        got: String,
    },
    /// The structure inside the PEM is not RFC 5958.
    #[error("key file is damaged: not an encrypted PKCS#8 structure; restore it from a backup")]
    MalformedStructure,
    /// Encrypted in a way that this program does not accept.
    #[error(
        "key file encryption: expected scrypt with AES-256-CBC, got algorithm {got}; re-encrypt it with `openssl pkcs8 -topk8 -scrypt -in FILE -out NEW`"
    )]
    UnsupportedEncryption {
        /// Object identifier found.
        got: String,
    },
    /// scrypt parameters that are invalid or ask for too much memory or time.
    #[error(
        "key file cost: scrypt N {n}, r {block_size}, p {parallelism} is outside the range (N a power of two, at most 256 MiB, N*r*p at most 2^23)"
    )]
    CostOutOfRange {
        /// scrypt `N`.
        n: u64,
        /// scrypt `r`.
        block_size: u16,
        /// scrypt `p`.
        parallelism: u16,
    },
    /// The password does not open the file.
    #[error("wrong password, or the key file is damaged")]
    WrongPassword,
    /// Decrypted, but to a kind of key that is not known.
    #[error("key file: expected an ed25519 or ml-dsa-65 key, got algorithm {got}")]
    UnknownAlgorithm {
        /// Object identifier found.
        got: String,
    },
    /// Decrypted to a known kind whose private key is no 32-byte seed.
    #[error("key file: the {kind} key inside is not a 32-byte seed; expanded keys are not read")]
    MalformedKey {
        /// The kind that the file states.
        kind: KeyKind,
    },
    /// Encryption failed.
    #[error("key file encryption failed: {0}")]
    Encryption(#[from] pkcs5::Error),
    /// Encoding failed.
    #[error("key file encoding failed: {0}")]
    Encoding(#[from] pkcs8::Error),
    /// There is a file of that name. Keys are never overwritten.
    #[error("{} exists already; keys are never overwritten, choose another name", path.display())]
    AlreadyExists {
        /// The file.
        path: PathBuf,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Group or others may read the secret.
    #[error("{} has mode {mode:04o}, readable or writable by others; run `chmod 600 {}`", path.display(), path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// The key's own name is that of its public record.
    #[error("{} is the name of a public record; name the key file otherwise", path.display())]
    PublicPath {
        /// The path.
        path: PathBuf,
    },
    /// The public record beside the key file belongs to another key.
    #[error("{}: expected the record of key {expected}, got the record of key {got}; one of the two files was exchanged", path.display())]
    PublicMismatch {
        /// The public record.
        path: PathBuf,
        /// Id of the secret key.
        expected: String,
        /// Id in the record.
        got: String,
    },
    /// The public record does not parse, or contradicts itself.
    #[error("{}: not a public key record: {source}", path.display())]
    Record {
        /// The public record.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

impl From<der::Error> for KeystoreError {
    fn from(error: der::Error) -> Self {
        Self::Encoding(error.into())
    }
}

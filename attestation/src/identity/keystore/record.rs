//! The public record beside a key file: what may be shown without a password.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::{ed25519, ml_dsa};

/// Version of the record that this program writes and reads.
const RECORD_VERSION: u32 = 1;

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyKind {
    /// Of an account; signs transactions.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// Of a worker; signs receipts.
    #[serde(rename = "ml-dsa-65")]
    MlDsa65,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Ed25519 => "ed25519",
            Self::MlDsa65 => "ml-dsa-65",
        })
    }
}

/// A public key of either kind. JSON: `{version, kind, id, public_key}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub enum PublicKey {
    /// Of an account.
    Ed25519(ed25519::PublicKey),
    /// Of a worker.
    MlDsa65(ml_dsa::PublicKey),
}

impl PublicKey {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Ed25519(_) => KeyKind::Ed25519,
            Self::MlDsa65(_) => KeyKind::MlDsa65,
        }
    }

    /// Address of the account, or id of the worker.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        match self {
            Self::Ed25519(key) => key.address().to_bytes(),
            Self::MlDsa65(key) => key.id(),
        }
    }
}

/// The record as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    kind: KeyKind,
    #[serde(with = "crate::hex")]
    id: [u8; 32],
    public_key: String,
}

/// Why a record contradicts itself; shown inside a JSON error.
#[derive(Debug, Error)]
enum RecordError {
    #[error("public key record: expected version {RECORD_VERSION}, got version {got}; use the program that wrote it")]
    Version { got: u32 },
    #[error(transparent)]
    Key(#[from] crate::identity::IdentityError),
    #[error("public key record: id {} does not belong to its public key", crate::hex::encode(.got))]
    Id { got: [u8; 32] },
}

impl TryFrom<Record> for PublicKey {
    type Error = RecordError;

    fn try_from(record: Record) -> Result<Self, RecordError> {
        let Record { version, kind, id, public_key } = record;
        if version != RECORD_VERSION {
            return Err(RecordError::Version { got: version });
        }
        let key = match kind {
            KeyKind::Ed25519 => Self::Ed25519(public_key.parse()?),
            KeyKind::MlDsa65 => Self::MlDsa65(public_key.parse()?),
        };
        if key.id() == id { Ok(key) } else { Err(RecordError::Id { got: id }) }
    }
}

impl From<PublicKey> for Record {
    fn from(key: PublicKey) -> Self {
        let public_key = match &key {
            PublicKey::Ed25519(key) => key.to_string(),
            PublicKey::MlDsa65(key) => key.to_string(),
        };
        Self { version: RECORD_VERSION, kind: key.kind(), id: key.id(), public_key }
    }
}

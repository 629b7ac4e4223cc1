//! What can go wrong with setups that come from ceremonies.

use std::path::PathBuf;

use attestation::hex;
use prover::srs::error::{ImportError, Refusal};
use prover::srs::saved::SavedError;

use super::Exit;

/// Why a ceremony's setup was not had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CeremonyError {
    #[error("{files}: {source}")]
    Import { files: String, source: ImportError },
    #[error("{}: {source}", path.display())]
    Saved { path: PathBuf, source: SavedError },
    #[error("{}: expected setup {} for 2^{expected_k} rows, got setup {} for 2^{got_k}", path.display(), hex::encode(expected), hex::encode(got))]
    Swapped { path: PathBuf, expected: [u8; 32], expected_k: u32, got: [u8; 32], got_k: u32 },
    #[error("setup {} for 2^{k} rows is not in {}", hex::encode(id), folder.display())]
    Absent { id: [u8; 32], k: u32, folder: PathBuf },
    #[error("no folder for setups of ceremonies: none of --setup-dir, XDG_CACHE_HOME and HOME is set")]
    NoFolder,
    #[error("k: the model's circuit has 2^{expected} rows, --k asks for 2^{got}")]
    Small { expected: u32, got: u32 },
}

impl CeremonyError {
    /// Stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Import { source, .. } => match source.refusal() {
                Refusal::Unreadable => "ASSAY-P009",
                Refusal::False => "ASSAY-P010",
                Refusal::Untrusted => "ASSAY-P011",
            },
            Self::Saved { .. } | Self::Swapped { .. } => "ASSAY-P012",
            Self::Absent { .. } => "ASSAY-P013",
            Self::NoFolder => "ASSAY-P014",
            Self::Small { .. } => "ASSAY-P015",
        }
    }

    /// Exit code that follows.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Import { source, .. } => match source.refusal() {
                Refusal::Unreadable => Exit::Unreadable,
                Refusal::False => Exit::Rejected,
                Refusal::Untrusted => Exit::Undecided,
            },
            Self::Saved { .. } | Self::Swapped { .. } | Self::Small { .. } => Exit::Unreadable,
            Self::Absent { .. } => Exit::Undecided,
            Self::NoFolder => Exit::Configuration,
        }
    }

    /// What to do about it, where that is not in the message.
    pub(super) fn help(&self) -> Option<String> {
        Some(match self {
            Self::Import { source: ImportError::Unknown { digest, .. }, .. } => format!(
                "--digest {digest} accepts it. The points were checked; that nobody knows their secret cannot be: with \
                 this you say that you have the digest from people who took part, and believe one of them"
            ),
            Self::Import { source: ImportError::Digest { .. }, .. } => {
                "this is not the file that the digest belongs to: get it again, or find out whose digest it is"
                    .to_owned()
            }
            Self::Saved { .. } | Self::Swapped { .. } => {
                "remove it and import the ceremony again: `assay prover setup --ptau FILE`".to_owned()
            }
            Self::Absent { k, .. } => {
                format!("import it first: `assay prover setup --ptau FILE --k {k}`, or --ignition FILE")
            }
            Self::Small { expected, .. } => format!("give --k {expected}, or leave it away"),
            Self::Import { .. } | Self::NoFolder => return None,
        })
    }
}

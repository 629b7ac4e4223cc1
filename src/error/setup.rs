//! What can go wrong with setups that come from ceremonies.

use prover::srs::error::{ImportError, Refusal};

use super::Exit;

/// Why a ceremony's setup was not had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CeremonyError {
    #[error("{files}: {source}")]
    Import { files: String, source: ImportError },
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
            Self::Small { .. } => Exit::Unreadable,
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
            Self::Small { expected, .. } => format!("give --k {expected}, or leave it away"),
            Self::Import { .. } => return None,
        })
    }
}

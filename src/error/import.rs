//! What can go wrong with the import of a network.

use std::path::PathBuf;

use prover::import::onnx::{ImportError, InputError, SamplesError};
use prover::import::transformer::TransformerError;
use prover::import::transformer::files::FilesError;
use prover::import::transformer::text::TextError;

use super::Exit;

/// Why a network or its inputs did not become integers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportProblem {
    #[error("{}: {source}", path.display())]
    Network { path: PathBuf, source: ImportError },
    #[error("{}: {source}", path.display())]
    Inputs { path: PathBuf, source: SamplesError },
    #[error("{}: {source}", path.display())]
    Input { path: PathBuf, source: InputError },
    #[error("{}: the model does not say how real inputs become its integers", path.display())]
    NoQuantisation { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Published { path: PathBuf, source: FilesError },
    #[error("{}: {source}", path.display())]
    Transformer { path: PathBuf, source: TransformerError },
    #[error("{}: {source}", path.display())]
    Text { path: PathBuf, source: TextError },
}

impl ImportProblem {
    /// Stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Network { source: ImportError::Unsupported { .. }, .. } => "ASSAY-M001",
            Self::Network { source: ImportError::Accuracy { .. }, .. } => "ASSAY-M002",
            Self::Network { source: ImportError::Setting { .. }, .. } => "ASSAY-M003",
            Self::Network { source: ImportError::Parse(_), .. } => "ASSAY-M004",
            Self::Network { .. } => "ASSAY-M005",
            Self::Inputs { .. } | Self::Input { .. } => "ASSAY-M006",
            Self::NoQuantisation { .. } => "ASSAY-M007",
            Self::Published { .. } => "ASSAY-M008",
            Self::Transformer { .. } => "ASSAY-M009",
            Self::Text { .. } => "ASSAY-M010",
        }
    }

    /// Exit code that follows.
    pub(super) fn exit(&self) -> Exit {
        Exit::Unreadable
    }

    /// What to do about it, where that is not in the message.
    pub(super) fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Network { source: ImportError::Unsupported { .. }, .. } => {
                "`assay model check NETWORK` lists these nodes one by one"
            }
            Self::Network { source: ImportError::Accuracy { .. }, .. } => {
                "give more bits (--activation-bits, --weight-bits), other calibration inputs, or a larger --accuracy-target"
            }
            Self::NoQuantisation { .. } => {
                "give integers to `assay prover run` directly; models of `model import` say it"
            }
            _ => return None,
        })
    }
}

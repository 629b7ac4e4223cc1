//! Why files were not judged, or were judged against: a stable code, an exit code, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use attestation::codec::DecodeError;
use circuits::model::bundle::BundleError;
use circuits::model::graph::GraphError;

use super::exit::Exit;
use super::setups::StoreError;
use crate::container::ContainerError;
use crate::environment::EnvironmentError;
use crate::key::KeyError;
use crate::proof::ProofError;
use crate::receipt::ReceiptFileError;
use crate::rows::RowsError;
use crate::setup::generate::SetupError;
use crate::tokens::VocabularyError;

/// What a program says when something went wrong.
pub trait Failure: std::fmt::Display {
    /// Stable code; a code, once given, keeps its meaning.
    fn code(&self) -> &'static str;
    /// Exit code that follows.
    fn exit(&self) -> Exit;
    /// What to do about it, where that is not in the message.
    fn help(&self) -> Option<String>;
}

/// Why a file's content is not what its reader needs.
pub trait ContentError: std::error::Error + Send + Sync {
    /// Whether the file is of another release's format, so that this one cannot tell.
    fn is_other_version(&self) -> bool {
        false
    }

    /// Exit code of a file of this release that is refused.
    fn exit(&self) -> Exit {
        Exit::Unreadable
    }

    /// What to do about it.
    fn help(&self) -> Option<String> {
        None
    }
}

/// Why a command that verifies did not accept.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The command line makes no sense; the text is the parser's own.
    #[error("{0}")]
    Usage(String),
    /// Nothing may run in this process.
    #[error(transparent)]
    Environment(EnvironmentError),
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than any of its kind.
    #[error("{}: expected a {what} file of at most {max} bytes, got {got}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its kind.
        what: &'static str,
        /// Largest file of that kind, bytes.
        max: u64,
        /// Bytes of this one, or `more`.
        got: String,
    },
    /// A file's content is refused.
    #[error("{}: {refusal}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        refusal: Box<dyn ContentError>,
    },
    /// The result could not be written.
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    /// A file's claim is false.
    #[error("{}: rejected: {reason}", path.display())]
    Rejected {
        /// The file.
        path: PathBuf,
        /// What decided.
        reason: String,
    },
    /// Nothing was decided about a file.
    #[error("{}: undecided: {reason}", path.display())]
    Undecided {
        /// The file.
        path: PathBuf,
        /// What is open.
        reason: String,
        /// What would decide.
        help: Option<&'static str>,
    },
    /// The development setup was not accepted.
    #[error("the development setup is insecure: its secret is public, so anybody can forge proofs under it")]
    InsecureSetup,
    /// No key could be derived.
    #[error("verifying key: {0}")]
    Rows(#[from] RowsError),
    /// No setup could be made.
    #[error("setup: {0}")]
    Setup(#[from] SetupError),
    /// A setup that should be kept was not had.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CheckError {
    /// A file whose content is refused.
    pub fn format(path: &Path, refusal: impl ContentError + 'static) -> Self {
        Self::Format { path: path.to_owned(), refusal: Box::new(refusal) }
    }
}

impl Failure for CheckError {
    fn code(&self) -> &'static str {
        match self {
            Self::Usage(_) => "ASSAY-U001",
            Self::Environment(EnvironmentError::MaxDegree) => "ASSAY-E001",
            Self::Environment(EnvironmentError::Processor { .. }) => "ASSAY-E003",
            Self::Output(_) => "ASSAY-E002",
            Self::Read { .. } => "ASSAY-F001",
            Self::TooLarge { .. } => "ASSAY-F002",
            Self::Format { refusal, .. } if refusal.is_other_version() => "ASSAY-F004",
            Self::Format { .. } => "ASSAY-F003",
            Self::InsecureSetup => "ASSAY-P001",
            Self::Setup(_) => "ASSAY-P002",
            Self::Rows(_) => "ASSAY-P003",
            Self::Store(source) => source.code(),
            Self::Rejected { .. } => "ASSAY-V001",
            Self::Undecided { .. } => "ASSAY-V002",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Read { .. } | Self::TooLarge { .. } | Self::Rows(_) | Self::Setup(_) => {
                Exit::Unreadable
            }
            Self::Store(source) => source.exit(),
            Self::Format { refusal, .. } if refusal.is_other_version() => Exit::Undecided,
            Self::Format { refusal, .. } => refusal.exit(),
            Self::Output(source) => write_exit(source),
            Self::Environment(EnvironmentError::Processor { .. }) => Exit::Resource,
            Self::Environment(EnvironmentError::MaxDegree) => Exit::Configuration,
            Self::InsecureSetup | Self::Undecided { .. } => Exit::Undecided,
            Self::Rejected { .. } => Exit::Rejected,
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => "check the path",
            Self::Format { refusal, .. } if refusal.is_other_version() => {
                "`assay version` lists the formats that this release knows"
            }
            Self::Format { refusal, .. } => return refusal.help(),
            Self::InsecureSetup => {
                "name an imported setup with --setup-id; --accept-insecure-setup goes on, for development only"
            }
            Self::Undecided { help, .. } => return help.map(str::to_owned),
            Self::Store(source) => return source.help(),
            _ => return None,
        };
        Some(help.to_owned())
    }
}

/// Exit code of a result that could not be written.
#[must_use]
pub fn write_exit(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::FileTooLarge => Exit::Resource,
        _ => Exit::Unreadable,
    }
}

/// What to do about a container of another kind.
fn kind_help(error: &ContainerError) -> Option<String> {
    let is_kind = matches!(error, ContainerError::Kind { .. });
    is_kind.then(|| "`assay inspect FILE` says what a file is".to_owned())
}

impl ContentError for ContainerError {
    fn is_other_version(&self) -> bool {
        matches!(self, Self::Version { .. })
    }
}

impl ContentError for KeyError {
    fn is_other_version(&self) -> bool {
        match self {
            Self::Container(error) => error.is_other_version(),
            Self::Graph(error) => matches!(error, GraphError::Version { .. }),
            _ => false,
        }
    }

    fn help(&self) -> Option<String> {
        if let Self::Container(error) = self { kind_help(error) } else { None }
    }
}

impl ContentError for ReceiptFileError {
    fn is_other_version(&self) -> bool {
        matches!(self, Self::Container(error) if error.is_other_version())
    }

    fn help(&self) -> Option<String> {
        if let Self::Container(error) = self { kind_help(error) } else { None }
    }
}

impl ContentError for ProofError {
    fn is_other_version(&self) -> bool {
        self.is_undecided()
    }
}

impl ContentError for BundleError {
    fn is_other_version(&self) -> bool {
        matches!(self, Self::Version { .. })
    }

    fn help(&self) -> Option<String> {
        let is_no_model = matches!(self, Self::NoMetadata);
        is_no_model.then(|| "a model is a .assay file; import it from its network first".to_owned())
    }
}

impl ContentError for DecodeError {}

impl ContentError for VocabularyError {}

/// Why a file that is JSON, or may be anything, is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum TextError {
    #[error("not a work context ({0})")]
    WorkContext(serde_json::Error),
    #[error("not a statement: expected {{\"context_digest\": \"0x..\", \"input\": {{..}}, \"output\": {{..}}}} ({0})")]
    Statement(serde_json::Error),
    #[error("not something on a chain: expected {{\"header\": {{..}}, \"shown\": {{..}}}} ({0})")]
    Inclusion(serde_json::Error),
    #[error("the file is empty")]
    Empty,
}

impl ContentError for TextError {}

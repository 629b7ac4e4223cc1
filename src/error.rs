//! Everything that can go wrong in the command: what happened, where, what to do, a stable code and an exit code.
//!
//! Libraries keep their own error types; here they are wrapped with the file or step they belong to, and mapped to the
//! few exit codes that scripts can rely on. A code, once given, keeps its meaning.

use std::io;
use std::path::{Path, PathBuf};

use ::chain::client::ClientError;
use ::worker::WorkerError;
use ::worker::executor::ExecutorError;
use ::worker::hardware::HardwareError;
use ::worker::models::ModelError;
use attestation::collect::CollectError;
use attestation::hex::HexError;
use attestation::identity::keystore::{KeyKind, KeystoreError};
use circuits::model::reference::ExecutionError;
use ethereum::GenerateError;
use prover::prove::ProveError;
use prover::proving_key::ProvingKeyError;
use prover::srs::generate::SetupError;
use verifier::cli::{CheckError, ContentError, Failure, StoreError, write_exit};
use verifier::rows::RowsError;

use crate::bench::error::BenchError;
use crate::commands::demo::DemoError;

mod bench;
mod chain;
mod format;
mod import;
mod keystore;
mod node;
mod setup;
mod worker;

pub(crate) use self::chain::ChainError;
pub(crate) use self::format::FormatError;
pub(crate) use self::import::ImportProblem;
pub(crate) use self::setup::CeremonyError;
pub(crate) use verifier::cli::Exit;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// What `assay-verify` says, too.
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} exists already", path.display())]
    Exists { path: PathBuf },
    #[error("{} exists and is not an empty folder", path.display())]
    NotEmpty { path: PathBuf },
    #[error("no password: this is no terminal to ask on")]
    NoPassword,
    #[error("the password is empty")]
    EmptyPassword,
    #[error("the two passwords differ")]
    PasswordsDiffer,
    #[error("{place}: expected a password of at most {max} bytes")]
    PasswordTooLong { place: String, max: u64 },
    #[error("cannot read a password from {place}: {source}")]
    PasswordSource { place: String, source: io::Error },
    #[error("{}", keystore::message(path, source))]
    KeyFile { path: PathBuf, source: Box<KeystoreError> },
    #[error("{0}")]
    Ceremony(Box<CeremonyError>),
    #[error("proving key: {0}")]
    ProvingKey(ProvingKeyError),
    #[error(
        "proving is predicted to take {} of memory, {} are {basis}",
        crate::output::bytes(*.needed), crate::output::bytes(*.available)
    )]
    Memory { needed: u64, available: u64, basis: &'static str },
    #[error("{0}")]
    ModelInput(ExecutionError),
    #[error("{0}")]
    Executor(Box<ExecutorError>),
    #[error("{0}")]
    Prove(Box<ProveError>),
    #[error("context digest: {0}")]
    ContextDigest(HexError),
    #[error("{}: {source}", path.display())]
    Contract { path: PathBuf, source: GenerateError },
    #[error("{0}")]
    Demo(DemoError),
    #[error("log filter {text:?}: {reason}")]
    LogFilter { text: String, reason: String },
    #[error("cannot start the program's threads or listen for signals: {0}")]
    Runtime(io::Error),
    #[error("stopped at once, before everything under way had ended; committed blocks are kept")]
    Interrupted,
    #[error("{0}")]
    Chain(Box<ChainError>),
    #[error("{0}")]
    Node(Box<ClientError>),
    #[error("{0}")]
    Worker(Box<WorkerError>),
    #[error("proving key: {0}")]
    Model(ModelError),
    #[error("{0}")]
    Hardware(HardwareError),
    #[error("{0}")]
    Collect(Box<CollectError>),
    #[error("session key: {0}")]
    SessionKey(KeystoreError),
    #[error("nonce of the receipt: {0}")]
    Nonce(KeystoreError),
    #[error("{0}")]
    Bench(Box<BenchError>),
    #[error("{0}")]
    Import(Box<ImportProblem>),
    #[error("no node runs on {}: its file address is missing", path.display())]
    NoAddress { path: PathBuf },
    #[error("{}: none on this chain", format!("{what} {id}").trim_end())]
    None { what: &'static str, id: String },
    #[error("{name} is an account of development chains, and chain {chain_id} does not fund it")]
    NotFunded { name: &'static str, chain_id: u32 },
    #[error("{}: expected an {expected} key, got an {got} key", path.display())]
    KeyKind { path: PathBuf, expected: KeyKind, got: KeyKind },
}

impl CliError {
    /// A command line that makes no sense.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        CheckError::Usage(text.into()).into()
    }

    /// A file that could not be read.
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        CheckError::Read { path: path.to_owned(), source }.into()
    }

    /// A file whose content is refused.
    pub(crate) fn format(path: &Path, refusal: impl ContentError + 'static) -> Self {
        CheckError::format(path, refusal).into()
    }
}

impl Failure for CliError {
    fn code(&self) -> &'static str {
        match self {
            Self::Check(source) => source.code(),
            Self::ContextDigest(_) => "ASSAY-U002",
            Self::Write { .. } => "ASSAY-F005",
            Self::Exists { .. } => "ASSAY-F006",
            Self::NotEmpty { .. } => "ASSAY-F007",
            Self::NoPassword => "ASSAY-K001",
            Self::EmptyPassword => "ASSAY-K002",
            Self::PasswordsDiffer => "ASSAY-K003",
            Self::PasswordTooLong { .. } => "ASSAY-K004",
            Self::PasswordSource { .. } => "ASSAY-K005",
            Self::KeyFile { source, .. } => keystore::code(source),
            Self::Ceremony(source) => source.code(),
            Self::ProvingKey(_) | Self::Model(_) => "ASSAY-P004",
            Self::Executor(source) if matches!(**source, ExecutorError::Device(_)) => "ASSAY-P005",
            Self::ModelInput(_) => "ASSAY-P006",
            Self::Executor(_) => "ASSAY-P007",
            Self::Prove(_) => "ASSAY-P008",
            Self::Memory { .. } => "ASSAY-P016",
            Self::Contract { .. } => "ASSAY-P017",
            Self::Demo(source) => source.code(),
            Self::LogFilter { .. } => "ASSAY-U003",
            Self::Runtime(_) => "ASSAY-E004",
            Self::Interrupted => "ASSAY-E005",
            Self::Chain(source) => source.code(),
            Self::Node(source) => node::code(source),
            Self::Worker(source) => worker::code(source),
            Self::Hardware(_) => "ASSAY-W008",
            Self::Collect(_) => "ASSAY-W009",
            Self::SessionKey(_) => "ASSAY-W010",
            Self::Nonce(_) => "ASSAY-W011",
            Self::Bench(source) => bench::code(source),
            Self::Import(source) => source.code(),
            Self::NoAddress { .. } => "ASSAY-N006",
            Self::None { .. } => "ASSAY-N007",
            Self::NotFunded { .. } => "ASSAY-T002",
            Self::KeyKind { .. } => "ASSAY-K012",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Check(source) => source.exit(),
            Self::ContextDigest(_) | Self::Exists { .. } | Self::NotEmpty { .. } => Exit::Unreadable,
            Self::Write { source, .. } => write_exit(source),
            Self::NoPassword
            | Self::EmptyPassword
            | Self::PasswordsDiffer
            | Self::PasswordTooLong { .. }
            | Self::PasswordSource { .. } => Exit::Configuration,
            Self::KeyFile { source, .. } => keystore::exit(source),
            Self::ModelInput(_) | Self::ProvingKey(_) | Self::Model(_) | Self::Contract { .. } => Exit::Unreadable,
            Self::Ceremony(source) => source.exit(),
            Self::Executor(_) | Self::Memory { .. } => Exit::Resource,
            Self::Prove(source) => match **source {
                ProveError::Rejected(_) => Exit::Rejected,
                ProveError::Environment(_) => Exit::Configuration,
                _ => Exit::Unreadable,
            },
            Self::Demo(source) if source.is_resource() => Exit::Resource,
            Self::Demo(_) | Self::None { .. } => Exit::Rejected,
            Self::LogFilter { .. } => Exit::Unreadable,
            Self::Runtime(_)
            | Self::NoAddress { .. }
            | Self::Hardware(_)
            | Self::Collect(_)
            | Self::SessionKey(_)
            | Self::Nonce(_) => Exit::Resource,
            Self::Interrupted => Exit::Interrupted,
            Self::Chain(source) => source.exit(),
            Self::Node(source) => node::exit(source),
            Self::Worker(source) => worker::exit(source),
            Self::Bench(source) => bench::exit(source),
            Self::Import(source) => source.exit(),
            Self::NotFunded { .. } | Self::KeyKind { .. } => Exit::Configuration,
        }
    }

    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Check(source) => return source.help(),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::NotFound => "make its folder first",
            Self::Exists { .. } => "choose another name, or remove it first",
            Self::NotEmpty { .. } => "name a folder that is empty or does not exist",
            Self::NoPassword => {
                "give --password-file FILE, set ASSAY_PASSWORD_FILE, give --password-fd N, or run it in a terminal"
            }
            Self::EmptyPassword => "choose a password; an empty one protects nothing",
            Self::Memory { .. } => {
                "end what takes memory, or take a larger machine; --max-memory SIZE states what may be taken, and \
                 `assay prover estimate` says what takes it"
            }
            Self::ContextDigest(_) => "give 0x and 64 lower-case hexadecimal digits",
            Self::KeyFile { source, .. } if matches!(**source, KeystoreError::WrongPassword) => {
                "try the password again; `assay key show FILE` names the key without one"
            }
            Self::Ceremony(source) => return source.help(),
            Self::Chain(source) => return source.help().map(str::to_owned),
            Self::Node(source) => return node::help(source),
            Self::Worker(source) => return worker::help(source),
            Self::Bench(source) => return bench::help(source).map(str::to_owned),
            Self::Import(source) => return source.help().map(str::to_owned),
            Self::NoAddress { .. } => "`assay chain dev --data-dir DIR` starts one there; --node URL names another",
            Self::None { .. } => "check the identifier; what was only sent is not there before its block",
            Self::NotFunded { .. } => "sign with a key of your own: --key FILE",
            Self::KeyKind { .. } => {
                "accounts have ed25519 keys, workers ml-dsa-65 keys; `assay key show FILE` tells which it is"
            }
            Self::LogFilter { .. } => "give a level such as info, or a list such as warn,chain=debug",
            _ => return None,
        };
        Some(help.to_owned())
    }
}

impl From<SetupError> for CliError {
    fn from(error: SetupError) -> Self {
        CheckError::Setup(error).into()
    }
}

impl From<RowsError> for CliError {
    fn from(error: RowsError) -> Self {
        CheckError::Rows(error).into()
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        CheckError::Store(error).into()
    }
}

impl From<ExecutorError> for CliError {
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::Input { source, .. } => Self::ModelInput(source),
            other => Self::Executor(Box::new(other)),
        }
    }
}

impl From<ProveError> for CliError {
    fn from(error: ProveError) -> Self {
        Self::Prove(Box::new(error))
    }
}

impl From<CeremonyError> for CliError {
    fn from(error: CeremonyError) -> Self {
        Self::Ceremony(Box::new(error))
    }
}

impl From<ChainError> for CliError {
    fn from(error: ChainError) -> Self {
        Self::Chain(Box::new(error))
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        Self::Node(Box::new(error))
    }
}

impl From<WorkerError> for CliError {
    fn from(error: WorkerError) -> Self {
        Self::Worker(Box::new(error))
    }
}

impl From<BenchError> for CliError {
    fn from(error: BenchError) -> Self {
        Self::Bench(Box::new(error))
    }
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        Self::Demo(error)
    }
}

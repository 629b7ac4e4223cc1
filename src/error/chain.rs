//! What can go wrong with a chain's data directory and with the node on it.
//!
//! Damage and disagreement are told apart from what an operator can settle: in use, no disk, another chain's directory.

use std::path::PathBuf;

use ::chain::node::serve::ServeError;
use ::chain::node::{
    ArchiveError, CheckError, LastSignedError, NodeFault, OpenError, PruneError, ReplayError, StartError,
};
use ::chain::state::{LocalError, MachineError, StateError, StoreError};
use ::chain::types::GenesisError;

use super::Exit;

/// Why a chain command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChainError {
    #[error("{}: {source}", path.display())]
    Genesis { path: PathBuf, source: GenesisError },
    #[error("{} is missing, and {} holds a chain", path.display(), folder.display())]
    GenesisMissing { path: PathBuf, folder: PathBuf },
    #[error("{} exists and holds {entry:?} and no chain", path.display())]
    Foreign { path: PathBuf, entry: String },
    #[error("genesis: {0}")]
    NewGenesis(GenesisError),
    #[error("{}: this chain was made with {option} {expected}, this start asks for {got}; another chain needs another folder", path.display())]
    Option { path: PathBuf, option: &'static str, expected: u32, got: u32 },
    #[error("{}: this chain was made without --fast-governance; another chain needs another folder", path.display())]
    SlowGovernance { path: PathBuf },
    #[error("{}: {what} are not those of the development chain, and this program holds no others", path.display())]
    NotDevelopment { path: PathBuf, what: &'static str },
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Fault(#[from] NodeFault),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Prune(#[from] PruneError),
}

/// What kind of failure an error of the libraries is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    InUse,
    AnotherChain,
    Schema,
    Damaged,
    NoChain,
    Disk,
    Listen,
    GenesisDamaged,
    GenesisRefused,
    NotDevelopment,
    Setting,
    Disagrees,
    Clock,
    Fault,
    Pruned,
}

impl ChainError {
    /// Stable code.
    pub(super) fn code(&self) -> &'static str {
        match self.kind() {
            Kind::InUse => "ASSAY-C001",
            Kind::AnotherChain => "ASSAY-C002",
            Kind::Schema => "ASSAY-C003",
            Kind::Damaged => "ASSAY-C004",
            Kind::NoChain => "ASSAY-C005",
            Kind::Disk => "ASSAY-C006",
            Kind::Listen => "ASSAY-C007",
            Kind::GenesisDamaged => "ASSAY-C008",
            Kind::GenesisRefused => "ASSAY-C009",
            Kind::NotDevelopment => "ASSAY-C010",
            Kind::Setting => "ASSAY-C011",
            Kind::Disagrees => "ASSAY-C012",
            Kind::Clock => "ASSAY-C013",
            Kind::Fault => "ASSAY-C014",
            Kind::Pruned => "ASSAY-C015",
        }
    }

    /// Exit code that follows.
    pub(super) fn exit(&self) -> Exit {
        match self.kind() {
            Kind::Disagrees => Exit::Rejected,
            Kind::Damaged | Kind::NoChain | Kind::GenesisDamaged => Exit::Unreadable,
            Kind::Schema => Exit::Undecided,
            Kind::AnotherChain
            | Kind::GenesisRefused
            | Kind::NotDevelopment
            | Kind::Setting
            | Kind::Clock
            | Kind::Pruned => Exit::Configuration,
            Kind::InUse | Kind::Disk | Kind::Listen | Kind::Fault => Exit::Resource,
        }
    }

    /// What to do about it, where that is not in the message.
    pub(super) fn help(&self) -> Option<&'static str> {
        Some(match self.kind() {
            Kind::Listen => {
                "another program listens there, or it is no address of this machine: give --listen 127.0.0.1:0 for any free port"
            }
            Kind::GenesisDamaged => {
                "restore the file genesis from where the chain was made; a new one would be another chain"
            }
            Kind::GenesisRefused => "correct the parameter that is named; no chain was started",
            Kind::NotDevelopment => {
                "this release runs development chains only: name the directory of one, or a new one"
            }
            Kind::Setting => "leave --k-max away, or name a new directory",
            Kind::NoChain => {
                "name a directory that `assay chain dev --data-dir` made, or for a new chain an empty or absent one"
            }
            Kind::Disagrees => "do not run a node on this directory: restore it",
            Kind::Clock => "set this machine's clock",
            Kind::InUse => "`assay chain query status --data-dir DIR` asks the node that runs on it",
            Kind::Disk | Kind::Fault => "make room or mend the disk and start again: every committed block is kept",
            Kind::AnotherChain | Kind::Schema | Kind::Damaged | Kind::Pruned => return None,
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Genesis { source: GenesisError::Decode(_), .. } | Self::GenesisMissing { .. } => Kind::GenesisDamaged,
            Self::Genesis { .. } | Self::NewGenesis(_) => Kind::GenesisRefused,
            Self::Foreign { .. } => Kind::NoChain,
            Self::Option { .. } | Self::SlowGovernance { .. } => Kind::Setting,
            Self::NotDevelopment { .. } => Kind::NotDevelopment,
            Self::Serve(error) => of_serve(error),
            Self::Fault(NodeFault::Engine(error)) => of_engine(error),
            Self::Fault(NodeFault::Ended) => Kind::Fault,
            Self::Check(error) => of_check(error),
            Self::Replay(error) => of_replay(error),
            Self::Archive(error) => of_archive(error),
            Self::Prune(error) => of_prune(error),
        }
    }
}

fn of_serve(error: &ServeError) -> Kind {
    match error {
        ServeError::Environment(_) => Kind::Setting,
        ServeError::Listen { .. } => Kind::Listen,
        ServeError::Start(error) => of_start(error),
        ServeError::State(error) => of_state(error),
        ServeError::Thread { .. } | ServeError::Ended => Kind::Fault,
    }
}

fn of_start(error: &StartError) -> Kind {
    match error {
        StartError::Open(error) => of_open(error),
        StartError::Machine(error) => of_machine(error),
        StartError::LastSigned(error) => of_last_signed(error),
        StartError::Engine(error) => of_engine(error),
    }
}

fn of_open(error: &OpenError) -> Kind {
    match error {
        OpenError::InUse { .. } => Kind::InUse,
        OpenError::AnotherChain { .. } => Kind::AnotherChain,
        OpenError::Schema { .. } => Kind::Schema,
        OpenError::Absent { .. } | OpenError::Foreign { .. } => Kind::NoChain,
        OpenError::Io { .. } | OpenError::Database { .. } => Kind::Disk,
        OpenError::Identity { .. }
        | OpenError::DatabaseMissing { .. }
        | OpenError::Damaged { .. }
        | OpenError::Head { .. } => Kind::Damaged,
    }
}

fn of_machine(error: &MachineError) -> Kind {
    match error {
        MachineError::Genesis { .. } => Kind::AnotherChain,
        MachineError::Root { .. } => Kind::Damaged,
        MachineError::Setup { .. } => Kind::NotDevelopment,
        MachineError::Conservation(_) => Kind::GenesisRefused,
        MachineError::State(error) => of_state(error),
        MachineError::Store(error) => of_store(error),
    }
}

fn of_last_signed(error: &LastSignedError) -> Kind {
    match error {
        LastSignedError::Io { .. } => Kind::Disk,
        LastSignedError::AnotherChain { .. } => Kind::AnotherChain,
        LastSignedError::Encoding { .. } => Kind::Schema,
        LastSignedError::Missing { .. } | LastSignedError::Damaged { .. } => Kind::Damaged,
    }
}

fn of_engine(error: &LocalError) -> Kind {
    match error {
        LocalError::NotValidator { .. } => Kind::NotDevelopment,
        LocalError::ClockBehind { .. } => Kind::Clock,
        LocalError::State(error) => of_state(error),
        LocalError::BlocksLost { .. } | LocalError::AnotherHistory { .. } => Kind::Damaged,
        _ => Kind::Fault,
    }
}

fn of_state(error: &StateError) -> Kind {
    match error {
        StateError::Store(error) => of_store(error),
        _ => Kind::Damaged,
    }
}

fn of_store(error: &StoreError) -> Kind {
    match error {
        StoreError::Database { .. } => Kind::Disk,
        _ => Kind::Damaged,
    }
}

fn of_replay(error: &ReplayError) -> Kind {
    match error {
        ReplayError::Open(error) => of_open(error),
        ReplayError::Empty => Kind::NoChain,
        ReplayError::Pruned { .. } => Kind::Pruned,
        ReplayError::Machine(error) => of_machine(error),
        ReplayError::Store(error) => of_store(error),
        _ => Kind::Disagrees,
    }
}

fn of_archive(error: &ArchiveError) -> Kind {
    match error {
        ArchiveError::Io { .. } => Kind::Disk,
        ArchiveError::NoArchive
        | ArchiveError::Shape { .. }
        | ArchiveError::Checksum
        | ArchiveError::Record { .. }
        | ArchiveError::Unlinked { .. }
        | ArchiveError::Missing { .. } => Kind::Damaged,
        ArchiveError::Version { .. } => Kind::Schema,
        ArchiveError::AnotherChain { .. } => Kind::AnotherChain,
        ArchiveError::Empty | ArchiveError::Occupied { .. } | ArchiveError::Kind { .. } => Kind::NoChain,
        ArchiveError::Open(error) => of_open(error),
        ArchiveError::Store(error) => of_store(error),
        ArchiveError::Machine(error) => of_machine(error),
        ArchiveError::LastSigned(error) => of_last_signed(error),
        ArchiveError::Guard(_) => Kind::Fault,
        ArchiveError::BlocksPruned { .. } => Kind::Pruned,
        ArchiveError::Block { .. }
        | ArchiveError::Recorded { .. }
        | ArchiveError::Certificate { .. }
        | ArchiveError::Transactions { .. }
        | ArchiveError::Range(_)
        | ArchiveError::Root => Kind::Disagrees,
    }
}

fn of_prune(error: &PruneError) -> Kind {
    match error {
        PruneError::Open(error) => of_open(error),
        PruneError::Store(error) => of_store(error),
        PruneError::State(error) => of_state(error),
        PruneError::Empty => Kind::NoChain,
        PruneError::Snapshot(error) => of_archive(error),
        PruneError::AnotherHistory { .. } => Kind::Disagrees,
    }
}

fn of_check(error: &CheckError) -> Kind {
    match error {
        CheckError::Open(error) => of_open(error),
        CheckError::LastSigned(error) => of_last_signed(error),
        CheckError::Empty => Kind::NoChain,
        CheckError::Machine(error) => of_machine(error),
        CheckError::State(error) => of_state(error),
        CheckError::Store(error) => of_store(error),
        _ => Kind::Disagrees,
    }
}

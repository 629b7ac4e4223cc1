//! Which setup is accepted, and where imported ones are kept.
//!
//! Everybody knows the development setup's secret, so it is used by request only. Setups of ceremonies are named by
//! their identifier and kept in a folder, one file for each size, so that a ceremony's file is read once. Naming one is
//! the statement that nobody knows its secret; a verifier accepts no other.

use std::path::PathBuf;
use std::str::FromStr;

use attestation::hex::{self, HexError};
use clap::Args;

use super::error::{CheckError, Failure};
use super::exit::Exit;
use super::files;
use super::output::Output;
use crate::setup::generate::K_RANGE;
use crate::setup::saved::{self, SavedError};
use crate::setup::{Setup, VerifierSetup};

/// Said whenever the development setup is used.
const INSECURE: &str = "development setup: its secret is public, so proofs under it convince nobody";

/// An identifier, or a hash, in hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct Identifier(pub [u8; 32]);

/// Why a text is no identifier.
#[derive(Clone, Debug, thiserror::Error)]
#[error("expected 0x and 64 lower-case hexadecimal digits ({0})")]
pub struct IdentifierError(HexError);

impl FromStr for Identifier {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, IdentifierError> {
        hex::decode(text).map(Self).map_err(IdentifierError)
    }
}

/// The setup that a command works under.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Trust")]
pub struct SetupOptions {
    /// Work under the imported setup of a ceremony, believing that nobody knows its secret
    #[arg(long, value_name = "0x..", conflicts_with = "accept_insecure_setup")]
    setup_id: Option<Identifier>,
    /// Go on under the development setup, whose secret is public: anybody can forge proofs under it
    #[arg(long)]
    accept_insecure_setup: bool,
    /// Folder of imported setups [default: assay/setups in $XDG_CACHE_HOME or ~/.cache]
    #[arg(long, value_name = "DIR")]
    setup_dir: Option<PathBuf>,
}

/// A setup by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The development setup.
    Development,
    /// A ceremony's, by its identifier.
    Ceremony([u8; 32]),
}

/// Why a setup that should be kept was not had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is damaged, or none of these.
    #[error("{}: {source}", path.display())]
    Saved {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SavedError,
    },
    /// The file holds another setup than its name says.
    #[error(
        "{}: expected setup {} for 2^{expected_k} rows, got setup {} for 2^{got_k}",
        path.display(), hex::encode(expected), hex::encode(got)
    )]
    Swapped {
        /// The file.
        path: PathBuf,
        /// Setup by the name.
        expected: [u8; 32],
        /// k by the name.
        expected_k: u32,
        /// Setup by the content.
        got: [u8; 32],
        /// k by the content.
        got_k: u32,
    },
    /// There is none.
    #[error("setup {} for 2^{k} rows is not in {}", hex::encode(id), folder.display())]
    Absent {
        /// The setup.
        id: [u8; 32],
        /// 2^k rows are asked for.
        k: u32,
        /// Where it should be.
        folder: PathBuf,
    },
    /// Nobody said where to look.
    #[error("no folder for setups of ceremonies: none of --setup-dir, XDG_CACHE_HOME and HOME is set")]
    NoFolder,
}

impl SetupOptions {
    /// The setup that the user accepted; refuses if there is none.
    ///
    /// # Errors
    /// [`CheckError::InsecureSetup`].
    pub fn accepted(&self) -> Result<Chosen, CheckError> {
        self.named()?.ok_or(CheckError::InsecureSetup)
    }

    /// The setup that the user accepted, if any.
    ///
    /// # Errors
    /// [`CheckError::InsecureSetup`] if it is the development setup by its identifier: that alone does not say that the user
    /// knows what it is.
    pub fn named(&self) -> Result<Option<Chosen>, CheckError> {
        match self.setup_id {
            Some(Identifier(id)) if id == VerifierSetup::development().id() => Err(CheckError::InsecureSetup),
            Some(Identifier(id)) => Ok(Some(Chosen::Ceremony(id))),
            None => Ok(self.accept_insecure_setup.then_some(Chosen::Development)),
        }
    }

    /// Where imported setups are kept.
    ///
    /// # Errors
    /// [`StoreError::NoFolder`].
    pub fn store(&self) -> Result<Store, StoreError> {
        match &self.setup_dir {
            Some(folder) => Ok(Store { folder: folder.clone() }),
            None => Store::standard(),
        }
    }
}

/// `assay` in the user's folder for what can be made again; `None` where the environment names none.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?;
    Some(cache.join("assay"))
}

impl Chosen {
    /// Its identifier.
    #[must_use]
    pub fn id(self) -> [u8; 32] {
        match self {
            Self::Development => VerifierSetup::development().id(),
            Self::Ceremony(id) => id,
        }
    }

    /// Warns if work under it convinces nobody.
    pub fn warn(self, output: &Output) {
        if self == Self::Development {
            output.warn(INSECURE);
        }
    }
}

/// The folder of imported setups.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// `assay/setups` in the user's folder for what can be made again.
    ///
    /// # Errors
    /// [`StoreError::NoFolder`].
    pub fn standard() -> Result<Self, StoreError> {
        Ok(Self { folder: cache_folder().ok_or(StoreError::NoFolder)?.join("setups") })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// The file of a setup.
    #[must_use]
    pub fn path(&self, id: &[u8; 32], k: u32) -> PathBuf {
        self.folder.join(saved::file_name(id, k))
    }

    /// A setup that is kept for circuits of exactly 2^k rows.
    ///
    /// # Errors
    /// [`CheckError::Read`], and [`StoreError`] for a file that is not what its name says.
    pub fn load(&self, id: &[u8; 32], k: u32) -> Result<Option<Setup>, CheckError> {
        let path = self.path(id, k);
        if !path.exists() {
            return Ok(None);
        }
        let mut file = files::open(&path)?;
        let setup = saved::read(&mut file).map_err(|source| StoreError::Saved { path: path.clone(), source })?;
        if (setup.id(), setup.k()) != (*id, k) {
            let (got, got_k) = (setup.id(), setup.k());
            return Err(StoreError::Swapped { path, expected: *id, expected_k: k, got, got_k }.into());
        }
        Ok(Some(setup))
    }

    /// The smallest setup that is kept for circuits of 2^k rows or more.
    ///
    /// # Errors
    /// As [`Store::load`]; [`StoreError::Absent`].
    pub fn smallest(&self, id: [u8; 32], k: u32) -> Result<Setup, CheckError> {
        for size in k..=*K_RANGE.end() {
            if let Some(setup) = self.load(&id, size)? {
                return Ok(setup);
            }
        }
        Err(StoreError::Absent { id, k, folder: self.folder.clone() }.into())
    }
}

impl Failure for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Saved { .. } | Self::Swapped { .. } => "ASSAY-P012",
            Self::Absent { .. } => "ASSAY-P013",
            Self::NoFolder => "ASSAY-P014",
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Saved { .. } | Self::Swapped { .. } => Exit::Unreadable,
            Self::Absent { .. } => Exit::Undecided,
            Self::NoFolder => Exit::Configuration,
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::Saved { .. } | Self::Swapped { .. } => {
                Some("remove it and import the ceremony again: `assay prover setup --ptau FILE`".to_owned())
            }
            Self::Absent { k, .. } => {
                Some(format!("import it first: `assay prover setup --ptau FILE --k {k}`, or --ignition FILE"))
            }
            Self::NoFolder => None,
        }
    }
}

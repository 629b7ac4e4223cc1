//! A proving key on disk, so that it is derived once.
//!
//! ```text
//! offset  size      field
//! 0       16        "assay pk 1\r\n" and zero bytes
//! 16      32        identity: BLAKE3 derive_key over everything that the key follows from
//! 48      8         bytes of the verifying key, little-endian
//! 56      ..        verifying key, as a .vk file
//! ..      32 2^k F  values of the fixed columns, 32 bytes each, halo2's memory form
//! ..      32 2^k P  values of the permutation columns, the same
//! end-32  32        BLAKE3 derive_key over everything before: damage, not forgery, is what it finds
//! ```
//!
//! **Whom it trusts.** The folder's owner, who could change the program as well: the committed rows in such a file are not
//! computed again. So it only ever serves a prover, for its own keys; whoever verifies, publishes or audits derives. A
//! wrong key cannot make a false proof pass: a proof is verified before it is returned, and by everybody after.
//!
//! **What it is named by.** The identity is a hash of bundle, setup, and the circuit as this program lays it out: every fixed
//! value, copy and gate. The verifying key's digest would be the obvious name, but computing it takes the commitments
//! to the weights, which is most of what there is to save. A program that lays circuits out differently looks for
//! another name.
//!
//! **What is in it.** Columns' values; their coefficients, which halo2's own file holds as well, are transformed back
//! when it is read, so that the file has half the size. `halo2::ProvingKey::read` is not used: it believes lengths
//! in the file and panics where it ends.
//!
//! **What it saves**, on two busy cores: a network 512-1024-1024-10 (2^13 rows, 6.3 MB) takes 2.0 to 2.8 s to derive and
//! 0.10 s to read, 256-256-256 (2^10 rows, 1.1 MB) 0.25 to 0.30 s and 0.025 s, digits (2^7 rows, 0.18 MB) 0.039 s and
//! 0.010 s. Nearly all of the reading is transforms: halo2's own file, twice the size, was read in 0.006 to 0.022 s. That
//! is a few hundredths of the proof that follows, and small files were preferred. That was with halo2's transforms; with the
//! prover's own, MiniLM's shape (2^16 rows, 201 MB) is read in 0.52 s instead of 1.55 s.
//!
//! **Why it is not mapped.** halo2 keeps every column in a vector of its own, so mapped bytes are copied like read ones.
//! The file is read once, front to back, each value decoded while it is hashed; beyond the key this takes one buffer of
//! 256 KiB. Hashing 6.3 MB mapped took 1.3 ms, so there is nothing to gain, and mapping would take unsafe code.

mod identity;
mod parts;
mod stream;

use std::io::{self, Read, Write};
use std::sync::Arc;

use circuits::layout::{Plan, PlanError};
use circuits::model::bundle::Bundle;
use verifier::key::{KeyError, VerifyingKey};
use verifier::setup::Setup;

use self::stream::{HashReader, HashWriter};
use crate::environment::{self, EnvironmentError};
use crate::proving_key::ProvingKey;

const MAGIC: [u8; 16] = *b"assay pk 1\r\n\0\0\0\0";
const CHECKSUM_CONTEXT: &str = "assay 2026 proving-key-file-checksum v1";
/// Largest verifying key that is read: its rows, columns and graph are bounded, and together far smaller.
const VERIFYING_KEY_BYTES_MAX: u64 = 4 << 20;

/// Bytes of a file for 2^k rows, with that many fixed and permutation columns and that verifying key.
pub(crate) fn file_bytes(k: u32, columns: u64, verifying_key_bytes: u64) -> u64 {
    const HEADER: u64 = 56;
    const CHECKSUM: u64 = 32;
    HEADER + verifying_key_bytes + columns * ((parts::VALUE_BYTES as u64) << k) + CHECKSUM
}

/// Why the file of a proving key was refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Nothing may run in this environment.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The graph cannot be laid out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The setup's bases are too small for the circuit.
    #[error("setup: expected bases for at least 2^{expected} rows, got 2^{got}")]
    SetupSize {
        /// k of the circuit.
        expected: u32,
        /// k of the setup.
        got: u32,
    },
    /// The file could not be read.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// The file ends too early.
    #[error("it ends in the {part}")]
    Truncated {
        /// Part that is incomplete.
        part: &'static str,
    },
    /// The file goes on after its end.
    #[error("it goes on after its checksum")]
    Trailing,
    /// Not a proving key of this release's format.
    #[error("not a proving key of format 1")]
    Magic,
    /// The key of another model, setup or release.
    #[error(
        "expected the key {}, got {}: another model's, another setup's or another release's",
        const_hex::encode(expected),
        const_hex::encode(got)
    )]
    Identity {
        /// Identity of the key that is asked for.
        expected: [u8; 32],
        /// Identity that the file states.
        got: [u8; 32],
    },
    /// The verifying key inside is larger than any.
    #[error("bytes of the verifying key: expected at most {VERIFYING_KEY_BYTES_MAX}, got {got}")]
    VerifyingKeyLength {
        /// Length that the file states.
        got: u64,
    },
    /// The verifying key inside is refused.
    #[error("{0}")]
    VerifyingKey(#[from] KeyError),
    /// The verifying key inside is of another model, setup or circuit.
    #[error("verifying key: it is another model's, another setup's or another circuit's")]
    OtherVerifyingKey,
    /// A value is no field element.
    #[error("{part}: a value is not below the field's modulus")]
    Value {
        /// Part of the file.
        part: &'static str,
    },
    /// The checksum does not match.
    #[error("the checksum does not match; the file was damaged or changed")]
    Checksum,
}

/// Where a bundle's key under a setup is kept, and what its file must say.
#[derive(Clone, Debug)]
pub struct KeyFile {
    bundle: Arc<Bundle>,
    plan: Arc<Plan>,
    setup: Setup,
    identity: [u8; 32],
}

impl KeyFile {
    /// The key of `bundle` under `setup`.
    pub fn new(bundle: Arc<Bundle>, setup: &Setup) -> Result<Self, KeyFileError> {
        environment::check()?;
        let k = bundle.graph().layout().k;
        let setup = setup.at(k).ok_or(KeyFileError::SetupSize { expected: k, got: setup.k() })?;
        let plan = Arc::new(Plan::new(bundle.graph())?);
        let identity = identity::identity(&bundle, &plan, &setup)?;
        Ok(Self { bundle, plan, setup, identity })
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}.pk", const_hex::encode(self.identity))
    }

    /// Writes the file of `key`, which must be this one.
    pub fn write(&self, key: &ProvingKey, file: &mut dyn Write) -> io::Result<()> {
        let same = (key.bundle().hash(), key.setup().id()) == (self.bundle.hash(), self.setup.id());
        if !same {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the key is another model's or another setup's"));
        }
        let verifying = key.verifying().to_bytes();
        let mut file = HashWriter::new(file, CHECKSUM_CONTEXT);
        file.write_all(&MAGIC)?;
        file.write_all(&self.identity)?;
        file.write_all(&(verifying.len() as u64).to_le_bytes())?;
        file.write_all(&verifying)?;
        parts::write(key.halo2(), &mut file)?;
        file.finish()
    }

    /// Reads the file; nothing is allocated for more than the circuit calls for.
    pub fn read(&self, file: &mut dyn Read) -> Result<ProvingKey, KeyFileError> {
        let mut file = HashReader::new(file, CHECKSUM_CONTEXT);
        if file.array("header")? != MAGIC {
            return Err(KeyFileError::Magic);
        }
        let got = file.array("header")?;
        if got != self.identity {
            return Err(KeyFileError::Identity { expected: self.identity, got });
        }
        let length = u64::from_le_bytes(file.array("header")?);
        if length > VERIFYING_KEY_BYTES_MAX {
            return Err(KeyFileError::VerifyingKeyLength { got: length });
        }
        let verifying = VerifyingKey::from_bytes(&file.bytes("verifying key", length)?)?;
        let ours = verifying.graph() == self.bundle.graph()
            && verifying.shape() == self.plan.shape()
            && verifying.commitment().bundle_hash == self.bundle.hash()
            && verifying.setup_id() == self.setup.id();
        if !ours {
            return Err(KeyFileError::OtherVerifyingKey);
        }
        let columns = parts::read(&verifying, &mut file)?;
        file.finish()?;
        // Only now is it known that nothing was damaged.
        let halo2 = columns.into_key(&verifying);
        let (bundle, plan) = (Arc::clone(&self.bundle), Arc::clone(&self.plan));
        Ok(ProvingKey::assemble(bundle, plan, self.setup.clone(), verifying, halo2))
    }
}

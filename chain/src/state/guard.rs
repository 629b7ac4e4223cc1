//! What keeps a validator from signing two different blocks of one height.
//!
//! *Before the signature, the block.* The guard keeps the whole block that is about to be signed, and only then does the
//! engine sign. An engine that stops between signature and commit finds that block again and commits it; with a hash
//! alone it could neither make the block again nor sign another one, and would stand still for ever.
//!
//! *At or below.* A lower height than the last one signed is refused whatever the block: a validator whose database was
//! rolled back must catch up from others and sign nothing on the way.

use std::io;

use attestation::hex;

use crate::types::block::Block;
use crate::types::ids::Hash;

/// Why a block must not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// A later height was signed already.
    #[error(
        "signing: height {signed} was signed already, got a block of height {got}; restore the newest data directory of this validator"
    )]
    Passed {
        /// Last height signed.
        signed: u64,
        /// Height of the block.
        got: u64,
    },
    /// Another block of this height was signed already.
    #[error("signing: block {} of height {height} was signed already, got {}; two signatures of one height are slashed",
        hex::encode(.signed), hex::encode(.got))]
    Conflict {
        /// The height.
        height: u64,
        /// Block that was signed.
        signed: Hash,
        /// Block that came.
        got: Hash,
    },
    /// What is about to be signed could not be kept, so it is not signed.
    #[error("signing: the record of the last signed block could not be written, {kind}; check the disk")]
    Unwritten {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}

/// Asked before every signature over a block.
pub trait SigningGuard: Send + Sync {
    /// The last block that was permitted.
    fn last(&self) -> Option<&Block>;

    /// Permits signing `block`, once it is kept as durably as the guard's chain is. The block permitted last is
    /// permitted again.
    ///
    /// # Errors
    /// [`GuardError`]; the block must not be signed then.
    fn permit(&mut self, block: &Block) -> Result<(), GuardError>;
}

/// The guard of a chain in memory: it forgets when the chain does.
#[derive(Clone, Debug, Default)]
pub struct MemoryGuard {
    last: Option<Block>,
}

impl MemoryGuard {
    /// A guard that permitted `last` before.
    #[must_use]
    pub fn new(last: Option<Block>) -> Self {
        Self { last }
    }

    /// Whether `block` must be kept before it is signed; not so if it is the last one again.
    ///
    /// # Errors
    /// [`GuardError::Passed`], [`GuardError::Conflict`].
    // spec: chain#signing-guard
    pub fn judge(&self, block: &Block) -> Result<bool, GuardError> {
        let Some(last) = &self.last else { return Ok(true) };
        let (signed, got) = (last.header.height, block.header.height);
        if got < signed {
            return Err(GuardError::Passed { signed, got });
        }
        if got == signed && last != block {
            return Err(GuardError::Conflict { height: got, signed: last.hash(), got: block.hash() });
        }
        Ok(got > signed)
    }

    /// Takes `block` as the last one.
    pub fn remember(&mut self, block: Block) {
        self.last = Some(block);
    }
}

impl SigningGuard for MemoryGuard {
    fn last(&self) -> Option<&Block> {
        self.last.as_ref()
    }

    fn permit(&mut self, block: &Block) -> Result<(), GuardError> {
        if self.judge(block)? {
            self.remember(block.clone());
        }
        Ok(())
    }
}

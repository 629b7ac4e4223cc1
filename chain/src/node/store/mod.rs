//! The data directory of a node, and its on-disk format (schema 1).
//!
//! ```text
//! <data directory>/
//!   LOCK           empty; held exclusively (flock) while a process has the directory open
//!   CHAIN          text, written once: which schema, which chain
//!   LAST-SIGNED    replaced before every signature of the validator; absent before the first
//!   db/            RocksDB
//!   db.new/        RocksDB while the directory is being made; never holds a block
//!   *.tmp          a file that is being replaced; ignored
//!
//! CHAIN            assay chain data\n
//!                  schema <decimal>\n
//!                  chain <decimal>\n
//!                  genesis 0x<64 lower-case hex digits>\n
//!
//! LAST-SIGNED       0 ┌──────────────────────────────────────────────┐
//!                     │ BLAKE3 derive_key("assay 2026 last-signed    │
//!                     │ v1") over everything below          32 bytes │
//!                  32 ├──────────────────────────────────────────────┤
//!                     │ genesis hash                        32 bytes │
//!                  64 ├──────────────────────────────────────────────┤
//!                     │ the signed block                       borsh │
//!                     └──────────────────────────────────────────────┘
//!
//! db/  family      key                                     value
//!      meta        "head"                                  borsh Head: the commit point
//!                  "floor"                                 borsh Floor: what is kept; absent while all is
//!      jmt_nodes   version u64 │ nibbles u8 │ packed path  borsh node of the state tree
//!      jmt_values  key hash 32 │ version u64               00, or 01 │ value: deleted, or written
//!      jmt_stale   since u64 │ key in jmt_nodes            empty; what pruning may delete
//!      key_index   bytes of a state key                    empty
//!      blocks      height u64                              borsh Block
//!      certs       height u64                              borsh (Certificate, [Misbehaviour])
//!      receipts    height u64                              borsh ([Outcome], [Event], [ComputeResult])
//!      tx_index    transaction identifier 32               height u64 │ position u32; rebuildable
//! ```
//! Integers in keys and in `tx_index` are big-endian, so that an ordered scan is a scan by height; borsh is
//! little-endian. Paths pack two nibbles per byte, the first one high; the last half of an odd path is zero.
//!
//! *One batch per block.* A block goes into all families with one `WriteBatch`, written ahead and synced, with the new
//! head in it. RocksDB applies a batch as a whole, so the head never names a block that is not there. Families flush
//! together (`atomic_flush`): no family can be ahead of another after a crash.
//!
//! *Point-in-time recovery, with a witness.* After a crash the log is replayed up to the first record that is not whole.
//! A damaged record in the middle therefore looks like a shorter chain. The directory of a validator notices: the last
//! signed block is then more than one height ahead, and the engine refuses to start (`LocalError::BlocksLost`). Strict
//! recovery was not chosen: it refuses the torn last record that every power cut may leave.
//!
//! *Another schema is refused before RocksDB is touched.* That is why schema and chain stand in a file of their own and
//! not in `meta`; the genesis hash in the head is compared as well.
//!
//! *No second creation.* `db` is made aside and renamed into place, and is never created where `CHAIN` exists: a lost
//! database is an error and not a chain that starts over.
//!
//! *Pruning moves a floor first.* What lies under it is deleted afterwards, so an interrupted pruning leaves too much and
//! never claims what is gone. The header before the first kept block stays in the floor as the anchor of what follows. A
//! directory restored from a snapshot begins with such a floor.
//!
//! *Every write has a name.* `failpoint` lists the durable writes and their steps; tests interrupt each, by the end of the
//! process and by a disk that is full, and no source writes but through them.
//!
//! *Deviations from the design*: no family `undecided`; the one block that is signed and not committed is in
//! `LAST-SIGNED`, where it cannot disagree with what was signed.

mod directory;
mod family;
mod file;
mod floor;
mod last_signed;
mod open;
mod prune;
mod reading;
mod rocks;

pub use directory::{Directory, SCHEMA};
pub(super) use file::{begin, clear, finish, place};
pub use floor::{Anchor, Floor};
pub use last_signed::{LastSignedError, LastSignedFile};
pub use open::OpenError;
pub use prune::Pruned;
pub(super) use reading::Reading;
pub use rocks::{Contents, RocksStore};

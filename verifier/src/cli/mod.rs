//! What `assay verify` and `assay-verify` share: the command line, files, messages, codes and exit codes.
//!
//! This is the only part of the crate that touches files, clock or terminal, and it is behind the feature `cli`. It decides
//! nothing: [`crate::judgement`] does.

mod error;
mod exit;
mod files;
mod output;
mod print;
mod setups;
mod verify;

pub use error::{CheckError, ContentError, Failure, write_exit};
pub use exit::Exit;
pub use files::{
    container_bytes_max, model_bytes_max, open, read, read_collateral, read_context, read_key, read_model, read_proof,
    read_receipt, read_rest, read_tokenizer,
};
pub use output::{Done, Output, OutputOptions, Problem, Tone, name, say};
pub use print::print;
pub use setups::{Chosen, Identifier, IdentifierError, SetupOptions, Store, StoreError, cache_folder};
pub use verify::{VERIFY_EXAMPLES, VerifyOptions, read_statement, run};

#![doc = include_str!("../SPEC.md")]
#![forbid(unsafe_code)]

mod abi;
mod argument;
mod assembler;
mod call;
mod contract;
mod creation;
mod field;
mod instruction;
mod layout;
mod memory;
mod opening;
mod parts;
mod precompile;
mod routines;
mod statement;

pub use abi::Refusal;
pub use assembler::AssemblyError;
pub use contract::{CODE_BYTES_MAX, Contract, GenerateError};
pub use creation::Piece;

//! A typed client of a node.
//!
//! [`Client`] asks, and asks again while the node cannot be reached; [`Account`] signs and sends. `Client::get` says what
//! the node says, `Client::prove` what a finalised header commits to.

mod account;
mod connection;
mod error;
mod proven;

pub use account::Account;
pub use connection::{Client, Committed};
pub use error::ClientError;
pub use proven::Proven;

//! A typed client of a node.
//!
//! [`Client`] asks, and asks again while the node cannot be reached; [`Account`] signs and sends. `Client::get` says what
//! the node says, `Client::prove` what a finalised header commits to, `Client::shown` what another chain is to be shown.

mod account;
mod connection;
mod error;
mod foreign;
mod proven;

pub use account::Account;
pub use connection::{Client, Committed};
pub use error::ClientError;
pub use proven::Proven;

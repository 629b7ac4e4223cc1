//! The port: accepting connections within limits, and what is answered beside JSON-RPC.

mod activity;
mod answers;
mod connection;
mod frames;
mod front;
mod host;
mod listen;

pub(super) use listen::{Listener, listen};

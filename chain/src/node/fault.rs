//! Whether the node can make blocks, and why it cannot any more.

use crate::state::LocalError;

/// Why a node stopped making blocks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeFault {
    /// A block could not be made or kept.
    #[error("no block can be made: {0}")]
    Engine(#[from] LocalError),
    /// The thread that makes blocks ended; a defect of this program.
    #[error("block production ended without a reason, which is a defect of this program; start it again and report it")]
    Ended,
}

/// What the node can do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Blocks are made when they are due.
    Ready,
    /// Blocks wait until the machine's clock is set.
    ClockBehind(LocalError),
    /// It was told to stop.
    Stopping,
    /// It has stopped by itself.
    Failed(NodeFault),
}

impl Condition {
    /// Why no blocks can be made now.
    pub(super) fn hindrance(&self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::ClockBehind(error) => Some(error.to_string()),
            Self::Stopping => Some("the node stops".to_owned()),
            Self::Failed(fault) => Some(fault.to_string()),
        }
    }
}

//! What can go wrong with a measurement.

use super::Exit;
use crate::bench::error::BenchError;
#[cfg(feature = "synthetic")]
use crate::bench::layers::measure::LayersError;

/// Stable code.
pub(super) fn code(error: &BenchError) -> &'static str {
    match error {
        BenchError::Kernel { .. } | BenchError::Machine { .. } => "ASSAY-B001",
        BenchError::Clock { .. } | BenchError::Size { .. } | BenchError::Record(_) => "ASSAY-B002",
        BenchError::Start(_) | BenchError::Process { .. } | BenchError::Answer(_) | BenchError::KeyFile(_) => {
            "ASSAY-B003"
        }
        BenchError::Accepting => "ASSAY-B004",
        BenchError::Constant => "ASSAY-B005",
        BenchError::OneModel { .. } | BenchError::SameName { .. } => "ASSAY-B006",
        BenchError::NoSharedModel { .. } => "ASSAY-B007",
        BenchError::Reference { .. } => "ASSAY-B008",
        #[cfg(feature = "synthetic")]
        BenchError::Layers(_) | BenchError::Series(_) => "ASSAY-B009",
        BenchError::Plot(_) => "ASSAY-B010",
        BenchError::OtherKind { .. } | BenchError::NoLayers { .. } => "ASSAY-B011",
    }
}

/// Exit code that follows.
pub(super) fn exit(error: &BenchError) -> Exit {
    match error {
        BenchError::Accepting => Exit::Rejected,
        #[cfg(feature = "synthetic")]
        BenchError::Layers(error) => match **error {
            LayersError::Honest { .. } => Exit::Rejected,
            _ => Exit::Unreadable,
        },
        #[cfg(feature = "synthetic")]
        BenchError::Series(_) => Exit::Unreadable,
        BenchError::Kernel { .. }
        | BenchError::Machine { .. }
        | BenchError::Clock { .. }
        | BenchError::Size { .. }
        | BenchError::Record(_)
        | BenchError::Start(_)
        | BenchError::Process { .. }
        | BenchError::Answer(_)
        | BenchError::KeyFile(_)
        | BenchError::Plot(_) => Exit::Resource,
        BenchError::Constant
        | BenchError::OneModel { .. }
        | BenchError::SameName { .. }
        | BenchError::NoSharedModel { .. }
        | BenchError::OtherKind { .. }
        | BenchError::NoLayers { .. }
        | BenchError::Reference { .. } => Exit::Unreadable,
    }
}

/// What to do about it, where that is not in the message.
pub(super) fn help(error: &BenchError) -> Option<&'static str> {
    match error {
        BenchError::OneModel { .. } => Some("run the models one by one, each with its own file"),
        BenchError::SameName { .. } => Some("a record names models by their files; rename one"),
        BenchError::NoSharedModel { .. } => Some("models are compared by name: the file's without its ending"),
        BenchError::NoLayers { .. } => Some("assay bench run layers --out FILE writes one"),
        BenchError::Process { .. } => Some("a process that the kernel ended had too little memory"),
        _ => None,
    }
}

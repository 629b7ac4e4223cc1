//! What can go wrong between a command and the node it talks to.

use ::chain::client::ClientError;

use super::Exit;

/// Stable code.
pub(super) fn code(error: &ClientError) -> &'static str {
    match error {
        ClientError::Url { .. } => "ASSAY-N001",
        ClientError::Unreachable { .. } => "ASSAY-N002",
        ClientError::Node { .. } => "ASSAY-N003",
        ClientError::Answer { .. } => "ASSAY-N004",
        ClientError::TimedOut { .. } => "ASSAY-N005",
        ClientError::NoBlock { .. } => "ASSAY-N008",
        ClientError::Refused(_) => "ASSAY-T001",
        ClientError::Transaction(_) | ClientError::Gas => "ASSAY-T003",
    }
}

/// Exit code that follows.
pub(super) fn exit(error: &ClientError) -> Exit {
    match error {
        ClientError::Refused(_) | ClientError::Answer { .. } => Exit::Rejected,
        ClientError::Url { .. } | ClientError::Transaction(_) | ClientError::Gas => Exit::Unreadable,
        ClientError::TimedOut { .. } | ClientError::NoBlock { .. } => Exit::Undecided,
        ClientError::Unreachable { .. } | ClientError::Node { .. } => Exit::Resource,
    }
}

/// What to do about it, where that is not in the message.
pub(super) fn help(error: &ClientError) -> Option<String> {
    let help = match error {
        ClientError::Unreachable { .. } => {
            "`assay chain dev --data-dir DIR` starts a node; --node URL or --data-dir DIR names one that runs"
        }
        ClientError::Refused(refusal) => {
            return Some(format!(
                "chain/SPEC.md, section {}, is the rule; nothing was changed and nothing was paid",
                refusal.rule
            ));
        }
        ClientError::TimedOut { .. } => "`assay chain query transaction ID` tells what became of it",
        ClientError::Node { .. } => "try again after the next block; the node's log says more",
        _ => return None,
    };
    Some(help.to_owned())
}

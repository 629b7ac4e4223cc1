//! Exit codes that scripts can rely on.

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or accepted.
    Ok,
    /// A claim is false.
    Rejected,
    /// Unreadable input, or a command line that makes no sense.
    Unreadable,
    /// The input may be right; this program, or what it was given, cannot tell.
    Undecided,
    /// Settings, keys or environment stand in the way.
    Configuration,
    /// Memory, disk or device is missing.
    Resource,
    /// Ended before it was done, because whoever started it did not wait; as a shell says it.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Rejected => 1,
            Self::Unreadable => 2,
            Self::Undecided => 3,
            Self::Configuration => 4,
            Self::Resource => 5,
            Self::Interrupted => 130,
        }
    }

    /// The one that a run over several files ends with: what is false outweighs what is unreadable, which outweighs what
    /// is undecided.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let weight = |exit| match exit {
            Self::Ok => 0,
            Self::Undecided => 1,
            Self::Unreadable => 2,
            Self::Rejected => 3,
            Self::Configuration => 4,
            Self::Resource => 5,
            Self::Interrupted => 6,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

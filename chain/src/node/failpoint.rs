//! Named points around every durable write, where a test ends the process or has the write refused.
//!
//! Outside the tests of this crate a point is an empty function, and nothing arms one. The crate `fail` was not taken: its
//! points are strings that nobody can enumerate, and an environment variable would arm them in a node. Here no write is
//! made without a name, so that the test that goes through all of them finds out when one is missing.

use std::io;

#[cfg(test)]
pub(super) use armed::{Action, Point, arm, points, reach, trace, write_all};

/// A durable write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Write {
    /// Removing what an interrupted attempt left.
    Leftover,
    /// The folder of a data directory.
    Folder,
    /// The file `LOCK`.
    Lock,
    /// The empty database, aside.
    NewDatabase,
    /// The file `CHAIN`.
    Identity,
    /// The empty database at its place.
    Database,
    /// What opening a database writes: the log goes into table files.
    Recovery,
    /// The state of genesis.
    Genesis,
    /// The file `LAST-SIGNED`.
    LastSigned,
    /// A block and the state after it.
    Block,
    /// What is kept from now on.
    Floor,
    /// Deletions of what is not kept.
    Pruned,
    /// Table files without what was deleted.
    Compaction,
    /// A file of blocks or of a state.
    Archive,
    /// The folder for the notes of a database that is only read.
    Notes,
    /// A state from a file.
    Restored,
    /// An imported or restored data directory at its place.
    Import,
}

/// A moment of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Nothing is written.
    Before,
    /// Half is written. A batch is written whole, and whoever ends the process here cuts its record in the log.
    Torn,
    /// All is written and synced beside its place.
    Unplaced,
    /// All is written, and nobody was told.
    After,
}

/// A write comes to a step; an error is what the operating system might say there.
#[cfg(not(test))]
pub(super) const fn reach(_: Write, _: Step) -> io::Result<()> {
    Ok(())
}

/// Writes all of `bytes`, through [`Step::Torn`].
#[cfg(not(test))]
pub(super) fn write_all(_: Write, out: &mut impl io::Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)
}

#[cfg(test)]
mod armed {
    use std::fmt;
    use std::sync::{Mutex, PoisonError};

    use super::{Step, Write, io};

    /// A step of a write.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(in crate::node) struct Point(pub(in crate::node) Write, pub(in crate::node) Step);

    /// What happens at a point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::node) enum Action {
        /// The process ends at once, and nothing in it runs any more.
        Abort,
        /// The operating system has no space left.
        Refuse,
    }

    enum Armed {
        Nothing,
        /// Tells the caller of every point that is reached.
        Trace(fn(Point)),
        /// Does its action once, when the point is reached for the number of times that is left.
        At(Point, u32, Action),
    }

    static ARMED: Mutex<Armed> = Mutex::new(Armed::Nothing);

    /// Has `action` done when `point` is reached for the `time`-th time, counted from 1. For a process of its own.
    pub(in crate::node) fn arm(point: Point, time: u32, action: Action) {
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Armed::At(point, time, action);
    }

    /// Has `tell` told of every point. For a process of its own.
    pub(in crate::node) fn trace(tell: fn(Point)) {
        *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Armed::Trace(tell);
    }

    pub(in crate::node) fn reach(write: Write, step: Step) -> io::Result<()> {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *armed {
            Armed::Nothing => {}
            Armed::Trace(tell) => tell(Point(write, step)),
            Armed::At(point, left, action) if *point == Point(write, step) => {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    let action = *action;
                    *armed = Armed::Nothing;
                    match action {
                        Action::Abort => std::process::abort(),
                        Action::Refuse => return Err(io::ErrorKind::StorageFull.into()),
                    }
                }
            }
            Armed::At(..) => {}
        }
        Ok(())
    }

    pub(in crate::node) fn write_all(write: Write, out: &mut impl io::Write, bytes: &[u8]) -> io::Result<()> {
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        out.write_all(first)?;
        out.flush()?;
        reach(write, Step::Torn)?;
        out.write_all(rest)
    }

    /// Every write with the steps it has.
    pub(in crate::node) fn points() -> impl Iterator<Item = Point> {
        const ALL: [Write; 17] = [
            Write::Leftover,
            Write::Folder,
            Write::Lock,
            Write::NewDatabase,
            Write::Identity,
            Write::Database,
            Write::Recovery,
            Write::Genesis,
            Write::LastSigned,
            Write::Block,
            Write::Floor,
            Write::Pruned,
            Write::Compaction,
            Write::Archive,
            Write::Notes,
            Write::Restored,
            Write::Import,
        ];
        ALL.into_iter().flat_map(|write| write.steps().iter().map(move |step| Point(write, *step)))
    }

    impl Write {
        fn steps(self) -> &'static [Step] {
            match self {
                Self::Leftover
                | Self::Folder
                | Self::Lock
                | Self::NewDatabase
                | Self::Recovery
                | Self::Compaction
                | Self::Notes => &[Step::Before, Step::After],
                Self::Database | Self::Import => &[Step::Unplaced, Step::After],
                Self::Genesis | Self::Block | Self::Floor | Self::Pruned | Self::Restored => {
                    &[Step::Before, Step::Torn, Step::After]
                }
                Self::Identity | Self::LastSigned | Self::Archive => {
                    &[Step::Before, Step::Torn, Step::Unplaced, Step::After]
                }
            }
        }
    }

    impl fmt::Display for Point {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{:?}-{:?}", self.0, self.1)
        }
    }
}

//! Where a proof's time goes.

use std::time::{Duration, Instant};

/// One part of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What is done.
    pub name: &'static str,
    /// How long it takes, by a clock on the wall.
    pub time: Duration,
}

/// Parts one after the other.
#[derive(Clone, Debug)]
pub struct Stages {
    begun: Instant,
    done: Vec<Stage>,
}

impl Stages {
    /// Begins the first part.
    pub(crate) fn begin() -> Self {
        Self { begun: Instant::now(), done: Vec::new() }
    }

    /// Ends a part and begins the next.
    pub(crate) fn end(&mut self, name: &'static str) {
        let now = Instant::now();
        self.done.push(Stage { name, time: now.duration_since(self.begun) });
        self.begun = now;
    }

    /// The parts, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Stage> {
        self.done
    }
}

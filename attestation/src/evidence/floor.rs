//! Version floors that rise at an announced time.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// From `activates_at` on, a version below `minimum` counts as grace; `grace_ms` later it is refused.
///
/// Block time and not height, because appraisal is a function of time; a chain announces the time of a block to come.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// When it begins, milliseconds since the epoch.
    pub activates_at: u64,
    /// For how long a lower version is still accepted at lower trust, milliseconds.
    pub grace_ms: u64,
    /// Least version.
    pub minimum: u64,
}

/// How a version stands against its floors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Every active floor is met.
    Met,
    /// An active floor is not met, but its grace runs until this moment (milliseconds).
    Grace {
        /// Last moment of grace.
        until: u64,
    },
    /// The floor that is not met and whose grace is over.
    Below {
        /// Its minimum.
        minimum: u64,
    },
}

/// Judges `version` at the time `at` (milliseconds).
pub(crate) fn standing<'a>(floors: impl IntoIterator<Item = &'a Floor>, version: u64, at: u64) -> Standing {
    let mut standing = Standing::Met;
    for floor in floors.into_iter().filter(|floor| floor.activates_at <= at && version < floor.minimum) {
        let until = floor.activates_at.saturating_add(floor.grace_ms);
        standing = match standing {
            _ if until < at => return Standing::Below { minimum: floor.minimum },
            Standing::Grace { until: earlier } => Standing::Grace { until: earlier.min(until) },
            _ => Standing::Grace { until },
        };
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_warns_then_refuses() {
        let floors = [
            Floor { activates_at: 100, grace_ms: 50, minimum: 5 },
            Floor { activates_at: 120, grace_ms: 10, minimum: 6 },
        ];
        assert_eq!(standing(&floors, 4, 99), Standing::Met);
        assert_eq!(standing(&floors, 4, 100), Standing::Grace { until: 150 });
        assert_eq!(standing(&floors, 4, 120), Standing::Grace { until: 130 });
        assert_eq!(standing(&floors, 4, 131), Standing::Below { minimum: 6 });
        assert_eq!(standing(&floors, 5, 131), Standing::Below { minimum: 6 });
        assert_eq!(standing(&floors, 5, 130), Standing::Grace { until: 130 });
        assert_eq!(standing(&floors, 6, 1000), Standing::Met);
    }
}

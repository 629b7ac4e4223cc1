//! The chain's time, by which a worker dates its work.
//!
//! The date of a receipt must lie between its lease and the block that takes it, and both are times of blocks. So a worker
//! reads the time of the newest block once, and counts on from there by a clock that nobody sets: whatever its machine
//! calls the time, ahead or behind, it dates like every other worker. A block is seen after it was made, so this time is
//! never ahead of the node's, and the next block has reached it.

use std::time::Instant;

/// A time of the chain, and when it was seen.
#[derive(Clone, Copy, Debug)]
pub struct ChainClock {
    time: u64,
    seen: Instant,
}

impl ChainClock {
    /// A clock that starts at the time of a block that was seen just now, milliseconds since the epoch.
    #[must_use]
    pub fn seen(time: u64) -> Self {
        Self { time, seen: Instant::now() }
    }

    /// Milliseconds since the epoch, by the chain.
    #[must_use]
    pub fn now(&self) -> u64 {
        let elapsed = u64::try_from(self.seen.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.time.saturating_add(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_counts_on_from_the_block_whatever_this_machine_calls_the_time() {
        // Decades from any machine's time, in both directions.
        for time in [1_000, 4_000_000_000_000] {
            let (before, clock) = (Instant::now(), ChainClock::seen(time));
            std::thread::sleep(Duration::from_millis(20));
            let now = clock.now();
            let most = u64::try_from(before.elapsed().as_millis()).unwrap();
            assert!((time + 20..=time + most).contains(&now), "{now}");
        }
        assert_eq!(ChainClock::seen(u64::MAX).now(), u64::MAX);
    }
}

//! The date, and wall clock and processor time of a step.

use std::num::NonZeroU64;
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

use super::error::BenchError;
use super::record::Timing;
use super::samples::Samples;

/// The times of a step that is repeated.
pub(super) struct Stopwatch {
    what: &'static str,
    covers: &'static str,
    wall: Vec<u64>,
    processor: Vec<u64>,
}

impl Stopwatch {
    /// For a step called `what`; `covers` says what is inside the time.
    pub(super) fn new(what: &'static str, covers: &'static str) -> Self {
        Self { what, covers, wall: Vec::new(), processor: Vec::new() }
    }

    /// Runs the step once and keeps its times.
    pub(super) fn time<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let (start, before) = (Instant::now(), processor_ns());
        let result = step();
        self.processor.push(processor_ns().saturating_sub(before));
        self.wall.push(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX));
        result
    }

    /// Everything that was kept.
    pub(super) fn finish(self) -> Result<Timing, BenchError> {
        let Self { what, covers, wall, processor } = self;
        let samples = |values| Samples::new(values).map_err(|source| BenchError::Clock { what, source });
        Ok(Timing { covers: covers.to_owned(), wall_ns: samples(wall)?, processor_ns: samples(processor)? })
    }
}

/// The machine's date: milliseconds since 1970, UTC.
pub(crate) fn now_ms() -> Result<NonZeroU64, BenchError> {
    NonZeroU64::new(worker::hardware::now()).ok_or(BenchError::Machine { what: "date" })
}

/// Processor time of all threads of this process.
fn processor_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;
    use std::time::Duration;

    #[test]
    fn waiting_costs_wall_time_and_little_processor_time() {
        let mut watch = Stopwatch::new("waiting", "a nap");
        for _ in 0..2 {
            watch.time(|| std::thread::sleep(Duration::from_millis(60)));
        }
        let timing = watch.finish().unwrap();
        assert_eq!((timing.covers.as_str(), timing.wall_ns.count()), ("a nap", 2));
        assert!(timing.wall_ns.median() >= 60_000_000, "{timing:?}");
    }

    #[test]
    fn a_step_that_never_ran_has_no_time() {
        let error = Stopwatch::new("proving", "").finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the clock did not move during proving: samples: expected 1 to 1000 values, got 0"
        );
    }
}

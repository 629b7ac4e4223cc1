//! Figures of records in words.

use std::time::Duration;

use crate::bench::accuracy::Accuracy;
use crate::bench::comparison::Figure;
use crate::bench::record::{Measurement, Run};
use crate::output::{bytes, duration, printable};

/// What stands where a system measured nothing.
pub(super) const NOT_MEASURED: &str = "not measured";

/// A median or a size.
pub(super) fn figure(figure: &Figure) -> String {
    match figure {
        Figure::Time(samples) => duration(Duration::from_nanos(samples.median())),
        Figure::Memory(samples) => bytes(samples.median()),
        Figure::Size(size) => bytes(*size),
    }
}

/// A median with its bounds.
pub(super) fn bounded(shown: &Figure) -> String {
    let (Figure::Time(samples) | Figure::Memory(samples)) = shown else { return figure(shown) };
    let interval = samples.interval();
    let value = |value: u64| match shown {
        Figure::Time(_) => duration(Duration::from_nanos(value)),
        _ => bytes(value),
    };
    match samples.count() {
        1 => format!("{} (one sample)", figure(shown)),
        count => format!(
            "{} ({} to {} at {:.0} %, {count} samples)",
            figure(shown),
            value(interval.low),
            value(interval.high),
            (interval.coverage * 100.0).floor()
        ),
    }
}

/// Agreement with the float network.
pub(super) fn accuracy(accuracy: Option<&Accuracy>) -> String {
    let Some(Accuracy { samples, argmax_agreements, error_max }) = accuracy else { return NOT_MEASURED.to_owned() };
    let error =
        error_max.map_or_else(|| format!("largest error {NOT_MEASURED}"), |error| format!("largest error {error:.2e}"));
    format!("{argmax_agreements} of {samples} largest outputs agree, {error}")
}

/// A system and its version.
pub(super) fn system(run: &Run) -> String {
    printable(&format!("{} {}", run.system.name, run.system.version))
}

/// Settings of a measurement on one line.
pub(super) fn settings(measurement: &Measurement) -> String {
    let values = measurement.settings.values.iter().map(|(name, value)| format!("{name} {value}"));
    let values: Vec<String> = std::iter::once(format!("2^{} rows", measurement.k)).chain(values).collect();
    printable(&format!("{}: {}", measurement.settings.name, values.join(", ")))
}

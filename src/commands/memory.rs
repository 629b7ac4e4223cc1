//! Refusing early what would not fit into memory.

use std::str::FromStr;

use circuits::model::graph::Graph;
use clap::Args;
use prover::estimate::{Estimate, Memory};
use verifier::rows::RowsError;

use crate::capacity::{Capacity, available};
use crate::error::CliError;

/// How much memory a command may take.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Memory")]
pub(super) struct MemoryOptions {
    /// Refuse what is predicted to take more, such as 28GiB [default: what is available]
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<ByteSize>,
}

/// A number of bytes with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteSize(u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("expected a size such as 28GiB, 500MB or a number of bytes, got {text:?}");
        let split = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(split).ok_or_else(expected)?;
        let factor: u64 = match unit.trim_start() {
            "" | "B" => 1,
            "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return Err(expected()),
        };
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        bytes.map(Self).ok_or_else(expected)
    }
}

impl MemoryOptions {
    /// What may be taken, if anything says so.
    pub(super) fn capacity(&self) -> Option<Capacity> {
        let stated = self.max_memory.map(|ByteSize(bytes)| Capacity { bytes, basis: "allowed by --max-memory" });
        stated.or_else(available)
    }

    /// Refuses if keeping the models' keys and making one proof of any of them is predicted not to fit.
    pub(super) fn check<'a>(&self, graphs: impl IntoIterator<Item = &'a Graph>) -> Result<(), CliError> {
        let memory = |graph| predict(graph).map(|estimate| estimate.memory);
        let memories = graphs.into_iter().map(memory).collect::<Result<Vec<_>, _>>()?;
        refuse(Memory::together(&memories), self.capacity())
    }
}

/// What one proof of the model will take.
pub(super) fn predict(graph: &Graph) -> Result<Estimate, CliError> {
    Estimate::new(graph).map_err(|error| CliError::ProvingKey(RowsError::from(error).into()))
}

fn refuse(needed: u64, capacity: Option<Capacity>) -> Result<(), CliError> {
    match capacity {
        Some(Capacity { bytes, basis }) if needed > bytes => Err(CliError::Memory { needed, available: bytes, basis }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_and_do_not_overflow() {
        let bytes = |text: &str| text.parse::<ByteSize>().map(|ByteSize(bytes)| bytes);
        assert_eq!(bytes("28GiB"), Ok(28 << 30));
        assert_eq!(bytes("500MB"), Ok(500_000_000));
        assert_eq!(bytes("17"), Ok(17));
        assert_eq!(bytes("2 kB"), Ok(2000));
        for text in ["", "GiB", "1.5GiB", "-1", "1gib", "99999999999TiB", "1e3", "\u{661}MB"] {
            let message = format!("expected a size such as 28GiB, 500MB or a number of bytes, got {text:?}");
            assert_eq!(bytes(text), Err(message));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        let capacity = Capacity { bytes: 100, basis: "available on this machine" };
        assert!(refuse(100, Some(capacity)).is_ok() && refuse(u64::MAX, None).is_ok());
        let error = refuse(101, Some(capacity)).map_err(|error| error.to_string());
        let message = "proving is predicted to take 101 bytes of memory, 100 bytes are available on this machine";
        assert_eq!(error, Err(message.to_owned()));
    }
}

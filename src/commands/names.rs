//! How people name things on a chain: identifiers in hexadecimal, amounts in tokens, and the development cast by name.

use std::str::FromStr;

use ::chain::types::{Address, Hash};
use attestation::hex::{self, HexError};

pub(super) use verifier::cli::Identifier;

use crate::development::{Person, Worker};
use crate::output::TOKEN;

/// An account: an address, or the name of a development account.
#[derive(Clone, Copy, Debug)]
pub(super) struct AccountName(pub(super) Address);

/// A worker: its identifier, or the name of a development worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkerName(pub(super) Hash);

/// An amount of money, micro-tokens; written in tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount(pub(super) u128);

/// Why a text names nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NameError {
    #[error("expected 0x and 64 lower-case hexadecimal digits, or {names} ({error})")]
    Name { names: String, error: HexError },
    #[error("expected tokens, such as 60 or 0.25, with at most six decimals")]
    Amount,
    #[error("expected {names}")]
    Development { names: String },
}

fn people() -> String {
    Person::all().map(Person::name).collect::<Vec<_>>().join(", ")
}

fn workers() -> String {
    crate::development::WORKERS.map(Worker::name).join(", ")
}

impl FromStr for AccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some(person) = Person::find(text) {
            return Ok(Self(person.address()));
        }
        let address = hex::decode(text).map_err(|error| NameError::Name { names: people(), error })?;
        Ok(Self(Address::new(address)))
    }
}

impl FromStr for WorkerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if let Some(worker) = Worker::find(text) {
            return Ok(Self(worker.id()));
        }
        hex::decode(text).map(Self).map_err(|error| NameError::Name { names: workers(), error })
    }
}

impl FromStr for Amount {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (whole, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(NameError::Amount),
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || decimals.len() > 6 || !digits(whole) || !digits(decimals) {
            return Err(NameError::Amount);
        }
        let whole: u128 = whole.parse().map_err(|_| NameError::Amount)?;
        let micro: u128 = format!("{decimals:0<6}").parse().map_err(|_| NameError::Amount)?;
        let sum = whole.checked_mul(TOKEN).and_then(|whole| whole.checked_add(micro));
        sum.map(Self).ok_or(NameError::Amount)
    }
}

/// Reads the name of a development account.
pub(super) fn person(text: &str) -> Result<Person, NameError> {
    Person::find(text).ok_or_else(|| NameError::Development { names: people() })
}

/// Reads the name of a development worker.
pub(super) fn development_worker(text: &str) -> Result<Worker, NameError> {
    Worker::find(text).ok_or_else(|| NameError::Development { names: workers() })
}

/// An address in words: with its name if everybody knows its key.
pub(super) fn account(address: &Address) -> String {
    match Person::at(address) {
        Some(person) => format!("{address} ({})", person.name()),
        None => address.to_string(),
    }
}

/// A worker in words: with its name if everybody knows its key.
pub(super) fn worker(id: &Hash) -> String {
    match Worker::of(id) {
        Some(worker) => format!("{} ({})", hex::encode(id), worker.name()),
        None => hex::encode(id),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn amounts_are_tokens_with_six_decimals() {
        for (text, micro) in
            [("0", 0), ("60", 60_000_000), ("0.25", 250_000), ("1.000001", 1_000_001), ("007", 7_000_000)]
        {
            assert_eq!(text.parse::<Amount>().unwrap().0, micro, "{text}");
        }
        let too_much = u128::MAX.to_string();
        for text in ["", ".", "1.", ".5", "-1", "+1", "1,5", "1.0000001", "1e3", "0x1", " 1", "1 000", &too_much] {
            assert!(text.parse::<Amount>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_cast_is_known_by_name_and_everybody_else_by_number() {
        let owner = crate::development::OWNER;
        assert_eq!("owner".parse::<AccountName>().unwrap().0, owner.address());
        assert_eq!(owner.address().to_string().parse::<AccountName>().unwrap().0, owner.address());
        assert!(account(&owner.address()).ends_with(" (owner)"));
        let [first, ..] = crate::development::WORKERS;
        assert_eq!("worker-1".parse::<WorkerName>().unwrap().0, first.id());
        assert!(worker(&first.id()).ends_with(" (worker-1)"));
        // Neither passes for the other, and no name is a plain identifier.
        assert!("worker-1".parse::<AccountName>().is_err() && "owner".parse::<WorkerName>().is_err());
        let text = "owner".parse::<Identifier>().unwrap_err().to_string();
        assert!(text.contains("must start with 0x"), "{text}");
    }
}

//! This machine's rates, measured once and kept.

use std::path::{Path, PathBuf};

use prover::estimate::{Rate, Rates, measure};
use serde::{Deserialize, Serialize};

use crate::bench::environment::Machine;
use crate::commands::cache;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::Output;

/// Version of the file; a faster prover's is another, because rates of the one before say nothing about it.
const VERSION: u32 = 3;
/// Largest file that is read.
const BYTES_MAX: u64 = 1 << 16;

/// The file: rates, and what they are of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    program: String,
    processor: String,
    cores: u32,
    rates: Vec<KeptRate>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptRate {
    k: u32,
    transform_ns: u64,
    small_ns: u64,
    full_ns: u64,
    multiply_ns: u64,
}

/// This machine's rates: kept ones, unless `anew` or they are of another program or machine.
///
/// Where the machine cannot be told from others, they are measured each time.
pub(in crate::commands) fn rates(anew: bool, output: &Output) -> Rates {
    let place = Machine::read().ok().zip(cache::folder("rates.json"));
    let kept =
        place.as_ref().filter(|(_, path)| !anew && path.exists()).and_then(|(machine, path)| read(path, machine));
    if let Some(rates) = kept {
        return rates;
    }
    let progress = output.progress("measuring how fast this machine is");
    let rates = measure();
    progress.finish();
    if let Some((machine, path)) = place
        && let Err(error) = keep(&path, &rates, &machine)
    {
        output.warn(format!("this machine's rates are not kept: {error}"));
    }
    rates
}

/// `None` for a file that is damaged, or of another program or machine: it is replaced.
fn read(path: &Path, machine: &Machine) -> Option<Rates> {
    let bytes = files::read(path, "rates", BYTES_MAX).ok()?;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    let rates = kept.rates.iter().map(|rate| Rate {
        k: rate.k,
        transform_ns: rate.transform_ns,
        small_ns: rate.small_ns,
        full_ns: rate.full_ns,
        multiply_ns: rate.multiply_ns,
    });
    let rates = Rates::new(rates.collect())?;
    (kept == Kept::new(&rates, machine)).then_some(rates)
}

fn keep(path: &Path, rates: &Rates, machine: &Machine) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    std::fs::create_dir_all(folder).map_err(failed)?;
    let content = serde_json::to_vec_pretty(&Kept::new(rates, machine)).map_err(|error| failed(error.into()))?;
    files::write(path, &content, Existing::Replace)
}

impl Kept {
    fn new(rates: &Rates, machine: &Machine) -> Self {
        let rate = |rate: &Rate| KeptRate {
            k: rate.k,
            transform_ns: rate.transform_ns,
            small_ns: rate.small_ns,
            full_ns: rate.full_ns,
            multiply_ns: rate.multiply_ns,
        };
        Self {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            processor: machine.processor.clone(),
            cores: machine.cores.get(),
            rates: rates.all().iter().map(rate).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn rates_are_of_one_machine_and_one_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/rates.json");
        let machine = Machine::read().unwrap();
        let rate = Rate { k: 8, transform_ns: 1, small_ns: 2, full_ns: 3, multiply_ns: 4 };
        let rates = Rates::new(vec![rate, Rate { k: 10, ..rate }]).unwrap();
        keep(&path, &rates, &machine).unwrap();
        assert_eq!(read(&path, &machine), Some(rates));
        assert_eq!(read(&path, &Machine { processor: "another".into(), ..machine.clone() }), None);
        let text = std::fs::read_to_string(&path).unwrap();
        for (old, new) in [("\"version\": 3", "\"version\": 2"), ("\"k\": 10", "\"k\": 8"), ("}", "")] {
            std::fs::write(&path, text.replace(old, new)).unwrap();
            assert_eq!(read(&path, &machine), None, "{new}");
        }
    }
}

//! The file of a run: what was measured, of which system, on which machine.
//!
//! `docs/benchmarks/schema/run.json` is its JSON Schema, generated from these types. Other systems write the same file, so
//! that two can be compared. A required value that is missing or zero makes the file unreadable; the few that a system may
//! not have are left out, and shown as "not measured".

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroU64};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::accuracy::Accuracy;
use super::environment::{Build, Machine};
use super::samples::Samples;

/// Version of the file.
pub(crate) const SCHEMA_VERSION: u32 = 1;
/// Largest file, bytes.
pub(crate) const RUN_BYTES_MAX: u64 = 16 << 20;
/// Largest number of measurements of a run.
pub(crate) const MEASUREMENTS_MAX: usize = 256;
/// Largest text, bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;

/// Why a file is no run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("not a benchmark record ({0})")]
    Json(serde_json::Error),
    #[error("benchmark record schema_version: expected {expected}, got {got}")]
    Version { expected: u32, got: u32 },
    #[error("benchmark record measurements: expected 1 to {MEASUREMENTS_MAX}, got {got}")]
    Measurements { got: usize },
    #[error("benchmark record {field}: expected 1 to {TEXT_BYTES_MAX} bytes without control characters, got {got:?}")]
    Text { field: &'static str, got: String },
    #[error("benchmark record: model {model:?} with settings {settings:?} is measured twice")]
    Twice { model: String, settings: String },
    #[error("benchmark record, model {model:?}: expected every proof to be verified, got {verified} of {made}")]
    Unverified { model: String, made: u32, verified: u32 },
    #[error("benchmark record, model {model:?}: expected an altered statement to be refused")]
    Accepting { model: String },
    #[error("benchmark record, model {model:?}, accuracy: {detail}")]
    Accuracy { model: String, detail: &'static str },
}

/// How thorough a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Profile {
    /// 3 proofs, one key generation, one process for memory: for a test of the machinery
    Smoke,
    /// 10 proofs, 3 key generations, 3 processes for memory: for a laptop
    Reduced,
    /// 30 proofs, 5 key generations, 5 processes for memory: for figures that are published
    Full,
}

impl Profile {
    /// As it is asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Reduced => "reduced",
            Self::Full => "full",
        }
    }
}

/// A run of one system over a list of models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Run {
    /// Version of this file's format: 1.
    #[cfg_attr(test, schemars(range(min = 1, max = 1)))]
    pub(crate) schema_version: u32,
    /// When it started, by the machine's clock: milliseconds since 1970, UTC.
    pub(crate) started_ms: NonZeroU64,
    /// How thorough it was.
    pub(crate) profile: Profile,
    /// What was measured.
    pub(crate) system: System,
    /// How it was built.
    pub(crate) build: Build,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// One for each model and settings.
    #[cfg_attr(test, schemars(length(min = 1, max = 256)))]
    pub(crate) measurements: Vec<Measurement>,
}

/// A proof system in its implementation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct System {
    /// Name of the implementation, such as `assay`.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Identifier of the proof system.
    pub(crate) proof_system: String,
    /// How the computation is put into equations.
    pub(crate) arithmetisation: String,
    /// Interactive oracle proof.
    pub(crate) iop: String,
    /// Polynomial commitment scheme.
    pub(crate) commitment_scheme: String,
    /// Field of the equations.
    pub(crate) field: String,
    /// Whether the proof hides what is not public.
    pub(crate) zero_knowledge: bool,
    /// Whether no known quantum algorithm breaks it.
    pub(crate) post_quantum: bool,
    /// Whether somebody outside has audited it.
    pub(crate) audited: bool,
}

/// What one model costs under one choice of settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Measurement {
    /// What was proven.
    pub(crate) model: Model,
    /// The system's settings for it.
    pub(crate) settings: Settings,
    /// The circuit has 2^k rows.
    pub(crate) k: NonZeroU32,
    /// Where the inputs came from.
    pub(crate) inputs: Inputs,
    /// From the model to both keys; generating the setup is not part of it.
    pub(crate) key_generation: Timing,
    /// Reading a verifying key; left out where verification does it each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_loading: Option<Timing>,
    /// Reading a proving key; left out where there is no file of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proving_key_loading: Option<Timing>,
    /// Running the model and filling the witness.
    pub(crate) witness: Timing,
    /// Making a proof.
    pub(crate) prove: Timing,
    /// Parts of that, in their order; empty where the system does not tell them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) stages: Vec<Stage>,
    /// Rows of the circuit by operator; empty where the system does not tell them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) operators: Vec<OperatorShare>,
    /// Verifying a proof.
    pub(crate) verify: Timing,
    /// The proof itself, without the public values.
    pub(crate) proof_bytes: NonZeroU64,
    /// The proof as a file.
    pub(crate) proof_file_bytes: NonZeroU64,
    /// The proving key.
    pub(crate) proving_key: KeySize,
    /// The verifying key as a file.
    pub(crate) verifying_key_bytes: NonZeroU64,
    /// Peak memory.
    pub(crate) memory: Memory,
    /// What was made and checked.
    pub(crate) proofs: Proofs,
    /// Claimed security; left out where the system states none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) security: Option<Security>,
    /// How far the integers are from the float network; left out where no reference was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) accuracy: Option<Accuracy>,
    /// How busy the machine was.
    pub(crate) load: Load,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Model {
    /// Name by which runs are compared: the file's, without its ending.
    pub(crate) name: String,
    /// BLAKE3 or SHA-256 of the file, `0x` and 64 digits.
    pub(crate) digest: String,
    /// Size of the file that the prover reads beside its key.
    pub(crate) bytes: NonZeroU64,
    /// Weights and biases.
    pub(crate) parameters: NonZeroU64,
    /// Multiply-accumulates of a run; left out where the system does not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) multiply_accumulates: Option<NonZeroU64>,
    /// Elements that a run computes, but those that are only moved; left out where the system does not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) activations: Option<NonZeroU64>,
}

/// One part of making a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Stage {
    /// What is done.
    pub(crate) name: String,
    /// Wall clock, nanoseconds.
    pub(crate) wall_ns: Samples,
}

/// What the nodes of one kind take of a circuit: as much of a proof's time as of its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OperatorShare {
    /// The operator and, where a requantisation ends its rows, what that computes.
    pub(crate) name: String,
    /// Nodes of this kind; 0 for rows that serve none alone.
    pub(crate) nodes: u64,
    /// Elements that they give.
    pub(crate) elements: u64,
    /// Rows that were written for them.
    pub(crate) rows: u64,
    /// Pairs that their cells look up.
    pub(crate) lookups: u64,
}

/// A choice of settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Settings {
    /// Name of the choice, such as `default`.
    pub(crate) name: String,
    /// What it came to.
    pub(crate) values: BTreeMap<String, String>,
}

/// Where inputs came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Inputs {
    /// A file: the same input for every proof.
    File,
    /// Random integers within the model's range, another input for every proof.
    Random {
        /// Seed of the generator.
        seed: u64,
    },
}

/// A time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Timing {
    /// What is inside it.
    pub(crate) covers: String,
    /// Wall clock, nanoseconds.
    pub(crate) wall_ns: Samples,
    /// All threads together, nanoseconds: hardly changed by other work on the machine.
    pub(crate) processor_ns: Samples,
}

/// A proving key's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeySize {
    /// Bytes.
    pub(crate) bytes: NonZeroU64,
    /// What was measured.
    pub(crate) form: KeyForm,
}

/// What a key's size is the size of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum KeyForm {
    /// A file that the prover reads.
    File,
    /// halo2's serialisation of the key, which no file holds: it is derived each time.
    Serialised,
}

/// Peak resident memory of processes that do one thing once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Memory {
    /// What is inside the figures.
    pub(crate) covers: String,
    /// While the process made one proof, keys included, bytes.
    pub(crate) prove_bytes: Samples,
    /// While a process made the keys, bytes.
    pub(crate) key_generation_bytes: Samples,
}

/// Proofs of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Proofs {
    /// Made, for times or for memory.
    pub(crate) made: NonZeroU32,
    /// Of these, verified.
    pub(crate) verified: NonZeroU32,
    /// Whether a proof under a statement with another output was refused.
    pub(crate) altered_refused: bool,
}

/// Bits of security against forged proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Security {
    /// Against one attempt, proven in the random-oracle model if the commitments bind.
    pub(crate) proven_bits: u32,
    /// Work against the commitments, conjectured.
    pub(crate) conjectured_bits: u32,
}

/// The kernel's load average over a minute: about the number of processes that want a core.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Load {
    /// Before the measurement.
    pub(crate) before: f64,
    /// After it.
    pub(crate) after: f64,
}

/// The part of a run that every version has.
#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

/// Refuses a file of another version before anything else of it is read.
pub(super) fn check_version(bytes: &[u8], expected: u32) -> Result<(), RecordError> {
    let Version { schema_version: got } = serde_json::from_slice(bytes).map_err(RecordError::Json)?;
    if got == expected { Ok(()) } else { Err(RecordError::Version { expected, got }) }
}

impl Run {
    /// Reads a file.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        check_version(bytes, SCHEMA_VERSION)?;
        let run: Self = serde_json::from_slice(bytes).map_err(RecordError::Json)?;
        run.check()?;
        Ok(run)
    }

    /// The file: indented, because people read it too.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self).map_err(RecordError::Json)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn check(&self) -> Result<(), RecordError> {
        let got = self.measurements.len();
        if got == 0 || got > MEASUREMENTS_MAX {
            return Err(RecordError::Measurements { got });
        }
        check_text("system.name", &self.system.name)?;
        check_text("system.version", &self.system.version)?;
        check_text("machine.processor", &self.machine.processor)?;
        let mut seen = BTreeSet::new();
        for measurement in &self.measurements {
            measurement.check()?;
            let (model, settings) = (&measurement.model.name, &measurement.settings.name);
            if !seen.insert((model, settings)) {
                return Err(RecordError::Twice { model: model.clone(), settings: settings.clone() });
            }
        }
        Ok(())
    }
}

impl Measurement {
    fn check(&self) -> Result<(), RecordError> {
        check_text("model.name", &self.model.name)?;
        check_text("settings.name", &self.settings.name)?;
        let model = || self.model.name.clone();
        let Proofs { made, verified, altered_refused } = self.proofs;
        if made != verified {
            return Err(RecordError::Unverified { model: model(), made: made.get(), verified: verified.get() });
        }
        if !altered_refused {
            return Err(RecordError::Accepting { model: model() });
        }
        match self.accuracy.as_ref().and_then(Accuracy::mistake) {
            Some(detail) => Err(RecordError::Accuracy { model: model(), detail }),
            None => Ok(()),
        }
    }
}

/// Refuses a text that is empty, long, or no single line.
pub(super) fn check_text(field: &'static str, text: &str) -> Result<(), RecordError> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
        let got = text.chars().take(64).collect();
        return Err(RecordError::Text { field, got });
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! The file of a run of `bench run layers`. `docs/benchmarks/schema/layers.json` is its JSON Schema, generated from these types.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use super::attack::Attack;
use super::layer::Layer;
use crate::bench::environment::{Build, Machine};
use crate::bench::record::{Load, MEASUREMENTS_MAX, Model, Profile, RecordError, Timing, check_text, check_version};

/// Version of the file.
pub(crate) const SCHEMA_VERSION: u32 = 2;

/// What kind of record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Kind {
    /// Of layers of verification.
    Layers,
}

/// A run over a list of models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LayersRun {
    /// Version of this file's format: 2.
    #[cfg_attr(test, schemars(range(min = 2, max = 2)))]
    pub(crate) schema_version: u32,
    /// What tells it from a record of proofs.
    pub(crate) kind: Kind,
    /// When it started, by the machine's clock: milliseconds since 1970, UTC.
    pub(crate) started_ms: NonZeroU64,
    /// How thorough it was.
    pub(crate) profile: Profile,
    /// How it was built.
    pub(crate) build: Build,
    /// Where it ran.
    pub(crate) machine: Machine,
    /// One for each model, from the smallest to the largest.
    #[cfg_attr(test, schemars(length(min = 1, max = 256)))]
    pub(crate) models: Vec<ModelLayers>,
}

/// What the layers cost and catch for one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ModelLayers {
    /// What was run.
    pub(crate) model: Model,
    /// The circuit has 2^k rows.
    pub(crate) k: NonZeroU32,
    /// What was measured, step by step.
    pub(crate) steps: Steps,
    /// What a dispute adds to a result, by how it ends.
    pub(crate) disputes: Vec<Dispute>,
    /// What it comes to, for each choice of layers.
    pub(crate) choices: Vec<Chosen>,
    /// How busy the machine was.
    pub(crate) load: Load,
}

/// Times of the steps that layers are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Steps {
    /// The worker runs the model; a checker does the same.
    pub(crate) run: Timing,
    /// The worker signs.
    pub(crate) sign: Timing,
    /// The worker states its program.
    pub(crate) software_evidence: Timing,
    /// The worker proves.
    pub(crate) prove: Timing,
    /// The verifier checks what the receipt states.
    pub(crate) check_metadata: Timing,
    /// The verifier checks the receipt.
    pub(crate) check_receipt: Timing,
    /// The verifier judges software evidence.
    pub(crate) check_software: Timing,
    /// The verifier judges hardware evidence.
    pub(crate) check_hardware: Timing,
    /// The verifier verifies the proof.
    pub(crate) check_proof: Timing,
}

/// What a dispute adds to a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Dispute {
    /// How it ends.
    pub(crate) name: String,
    /// The worker's time, nanoseconds.
    pub(crate) worker_ns: u64,
    /// Time of the verifier or of all jurors together, nanoseconds.
    pub(crate) verifier_ns: u64,
    /// Bytes of its transactions.
    pub(crate) chain_bytes: u64,
    /// Gas of these.
    pub(crate) gas: u64,
    /// From the accusation to the verdict at most, where the first jury finds one, milliseconds.
    pub(crate) verdict_ms: u64,
}

/// Layers that are used together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Chosen {
    /// Name of the choice.
    pub(crate) name: String,
    /// Its layers.
    pub(crate) layers: Vec<Layer>,
    /// Share of results that another worker runs again, basis points.
    pub(crate) spot_bps: u32,
    /// The worker's time beyond running the model, nanoseconds: medians added up. Hardware's own time is not in it: synthetic
    /// devices have none.
    pub(crate) worker_ns: u64,
    /// The verifiers' time for a result on average, nanoseconds: medians added up, a spot check times its share.
    pub(crate) verifier_ns: u64,
    /// Bytes of transactions for a result on average.
    pub(crate) chain_bytes: u64,
    /// Gas of these.
    pub(crate) gas: u64,
    /// From the block of the result to the mint where nobody objects, milliseconds, by development parameters.
    pub(crate) finality_ms: u64,
    /// Bond that the lease locks so that cheating does not pay (I1), micro-tokens; left out where no bond is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bond_micro: Option<u64>,
    /// What each attack came to, every one really tried.
    pub(crate) attacks: Vec<Tried>,
}

/// An attack that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Tried {
    /// Which.
    pub(crate) attack: Attack,
    /// How often it is caught, parts per million.
    pub(crate) caught_ppm: u32,
    /// The layers that refused it, when they looked.
    pub(crate) by: Vec<Refused>,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Refused {
    /// Who refused.
    pub(crate) layer: Layer,
    /// In its own words.
    pub(crate) reason: String,
}

impl LayersRun {
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
        let got = self.models.len();
        if got == 0 || got > MEASUREMENTS_MAX {
            return Err(RecordError::Measurements { got });
        }
        check_text("machine.processor", &self.machine.processor)?;
        let mut seen = BTreeSet::new();
        for model in &self.models {
            check_text("model.name", &model.model.name)?;
            let texts = model.choices.iter().map(|chosen| &chosen.name);
            for name in texts.chain(model.disputes.iter().map(|dispute| &dispute.name)) {
                check_text("choice", name)?;
            }
            if !seen.insert(&model.model.name) {
                let settings = "layers".to_owned();
                return Err(RecordError::Twice { model: model.model.name.clone(), settings });
            }
        }
        Ok(())
    }
}

impl Steps {
    /// Every step, in words.
    pub(crate) fn all(&self) -> [(&'static str, &Timing); 9] {
        let Self {
            run,
            sign,
            software_evidence,
            prove,
            check_metadata,
            check_receipt,
            check_software,
            check_hardware,
            check_proof,
        } = self;
        [
            ("run the model", run),
            ("sign a receipt", sign),
            ("state the program", software_evidence),
            ("prove", prove),
            ("check metadata", check_metadata),
            ("check a receipt", check_receipt),
            ("judge software evidence", check_software),
            ("judge GPU and CPU evidence", check_hardware),
            ("verify a proof", check_proof),
        ]
    }
}

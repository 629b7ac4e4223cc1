//! `assay verify`: decides about receipts, offline.

use std::path::{Path, PathBuf};

use attestation::appraisal::Collateral;
use attestation::policy::{Policy, PolicyTable};
use circuits::model::bundle::Bundle;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use verifier::key::VerifyingKey;
use verifier::receipt::ReceiptFile;
use verifier::verdict::{Layer, RequiredLayer, Requirements, Status, judge};

use crate::commands::attest::read_collateral;
use crate::commands::prover::derive_key;
use crate::commands::setups::{Chosen, SetupOptions};
use crate::error::CliError;
use crate::files;
use crate::output::{Done, Output};

mod judged;

use judged::{Claim, Judged, KeyUsed};

/// Decide whether receipts hold, offline: exit code 0 accepted, 1 rejected, 3 undecided
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay verify digit.receipt --vk digits.vk --accept-insecure-setup\n  assay verify digit.receipt --model digits.assay --accept-insecure-setup     derives the key itself\n  assay verify digit.receipt --vk digits.vk --setup-id 0x5e..     proofs under that setup, and no other\n  assay verify *.receipt --require attested --json"
)]
pub(crate) struct Verify {
    /// Receipt files (.receipt)
    #[arg(required = true)]
    receipts: Vec<PathBuf>,
    /// Model file (.assay): the verifying key is derived from it, weights included
    #[arg(long, value_name = "FILE", conflicts_with = "vk", help_heading = "Key")]
    model: Option<PathBuf>,
    /// Verifying key (.vk)
    #[arg(long, value_name = "FILE", help_heading = "Key")]
    vk: Option<PathBuf>,
    /// What must hold beside integrity and signature
    #[arg(long, default_value = "proven", help_heading = "Trust")]
    require: Require,
    /// Judge evidence at this time, milliseconds since the epoch [default: when the receipt says the work ended]
    #[arg(long, value_name = "MS", help_heading = "Trust")]
    at: Option<u64>,
    /// Vendors' documents for evidence of hardware, see `assay attest collateral`
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    collateral: Option<PathBuf>,
    #[command(flatten)]
    setup: SetupOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Require {
    /// A proof of the output
    Proven,
    /// Evidence; a receipt without a proof passes
    Attested,
}

/// The key that receipts are judged by.
pub(super) struct Judge {
    key: Option<VerifyingKey>,
    /// The setup under which the key was derived here: it can be right for no other.
    derived_under: Option<[u8; 32]>,
    labels: Vec<String>,
    requirements: Requirements,
}

pub(super) fn run(arguments: &Verify, output: &Output) -> Result<Done, CliError> {
    let judge = Judge::prepare(arguments, output)?;
    let mut done = Done::ok(Value::Null);
    let mut results = Vec::new();
    for (index, path) in arguments.receipts.iter().enumerate() {
        if index > 0 {
            output.gap();
        }
        match files::read_receipt(path) {
            Ok(file) => {
                let judged = judge.judge(path, file);
                judged.print(output);
                if let Some(error) = judged.error() {
                    done.exit = done.exit.worst(error.exit());
                    done.problems.push((&error).into());
                }
                results.push(judged.data());
            }
            Err(error) => {
                done.exit = done.exit.worst(error.exit());
                done.problems.push(output.problem(&error));
            }
        }
    }
    done.data = json!({ "receipts": results });
    Ok(done)
}

impl Judge {
    fn prepare(arguments: &Verify, output: &Output) -> Result<Self, CliError> {
        let Verify { model, vk, require, at, collateral, setup, .. } = arguments;
        let layer = match require {
            Require::Proven => RequiredLayer::Proven,
            Require::Attested => RequiredLayer::Attested,
        };
        let chosen = setup.named()?;
        let bundle = model.as_deref().map(files::read_model).transpose()?;
        let key = match (&bundle, vk) {
            (Some(bundle), _) => {
                let under = chosen.unwrap_or(Chosen::Development);
                let setup = setup.obtain(under, bundle.graph().layout().k, output)?;
                Some(derive_key(bundle, &setup, output)?)
            }
            (None, Some(path)) => Some(files::read_key(path)?),
            (None, None) => None,
        };
        let mut judge = Self::new(key, bundle.as_ref(), layer, *at, chosen);
        if let Some(path) = collateral {
            judge.requirements.collateral = read_collateral(path)?;
        }
        Ok(judge)
    }

    /// A judge with a key; with the model that the key was derived from, if it was.
    pub(super) fn new(
        key: Option<VerifyingKey>,
        derived_from: Option<&Bundle>,
        layer: RequiredLayer,
        at_ms: Option<u64>,
        accepted: Option<Chosen>,
    ) -> Self {
        let requirements = Requirements {
            layer,
            accepted_setups: accepted.into_iter().map(Chosen::id).collect(),
            policy: standard_policy(),
            collateral: Collateral::default(),
            at_ms,
            key_audited: derived_from.is_some(),
        };
        let derived_under = derived_from.map(|_| accepted.unwrap_or(Chosen::Development).id());
        let labels = derived_from.map(|bundle| bundle.info().labels.clone()).unwrap_or_default();
        Self { key, derived_under, labels, requirements }
    }

    /// Judges one receipt.
    pub(super) fn judge(&self, path: &Path, file: ReceiptFile) -> Judged {
        // A derived key says nothing about work proven under another setup.
        let under = |id: &[u8; 32]| file.proofs.iter().find(|proof| proof.setup_id != *id).map(|proof| proof.setup_id);
        let foreign = self.derived_under.as_ref().and_then(under);
        let key = self.key.as_ref().filter(|_| foreign.is_none());
        let verdict = judge(&file, key, &self.requirements);
        let model_holds = verdict.finding(Layer::Model).is_some_and(|finding| finding.status == Status::Passed);
        Judged {
            path: path.to_owned(),
            claim: Claim::new(&file, self.labels.as_slice(), model_holds),
            layer: self.requirements.layer,
            key: key.map(|key| KeyUsed { digest: key.digest(), audited: self.requirements.key_audited }),
            foreign,
            file,
            verdict,
        }
    }
}

/// The project's table of trust.
fn standard_policy() -> Policy {
    #[expect(clippy::expect_used, reason = "a constant table, checked by a test")]
    Policy::new(PolicyTable::standard()).expect("the standard policy is valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_policy_is_valid() {
        assert_eq!(*standard_policy().table(), PolicyTable::standard());
    }
}

//! The layers of verification, each deciding about a submission by itself.

use attestation::appraisal;
use attestation::context::WorkContext;
use serde::{Deserialize, Serialize};
use verifier::proof;

use super::LayersError;
use super::attacks::Attack;
use super::scene::{AT_MS, Hardware, Scene, Submission};

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Layer {
    /// The receipt: signed by the leased worker, for this lease, this output and this evidence.
    Receipt,
    /// Evidence of the worker's own program.
    SoftwareAttestation,
    /// Evidence of a GPU and a processor.
    HardwareAttestation,
    /// Another worker runs the model again.
    SpotCheck,
    /// A proof of the output.
    Proof,
}

/// Layers that are used together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) layers: &'static [Layer],
    /// Share of results that is checked again, basis points.
    pub(super) spot_bps: u32,
}

/// What is compared: every layer alone, spot checks at four rates, and what one would combine.
pub(super) const CHOICES: [Choice; 13] = {
    use Layer::{HardwareAttestation, Proof, Receipt, SoftwareAttestation, SpotCheck};
    const fn choice(name: &'static str, layers: &'static [Layer], spot_bps: u32) -> Choice {
        Choice { name, layers, spot_bps }
    }
    [
        choice("signed receipt", &[Receipt], 0),
        choice("software attestation", &[SoftwareAttestation], 0),
        choice("GPU and CPU attestation", &[HardwareAttestation], 0),
        choice("spot check 1 %", &[SpotCheck], 100),
        choice("spot check 5 %", &[SpotCheck], 500),
        choice("spot check 10 %", &[SpotCheck], 1_000),
        choice("spot check 25 %", &[SpotCheck], 2_500),
        choice("spot check 100 %", &[SpotCheck], 10_000),
        choice("proof", &[Proof], 0),
        choice("receipt, software, spot check 25 %", &[Receipt, SoftwareAttestation, SpotCheck], 2_500),
        choice("receipt, GPU and CPU, spot check 5 %", &[Receipt, HardwareAttestation, SpotCheck], 500),
        choice("receipt, software, proof", &[Receipt, SoftwareAttestation, Proof], 0),
        choice("receipt, GPU and CPU, proof", &[Receipt, HardwareAttestation, Proof], 0),
    ]
};

impl Choice {
    /// The evidence that goes with it.
    pub(super) fn hardware(&self) -> Hardware {
        if self.layers.contains(&Layer::HardwareAttestation) { Hardware::Synthetic } else { Hardware::Software }
    }

    pub(super) fn has(&self, layer: Layer) -> bool {
        self.layers.contains(&layer)
    }

    /// How often the layer looks at a result, parts per million.
    pub(super) fn looks_ppm(&self, layer: Layer) -> u64 {
        if layer == Layer::SpotCheck { u64::from(self.spot_bps) * 100 } else { 1_000_000 }
    }
}

impl Layer {
    /// Every one.
    pub(super) const ALL: [Self; 5] =
        [Self::Receipt, Self::SoftwareAttestation, Self::HardwareAttestation, Self::SpotCheck, Self::Proof];

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::SoftwareAttestation => "software attestation",
            Self::HardwareAttestation => "GPU and CPU attestation",
            Self::SpotCheck => "spot check",
            Self::Proof => "proof",
        }
    }

    /// Whether the layer lets a submission for the lease pass; why not, in its own words.
    ///
    /// `attack` only tells whether the checker that was drawn is honest.
    pub(super) fn judge(
        self,
        scene: &Scene,
        hardware: Hardware,
        submission: &Submission,
        attack: Option<Attack>,
    ) -> Result<Result<(), String>, LayersError> {
        let lease = scene.lease(hardware);
        Ok(match self {
            Self::Receipt => receipt(scene, &lease, submission),
            Self::SoftwareAttestation | Self::HardwareAttestation => {
                let (collateral, policy) = (scene.collateral(hardware), scene.policy(hardware));
                let appraised = appraisal::verify(&submission.evidence, &collateral, policy, &lease, AT_MS);
                appraised.map(|_| ()).map_err(|error| error.to_string())
            }
            Self::SpotCheck => {
                let answer = match attack {
                    Some(Attack::ColludingChecker) => submission.output.clone(),
                    _ => scene.executor.run(&scene.input).map_err(LayersError::Executor)?,
                };
                if answer == submission.output { Ok(()) } else { Err("another run gives another output".to_owned()) }
            }
            Self::Proof => {
                let statement = scene.statement(&lease, &submission.output);
                let verified = proof::verify(scene.key.verifying(), &statement, &submission.proof);
                verified.map(|_| ()).map_err(|error| error.to_string())
            }
        })
    }
}

fn receipt(scene: &Scene, lease: &WorkContext, submission: &Submission) -> Result<(), String> {
    let Submission { signed, evidence, output, .. } = submission;
    let receipt = &signed.receipt;
    if receipt.context != *lease {
        return Err("the receipt is for another lease".to_owned());
    }
    if receipt.context.input_hash != scene.input.hash() || receipt.output_hash != output.hash() {
        return Err("the receipt is for another input or output".to_owned());
    }
    if receipt.evidence_digest != evidence.digest() {
        return Err("the receipt is for other evidence".to_owned());
    }
    signed.check_evidence(evidence).map_err(|error| error.to_string())?;
    signed.verify().map_err(|error| error.to_string())
}

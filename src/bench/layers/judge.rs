//! Each layer's own decision about a submission, and the choices of layers that are compared.

use attestation::appraisal;
use attestation::context::WorkContext;
use chain::rules::plausible;
use verifier::proof;

use super::attack::Attack;
use super::jury;
use super::layer::Layer;
use super::measure::LayersError;
use super::scene::{AT_MS, Hardware, Scene, Submission, TIER};

/// Layers that are used together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) layers: &'static [Layer],
    /// Share of results that is checked again, basis points.
    pub(super) spot_bps: u32,
}

/// What is compared: every layer alone, spot checks at four rates, and what one would combine. Whatever is combined has the
/// layers that cost nothing: what a receipt states and who signed it.
pub(super) const CHOICES: [Choice; 15] = {
    use Layer::{HardwareAttestation, Jury, Metadata, Proof, Receipt, SoftwareAttestation, SpotCheck};
    const fn choice(name: &'static str, layers: &'static [Layer], spot_bps: u32) -> Choice {
        Choice { name, layers, spot_bps }
    }
    [
        choice("metadata", &[Metadata], 0),
        choice("signed receipt", &[Receipt], 0),
        choice("software attestation", &[SoftwareAttestation], 0),
        choice("GPU and CPU attestation", &[HardwareAttestation], 0),
        choice("spot check 1 %", &[SpotCheck], 100),
        choice("spot check 5 %", &[SpotCheck], 500),
        choice("spot check 10 %", &[SpotCheck], 1_000),
        choice("spot check 25 %", &[SpotCheck], 2_500),
        choice("challenge and jury", &[Jury], 0),
        choice("proof", &[Proof], 0),
        choice("receipt, software, spot check 25 %", &[Metadata, Receipt, SoftwareAttestation, SpotCheck], 2_500),
        choice("receipt, GPU and CPU, spot check 5 %", &[Metadata, Receipt, HardwareAttestation, SpotCheck], 500),
        choice(
            "receipt, software, spot check 25 %, jury",
            &[Metadata, Receipt, SoftwareAttestation, SpotCheck, Jury],
            2_500,
        ),
        choice("receipt, software, proof", &[Metadata, Receipt, SoftwareAttestation, Proof], 0),
        choice("receipt, GPU and CPU, proof", &[Metadata, Receipt, HardwareAttestation, Proof], 0),
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
    /// Whether the layer lets a submission for the lease pass; why not, in its own words.
    ///
    /// `attack` only tells whether the checker and the jurors that were drawn are honest.
    pub(super) fn judge(
        self,
        scene: &Scene,
        hardware: Hardware,
        submission: &Submission,
        attack: Option<Attack>,
    ) -> Result<Result<(), String>, LayersError> {
        let lease = scene.lease(hardware);
        Ok(match self {
            // The models of the benchmark bill by the run.
            Self::Metadata => plausible(&submission.signed.receipt, TIER, (0, 0)).map_err(|error| error.to_string()),
            Self::Receipt => receipt(scene, &lease, submission),
            Self::SoftwareAttestation | Self::HardwareAttestation => {
                let (collateral, policy) = (scene.collateral(hardware), scene.policy(hardware));
                let appraised = appraisal::verify(&submission.evidence, &collateral, policy, &lease, AT_MS);
                appraised.map(|_| ()).map_err(|error| error.to_string())
            }
            // A check that disagrees is an accusation, which the jury decides like any other.
            Self::SpotCheck | Self::Jury => {
                let colludes = self == Self::SpotCheck && attack == Some(Attack::ColludingChecker);
                let agrees = colludes || scene.answer()? == submission.output;
                if agrees { Ok(()) } else { jury::acquits(scene, submission, attack)? }
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

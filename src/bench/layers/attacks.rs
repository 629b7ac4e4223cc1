//! Named attacks, each really made: a submission that is all that an honest one is, but for one lie.

use std::sync::Arc;

use attestation::context::WorkContext;
use circuits::model::tensor::Tensor;
use prover::proving_key::ProvingKey;
use serde::{Deserialize, Serialize};
use verifier::setup::Setup;

use super::LayersError;
use super::scene::{Hardware, Scene, Submission};
use crate::forgery::{other_weights, smaller, swap_extremes};

/// What a cheater tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Attack {
    /// The largest and the smallest output change places; the proof is the honest output's, relabelled.
    WrongLabel,
    /// The same network with other weights, run and proven in earnest; the proof is relabelled as the model's.
    OtherWeights,
    /// The network with half of its first weighted operator left out, likewise.
    SmallerModel,
    /// The model on another input, run and proven in earnest; the proof is relabelled.
    OtherInput,
    /// Honest work for an earlier lease of the same job, handed in once more as it is.
    Replay,
    /// The earlier output, evidence and proof, signed anew for this lease.
    StaleEvidence,
    /// Honest work for the same lease on another chain.
    OtherChain,
    /// Honest work, signed by somebody whom the lease does not pay.
    Theft,
    /// Honest work with evidence of another machine than the leased one.
    OtherMachine,
    /// The wrong label, where the checker that is drawn colludes and repeats the worker's answer.
    ColludingChecker,
}

impl Attack {
    /// Every one.
    pub(crate) const ALL: [Self; 10] = [
        Self::WrongLabel,
        Self::OtherWeights,
        Self::SmallerModel,
        Self::OtherInput,
        Self::Replay,
        Self::StaleEvidence,
        Self::OtherChain,
        Self::Theft,
        Self::OtherMachine,
        Self::ColludingChecker,
    ];

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WrongLabel => "wrong label",
            Self::OtherWeights => "other weights",
            Self::SmallerModel => "smaller model",
            Self::OtherInput => "other input",
            Self::Replay => "replay",
            Self::StaleEvidence => "stale evidence",
            Self::OtherChain => "other chain",
            Self::Theft => "theft",
            Self::OtherMachine => "other machine",
            Self::ColludingChecker => "colluding checker",
        }
    }

    /// Whether its output is false: if it happens to be the model's own, nothing is tried.
    fn lies_about_the_output(self) -> bool {
        matches!(
            self,
            Self::WrongLabel | Self::OtherWeights | Self::SmallerModel | Self::OtherInput | Self::ColludingChecker
        )
    }
}

/// The cheater's own models, each valid in its own right, and an input of its choice.
pub(super) struct Tools {
    weights: ProvingKey,
    smaller: ProvingKey,
    input: Tensor,
}

impl Tools {
    pub(super) fn new(scene: &Scene, setup: &Setup, input: Tensor) -> Result<Self, LayersError> {
        let derive = |bundle| ProvingKey::derive(Arc::new(bundle), setup).map_err(LayersError::Key);
        let bundle = scene.key.bundle();
        Ok(Self { weights: derive(other_weights(bundle)?)?, smaller: derive(smaller(bundle)?)?, input })
    }

    /// What is handed in for the scene's lease.
    pub(super) fn submission(
        &self,
        attack: Attack,
        scene: &Scene,
        hardware: Hardware,
        honest: &Submission,
    ) -> Result<Submission, LayersError> {
        let lease = scene.lease(hardware);
        let forged = match attack {
            Attack::WrongLabel | Attack::ColludingChecker => {
                let mut output = honest.output.values().to_vec();
                swap_extremes(&mut output);
                let output = Tensor::vector(output).map_err(LayersError::Tensor)?;
                scene.dressed(hardware, &lease, (output, honest.proof.clone()))?
            }
            Attack::OtherWeights => {
                scene.dressed(hardware, &lease, Scene::prove(&self.weights, &scene.input, &lease)?)?
            }
            Attack::SmallerModel => {
                scene.dressed(hardware, &lease, Scene::prove(&self.smaller, &scene.input, &lease)?)?
            }
            Attack::OtherInput => scene.dressed(hardware, &lease, Scene::prove(&scene.key, &self.input, &lease)?)?,
            Attack::Replay => scene.work(hardware, &scene.earlier(hardware))?,
            Attack::StaleEvidence => {
                let Submission { evidence, output, proof, .. } = scene.work(hardware, &scene.earlier(hardware))?;
                let signed = scene.sign(&lease, &evidence, &output)?;
                let proof = scene.relabelled(&lease, &output, proof);
                Submission { signed, evidence, output, proof }
            }
            Attack::OtherChain => {
                let elsewhere = WorkContext { chain_id: lease.chain_id.wrapping_add(1), ..lease };
                scene.work(hardware, &elsewhere)?
            }
            Attack::Theft => Submission { signed: scene.stolen(&honest.signed)?, ..honest.clone() },
            Attack::OtherMachine => {
                let evidence = scene.evidence_elsewhere(hardware, &lease)?;
                Submission { signed: scene.sign(&lease, &evidence, &honest.output)?, evidence, ..honest.clone() }
            }
        };
        if attack.lies_about_the_output() && forged.output == honest.output {
            return Err(LayersError::SameOutput { attack: attack.name() });
        }
        Ok(forged)
    }
}

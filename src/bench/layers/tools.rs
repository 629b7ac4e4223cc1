//! What a cheater needs for its attacks, and what it hands in.

use std::sync::Arc;

use attestation::context::WorkContext;
use attestation::receipt::HardwareTier;
use circuits::model::tensor::Tensor;
use prover::proving_key::ProvingKey;
use verifier::setup::Setup;

use super::attack::Attack;
use super::measure::LayersError;
use super::scene::{Hardware, Scene, Submission};
use crate::forgery::{other_weights, smaller, swap_extremes};

/// What is stated of work that took less than a second, milliseconds.
const PADDED_MS: u64 = 3_600_000;

impl Attack {
    /// Whether its output is false: if it happens to be the model's own, nothing is tried.
    pub(super) fn lies_about_the_output(self) -> bool {
        matches!(
            self,
            Self::WrongLabel
                | Self::OtherWeights
                | Self::SmallerModel
                | Self::OtherInput
                | Self::ColludingChecker
                | Self::ColludingJury
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
            Attack::WrongLabel | Attack::ColludingChecker | Attack::ColludingJury => {
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
            Attack::PaddedTime => scene.restated(&lease, honest, |metadata| metadata.elapsed_ms = PADDED_MS)?,
            Attack::BetterTier => scene.restated(&lease, honest, |metadata| metadata.tier = HardwareTier::Server)?,
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

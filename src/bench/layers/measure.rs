//! Measures a model: every layer's steps on honest work, then every attack against every layer.

use std::num::NonZeroU32;
use std::sync::Arc;

use ::chain::types::params::Params;
use attestation::appraisal::{self, AttestationError};
use attestation::evidence::AttesterError;
use attestation::evidence::hardware::HardwareError;
use attestation::identity::IdentityError;
use attestation::policy::PolicyError;
use attestation::receipt::ReceiptError;
use attestation::text::TextError;
use circuits::model::bundle::Bundle;
use circuits::model::tensor::{Tensor, TensorError};
use prover::import::seeded::Seeded;
use prover::prove::{ProveError, prove};
use prover::proving_key::{ProvingKey, ProvingKeyError};
use prover::srs::generate::{SetupError, development};
use worker::executor::ExecutorError;

use super::attack::Attack;
use super::chain;
use super::judge::{CHOICES, Choice};
use super::jury;
use super::layer::Layer;
use super::record::{Chosen, Dispute, ModelLayers, Refused, Steps, Tried};
use super::scene::{AT_MS, Hardware, Scene, Submission};
use super::tools::Tools;
use crate::bench::clock::Stopwatch;
use crate::bench::environment::load;
use crate::bench::error::BenchError;
use crate::bench::record::{Load, Model};
use crate::bench::zk::random_input;
use crate::forgery::ForgeryError;
use crate::output::Output;

/// Seed of inputs and of made networks.
pub(super) const SEED: u64 = 7;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayersError {
    #[error(transparent)]
    Forgery(#[from] ForgeryError),
    #[error("the attack {attack:?} gives the model's own output for this input; choose another model or input")]
    SameOutput { attack: &'static str },
    #[error("{layer} refuses honest work: {reason}")]
    Honest { layer: &'static str, reason: String },
    #[error("policy: {0}")]
    Policy(PolicyError),
    #[error(transparent)]
    Executor(ExecutorError),
    #[error("key: {0}")]
    Key(ProvingKeyError),
    #[error(transparent)]
    Prove(ProveError),
    #[error(transparent)]
    Setup(SetupError),
    #[error(transparent)]
    Tensor(TensorError),
    #[error(transparent)]
    Text(TextError),
    #[error(transparent)]
    Attester(AttesterError),
    #[error(transparent)]
    Hardware(HardwareError),
    #[error(transparent)]
    Receipt(ReceiptError),
    #[error(transparent)]
    Identity(IdentityError),
    #[error("evidence: {0}")]
    Appraisal(AttestationError),
    #[error("the transaction's gas leaves its range")]
    Gas,
}

/// How many proofs a model takes whose steps are repeated so often: once more to warm up, honest work in both leases, and
/// six attacks in each.
pub(crate) fn proofs(times: u32) -> u32 {
    times.saturating_add(1 + 2 + 12)
}

/// A model that is measured.
pub(crate) struct Subject {
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) model: Model,
    /// The job's input; random within the model's range without it.
    pub(crate) input: Option<Tensor>,
}

/// Honest work for both leases.
pub(super) struct Honest {
    pub(super) software: Submission,
    pub(super) synthetic: Submission,
}

impl Honest {
    fn of(&self, hardware: Hardware) -> &Submission {
        match hardware {
            Hardware::Software => &self.software,
            Hardware::Synthetic => &self.synthetic,
        }
    }
}

impl Subject {
    /// Measures it, each step `times` times.
    pub(crate) fn measure(&self, times: u32, output: &Output) -> Result<ModelLayers, BenchError> {
        let before = load()?;
        let stage = |what: &str| output.progress(&format!("{}: {what}", self.model.name));
        let progress = stage("deriving keys");
        let k = self.bundle.graph().layout().k;
        let setup = development(k, &|done, total| progress.set(done, total)).map_err(LayersError::Setup)?;
        let key = ProvingKey::derive(Arc::clone(&self.bundle), &setup).map_err(LayersError::Key)?;
        let mut generator = Seeded::new(SEED);
        let mut random = || random_input(&self.bundle, &mut generator).map_err(LayersError::Tensor);
        let input = match &self.input {
            Some(input) => input.clone(),
            None => random()?,
        };
        let scene = Scene::new(key, input)?;
        let tools = Tools::new(&scene, &setup, random()?)?;
        drop(setup);
        progress.finish();
        let progress = stage("honest work");
        let work = |hardware| scene.work(hardware, &scene.lease(hardware));
        let honest = Honest { software: work(Hardware::Software)?, synthetic: work(Hardware::Synthetic)? };
        let steps = steps(&scene, &honest, times)?;
        progress.finish();
        let progress = stage("attacks");
        let mut choices = Vec::new();
        let refusals = Refusals::collect(&scene, &tools, &honest, &|done, total| progress.set(done, total))?;
        for choice in CHOICES {
            choices.push(chosen(&scene, &choice, &steps, &honest, &refusals)?);
        }
        progress.finish();
        Ok(ModelLayers {
            model: self.model.clone(),
            k: NonZeroU32::new(k).ok_or(BenchError::Size { what: "k" })?,
            disputes: disputes(&steps, &honest)?,
            steps,
            choices,
            load: Load { before, after: load()? },
        })
    }
}

/// Times every step on honest work; every layer must let it pass.
fn steps(scene: &Scene, honest: &Honest, times: u32) -> Result<Steps, BenchError> {
    let mut run = Stopwatch::new("running", "candle on the processor, one input, the model loaded");
    let mut sign = Stopwatch::new("signing", "ML-DSA-65, the receipt's hashes included");
    let mut software = Stopwatch::new("software evidence", "stating program and host");
    let mut proving = Stopwatch::new("proving", "witness, proof and the prover's own verification; keys in memory");
    let mut metadata = Stopwatch::new("checking metadata", "tokens, time and tier of the receipt against each other");
    let mut receipt = Stopwatch::new("checking a receipt", "hashes of input, output and evidence, ML-DSA-65");
    let mut attested = [
        Stopwatch::new("judging software evidence", "the binding alone"),
        Stopwatch::new(
            "judging hardware evidence",
            "one H100 and a TDX quote, manifests and certificates, nothing kept",
        ),
    ];
    let mut verifying = Stopwatch::new("verification", "one proof with a loaded key");
    let lease = scene.lease(Hardware::Software);
    // Once more than counted: the first touches memory and code for the first time.
    for round in 0..=times {
        let counted = round > 0;
        macro_rules! timed {
            ($watch:expr, $step:expr) => {
                if counted { $watch.time(|| $step) } else { $step }
            };
        }
        let trace = timed!(run, scene.executor.trace(&scene.input)).map_err(LayersError::Executor)?;
        let evidence = timed!(software, scene.evidence(Hardware::Software, &lease))?;
        timed!(sign, scene.sign(&lease, &evidence, &honest.software.output))?;
        timed!(proving, prove(&scene.key, lease.digest(), &trace.values)).map_err(LayersError::Prove)?;
        timed!(metadata, passes(scene, Layer::Metadata, honest))?;
        timed!(receipt, passes(scene, Layer::Receipt, honest))?;
        let [own, hardware] = &mut attested;
        timed!(own, passes(scene, Layer::SoftwareAttestation, honest))?;
        timed!(hardware, passes(scene, Layer::HardwareAttestation, honest))?;
        timed!(verifying, passes(scene, Layer::Proof, honest))?;
    }
    passes(scene, Layer::SpotCheck, honest)?;
    // Honest work that somebody accuses all the same.
    acquitted(scene, honest)?;
    let [check_software, check_hardware] = attested;
    Ok(Steps {
        run: run.finish()?,
        sign: sign.finish()?,
        software_evidence: software.finish()?,
        prove: proving.finish()?,
        check_metadata: metadata.finish()?,
        check_receipt: receipt.finish()?,
        check_software: check_software.finish()?,
        check_hardware: check_hardware.finish()?,
        check_proof: verifying.finish()?,
    })
}

/// Honest work must pass.
pub(super) fn passes(scene: &Scene, layer: Layer, honest: &Honest) -> Result<(), LayersError> {
    let hardware = if layer == Layer::HardwareAttestation { Hardware::Synthetic } else { Hardware::Software };
    let decision = layer.judge(scene, hardware, honest.of(hardware), None)?;
    decision.map_err(|reason| LayersError::Honest { layer: layer.name(), reason })
}

/// Honest work must survive a false accusation.
pub(super) fn acquitted(scene: &Scene, honest: &Honest) -> Result<(), LayersError> {
    let decision = jury::acquits(scene, honest.of(Hardware::Software), None)?;
    decision.map_err(|reason| LayersError::Honest { layer: Layer::Jury.name(), reason })
}

/// What a dispute costs by how it ends.
fn disputes(steps: &Steps, honest: &Honest) -> Result<Vec<Dispute>, LayersError> {
    let [answered, judged] = chain::disputed(honest.of(Hardware::Software))?;
    let dispute = |name: &str, worker_ns, verifier_ns, charged: chain::Disputed| Dispute {
        name: name.to_owned(),
        worker_ns,
        verifier_ns,
        chain_bytes: charged.bytes,
        gas: charged.gas,
        verdict_ms: charged.verdict_ms,
    };
    let jury = u64::from(Params::development().audit.jury);
    let runs = steps.run.wall_ns.median().saturating_mul(jury);
    Ok(vec![
        dispute("answered with a proof", steps.prove.wall_ns.median(), steps.check_proof.wall_ns.median(), answered),
        dispute("decided by a jury", 0, runs, judged),
    ])
}

/// Which layers refuse an attack in one lease.
struct Answers {
    attack: Attack,
    hardware: Hardware,
    refusals: Vec<Refused>,
}

/// What every layer says to every attack, in both leases.
pub(super) struct Refusals(Vec<Answers>);

impl Refusals {
    pub(super) fn collect(
        scene: &Scene,
        tools: &Tools,
        honest: &Honest,
        progress: &dyn Fn(usize, usize),
    ) -> Result<Self, LayersError> {
        let mut found = Vec::new();
        let kinds = [Hardware::Software, Hardware::Synthetic];
        let total = Attack::ALL.len() * kinds.len();
        for (attack, hardware) in Attack::ALL.into_iter().flat_map(|attack| kinds.map(|kind| (attack, kind))) {
            let submission = tools.submission(attack, scene, hardware, honest.of(hardware))?;
            let mut refusals = Vec::new();
            for layer in Layer::ALL {
                let decision = layer.judge(scene, hardware, &submission, Some(attack))?;
                refusals.extend(decision.err().map(|reason| Refused { layer, reason }));
            }
            found.push(Answers { attack, hardware, refusals });
            progress(found.len(), total);
        }
        Ok(Self(found))
    }

    /// How often a choice catches each attack, and by what.
    pub(super) fn tried(&self, choice: &Choice) -> Vec<Tried> {
        let own = self.0.iter().filter(|answers| answers.hardware == choice.hardware());
        let tried = own.map(|Answers { attack, refusals, .. }| {
            let by: Vec<Refused> = refusals.iter().filter(|refused| choice.has(refused.layer)).cloned().collect();
            // What no layer that looks refuses passes.
            let missed = by.iter().fold(1_000_000u64, |missed, refused| {
                missed * (1_000_000 - choice.looks_ppm(refused.layer)) / 1_000_000
            });
            Tried { attack: *attack, caught_ppm: u32::try_from(1_000_000 - missed).unwrap_or(0), by }
        });
        tried.collect()
    }
}

fn chosen(
    scene: &Scene,
    choice: &Choice,
    steps: &Steps,
    honest: &Honest,
    refusals: &Refusals,
) -> Result<Chosen, LayersError> {
    let hardware = choice.hardware();
    let submission = honest.of(hardware);
    let attested = choice.has(Layer::SoftwareAttestation) || choice.has(Layer::HardwareAttestation);
    let trust_bps = if attested {
        let (lease, policy) = (scene.lease(hardware), scene.policy(hardware));
        let appraised = appraisal::verify(&submission.evidence, &scene.collateral(hardware), policy, &lease, AT_MS);
        appraised.map_err(LayersError::Appraisal)?.trust_bps
    } else {
        0
    };
    let charged = chain::charged(scene, choice, submission, trust_bps)?;
    let (mut worker_ns, mut verifier_ns) = (0u64, 0u64);
    for layer in choice.layers {
        let (made, checked) = match layer {
            Layer::Metadata => (0, &steps.check_metadata),
            Layer::Receipt => (steps.sign.wall_ns.median(), &steps.check_receipt),
            Layer::SoftwareAttestation => (steps.software_evidence.wall_ns.median(), &steps.check_software),
            Layer::HardwareAttestation => (0, &steps.check_hardware),
            Layer::SpotCheck | Layer::Jury => (0, &steps.run),
            Layer::Proof => (steps.prove.wall_ns.median(), &steps.check_proof),
        };
        worker_ns = worker_ns.saturating_add(made);
        let share = checked.wall_ns.median().saturating_mul(choice.looks_ppm(*layer)) / 1_000_000;
        verifier_ns = verifier_ns.saturating_add(share);
    }
    Ok(Chosen {
        name: choice.name.to_owned(),
        layers: choice.layers.to_vec(),
        spot_bps: choice.spot_bps,
        worker_ns,
        verifier_ns,
        chain_bytes: charged.bytes,
        gas: charged.gas,
        finality_ms: charged.finality_ms,
        bond_micro: charged.bond_micro,
        attacks: refusals.tried(choice),
    })
}

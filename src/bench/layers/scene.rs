//! One job in two leases, of a worker without hardware and of one with a GPU and a processor, and honest work for both.

use attestation::appraisal::Collateral;
use attestation::context::WorkContext;
use attestation::evidence::nvidia::device_chain::Family;
use attestation::evidence::nvidia::synthetic::World;
use attestation::evidence::software::{self, SoftwareAttester};
use attestation::evidence::{Attester as _, Evidence};
use attestation::hash::derive;
use attestation::identity::{ed25519, ml_dsa};
use attestation::policy::Policy;
use attestation::receipt::{
    DeviceKind, HardwareTier, Metadata, Session, SignedReceipt, UtilisationProfile, WorkReceipt,
};
use attestation::synthetic::SyntheticMachine;
use attestation::synthetic::machine::{NOW, Processor, WORLD_SEED};
use attestation::text::Text;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;
use prover::prove::prove;
use prover::proving_key::ProvingKey;
use serde::{Deserialize, Serialize};
use verifier::judgement::standard_policy;
use verifier::proof::Proof;
use worker::executor::{Device, Executor};

use super::measure::LayersError;

const KEY_CONTEXT: &str = "assay 2026 benchmark-layers-key v1";
/// Signs what only a thief would sign.
const THEFT_DOMAIN: &str = "assay 2026 benchmark-layers-theft v1";

/// When everything is judged, milliseconds since the epoch: the synthetic vendors' documents are fresh then.
pub(super) const AT_MS: u64 = NOW;

/// The tier of hardware that the worker has registered.
pub(super) const TIER: HardwareTier = HardwareTier::Entry;

/// Which evidence goes with a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Hardware {
    /// The worker's own word about its program.
    Software,
    /// A GPU's report and a processor's quote over it, by synthetic vendors.
    Synthetic,
}

/// What a worker hands in.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) signed: SignedReceipt,
    pub(super) evidence: Evidence,
    pub(super) output: Tensor,
    pub(super) proof: Proof,
}

/// The job, its people and their machines.
pub(super) struct Scene {
    pub(super) key: ProvingKey,
    pub(super) executor: Executor,
    pub(super) input: Tensor,
    pub(super) worker: ml_dsa::SigningKey,
    thief: ml_dsa::SigningKey,
    session: ed25519::SigningKey,
    machine: SyntheticMachine,
    other_machine: SyntheticMachine,
    policies: [Policy; 2],
    /// Of a worker without hardware, and of one with.
    leases: [WorkContext; 2],
}

impl Scene {
    pub(super) fn new(key: ProvingKey, input: Tensor) -> Result<Self, LayersError> {
        let seed = |name: &str| derive(KEY_CONTEXT, &[name.as_bytes()]);
        let [worker, thief] = ["worker", "thief"].map(|name| ml_dsa::SigningKey::from_seed(&seed(name)));
        let session = ed25519::SigningKey::from_seed(&seed("session"));
        let context = WorkContext {
            chain_id: 1337,
            genesis: seed("genesis"),
            job_id: seed("job"),
            model_hash: key.verifying().model_hash(),
            input_hash: input.hash(),
            worker: worker.public_key().id(),
            device_id: [0; 32],
            nonce: seed("nonce"),
            timestamp: 0,
        };
        let world = World::new(WORLD_SEED);
        let machine = |number| {
            let gpu = world.device(Family::Gh100, number);
            SyntheticMachine::new(vec![gpu], Processor::Tdx, session.public_key(), context)
        };
        let (machine, other_machine) = (machine(0), machine(1));
        let of_software = WorkContext { device_id: software::device_id(&worker.public_key().id()), ..machine.context };
        let leases = [of_software, machine.context];
        let hardware = Policy::new(machine.policy.clone()).map_err(LayersError::Policy)?;
        Ok(Self {
            executor: Executor::new(key.bundle(), Device::Cpu).map_err(LayersError::Executor)?,
            key,
            input,
            worker,
            thief,
            session,
            machine,
            other_machine,
            policies: [standard_policy(), hardware],
            leases,
        })
    }

    /// The lease of a worker with this kind of hardware.
    pub(super) fn lease(&self, hardware: Hardware) -> WorkContext {
        let [software, synthetic] = self.leases;
        match hardware {
            Hardware::Software => software,
            Hardware::Synthetic => synthetic,
        }
    }

    /// An earlier lease of the same job.
    pub(super) fn earlier(&self, hardware: Hardware) -> WorkContext {
        let lease = self.lease(hardware);
        let nonce = derive(KEY_CONTEXT, &[b"earlier nonce"]);
        WorkContext { nonce, timestamp: lease.timestamp.saturating_sub(60_000), ..lease }
    }

    pub(super) fn policy(&self, hardware: Hardware) -> &Policy {
        let [software, synthetic] = &self.policies;
        match hardware {
            Hardware::Software => software,
            Hardware::Synthetic => synthetic,
        }
    }

    /// The vendors' documents that evidence is judged with.
    pub(super) fn collateral(&self, hardware: Hardware) -> Collateral {
        match hardware {
            Hardware::Software => Collateral::default(),
            Hardware::Synthetic => self.machine.collateral.clone(),
        }
    }

    /// Evidence for a context.
    pub(super) fn evidence(&self, hardware: Hardware, context: &WorkContext) -> Result<Evidence, LayersError> {
        match hardware {
            Hardware::Software => Self::software(&self.worker, context),
            Hardware::Synthetic => Self::synthetic(&self.machine, context),
        }
    }

    /// Evidence of another machine, for the context as far as that machine can give any.
    pub(super) fn evidence_elsewhere(&self, hardware: Hardware, lease: &WorkContext) -> Result<Evidence, LayersError> {
        match hardware {
            Hardware::Software => {
                let worker = self.thief.public_key().id();
                let context = WorkContext { worker, device_id: software::device_id(&worker), ..*lease };
                Self::software(&self.thief, &context)
            }
            Hardware::Synthetic => {
                let context = WorkContext { device_id: self.other_machine.device_id(), ..*lease };
                Self::synthetic(&self.other_machine, &context)
            }
        }
    }

    fn software(worker: &ml_dsa::SigningKey, context: &WorkContext) -> Result<Evidence, LayersError> {
        let host = Text::new("benchmark".to_owned()).map_err(LayersError::Text)?;
        SoftwareAttester::new(worker.public_key(), [0; 32], host).attest(context).map_err(LayersError::Attester)
    }

    fn synthetic(machine: &SyntheticMachine, context: &WorkContext) -> Result<Evidence, LayersError> {
        let machine = SyntheticMachine { context: *context, ..machine.clone() };
        machine.evidence().map(Evidence::Hardware).map_err(LayersError::Hardware)
    }

    /// Signs an output for a context.
    pub(super) fn sign(
        &self,
        context: &WorkContext,
        evidence: &Evidence,
        output: &Tensor,
    ) -> Result<SignedReceipt, LayersError> {
        let output_hash = output.hash();
        let session = evidence.session_key().map(|_| Session::sign(&self.session, &context.digest(), &output_hash));
        let receipt = WorkReceipt {
            context: *context,
            output_hash,
            compute_units: self.key.bundle().graph().multiply_accumulates(),
            metadata: Metadata {
                tokens_in: 0,
                tokens_out: 0,
                elapsed_ms: 1,
                device: DeviceKind::Cpu,
                tier: TIER,
                hardware: Text::new("benchmark".to_owned()).map_err(LayersError::Text)?,
                utilisation: UtilisationProfile::default(),
            },
            completed_at: context.timestamp.saturating_add(500),
            evidence_digest: evidence.digest(),
            session,
        };
        SignedReceipt::sign(receipt, &self.worker).map_err(LayersError::Receipt)
    }

    /// Honest work whose receipt states something else of it.
    pub(super) fn restated(
        &self,
        context: &WorkContext,
        honest: &Submission,
        change: impl FnOnce(&mut Metadata),
    ) -> Result<Submission, LayersError> {
        let mut receipt = self.sign(context, &honest.evidence, &honest.output)?.receipt;
        change(&mut receipt.metadata);
        let signed = SignedReceipt::sign(receipt, &self.worker).map_err(LayersError::Receipt)?;
        Ok(Submission { signed, ..honest.clone() })
    }

    /// What somebody else finds who runs the model on the job's input.
    pub(super) fn answer(&self) -> Result<Tensor, LayersError> {
        self.executor.run(&self.input).map_err(LayersError::Executor)
    }

    /// Runs the model that `key` is of, and proves the run.
    pub(super) fn prove(
        key: &ProvingKey,
        input: &Tensor,
        context: &WorkContext,
    ) -> Result<(Tensor, Proof), LayersError> {
        let executor = Executor::new(key.bundle(), Device::Cpu).map_err(LayersError::Executor)?;
        let trace = executor.trace(input).map_err(LayersError::Executor)?;
        let proven = prove(key, context.digest(), &trace.values).map_err(LayersError::Prove)?;
        Ok((proven.statement.output, proven.proof))
    }

    /// Honest work for a context.
    pub(super) fn work(&self, hardware: Hardware, context: &WorkContext) -> Result<Submission, LayersError> {
        let (output, proof) = Self::prove(&self.key, &self.input, context)?;
        let evidence = self.evidence(hardware, context)?;
        Ok(Submission { signed: self.sign(context, &evidence, &output)?, evidence, output, proof })
    }

    /// What an output and any proof look like, handed in for a context: signed, with that context's own evidence, and with
    /// labels that name this model and this statement.
    pub(super) fn dressed(
        &self,
        hardware: Hardware,
        context: &WorkContext,
        (output, proof): (Tensor, Proof),
    ) -> Result<Submission, LayersError> {
        let evidence = self.evidence(hardware, context)?;
        let signed = self.sign(context, &evidence, &output)?;
        let proof = self.relabelled(context, &output, proof);
        Ok(Submission { signed, evidence, output, proof })
    }

    /// A proof that says it is about this model and this statement.
    pub(super) fn relabelled(&self, context: &WorkContext, output: &Tensor, proof: Proof) -> Proof {
        let statement = self.statement(context, output);
        Proof { key_digest: self.key.verifying().digest(), statement_digest: statement.digest(), ..proof }
    }

    /// What has to be shown of an output.
    pub(super) fn statement(&self, context: &WorkContext, output: &Tensor) -> Statement {
        Statement { context_digest: context.digest(), input: self.input.clone(), output: output.clone() }
    }

    /// Somebody else's signature under a receipt.
    pub(super) fn stolen(&self, signed: &SignedReceipt) -> Result<SignedReceipt, LayersError> {
        let signature = self.thief.sign(THEFT_DOMAIN, &signed.receipt.to_bytes()).map_err(LayersError::Identity)?;
        Ok(SignedReceipt { worker_key: self.thief.public_key().clone(), signature, receipt: signed.receipt.clone() })
    }
}

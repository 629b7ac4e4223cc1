//! The chain of the story, as its people reach it: over the node's interface only.

use std::path::Path;
use std::time::{Duration, Instant};

use attestation::context::WorkContext;
use chain::api::Refusal;
use chain::client::{Account, Client, ClientError, Committed};
use chain::state::{Key, Stored};
use chain::types::transaction::{Action, LeaseJob, PostJob, RegisterModel, SubmitResult};
use chain::types::{
    Event, Genesis, Hash, InferenceJob, JobClass, JobInput, JobPolicy, LeaseKind, ObjectRef, UnitsFormula, WorkLease,
};
use circuits::model::tensor::Tensor;
use tokio::runtime::{Builder, Handle, Runtime};
use verifier::key::VerifyingKey;

use super::chronicle::Chronicle;
use super::crew::Member;
use super::error::StepError;
use super::node::NodeProcess;
use super::work::Work;
use crate::development;

/// How far away a job's deadline is, blocks.
const DEADLINE_BLOCKS: u64 = 10_000;
/// How long a node that was killed may take to answer again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest time that one step may take.
const STEP_MAX: Duration = Duration::from_secs(180);
/// How often a waiting step looks after the node.
const LOOK: Duration = Duration::from_millis(100);

/// What a requester offers for a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    /// What a result must bring.
    pub(super) policy: JobPolicy,
    /// Micro-tokens per unit.
    pub(super) price_per_unit: u128,
    /// Micro-tokens locked.
    pub(super) escrow: u128,
}

/// A posted job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Posted {
    pub(super) job: Hash,
    pub(super) height: u64,
    pub(super) escrow: u128,
}

/// A leased job.
#[derive(Clone, Debug)]
pub(super) struct Leased {
    pub(super) height: u64,
    pub(super) lease: Hash,
    pub(super) context: WorkContext,
}

/// What settling a result moved, micro-tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    pub(super) height: u64,
    pub(super) result: Hash,
    pub(super) reward: u128,
    pub(super) paid: u128,
    pub(super) burned: u128,
    pub(super) returned: u128,
}

/// The chain, and everybody who acts on it.
pub(super) struct World {
    pub(super) client: Client,
    pub(super) genesis: Genesis,
    pub(super) chronicle: Chronicle,
    owner: Account,
    requester: Account,
    node: NodeProcess,
    // Last, so that nothing runs on when the rest is gone.
    runtime: Runtime,
}

impl World {
    /// Starts a node on the data directory `folder` and meets it.
    pub(super) fn open(folder: &Path, k_max: u32) -> Result<Self, StepError> {
        let runtime = Builder::new_multi_thread().enable_all().build().map_err(StepError::Node)?;
        let node = NodeProcess::start(folder, k_max)?;
        let client = Client::new(node.url())?.with_patience(PATIENCE);
        let (genesis, owner, requester) = wait(&runtime, &node, "the node", async {
            let genesis = client.genesis().await?;
            let owner = Account::open(client.clone(), development::OWNER.key()).await?;
            let requester = Account::open(client.clone(), development::REQUESTER.key()).await?;
            Ok((genesis, owner, requester))
        })?;
        let chronicle = Chronicle::follow(runtime.handle(), client.clone());
        Ok(Self { client, genesis, chronicle, owner, requester, node, runtime })
    }

    /// Waits for something that the chain does; not for ever, and not for a node that is gone for good.
    pub(super) fn wait<T>(
        &self,
        what: &'static str,
        future: impl Future<Output = Result<T, StepError>>,
    ) -> Result<T, StepError> {
        wait(&self.runtime, &self.node, what, future)
    }

    /// Where tasks run.
    pub(super) fn runtime(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The node.
    pub(super) fn node(&self) -> &NodeProcess {
        &self.node
    }

    /// Stops the node; returns how often it was started again.
    pub(super) fn close(self) -> Result<u32, StepError> {
        let Self { node, chronicle, .. } = self;
        drop(chronicle);
        let restarts = node.restarts();
        node.stop()?;
        Ok(restarts)
    }

    /// An object, as the node says.
    pub(super) fn get<T: Stored>(&self, key: &Key) -> Result<Option<T>, StepError> {
        self.wait("an object", async { Ok(self.client.get(key).await?) })
    }

    /// Publishes a model; returns its hash, the units of a run and the height.
    pub(super) fn register_model(&self, key: &VerifyingKey, units: u64) -> Result<(Hash, u64, u64), StepError> {
        let commitment = borsh::to_vec(key.commitment()).map_err(StepError::Encoding)?;
        let action = Action::RegisterModel(RegisterModel {
            graph: key.graph().encode(),
            commitment,
            setup: key.setup_id(),
            formula: UnitsFormula { base: units, per_token_in: 0, per_token_out: 0 },
            bond: self.genesis.params().bond.model_min,
        });
        let committed = self.wait("the model's block", async { Ok(self.owner.act(action).await?) })?;
        found(&committed, "registered model", |event| match event {
            Event::ModelRegistered { model, units } => Some((*model, *units, committed.height)),
            _ => None,
        })
    }

    /// Posts a job for one input.
    pub(super) fn post(&self, model: &Hash, input: &Tensor, offer: Offer) -> Result<Posted, StepError> {
        let Offer { policy, price_per_unit, escrow } = offer;
        let committed = self.wait("the job's block", async {
            let action = Action::PostJob(PostJob {
                model: *model,
                input: JobInput::Inline(input.clone()),
                policy,
                class: JobClass::Standard,
                price_per_unit,
                escrow,
                deadline: self.client.status().await?.height.saturating_add(DEADLINE_BLOCKS),
                placement: chain::types::Placement::default(),
            });
            Ok(self.requester.act(action).await?)
        })?;
        found(&committed, "posted job", |event| match event {
            Event::JobPosted { job, .. } => Some(Posted { job: *job, height: committed.height, escrow }),
            _ => None,
        })
    }

    /// The lease that a worker takes on a job.
    pub(super) fn leased(&self, job: &Hash, worker: &Hash) -> Result<Leased, StepError> {
        let (height, (lease, context)) = self.wait(
            "a lease",
            self.chronicle.find(|event| match event {
                Event::Leased { lease, context, .. } if context.job_id == *job && context.worker == *worker => {
                    Some((*lease, *context))
                }
                _ => None,
            }),
        )?;
        Ok(Leased { height, lease, context })
    }

    /// What settling a job moved.
    pub(super) fn settled(&self, job: &Hash) -> Result<Settled, StepError> {
        let (height, settled) = self.wait(
            "the settlement",
            self.chronicle.find(|event| match event {
                Event::Settled { result, job: of, reward, paid, burned, returned } if of == job => {
                    let (reward, paid, burned, returned) = (*reward, *paid, *burned, *returned);
                    Some(Settled { height: 0, result: *result, reward, paid, burned, returned })
                }
                _ => None,
            }),
        )?;
        Ok(Settled { height, ..settled })
    }

    /// What was handed in for a lease, as everybody can read it in its block.
    pub(super) fn work(&self, height: u64, leased: &Leased, input: &Tensor) -> Result<Work, StepError> {
        let missing = StepError::NoEvent { what: "receipt with a proof" };
        let block = self.wait("a block", async { Ok(self.client.block(height).await?) })?;
        block.and_then(|block| Work::of_block(&block.block.transactions, &leased.lease, input)).ok_or(missing)
    }

    /// Leases a job by hand, to be settled by a proof.
    pub(super) fn lease(&self, member: &Member, job: &Hash) -> Result<Leased, StepError> {
        let record: Option<InferenceJob> = self.get(&Key::Job(*job))?;
        let version = record.ok_or(StepError::NoEvent { what: "job" })?.version;
        let action = Action::LeaseJob(LeaseJob {
            job: ObjectRef { id: *job, version },
            worker: *member.operator.worker(),
            kind: LeaseKind::Proof,
        });
        self.wait("the lease's block", async { Ok(member.operator.account().act(action).await?) })?;
        self.leased(job, member.operator.worker())
    }

    /// Hands in work for a lease and waits for its block.
    pub(super) fn hand_in(&self, member: &Member, lease: &Hash, work: &Work) -> Result<Committed, StepError> {
        let action = self.submission(lease, work)?;
        self.wait("the result's block", async { Ok(member.operator.account().act(action).await?) })
    }

    /// Hands in work that must be refused with `expected`. Nothing may change.
    pub(super) fn refuse_work(
        &self,
        member: &Member,
        lease: &Hash,
        work: &Work,
        expected: u16,
    ) -> Result<Refusal, StepError> {
        let action = self.submission(lease, work)?;
        self.refuse(member, action, expected, &Key::Lease(*lease), |lease: &WorkLease| lease.version)
    }

    /// Sends what must be refused with `expected`; neither the account nor the object may change by it.
    pub(super) fn refuse<T: Stored>(
        &self,
        member: &Member,
        action: Action,
        expected: u16,
        object: &Key,
        version: impl Fn(&T) -> u64,
    ) -> Result<Refusal, StepError> {
        let account = member.operator.account();
        let state = async || -> Result<_, StepError> {
            let object: Option<T> = self.client.get(object).await?;
            Ok((account.balance().await?, object.as_ref().map(&version)))
        };
        self.wait("a refusal", async {
            let before = state().await?;
            let transaction = account.sign(action).await?;
            let refusal = match self.client.submit(&transaction).await {
                Ok(_) => return Err(StepError::Accepted { expected }),
                Err(ClientError::Refused(refusal)) => refusal,
                Err(other) => return Err(other.into()),
            };
            if refusal.code != expected {
                return Err(StepError::OtherRefusal { expected, got: Box::new(refusal) });
            }
            if state().await? != before {
                return Err(StepError::StateMoved);
            }
            Ok(refusal)
        })
    }

    fn submission(&self, lease: &Hash, work: &Work) -> Result<Action, StepError> {
        let record: Option<WorkLease> = self.get(&Key::Lease(*lease))?;
        let version = record.ok_or(StepError::NoEvent { what: "lease" })?.version;
        Ok(Action::SubmitResult(Box::new(SubmitResult {
            lease: ObjectRef { id: *lease, version },
            signed: work.signed.clone(),
            input: None,
            output: work.output.clone(),
            evidence: work.evidence.clone(),
            collateral: Vec::new(),
            proofs: vec![work.proof.to_bytes()],
        })))
    }
}

fn wait<T>(
    runtime: &Runtime,
    node: &NodeProcess,
    what: &'static str,
    future: impl Future<Output = Result<T, StepError>>,
) -> Result<T, StepError> {
    let start = Instant::now();
    runtime.block_on(async {
        tokio::pin!(future);
        loop {
            if let Ok(outcome) = tokio::time::timeout(LOOK, &mut future).await {
                return outcome;
            }
            if let Some(reason) = node.failure() {
                return Err(StepError::NodeEnded { reason });
            }
            if start.elapsed() >= STEP_MAX {
                return Err(StepError::Late { what, seconds: STEP_MAX.as_secs() });
            }
        }
    })
}

/// What a transaction's events say about something.
fn found<T>(committed: &Committed, what: &'static str, pick: impl Fn(&Event) -> Option<T>) -> Result<T, StepError> {
    committed.outcome.events.iter().find_map(pick).ok_or(StepError::NoEvent { what })
}

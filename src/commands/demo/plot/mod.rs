//! What happens, in order: one file for each part of the story.

use std::sync::Arc;

use attestation::hex;
use chain::types::{Hash, JobPolicy};
use circuits::model::bundle::Bundle;
use circuits::model::tensor::Tensor;
use prover::import::digits::Digit;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use serde_json::{Value, json};
use verifier::setup::Setup;
use worker::executor::Executor;
use worker::{Models, ServedModel};

use super::Demo;
use super::books::{Books, Purses};
use super::cast;
use super::crew::{self, Member};
use super::error::{DemoError, StepError};
use super::story::{Story, Told};
use super::world::{Offer, Settled, World};
use crate::commands::prover::label;
use crate::output::{amount, printable, short};

mod cheat;
mod proven;
mod refusals;
mod sampled;

/// Where `assay chain dev` keeps the chain inside its data directory.
const CHAIN: &str = "chain";
/// One hundred percent, basis points.
const FULL_BPS: u32 = 10_000;

/// A job that asks for a proof.
const PROVEN: Offer = Offer {
    policy: JobPolicy { proof_required: true, trust_bps_min: 0, spot_rate_bps_min: FULL_BPS },
    price_per_unit: 10_000,
    escrow: 30_000_000,
};
/// A cheaper one that is content with a check of every result.
const SAMPLED: Offer = Offer {
    policy: JobPolicy { proof_required: false, trust_bps_min: 0, spot_rate_bps_min: FULL_BPS },
    price_per_unit: 2_000,
    escrow: 6_000_000,
};

/// The people, their model and the chain.
pub(super) struct Plot {
    pub(super) world: World,
    pub(super) crew: Vec<Member>,
    served: Arc<ServedModel>,
    setup: Setup,
    model: Hash,
    units: u64,
}

impl Plot {
    pub(super) fn bundle(&self) -> &Arc<Bundle> {
        self.served.bundle()
    }

    pub(super) fn key(&self) -> &ProvingKey {
        self.served.key()
    }

    pub(super) fn model(&self) -> &Hash {
        &self.model
    }

    /// Everything up to the first job: model, setup, keys, node, registrations, stakes.
    pub(super) fn prepare(
        arguments: &Demo,
        folder: &std::path::Path,
        story: &mut Story<'_>,
    ) -> Result<Self, DemoError> {
        let bundle = story.step("model", |_| {
            let bundle = cast::model()?;
            // A device that is not there is better missed now than by a worker that keeps trying.
            Executor::new(&bundle, arguments.device)?;
            let name = format!("\"{}\"", printable(&bundle.info().name));
            let text = format!("{name}, quantised to integers, bundle {}", short(&bundle.hash()));
            let told = Told::new(text, json!({ "bundle_hash": hex::encode(&bundle.hash()) }));
            Ok((bundle, told))
        })?;
        let setup = story.step("setup", |progress| {
            let k = bundle.graph().layout().k;
            let setup = development(k, &|done, total| progress.set(done, total))?;
            let text = format!("development setup for circuits of 2^{k} rows; its secret is public");
            let figures = json!({ "k": k, "setup_id": hex::encode(&setup.id()) });
            Ok((setup, Told::new(text, figures)))
        })?;
        let served = story.step("keys", |_| {
            let served = Arc::new(ServedModel::derive(Arc::clone(&bundle), &setup)?);
            let key = served.key();
            let (rows, k) = (key.verifying().commitment().rows.len(), key.plan().k());
            let text = format!("weights committed in {rows} rows, circuit of 2^{k} rows, nothing secret in the key");
            let figures = json!({ "k": k, "rows": rows, "key_digest": hex::encode(&key.verifying().digest()) });
            Ok((served, Told::new(text, figures)))
        })?;
        let world = story.step("node", |_| {
            let world = World::open(folder, setup.k())?;
            let (chain_id, genesis) = (world.genesis.chain_id(), world.genesis.hash());
            let (url, process) = (world.node().url().to_owned(), world.node().process());
            let text = format!(
                "process {}, {url}: chain {chain_id}, genesis {}, one validator",
                process.map_or_else(|| "-".to_owned(), |process| process.to_string()),
                short(&genesis)
            );
            let figures =
                json!({ "chain_id": chain_id, "genesis": hex::encode(&genesis), "url": url, "process": process });
            Ok((world, Told::new(text, figures)))
        })?;
        story.aside("kill it with kill -9 whenever you like: it is started again and the story goes on");
        let units = bundle.graph().multiply_accumulates();
        let (model, units) = story.step("register model", |_| {
            let (model, units, height) = world.register_model(served.key().verifying(), units)?;
            let text = format!(
                "block {height}: model {}; the node derived the key from the public graph; {units} units a run",
                short(&model)
            );
            let figures = json!({ "height": height, "model_hash": hex::encode(&model), "units": units });
            Ok(((model, units), Told::new(text, figures)))
        })?;
        let crew = story.step("workers", |_| {
            let crew = enlist(&world, &served, arguments)?;
            let text = format!(
                "{} registered, {} tokens of stake behind each; they check each other's results from now on",
                crew.len(),
                amount(crew::STAKE)
            );
            let workers: Vec<Value> = crew
                .iter()
                .map(|member| json!({ "name": member.name, "worker": hex::encode(member.operator.worker()) }))
                .collect();
            Ok((crew, Told::new(text, json!({ "workers": workers, "stake_micro": crew::STAKE.to_string() }))))
        })?;
        Ok(Self { world, crew, served, setup, model, units })
    }

    /// Lets everybody go, stops the node and reads its files; returns the books and how often it was started again.
    pub(super) fn close(self) -> Result<((Books, u32), Told), StepError> {
        let purses = Purses::read(&self)?;
        let Self { world, crew, setup, .. } = self;
        world.wait("the end of the checks", async {
            for member in crew {
                member.dismiss().await?;
            }
            Ok(())
        })?;
        let (genesis, directory) = (world.genesis.clone(), world.node().folder().join(CHAIN));
        let restarts = world.close()?;
        let books = Books::audit(purses, &directory, &genesis, &setup)?;
        let text = match restarts {
            0 => "the node stopped; its files read again, every block run again here: the same totals and roots"
                .to_owned(),
            times => format!(
                "the node, killed {times} times, stopped; its files read and every block run again: the same totals and roots"
            ),
        };
        let told = Told::new(text, books.data());
        Ok(((books, restarts), told))
    }

    /// Worker number `number`, from 1.
    fn member(&self, number: usize) -> Result<&Member, StepError> {
        self.crew.get(number.saturating_sub(1)).ok_or(StepError::NoSuchMember)
    }
}

/// All five at once: each acts through its own account.
fn enlist(world: &World, served: &Arc<ServedModel>, arguments: &Demo) -> Result<Vec<Member>, StepError> {
    let models: Models = std::iter::once(Arc::clone(served)).collect();
    world.wait("the workers' registrations", async {
        let enlist = |number| {
            let (client, models) = (world.client.clone(), models.clone());
            let (device, runtime) = (arguments.device, world.runtime().clone());
            world.runtime().spawn(async move { Member::enlist(number, &client, &models, device, &runtime).await })
        };
        let tasks: Vec<_> = (1..=crate::development::WORKERS.len()).map(enlist).collect();
        let mut crew = Vec::new();
        for task in tasks {
            crew.push(task.await.map_err(worker::WorkerError::from)??);
        }
        Ok(crew)
    })
}

fn posted(world: &World, model: &Hash, input: &Tensor, offer: Offer) -> Result<(Hash, Told), StepError> {
    let posted = world.post(model, input, offer)?;
    let wants = if offer.policy.proof_required { "a proof" } else { "no proof, but a check by another worker" };
    let text = format!(
        "block {}: which digit is this? {} tokens in escrow; wants {wants}",
        posted.height,
        amount(posted.escrow)
    );
    let figures = json!({
        "height": posted.height,
        "job": hex::encode(&posted.job),
        "escrow_micro": posted.escrow.to_string(),
        "input": input,
    });
    Ok((posted.job, Told::new(text, figures)))
}

fn minted(settled: &Settled, why: &str) -> Told {
    let Settled { height, result, reward, paid, burned, returned } = *settled;
    let text = format!(
        "block {height}: {} tokens minted{why}; of the escrow {} paid, {} burned, {} returned",
        amount(reward),
        amount(paid),
        amount(burned),
        amount(returned)
    );
    let figures = json!({
        "height": height,
        "result": hex::encode(&result),
        "reward_micro": reward.to_string(),
        "paid_micro": paid.to_string(),
        "burned_micro": burned.to_string(),
        "returned_micro": returned.to_string(),
    });
    Told::new(text, figures)
}

/// What the model says, beside what the picture shows.
fn read(bundle: &Bundle, output: &Tensor, digit: &Digit) -> String {
    match label(bundle, output) {
        Some(label) if label == digit.label.to_string() => format!("a {label}, and so it is"),
        Some(label) => format!("a {label}, though it is a {}: the proof shows what the model says", digit.label),
        None => String::new(),
    }
}

//! What happens, in order.

use std::sync::Arc;

use attestation::hex;
use chain::types::Hash;
use chain::types::genesis::DEVELOPMENT_CHAIN_ID;
use circuits::model::bundle::Bundle;
use prover::import::digits::Digit;
use prover::prove::{Proven, prove};
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;
use serde_json::{Value, json};
use verifier::setup::Setup;

use super::Demo;
use super::cast::{self, Cast};
use super::error::{DemoError, StepError};
use super::forgery;
use super::story::{Story, Told};
use super::work::{Bench, Work};
use super::world::{Leased, Settled, World};
use crate::commands::prover::{label, nanoseconds, values};
use crate::output::{amount, bytes, printable, short};

/// Number of the second chain.
const OTHER_CHAIN_ID: u32 = DEVELOPMENT_CHAIN_ID + 1;

// What each forgery must be refused with.
const RECEIPT_CHAIN_MISMATCH: u16 = 701;
const CONTEXT_MISMATCH: u16 = 705;
const WORK_SPENT: u16 = 706;
const PROOF_REJECTED: u16 = 723;

/// The people, their model and the chain.
pub(super) struct Plot {
    cast: Cast,
    bench: Bench,
    bundle: Arc<Bundle>,
    setup: Setup,
    key: ProvingKey,
    world: World,
    model: Hash,
    units: u64,
}

impl Plot {
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn cast(&self) -> &Cast {
        &self.cast
    }

    pub(super) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(super) fn key(&self) -> &ProvingKey {
        &self.key
    }

    pub(super) fn model(&self) -> &Hash {
        &self.model
    }

    /// Everything up to the job: model, setup, keys, chain, registrations, stake. Also returns two digits.
    pub(super) fn prepare(arguments: &Demo, story: &mut Story<'_>) -> Result<(Self, [Digit; 2]), DemoError> {
        let (bench, bundle, digits) = story.step("model", |_| {
            let bench = Bench::new(arguments.device)?;
            let bundle = cast::model()?;
            let digits = cast::digits(usize::from(arguments.image))?;
            let text = format!("{}, quantised to integers, bundle {}", name(&bundle), short(&bundle.hash()));
            let told = Told::new(text, json!({ "bundle_hash": hex::encode(&bundle.hash()) }));
            Ok(((bench, bundle, digits), told))
        })?;
        let setup = story.step("setup", |progress| {
            let k = bundle.graph().layout().k;
            let setup = development(k, &|done, total| progress.set(done, total))?;
            let text = format!("development setup for circuits of 2^{k} rows; its secret is public");
            let figures = json!({ "k": k, "setup_id": hex::encode(&setup.id()) });
            Ok((setup, Told::new(text, figures)))
        })?;
        let key = story.step("keys", |_| {
            let key = ProvingKey::derive(Arc::clone(&bundle), &setup)?;
            let (rows, k) = (key.verifying().commitment().rows.len(), key.plan().k());
            let text = format!("weights committed in {rows} rows, circuit of 2^{k} rows, nothing secret in the key");
            let figures = json!({ "k": k, "rows": rows, "key_digest": hex::encode(&key.verifying().digest()) });
            Ok((key, Told::new(text, figures)))
        })?;
        let cast = Cast::new();
        let mut world = story.step("genesis", |_| {
            let world = World::open(DEVELOPMENT_CHAIN_ID, &cast, &setup)?;
            let genesis = world.chain.machine().genesis_hash();
            let text = format!("chain {}, genesis {}, one validator", world.chain_id(), short(genesis));
            let told = Told::new(text, json!({ "chain_id": world.chain_id(), "genesis": hex::encode(genesis) }));
            Ok((world, told))
        })?;
        let units = cast::units(&bundle);
        let model = story.step("register model", |_| {
            let (model, units) = world.register_model(&cast.owner, key.verifying(), units)?;
            let text = format!(
                "block {}: model {}; the node derived the key from the public graph; {units} units a run",
                world.height(),
                short(&model)
            );
            let figures = json!({ "height": world.height(), "model_hash": hex::encode(&model), "units": units });
            Ok((model, Told::new(text, figures)))
        })?;
        story.step("register worker", |_| {
            let worker = world.register_worker(&cast, &model, bench.hardware())?;
            let text =
                format!("block {}: worker {}, ML-DSA-65 key, no attesting hardware", world.height(), short(&worker));
            Ok(((), Told::new(text, json!({ "height": world.height(), "worker": hex::encode(&worker) }))))
        })?;
        story.step("stake", |_| {
            let staked = world.stake(&cast)?;
            let text = format!("block {}: {} tokens behind the worker", world.height(), amount(staked));
            Ok(((), Told::new(text, json!({ "height": world.height(), "stake_micro": staked.to_string() }))))
        })?;
        Ok((Self { cast, bench, bundle, setup, key, world, model, units }, digits))
    }

    /// One job: post, lease, run, prove, sign, submit, mint.
    pub(super) fn job(&mut self, story: &mut Story<'_>, digit: &Digit) -> Result<(Leased, Work), DemoError> {
        let Self { cast, bench, bundle, key, world, model, units, .. } = self;
        let job = story.step("post job", |_| {
            let (job, escrow) = world.post(cast, model, &digit.image)?;
            let text = format!("block {}: which digit is this? {} tokens in escrow", world.height(), amount(escrow));
            let figures = json!({
                "height": world.height(),
                "job": hex::encode(&job),
                "escrow_micro": escrow.to_string(),
                "input": digit.image,
            });
            Ok((job, Told::new(text, figures)))
        })?;
        story.show(&digit.image);
        let leased = story.step("lease", |_| {
            let leased = world.lease(cast, &job)?;
            let digest = leased.context.digest();
            let text = format!("block {}: work context {}, fixed before anything runs", world.height(), short(&digest));
            let figures =
                json!({ "height": world.height(), "context": leased.context, "context_digest": hex::encode(&digest) });
            Ok((leased, Told::new(text, figures)))
        })?;
        story.aside("it binds chain, genesis, job, model, input, worker, device, the beacon's nonce and the time");
        let (trace, elapsed) = story.step("run", |_| {
            let (trace, elapsed) = bench.run(key, &digit.image)?;
            let text = format!("candle on {}, equal to the reference executor in every value", bench.device());
            let figures = json!({ "device": bench.device().to_string(), "inference_ns": nanoseconds(elapsed) });
            Ok(((trace, elapsed), Told::new(text, figures)))
        })?;
        let Proven { statement, proof } = story.step("prove", |_| {
            let proven = prove(key, leased.context.digest(), &trace.values)?;
            let size = proven.proof.to_bytes().len();
            let text = format!("output {}: {}", values(&proven.statement.output), read(bundle, &proven, digit));
            Ok((proven, Told::new(text, json!({ "proof_bytes": size }))))
        })?;
        let work = story.step("sign", |_| {
            let (signed, evidence) = bench.sign(cast, &leased.context, &statement.output, *units, elapsed)?;
            let text = format!("receipt {}, ML-DSA-65; {} evidence", short(&signed.digest()), evidence.kind());
            let figures = json!({ "receipt_digest": hex::encode(&signed.digest()) });
            let work = Work { signed, evidence, input: statement.input, output: statement.output, proof };
            Ok((work, Told::new(text, figures)))
        })?;
        story.step("verify", |_| {
            let statement = work.statement(&leased);
            let verified = verifier::proof::verify(key.verifying(), &statement, &work.proof);
            verified.map_err(prover::prove::ProveError::from)?;
            let size = work.proof.bytes.len();
            let text = format!("{} of proof, checked with the loaded key", bytes(size as u64));
            Ok(((), Told::new(text, json!({ "proof_body_bytes": size }))))
        })?;
        let transaction = story.step("submit", |_| {
            let transaction = world.hand_in(cast, &leased.lease, &work)?;
            let text = "the node checked lease, signature, figures, evidence and proof before taking it";
            Ok((transaction, Told::new(text, json!({ "transaction": hex::encode(&transaction) }))))
        })?;
        story.step("mint", |_| mint(world, &transaction))?;
        Ok((leased, work))
    }

    /// A receipt is paid once: neither again nor by another chain.
    pub(super) fn replays(&mut self, story: &mut Story<'_>, spent: &Leased, settled: &Work) -> Result<(), DemoError> {
        let Self { cast, bench, setup, key, world, units, .. } = self;
        story.refusal("same receipt", "the receipt that was just paid, in a new transaction", WORK_SPENT, |_| {
            world.refuse(cast, &spent.lease, settled, WORK_SPENT)
        })?;
        story.refusal(
            "other chain",
            &format!("the same receipt on chain {OTHER_CHAIN_ID}, with the same model, worker and job, and a lease"),
            RECEIPT_CHAIN_MISMATCH,
            |_| {
                let mut other = World::open(OTHER_CHAIN_ID, cast, setup)?;
                let (model, _) = other.register_model(&cast.owner, key.verifying(), *units)?;
                other.register_worker(cast, &model, bench.hardware())?;
                other.stake(cast)?;
                let (job, _) = other.post(cast, &model, &settled.input)?;
                let leased = other.lease(cast, &job)?;
                other.refuse(cast, &leased.lease, settled, RECEIPT_CHAIN_MISMATCH)
            },
        )
    }

    /// A second job, for which every lie is refused and the honest result still taken.
    pub(super) fn lies(&mut self, story: &mut Story<'_>, second: &Digit) -> Result<(), DemoError> {
        let Self { cast, bench, bundle, setup, key, world, model, units } = self;
        let (leased, honest) = story.step("second job", |_| {
            let (job, _) = world.post(cast, model, &second.image)?;
            let leased = world.lease(cast, &job)?;
            let honest = bench.work(cast, key, &leased.context, &second.image, *units)?;
            let text = format!("block {}: posted, leased, run, proven, signed; not handed in yet", world.height());
            Ok(((leased, honest), Told::new(text, json!({ "height": world.height() }))))
        })?;
        story.refusal(
            "changed byte",
            "one bit of the proof flipped, its checksum made right",
            PROOF_REJECTED,
            |_| world.refuse(cast, &leased.lease, &forgery::changed_byte(&honest), PROOF_REJECTED),
        )?;
        story.refusal(
            "other weights",
            "an honest proof of a model with other weights, relabelled",
            PROOF_REJECTED,
            |_| {
                let other = ProvingKey::derive(cast::other_weights(bundle)?, setup)?;
                let forged = forgery::other_weights(bench, cast, key, &other, &leased, &honest)?;
                world.refuse(cast, &leased.lease, &forged, PROOF_REJECTED)
            },
        )?;
        story.refusal("never leased", "honest work under a context that no lease made", CONTEXT_MISMATCH, |_| {
            let forged = forgery::invented_context(bench, cast, key, &leased, &honest)?;
            world.refuse(cast, &leased.lease, &forged, CONTEXT_MISMATCH)
        })?;
        story.refusal(
            "false output",
            "another answer, signed, with the true proof relabelled",
            PROOF_REJECTED,
            |_| {
                let forged = forgery::false_output(bench, cast, &leased, &honest)?;
                world.refuse(cast, &leased.lease, &forged, PROOF_REJECTED)
            },
        )?;
        let transaction = story.step("honest result", |_| {
            let transaction = world.hand_in(cast, &leased.lease, &honest)?;
            let told = Told::new(
                "still taken: no refusal changed the state",
                json!({ "transaction": hex::encode(&transaction) }),
            );
            Ok((transaction, told))
        })?;
        story.step("mint", |_| mint(world, &transaction))
    }
}

fn mint(world: &mut World, transaction: &Hash) -> Result<((), Told), StepError> {
    let Settled { height, reward, paid, burned, returned } = world.mint(transaction)?;
    let text = format!(
        "block {height}: {} tokens minted; of the escrow {} paid, {} burned, {} returned",
        amount(reward),
        amount(paid),
        amount(burned),
        amount(returned)
    );
    let figures: Value = json!({
        "height": height,
        "reward_micro": reward.to_string(),
        "paid_micro": paid.to_string(),
        "burned_micro": burned.to_string(),
        "returned_micro": returned.to_string(),
    });
    Ok(((), Told::new(text, figures)))
}

fn name(bundle: &Bundle) -> String {
    format!("\"{}\"", printable(&bundle.info().name))
}

/// What the model says, beside what the picture shows.
fn read(bundle: &Bundle, proven: &Proven, digit: &Digit) -> String {
    match label(bundle, &proven.statement.output) {
        Some(label) if label == digit.label.to_string() => format!("a {label}, and so it is"),
        Some(label) => format!("a {label}, though it is a {}: the proof shows what the model says", digit.label),
        None => String::new(),
    }
}

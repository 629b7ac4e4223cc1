//! `assay worker`: run a worker against a node.
//!
//! What a worker owes is on the chain, so it can be stopped and started again at any time: the next start takes up its
//! lease, its results and its checks. The first Ctrl-C or SIGTERM drains it: nothing new is taken, and it ends when all it
//! handed in is final. The second ends it at once.

use std::path::PathBuf;
use std::sync::Arc;

use ::chain::types::{Hash, LeaseKind};
use ::worker::engine::CandleEngine;
use ::worker::executor::Device;
use ::worker::models::{ModelError, ServedModel};
use ::worker::operator::Registered;
use ::worker::report::WorkerReport;
use ::worker::{CheckLoop, Hardware, JobLoop, JobSettings, Models, Operator, PresenceLoop, Reports, WorkerError, stop};
use attestation::evidence::software;
use attestation::hex;
use circuits::model::bundle::Bundle;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use self::devices::DeviceOptions;
use self::inputs::InputFolder;
use self::report::describe;
use self::totals::Totals;
use crate::commands::memory::MemoryOptions;
use crate::commands::names::{self, Amount};
use crate::commands::node::{NodeOptions, block_on};
use crate::commands::proving_keys::KeyOptions;
use crate::commands::setups::development_setup;
use crate::commands::signer::{Password, SignerOptions, WorkerKeyOptions};
use crate::commands::stop::Stop;
use crate::error::CliError;
use crate::files;
use crate::output::{Done, LogOptions, Output, amount};

mod devices;
mod inputs;
mod report;
mod rewards;
mod sign;
mod totals;

const NAME: &str = "worker run";
/// What evidence calls the machine; receipts are public, and need not name it.
pub(super) const HOST: &str = "worker";

/// Do jobs and checks for pay, and see what they brought
#[derive(Debug, Subcommand)]
pub(crate) enum Worker {
    Run(Box<Run>),
    Sign(Box<sign::Sign>),
    Rewards(rewards::Rewards),
}

/// Take jobs, hand in results, check those of others, until it is stopped; registers and stakes first if needed
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay worker run --as operator-1 --as-worker worker-1 --model digits.assay\n  assay worker run --key account.pem --worker-key worker.pem --model digits.assay --stake 60 --data-dir chain\n\nThe first Ctrl-C or SIGTERM drains it: it takes nothing new and ends when all it handed in is final, exit code 0.\nThe second ends it at once, exit code 130; the next start goes on where it was.\nWith --json it prints one line of JSON for each report."
)]
pub(crate) struct Run {
    #[command(flatten)]
    signer: SignerOptions,
    #[command(flatten)]
    worker_key: WorkerKeyOptions,
    #[command(flatten)]
    node: NodeOptions,
    /// Model file (.assay) that it serves; once for each
    #[arg(long, value_name = "FILE", required = true)]
    model: Vec<PathBuf>,
    /// Stake at least this many tokens behind the worker; what is there counts
    #[arg(long, value_name = "TOKENS", default_value = "60")]
    stake: Amount,
    /// Folder with the inputs of jobs that name theirs by hash, each in a file HASH.json; looked at while it runs
    #[arg(long, value_name = "DIR")]
    inputs: Option<PathBuf>,
    /// How to take jobs that allow both
    #[arg(long, value_enum, default_value_t = Mode::Proof)]
    mode: Mode,
    /// Take no job that pays less, tokens per unit
    #[arg(long, value_name = "TOKENS", default_value = "0")]
    price_per_unit_min: Amount,
    /// Answer the synthetic task of every epoch, so that uptime adds to rewards; costs two fees an epoch
    #[arg(long)]
    answer_tasks: bool,
    /// Where to run models: cpu or cuda:N
    #[arg(long, default_value = "cpu", value_name = "DEVICE")]
    device: Device,
    #[command(flatten)]
    devices: DeviceOptions,
    #[command(flatten)]
    keys: KeyOptions,
    #[command(flatten)]
    memory: MemoryOptions,
    #[command(flatten)]
    logs: LogOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// With a proof: paid at once, at full trust
    Proof,
    /// Without one: paid after its review, at the trust of its evidence
    Sampled,
}

impl Worker {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => NAME,
            Self::Sign(_) => "worker sign",
            Self::Rewards(_) => "worker rewards",
        }
    }
}

pub(super) fn run(command: &Worker, output: &Output) -> Result<Done, CliError> {
    match command {
        Worker::Run(arguments) => work_until_stopped(arguments, output),
        Worker::Sign(arguments) => sign::run(arguments, output),
        Worker::Rewards(arguments) => rewards::run(arguments, output),
    }
}

fn work_until_stopped(arguments: &Run, output: &Output) -> Result<Done, CliError> {
    let Run { signer, worker_key, node, model, device, devices, keys, memory, logs, .. } = arguments;
    output.stream();
    logs.start()?;
    let client = node.client()?;
    let mut password = Password::new(&signer.password);
    let key = signer.signer(&mut password, output)?;
    let worker_key = worker_key.key(&mut password, output)?;
    let mut hardware = Hardware::this_machine(*device, HOST).map_err(CliError::Hardware)?;
    if let Some(devices) = devices.open()? {
        hardware = hardware.with_devices(Arc::new(devices));
    }
    let inputs = Arc::new(InputFolder::open(arguments.inputs.as_deref())?);
    let models = models(model, keys, memory, output)?;
    let engine = Arc::new(CandleEngine::new(*device));
    engine.load(&models)?;
    block_on(async {
        let account = key.account(&client).await?;
        let (sender, reports) = unbounded_channel();
        // Nobody listens any more once the command ends.
        let listener = move |report| drop(sender.send(report));
        let operator = Operator::new(account, worker_key, models, hardware, engine, inputs, Reports::new(listener));
        let stop = Stop::listen()?;
        begin(arguments, &operator, output).await?;
        work(arguments, operator, reports, stop, output).await
    })
}

/// Reads the models and gets their keys.
fn models(paths: &[PathBuf], keys: &KeyOptions, memory: &MemoryOptions, output: &Output) -> Result<Models, CliError> {
    let mut bundles = Vec::with_capacity(paths.len());
    for path in paths {
        bundles.push(Arc::new(files::read_model(path)?));
    }
    memory.check(bundles.iter().map(|bundle| bundle.graph()))?;
    let k = bundles.iter().map(|bundle| bundle.graph().layout().k).max().unwrap_or(1);
    let setup = development_setup(k, output)?;
    let served = |bundle: &Arc<Bundle>| {
        let obtained = keys.obtain(bundle, &setup, output).map_err(|error| match error {
            CliError::ProvingKey(source) => CliError::Model(ModelError { name: bundle.info().name.clone(), source }),
            other => other,
        })?;
        Ok(Arc::new(ServedModel::new(obtained.key)))
    };
    bundles.iter().map(served).collect()
}

/// Registers and stakes, where that is not done yet.
async fn begin(arguments: &Run, operator: &Operator, output: &Output) -> Result<(), CliError> {
    let registered = operator.register().await?;
    let Registered { worker, before, missing, unregistered } = &registered;
    check_devices(operator, output).await?;
    let Amount(stake) = arguments.stake;
    let staked = operator.stake(stake).await?;
    output.heading(&format!("worker {}", names::worker(worker)));
    output.field("operator", names::account(&operator.account().address()));
    output.field("node", operator.client().url());
    output.field("registered", if *before { "before" } else { "now" });
    output.field("staked", format!("{} tokens more", amount(staked)));
    for model in operator.models().hashes() {
        output.field("model", hex::encode(model));
    }
    for model in missing {
        output.warn(format!(
            "it is registered for model {} and has no file of it: drawn to check it, it is slashed for its silence",
            hex::encode(model)
        ));
    }
    for model in unregistered {
        output.warn(format!(
            "it is not registered for model {}, so it takes no job of it: `assay chain tx update-worker --model` names all \
             that it is to serve",
            hex::encode(model)
        ));
    }
    let text = |hashes: &[Hash]| hashes.iter().map(|hash| hex::encode(hash)).collect::<Vec<_>>();
    let data = json!({
        "worker": hex::encode(worker),
        "operator": operator.account().address(),
        "registered_before": before,
        "staked_micro": staked.to_string(),
        "models": operator.models().hashes().map(|hash| hex::encode(hash)).collect::<Vec<_>>(),
        "missing_models": text(missing),
        "unregistered_models": text(unregistered),
    });
    output.event(NAME, "ready", data);
    Ok(())
}

/// A worker that takes jobs for devices it cannot reach would lose a bond for each.
async fn check_devices(operator: &Operator, output: &Output) -> Result<(), CliError> {
    let Some(registration) = operator.registration().await? else { return Ok(()) };
    let is_bound = registration.device != software::device_id(operator.worker());
    match (is_bound, operator.hardware().has_devices()) {
        (true, false) => Err(CliError::usage(format!(
            "this worker is bound to hardware, device {}: start it there with --attest-gpu or --attest-cpu, or give the \
             hardware up (`assay chain tx bind-device --release`)",
            hex::encode(&registration.device)
        ))),
        (false, true) => {
            output.warn(
                "this worker is bound to no hardware, so its evidence is software's: bind it with `assay chain tx \
                 bind-device`"
                    .to_owned(),
            );
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Runs both loops and prints what they report.
async fn work(
    arguments: &Run,
    operator: Operator,
    mut reports: UnboundedReceiver<WorkerReport>,
    mut stop: Stop,
    output: &Output,
) -> Result<Done, CliError> {
    let Amount(price_per_unit_min) = arguments.price_per_unit_min;
    let prefer = match arguments.mode {
        Mode::Proof => LeaseKind::Proof,
        Mode::Sampled => LeaseKind::Sampled,
    };
    let (stopper, stopped) = stop::signal();
    let jobs = JobLoop::new(operator.clone(), JobSettings { prefer, price_per_unit_min }).run(stopped.clone());
    let checks = CheckLoop::new(operator.clone()).run(stopped.clone());
    let presence = async {
        match arguments.answer_tasks {
            true => PresenceLoop::new(operator, arguments.device).run(stopped).await,
            false => Ok(()),
        }
    };
    // A loop that ends by itself takes the others with it: going on with half a worker helps nobody.
    let all = async { tokio::try_join!(jobs, checks, presence) };
    tokio::pin!(all);
    let mut totals = Totals::default();
    let mut requests = 0u32;
    let ended: Result<_, WorkerError> = loop {
        tokio::select! {
            Some(report) = reports.recv() => tell(&report, &mut totals, output),
            ended = &mut all => break ended,
            () = stop.asked() => {
                requests = requests.saturating_add(1);
                if requests == 1 {
                    stopper.drain();
                    output.event(NAME, "draining", json!({}));
                    output.line("draining: nothing new is taken; again to end at once");
                } else {
                    stopper.halt();
                }
            }
        }
    };
    while let Ok(report) = reports.try_recv() {
        tell(&report, &mut totals, output);
    }
    ended?;
    if requests > 1 {
        return Err(CliError::Interrupted);
    }
    totals.print(output);
    Ok(Done::ok(totals.data()))
}

fn tell(report: &WorkerReport, totals: &mut Totals, output: &Output) {
    totals.count(report);
    output.event(NAME, "report", report);
    output.line(describe(report));
}

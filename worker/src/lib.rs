//! What a worker does: run models exactly, take jobs and settle them, and check the results of others.
//!
//! An [`Operator`] is one worker and the account that pays and is paid for it. [`JobLoop`] takes open jobs, runs them,
//! hands them in and follows them until they are final; [`CheckLoop`] does the checks and juries that the worker is
//! drawn for, and [`PresenceLoop`] the synthetic task of each epoch, if that is wanted. All act through the same [`Account`], which sends one transaction at a time, so they run side by side:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use attestation::identity::{ed25519, ml_dsa};
//! use chain::client::{Account, Client};
//! use circuits::model::bundle::Bundle;
//! use verifier::setup::Setup;
//! use worker::engine::CandleEngine;
//! use worker::executor::Device;
//! use worker::{CheckLoop, Hardware, JobLoop, JobSettings, Models, NoInputs, Operator, Reports, stop};
//!
//! async fn work(
//!     account_key: ed25519::SigningKey,
//!     worker_key: ml_dsa::SigningKey,
//!     bundles: Vec<Arc<Bundle>>,
//!     setup: Setup,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     let account = Account::open(Client::new("http://127.0.0.1:9944")?, account_key).await?;
//!     // Derives proving keys: seconds per model, so it belongs on a blocking thread.
//!     let models = tokio::task::spawn_blocking(move || Models::derive(bundles, &setup)).await??;
//!     let hardware = Hardware::this_machine(Device::Cpu, "my-host")?;
//!     let engine = Arc::new(CandleEngine::new(Device::Cpu));
//!     let reports = Reports::new(|report| { /* print it; every report is `serde::Serialize` */ let _ = report; });
//!     let operator = Operator::new(account, worker_key, models, hardware, engine, Arc::new(NoInputs), reports);
//!
//!     let registered = operator.register().await?; // says so if it is registered already
//!     let staked = operator.stake(60_000_000).await?; // adds what is missing up to this, perhaps nothing
//!     let _ = (registered, staked);
//!
//!     let (stopper, stopped) = stop::signal();
//!     // On the first Ctrl-C `stopper.drain()`: no new job, but finish what runs. On the second `stopper.halt()`.
//!     let (jobs, checks) = tokio::join!(
//!         JobLoop::new(operator.clone(), JobSettings::default()).run(stopped.clone()),
//!         CheckLoop::new(operator).run(stopped),
//!     );
//!     jobs?;
//!     checks?;
//!     drop(stopper);
//!     Ok(())
//! }
//! ```
//!
//! Nothing that matters is kept in memory only: what a worker owes is read from the chain, so a worker that was stopped,
//! or whose node was, goes on where it was. A lost race for a job is not an error, and neither is a node that is away:
//! the loops say so once and go on when it is back. They end by themselves only when going on is pointless.
//!
//! [`Account`]: chain::client::Account

pub mod checker;
pub mod clock;
pub mod engine;
pub mod error;
pub mod executor;
mod feed;
pub mod hardware;
pub mod inputs;
pub mod job;
pub mod models;
pub mod operator;
pub mod presence;
pub mod report;
pub mod salt;
mod speed;
pub mod stop;

pub use checker::CheckLoop;
pub use error::WorkerError;
pub use hardware::Hardware;
pub use inputs::{Inputs, NoInputs};
pub use job::{JobLoop, JobSettings};
pub use models::{Models, ServedModel};
pub use operator::Operator;
pub use presence::PresenceLoop;
pub use report::{Reports, WorkerReport};

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: T) {}

    #[expect(dead_code, reason = "it need only compile")]
    fn the_loops_run_on_any_thread(operator: Operator, stop: stop::Stop) {
        is_send(JobLoop::new(operator.clone(), JobSettings::default()).run(stop.clone()));
        is_send(CheckLoop::new(operator.clone()).run(stop.clone()));
        is_send(PresenceLoop::new(operator, executor::Device::Cpu).run(stop));
    }
}

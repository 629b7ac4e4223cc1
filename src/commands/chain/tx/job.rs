//! Asking for work, and calling a result wrong.

use std::path::PathBuf;

use ::chain::client::Account;
use ::chain::economics::share;
use ::chain::state::Key;
use ::chain::types::params::BPS;
use ::chain::types::transaction;
use ::chain::types::{Action, Hash, JobClass, JobInput, JobPolicy, Model, Placement};
use attestation::hex;
use circuits::model::graph::Graph;
use clap::{Args, ValueEnum};

use super::model::{ModelName, params};
use super::{Acts, Prepared};
use crate::commands::names::{Amount, Identifier};
use crate::commands::signer::Password;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Ask for a run of a model, and lock what it costs
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain tx post-job --as requester --model digits.assay --input seven.json --price-per-unit 0.01\n\nThe input is JSON: an array of integers in row-major order, or {\"shape\": [8, 8], \"values\": [..]}. It is public.\nWith --by-hash it becomes public with the result, and `assay chain query job` shows the hash that its file is named after."
)]
pub(in crate::commands) struct PostJob {
    /// Model hash, or the model file (.assay)
    #[arg(long, value_name = "HASH|FILE")]
    model: ModelName,
    /// Input, JSON
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Post the hash of the input only; hand the file to workers, who name it HASH.json in their folder of inputs
    #[arg(long)]
    by_hash: bool,
    /// Tokens for each unit
    #[arg(long, value_name = "TOKENS")]
    price_per_unit: Amount,
    /// Tokens to lock; what is not paid returns. Without it what the price, and perhaps a check, takes
    #[arg(long, value_name = "TOKENS")]
    escrow: Option<Amount>,
    /// What a result must bring
    #[arg(long, value_enum, default_value_t = Require::Proof)]
    require: Require,
    /// Share of results without a proof that is checked at least, basis points
    #[arg(long, default_value_t = 0, value_name = "BPS")]
    spot_rate_bps: u32,
    /// Least trust that the evidence must be worth, basis points
    #[arg(long, default_value_t = 0, value_name = "BPS")]
    trust_bps: u32,
    /// How long a lease lasts
    #[arg(long, value_enum, default_value_t = Class::Standard)]
    class: Class,
    /// Least video memory that a worker must declare, MiB
    #[arg(long, default_value_t = 0, value_name = "MIB")]
    video_memory_mib: u64,
    /// Country that workers are preferred in, ISO 3166-1 numeric; 0 for anywhere
    #[arg(long, default_value_t = 0, value_name = "CODE")]
    region: u16,
    /// Blocks until the job expires
    #[arg(long, default_value_t = 10_000, value_name = "BLOCKS")]
    deadline_blocks: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Require {
    /// A proof of the run
    Proof,
    /// A signed receipt with evidence, open to checks and challenges; a proof is taken too
    Attested,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Class {
    /// The standard timeout
    Standard,
    /// The timeout for large models
    Large,
}

impl Acts for PostJob {
    const NAME: &'static str = "chain tx post-job";

    fn prepare(&self, _: &mut Password<'_>, output: &Output) -> Result<impl Prepared, CliError> {
        files::open(&self.input)?;
        Ok(Posted { model: self.model.hash(output)?, asked: self.clone() })
    }
}

/// A job whose model is known.
struct Posted {
    model: Hash,
    asked: PostJob,
}

impl Prepared for Posted {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { model, asked } = self;
        let client = account.client();
        let registered: Option<Model> = client.get(&Key::Model(model)).await?;
        let registered = registered.ok_or_else(|| CliError::None { what: "model", id: hex::encode(&model) })?;
        let shape = Graph::decode(&registered.graph).map(|graph| graph.input().shape.clone()).unwrap_or_default();
        let input = files::read_input(&asked.input, &shape)?;
        let Amount(price_per_unit) = asked.price_per_unit;
        let proof_required = asked.require == Require::Proof;
        let escrow = match asked.escrow {
            Some(Amount(escrow)) => escrow,
            None => {
                let check_bps = if proof_required { 0 } else { params(account).await?.fee.check_bps };
                least_escrow(price_per_unit.saturating_mul(registered.units.into()), check_bps)
            }
        };
        Ok(Action::PostJob(transaction::PostJob {
            model,
            input: if asked.by_hash { JobInput::Reference(input.hash()) } else { JobInput::Inline(input) },
            policy: JobPolicy {
                proof_required,
                trust_bps_min: asked.trust_bps,
                spot_rate_bps_min: asked.spot_rate_bps,
            },
            class: match asked.class {
                Class::Standard => JobClass::Standard,
                Class::Large => JobClass::Large,
            },
            price_per_unit,
            escrow,
            deadline: client.status().await?.height.saturating_add(asked.deadline_blocks),
            placement: Placement { video_memory_mib_min: asked.video_memory_mib, region: asked.region },
        }))
    }
}

/// The least escrow that holds the price beside a check's share of the escrow itself.
fn least_escrow(price: u128, check_bps: u32) -> u128 {
    let rest = u128::from(BPS.saturating_sub(check_bps)).max(1);
    let escrow = price.saturating_mul(BPS.into()).div_ceil(rest);
    // A share is rounded down, so the quotient may be one micro-token more than is needed.
    match escrow.checked_sub(1) {
        Some(less) if share(less, check_bps).is_some_and(|check| less >= price.saturating_add(check)) => less,
        _ => escrow,
    }
}

/// Call a result wrong; the bond is lost if it is right, and returns with a reward if it is wrong
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx challenge --as operator-2 --result 0x..")]
pub(in crate::commands) struct Challenge {
    /// The result
    #[arg(long, value_name = "ID")]
    result: Identifier,
    /// Bond in tokens; the least that the chain asks for without it
    #[arg(long, value_name = "TOKENS")]
    bond: Option<Amount>,
}

impl Acts for Challenge {
    const NAME: &'static str = "chain tx challenge";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for Challenge {
    async fn action(self, account: &Account) -> Result<Action, CliError> {
        let Self { result: Identifier(result), bond } = self;
        let bond = match bond {
            Some(Amount(bond)) => bond,
            None => params(account).await?.bond.challenge_min,
        };
        Ok(Action::Challenge(transaction::Challenge { result, bond }))
    }
}

/// Have a jury's verdict against your worker judged by a larger one; locks as much as a challenge
#[derive(Clone, Copy, Debug, Args)]
#[command(after_help = "Example:\n  assay chain tx appeal --as operator-1 --result 0x..")]
pub(in crate::commands) struct Appeal {
    /// The result that was found wrong
    #[arg(long, value_name = "ID")]
    result: Identifier,
}

impl Acts for Appeal {
    const NAME: &'static str = "chain tx appeal";

    fn prepare(&self, _: &mut Password<'_>, _: &Output) -> Result<impl Prepared, CliError> {
        Ok(*self)
    }
}

impl Prepared for Appeal {
    async fn action(self, _: &Account) -> Result<Action, CliError> {
        let Self { result: Identifier(result) } = self;
        Ok(Action::Appeal(transaction::Appeal { result }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn the_least_escrow_is_enough_and_one_less_is_not() {
        for price in [0, 1, 2, 49, 50, 51, 9_799, 9_800, 9_801, 23_680_000, 10_000_000_007] {
            for check_bps in [0, 1, 200, 5_000] {
                let escrow = least_escrow(price, check_bps);
                let is_enough = |escrow: u128| escrow >= price + share(escrow, check_bps).unwrap();
                assert!(is_enough(escrow), "{price} {check_bps}");
                assert!(escrow == 0 || !is_enough(escrow - 1), "{price} {check_bps}");
            }
        }
    }
}

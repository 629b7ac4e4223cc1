//! `assay chain simulate`: what named adversaries are expected to earn, with each rule and without it.

use ::chain::economics::agents::{Agent, Prospect, prospects};
use ::chain::economics::bond::Offer;
use ::chain::economics::share;
use ::chain::types::Params;
use ::chain::types::params::BPS;
use clap::Args;
use serde_json::json;

use crate::commands::names::Amount;
use crate::error::CliError;
use crate::output::{Done, Output, TOKEN, Tone};

/// Show what cheating is expected to earn on a development chain, against honesty, with each rule and without it
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Example:\n  assay chain simulate --units 2368 --price 0.01\n\nExact expected values for one job, in tokens; nothing is drawn at random. The last column is no where cheating pays."
)]
pub(in crate::commands) struct Simulate {
    /// Units of the job
    #[arg(long, default_value_t = 2_368)]
    units: u64,
    /// Tokens a unit
    #[arg(long, value_name = "TOKENS", default_value = "0.01")]
    price: Amount,
    /// Share of its results that the job asks to be checked, bps; the chain's own rate if that is more
    #[arg(long, value_name = "BPS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(BPS)))]
    spot_rate_bps: u32,
}

pub(super) fn run(arguments: &Simulate, output: &Output) -> Result<Done, CliError> {
    let Simulate { units, price: Amount(price_per_unit), spot_rate_bps: spot_rate_bps_min } = *arguments;
    let params = Params::development();
    let beyond = || CliError::usage("--units and --price: the amounts leave the range of money".to_owned());
    let price = price_per_unit.checked_mul(units.into()).ok_or_else(beyond)?;
    let check = share(price, params.fee.check_bps.saturating_mul(2)).ok_or_else(beyond)?;
    let escrow = price.checked_add(check).ok_or_else(beyond)?;
    let offer = Offer { units, price_per_unit, escrow, trust_bps_min: 6_000, spot_rate_bps_min };
    let prospects = prospects(&params, 0, &offer).ok_or_else(beyond)?;
    output.heading("expected value of one job, tokens");
    output.line(format!(
        "  {:14} {:20} {:>14} {:>14} {:>14}  {}",
        "agent", "rule", "honest", "with", "without", "deters"
    ));
    for prospect in &prospects {
        output.line(row(prospect, output));
    }
    output.gap();
    output.line("  honest: the same jobs done honestly, or nothing where honesty is not to act");
    output.line("  the bulk cheat plays sixteen jobs, every other agent one; running the model costs the most it can");
    output.line("  with one validator, who can grind the beacon, checks deter nobody that it sides with");
    let rows: Vec<_> = prospects
        .iter()
        .map(|prospect| json!({ "prospect": prospect, "deters": prospect.deters(), "needed": prospect.is_needed() }))
        .collect();
    Ok(Done::ok(json!({ "units": units, "price_per_unit": price_per_unit.to_string(), "agents": rows })))
}

fn row(prospect: &Prospect, output: &Output) -> String {
    let Prospect { agent, rule, honest, with, without } = prospect;
    let deters = if prospect.deters() { output.paint(Tone::Good, "yes") } else { output.paint(Tone::Bad, "no") };
    let [honest, with, without] = [honest, with, without].map(|value| tokens(value.micro()));
    format!("  {:14} {rule:20} {honest:>14} {with:>14} {without:>14}  {deters}", name(*agent))
}

fn name(agent: Agent) -> &'static str {
    match agent {
        Agent::Lazy => "lazy",
        Agent::SmallModel => "small model",
        Agent::Colluder => "colluder",
        Agent::Bulk => "bulk cheat",
        Agent::Runner => "runner",
        Agent::SelfDealer => "self-dealer",
        Agent::CopyCat => "copy-cat juror",
        Agent::Griefer => "griefer",
        Agent::IdleChecker => "idle checker",
        Agent::Insured => "insured cheat",
    }
}

/// Signed tokens with six decimals.
fn tokens(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let (whole, rest) = (micro.unsigned_abs() / TOKEN, micro.unsigned_abs() % TOKEN);
    format!("{sign}{whole}.{rest:06}")
}

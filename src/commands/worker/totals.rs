//! What a worker did while it ran.

use ::worker::report::WorkerReport;
use serde_json::{Value, json};

use crate::output::{Output, amount};

/// Counts of what was reported.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    submitted: u64,
    settled: u64,
    convicted: u64,
    voided: u64,
    checks: u64,
    refused: u64,
    reward: u128,
    paid: u128,
}

impl Totals {
    /// Counts one report.
    pub(super) fn count(&mut self, report: &WorkerReport) {
        let counter = match report {
            WorkerReport::Submitted { .. } => &mut self.submitted,
            WorkerReport::Settled { reward, paid, .. } => {
                self.reward = self.reward.saturating_add(*reward);
                self.paid = self.paid.saturating_add(*paid);
                &mut self.settled
            }
            WorkerReport::Convicted { .. } => &mut self.convicted,
            WorkerReport::Voided { .. } => &mut self.voided,
            WorkerReport::Revealed { .. } => &mut self.checks,
            WorkerReport::Refused { .. } => &mut self.refused,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }

    /// For people.
    pub(super) fn print(&self, output: &Output) {
        let Self { submitted, settled, convicted, voided, checks, refused, reward, paid } = *self;
        output.gap();
        output.heading("stopped");
        output.field("results", format!("{submitted} handed in, {settled} paid, {convicted} convicted, {voided} void"));
        output.field("earned", format!("{} tokens minted, {} from escrow", amount(reward), amount(paid)));
        output.field("checks", format!("{checks} done"));
        output.field("refused", format!("{refused} transactions"));
    }

    /// For machines.
    pub(super) fn data(&self) -> Value {
        let Self { submitted, settled, convicted, voided, checks, refused, reward, paid } = *self;
        json!({
            "submitted": submitted,
            "settled": settled,
            "convicted": convicted,
            "voided": voided,
            "checks": checks,
            "refused": refused,
            "reward_micro": reward.to_string(),
            "paid_micro": paid.to_string(),
        })
    }
}

//! How fast a worker gives tokens, measured before it takes jobs.
//!
//! The chain refuses a receipt with more tokens in a second than its worker's declared class can give, and nothing can be
//! declared anew while a job is leased. So each model that bills tokens is run before, and where the class that the
//! worker is registered with is too slow for what was measured, the right one is declared. A class is never lowered:
//! an operator may know that the machine is busy now.

use std::time::Duration;

use attestation::receipt::HardwareTier;
use chain::state::Key;
use chain::types::transaction::{Action, UpdateWorker};
use chain::types::{HardwareProfile, Model, Standing, WorkerRegistration};
use circuits::model::tensor::Tensor;

use crate::error::WorkerError;
use crate::operator::Operator;
use crate::report::WorkerReport;

/// Runs of a model, the fastest of which counts: a class must hold for every job.
const RUNS: usize = 3;
const TIERS: [HardwareTier; 4] =
    [HardwareTier::Entry, HardwareTier::Standard, HardwareTier::HighEnd, HardwareTier::Server];

/// Measures, and declares a faster class if the worker's is too slow.
pub(crate) async fn declare(operator: &Operator, registration: &WorkerRegistration) -> Result<(), WorkerError> {
    let mut tier = registration.profile.tier;
    for hash in &registration.models {
        let Some(served) = operator.models().get(hash) else { continue };
        let model: Model = operator.patiently(|| operator.object(Key::Model(*hash), "model", hash)).await?;
        if !model.formula.bills_tokens() {
            continue;
        }
        let input = served.bundle().graph().input();
        let value = if input.range.contains(0) { 0 } else { input.range.min };
        let count = input
            .shape
            .iter()
            .fold(1_usize, |count, size| count.saturating_mul(usize::try_from(*size).unwrap_or(usize::MAX)));
        let input = Tensor::new(input.shape.clone(), vec![value; count])?;
        for _ in 0..RUNS {
            let run = operator.run(served, &input).await?;
            tier = tier.max(least(model.tokens_out, run.elapsed));
        }
    }
    if tier <= registration.profile.tier {
        return Ok(());
    }
    let worker = *operator.worker();
    let standing: Option<Standing> =
        operator.patiently(|| async { Ok(operator.client().get(&Key::Standing(worker)).await?) }).await?;
    let standing = standing.unwrap_or_default();
    let action = UpdateWorker {
        worker,
        profile: HardwareProfile { tier, ..registration.profile.clone() },
        models: registration.models.clone(),
        region: standing.region,
        rates: standing.rates,
    };
    match operator.account().act(Action::UpdateWorker(Box::new(action))).await {
        Ok(_) => operator.report(WorkerReport::TierDeclared { tier }),
        Err(error) => {
            let error = WorkerError::from(error);
            if error.refusal().is_none() {
                return Err(error);
            }
            operator.report_refusal("declare a class of speed", &worker, &error);
        }
    }
    Ok(())
}

/// The slowest class that a run of this speed fits, with a quarter to spare.
fn least(tokens: u64, elapsed: Duration) -> HardwareTier {
    let fits = |tier: &HardwareTier| {
        tier.tokens_per_second_max().is_none_or(|max| {
            // Receipts count whole milliseconds.
            let room = u128::from(max).saturating_mul(elapsed.as_millis());
            u128::from(tokens).saturating_mul(1250) <= room
        })
    };
    TIERS.into_iter().find(fits).unwrap_or(HardwareTier::Server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_class_leaves_a_quarter_to_spare() {
        let least = |tokens, millis| least(tokens, Duration::from_millis(millis));
        assert_eq!(least(12, 1000), HardwareTier::Entry);
        assert_eq!(least(13, 1000), HardwareTier::Standard);
        assert_eq!(least(64, 1000), HardwareTier::Standard);
        assert_eq!(least(65, 1000), HardwareTier::HighEnd);
        assert_eq!(least(120, 1000), HardwareTier::HighEnd);
        assert_eq!(least(121, 1000), HardwareTier::Server);
        // A run below a millisecond has any speed.
        assert_eq!(least(1, 0), HardwareTier::Server);
        assert_eq!(least(0, 0), HardwareTier::Entry);
    }
}

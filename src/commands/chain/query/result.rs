//! What became of a result, in the words its worker needs: is it paid, how much, and if not, why and what comes next.

use ::chain::economics::invariants::DRAWS_MAX;
use ::chain::state::Key;
use ::chain::types::{Dispute, Hash, InferenceJob, JobResult, JobStatus, ResultStage, SpotCheck};
use attestation::hex;

use super::asked::Asked;
use crate::commands::chain::words::{percent, tokens};
use crate::commands::names;
use crate::error::CliError;
use crate::output::{Done, Tone};

/// What surrounds a result, as the node says.
struct Surroundings {
    height: u64,
    job: Option<InferenceJob>,
    check: Option<SpotCheck>,
    dispute: Option<Dispute>,
}

pub(super) async fn result(asked: &Asked<'_>, id: &Hash) -> Result<Done, CliError> {
    let output = asked.output;
    asked
        .show("result", Some(id), &Key::Result(*id), async |result: &JobResult| {
            let around = Surroundings::read(asked, id, result).await?;
            let (tone, verdict) = verdict(result.stage);
            output.field("stage", output.paint(tone, verdict));
            for line in explain(result, &around) {
                output.field("", line);
            }
            if result.stage == ResultStage::Settled {
                output.field("minted", tokens(result.reward));
                let paid = result.payment.saturating_sub(result.burned);
                output.field("escrow", format!("{} to the operator, {} burned", tokens(paid), tokens(result.burned)));
            }
            output.field("trust", percent(result.trust_bps));
            output.field("job", hex::encode(&result.job));
            output.field("lease", hex::encode(&result.lease));
            output.field("worker", names::worker(&result.worker));
            output.field("units", result.units.to_string());
            output.field("output hash", hex::encode(&result.output_hash));
            output.field("receipt", hex::encode(&result.receipt));
            if asked.proves() {
                output.field("not proven", "height, job, check and dispute, of which the lines under the stage speak");
            }
            Ok(())
        })
        .await
}

impl Surroundings {
    async fn read(asked: &Asked<'_>, id: &Hash, result: &JobResult) -> Result<Self, CliError> {
        let client = &asked.client;
        Ok(Self {
            height: client.status().await?.height,
            job: client.get(&Key::Job(result.job)).await?,
            check: client.get(&Key::SpotCheck(*id)).await?,
            dispute: client.get(&Key::Dispute(*id)).await?,
        })
    }
}

/// The stage in a few words.
pub(super) fn verdict(stage: ResultStage) -> (Tone, &'static str) {
    match stage {
        ResultStage::Settled => (Tone::Good, "settled: paid and minted for"),
        ResultStage::Convicted => (Tone::Bad, "convicted: found wrong, unpaid"),
        ResultStage::Void => (Tone::Bad, "void: nobody could judge it, unpaid"),
        ResultStage::Canary => (Tone::Bad, "a canary: planted to be wrong, unpaid"),
        ResultStage::Drawing => (Tone::Unsure, "not paid yet: waits for its draw"),
        ResultStage::CheckCommit | ResultStage::CheckReveal => (Tone::Unsure, "not paid yet: is being checked"),
        ResultStage::Waiting => (Tone::Unsure, "not paid yet: waits for the end of its challenge window"),
        ResultStage::Answering => (Tone::Unsure, "not paid yet: called wrong, waits for an answer"),
        ResultStage::JuryCommit | ResultStage::JuryReveal => (Tone::Unsure, "not paid yet: before a jury"),
        ResultStage::Appealing => (Tone::Bad, "found wrong by a jury, not convicted yet"),
    }
}

/// Why the result is where it is, and what comes next.
fn explain(result: &JobResult, around: &Surroundings) -> Vec<String> {
    let until = result.timer.map_or(result.closes_height, |slot| slot.height);
    let left = format!("height {until} ({} blocks from now)", until.saturating_sub(around.height));
    let checker =
        around.check.as_ref().map_or_else(|| "a worker".to_owned(), |check| names::worker(&check.seat.worker));
    let by_proof = result.trust_bps == 10_000;
    match result.stage {
        ResultStage::Drawing => vec![
            format!(
                "handed in without a proof: the beacon of the block at {left} decides whether it is checked, and by whom"
            ),
            "drawn and nobody free to check: drawn again, and void in the end".to_owned(),
        ],
        ResultStage::CheckCommit => {
            vec![format!("{checker} runs it again and commits to an output until {left}; then it reveals")]
        }
        ResultStage::CheckReveal => {
            vec![format!("{checker} committed and reveals its output until {left}; another output starts a dispute")]
        }
        ResultStage::Waiting => vec![format!("anyone with a bond can call it wrong until {left}; then it is paid")],
        ResultStage::Answering => {
            let mut lines = vec![accusation(around)];
            lines.push(format!(
                "its worker can end the dispute with a proof of its output until {left}; then a jury is drawn"
            ));
            lines
        }
        ResultStage::JuryCommit | ResultStage::JuryReveal => {
            let seats = around.dispute.as_ref().map(|dispute| dispute.seats.as_slice()).unwrap_or_default();
            let done = seats.iter().filter(|seat| match result.stage {
                ResultStage::JuryCommit => seat.commitment.is_some(),
                _ => seat.revealed.is_some(),
            });
            let step = if result.stage == ResultStage::JuryCommit { "committed" } else { "revealed" };
            vec![
                accusation(around),
                format!(
                    "{} of {} jurors {step}, the rest until {left}; their majority decides",
                    done.count(),
                    seats.len()
                ),
            ]
        }
        ResultStage::Appealing => vec![
            accusation(around),
            format!(
                "its worker can appeal to a larger jury, or answer with a proof, until {left}; then it is convicted"
            ),
        ],
        ResultStage::Settled if by_proof => vec![format!("by a proof, at height {}", result.height)],
        ResultStage::Settled => vec![format!("without a proof, after its review, at height {}", result.height)],
        ResultStage::Convicted => vec![
            format!("at height {} a jury's majority had another output", result.height),
            "the lease's bond is lost; from the second conviction on the worker is banned and loses all its stake"
                .to_owned(),
            job_now(around),
        ],
        ResultStage::Canary => vec![
            format!(
                "at height {} its planter showed that it was to be wrong; its worker is not punished",
                result.height
            ),
            job_now(around),
        ],
        ResultStage::Void => vec![
            if result.draws < DRAWS_MAX {
                format!("at height {} its model was convicted, and what was done on it ended", result.height)
            } else {
                format!("at height {}, after repeated draws, there were not enough workers to judge it", result.height)
            },
            "nobody is punished: bonds are free again and the escrow went back to the poster".to_owned(),
        ],
    }
}

fn accusation(around: &Surroundings) -> String {
    match &around.dispute {
        Some(Dispute { checker: Some(checker), .. }) => {
            format!("the check of {} had another output", names::worker(checker))
        }
        Some(dispute) => {
            format!("{} calls it wrong and locked {}", names::account(&dispute.accuser), tokens(dispute.bond))
        }
        None => "the dispute ended meanwhile: ask again".to_owned(),
    }
}

fn job_now(around: &Surroundings) -> String {
    match around.job.as_ref().map(|job| job.status) {
        Some(JobStatus::Open) => "its job is open again, with its escrow".to_owned(),
        Some(JobStatus::Leased(lease)) => format!("its job was leased anew: {}", hex::encode(&lease)),
        Some(JobStatus::Pending(other) | JobStatus::Settled(other)) => {
            format!("its job was done by another result: {}", hex::encode(&other))
        }
        Some(JobStatus::Expired) | None => "its job expired; the escrow went back".to_owned(),
    }
}

#[cfg(test)]
mod tests;

//! What happened on a chain, in words.

use ::chain::types::event::{
    CanaryLapsed, CanaryPlanted, CanaryRevealed, ProposalEnded, Proposed, TeleportClaimed, TeleportRecorded,
    TeleportRefunded, TeleportSent, Voted,
};
use ::chain::types::{Event, Outcome, ProposalStatus};
use attestation::hex;

use crate::commands::names::{account, worker};
use crate::output::{Output, amount, utc};

/// An amount of tokens in words.
pub(super) fn tokens(micro: u128) -> String {
    format!("{} tokens", amount(micro))
}

/// Basis points as a percentage.
pub(super) fn percent(bps: u32) -> String {
    let (whole, rest) = (bps / 100, bps % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:02} %") }
}

/// What became of a transaction.
pub(super) fn print_outcome(outcome: &Outcome, output: &Output) {
    output.field("transaction", hex::encode(&outcome.transaction));
    output.field("sender", account(&outcome.sender));
    output.field("fee", format!("{} ({} gas)", tokens(outcome.fee), outcome.gas_used));
    print_events(&outcome.events, output);
}

/// Events, one on a line.
pub(super) fn print_events(events: &[Event], output: &Output) {
    for (index, event) in events.iter().enumerate() {
        output.field(if index == 0 { "events" } else { "" }, describe(event));
    }
}

/// One event.
pub(super) fn describe(event: &Event) -> String {
    let id = |hash| hex::encode(hash);
    match event {
        Event::Transferred { from, to, amount } => {
            format!("{} moved from {} to {}", tokens(*amount), account(from), account(to))
        }
        Event::ModelRegistered { model, units } => format!("model {} registered, {units} units a run", id(model)),
        Event::WorkerUpdated { worker: key } => format!("worker {} declares something else now", worker(key)),
        Event::WorkerSuspended { worker: key, until } => {
            format!("worker {} suspended to height {until}: leases in a row ran out", worker(key))
        }
        Event::ImplausibleReported { lease, worker: key, count, slashed } => format!(
            "worker {} signed an implausible receipt for lease {}: number {count}, {} of its stake lost",
            worker(key),
            id(lease),
            tokens(*slashed)
        ),
        Event::EpochClosed { epoch, payouts, minted, capacity, next_difficulty_bps, .. } => format!(
            "epoch {epoch} closed: {payouts} payouts, {} minted for work, {} for capacity, difficulty {} from now on",
            tokens(*minted),
            tokens(*capacity),
            percent(*next_difficulty_bps)
        ),
        Event::FoundWrong { result, appeal_until } => {
            format!("a jury found result {} wrong; its worker can appeal until height {appeal_until}", id(result))
        }
        Event::Appealed { result, draw_height } => {
            format!(
                "the verdict about result {} is appealed; a larger jury is drawn at height {draw_height}",
                id(result)
            )
        }
        Event::SyntheticCommitted { worker: key, epoch, .. } => {
            format!("worker {} committed to the synthetic task of epoch {epoch}", worker(key))
        }
        Event::SyntheticDrawn { worker: key, rows, open_until } => {
            format!("worker {} is to open rows {rows:?} of its synthetic task until height {open_until}", worker(key))
        }
        Event::SyntheticAnswered { worker: key, epoch, uptime_bps, .. } => format!(
            "worker {} answered the synthetic task of epoch {epoch}, uptime {}",
            worker(key),
            percent(*uptime_bps)
        ),
        Event::SyntheticFailed { worker: key, epoch, slashed } => format!(
            "worker {} did not open its synthetic task of epoch {epoch}: {} burned",
            worker(key),
            tokens(*slashed)
        ),
        Event::Assigned { job, worker: key, until } => {
            format!("job {} is kept for worker {} to height {until}, by the coordinator", id(job), worker(key))
        }
        Event::WorkerRegistered { worker: key, operator } => {
            format!("worker {} registered for {}", worker(key), account(operator))
        }
        Event::DeviceRequested { worker: key, device } => {
            format!("worker {} is to attest device {}", worker(key), id(device))
        }
        Event::DeviceBound { worker: key, device } => format!("worker {} is on device {}", worker(key), id(device)),
        Event::StakeChanged { worker: key, amount } => {
            format!("worker {} has {} of free stake", worker(key), tokens(*amount))
        }
        Event::Withdrawn { worker: key, amount } => {
            format!("{} withdrawn from worker {}", tokens(*amount), worker(key))
        }
        Event::JobPosted { job, units } => format!("job {} posted, {units} units", id(job)),
        Event::Leased { lease, context, expires_height } => format!(
            "job {} leased to worker {} until height {expires_height}, lease {}",
            id(&context.job_id),
            worker(&context.worker),
            id(lease)
        ),
        Event::Settled { result, job, reward, paid, burned, returned } => format!(
            "result {} of job {} settled: {} minted, {} paid from the escrow, {} burned, {} returned",
            id(result),
            id(job),
            tokens(*reward),
            tokens(*paid),
            tokens(*burned),
            tokens(*returned)
        ),
        Event::ResultPending { result, job, closes_height } => {
            format!("result {} of job {} taken, open to challenge until height {closes_height}", id(result), id(job))
        }
        Event::CheckDrawn { result, worker: key, commit_until } => {
            format!("worker {} drawn to check result {}, commits by height {commit_until}", worker(key), id(result))
        }
        Event::CheckPassed { result, worker: key } => {
            format!("worker {} found result {} right", worker(key), id(result))
        }
        Event::Disputed { result, accuser, answer_until } => format!(
            "{} calls result {} wrong; a proof answers until height {answer_until}",
            account(accuser),
            id(result)
        ),
        Event::JuryDrawn { result, jurors, commit_until } => format!(
            "jury of {} drawn for result {}, commits by height {commit_until}: {}",
            jurors.len(),
            id(result),
            jurors.iter().map(worker).collect::<Vec<_>>().join(", ")
        ),
        Event::AuditorSlashed { result, worker: key, slashed } => {
            format!("worker {} loses {} for its part in reviewing result {}", worker(key), tokens(*slashed), id(result))
        }
        Event::Acquitted { result, accuser, slashed } => {
            format!("result {} found right; {} loses {}", id(result), account(accuser), tokens(*slashed))
        }
        Event::Convicted { result, job, worker: key, slashed } => format!(
            "result {} found wrong; worker {} loses {}, job {} is open again",
            id(result),
            worker(key),
            tokens(*slashed),
            id(job)
        ),
        Event::Voided { result, job, returned } => format!(
            "nobody could judge result {}; {} of job {} returned, nobody punished",
            id(result),
            tokens(*returned),
            id(job)
        ),
        Event::LeaseExpired { lease, job, slashed } => {
            format!(
                "lease {} ran out, {} of its bond burned; job {} is open again",
                id(lease),
                tokens(*slashed),
                id(job)
            )
        }
        Event::LeaseClosed { lease } => format!("grace window of lease {} ended", id(lease)),
        Event::ModelUpheld { model, challenger, slashed } => {
            format!(
                "nothing is wrong with the opened row of model {}; {} loses {}",
                id(model),
                account(challenger),
                tokens(*slashed)
            )
        }
        Event::ModelConvicted { model, challenger, row, slashed } => format!(
            "row {row} convicts model {}: its bond of {} is slashed, {} is paid from it, its jobs end",
            id(model),
            tokens(*slashed),
            account(challenger)
        ),
        Event::Proposed(_)
        | Event::Voted(_)
        | Event::ProposalEnded(_)
        | Event::Issued { .. }
        | Event::AuthorityTransferred { .. } => governed(event),
        Event::Equivocated { worker: key, reporter, slashed } => format!(
            "worker {} signed two outputs for one context and loses {}; {} showed it",
            worker(key),
            tokens(*slashed),
            account(reporter)
        ),
        Event::Anchored { receipt, coordinator } => {
            let vouched = coordinator.map(|by| format!(", vouched for by {}", account(&by))).unwrap_or_default();
            format!("receipt {} anchored{vouched}", id(receipt))
        }
        Event::TeleportSent(TeleportSent { teleport, destination, recipient, amount, expires }) => format!(
            "{} left for {} on chain {destination}, to be claimed by {}; teleport {}",
            tokens(*amount),
            account(recipient),
            utc(*expires),
            id(teleport)
        ),
        Event::TeleportClaimed(TeleportClaimed { teleport, source, recipient, amount }) => {
            format!("{} came from chain {source} to {}, teleport {}", tokens(*amount), account(recipient), id(teleport))
        }
        Event::TeleportRecorded(TeleportRecorded { claim, source, recipient, amount, .. }) => {
            let claim = id(claim);
            format!(
                "{} from chain {source} wait for {}, to be released as {claim}",
                tokens(*amount),
                account(recipient)
            )
        }
        Event::CanaryPlanted(CanaryPlanted { canary, bond, reveal_until }) => {
            format!("canary {} planted on {}, to be revealed by height {reveal_until}", id(canary), tokens(*bond))
        }
        Event::CanaryRevealed(CanaryRevealed { result, job, finder, paid, .. }) => {
            let found = finder.map(|by| format!("; {} found it and gets {}", account(&by), tokens(*paid)));
            let found = found.unwrap_or_default();
            format!("result {} was a canary{found}; job {} is open again", id(result), id(job))
        }
        Event::CanaryLapsed(CanaryLapsed { canary, burned }) => {
            format!("canary {} was not revealed in time: {} burn", id(canary), tokens(*burned))
        }
        Event::TeleportRefunded(TeleportRefunded { teleport, sender, amount }) => {
            format!("{} returned to {}: nobody claimed teleport {}", tokens(*amount), account(sender), id(teleport))
        }
        Event::JobExpired { job, returned } => format!("job {} expired, {} returned", id(job), tokens(*returned)),
    }
}

/// An event of governance or of the issuing authority.
fn governed(event: &Event) -> String {
    let id = |hash| hex::encode(hash);
    match event {
        Event::Proposed(Proposed { proposal, worker: key, voting_until }) => {
            format!("worker {} proposes {}; votes are taken to height {voting_until}", worker(key), id(proposal))
        }
        Event::Voted(Voted { proposal, worker: key, votes, yes }) => {
            let side = if *yes { "for" } else { "against" };
            format!("worker {} votes {side} proposal {} with {votes}", worker(key), id(proposal))
        }
        Event::ProposalEnded(ProposalEnded { proposal, status }) => {
            format!("proposal {} {}", id(proposal), standing(*status))
        }
        Event::Issued { to, amount } => format!("{} issued to {}", tokens(*amount), account(to)),
        Event::AuthorityTransferred { issued } => {
            format!("the mint is the rules' for good; {} were issued before", tokens(*issued))
        }
        _ => String::new(),
    }
}

/// Where a proposal stands.
pub(super) fn standing(status: ProposalStatus) -> &'static str {
    match status {
        ProposalStatus::Voting => "is being voted on",
        ProposalStatus::Rejected => "was rejected",
        ProposalStatus::Scheduled => "passed and waits for the end of its epoch",
        ProposalStatus::Active => "is in force",
        ProposalStatus::Void => "passed, and the rules of the day refuse it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percentages() {
        assert_eq!((percent(0), percent(10_000), percent(6_000)), ("0 %".into(), "100 %".into(), "60 %".into()));
        assert_eq!((percent(2_505), percent(1)), ("25.05 %".into(), "0.01 %".into()));
    }
}

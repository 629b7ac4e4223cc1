//! What a worker's operator reads at every stage of a review.
#![allow(clippy::unwrap_used, reason = "test code")]

use ::chain::types::{Seat, TimerKind, TimerSlot};

use super::*;
use crate::development::{OPERATORS, WORKERS};

const HEIGHT: u64 = 40;

fn record(stage: ResultStage) -> JobResult {
    let timer = (!stage.is_final()).then_some(TimerSlot { kind: TimerKind::Review, height: 48, index: 0 });
    JobResult {
        version: 3,
        lease: [1; 32],
        job: [2; 32],
        worker: WORKERS.first().unwrap().id(),
        receipt: [3; 32],
        output_hash: [4; 32],
        units: 5,
        trust_bps: 6_000,
        payment: 10,
        burned: 2,
        reward: 7,
        height: 39,
        stage,
        closes_height: 44,
        timer,
        draws: 3,
        drawn: vec![],
        submitted_height: 38,
        elapsed_ms: 5,
    }
}

fn seat(number: usize, commitment: bool, revealed: bool) -> Seat {
    Seat {
        worker: WORKERS.get(number).unwrap().id(),
        operator: OPERATORS.get(number).unwrap().address(),
        bond: 1_000_000,
        commitment: commitment.then_some([5; 32]),
        revealed: revealed.then_some([6; 32]),
    }
}

/// A result that worker 2 checked and called wrong, before jurors 3 to 5.
fn around() -> Surroundings {
    let check = SpotCheck { version: 1, seat: seat(1, true, true) };
    let dispute = Dispute {
        version: 1,
        accuser: OPERATORS.get(1).unwrap().address(),
        checker: Some(WORKERS.get(1).unwrap().id()),
        bond: 0,
        verdict: None,
        seats: vec![seat(2, true, true), seat(3, true, false), seat(4, false, false)],
    };
    Surroundings { height: HEIGHT, job: None, check: Some(check), dispute: Some(dispute) }
}

fn said(stage: ResultStage, around: &Surroundings) -> String {
    explain(&record(stage), around).join("\n")
}

#[test]
fn every_stage_says_who_acts_until_when_and_what_follows() {
    let around = around();
    for (stage, texts) in [
        (ResultStage::Drawing, ["height 48 (8 blocks from now)", "whether it is checked"].as_slice()),
        (ResultStage::CheckCommit, &["worker-2", "commits to an output until height 48"]),
        (ResultStage::CheckReveal, &["worker-2", "another output starts a dispute"]),
        (ResultStage::Waiting, &["anyone with a bond", "height 48 (8 blocks from now); then it is paid"]),
        (ResultStage::Answering, &["the check of", "worker-2", "with a proof of its output until height 48"]),
        (ResultStage::JuryCommit, &["2 of 3 jurors committed", "height 48", "their majority decides"]),
        (ResultStage::JuryReveal, &["1 of 3 jurors revealed", "height 48"]),
        (ResultStage::Settled, &["without a proof, after its review, at height 39"]),
        (ResultStage::Convicted, &["height 39 a jury's majority had another output", "bond is lost"]),
        (ResultStage::Canary, &["height 39 its planter showed", "not punished"]),
        (ResultStage::Void, &["not enough workers to judge it", "nobody is punished"]),
    ] {
        let said = said(stage, &around);
        for text in texts {
            assert!(said.contains(text), "{stage:?}: {text:?} is missing:\n{said}");
        }
        let (_, verdict) = verdict(stage);
        assert_eq!(verdict.starts_with("not paid yet"), !stage.is_final(), "{stage:?}");
    }
}

#[test]
fn a_result_whose_model_fell_says_so() {
    let fell = JobResult { draws: 0, ..record(ResultStage::Void) };
    assert!(explain(&fell, &around()).join("\n").contains("its model was convicted"));
}

#[test]
fn a_challenger_is_named_with_its_bond() {
    let mut around = around();
    let dispute = around.dispute.as_mut().unwrap();
    (dispute.checker, dispute.bond) = (None, 2_500_000);
    let said = said(ResultStage::Answering, &around);
    assert!(said.contains("operator-2") && said.contains("2.5 tokens"), "{said}");
    around.dispute = None;
    assert!(accusation(&around).contains("ask again"));
}

#[test]
fn a_settled_result_says_whether_a_proof_settled_it() {
    let proven = JobResult { trust_bps: 10_000, ..record(ResultStage::Settled) };
    assert_eq!(explain(&proven, &around()), ["by a proof, at height 39"]);
}

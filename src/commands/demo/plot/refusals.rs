//! (d) Every lie about a proof, handed in over the node's interface and refused with its reason.

use std::sync::Arc;

use prover::import::digits::Digit;
use serde_json::json;
use worker::ServedModel;

use super::{PROVEN, Plot, minted};
use crate::commands::demo::error::DemoError;
use crate::commands::demo::forgery;
use crate::commands::demo::story::{Story, Told};
use crate::commands::demo::work::{Bench, Work};
use crate::commands::demo::world::Leased;
use crate::development::{self, Kind};
use crate::forgery::other_weights;

/// Number of the worker whose operator lies.
const WORKER: usize = 5;
/// Number of the worker whose receipt is handed in again.
const PAID: usize = 1;
/// A chain that is not this one.
const OTHER_CHAIN_ID: u32 = 1338;

// What each forgery must be refused with.
const RECEIPT_CHAIN_MISMATCH: u16 = 701;
const CONTEXT_MISMATCH: u16 = 705;
const WORK_SPENT: u16 = 706;
const PROOF_REJECTED: u16 = 723;

impl Plot {
    /// Replays and lies; after all of them the honest result is still taken.
    pub(in crate::commands::demo) fn refusals(
        &self,
        story: &mut Story<'_>,
        digit: &Digit,
        (spent, settled): (&Leased, &Work),
    ) -> Result<(), DemoError> {
        let Self { world, served, model, units, .. } = self;
        story.refusal("same receipt", "the receipt that was paid, in a new transaction", WORK_SPENT, |_| {
            world.refuse_work(self.member(PAID)?, &spent.lease, settled, WORK_SPENT)
        })?;
        let (member, bench, leased, honest) = story.step("second job", |_| {
            let member = self.member(WORKER)?;
            let bench = Bench::new(member.operator.hardware().clone(), member.key.clone());
            let posted = world.post(model, &digit.image, PROVEN)?;
            let leased = world.lease(member, &posted.job)?;
            let honest = bench.work(served, &leased.context, &digit.image, *units)?;
            let text = format!(
                "block {}: posted, leased by {}, run, proven, signed; not handed in yet",
                leased.height, member.name
            );
            let told = Told::new(text, json!({ "height": leased.height }));
            Ok(((member, bench, leased, honest), told))
        })?;
        let (lease, context) = (&leased.lease, &leased.context);
        let refuse = |work: &Work, expected| world.refuse_work(member, lease, work, expected);
        let lie = format!("honest work for this job, done and signed for chain {OTHER_CHAIN_ID}");
        story.refusal("other chain", &lie, RECEIPT_CHAIN_MISMATCH, |_| {
            let kind = Kind { chain_id: OTHER_CHAIN_ID, k_max: self.setup.k(), fast_governance: false };
            let other = development::genesis(world.genesis.time(), kind)?;
            let other = (other.chain_id(), other.hash());
            refuse(&forgery::other_chain(&bench, served, context, other, &honest)?, RECEIPT_CHAIN_MISMATCH)
        })?;
        let lie = "one bit of the proof flipped, its checksum made right";
        story.refusal("changed byte", lie, PROOF_REJECTED, |_| {
            refuse(&forgery::changed_byte(&honest), PROOF_REJECTED)
        })?;
        let lie = "an honest proof of a model with other weights, relabelled";
        story.refusal("other weights", lie, PROOF_REJECTED, |_| {
            let other = ServedModel::derive(Arc::new(other_weights(served.bundle())?), &self.setup)?;
            refuse(&forgery::other_weights(&bench, served.key(), &other, context, &honest)?, PROOF_REJECTED)
        })?;
        let lie = "honest work under a context that no lease made";
        story.refusal("never leased", lie, CONTEXT_MISMATCH, |_| {
            refuse(&forgery::invented_context(&bench, served, context, &honest)?, CONTEXT_MISMATCH)
        })?;
        let lie = "another answer, signed, with the true proof relabelled";
        story.refusal("false output", lie, PROOF_REJECTED, |_| {
            refuse(&forgery::false_output(&bench, context, &honest)?, PROOF_REJECTED)
        })?;
        story.step("honest result", |_| {
            let committed = world.hand_in(member, lease, &honest)?;
            let told = Told::new(
                "still taken: no refusal changed anything",
                json!({ "transaction": attestation::hex::encode(&committed.outcome.transaction) }),
            );
            Ok(((), told))
        })?;
        story.step("mint", |_| Ok(((), minted(&world.settled(&context.job_id)?, ", final at once"))))
    }
}

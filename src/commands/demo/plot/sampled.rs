//! (b) A job without a proof: attested in software, checked by another worker, final after its window.

use attestation::hex;
use chain::state::Key;
use chain::types::{Event, Hash, JobResult, LeaseKind, WorkLease};
use prover::import::digits::Digit;
use serde_json::json;
use worker::JobSettings;

use super::{FULL_BPS, Plot, SAMPLED, minted, posted};
use crate::commands::demo::crew::{Shift, member_name};
use crate::commands::demo::error::{DemoError, StepError};
use crate::commands::demo::story::{Story, Told};
use crate::commands::demo::world::{Leased, Settled};
use crate::output::amount;

/// Number of the worker that does it.
const WORKER: usize = 2;
/// What software evidence is trusted with, basis points.
const SOFTWARE_BPS: u32 = 6_000;

impl Plot {
    /// Post, lease, run, attest, submit, be drawn, be checked, wait, mint at 0.60 of what a proof earns.
    pub(in crate::commands::demo) fn sampled(
        &self,
        story: &mut Story<'_>,
        digit: &Digit,
        proven: &Settled,
    ) -> Result<(), DemoError> {
        let job = story.step("post job", |_| posted(&self.world, &self.model, &digit.image, SAMPLED))?;
        self.checked(story, &job, WORKER, proven)
    }

    /// One worker does a posted job without a proof, and is paid for it.
    pub(super) fn checked(
        &self,
        story: &mut Story<'_>,
        job: &Hash,
        number: usize,
        proven: &Settled,
    ) -> Result<(), DemoError> {
        let world = &self.world;
        let (shift, _, result) = story.step("work", |_| self.handed_in(job, number))?;
        story.step("check", |_| {
            let (height, worker) = world.wait(
                "a check",
                world.chronicle.find(|event| match event {
                    Event::CheckPassed { result: of, worker } if *of == result => Some(*worker),
                    _ => None,
                }),
            )?;
            let text = format!(
                "block {height}: {}, drawn by a later block's beacon, ran it too, committed, revealed, and agrees",
                member_name(&worker)
            );
            Ok(((), Told::new(text, json!({ "height": height, "checker": hex::encode(&worker) }))))
        })?;
        story.step("mint", |_| {
            let settled = world.settled(job)?;
            world.wait("the end of a shift", shift.end())?;
            let record: Option<JobResult> = world.get(&Key::Result(settled.result))?;
            let trust_bps = record.map_or(0, |record| record.trust_bps);
            let share = proven.reward.saturating_mul(SOFTWARE_BPS.into()).checked_div(FULL_BPS.into());
            if (trust_bps, Some(settled.reward)) != (SOFTWARE_BPS, share) {
                return Err(StepError::Reward { trust_bps, got: settled.reward });
            }
            let mut told = minted(&settled, " at trust 0.60, when nobody could challenge it any more");
            if let Some(figures) = told.figures.as_object_mut() {
                figures.insert("trust_bps".to_owned(), trust_bps.into());
            }
            Ok(((), told))
        })
    }

    /// Lets worker `number` take a job; returns when its result waits for its draw.
    pub(super) fn handed_in(&self, job: &Hash, number: usize) -> Result<((Shift, Leased, Hash), Told), StepError> {
        let world = &self.world;
        let member = self.member(number)?;
        let shift = member.begin_shift(JobSettings { prefer: LeaseKind::Sampled, ..JobSettings::default() });
        let leased = world.leased(job, member.operator.worker())?;
        let record: Option<WorkLease> = world.get(&Key::Lease(leased.lease))?;
        let bond = record.map_or(0, |record| record.bond);
        let lease = leased.lease;
        let (height, result) = self.pending(job, &leased)?;
        let text = format!(
            "block {height}: {} locked a bond of {} tokens, ran it, attested in software, handed in no proof",
            member_name(&leased.context.worker),
            amount(bond)
        );
        let figures = json!({
            "height": height,
            "worker": hex::encode(&leased.context.worker),
            "lease": hex::encode(&lease),
            "result": hex::encode(&result),
            "bond_micro": bond.to_string(),
        });
        Ok(((shift, leased, result), Told::new(text, figures)))
    }

    /// The result that waits for its draw, of the lease's worker.
    fn pending(&self, job: &Hash, leased: &Leased) -> Result<(u64, Hash), StepError> {
        let world = &self.world;
        // A job that was reopened has more than one result; only those from the lease on are this worker's.
        world.wait(
            "a result",
            world.chronicle.find_from(leased.height, |event| match event {
                Event::ResultPending { result, job: of, .. } if of == job => Some(*result),
                _ => None,
            }),
        )
    }
}

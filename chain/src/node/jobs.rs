//! Which jobs can be leased: an index in memory, made when the node starts and kept by what blocks say.
//!
//! Not a rule and not stored: whoever reads it looks each job up, and the state decides.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::state::{Key, Machine, StateError, Store, StoreError};
use crate::types::event::{CanaryRevealed, Event};
use crate::types::ids::Hash;
use crate::types::job::{InferenceJob, JobStatus};

/// Jobs read at once while the index is made.
const PAGE: usize = 1_000;
const PREFIX: &[u8] = b"obj/job/";

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OpenJobs(BTreeSet<Hash>);

impl OpenJobs {
    /// Reads every job.
    pub(super) fn scan<S: Store>(machine: &Machine<S>) -> Result<Self, StateError> {
        let mut jobs = Self::default();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let keys = machine.store().keys(PREFIX, after.as_deref(), PAGE)?;
            for key in &keys {
                let id = key.strip_prefix(PREFIX).and_then(|id| Hash::try_from(id).ok());
                jobs.look(machine, &id.ok_or(StoreError::Corrupt { what: "the index of state keys" })?)?;
            }
            after = keys.into_iter().last();
            if after.is_none() {
                return Ok(jobs);
            }
        }
    }

    /// Looks again at every job that the events name.
    pub(super) fn follow<'a, S: Store>(
        &mut self,
        machine: &Machine<S>,
        events: impl Iterator<Item = &'a Event>,
    ) -> Result<(), StateError> {
        for job in events.filter_map(job_of) {
            self.look(machine, &job)?;
        }
        Ok(())
    }

    fn look<S: Store>(&mut self, machine: &Machine<S>, id: &Hash) -> Result<(), StateError> {
        let job: Option<InferenceJob> = machine.get(&Key::Job(*id))?;
        if job.is_some_and(|job| job.status == JobStatus::Open) {
            self.0.insert(*id);
        } else {
            self.0.remove(id);
        }
        Ok(())
    }

    /// At most `limit` of them after `after`, ascending.
    pub(super) fn page(&self, after: Option<Hash>, limit: usize) -> Vec<Hash> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((start, Bound::Unbounded)).take(limit).copied().collect()
    }
}

/// The job whose status an event may have changed.
fn job_of(event: &Event) -> Option<Hash> {
    match event {
        Event::JobPosted { job, .. }
        | Event::Settled { job, .. }
        | Event::ResultPending { job, .. }
        | Event::Convicted { job, .. }
        | Event::Voided { job, .. }
        | Event::LeaseExpired { job, .. }
        | Event::JobExpired { job, .. }
        | Event::Assigned { job, .. }
        | Event::CanaryRevealed(CanaryRevealed { job, .. }) => Some(*job),
        Event::Leased { context, .. } => Some(context.job_id),
        Event::Transferred { .. }
        | Event::ModelRegistered { .. }
        | Event::WorkerRegistered { .. }
        | Event::DeviceRequested { .. }
        | Event::DeviceBound { .. }
        | Event::StakeChanged { .. }
        | Event::Withdrawn { .. }
        | Event::CheckDrawn { .. }
        | Event::CheckPassed { .. }
        | Event::Disputed { .. }
        | Event::JuryDrawn { .. }
        | Event::AuditorSlashed { .. }
        | Event::Acquitted { .. }
        | Event::LeaseClosed { .. }
        | Event::WorkerUpdated { .. }
        | Event::WorkerSuspended { .. }
        | Event::ImplausibleReported { .. }
        | Event::ModelUpheld { .. }
        | Event::ModelConvicted { .. }
        | Event::Proposed(_)
        | Event::Voted(_)
        | Event::ProposalEnded(_)
        | Event::Issued { .. }
        | Event::AuthorityTransferred { .. }
        | Event::Equivocated { .. }
        | Event::Anchored { .. }
        | Event::TeleportSent(_)
        | Event::TeleportClaimed(_)
        | Event::TeleportRefunded(_)
        | Event::EpochClosed { .. }
        | Event::SyntheticCommitted { .. }
        | Event::SyntheticDrawn { .. }
        | Event::SyntheticAnswered { .. }
        | Event::SyntheticFailed { .. }
        | Event::FoundWrong { .. }
        | Event::Appealed { .. }
        | Event::TeleportRecorded(_)
        | Event::CanaryPlanted(_)
        | Event::CanaryLapsed(_) => None,
    }
}

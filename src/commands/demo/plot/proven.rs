//! (a) A job with a proof: final at once.

use attestation::hex;
use prover::import::digits::Digit;
use serde_json::json;
use worker::{JobSettings, WorkerReport};

use super::{PROVEN, Plot, minted, posted, read};
use crate::commands::demo::crew::member_name;
use crate::commands::demo::error::DemoError;
use crate::commands::demo::story::{Story, Told};
use crate::commands::demo::work::Work;
use crate::commands::demo::world::{Leased, Settled};
use crate::output::{bytes, short, values};

/// Number of the worker that does it.
const WORKER: usize = 1;

impl Plot {
    /// Post, lease, run, prove, sign, submit, mint.
    pub(in crate::commands::demo) fn proven(
        &self,
        story: &mut Story<'_>,
        digit: &Digit,
    ) -> Result<(Leased, Work, Settled), DemoError> {
        let Self { world, model, .. } = self;
        let job = story.step("post job", |_| posted(world, model, &digit.image, PROVEN))?;
        story.show(&digit.image);
        let (member, shift, leased) = story.step("lease", |_| {
            let member = self.member(WORKER)?;
            let shift = member.begin_shift(JobSettings::default());
            let leased = world.leased(&job, member.operator.worker())?;
            let digest = leased.context.digest();
            let text = format!(
                "block {}: {} takes it; work context {}, fixed before anything runs",
                leased.height,
                member_name(&leased.context.worker),
                short(&digest)
            );
            let figures =
                json!({ "height": leased.height, "context": leased.context, "context_digest": hex::encode(&digest) });
            Ok(((member, shift, leased), Told::new(text, figures)))
        })?;
        story.aside("it binds chain, genesis, job, model, input, worker, device, the beacon's nonce and the time");
        let settled = story.step("run and prove", |_| {
            let settled = world.settled(&job)?;
            let proven = member.report(|report| match report {
                WorkerReport::Proven { lease, bytes, elapsed_ms } if *lease == leased.lease => {
                    Some((*bytes, *elapsed_ms))
                }
                _ => None,
            });
            let (size, elapsed) = proven.unwrap_or_default();
            let text = format!(
                "candle on {}, equal to the reference executor in every value; proof of {} in {elapsed} ms",
                member.operator.hardware().device(),
                bytes(size as u64)
            );
            let device = member.operator.hardware().device().to_string();
            let figures = json!({ "device": device, "proof_bytes": size, "prove_ms": elapsed });
            Ok((settled, Told::new(text, figures)))
        })?;
        let work = story.step("read block", |_| {
            let work = world.work(settled.height, &leased, &digit.image)?;
            let text = format!(
                "receipt {} as handed in, output {}: {}",
                short(&work.signed.digest()),
                values(&work.output),
                read(self.bundle(), &work.output, digit)
            );
            let figures = json!({ "receipt_digest": hex::encode(&work.signed.digest()), "output": work.output });
            Ok((work, Told::new(text, figures)))
        })?;
        story.step("verify", |_| {
            let statement = work.statement(leased.context.digest());
            let verified = verifier::proof::verify(self.key().verifying(), &statement, &work.proof);
            verified.map_err(prover::prove::ProveError::from)?;
            let size = work.proof.bytes.len();
            let text = format!("{} of proof, checked here with the loaded key", bytes(size as u64));
            Ok(((), Told::new(text, json!({ "proof_body_bytes": size }))))
        })?;
        story.step("mint", |_| {
            world.wait("the end of a shift", shift.end())?;
            Ok(((), minted(&settled, ", final at once")))
        })?;
        Ok((leased, work, settled))
    }
}

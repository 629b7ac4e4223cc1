//! (c) A worker that returns another label: caught, convicted, slashed; its job is done by another.

use attestation::hex;
use chain::economics::audit;
use chain::rules::Reject;
use chain::state::Key;
use chain::types::transaction::{Action, AnswerWithProof};
use chain::types::{Event, JobResult, ResultStage, Supply};
use prover::import::digits::Digit;
use serde_json::json;

use super::{Plot, SAMPLED, posted};
use crate::commands::demo::crew::member_name;
use crate::commands::demo::error::{DemoError, StepError};
use crate::commands::demo::story::{Story, Told};
use crate::commands::demo::work::Bench;
use crate::commands::demo::world::Settled;
use crate::development::Person;
use crate::output::amount;

/// Number of the worker that cheats.
const CHEATER: usize = 3;
/// Number of the worker that does the job after it.
const SUCCESSOR: usize = 4;

impl Plot {
    /// Another label, a check that disagrees, a proof of another output, a jury, a slash, the job done again.
    pub(in crate::commands::demo) fn cheat(
        &self,
        story: &mut Story<'_>,
        digit: &Digit,
        proven: &Settled,
    ) -> Result<(), DemoError> {
        let world = &self.world;
        let minted_before = story.step("post job", |_| {
            let (job, told) = posted(world, &self.model, &digit.image, SAMPLED)?;
            let supply: Option<Supply> = world.get(&Key::Supply)?;
            Ok(((job, supply.unwrap_or_default().minted), told))
        });
        let (job, minted_before) = minted_before?;
        let (shift, true_work, result) = story.step("lie", |_| {
            let member = self.member(CHEATER)?;
            member.lie(true);
            let ((shift, leased, result), mut told) = self.handed_in(&job, CHEATER)?;
            member.lie(false);
            // What it will try to save itself with.
            let bench = Bench::new(member.operator.hardware().clone(), member.key.clone());
            let true_work = bench.work(&self.served, &leased.context, &digit.image, self.units)?;
            told.text.push_str(", and returned another label");
            Ok(((shift, true_work, result), told))
        })?;
        story.step("caught", |_| {
            let (height, (accuser, until)) = world.wait(
                "a dispute",
                world.chronicle.find(|event| match event {
                    Event::Disputed { result: of, accuser, answer_until } if *of == result => {
                        Some((*accuser, *answer_until))
                    }
                    _ => None,
                }),
            )?;
            let name = Person::at(&accuser).map_or("a stranger", Person::name);
            let text =
                format!("block {height}: the check by {name} gave another output; an answer is due by block {until}");
            Ok(((), Told::new(text, json!({ "height": height, "accuser": accuser.to_string() }))))
        })?;
        let expected = Reject::ProvesAnotherOutput { expected: [0; 32], got: [0; 32] }.code();
        story.refusal("its answer", "a valid proof, but of the true output", expected, |_| {
            let action = Action::AnswerWithProof(Box::new(AnswerWithProof {
                result,
                input: None,
                output: true_work.output,
                proof: true_work.proof.to_bytes(),
            }));
            let unchanged = |record: &JobResult| u64::from(record.stage.is_final());
            world.refuse(self.member(CHEATER)?, action, expected, &Key::Result(result), unchanged)
        })?;
        let jurors = story.step("jury", |_| {
            let (height, jurors) = world.wait(
                "a jury",
                world.chronicle.find(|event| match event {
                    Event::JuryDrawn { result: of, jurors, .. } if *of == result => Some(jurors.clone()),
                    _ => None,
                }),
            )?;
            let names: Vec<&str> = jurors.iter().map(member_name).collect();
            let text = format!("block {height}: {} run it, commit and reveal", names.join(", "));
            let ids: Vec<String> = jurors.iter().map(|juror| hex::encode(juror)).collect();
            Ok((jurors.len(), Told::new(text, json!({ "height": height, "jurors": ids }))))
        })?;
        story.step("convicted", |_| {
            let (height, slashed) = world.wait(
                "a verdict",
                world.chronicle.find(|event| match event {
                    Event::Convicted { result: of, slashed, .. } if *of == result => Some(*slashed),
                    _ => None,
                }),
            )?;
            world.wait("the end of a shift", shift.end())?;
            let record: Option<JobResult> = world.get(&Key::Result(result))?;
            let supply: Option<Supply> = world.get(&Key::Supply)?;
            let minted = supply.unwrap_or_default().minted.saturating_sub(minted_before);
            let (stage, earned) = record
                .map_or((ResultStage::Void, 0), |record| (record.stage, record.reward.saturating_add(record.payment)));
            if (stage, earned, minted) != (ResultStage::Convicted, 0, 0) {
                return Err(StepError::Unpunished { stage, earned, minted });
            }
            let slash = world.genesis.params().slash;
            let split = audit::split(&slash, slashed, jurors).ok_or(StepError::Overflow)?;
            let text = format!(
                "block {height}: {} tokens slashed: {} to the checker, {} to each juror, {} burned; nothing minted",
                amount(slashed),
                amount(split.winner),
                amount(split.juror),
                amount(split.burned)
            );
            let figures = json!({
                "height": height,
                "slashed_micro": slashed.to_string(),
                "checker_micro": split.winner.to_string(),
                "juror_micro": split.juror.to_string(),
                "burned_micro": split.burned.to_string(),
                "minted_micro": minted.to_string(),
            });
            Ok(((), Told::new(text, figures)))
        })?;
        story.aside("the job is open again, its escrow kept");
        self.checked(story, &job, SUCCESSOR, proven)
    }
}

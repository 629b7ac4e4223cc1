//! Tells the story: one line and one JSON record per step.

use std::time::Duration;

use chain::api::Refusal;
use circuits::model::tensor::Tensor;
use serde_json::{Value, json};

use super::error::{DemoError, StepError};
use crate::commands::prover::nanoseconds;
use crate::output::{Output, Progress, Tone, duration, picture};

/// Width of the column of titles.
const TITLE_WIDTH: usize = 16;

/// What a step came to, in words and figures.
pub(super) struct Told {
    pub(super) text: String,
    pub(super) figures: Value,
}

impl Told {
    pub(super) fn new(text: impl Into<String>, figures: Value) -> Self {
        Self { text: text.into(), figures }
    }
}

/// The steps so far.
pub(super) struct Story<'a> {
    output: &'a Output,
    steps: Vec<Value>,
}

impl<'a> Story<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self { output, steps: Vec::new() }
    }

    /// What went wrong before the first step.
    pub(super) fn before(&self, source: StepError) -> DemoError {
        DemoError { number: 0, step: "pictures".to_owned(), source: Box::new(source) }
    }

    /// Does one step and tells what it came to.
    pub(super) fn step<T>(
        &mut self,
        title: &str,
        work: impl FnOnce(&Progress) -> Result<(T, Told), StepError>,
    ) -> Result<T, DemoError> {
        let number = self.steps.len() + 1;
        let progress = self.output.spinner(title);
        let result = work(&progress);
        let time = progress.finish();
        let failed = |source| DemoError { number, step: title.to_owned(), source: Box::new(source) };
        let (value, Told { text, figures }) = result.map_err(failed)?;
        self.tell(number, title, &text, time);
        self.steps
            .push(json!({ "step": number, "title": title, "duration_ns": nanoseconds(time), "figures": figures }));
        Ok(value)
    }

    /// A step that must end in a refusal with the code `expected`.
    pub(super) fn refusal(
        &mut self,
        title: &str,
        lie: &str,
        expected: u16,
        work: impl FnOnce(&Progress) -> Result<Refusal, StepError>,
    ) -> Result<(), DemoError> {
        let refusal = self.step(title, |progress| {
            let refusal = work(progress)?;
            let figures = json!({
                "lie": lie,
                "expected_code": expected,
                "code": refusal.code,
                "rule": refusal.rule,
                "message": refusal.message,
            });
            Ok((refusal, Told::new(lie, figures)))
        })?;
        let refused = self.output.paint(Tone::Good, &format!("refused, {} {}", refusal.code, refusal.rule));
        self.output.line(format!("    {:TITLE_WIDTH$}  {refused}: {}", "", refusal.message));
        Ok(())
    }

    /// A part of the story.
    pub(super) fn part(&self, title: &str) {
        self.output.gap();
        self.output.heading(title);
    }

    /// A remark under a step.
    pub(super) fn aside(&self, text: &str) {
        self.output.line(format!("    {:TITLE_WIDTH$}  {}", "", self.output.paint(Tone::Dim, text)));
    }

    /// A picture under a step.
    pub(super) fn show(&self, image: &Tensor) {
        for line in picture(image) {
            self.output.line(format!("    {:TITLE_WIDTH$}    {line}", ""));
        }
    }

    /// All steps, for machines.
    pub(super) fn into_steps(self) -> Vec<Value> {
        self.steps
    }

    fn tell(&self, number: usize, title: &str, text: &str, time: Duration) {
        let title = self.output.paint(Tone::Strong, &format!("{title:TITLE_WIDTH$}"));
        let time = self.output.paint(Tone::Dim, &format!("({})", duration(time)));
        self.output.line(format!("{number:>2}  {title}  {text}  {time}"));
    }
}

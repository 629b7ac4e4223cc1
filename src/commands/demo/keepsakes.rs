//! The files that the story leaves behind, and their verification by the code of `assay verify`.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use verifier::cli::{Chosen, print};
use verifier::judgement::{Judge, Subject};
use verifier::receipt::{ReceiptFile, UnauthenticatedNotes};
use verifier::verdict::{Outcome, RequiredLayer};

use super::error::StepError;
use super::plot::Plot;
use super::story::{Story, Told};
use super::work::Work;
use crate::error::CliError;
use crate::files::{self, Existing, NewFolder};
use crate::output::{Output, name};

const RECEIPT: &str = "digit.receipt";
const PROOF: &str = "digit.proof";
const INPUT: &str = "digit.json";
const KEY: &str = "digits.vk";
const MODEL: &str = "digits.assay";

/// Where the files go: a folder that appears at the end, or one that vanishes.
pub(super) enum Keepsakes {
    Kept(NewFolder),
    Forgotten(TempDir),
}

impl Keepsakes {
    /// Refuses a folder that cannot be made before anything is computed.
    pub(super) fn prepare(target: Option<&Path>) -> Result<Self, CliError> {
        match target {
            Some(target) => NewFolder::stage(target).map(Self::Kept),
            None => {
                let temporary = TempDir::new();
                let failed = |source| CliError::Write { path: std::env::temp_dir(), source };
                temporary.map(Self::Forgotten).map_err(failed)
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(folder) => folder.path(),
            Self::Forgotten(folder) => folder.path(),
        }
    }

    /// Writes all files, reads receipt and key back, and judges the receipt.
    pub(super) fn write_and_verify(
        &self,
        story: &mut Story<'_>,
        plot: &Plot,
        work: &Work,
        output: &Output,
    ) -> Result<Value, CliError> {
        story.step("write", |_| {
            self.write(plot, work)?;
            let text = format!("{RECEIPT}, {PROOF}, {INPUT}, {KEY}, {MODEL}");
            Ok(((), Told::new(text, Value::Null)))
        })?;
        let judged = story.step("verify file", |_| {
            let file = files::read_receipt(&self.path().join(RECEIPT)).map_err(unusable)?;
            let key = files::read_key(&self.path().join(KEY)).map_err(unusable)?;
            let judge = Judge::new(Some(key), None, RequiredLayer::Proven, Some(Chosen::Development.id()));
            let judged = judge.judge(vec![Subject::Receipt(Box::new(file))]).pop();
            let judged = judged.ok_or_else(|| StepError::File("nothing was judged".to_owned()))?;
            if judged.outcome() != Outcome::Accepted {
                return Err(StepError::Verdict { reason: judged.reason() });
            }
            let text = format!("assay verify {RECEIPT} --vk {KEY} --accept-insecure-setup");
            let told = Told::new(text, judged.data(RECEIPT));
            Ok((judged, told))
        })?;
        output.gap();
        print(&judged, Path::new(RECEIPT), output);
        Ok(judged.data(RECEIPT))
    }

    fn write(&self, plot: &Plot, work: &Work) -> Result<(), StepError> {
        let info = plot.bundle().info();
        let receipt = ReceiptFile {
            signed: work.signed.clone(),
            evidence: work.evidence.clone(),
            input: work.input.clone(),
            output: work.output.clone(),
            proofs: vec![work.proof.clone()],
            unauthenticated: UnauthenticatedNotes {
                model_name: info.name.clone(),
                labels: info.labels.clone(),
                written_by: format!("assay {}", env!("CARGO_PKG_VERSION")),
            },
        };
        let input = serde_json::to_vec(&work.input).map_err(|error| StepError::File(error.to_string()))?;
        let contents = [
            (RECEIPT, receipt.to_bytes()),
            (PROOF, work.proof.to_bytes()),
            (INPUT, input),
            (KEY, plot.key().verifying().to_bytes()),
            (MODEL, plot.bundle().to_bytes()?),
        ];
        for (file, content) in contents {
            files::write(&self.path().join(file), &content, Existing::Keep).map_err(unusable)?;
        }
        Ok(())
    }

    /// Gives the folder its name, and says what to do with it.
    pub(super) fn publish(self, output: &Output) -> Result<Option<PathBuf>, CliError> {
        output.gap();
        let Self::Kept(folder) = self else {
            output.line("Keep the files with --out DIR, and verify them yourself.");
            return Ok(None);
        };
        let folder = folder.publish()?;
        let path = |file: &str| name(&folder.join(file));
        output.line(format!("Kept in {}. Try:", name(&folder)));
        output.line(format!("  assay verify {} --vk {} --accept-insecure-setup", path(RECEIPT), path(KEY)));
        output.line(format!("  assay verify {} --model {} --accept-insecure-setup", path(RECEIPT), path(MODEL)));
        output.line(format!("  assay inspect {}", path(RECEIPT)));
        output.line(format!(
            "  assay prover run --model {} --input {} --out mine.proof --accept-insecure-setup",
            path(MODEL),
            path(INPUT)
        ));
        Ok(Some(folder))
    }
}

fn unusable(error: impl std::fmt::Display) -> StepError {
    StepError::File(error.to_string())
}

//! Judging files: what `assay verify` and `assay-verify` do.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use attestation::evidence::{EVIDENCE_BYTES_MAX, Evidence};
use circuits::model::bundle::Bundle;
use circuits::statement::Statement;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::error::{CheckError, Failure, TextError};
use super::files::{self, container_bytes_max, wide};
use super::output::{Done, Output, name};
use super::print::print;
use super::setups::{Chosen, Identifier, SetupOptions};
use crate::container::{Container, Kind, MAGIC};
use crate::inclusion::Inclusion;
use crate::inclusion::record::INCLUSION_BYTES_MAX;
use crate::judgement::{Judge, Judged, Subject};
use crate::key::VerifyingKey;
use crate::proof::Proof;
use crate::receipt::ReceiptFile;
use crate::statement::{STATEMENT_BYTES_MAX, StatementFile};
use crate::verdict::{Outcome, RequiredLayer};

/// Examples of either program's use, `PROGRAM` standing for its name.
pub const VERIFY_EXAMPLES: &str = "\
Examples:
  PROGRAM digit.receipt --vk digits.vk --accept-insecure-setup
  PROGRAM digit.receipt --model digits.assay --accept-insecure-setup     derives the key itself
  PROGRAM digit.receipt --vk digits.vk --setup-id 0x5e..     proofs under that setup, and no other
  PROGRAM *.receipt --require attested --json
  PROGRAM digit.proof --statement digit.statement --vk digits.vk --accept-insecure-setup
  PROGRAM work.evidence --context work.json --collateral vendors.collateral
  PROGRAM mine.proof --statement mine.json --vk minilm.vk --tokenizer tokenizer.json --accept-insecure-setup
  PROGRAM balance.json --header 0x5e..     something on a chain, by a header that you trust

Exit codes: 0 accepted, 1 rejected, 2 unreadable input or usage, 3 undecided, 4 configuration, 5 resource.
Of several files each gets its verdict; rejected outweighs unreadable, which outweighs undecided.";

/// Files that are judged together; so many are held in memory at once.
const WAVE: usize = 256;

/// What to judge, and by what.
#[derive(Clone, Debug, Args)]
pub struct VerifyOptions {
    /// Receipts, proofs, evidence, and what is on a chain; a file's kind is told by its content
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Model file (.assay): the verifying key is derived from it, weights included
    #[arg(long, value_name = "FILE", conflicts_with = "vk", help_heading = "Key")]
    model: Option<PathBuf>,
    /// Verifying key (.vk)
    #[arg(long, value_name = "FILE", help_heading = "Key")]
    vk: Option<PathBuf>,
    /// What must hold of a receipt beside integrity and signature
    #[arg(long, default_value = "proven", help_heading = "Trust")]
    require: Require,
    /// Judge evidence at this time, milliseconds since the epoch [default: when the receipt says the work ended; else now]
    #[arg(long, value_name = "MS", help_heading = "Trust")]
    at: Option<u64>,
    /// Vendors' documents for evidence of hardware, see `assay attest collateral`
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    collateral: Option<PathBuf>,
    /// Hash of the header that what is on a chain is judged by
    #[arg(long, value_name = "0x..", help_heading = "Trust")]
    header: Option<Identifier>,
    /// What a proof outside a receipt is to show, JSON; `assay prover run --out-statement` writes it
    #[arg(long, value_name = "FILE", help_heading = "Beside the files")]
    statement: Option<PathBuf>,
    /// Work context of evidence outside a receipt, JSON
    #[arg(long, value_name = "FILE", help_heading = "Beside the files")]
    context: Option<PathBuf>,
    /// Tokenizer of a language model (tokenizer.json), to show what the tokens of an input read
    #[arg(long, value_name = "FILE", help_heading = "Beside the files")]
    tokenizer: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Require {
    /// A proof of the output
    Proven,
    /// Evidence; a receipt without a proof passes
    Attested,
}

/// Judges every file and prints each verdict; `derive` makes the key of a model under a setup.
///
/// # Errors
/// What stands in the way before the first file: unreadable keys, models, documents. A file's own problems are in the result.
pub fn run<E: From<CheckError>>(
    options: &VerifyOptions,
    setup: &SetupOptions,
    derive: impl FnOnce(&Bundle, Chosen) -> Result<VerifyingKey, E>,
    output: &Output,
) -> Result<Done, E> {
    let judge = prepare(options, setup, derive)?;
    let beside = Beside::read(options)?;
    let mut done = Done::ok(Value::Null);
    let mut results = Vec::new();
    let mut is_first = true;
    for wave in options.files.chunks(WAVE) {
        let read: Vec<Result<Subject, CheckError>> = wave.iter().map(|path| beside.subject(path)).collect();
        let (mut subjects, mut refusals) = (Vec::new(), Vec::new());
        for result in read {
            refusals.push(result.map(|subject| subjects.push(subject)).err());
        }
        let mut judged = in_parallel(&judge, subjects).into_iter();
        for (path, refusal) in wave.iter().zip(refusals) {
            if !std::mem::take(&mut is_first) {
                output.gap();
            }
            match refusal {
                Some(error) => {
                    done.exit = done.exit.worst(error.exit());
                    done.problems.push(output.problem(&error));
                }
                None => {
                    let Some(judged) = judged.next() else { continue };
                    print(&judged, path, output);
                    if let Some(error) = problem(&judged, path) {
                        done.exit = done.exit.worst(error.exit());
                        done.problems.push((&error).into());
                    }
                    results.push(judged.data(&name(path)));
                }
            }
        }
    }
    done.data = json!({ "files": results });
    Ok(done)
}

fn prepare<E: From<CheckError>>(
    options: &VerifyOptions,
    setup: &SetupOptions,
    derive: impl FnOnce(&Bundle, Chosen) -> Result<VerifyingKey, E>,
) -> Result<Judge, E> {
    let layer = match options.require {
        Require::Proven => RequiredLayer::Proven,
        Require::Attested => RequiredLayer::Attested,
    };
    let chosen = setup.named()?;
    let bundle = options.model.as_deref().map(files::read_model).transpose()?;
    let key = match (&bundle, &options.vk) {
        (Some(bundle), _) => Some(derive(bundle, chosen.unwrap_or(Chosen::Development))?),
        (None, Some(path)) => Some(files::read_key(path)?),
        (None, None) => None,
    };
    let collateral = options.collateral.as_deref().map(files::read_collateral).transpose()?;
    let vocabulary = options.tokenizer.as_deref().map(files::read_tokenizer).transpose()?;
    let judge = Judge::new(key, bundle.as_ref(), layer, chosen.map(Chosen::id));
    Ok(judge
        .at(options.at)
        .reading(vocabulary.map(Arc::new))
        .with_collateral(collateral.unwrap_or_default())
        .trusting_header(options.header.map(|Identifier(hash)| hash)))
}

/// Judges shares of the subjects on all cores; the proofs of a share are decided together.
fn in_parallel(judge: &Judge, subjects: Vec<Subject>) -> Vec<Judged> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = subjects.len().div_ceil(cores).max(1);
    if share == subjects.len() {
        return judge.judge(subjects);
    }
    let mut subjects = subjects.into_iter();
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        loop {
            let own: Vec<Subject> = subjects.by_ref().take(share).collect();
            if own.is_empty() {
                break;
            }
            threads.push(scope.spawn(|| judge.judge(own)));
        }
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(judged) => judged,
            // What a thread could not do is not passed over.
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

/// The answer for the envelope's list of errors.
fn problem(judged: &Judged, path: &Path) -> Option<CheckError> {
    let (path, reason) = (path.to_owned(), judged.reason());
    match judged.outcome() {
        Outcome::Accepted => None,
        Outcome::Rejected => Some(CheckError::Rejected { path, reason }),
        Outcome::Undecided => Some(CheckError::Undecided { path, reason, help: judged.help() }),
    }
}

/// What is needed beside files that do not say everything themselves.
struct Beside {
    statement: Option<Statement>,
    context: Option<attestation::context::WorkContext>,
    at_ms: Option<u64>,
}

impl Beside {
    fn read(options: &VerifyOptions) -> Result<Self, CheckError> {
        let statement = options.statement.as_deref().map(read_statement).transpose()?;
        let context = options.context.as_deref().map(files::read_context).transpose()?;
        Ok(Self { statement, context, at_ms: options.at })
    }

    /// Reads a file of any kind.
    fn subject(&self, path: &Path) -> Result<Subject, CheckError> {
        let max = container_bytes_max(Kind::Receipt).max(wide(EVIDENCE_BYTES_MAX)).max(wide(INCLUSION_BYTES_MAX));
        let bytes = files::read(path, "receipt", max)?;
        if bytes.is_empty() {
            return Err(CheckError::format(path, TextError::Empty));
        }
        if bytes.starts_with(b"{") {
            let inclusion: Inclusion = serde_json::from_slice(&bytes)
                .map_err(|error| CheckError::format(path, TextError::Inclusion(error)))?;
            return Ok(Subject::Inclusion(Box::new(inclusion)));
        }
        if matches!(Container::kind(&bytes), Ok((Kind::Proof, _))) {
            let proof = Proof::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))?;
            let missing = "a proof outside a receipt needs what it is to show: --statement FILE";
            let statement = self.statement.clone().ok_or_else(|| CheckError::Usage(missing.to_owned()))?;
            return Ok(Subject::Proof(Box::new(proof), Box::new(statement)));
        }
        if !MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(&bytes))
            && let Ok(evidence) = Evidence::from_bytes(&bytes)
        {
            let missing = "evidence outside a receipt needs its work context: --context FILE";
            let context = self.context.ok_or_else(|| CheckError::Usage(missing.to_owned()))?;
            let (evidence, context) = (Box::new(evidence), Box::new(context));
            return Ok(Subject::Evidence { evidence, context, at_ms: self.at_ms.unwrap_or_else(now) });
        }
        let file = ReceiptFile::from_bytes(&bytes).map_err(|error| CheckError::format(path, error))?;
        Ok(Subject::Receipt(Box::new(file)))
    }
}

/// What a proof shows, in JSON.
///
/// # Errors
/// [`CheckError`] of reading and of its format.
pub fn read_statement(path: &Path) -> Result<Statement, CheckError> {
    let bytes = files::read(path, "statement", wide(STATEMENT_BYTES_MAX))?;
    let file: Result<StatementFile, _> = serde_json::from_slice(&bytes);
    file.map(Statement::from).map_err(|error| CheckError::format(path, TextError::Statement(error)))
}

fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

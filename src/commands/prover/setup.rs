//! `assay prover setup`: setups of ceremonies, and verifying keys under a setup.

use std::cell::Cell;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use attestation::hex;
use circuits::model::bundle::Bundle;
use clap::Args;
use prover::proving_key::{ProvingKeyError, derive_verifying_key};
use prover::srs::ceremony::{Ceremony, Digest};
use prover::srs::error::ImportError;
use prover::srs::{ignition, ptau};
use serde_json::{Value, json};
use verifier::setup::Setup;

use super::{existing, nanoseconds};
use verifier::cli::{SetupOptions, Store};

use crate::commands::setups::{self, setup_name};
use crate::error::{CeremonyError, CliError};
use crate::files;
use crate::output::{Done, Output, bytes, duration, name, printable};

/// Import the setup of a public ceremony, and derive a model's verifying key
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay prover setup --ptau powersOfTau28_hez_final_16.ptau --k 14\n  assay prover setup --ptau powers.ptau --digest 3f2a.. --model digits.assay --out-key digits.vk\n  assay prover setup --setup-id 0x5e.. --model digits.assay --out-key digits.vk\n  assay prover setup --model digits.assay --out-key digits.vk --accept-insecure-setup\n\nA file's points are checked; that nobody knows their secret is believed: of ceremonies that this release knows, or of\na file whose digest you state."
)]
pub(crate) struct MakeKey {
    /// Model file (.assay)
    #[arg(long, value_name = "FILE", required_unless_present = "files")]
    model: Option<PathBuf>,
    /// Where to write the verifying key (.vk)
    #[arg(long, value_name = "FILE", requires = "model")]
    out_key: Option<PathBuf>,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    ceremony: CeremonyOptions,
    #[command(flatten)]
    setup: SetupOptions,
}

/// The files of a ceremony.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ceremony")]
struct CeremonyOptions {
    /// Powers of tau of snarkjs, on BN254 (.ptau)
    #[arg(long, value_name = "FILE", group = "files", conflicts_with_all = ["setup_id", "accept_insecure_setup"])]
    ptau: Option<PathBuf>,
    /// First transcripts of Aztec's Ignition, in order (transcript00.dat ..)
    #[arg(long, value_name = "FILE", group = "files", num_args = 1.., conflicts_with_all = ["ptau", "setup_id", "accept_insecure_setup"])]
    ignition: Vec<PathBuf>,
    /// Import for circuits of up to 2^K rows [default: the model's, or else all that the file holds]
    #[arg(long, value_name = "K", requires = "files")]
    k: Option<u32>,
    /// Accept the file with this BLAKE2b-512 digest, and no other (b2sum prints it)
    #[arg(long, value_name = "HEX", requires = "files")]
    digest: Option<Digest>,
}

/// A ceremony's setup, and how it was had.
struct Imported {
    setup: Setup,
    path: PathBuf,
    data: Value,
}

pub(super) fn run(arguments: &MakeKey, output: &Output) -> Result<Done, CliError> {
    let MakeKey { model, out_key, overwrite, ceremony, setup } = arguments;
    let chosen = if ceremony.is_given() { None } else { Some(setup.accepted()?) };
    let existing = existing(*overwrite);
    if let Some(path) = out_key {
        files::check_writable(path, existing)?;
    }
    let bundle = model.as_deref().map(files::read_model).transpose()?;
    let model_k = bundle.as_ref().map(|bundle| bundle.graph().layout().k);
    if let (Some(expected), Some(got)) = (model_k, ceremony.k.filter(|k| model_k > Some(*k))) {
        return Err(CeremonyError::Small { expected, got }.into());
    }
    let start = Instant::now();
    let (setup, import) = match chosen {
        Some(chosen) => {
            chosen.warn(output);
            (setups::obtain(setup, chosen, model_k.unwrap_or_default(), output)?, Value::Null)
        }
        None => {
            let store = setup.store()?;
            let Imported { setup, path, data } = ceremony.import(ceremony.k.or(model_k), &store, output)?;
            output.field("kept", name(&path));
            let k = model_k.unwrap_or(setup.k());
            (setups::reduce(&store, setup, k, output)?, data)
        }
    };
    let setup_time = start.elapsed();
    let Some(bundle) = bundle else {
        output.field("time", duration(setup_time));
        let (id, k) = (hex::encode(&setup.id()), setup.k());
        return Ok(Done::ok(json!({ "setup_id": id, "k": k, "setup_ns": nanoseconds(setup_time), "import": import })));
    };
    make_key(&bundle, &setup, setup_time, import, arguments, output)
}

fn make_key(
    bundle: &Bundle,
    setup: &Setup,
    setup_time: Duration,
    import: Value,
    arguments: &MakeKey,
    output: &Output,
) -> Result<Done, CliError> {
    let out_key = arguments.out_key.as_deref();
    let start = Instant::now();
    let progress = output.progress("committing to the weights and deriving the verifying key");
    let key = derive_verifying_key(bundle, setup).map_err(|error| match error {
        ProvingKeyError::Rows(error) => error.into(),
        error => CliError::ProvingKey(error),
    })?;
    progress.finish();
    let key_time = start.elapsed();
    let encoded = key.to_bytes();
    if let Some(path) = out_key {
        files::write(path, &encoded, existing(arguments.overwrite))?;
    }
    output.heading(&format!("key of model {}", printable(&bundle.info().name)));
    output.field("model hash", hex::encode(&key.model_hash()));
    output.field("key digest", hex::encode(&key.digest()));
    output.field("setup", setup_name(&key.setup_id()));
    output
        .field("circuit", format!("2^{} rows, {} committed weight rows", key.shape().k(), key.commitment().rows.len()));
    output.field("key size", bytes(encoded.len() as u64));
    output.field("time", format!("setup {}, key {}", duration(setup_time), duration(key_time)));
    match out_key {
        Some(path) => output.field("written", name(path)),
        None => output.field("written", "nothing; --out-key FILE keeps the key"),
    }
    Ok(Done::ok(json!({
        "model_hash": hex::encode(&key.model_hash()),
        "key_digest": hex::encode(&key.digest()),
        "bundle_hash": hex::encode(&bundle.hash()),
        "setup_id": hex::encode(&key.setup_id()),
        "k": key.shape().k(),
        "rows": key.commitment().rows.len(),
        "key_bytes": encoded.len(),
        "setup_ns": nanoseconds(setup_time),
        "key_ns": nanoseconds(key_time),
        "out_key": out_key.map(name),
        "import": import,
    })))
}

impl CeremonyOptions {
    fn is_given(&self) -> bool {
        self.ptau.is_some() || !self.ignition.is_empty()
    }

    /// The files, as messages name them.
    fn name(&self) -> String {
        let all = self.ptau.iter().chain(&self.ignition);
        all.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Reads, checks and keeps the setup.
    fn import(&self, k: Option<u32>, store: &Store, output: &Output) -> Result<Imported, CliError> {
        let refused = |source| CeremonyError::Import { files: self.name(), source };
        let start = Instant::now();
        let ceremony = self.read(k, output)?.map_err(refused)?;
        let check_time = start.elapsed();
        ceremony.trust(self.digest.as_ref()).map_err(refused)?;
        let (id, k, digest, known) = (ceremony.setup_id(), ceremony.k(), *ceremony.digest(), ceremony.known());
        let start = Instant::now();
        let kept = match store.load(&id, k) {
            Err(error) => {
                output.warn(format!("{error}; it is made again"));
                None
            }
            Ok(kept) => kept,
        };
        let was_kept = kept.is_some();
        let setup = match kept {
            Some(setup) => setup,
            None => {
                let progress = output.progress(&format!("preparing the Lagrange basis for 2^{k} rows"));
                let setup = ceremony.into_setup(&|done, total| progress.set(done, total)).map_err(refused)?;
                progress.finish();
                setups::keep(store, &setup)?;
                setup
            }
        };
        let basis_time = start.elapsed();
        let path = store.path(&id, k);
        output.heading(&format!("setup of {}", printable(&self.name())));
        let by_digest = "none that this release knows; accepted by --digest";
        output.field("ceremony", known.map_or(by_digest, |known| known.name));
        if let Some(known) = known {
            output.field("source", known.source);
        }
        output.field("digest", digest.to_string());
        output.field("setup", hex::encode(&id));
        output.field("size", format!("2^{k} rows, every power checked in {}", duration(check_time)));
        let how = if was_kept { "kept from before, read" } else { "made" };
        output.field("basis", format!("{how} in {}", duration(basis_time)));
        let data = json!({
            "files": self.ptau.iter().chain(&self.ignition).map(|path| name(path)).collect::<Vec<_>>(),
            "ceremony": known.map(|known| known.name),
            "source": known.map(|known| known.source),
            "digest": digest.to_string(),
            "setup_id": hex::encode(&id),
            "k": k,
            "kept": name(&path),
            "was_kept": was_kept,
            "check_ns": nanoseconds(check_time),
            "basis_ns": nanoseconds(basis_time),
        });
        Ok(Imported { setup, path, data })
    }

    /// Reads the files and checks their points; the outer error is about the files, the inner about their content.
    fn read(&self, k: Option<u32>, output: &Output) -> Result<Result<Ceremony, ImportError>, CliError> {
        let paths: Vec<_> = self.ptau.iter().chain(&self.ignition).collect();
        let mut opened = paths.iter().map(|path| files::open(path)).collect::<Result<Vec<_>, _>>()?;
        let total = opened
            .iter()
            .filter_map(|file| file.metadata().ok())
            .fold(0, |sum: u64, file| sum.saturating_add(file.len()));
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let progress = output.progress(&format!("reading {}", printable(&self.name())));
        let done = Cell::new(0usize);
        let step = |count: usize| {
            done.set(done.get().saturating_add(count));
            progress.set(done.get(), total);
        };
        let mut readers: Vec<&mut dyn Read> = opened.iter_mut().map(|file| file as &mut dyn Read).collect();
        let transcript = match (&self.ptau, readers.as_mut_slice()) {
            (Some(_), [file]) => ptau::read(*file, k, &step),
            (_, files) => ignition::read(files, k, &step),
        };
        progress.finish();
        Ok(transcript.and_then(|transcript| {
            let progress = output.progress("checking every power");
            let checked = transcript.check();
            progress.finish();
            checked
        }))
    }
}

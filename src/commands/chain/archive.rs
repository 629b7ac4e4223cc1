//! `assay chain export`, `snapshot` and `import`: a chain in a file, and back.

use std::path::{Path, PathBuf};

use ::chain::node::archive::{self, ArchiveKind, ArchiveReader, Archived};
use ::chain::types::{Genesis, Hash};
use attestation::hex;
use clap::Args;
use serde_json::{Value, json};

use super::dev::development_setup_of;
use super::directory::DataDirectory;
use crate::error::{ChainError, CliError};
use crate::files::{self, Existing};
use crate::output::{Done, Output, name};

/// Write every block of a node, running or stopped, into a file
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain export --data-dir chain --out chain.blocks\n  assay chain import chain.blocks --data-dir copy\n\nA node that runs on it goes on: the file holds the blocks up to one of now.\nExit code 2 if there is no chain, it is damaged, or the file exists; 4 if blocks were pruned."
)]
pub(in crate::commands) struct Export {
    /// Data directory, as `assay chain dev --data-dir` made it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Write the newest state of a node, running or stopped, into a file, with what proves it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain snapshot --data-dir chain --out chain.state\n  assay chain import chain.state --data-dir copy\n  assay chain prune --data-dir chain --snapshot chain.state\n\nA node that runs on it goes on; what was read beside it is checked whole before the file gets its name.\nExit code 2 if there is no chain, it is damaged, or the file exists."
)]
pub(in crate::commands) struct Snapshot {
    /// Data directory, as `assay chain dev --data-dir` made it
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// File to write; it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Make a data directory of a file: blocks are run again, a state is checked against its finalised header
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay chain import chain.state --data-dir copy --genesis 0x5e..\n  assay chain import chain.blocks --data-dir copy\n\nThe file names its genesis; whoever made it could name another, so compare it or give --genesis.\nExit code 1 if the file does not hold what it claims, 2 if it is damaged, 4 if it is of another chain, 5 if the disk refuses."
)]
pub(in crate::commands) struct Import {
    /// File that `assay chain export` or `snapshot` wrote
    file: PathBuf,
    /// New data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Refuse every chain but that of this genesis hash
    #[arg(long, value_name = "HASH", value_parser = genesis_hash)]
    genesis: Option<GenesisHash>,
    /// Let the validator go on here: only if its old directory is gone for good and signed nothing after this file was made
    #[arg(long)]
    sign_on: bool,
}

/// A genesis hash on the command line.
#[derive(Clone, Copy, Debug)]
struct GenesisHash(Hash);

fn genesis_hash(text: &str) -> Result<GenesisHash, String> {
    hex::decode(text).map(GenesisHash).map_err(|error| error.to_string())
}

pub(super) fn export(Export { data_dir, out }: &Export, output: &Output) -> Result<Done, CliError> {
    files::check_writable(out, Existing::Keep)?;
    let directory = DataDirectory::new(data_dir);
    let genesis = directory.existing_genesis()?;
    let progress = output.progress("writing every block");
    let archived = archive::export(&directory.chain(), &genesis, out).map_err(ChainError::from)?;
    progress.finish();
    output.heading(&format!("blocks 1 to {} in {}", archived.height, name(out)));
    Ok(told(&genesis, &archived, out, "blocks", output))
}

pub(super) fn snapshot(Snapshot { data_dir, out }: &Snapshot, output: &Output) -> Result<Done, CliError> {
    files::check_writable(out, Existing::Keep)?;
    let directory = DataDirectory::new(data_dir);
    let genesis = directory.existing_genesis()?;
    let progress = output.progress("writing every object");
    let archived = archive::snapshot(&directory.chain(), &genesis, out).map_err(ChainError::from)?;
    progress.finish();
    output.heading(&format!("the state of height {} in {}", archived.height, name(out)));
    Ok(told(&genesis, &archived, out, "state", output))
}

pub(super) fn import(arguments: &Import, output: &Output) -> Result<Done, CliError> {
    let Import { file, data_dir, genesis: wanted, sign_on } = arguments;
    let reader = ArchiveReader::open(file).map_err(ChainError::from)?;
    let (genesis, kind) = (reader.genesis().clone(), reader.kind());
    if let Some(GenesisHash(expected)) = wanted.filter(|GenesisHash(wanted)| *wanted != genesis.hash()) {
        let got = genesis.hash();
        return Err(ChainError::from(archive::ArchiveError::AnotherChain { expected, got }).into());
    }
    let directory = DataDirectory::new(data_dir);
    if directory.genesis()?.is_some() {
        return Err(ChainError::from(archive::ArchiveError::Occupied { path: data_dir.clone() }).into());
    }
    let setup = development_setup_of(&directory, &genesis, output)?;
    let stage = match kind {
        ArchiveKind::Blocks => "running every block",
        ArchiveKind::State => "checking every object",
    };
    let progress = output.progress(stage);
    let chain = directory.chain();
    let archived = match kind {
        ArchiveKind::Blocks => archive::import_blocks(reader, vec![setup], &chain, *sign_on),
        ArchiveKind::State => archive::restore(reader, &chain, *sign_on),
    };
    let archived = archived.map_err(ChainError::from)?;
    progress.finish();
    // Last: a genesis alone would be taken for a chain that starts.
    directory.create(&genesis)?;
    output.heading(&format!("height {} in {}", archived.height, name(data_dir)));
    if !sign_on {
        output.warn("no validator can go on in it: `assay chain dev` refuses a chain without the record of what was signed; --sign-on makes one");
    }
    let what = match kind {
        ArchiveKind::Blocks => "blocks",
        ArchiveKind::State => "state",
    };
    Ok(told(&genesis, &archived, data_dir, what, output))
}

fn told(genesis: &Genesis, archived: &Archived, path: &Path, what: &str, output: &Output) -> Done {
    let Archived { height, block, root, entries } = archived;
    output.field("chain", format!("{} of genesis {}", genesis.chain_id(), hex::encode(&genesis.hash())));
    output.field("block", hex::encode(block));
    output.field("state root", hex::encode(root));
    output.field(if what == "blocks" { "blocks" } else { "objects" }, entries.to_string());
    let data: Value = json!({
        "path": name(path),
        "holds": what,
        "chain_id": genesis.chain_id(),
        "genesis": hex::encode(&genesis.hash()),
        "height": height,
        "block": hex::encode(block),
        "state_root": hex::encode(root),
        "entries": entries,
    });
    Done::ok(data)
}

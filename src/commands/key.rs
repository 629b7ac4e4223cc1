//! `assay key`: encrypted key files and their public records.

use std::path::{Path, PathBuf};

use attestation::hex;
use attestation::identity::keystore::{self, Cost, KeyKind, KeystoreError, PublicKey, SecretKey};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use verifier::cli::Failure as _;

use crate::commands::password::PasswordOptions;
use crate::error::{CliError, FormatError};
use crate::files::{self, Existing};
use crate::output::{Done, Output, name};

/// Make and show keys; secrets stay encrypted on disk
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    New(New),
    List(List),
    Show(Show),
}

/// Make a key: an encrypted file, and a public record (.pub) beside it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay key new --kind ml-dsa-65 --out worker.pem\n  assay key new --kind ed25519 --out account.pem --password-file /run/credentials/password"
)]
pub(crate) struct New {
    /// What the key signs
    #[arg(long)]
    kind: Kind,
    /// Where to write it; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    password: PasswordOptions,
}

/// List the public records of a folder; needs no password
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Folder with key files
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Show a key's public record; needs no password
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Key file or public record
    file: PathBuf,
    /// Also open the key file, to see whether the password is right
    #[arg(long)]
    check_password: bool,
    #[command(flatten)]
    password: PasswordOptions,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// An account; signs transactions
    #[value(name = "ed25519")]
    Ed25519,
    /// A worker; signs receipts
    #[value(name = "ml-dsa-65")]
    MlDsa65,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Ed25519 => Self::Ed25519,
            Kind::MlDsa65 => Self::MlDsa65,
        }
    }
}

impl Key {
    /// Name in the envelope.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::New(_) => "key new",
            Self::List(_) => "key list",
            Self::Show(_) => "key show",
        }
    }
}

pub(super) fn run(command: &Key, output: &Output) -> Result<Done, CliError> {
    match command {
        Key::New(arguments) => new(arguments, output),
        Key::List(arguments) => list(arguments, output),
        Key::Show(arguments) => show(arguments, output),
    }
}

/// The error of a key file.
pub(super) fn key_file(path: &Path) -> impl Fn(KeystoreError) -> CliError {
    move |source| match source {
        KeystoreError::AlreadyExists { path } => CliError::Exists { path },
        // These name their path themselves.
        KeystoreError::Io { action: "read", path, source } => CliError::read(&path, source),
        KeystoreError::Io { path, source, .. } => CliError::Write { path, source },
        source => CliError::KeyFile { path: path.to_owned(), source: Box::new(source) },
    }
}

fn new(arguments: &New, output: &Output) -> Result<Done, CliError> {
    let New { kind, out, password } = arguments;
    files::check_writable(out, Existing::Keep)?;
    files::check_writable(&keystore::public_path(out), Existing::Keep)?;
    let password = password.choose()?;
    let key = SecretKey::generate((*kind).into()).map_err(key_file(out))?;
    let progress = output.progress("encrypting the key");
    keystore::write_new(out, &key, &password, Cost::STANDARD).map_err(key_file(out))?;
    progress.finish();
    let public = key.public_key();
    output.heading(&format!("new {} key", public.kind()));
    print(&public, output);
    output.field("secret", format!("{} (encrypted, readable by you alone)", name(out)));
    output.field("public record", name(&keystore::public_path(out)));
    Ok(Done::ok(json!({ "key": public, "file": name(out), "public_record": name(&keystore::public_path(out)) })))
}

fn list(arguments: &List, output: &Output) -> Result<Done, CliError> {
    let folder = &arguments.folder;
    let listed = |source| CliError::read(folder, source);
    let records = keystore::list(folder).map_err(|error| match error {
        KeystoreError::Io { source, .. } => listed(source),
        other => key_file(folder)(other),
    })?;
    if records.is_empty() {
        output.line(format!("no public records (.pub) in {}", name(folder)));
    }
    let mut done = Done::ok(Value::Null);
    let mut keys = Vec::new();
    for (path, record) in records {
        match record {
            Ok(key) => {
                output.line(format!("{:10} {}  {}", key.kind().to_string(), hex::encode(&key.id()), name(&path)));
                keys.push(json!({ "file": name(&path), "key": key }));
            }
            Err(error) => {
                let error = unreadable(&path, error);
                done.exit = done.exit.worst(error.exit());
                done.problems.push(output.problem(&error));
            }
        }
    }
    done.data = json!({ "keys": keys });
    Ok(done)
}

fn unreadable(path: &Path, error: KeystoreError) -> CliError {
    match error {
        KeystoreError::Record { path, source } => CliError::format(&path, FormatError::PublicRecord(source)),
        other => key_file(path)(other),
    }
}

fn show(arguments: &Show, output: &Output) -> Result<Done, CliError> {
    let Show { file, check_password, password } = arguments;
    let public = keystore::read_public(file).map_err(|error| unreadable(file, error))?;
    if *check_password {
        let password = password.read()?;
        let progress = output.progress("opening the key");
        keystore::read(file, &password).map_err(key_file(file))?;
        progress.finish();
    }
    output.heading(&format!("{} key", public.kind()));
    print(&public, output);
    output.field("password", if *check_password { "opens the key file" } else { "not checked" });
    Ok(Done::ok(json!({ "key": public, "file": name(file), "password_checked": check_password })))
}

fn print(public: &PublicKey, output: &Output) {
    let name = match public {
        PublicKey::Ed25519(_) => "account",
        PublicKey::MlDsa65(_) => "worker",
    };
    output.field(name, hex::encode(&public.id()));
    match public {
        PublicKey::Ed25519(key) => output.field("public key", key.to_string()),
        // 1952 bytes: the record holds them.
        PublicKey::MlDsa65(_) => output.field("public key", "ML-DSA-65, 1952 bytes, in the public record"),
    }
}

//! Where a password comes from: a file, a file descriptor, or a person at a terminal; never an argument, which every
//! user of the machine could read.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::error::CliError;

/// Longest password.
const PASSWORD_BYTES_MAX: u64 = 4096;
const VARIABLE: &str = "ASSAY_PASSWORD_FILE";

/// Sources of a password; the environment variable and the terminal come after them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Password (in this order; then the file that ASSAY_PASSWORD_FILE names, then a prompt)")]
pub(super) struct PasswordOptions {
    /// Read it from the first line of a file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read it from the first line of an open file descriptor
    #[cfg(unix)]
    #[arg(long, value_name = "N", conflicts_with = "password_file")]
    password_fd: Option<u32>,
}

impl PasswordOptions {
    /// The password of a key that exists.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, CliError> {
        match self.source() {
            Some(path) => read_line(&path),
            None => prompt("Password: "),
        }
    }

    /// A password for a new key; a person types it twice.
    pub(super) fn choose(&self) -> Result<Zeroizing<Vec<u8>>, CliError> {
        if let Some(path) = self.source() {
            return read_line(&path);
        }
        let password = prompt("Password for the new key: ")?;
        if prompt("The same again: ")? == password { Ok(password) } else { Err(CliError::PasswordsDiffer) }
    }

    fn source(&self) -> Option<PathBuf> {
        #[cfg(unix)]
        if let Some(descriptor) = self.password_fd {
            return Some(PathBuf::from(format!("/dev/fd/{descriptor}")));
        }
        let variable = || std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        self.password_file.clone().or_else(variable)
    }
}

/// The first line of a file, without its end.
fn read_line(path: &Path) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let place = || path.display().to_string();
    let failed = |source| CliError::PasswordSource { place: place(), source };
    // Room for the longest password, so that growing leaves no copies of it in memory.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(PASSWORD_BYTES_MAX).unwrap_or(0) + 2));
    File::open(path).map_err(failed)?.take(PASSWORD_BYTES_MAX + 2).read_to_end(&mut content).map_err(failed)?;
    let end = content.iter().position(|byte| *byte == b'\n').unwrap_or(content.len());
    content.truncate(end);
    if content.last() == Some(&b'\r') {
        content.truncate(end.saturating_sub(1));
    }
    check(content, &place())
}

fn prompt(text: &str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(CliError::NoPassword);
    }
    let failed = |source| CliError::PasswordSource { place: "the terminal".to_owned(), source };
    let typed = Zeroizing::new(rpassword::prompt_password(text).map_err(failed)?);
    check(Zeroizing::new(typed.as_bytes().to_vec()), "the terminal")
}

fn check(password: Zeroizing<Vec<u8>>, place: &str) -> Result<Zeroizing<Vec<u8>>, CliError> {
    if password.is_empty() {
        return Err(CliError::EmptyPassword);
    }
    if password.len() as u64 > PASSWORD_BYTES_MAX {
        return Err(CliError::PasswordTooLong { place: place.to_owned(), max: PASSWORD_BYTES_MAX });
    }
    Ok(password)
}

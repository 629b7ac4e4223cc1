//! The `assay` command: parses arguments, calls the libraries, prints.
//!
//! One file per noun in `commands`; `output` prints, `error` maps every failure to a stable code and an exit code,
//! `files` reads within limits and writes whole files, `development` holds the keys that everybody knows, `bench` measures,
//! `capacity` knows how much memory is left.

mod bench;
mod capacity;
mod commands;
mod development;
mod error;
mod files;
mod forgery;
mod output;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    ExitCode::from(commands::run(&arguments).code())
}

//! Every byte that this program prints.
//!
//! The standard output carries the result and nothing else: text for people, or, with `--json`, one envelope. A command
//! that runs until it is stopped streams lines of JSON instead: events, and the envelope as its last line. Progress, logs,
//! warnings and errors go to the standard error. Texts from files are strangers' words: whoever puts one into a line
//! passes it through [`printable`] first, so that no file can steer the reader's terminal.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::error::{CheckError, Failure};
use super::exit::Exit;
use crate::words::printable;

/// Version of the JSON envelope.
const SCHEMA_VERSION: u32 = 1;
/// Width of the column of names in a list of fields.
const NAME_WIDTH: usize = 16;

/// How results are printed.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Print one JSON envelope instead of text; commands that run until stopped print lines of JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress
    #[arg(long, global = true)]
    pub quiet: bool,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Holds.
    Good,
    /// Does not hold.
    Bad,
    /// Cannot be told.
    Unsure,
    /// Of less interest.
    Dim,
    /// A heading.
    Strong,
}

/// Something that went wrong, in the envelope.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    code: &'static str,
    message: String,
    help: Option<String>,
}

impl<F: Failure> From<&F> for Problem {
    fn from(error: &F) -> Self {
        Self { code: error.code(), message: error.to_string(), help: error.help() }
    }
}

/// What a command came to.
#[derive(Debug)]
pub struct Done {
    /// How it ends.
    pub exit: Exit,
    /// The result for machines.
    pub data: Value,
    /// What was wrong with parts of the input.
    pub problems: Vec<Problem>,
}

impl Done {
    /// A result without any problem.
    #[must_use]
    pub fn ok(data: Value) -> Self {
        Self { exit: Exit::Ok, data, problems: Vec::new() }
    }
}

#[derive(Serialize)]
struct StreamedEvent<'a, T> {
    schema_version: u32,
    command: &'a str,
    event: &'a str,
    data: T,
}

#[derive(Serialize)]
struct Envelope<'a> {
    schema_version: u32,
    command: &'a str,
    success: bool,
    exit_code: u8,
    data: Value,
    warnings: Vec<String>,
    errors: Vec<Problem>,
}

/// Where the program's words go.
#[derive(Debug)]
pub struct Output {
    json: bool,
    colour: bool,
    error_colour: bool,
    /// Whether each JSON value takes one line.
    streams: Cell<bool>,
    warnings: RefCell<Vec<String>>,
    failure: RefCell<Option<io::Error>>,
}

impl Output {
    /// Text or JSON; colours only on terminals whose user did not set `NO_COLOR`.
    #[must_use]
    pub fn new(json: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json,
            colour: wanted && io::stdout().is_terminal(),
            error_colour: wanted && io::stderr().is_terminal(),
            streams: Cell::new(false),
            warnings: RefCell::default(),
            failure: RefCell::default(),
        }
    }

    /// A line of the result, for people.
    pub fn line(&self, text: impl AsRef<str>) {
        if !self.json {
            self.print(text.as_ref());
        }
    }

    /// An empty line.
    pub fn gap(&self) {
        self.line("");
    }

    /// A line with a name and a value.
    pub fn field(&self, name: &str, value: impl AsRef<str>) {
        let name = self.paint(Tone::Dim, &format!("{name:NAME_WIDTH$}"));
        self.line(format!("  {name}  {}", value.as_ref()));
    }

    /// A heading.
    pub fn heading(&self, text: &str) {
        self.line(self.paint(Tone::Strong, text));
    }

    /// From here on JSON goes out line by line, because the command runs until it is stopped.
    pub fn stream(&self) {
        self.streams.set(true);
    }

    /// Something that happened in a command that streams, for machines.
    pub fn event(&self, command: &str, event: &str, data: impl Serialize) {
        if self.json {
            self.value(&StreamedEvent { schema_version: SCHEMA_VERSION, command, event, data });
        }
    }

    /// Whether the result can still be written: whoever reads it may have gone.
    pub fn is_read(&self) -> bool {
        self.failure.borrow().is_none()
    }

    /// `text` in its tone, where colours are wanted.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.colour, tone, text)
    }

    /// Something the reader should know, which changes no exit code.
    pub fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        say(&format!("{} {}", paint(self.error_colour, Tone::Unsure, "warning:"), printable(&text)));
        self.warnings.borrow_mut().push(text);
    }

    /// Says on the standard error what went wrong, and returns it for the envelope.
    pub fn problem(&self, error: &impl Failure) -> Problem {
        let label = format!("error[{}]:", error.code());
        say(&format!("{} {}", paint(self.error_colour, Tone::Bad, &label), printable(&error.to_string())));
        if let Some(help) = error.help() {
            say(&format!("{} {help}", paint(self.error_colour, Tone::Strong, " help:")));
        }
        error.into()
    }

    /// Ends the program: prints the envelope if one is wanted, and what stopped the command.
    pub fn finish(&self, command: &str, result: Result<Done, impl Failure>) -> Exit {
        let (exit, data, problems) = match result {
            Ok(done) => (done.exit, done.data, done.problems),
            Err(error) => (error.exit(), Value::Null, vec![self.problem(&error)]),
        };
        if self.json {
            self.envelope(command, exit, data, problems);
        }
        self.conclude(exit)
    }

    /// Prints what the argument parser wrote: help and version.
    pub fn parser_text(&self, text: &clap::builder::StyledStr) -> Exit {
        let text = if self.colour { text.ansi().to_string() } else { text.to_string() };
        self.print(text.trim_end());
        self.conclude(Exit::Ok)
    }

    /// Prints why the command line was refused.
    pub fn parser_refusal(&self, program: &str, text: &clap::builder::StyledStr) -> Exit {
        let error = CheckError::Usage(text.to_string().trim_end().to_owned());
        let shown = if self.error_colour { text.ansi().to_string() } else { text.to_string() };
        say(&shown.trim_end().replacen("error:", &format!("error[{}]:", error.code()), 1));
        if self.json {
            self.envelope(program, error.exit(), Value::Null, vec![Problem::from(&error)]);
        }
        self.conclude(error.exit())
    }

    /// The exit code, unless the result could not be written.
    fn conclude(&self, exit: Exit) -> Exit {
        match self.failure.take() {
            // Whoever stopped reading has what they wanted; the verdict stands.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let error = CheckError::Output(error);
                self.problem(&error);
                error.exit()
            }
            _ => exit,
        }
    }

    fn envelope(&self, command: &str, exit: Exit, data: Value, errors: Vec<Problem>) {
        let envelope = Envelope {
            schema_version: SCHEMA_VERSION,
            command,
            success: exit == Exit::Ok,
            exit_code: exit.code(),
            data,
            warnings: self.warnings.take(),
            errors,
        };
        self.value(&envelope);
    }

    fn value<T: Serialize>(&self, value: &T) {
        let text = if self.streams.get() { serde_json::to_string(value) } else { serde_json::to_string_pretty(value) };
        match text {
            Ok(text) => self.print(&text),
            Err(error) => *self.failure.borrow_mut() = Some(error.into()),
        }
    }

    fn print(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            *self.failure.borrow_mut() = Some(error);
        }
    }
}

/// A line on the standard error; if nobody can read it, nobody can be told.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn paint(colour: bool, tone: Tone, text: &str) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "1;32",
        Tone::Bad => "1;31",
        Tone::Unsure => "1;33",
        Tone::Dim => "2",
        Tone::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A path in a line or in JSON: names that are not UTF-8 lose their other bytes, names that steer lose those.
#[must_use]
pub fn name(path: &Path) -> String {
    printable(&path.display().to_string())
}

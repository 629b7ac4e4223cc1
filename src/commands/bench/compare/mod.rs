//! `assay bench compare`: two records side by side.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

mod layers;

use super::figures::{NOT_MEASURED, accuracy, figure, settings, system};
use crate::bench::comparison::{Circumstances, Figure, Note, Pair, Ratio, Row, caveats, pairs};
use crate::bench::error::BenchError;
use crate::bench::record::{RUN_BYTES_MAX, Run};
use crate::bench::records::Record;
use crate::error::{CliError, FormatError};
use crate::files;
use crate::output::{Done, Output, Tone, name, printable, utc};

/// Compare two records, with bounds on what noise could do
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  assay bench compare before.json after.json\n  assay bench compare ezkl.json assay.json     another system on the same models\n\nA ratio is base / new: how many times less the new run needs. Its bounds hold with the stated probability whatever the\ndistribution of the noise; sizes are the same each time and have none. Both records are of proofs, or both of layers."
)]
pub(crate) struct Compare {
    /// Record to compare with
    base: PathBuf,
    /// Record that is judged
    new: PathBuf,
}

pub(super) fn run(arguments: &Compare, output: &Output) -> Result<Done, CliError> {
    match (read(&arguments.base)?, read(&arguments.new)?) {
        (Record::Proofs(base), Record::Proofs(new)) => proofs(arguments, &base, &new, output),
        (Record::Layers(base), Record::Layers(new)) => layers::compare(arguments, &base, &new, output),
        (base, new) => {
            let kinds = [base.kind(), new.kind()];
            Err(BenchError::OtherKind { files: arguments.files(), kinds }.into())
        }
    }
}

impl Compare {
    fn files(&self) -> [PathBuf; 2] {
        [self.base.clone(), self.new.clone()]
    }
}

fn proofs(arguments: &Compare, base: &Run, new: &Run, output: &Output) -> Result<Done, CliError> {
    let pairs = pairs(base, new);
    if pairs.is_empty() {
        return Err(BenchError::NoSharedModel { files: arguments.files(), base: models(base), new: models(new) }.into());
    }
    warn(Circumstances::of(base), Circumstances::of(new), output);
    output.heading("records");
    for (side, run, path) in [("base", base, &arguments.base), ("new", new, &arguments.new)] {
        output.field(side, format!("{}, {}, {}", system(run), utc(run.started_ms.get()), name(path)));
    }
    for pair in &pairs {
        output.gap();
        print(pair, output);
    }
    print_notes(&pairs, output);
    let data: Vec<Value> = pairs.iter().map(data).collect();
    Ok(Done::ok(json!({ "base": base.system, "new": new.system, "pairs": data })))
}

/// Says what makes the two runs unequal.
fn warn(base: Circumstances<'_>, new: Circumstances<'_>, output: &Output) {
    for caveat in caveats(base, new) {
        output.warn(caveat);
    }
}

/// Reads a record of either kind.
pub(super) fn read(path: &Path) -> Result<Record, CliError> {
    let bytes = files::read(path, "benchmark record", RUN_BYTES_MAX)?;
    Record::from_bytes(&bytes).map_err(|error| CliError::format(path, FormatError::from(error)))
}

/// Names of a run's models, each once.
fn models(run: &Run) -> String {
    let names: BTreeSet<String> =
        run.measurements.iter().map(|measurement| printable(&measurement.model.name)).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn print(pair: &Pair<'_>, output: &Output) {
    let (base, new) = (pair.base, pair.new);
    output.heading(&printable(&base.model.name));
    output.field("base", settings(base));
    output.field("new", settings(new));
    print_header(output);
    for Row { quantity, base, new, ratio } in &pair.rows {
        print_row(quantity.name(), [base.as_ref(), new.as_ref()], ratio.as_ref(), output);
    }
    output.field("accuracy, base", accuracy(base.accuracy.as_ref()));
    output.field("accuracy, new", accuracy(new.accuracy.as_ref()));
}

/// What the figures cover, once for all pairs.
fn print_notes(pairs: &[Pair<'_>], output: &Output) {
    let notes: BTreeSet<Note> = pairs.iter().flat_map(Pair::notes).collect();
    if notes.is_empty() {
        return;
    }
    output.gap();
    output.heading("the sides do not cover the same");
    for Note { quantity, base, new } in notes {
        output.field(quantity, format!("base: {}", printable(&base)));
        output.field("", format!("new:  {}", printable(&new)));
    }
}

fn print_header(output: &Output) {
    output.line(format!("  {:26}  {:>12}  {:>12}  {:>10}  bounds", "", "base", "new", "base / new"));
}

fn print_row(what: &str, sides: [Option<&Figure>; 2], ratio: Option<&Ratio>, output: &Output) {
    let [base, new] = sides.map(|side| side.map_or_else(|| NOT_MEASURED.to_owned(), figure));
    let head = format!("  {what:26}  {base:>12}  {new:>12}");
    let Some(ratio) = ratio else {
        output.line(head);
        return;
    };
    let tone = match ratio {
        ratio if ratio.is_noise() => Tone::Dim,
        ratio if ratio.value > 1.0 => Tone::Good,
        _ => Tone::Bad,
    };
    let shown = output.paint(tone, &format!("{:>10}", times(ratio.value)));
    output.line(format!("{head}  {shown}  {}", bounds(ratio)));
}

fn bounds(ratio: &Ratio) -> String {
    if ratio.confidence >= 1.0 {
        return "exact".to_owned();
    }
    if ratio.confidence <= 0.0 {
        return "unknown: too few samples".to_owned();
    }
    let noise = if ratio.is_noise() { ", may be noise" } else { "" };
    let percent = (ratio.confidence * 100.0).floor();
    format!("{} to {} at {percent:.0} %{noise}", times(ratio.low), times(ratio.high))
}

/// A ratio with three significant digits.
fn times(ratio: f64) -> String {
    let decimals = match ratio {
        ratio if ratio >= 100.0 => 0,
        ratio if ratio >= 10.0 => 1,
        ratio if ratio >= 1.0 => 2,
        _ => 3,
    };
    format!("{ratio:.decimals$}")
}

fn data(pair: &Pair<'_>) -> Value {
    json!({
        "model": pair.base.model.name,
        "base_settings": pair.base.settings,
        "new_settings": pair.new.settings,
        "rows": pair.rows,
        "base_accuracy": pair.base.accuracy,
        "new_accuracy": pair.new.accuracy,
        "notes": pair.notes(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_keep_three_digits() {
        for (ratio, shown) in [(123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123"), (1.0, "1.00")] {
            assert_eq!(times(ratio), shown);
        }
    }

    #[test]
    fn bounds_say_when_they_tell_nothing() {
        let ratio = |low, high, confidence| bounds(&Ratio { value: 2.0, low, high, confidence });
        assert_eq!(ratio(2.0, 2.0, 1.0), "exact");
        assert_eq!(ratio(2.0, 2.0, 0.0), "unknown: too few samples");
        assert_eq!(ratio(1.5, 2.5, 0.957), "1.50 to 2.50 at 95 %");
        assert_eq!(ratio(0.9, 2.5, 0.5), "0.900 to 2.50 at 50 %, may be noise");
    }
}

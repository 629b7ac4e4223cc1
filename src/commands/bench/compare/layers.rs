//! Two records of layers side by side.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Compare, print_header, print_row, warn};
use crate::bench::error::BenchError;
use crate::bench::layers::comparison::{Change, Pair, circumstances, pairs};
use crate::bench::layers::record::LayersRun;
use crate::error::CliError;
use crate::output::{Done, Output, name, printable, utc};

pub(super) fn compare(
    arguments: &Compare,
    base: &LayersRun,
    new: &LayersRun,
    output: &Output,
) -> Result<Done, CliError> {
    let pairs = pairs(base, new);
    if pairs.is_empty() {
        let (base, new) = (models(base), models(new));
        return Err(BenchError::NoSharedModel { files: arguments.files(), base, new }.into());
    }
    warn(circumstances(base), circumstances(new), output);
    output.heading("records");
    for (side, run, path) in [("base", base, &arguments.base), ("new", new, &arguments.new)] {
        let commit = run.build.commit.as_deref().unwrap_or("unknown");
        let commit = printable(commit.get(..12).unwrap_or(commit));
        output.field(side, format!("{}, commit {commit}, {}", utc(run.started_ms.get()), name(path)));
    }
    for pair in &pairs {
        output.gap();
        print(pair, output);
    }
    Ok(Done::ok(json!({ "models": pairs.iter().map(data).collect::<Vec<_>>() })))
}

/// Names of a run's models.
fn models(run: &LayersRun) -> String {
    let names: BTreeSet<String> = run.models.iter().map(|model| printable(&model.model.name)).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn print(pair: &Pair<'_>, output: &Output) {
    output.heading(&printable(pair.model));
    print_header(output);
    for row in &pair.rows {
        print_row(row.step, [Some(&row.base), Some(&row.new)], Some(&row.ratio), output);
    }
    if pair.changes.is_empty() {
        output.field("chain", "bytes, gas, finality, bonds and what is caught are the same");
    }
    for Change { choice, what, base, new } in &pair.changes {
        let side = |value: &Option<u64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        output.line(format!("  {}: {what}: {} -> {}", printable(choice), side(base), side(new)));
    }
    if !pair.unpaired.is_empty() {
        let names: Vec<String> = pair.unpaired.iter().map(|name| printable(name)).collect();
        output.field("one side alone", names.join("; "));
    }
}

fn data(pair: &Pair<'_>) -> Value {
    json!({ "model": pair.model, "rows": pair.rows, "changes": pair.changes, "unpaired": pair.unpaired })
}

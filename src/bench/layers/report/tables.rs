//! A run in words: the tables of the terminal, and the page of the documentation.

use std::fmt::Write as _;
use std::time::Duration;

use crate::bench::layers::attack::Attack;
use crate::bench::layers::record::{Chosen, Dispute, LayersRun, ModelLayers, Tried};
use crate::output::{bytes, duration, printable, utc};

/// Columns of the table of costs.
pub(crate) const COSTS: [&str; 7] = ["layers", "worker", "verifier", "chain", "gas", "final after", "bond"];

/// What a choice costs, in the order of [`COSTS`].
pub(crate) fn costs(chosen: &Chosen) -> [String; 7] {
    let finality = match chosen.finality_ms {
        0 => "its block".to_owned(),
        wait => duration(Duration::from_millis(wait)),
    };
    [
        printable(&chosen.name),
        time(chosen.worker_ns),
        time(chosen.verifier_ns),
        bytes(chosen.chain_bytes),
        chosen.gas.to_string(),
        finality,
        chosen.bond_micro.map_or_else(|| "none is enough".to_owned(), tokens),
    ]
}

/// Columns of the table of disputes.
pub(crate) const DISPUTES: [&str; 6] = ["a dispute", "worker", "verifiers", "chain", "gas", "verdict within"];

/// What a dispute adds, in the order of [`DISPUTES`].
pub(crate) fn dispute(dispute: &Dispute) -> [String; 6] {
    [
        printable(&dispute.name),
        time(dispute.worker_ns),
        time(dispute.verifier_ns),
        bytes(dispute.chain_bytes),
        dispute.gas.to_string(),
        duration(Duration::from_millis(dispute.verdict_ms)),
    ]
}

/// A time, or that there is none.
fn time(nanoseconds: u64) -> String {
    match nanoseconds {
        0 => "-".to_owned(),
        nanoseconds => duration(Duration::from_nanos(nanoseconds)),
    }
}

/// How often a choice catches an attack.
pub(crate) fn caught(tried: &Tried) -> String {
    match tried.caught_ppm {
        0 => "-".to_owned(),
        1_000_000 => "always".to_owned(),
        ppm => format!("{} %", f64::from(ppm) / 10_000.0),
    }
}

/// The attacks, in the order of a choice's.
pub(crate) fn attacks(model: &ModelLayers) -> Vec<Attack> {
    model.choices.first().map(|chosen| chosen.attacks.iter().map(|tried| tried.attack).collect()).unwrap_or_default()
}

/// Whether what is caught depends on the model.
pub(super) fn attacks_differ(run: &LayersRun) -> bool {
    let found = |model: &ModelLayers| -> Vec<(String, Vec<u32>)> {
        let rates = |chosen: &Chosen| chosen.attacks.iter().map(|tried| tried.caught_ppm).collect();
        model.choices.iter().map(|chosen| (chosen.name.clone(), rates(chosen))).collect()
    };
    run.models.iter().zip(run.models.iter().skip(1)).any(|(one, other)| found(one) != found(other))
}

/// Where a run comes from.
pub(super) fn origin(run: &LayersRun) -> String {
    let machine = &run.machine;
    let changed = run.build.changed_files.filter(|count| *count > 0);
    let changed = changed.map_or_else(String::new, |count| format!(" and {count} files changed"));
    let commit = run.build.commit.as_deref().map_or_else(String::new, |commit| format!(", commit {commit}{changed}"));
    format!(
        "Measured by assay bench run layers, profile {}, {}: {} cores of {}, {}, {}{commit}. Times are medians of {} runs of each \
         step, wall clock; load averages stand with each model.",
        run.profile.name(),
        utc(run.started_ms.get()),
        machine.cores,
        printable(&machine.processor),
        bytes(machine.memory_bytes.get()),
        printable(&run.build.compiler),
        run.models.first().map_or(0, |model| model.steps.run.wall_ns.count()),
    )
}

/// A model in a sentence or two.
pub(super) fn about(model: &ModelLayers) -> String {
    format!(
        "{} parameters, 2^{} rows; load {:.1} before, {:.1} after. Running the model takes {}.",
        model.model.parameters,
        model.k,
        model.load.before,
        model.load.after,
        duration(Duration::from_nanos(model.steps.run.wall_ns.median())),
    )
}

/// The page of the documentation.
pub(crate) fn page(run: &LayersRun) -> String {
    let mut page = String::from("# What each layer of verification costs and catches\n\n");
    let _ = writeln!(page, "{}\n\n{NOTES}", origin(run));
    let together = !attacks_differ(run);
    if let Some(model) = run.models.first().filter(|_| together) {
        page.push_str("\n## Who catches what\n\nThe same for every model.\n\n");
        matrix(&mut page, model);
    }
    for model in &run.models {
        let _ = writeln!(page, "\n## {}\n\n{}\n", printable(&model.model.name), about(model));
        table(&mut page, &COSTS.map(str::to_owned), model.choices.iter().map(|chosen| costs(chosen).to_vec()));
        page.push('\n');
        table(&mut page, &DISPUTES.map(str::to_owned), model.disputes.iter().map(|one| dispute(one).to_vec()));
        if !together {
            page.push('\n');
            matrix(&mut page, model);
        }
    }
    page
}

fn matrix(page: &mut String, model: &ModelLayers) {
    let names = attacks(model).into_iter().map(|attack| attack.name().to_owned());
    let header: Vec<String> = std::iter::once("caught by".to_owned()).chain(names).collect();
    let rows = model.choices.iter().map(|chosen| {
        let cells = chosen.attacks.iter().map(caught);
        std::iter::once(printable(&chosen.name)).chain(cells).collect()
    });
    table(page, &header, rows);
}

/// What the figures mean; words between asterisks are the tables' columns.
pub(super) const NOTES: &str = "\
Every attack is really made and handed to every layer; honest work passes all of them, falsely accused or not. *Worker*: time
beyond running the model. *Verifier*: time on average, a spot check being the model's run times its share; in *challenge and
jury*, somebody runs every result again. *Chain*: bytes of the transactions of a result; *final after*: from its block to the
mint; *bond*: what I1 asks of the lease, both by development parameters.

A spot check that disagrees accuses, and a jury decides: what a dispute adds, and how long a verdict takes at most, stands below
each model's costs. Where most jurors collude, only a proof helps; the worker may also answer an accusation with one.

Hardware is synthetic, so the time that a GPU and a processor take to sign is missing. A replay passes a spot check because its
output is right, and passes software attestation not: evidence names its lease. Combinations hold the chain's rule on metadata.
ML-DSA draws until a signature fits, so that signing takes several times longer for some receipts than for others.";

fn table(page: &mut String, header: &[String], rows: impl Iterator<Item = Vec<String>>) {
    let mut line = |cells: &[String]| {
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    };
    line(header);
    line(&vec!["---".to_owned(); header.len()]);
    rows.for_each(|cells| line(&cells));
}

/// Micro-tokens as tokens with two decimals.
pub(super) fn tokens(micro: u64) -> String {
    format!("{}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000)
}

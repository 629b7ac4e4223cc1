//! A run in words: the tables of the terminal, and the page of the documentation.

use std::fmt::Write as _;
use std::time::Duration;

use super::attacks::Attack;
use super::record::{Chosen, LayersRun, ModelLayers, Tried};
use crate::output::{bytes, duration, printable, utc};

/// Columns of the table of costs.
pub(crate) const COSTS: [&str; 7] = ["layers", "worker", "verifier", "chain", "gas", "final after", "bond"];

/// What a choice costs, in the order of [`COSTS`].
pub(crate) fn costs(chosen: &Chosen) -> [String; 7] {
    let time = |nanoseconds: u64| match nanoseconds {
        0 => "-".to_owned(),
        nanoseconds => duration(Duration::from_nanos(nanoseconds)),
    };
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

/// The page of the documentation.
pub(crate) fn page(run: &LayersRun) -> String {
    let mut page = String::from("# What each layer of verification costs and catches\n\n");
    let machine = &run.machine;
    let changed = run.build.changed_files.filter(|count| *count > 0);
    let changed = changed.map_or_else(String::new, |count| format!(" and {count} files changed"));
    let commit = run.build.commit.as_deref().map_or_else(String::new, |commit| format!(", commit {commit}{changed}"));
    let _ = writeln!(
        page,
        "Written by `assay bench run layers --page`, {}: {} cores of {}, {}, {}{commit}. Times are medians of {} runs of each \
         step, wall clock; load averages stand with each model.\n",
        utc(run.started_ms.get()),
        machine.cores,
        printable(&machine.processor),
        bytes(machine.memory_bytes.get()),
        printable(&run.build.compiler),
        run.models.first().map_or(0, |model| model.steps.run.wall_ns.count()),
    );
    page.push_str(NOTES);
    for model in &run.models {
        let _ = writeln!(
            page,
            "\n## {}\n\n{} parameters, 2^{} rows; load {:.1} before, {:.1} after. Running the model takes {}.\n",
            printable(&model.model.name),
            model.model.parameters,
            model.k,
            model.load.before,
            model.load.after,
            duration(Duration::from_nanos(model.steps.run.wall_ns.median())),
        );
        table(&mut page, &COSTS.map(str::to_owned), model.choices.iter().map(|chosen| costs(chosen).to_vec()));
        page.push('\n');
        let names = attacks(model).into_iter().map(|attack| attack.name().to_owned());
        let header: Vec<String> = std::iter::once("caught by".to_owned()).chain(names).collect();
        let rows = model.choices.iter().map(|chosen| {
            let cells = chosen.attacks.iter().map(caught);
            std::iter::once(printable(&chosen.name)).chain(cells).collect()
        });
        table(&mut page, &header, rows);
    }
    page
}

const NOTES: &str = "\
Every attack is really made and handed to every layer; honest work passes all of them. *Worker*: time beyond running the
model. *Verifier*: time on average, a spot check being the model's run times its share. *Chain*: bytes of the transactions of
a result; *final after*: from its block to the mint, *bond*: what I1 asks of the lease, both by development parameters.
Hardware is synthetic, so the time that a GPU and a processor take to sign is missing. A replay passes a spot check because its
output is right, and passes software attestation not: evidence names its lease.
";

fn table(page: &mut String, header: &[String], rows: impl Iterator<Item = Vec<String>>) {
    let mut line = |cells: &[String]| {
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    };
    line(header);
    line(&vec!["---".to_owned(); header.len()]);
    rows.for_each(|cells| line(&cells));
}

fn tokens(micro: u64) -> String {
    format!("{}.{:02}", micro / 1_000_000, micro % 1_000_000 / 10_000)
}

//! One static page with plots: no script, nothing fetched, readable from a file.

use std::fmt::Write as _;
use std::time::Duration;

use super::plots::{Bars, COLOURS, Line, PlotError, Unit, bars, lines};
use super::tables::{self, COSTS, DISPUTES, attacks, attacks_differ, caught, costs, dispute};
use super::{escape, plots};
use crate::bench::layers::record::{Chosen, LayersRun, ModelLayers, Steps, Tried};
use crate::output::{bytes, duration};

const STYLE: &str = include_str!("report.css");

/// The page.
pub(crate) fn page(run: &LayersRun) -> Result<String, PlotError> {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let title = "What each layer of verification costs and catches";
    let _ = write!(
        page,
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p class=\"faint\">{}</p>\n",
        escape(&tables::origin(run)),
    );
    for paragraph in tables::NOTES.split("\n\n") {
        let _ = writeln!(page, "<p>{}</p>", emphasised(paragraph));
    }
    growth(&mut page, run)?;
    let together = !attacks_differ(run);
    if let Some(model) = run.models.first().filter(|_| together) {
        page.push_str("<h2>Who catches what</h2>\n<p>The same for every model.</p>\n");
        matrix(&mut page, model);
    }
    for model in &run.models {
        of_model(&mut page, model)?;
        if !together {
            matrix(&mut page, model);
        }
    }
    page.push_str("</body>\n</html>\n");
    Ok(page)
}

/// How costs grow with the model, where there are models to compare.
fn growth(page: &mut String, run: &LayersRun) -> Result<(), PlotError> {
    if run.models.len() < 2 {
        return Ok(());
    }
    let mut models: Vec<(f64, &ModelLayers)> =
        run.models.iter().filter_map(|model| Some((model.model.multiply_accumulates?.get() as f64, model))).collect();
    models.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    page.push_str(
        "<h2>How each cost grows</h2>\n<p>Each dot is a model, by the multiply-accumulates of one run.</p>\n",
    );
    let figures = [
        (
            "The worker's time for one result",
            ["run the model", "prove", "sign a receipt", "state the program"].as_slice(),
        ),
        (
            "The verifier's time for one result, each layer that looks",
            [
                "run the model",
                "verify a proof",
                "judge GPU and CPU evidence",
                "check a receipt",
                "judge software evidence",
                "check metadata",
            ]
            .as_slice(),
        ),
    ];
    for (title, names) in figures {
        let drawn: Vec<Line> = names.iter().map(|name| points(&models, name)).collect();
        let plot = lines(title, "multiply-accumulates of a run", &drawn)?;
        figure(page, title, names.iter().copied().zip(COLOURS), &plot);
    }
    Ok(())
}

fn points(models: &[(f64, &ModelLayers)], name: &str) -> Line {
    let median =
        |steps: &Steps| steps.all().into_iter().find(|(step, _)| *step == name).map(|(_, time)| time.wall_ns.median());
    models.iter().filter_map(|(size, model)| Some((*size, median(&model.steps)? as f64))).collect()
}

fn of_model(page: &mut String, model: &ModelLayers) -> Result<(), PlotError> {
    let _ = writeln!(page, "<h2>{}</h2>\n<p>{}</p>", escape(&model.model.name), escape(&tables::about(model)));
    let plot = |value: u64| (value > 0).then_some(value as f64);
    let rows = |of: &dyn Fn(&Chosen) -> Vec<Option<f64>>| -> Vec<(&str, Vec<Option<f64>>)> {
        model.choices.iter().map(|chosen| (chosen.name.as_str(), of(chosen))).collect()
    };
    let time = |value: Option<f64>| {
        value.map_or_else(|| "nothing".to_owned(), |value| duration(Duration::from_nanos(value as u64)))
    };
    let size = |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| bytes(value as u64));
    let money =
        |value: Option<f64>| value.map_or_else(|| "none is enough".to_owned(), |value| tables::tokens(value as u64));
    let figures = [
        (
            "Time for one result",
            vec!["the worker, beyond running the model", "verifiers, on average"],
            Bars {
                rows: rows(&|chosen| vec![plot(chosen.worker_ns), plot(chosen.verifier_ns)]),
                unit: Unit::Time,
                axis: "time",
                label: &time,
                colour: 0,
            },
        ),
        (
            "Bytes of a result's transactions",
            Vec::new(),
            Bars {
                rows: rows(&|chosen| vec![plot(chosen.chain_bytes)]),
                unit: Unit::Bytes,
                axis: "bytes",
                label: &size,
                colour: 2,
            },
        ),
        (
            "Bond that the lease locks, so that cheating does not pay",
            Vec::new(),
            Bars {
                rows: rows(&|chosen| vec![chosen.bond_micro.and_then(plot)]),
                unit: Unit::Tokens,
                axis: "tokens",
                label: &money,
                colour: 3,
            },
        ),
    ];
    for (title, names, drawn) in figures {
        let plot = bars(title, &drawn)?;
        figure(page, title, names.into_iter().zip(COLOURS), &plot);
    }
    page.push_str("<details><summary>The same as a table</summary>\n");
    table(page, "", &COSTS.map(str::to_owned), model.choices.iter().map(|chosen| costs(chosen).map(plain).to_vec()));
    page.push_str("</details>\n<h3>What a dispute adds</h3>\n");
    table(page, "", &DISPUTES.map(str::to_owned), model.disputes.iter().map(|one| dispute(one).map(plain).to_vec()));
    Ok(())
}

/// Who catches what.
fn matrix(page: &mut String, model: &ModelLayers) {
    let names = attacks(model).into_iter().map(|attack| attack.name().to_owned());
    let header: Vec<String> = std::iter::once("caught by".to_owned()).chain(names).collect();
    let rows = model
        .choices
        .iter()
        .map(|chosen| std::iter::once(plain(chosen.name.clone())).chain(chosen.attacks.iter().map(cell)).collect());
    table(page, "caught", &header, rows);
}

/// A cell of a table: its class, and what it says.
type Cell = (&'static str, String);

fn plain(text: String) -> Cell {
    ("", text)
}

fn cell(tried: &Tried) -> Cell {
    let class = match tried.caught_ppm {
        0 => "never",
        1_000_000 => "always",
        _ => "some",
    };
    (class, caught(tried))
}

fn table(page: &mut String, class: &str, header: &[String], rows: impl Iterator<Item = Vec<Cell>>) {
    let _ = write!(page, "<div class=\"wide\"><table class=\"{class}\">\n<thead><tr>");
    for name in header {
        let _ = write!(page, "<th>{}</th>", escape(name));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (class, text) in row {
            let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
            let _ = write!(page, "<td{class}>{}</td>", escape(&text));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

fn figure<'a>(page: &mut String, title: &str, key: impl Iterator<Item = (&'a str, plots::Colour)>, plot: &str) {
    let _ = writeln!(page, "<h3>{}</h3>\n<figure>", escape(title));
    let mut entries = String::new();
    for (name, (red, green, blue)) in key {
        let _ =
            write!(entries, "<li><span style=\"background:rgb({red},{green},{blue})\"></span>{}</li>", escape(name));
    }
    if !entries.is_empty() {
        let _ = writeln!(page, "<ul class=\"key\">{entries}</ul>");
    }
    let _ = writeln!(page, "{}\n</figure>", plot.trim());
}

/// Words between asterisks, as Markdown has them.
fn emphasised(text: &str) -> String {
    let parts = escape(text).split('*').map(str::to_owned).collect::<Vec<_>>();
    let tagged = parts
        .iter()
        .enumerate()
        .map(|(index, part)| if index % 2 == 1 { format!("<em>{part}</em>") } else { part.clone() });
    tagged.collect()
}

//! What became of each network, as a table.

use std::fmt;

use circuits::model::graph::Layout;
use prover::import::onnx::{ImportError, Report};

use crate::proof::Outcome;

/// One network.
pub(crate) struct Row {
    name: String,
    failed: bool,
    cells: [String; 6],
}

impl Row {
    /// A network that was not imported.
    pub(crate) fn refused(name: String, error: &ImportError) -> Self {
        let blank = String::new;
        Self {
            name,
            failed: true,
            cells: [format!("no: {error}"), blank(), blank(), blank(), blank(), "no".to_owned()],
        }
    }

    /// A network that was.
    pub(crate) fn imported(name: String, report: &Report, layout: Layout, outcome: Outcome) -> Self {
        let failed = matches!(outcome, Outcome::Failed(_));
        let [bytes, seconds, verified] = match outcome {
            Outcome::Proven { bytes, seconds } => [bytes.to_string(), format!("{seconds:.2}"), "yes".to_owned()],
            Outcome::Skipped(why) | Outcome::Failed(why) => [String::new(), String::new(), format!("no: {why}")],
        };
        let lanes = if layout.lanes == 1 { "lane" } else { "lanes" };
        let circuit = format!("2^{}, {} {lanes}", layout.k, layout.lanes);
        Self {
            name,
            failed,
            cells: [accuracy(report), report.activation_bits.to_string(), circuit, bytes, seconds, verified],
        }
    }

    /// Whether something is not as it has to be.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "| {} | {} |", self.name, self.cells.join(" | "))
    }
}

/// The error of an import in words.
pub(crate) fn accuracy(report: &Report) -> String {
    let agreement = report.outputs.iter().filter_map(|output| output.argmax_agreement);
    let agreement: Vec<String> = agreement.map(|[same, all]| format!(", {same} of {all} largest agree")).collect();
    format!("{:.3} %{}", report.error() * 100.0, agreement.concat())
}

/// All networks.
pub(crate) fn table(rows: &[Row]) -> String {
    let head = "| network | error | activation bits | circuit | proof bytes | seconds | verified |\n|---|---|---|---|---|---|---|\n";
    rows.iter().fold(head.to_owned(), |table, row| format!("{table}{row}\n"))
}

//! What an import chose, and how accurate it is.

use circuits::model::graph::{Graph, Operator, quotient_range};
use serde::Serialize;

/// One output against the float network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputReport {
    /// Its name.
    pub name: String,
    /// Largest minus smallest value of the float network, zero included.
    pub range: f64,
    /// Largest difference from the float network.
    pub error: f64,
    /// The same as a share of the range.
    pub relative_error: f64,
    /// Samples with the same largest element, and samples in all; `None` where the output is no classification.
    pub argmax_agreement: Option<[usize; 2]>,
}

impl OutputReport {
    /// Whether the error is at most `target`, a share of the range, and every sample's largest element the same.
    #[must_use]
    pub fn is_within(&self, target: f64) -> bool {
        self.argmax_agreement.is_none_or(|[same, all]| same == all) && self.relative_error <= target
    }
}

/// What an import chose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Bits of an activation.
    pub activation_bits: u32,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Shift that linear layers are scaled for.
    pub shift: u32,
    /// Calibration samples.
    pub samples: usize,
    /// Lists of inputs that the network has no input for.
    pub unread_lists: usize,
    /// Each output.
    pub outputs: Vec<OutputReport>,
    /// Whether every output meets the target.
    pub within_target: bool,
    /// Nodes of the integer graph.
    pub nodes: usize,
    /// Multiply-accumulates of a run.
    pub multiply_accumulates: u64,
    /// Elements that go through a requantisation.
    pub requantised_elements: u64,
    /// Largest shift.
    pub shift_max: u8,
    /// Largest number of integers that a requantised value ranges over before it is clamped.
    pub quotients_max: u64,
    /// Largest number of arguments of a function.
    pub arguments_max: u64,
}

impl Report {
    /// The largest error of any output, as a share of its range.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.outputs.iter().map(|output| output.relative_error).fold(0.0, f64::max)
    }

    /// Samples whose largest element is another one, in words; empty if there are none.
    #[must_use]
    pub fn disagreement(&self) -> String {
        let missed: usize =
            self.outputs.iter().filter_map(|output| output.argmax_agreement).map(|[same, all]| all - same).sum();
        if missed == 0 { String::new() } else { format!(", with another largest element on {missed} samples") }
    }
}

/// Sizes of a graph that decide what proving it costs.
pub(super) struct Sizes {
    pub(super) requantised_elements: u64,
    pub(super) shift_max: u8,
    pub(super) quotients_max: u64,
    pub(super) arguments_max: u64,
}

pub(super) fn sizes(graph: &Graph) -> Sizes {
    let mut sizes = Sizes { requantised_elements: 0, shift_max: 0, quotients_max: 0, arguments_max: 0 };
    for (node, value) in graph.nodes().iter().zip(graph.values().iter().skip(1)) {
        let Operator::Requantise { shift, clamp, .. } = &node.operator else { continue };
        let Some(source) = graph.sources(node).next() else { continue };
        let quotients = quotient_range(source.range, *shift);
        let arguments = clamp.count().min(quotients.count());
        sizes.requantised_elements += u64::from(value.width());
        sizes.shift_max = sizes.shift_max.max(*shift);
        sizes.quotients_max = sizes.quotients_max.max(quotients.count());
        sizes.arguments_max = sizes.arguments_max.max(arguments);
    }
    sizes
}

//! Raises the precision until the integers are accurate enough on the calibration inputs.

use circuits::model::graph::Graph;
use circuits::model::reference;
use circuits::model::weights::Weights;

use super::accuracy::FloatRuns;
use super::inputs::integers;
use super::quantise::scale::{Interval, Precision};
use super::quantise::{QuantiseError, Quantised, quantise};
use super::real::evaluate;
use super::report::{OutputReport, Report, sizes};
use super::samples::{Lists, Sample};
use super::{ImportError, Lowered, Port, Settings, segments};

/// Samples whose every value is looked at for its interval.
const INTERVAL_SAMPLES_MAX: usize = 128;
/// First and last activation bits of a search.
const SEARCHED_BITS: std::ops::RangeInclusive<u32> = 8..=13;
/// Shift that linear layers are scaled for while few bits are enough.
const SHIFT: u32 = 12;

/// What a search found.
pub(super) struct Found {
    pub(super) graph: Graph,
    pub(super) weights: Weights,
    pub(super) quantisation: (Vec<i32>, i32),
    pub(super) segments_text: String,
    pub(super) report: Report,
}

/// Tries precisions from the cheapest; the first that meets the target, or the most accurate one.
pub(super) fn search(lowered: &Lowered, inputs: &Lists, settings: &Settings) -> Result<Found, ImportError> {
    let network = &lowered.network;
    let shapes: Vec<Vec<u32>> = network.inputs.iter().map(|port| port.shape.clone()).collect();
    let samples = inputs.samples(&shapes)?;
    let float = FloatRuns::of(network, &samples)?;
    let segments = segments(network, &samples);
    let intervals = intervals(lowered, &samples)?;
    let mut best: Option<Found> = None;
    let mut refusal: Option<ImportError> = None;
    for precision in precisions(settings) {
        let quantised = match quantise(&lowered.graph, &segments, &intervals, precision) {
            Ok(quantised) => quantised,
            Err(error) => {
                refusal = Some(error.into());
                continue;
            }
        };
        let mut report = measure(&quantised, &samples, &float, precision, settings)?;
        report.unread_lists = inputs.unread(shapes.len());
        let better = best.as_ref().is_none_or(|best| worst(&report) < worst(&best.report));
        if better {
            let text = input_text(&network.inputs, &quantised.input_exponents, &quantised.graph);
            let done = report.within_target;
            best = Some(Found {
                graph: quantised.graph,
                weights: quantised.weights,
                quantisation: (quantised.input_exponents, quantised.output_exponent),
                segments_text: text,
                report,
            });
            if done {
                break;
            }
        }
    }
    match (best, refusal) {
        (Some(found), _) => Ok(found),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(ImportError::Quantise(QuantiseError::Magnitude { node: 0, operator: "input" })),
    }
}

fn precisions(settings: &Settings) -> Vec<Precision> {
    let weight_bits = settings.weight_bits;
    let precision = |activation_bits: u32| Precision {
        activation_bits,
        weight_bits: weight_bits.max(activation_bits.saturating_sub(8) + weight_bits).min(20),
        shift: SHIFT.max(activation_bits + 2).min(16),
    };
    match settings.activation_bits {
        Some(bits) => vec![precision(bits)],
        None => SEARCHED_BITS.map(precision).collect(),
    }
}

/// How far from the target a report is: samples with another largest element count most.
fn worst(report: &Report) -> (usize, f64) {
    let missed = |output: &OutputReport| output.argmax_agreement.map_or(0, |[same, all]| all - same);
    let error = report.outputs.iter().map(|output| output.relative_error).fold(0.0, f64::max);
    (report.outputs.iter().map(missed).sum(), error)
}

/// The interval of every node on the samples.
fn intervals(lowered: &Lowered, samples: &[Sample]) -> Result<Vec<Interval>, ImportError> {
    let graph = &lowered.graph;
    let mut intervals: Vec<Option<Interval>> = vec![None; graph.nodes.len()];
    for sample in samples.iter().take(INTERVAL_SAMPLES_MAX) {
        let flat: Vec<f64> = sample.iter().flatten().copied().collect();
        for (interval, values) in intervals.iter_mut().zip(evaluate::run(graph, &flat)) {
            let seen = Interval::of(&values);
            *interval = match (*interval, seen) {
                (Some(interval), Some(seen)) => Some(interval.hull(seen)),
                (interval, seen) => interval.or(seen),
            };
        }
    }
    // A node without one finite value is a constant of infinities at most; what reads it is measured in the end.
    Ok(intervals.into_iter().map(|interval| interval.unwrap_or(Interval { low: 0.0, high: 0.0 })).collect())
}

fn measure(
    quantised: &Quantised,
    samples: &[Sample],
    float: &FloatRuns,
    precision: Precision,
    settings: &Settings,
) -> Result<Report, ImportError> {
    let run = |sample: &Sample| -> Result<Vec<i64>, ImportError> {
        let input = integers(&quantised.input_exponents, quantised.graph.input(), sample)?;
        Ok(reference::run(&quantised.graph, &quantised.weights, &input)?.output().to_vec())
    };
    let integers = samples.iter().map(run).collect::<Result<Vec<_>, _>>()?;
    let outputs = float.reports(quantised.output_exponent, integers.iter().map(Vec::as_slice).enumerate());
    let within_target = outputs.iter().all(|output| output.is_within(settings.accuracy_target));
    let sizes = sizes(&quantised.graph);
    Ok(Report {
        activation_bits: precision.activation_bits,
        weight_bits: precision.weight_bits,
        shift: precision.shift,
        samples: samples.len(),
        unread_lists: 0,
        outputs,
        within_target,
        nodes: quantised.graph.nodes().len(),
        multiply_accumulates: quantised.graph.multiply_accumulates(),
        requantised_elements: sizes.requantised_elements,
        shift_max: sizes.shift_max,
        quotients_max: sizes.quotients_max,
        arguments_max: sizes.arguments_max,
    })
}

/// How real inputs become integers, in words.
fn input_text(ports: &[Port], exponents: &[i32], graph: &Graph) -> String {
    let range = graph.input().range;
    let part = |(port, exponent): (&Port, &i32)| match exponent {
        0 => format!("{}: as it is", port.name),
        _ => format!("{}: times 2^{exponent}, rounded", port.name),
    };
    let parts: Vec<String> = ports.iter().zip(exponents).map(part).collect();
    let text = format!("{}; clamped to {} to {}", parts.join(", "), range.min, range.max);
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

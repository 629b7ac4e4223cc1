//! Import of ONNX networks.
//!
//! tract parses a network and brings it into a typed form; its float run is what the integers are measured against.
//! [`bounds`] keeps it from allocating what a hostile file asks for, and a panic inside it becomes an error in [`parse`].
//! [`lower`] turns the typed form into a few real operators, [`real`] folds and fuses them, [`quantise`] chooses scales
//! and writes the integer graph, and [`search`] raises the precision until the result is accurate enough on the
//! calibration inputs. Nobody repeats an import: what leaves it is a graph whose meaning the reference executor fixes.

mod accuracy;
mod bounds;
mod inputs;
mod lower;
mod parse;
mod quantise;
mod real;
mod report;
mod samples;
mod search;

pub use self::accuracy::FloatRuns;
pub use self::inputs::{InputError, integer_input};
pub use self::lower::UnsupportedNode;
pub use self::parse::{NETWORK_BYTES_MAX, ParseError, Port};
pub use self::quantise::QuantiseError;
pub use self::report::{OutputReport, Report};
pub use self::samples::{Lists, SAMPLES_BYTES_MAX, Sample, SamplesError};

use circuits::layout::{self, PlanError};
use circuits::model::bundle::{Bundle, BundleError, Info, Quantisation, TensorScale};
use circuits::model::graph::{Graph, GraphError, Layout};
use circuits::model::reference::ExecutionError;
use circuits::model::tensor::TensorError;
use circuits::model::weights::Weights;

use self::lower::Lowering;
use self::parse::Network;
use self::quantise::Segment;
use self::quantise::scale::Interval;
use self::real::RealGraph;
use self::real::builder::{Builder, Unsupported};

/// Bits of an activation that may be asked for.
pub const ACTIVATION_BITS: std::ops::RangeInclusive<u32> = 4..=13;
/// Bits of a weight that may be asked for.
pub const WEIGHT_BITS: std::ops::RangeInclusive<u32> = 4..=24;
/// Largest error, as a share of the output's range, that counts as within tolerance.
pub const TOLERANCE: f64 = 0.01;

/// What an import may choose from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Bits of an activation; `None` starts with 8 and raises them until the target is met.
    pub activation_bits: Option<u32>,
    /// Bits of a weight, sign included.
    pub weight_bits: u32,
    /// Largest error that an output may have, as a share of its range.
    pub accuracy_target: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { activation_bits: None, weight_bits: 12, accuracy_target: TOLERANCE }
    }
}

/// Why a network was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Not a network.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// Operators that cannot be lowered, all of them.
    #[error("network: {} nodes cannot be imported; {}", nodes.len(), words(nodes))]
    Unsupported {
        /// The nodes.
        nodes: Vec<UnsupportedNode>,
    },
    /// Not inputs of the network.
    #[error(transparent)]
    Samples(#[from] SamplesError),
    /// A setting is out of bounds.
    #[error("{setting}: expected {expected}, got {got}")]
    Setting {
        /// Which one.
        setting: &'static str,
        /// Its bounds.
        expected: String,
        /// What came.
        got: String,
    },
    /// The integers exceed their bounds.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// No circuit holds the graph.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A calibration input does not fit the graph.
    #[error("calibration: {0}")]
    Tensor(#[from] TensorError),
    /// The graph breaks a limit.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The model does not fit its file.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// An input does not run.
    #[error("calibration: {0}")]
    Execution(#[from] ExecutionError),
    /// No precision is accurate enough.
    #[error(
        "accuracy: the best precision found misses by {:.3} % of the output's range{}, the target is {:.3} %",
        best.error() * 100.0,
        best.disagreement(),
        target * 100.0
    )]
    Accuracy {
        /// What was found.
        best: Box<Report>,
        /// The target, as a share of the range.
        target: f64,
    },
    /// The float network gives no finite numbers on an input.
    #[error("calibration sample {sample}: the float network's output is not finite")]
    NotFinite {
        /// Which sample, from 0.
        sample: usize,
    },
}

fn words(nodes: &[UnsupportedNode]) -> String {
    let node = |node: &UnsupportedNode| format!("{} ({}): {}", node.name, node.operator, node.why);
    let mut lines: Vec<String> = nodes.iter().take(20).map(node).collect();
    if nodes.len() > 20 {
        lines.push(format!("and {} more", nodes.len() - 20));
    }
    lines.join("; ")
}

/// An imported network.
#[derive(Debug)]
pub struct Imported {
    /// The model.
    pub bundle: Bundle,
    /// What was chosen, and how accurate it is.
    pub report: Report,
}

/// What there is to say about a network without importing it.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its outputs.
    pub outputs: Vec<Port>,
    /// Every node that stands in the way of an import.
    pub unsupported: Vec<UnsupportedNode>,
    /// With calibration inputs: what an import would choose, and how accurate it would be.
    pub report: Option<Report>,
    /// With calibration inputs: the integer graph, its circuit's size chosen where a circuit holds it.
    pub graph: Option<Graph>,
    /// Why no circuit holds the graph, where none does.
    pub plan_refusal: Option<String>,
}

/// A lowered network and what it came from.
pub(crate) struct Lowered {
    network: Network,
    graph: RealGraph,
}

/// Imports a network under a name; `inputs` are typical inputs.
pub fn import(name: &str, bytes: &[u8], inputs: &Lists, settings: &Settings) -> Result<Imported, ImportError> {
    check_settings(settings)?;
    let lowered = lower(parse::parse(bytes, Some(inputs))?)?;
    let found = search::search(&lowered, inputs, settings)?;
    if !found.report.within_target {
        return Err(ImportError::Accuracy { best: Box::new(found.report), target: settings.accuracy_target });
    }
    let layout = choose_layout(&found.graph)?;
    let graph = found.graph.with_layout(layout)?;
    let bundle = bundle(name, &lowered.network, graph, found.weights, found.quantisation, found.segments_text)?;
    Ok(Imported { bundle, report: found.report })
}

/// Says what stands in the way of an import, and with inputs how accurate it would be.
pub fn check(bytes: &[u8], inputs: Option<&Lists>, settings: &Settings) -> Result<Check, ImportError> {
    check_settings(settings)?;
    let network = parse::parse(bytes, inputs)?;
    let ports = (network.inputs.clone(), network.outputs.clone());
    let mut check = Check {
        inputs: ports.0,
        outputs: ports.1,
        unsupported: Vec::new(),
        report: None,
        graph: None,
        plan_refusal: None,
    };
    match lower(network) {
        Err(ImportError::Unsupported { nodes }) => check.unsupported = nodes,
        Err(error) => return Err(error),
        Ok(lowered) => {
            if let Some(inputs) = inputs {
                let found = search::search(&lowered, inputs, settings)?;
                check.report = Some(found.report);
                check.graph = Some(match choose_layout(&found.graph) {
                    Ok(layout) => found.graph.with_layout(layout)?,
                    Err(error) => {
                        check.plan_refusal = Some(error.to_string());
                        found.graph
                    }
                });
            }
        }
    }
    Ok(check)
}

/// The circuit's size for a graph.
fn choose_layout(graph: &Graph) -> Result<Layout, PlanError> {
    layout::choose(graph)
}

fn check_settings(settings: &Settings) -> Result<(), ImportError> {
    let bits = |setting: &'static str, allowed: std::ops::RangeInclusive<u32>, got: u32| {
        if allowed.contains(&got) {
            return Ok(());
        }
        let expected = format!("{} to {}", allowed.start(), allowed.end());
        Err(ImportError::Setting { setting, expected, got: got.to_string() })
    };
    bits("weight bits", WEIGHT_BITS, settings.weight_bits)?;
    if let Some(got) = settings.activation_bits {
        bits("activation bits", ACTIVATION_BITS, got)?;
    }
    if settings.accuracy_target > 0.0 && settings.accuracy_target < 1.0 {
        return Ok(());
    }
    let got = settings.accuracy_target.to_string();
    Err(ImportError::Setting { setting: "accuracy target", expected: "a number between 0 and 1".to_owned(), got })
}

/// Lowers a network: its inputs flat in one vector where there are several, its outputs likewise.
fn lower(network: Network) -> Result<Lowered, ImportError> {
    let result = parse::guarded(|| Ok(lowered(&network)))?;
    match result {
        Ok(graph) => Ok(Lowered { network, graph }),
        Err(nodes) => Err(ImportError::Unsupported { nodes }),
    }
}

fn lowered(network: &Network) -> Result<RealGraph, Vec<UnsupportedNode>> {
    let refused = |place: &str, Unsupported(why): Unsupported| {
        vec![UnsupportedNode { name: place.to_owned(), operator: "graph".to_owned(), why }]
    };
    let sizes: Vec<u32> = network.inputs.iter().map(|port| elements(&port.shape)).collect();
    let total = sizes.iter().fold(0u32, |sum, size| sum.saturating_add(*size));
    let whole = network.inputs.iter().all(|port| port.whole);
    let lone = if let [port] = &network.inputs[..] { Some(port.shape.clone()) } else { None };
    let mut builder = Builder::new(lone.clone().unwrap_or_else(|| vec![total]), whole);
    let mut inputs = Vec::new();
    if lone.is_some() {
        inputs.push(0);
    } else {
        let mut offset = 0;
        for (port, size) in network.inputs.iter().zip(&sizes) {
            let part =
                builder.part(offset, *size, port.whole).and_then(|part| builder.reshape(part, port.shape.clone()));
            inputs.push(part.map_err(|error| refused("inputs", error))?);
            offset = offset.saturating_add(*size);
        }
    }
    let outputs = Lowering::new(&network.model, &mut builder, &inputs).run()?;
    let mut flat = Vec::new();
    for output in &outputs {
        let size = elements(builder.shape(*output));
        flat.push(builder.reshape(*output, vec![size]).map_err(|error| refused("outputs", error))?);
    }
    let output = if let [output] = outputs[..] { Ok(output) } else { builder.concatenate(&flat, 0) };
    Ok(builder.finish(output.map_err(|error| refused("outputs", error))?))
}

fn elements(shape: &[u32]) -> u32 {
    u32::try_from(circuits::model::structure::count(shape)).unwrap_or(u32::MAX)
}

/// The parts of the graph's input and their intervals on the samples.
fn segments(network: &Network, samples: &[Sample]) -> Vec<Segment> {
    let mut offset = 0u32;
    let mut segments = Vec::new();
    for (index, port) in network.inputs.iter().enumerate() {
        let intervals = samples.iter().filter_map(|sample| Interval::of(sample.get(index)?));
        let interval = intervals.reduce(Interval::hull).unwrap_or(Interval { low: 0.0, high: 1.0 });
        let length = elements(&port.shape);
        segments.push(Segment { offset, length, whole: port.whole, interval });
        offset = offset.saturating_add(length);
    }
    segments
}

fn bundle(
    name: &str,
    network: &Network,
    graph: Graph,
    weights: Weights,
    exponents: (Vec<i32>, i32),
    input_scale: String,
) -> Result<Bundle, BundleError> {
    let scale = |port: &Port, exponent: i32| TensorScale {
        name: port.name.chars().take(128).collect(),
        shape: port.shape.clone(),
        exponent,
    };
    let inputs = network.inputs.iter().zip(&exponents.0).map(|(port, exponent)| scale(port, *exponent)).collect();
    let outputs = network.outputs.iter().map(|port| scale(port, exponents.1)).collect();
    let quantisation = Some(Quantisation { inputs, outputs });
    let info = Info { name: name.to_owned(), labels: Vec::new(), input_scale, quantisation };
    Bundle::new(graph, weights, info)
}

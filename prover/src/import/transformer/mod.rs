//! Transformers as integer graphs, from trained weights or generated ones.
//!
//! A configuration says what the network is, [`Parameters`] hold its weights, and a float run over typical inputs bounds
//! every value. Numbers become integers with powers of two as steps, so that layers repeat each other's lookup tables.
//! What a circuit pays for is elements that are rounded, so as little as possible is rounded: a residual is a part of the
//! layer before it, a norm's mean, gain and bias and attention's scale are folded into the weights around them, a
//! function is the end of its layer's rounding, and every rounding is made so coarse that one table takes its quotients.
//! Weights hardly cost anything, and carry the precision.

mod attention;
mod build;
mod choice;
pub mod configuration;
pub mod files;
mod float;
mod functions;
mod input;
mod linear;
mod norm;
pub mod parameters;
mod shapes;
mod sites;
#[cfg(test)]
mod tests;
pub mod text;
mod writer;

use circuits::layout::{self, Plan, PlanError};
use circuits::model::analysis::AnalysisError;
use circuits::model::bundle::{Bundle, BundleError, Info, Quantisation, TensorScale};
use circuits::model::graph::{GraphError, Operator};
use circuits::model::reference::{self, ExecutionError};
use circuits::model::weights::WeightsError;
use rayon::prelude::*;

use crate::estimate;

pub use self::configuration::{Configuration, Head, Mask, Nonlinearity, Norm, Placement, Positions};
pub use self::input::Texts;
pub use self::parameters::{Affine, Block, Linear, Parameters};
pub use self::shapes::Shape;
use self::sites::Ranges;
use self::writer::{TABLE_BITS_MAX, TABLE_BITS_MIN};

/// Bits of an activation that may be asked for.
pub const ACTIVATION_BITS: std::ops::RangeInclusive<u32> = 6..=13;
/// Bits of a weight that may be asked for.
pub const WEIGHT_BITS: std::ops::RangeInclusive<u32> = 6..=16;

/// The cosine that smaller tables never lead below.
const COSINE_MIN: f64 = 0.99;
/// How much of the cosine smaller tables may cost a model whose proofs they make cheaper.
const TABLE_LOSS_MAX: f64 = 0.002;

/// How precise the integers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Bits of an activation within what calibration saw, sign included; less where one table does not take them.
    pub activation_bits: u32,
    /// Bits of a weight, sign included.
    pub weight_bits: u32,
}

impl Default for Precision {
    fn default() -> Self {
        Self { activation_bits: 12, weight_bits: 12 }
    }
}

/// Why a transformer was not imported, or an input is none of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TransformerError {
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
    /// An array of weights has another length than the configuration gives it.
    #[error("{name}: expected {expected} numbers, got {got}")]
    Length {
        /// Its name.
        name: String,
        /// Its length by the configuration.
        expected: usize,
        /// Numbers that came.
        got: usize,
    },
    /// The number of blocks is not the configuration's.
    #[error("blocks: expected {expected}, got {got}")]
    Blocks {
        /// Blocks by the configuration.
        expected: u32,
        /// Blocks that came.
        got: usize,
    },
    /// No tokens.
    #[error("input: expected 1 to {window} tokens, got none")]
    Empty {
        /// The model's window.
        window: u32,
    },
    /// More tokens than the window takes.
    #[error("input: expected at most {window} tokens (the model's window), got {got}; shorten the text or truncate it")]
    TooLong {
        /// The model's window.
        window: u32,
        /// Tokens that came.
        got: usize,
    },
    /// Fewer tokens than the window, and nothing to fill it with.
    #[error(
        "input: expected exactly {window} tokens (this model has no padding), got {got}; \
         lengthen the text, or make the model for {got} tokens"
    )]
    TooShort {
        /// The model's window.
        window: u32,
        /// Tokens that came.
        got: usize,
    },
    /// A token is not in the vocabulary.
    #[error("token {place}: expected an id of 0 to less than {vocabulary}, got {got}")]
    Vocabulary {
        /// Position of the token.
        place: usize,
        /// Number of ids.
        vocabulary: u32,
        /// Id that came.
        got: u32,
    },
    /// The padding token stands before a real one.
    #[error("token {place}: padding ({token}) before the last real token; padding only fills the end of the window")]
    Padding {
        /// Position of the token.
        place: usize,
        /// Id of padding.
        token: u32,
    },
    /// No text, or more of them than one pass takes.
    #[error("texts: expected 1 to {batch} (the model's batch), got {got}; what is beyond goes into another run")]
    Batch {
        /// The model's batch.
        batch: u32,
        /// Texts that came.
        got: usize,
    },
    /// Fewer texts than the batch, and nothing to fill it with.
    #[error(
        "texts: expected exactly {batch} (this model has no padding), got {got}; \
         give one of them again, or make the model for a batch of {got}"
    )]
    TooFew {
        /// The model's batch.
        batch: u32,
        /// Texts that came.
        got: usize,
    },
    /// One of several texts is none of the model's.
    #[error("text {number} of {texts}: {source}")]
    Text {
        /// Which one, from 1 on.
        number: usize,
        /// Texts that came.
        texts: usize,
        /// What is wrong with it.
        source: Box<TransformerError>,
    },
    /// No inputs to choose scales from.
    #[error("calibration: expected at least one input, got none")]
    NoCalibration,
    /// The float run gives no finite numbers.
    #[error("float run: {place} is not finite, or nothing was seen there")]
    NotFinite {
        /// Where.
        place: String,
    },
    /// The weights exceed the range of exact arithmetic.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The graph breaks a limit.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Weights and graph disagree.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The model does not fit its file.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// An input does not run.
    #[error("calibration: {0}")]
    Execution(#[from] ExecutionError),
}

/// How close integers stay to floats on some inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accuracy {
    /// Number of inputs.
    pub samples: usize,
    /// Mean of the cosines between the integer outputs and the float outputs.
    pub cosine_mean: f64,
    /// The least of them.
    pub cosine_least: f64,
    /// Samples in which the largest element, at every place, is the float output's.
    pub same_largest: usize,
}

/// An imported transformer.
#[derive(Debug)]
pub struct Imported {
    /// The model.
    pub bundle: Bundle,
    /// On the calibration inputs.
    pub accuracy: Accuracy,
    /// Why no circuit holds the graph, where none does: the model runs, and cannot be proven.
    pub refusal: Option<PlanError>,
}

/// Makes a model of a transformer; `samples` are token ids of typical inputs, `description` says where weights come from.
///
/// # Errors
/// [`TransformerError`]: a setting, the weights or a sample do not fit, or integers exceed their bounds.
pub fn import(
    name: &str,
    description: &str,
    configuration: &Configuration,
    parameters: &Parameters,
    samples: &[Vec<u32>],
    precision: Precision,
) -> Result<Imported, TransformerError> {
    check(configuration, parameters, precision)?;
    let samples = samples.iter().map(|sample| configuration.window_of(sample)).collect::<Result<Vec<_>, _>>()?;
    let runs = samples.par_iter().map(|sample| float::run(configuration, parameters, sample));
    let runs = runs.collect::<Result<Vec<_>, _>>()?;
    if runs.is_empty() {
        return Err(TransformerError::NoCalibration);
    }
    let (outputs, ranges): (Vec<_>, Vec<_>) = runs.into_iter().map(|run| (run.output, run.ranges)).unzip();
    let ranges = ranges.into_iter().fold(Ranges::default(), Ranges::merge);
    let assemble = |table_bits| -> Result<Imported, TransformerError> {
        let built = build::build(configuration, parameters, &ranges, precision, table_bits)?;
        let graph = built.graph.with_positions(true);
        let (layout, refusal) = match layout::choose(&graph) {
            Ok(layout) => (layout, None),
            Err(error) => (graph.layout(), Some(error)),
        };
        let graph = graph.with_layout(layout)?;
        let info = info(name, description, configuration, built.exponent);
        let bundle = Bundle::new(graph, built.weights, info)?;
        let accuracy = compare(configuration, &outputs, &integer_outputs(&bundle, configuration, &samples)?);
        Ok(Imported { bundle, accuracy, refusal })
    };
    let mut imported = assemble(TABLE_BITS_MAX)?;
    let cosine = imported.accuracy.cosine_least;
    let least = (cosine - TABLE_LOSS_MAX).max(cosine.min(COSINE_MIN));
    let mut price = imported.price();
    for table_bits in (TABLE_BITS_MIN..TABLE_BITS_MAX).rev() {
        if !price.is_some_and(|price| price.is_for_tables) {
            break;
        }
        let smaller = assemble(table_bits)?;
        let smaller_price = smaller.price();
        if smaller_price.is_some() && smaller.accuracy.cosine_least < least {
            break;
        }
        if smaller_price.zip(price).is_some_and(|(smaller, price)| smaller.cells < price.cells) {
            (imported, price) = (smaller, smaller_price);
        }
    }
    Ok(imported)
}

/// What a proof is made of.
#[derive(Clone, Copy, Debug)]
struct Price {
    /// Rows of all columns.
    cells: u64,
    /// Whether tables alone make the circuit longer, or take more than a fifth of its columns.
    is_for_tables: bool,
}

/// Columns that come with a table's: its integers, what each is looked up as, and a part of a sum.
const COLUMNS_OF_A_TABLE: u64 = 4;

impl Imported {
    /// `None` if no circuit holds the graph.
    fn price(&self) -> Option<Price> {
        let plan = self.refusal.is_none().then(|| Plan::new(self.bundle.graph()).ok())??;
        let shape = estimate::Shape::new(&plan).ok()?;
        let columns = shape.fixed + shape.advice() + shape.products + shape.permutation;
        let is_for_tables = shape.used_rows < shape.rows() / 2 || 5 * COLUMNS_OF_A_TABLE * shape.tables > columns;
        Some(Price { cells: shape.rows() * columns, is_for_tables })
    }
}

/// How close a model stays to the float network on inputs that it was not calibrated on.
///
/// # Errors
/// As [`import`].
pub fn measure(
    bundle: &Bundle,
    configuration: &Configuration,
    parameters: &Parameters,
    samples: &[Vec<u32>],
) -> Result<Accuracy, TransformerError> {
    let samples = samples.iter().map(|sample| configuration.window_of(sample)).collect::<Result<Vec<_>, _>>()?;
    let outputs = samples.par_iter().map(|sample| Ok(float::run(configuration, parameters, sample)?.output));
    let outputs = outputs.collect::<Result<Vec<_>, TransformerError>>()?;
    Ok(compare(configuration, &outputs, &integer_outputs(bundle, configuration, &samples)?))
}

fn check(configuration: &Configuration, parameters: &Parameters, precision: Precision) -> Result<(), TransformerError> {
    configuration.check()?;
    let bits = |setting: &'static str, allowed: std::ops::RangeInclusive<u32>, got: u32| {
        let expected = format!("{} to {}", allowed.start(), allowed.end());
        let error = TransformerError::Setting { setting, expected, got: got.to_string() };
        if allowed.contains(&got) { Ok(()) } else { Err(error) }
    };
    bits("activation bits", ACTIVATION_BITS, precision.activation_bits)?;
    bits("weight bits", WEIGHT_BITS, precision.weight_bits)?;
    if u32::try_from(parameters.blocks.len()) != Ok(configuration.layers) {
        return Err(TransformerError::Blocks { expected: configuration.layers, got: parameters.blocks.len() });
    }
    let is_gated = configuration.nonlinearity == Nonlinearity::SwiGlu;
    if let Some(index) = parameters.blocks.iter().position(|block| block.gate.is_some() != is_gated) {
        let (expected, got) = if is_gated { (1, 0) } else { (0, 1) };
        return Err(TransformerError::Length { name: format!("gates of block {index}"), expected, got });
    }
    match parameters.lengths(configuration).into_iter().find(|(_, expected, got)| expected != got) {
        Some((name, expected, got)) => Err(TransformerError::Length { name, expected, got }),
        None => Ok(()),
    }
}

/// The integers of what the float run gives for each sample: of a model that chooses tokens the logits, which its last
/// linear layer makes. A model that takes several texts at once runs on as many samples, the last ones on some again.
fn integer_outputs(
    bundle: &Bundle,
    configuration: &Configuration,
    samples: &[Vec<u32>],
) -> Result<Vec<Vec<i64>>, TransformerError> {
    let batch = configuration.batch.max(1) as usize;
    let is_linear = |operator: &Operator| matches!(operator, Operator::Dense { .. });
    let value = match configuration.head {
        Head::Tokens { .. } => bundle.graph().nodes().iter().rposition(|node| is_linear(&node.operator)),
        Head::Embedding | Head::Logits { .. } => None,
    };
    let run = |texts: &[Vec<u32>]| -> Result<Vec<Vec<i64>>, TransformerError> {
        let sequence = texts.iter().cycle().take(batch).flatten().map(|id| i64::from(*id)).collect();
        let trace = reference::pass(bundle.graph(), bundle.weights(), sequence)?;
        let output = value.and_then(|node| trace.values.get(node + 1)).map_or(trace.output(), Vec::as_slice);
        let each = output.chunks((output.len() / batch).max(1));
        Ok(each.take(texts.len()).map(<[i64]>::to_vec).collect())
    };
    let runs = samples.par_chunks(batch).map(run).collect::<Result<Vec<_>, _>>()?;
    Ok(runs.into_iter().flatten().collect())
}

fn compare(configuration: &Configuration, floats: &[Vec<f32>], integers: &[Vec<i64>]) -> Accuracy {
    // An embedding is one row, logits are one for each place.
    let row = match configuration.head {
        Head::Embedding => configuration.width,
        Head::Logits { .. } | Head::Tokens { .. } => configuration.vocabulary,
    };
    let row = (row as usize).max(1);
    let mut accuracy = Accuracy { samples: floats.len(), cosine_mean: 0.0, cosine_least: 1.0, same_largest: 0 };
    for (float, integer) in floats.iter().zip(integers) {
        let pairs = || float.iter().zip(integer).map(|(a, b)| (f64::from(*a), *b as f64));
        let sum = |of: fn((f64, f64)) -> f64| pairs().map(of).sum::<f64>();
        let lengths = (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt();
        let cosine = if lengths > 0.0 { sum(|(a, b)| a * b) / lengths } else { 0.0 };
        accuracy.cosine_mean += cosine / floats.len() as f64;
        accuracy.cosine_least = accuracy.cosine_least.min(cosine);
        let largest = |values: Vec<f64>| {
            let best = values.iter().enumerate().max_by(|(i, a), (j, b)| a.total_cmp(b).then(j.cmp(i)));
            best.map(|(place, _)| place)
        };
        let places = |values: Vec<f64>| values.chunks(row).map(|row| largest(row.to_vec())).collect::<Vec<_>>();
        let same = places(pairs().map(|(a, _)| a).collect()) == places(pairs().map(|(_, b)| b).collect());
        accuracy.same_largest += usize::from(same);
    }
    accuracy
}

fn info(name: &str, description: &str, configuration: &Configuration, exponent: i32) -> Info {
    let Configuration { vocabulary, width, mask, head, .. } = *configuration;
    let window = configuration.asked();
    let filled = match mask {
        Mask::Padding { token } => format!("at most {window} token ids below {vocabulary}, filled up with {token}"),
        Mask::Causal | Mask::Nothing => format!("{window} token ids below {vocabulary}"),
    };
    let filled = match configuration.batch {
        1 => filled,
        batch => format!("{batch} texts, each of {filled}"),
    };
    let (output, shape) = match head {
        Head::Embedding => ("embedding", configuration.of_all(&[width])),
        Head::Logits { places } => ("logits", vec![configuration.batch * places, vocabulary]),
        Head::Tokens { count } => ("tokens", vec![configuration.batch * count]),
    };
    let scale = |name: &str, shape: Vec<u32>, exponent: i32| TensorScale { name: name.to_owned(), shape, exponent };
    let quantisation = Quantisation {
        inputs: vec![scale("tokens", configuration.of_all(&[window]), 0)],
        outputs: vec![scale(output, shape, exponent)],
    };
    let input_scale = format!("{filled}; {description}");
    Info { name: name.to_owned(), labels: Vec::new(), input_scale, quantisation: Some(quantisation) }
}

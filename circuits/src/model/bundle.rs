//! The model file (`.assay`): one safetensors file that holds graph, weights and a description.
//!
//! ```text
//! u64 LE header length | header JSON, padded with spaces to 8 bytes | tensor data
//! header: {"__metadata__": {"assay": "{\"format\":1,\"graph\":{...},\"info\":{...}}"},
//!          "node0.bias":   {"dtype":"I64","shape":[out],    "data_offsets":[..]}, ... by type, then by name
//!          "node0.weight": {"dtype":"I32","shape":[out,in], "data_offsets":[..]}, ...}
//! ```
//!
//! Safetensors was chosen because every machine-learning tool opens it. Its metadata is an unordered map, so all of
//! ours sits under one key, as JSON with a fixed field order. A model has exactly one encoding: the decoder encodes
//! again what it understood and refuses any other bytes, so that one model has one hash.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::analysis::{self, AnalysisError};
use super::container::{CONTAINER_BYTES_MAX, Container, ContainerError, HEADER_BYTES_MAX, LENGTH_BYTES, wide};
use super::graph::Graph;
use super::weights::{LinearWeights, Weights, WeightsError, linear_shapes};

/// Version of the bundle format that this crate reads and writes.
pub const BUNDLE_FORMAT: u32 = 1;
/// Largest number of labels.
pub const LABELS_MAX: usize = 4096;
/// Largest text of a description, bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 512;

const HASH_CONTEXT: &str = "assay 2026 bundle v1";
const METADATA_KEY: &str = "assay";

/// What people are told about a model. No field changes what the model computes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// Name of the model.
    pub name: String,
    /// What each output means, in order; empty where the outputs have no names.
    pub labels: Vec<String>,
    /// How a real input becomes the integers of the input tensor.
    pub input_scale: String,
    /// The same for programs, where an importer knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<Quantisation>,
}

/// What the integers of input and output stand for. Several tensors lie one after the other in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantisation {
    /// The network's inputs, in order.
    pub inputs: Vec<TensorScale>,
    /// The network's outputs, in order.
    pub outputs: Vec<TensorScale>,
}

/// One tensor of the network that a model was imported from: an integer `X` stands for `X 2^-exponent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorScale {
    /// Its name in the network.
    pub name: String,
    /// Its dimensions, outermost first.
    pub shape: Vec<u32>,
    /// Exponent of its integers.
    pub exponent: i32,
}

/// Why a bundle was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The file is not a safetensors file, or one beyond the limits.
    #[error("bundle: {0}")]
    Container(#[from] ContainerError),
    /// The header's metadata has no entry of ours: another tool's safetensors file.
    #[error("bundle metadata: expected the key \"{METADATA_KEY}\"; this safetensors file is not an assay bundle")]
    NoMetadata,
    /// Our metadata entry is not a description of a model.
    #[error("bundle metadata: not a graph with a description ({detail})")]
    Metadata {
        /// What the decoder saw.
        detail: String,
    },
    /// Another version of the format.
    #[error("bundle format: expected {BUNDLE_FORMAT}, got {got}; use the release that wrote it")]
    Version {
        /// Version that came.
        got: u32,
    },
    /// A text of the description is too long or holds control characters.
    #[error("bundle {field}: expected at most {TEXT_BYTES_MAX} bytes without control characters, got {bytes} bytes")]
    Text {
        /// Field of [`Info`].
        field: &'static str,
        /// Length that came.
        bytes: usize,
    },
    /// The number of labels is neither zero nor the width of the output.
    #[error("bundle labels: expected none or {expected} (the output's width, at most {LABELS_MAX}), got {got}")]
    Labels {
        /// Width of the output.
        expected: u32,
        /// Labels that came.
        got: usize,
    },
    /// A linear node's tensor is missing.
    #[error("bundle tensor {name}: missing")]
    TensorMissing {
        /// Its name.
        name: String,
    },
    /// A tensor that no linear node of the graph has.
    #[error("bundle tensor {name}: the graph has no such tensor")]
    TensorUnknown {
        /// Its name.
        name: String,
    },
    /// A tensor has the wrong element type.
    #[error("bundle tensor {name}: expected type {expected}, got {got}")]
    TensorType {
        /// Its name.
        name: String,
        /// `I32` for weights, `I64` for biases.
        expected: String,
        /// Type that came.
        got: String,
    },
    /// A tensor has the wrong shape.
    #[error("bundle tensor {name}: expected shape {expected:?}, got {got:?}")]
    TensorShape {
        /// Its name.
        name: String,
        /// Shape by the graph.
        expected: Vec<usize>,
        /// Shape that came.
        got: Vec<usize>,
    },
    /// The weights do not belong to the graph.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The weights could leave a declared range.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// The bytes describe a valid model, but are not its only encoding.
    #[error(
        "bundle: not the canonical encoding of its model (first difference at byte {offset}); write it again with this release"
    )]
    NotCanonical {
        /// Position of the first byte that differs.
        offset: usize,
    },
}

/// A checked model: graph, weights and description.
///
/// Invariants: weights of exactly the graph's shapes, every accumulator inside its declared range, and `hash` is over
/// the canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    graph: Graph,
    weights: Weights,
    info: Info,
    hash: [u8; 32],
}

impl Bundle {
    /// Checks weights and description against the graph.
    pub fn new(graph: Graph, weights: Weights, info: Info) -> Result<Self, BundleError> {
        Ok(Self::assemble(graph, weights, info)?.0)
    }

    /// Decodes a file; anything but the canonical encoding of a checked model is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        let container = Container::open(bytes)?;
        let Description { graph, info, .. } =
            describe(container.metadata(METADATA_KEY).ok_or(BundleError::NoMetadata)?)?;
        let weights = read_weights(&graph, container.tensors())?;
        let (bundle, canonical) = Self::assemble(graph, weights, info)?;
        if canonical != bytes {
            let differs = canonical.iter().zip(bytes).position(|(expected, got)| expected != got);
            return Err(BundleError::NotCanonical { offset: differs.unwrap_or(canonical.len().min(bytes.len())) });
        }
        Ok(bundle)
    }

    /// The canonical encoding. It cannot fail on a bundle that was assembled, since assembling encodes once.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        encode(&self.graph, &self.weights, &self.info)
    }

    /// BLAKE3 `derive_key` over the file.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The public graph.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The weights of every linear node.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The description for people.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    fn assemble(graph: Graph, weights: Weights, info: Info) -> Result<(Self, Vec<u8>), BundleError> {
        check_info(&graph, &info)?;
        // Again, because these weights may have been checked against another graph.
        let weights = Weights::new(&graph, weights.into_nodes())?;
        analysis::check(&graph, &weights)?;
        let bytes = encode(&graph, &weights, &info)?;
        let hash = blake3::derive_key(HASH_CONTEXT, &bytes);
        Ok((Self { graph, weights, info, hash }, bytes))
    }
}

/// What the metadata entry holds, in this order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    graph: Graph,
    info: Info,
}

/// The part of [`Description`] that every version has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn describe(text: &str) -> Result<Description, BundleError> {
    let metadata_error = |error: serde_json::Error| BundleError::Metadata { detail: error.to_string() };
    let Format { format } = serde_json::from_str(text).map_err(metadata_error)?;
    if format != BUNDLE_FORMAT {
        return Err(BundleError::Version { got: format });
    }
    serde_json::from_str(text).map_err(metadata_error)
}

fn read_weights(graph: &Graph, file: &SafeTensors<'_>) -> Result<Weights, BundleError> {
    let shapes = linear_shapes(graph);
    let mut nodes = BTreeMap::new();
    for (&node, &[outputs, inputs]) in &shapes {
        let weights = read_tensor(file, weight_name(node), Dtype::I32, &[outputs, inputs], i32::from_le_bytes)?;
        let bias = read_tensor(file, bias_name(node), Dtype::I64, &[outputs], i64::from_le_bytes)?;
        nodes.insert(node, LinearWeights::new(outputs, inputs, weights, bias)?);
    }
    let known = |name: &str| shapes.keys().any(|node| name == weight_name(*node) || name == bias_name(*node));
    // The smallest name, so that one file always gives one error.
    if let Some(name) = file.names().into_iter().filter(|name| !known(name)).min() {
        return Err(BundleError::TensorUnknown { name: name.to_owned() });
    }
    Ok(Weights::new(graph, nodes)?)
}

/// Reads a tensor of `N`-byte little-endian elements, its type and shape checked.
fn read_tensor<T, const N: usize>(
    file: &SafeTensors<'_>,
    name: String,
    dtype: Dtype,
    shape: &[u32],
    element: fn([u8; N]) -> T,
) -> Result<Vec<T>, BundleError> {
    let Ok(view) = file.tensor(&name) else { return Err(BundleError::TensorMissing { name }) };
    if view.dtype() != dtype {
        return Err(BundleError::TensorType { name, expected: dtype.to_string(), got: view.dtype().to_string() });
    }
    let expected = sizes(shape);
    if view.shape() != expected {
        return Err(BundleError::TensorShape { name, expected, got: view.shape().to_vec() });
    }
    let (elements, _) = view.data().as_chunks::<N>();
    Ok(elements.iter().copied().map(element).collect())
}

fn encode(graph: &Graph, weights: &Weights, info: &Info) -> Result<Vec<u8>, BundleError> {
    let description = Description { format: BUNDLE_FORMAT, graph: graph.clone(), info: info.clone() };
    let description =
        serde_json::to_string(&description).map_err(|error| BundleError::Metadata { detail: error.to_string() })?;
    let mut tensors = Vec::new();
    for (node, dense) in weights.iter() {
        let weight_bytes: Vec<u8> = dense.weights().iter().flat_map(|weight| weight.to_le_bytes()).collect();
        let bias_bytes: Vec<u8> = dense.bias().iter().flat_map(|bias| bias.to_le_bytes()).collect();
        tensors.push((weight_name(node), Dtype::I32, sizes(&[dense.outputs(), dense.inputs()]), weight_bytes));
        tensors.push((bias_name(node), Dtype::I64, sizes(&[dense.outputs()]), bias_bytes));
    }
    let mut views = Vec::with_capacity(tensors.len());
    for (name, dtype, shape, bytes) in &tensors {
        let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(ContainerError::from)?;
        views.push((name.as_str(), view));
    }
    let metadata = Some([(METADATA_KEY.to_owned(), description)].into_iter().collect());
    let bytes = safetensors::serialize(views, metadata).map_err(ContainerError::from)?;
    if bytes.len() > CONTAINER_BYTES_MAX {
        return Err(ContainerError::TooLarge { got: bytes.len() }.into());
    }
    let announced = bytes.first_chunk::<LENGTH_BYTES>().map_or(0, |head| u64::from_le_bytes(*head));
    if announced > wide(HEADER_BYTES_MAX) {
        return Err(ContainerError::HeaderTooLarge { got: announced }.into());
    }
    Ok(bytes)
}

fn check_info(graph: &Graph, info: &Info) -> Result<(), BundleError> {
    let width = graph.output().width();
    let got = info.labels.len();
    if got > 0 && (got > LABELS_MAX || u32::try_from(got) != Ok(width)) {
        return Err(BundleError::Labels { expected: width, got });
    }
    let labels = info.labels.iter().map(|label| ("labels", label));
    for (field, text) in [("name", &info.name), ("input scale", &info.input_scale)].into_iter().chain(labels) {
        if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(BundleError::Text { field, bytes: text.len() });
        }
    }
    Ok(())
}

fn weight_name(node: usize) -> String {
    format!("node{node}.weight")
}

fn bias_name(node: usize) -> String {
    format!("node{node}.bias")
}

fn sizes(shape: &[u32]) -> Vec<usize> {
    shape.iter().map(|dimension| usize::try_from(*dimension).unwrap_or(usize::MAX)).collect()
}

#[cfg(test)]
mod tests;

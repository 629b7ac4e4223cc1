//! ONNX bytes to tract's typed graph, and float runs of it.
//!
//! tract is large and was not written for hostile files: what can be checked before it runs is checked here, and a
//! panic inside it is caught as a last resort, so that a malformed network ends in an error message.

use std::io::Cursor;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::onnx;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::TypedSimplePlan;
use tract_onnx::tract_hir::internal::Factoid;

use super::bounds;
use super::lower::{is_whole, shape_u32};
use super::samples::{Lists, Sample};

/// Largest ONNX file, bytes.
pub const NETWORK_BYTES_MAX: usize = 2 << 30;
/// Versions of ONNX's own operator set. Before the first, operands were aligned by attributes; after the last, tract does
/// not know what changed, and its float run would be of another network.
const OPERATOR_SETS: RangeInclusive<i64> = 7..=23;
/// Largest number of elements of one input.
const INPUT_ELEMENTS_MAX: usize = 1 << 20;

/// Why a file is not a network that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Too large.
    #[error("network: expected at most {NETWORK_BYTES_MAX} bytes, got {got}")]
    TooLarge {
        /// Bytes that came.
        got: usize,
    },
    /// Not ONNX, or a graph that makes no sense.
    #[error("network: not an ONNX network that can be read ({detail})")]
    Malformed {
        /// The parser's words.
        detail: String,
    },
    /// The parser gave up in a way that it should not.
    #[error("network: the ONNX parser failed on this file ({detail})")]
    Panicked {
        /// Its last words.
        detail: String,
    },
    /// No inputs.
    #[error("network: it has no inputs")]
    NoInputs,
    /// No outputs.
    #[error("network: it has no outputs")]
    NoOutputs,
    /// An input without a usable shape.
    #[error("network input {name}: expected a shape of 1 to {INPUT_ELEMENTS_MAX} elements, got {got}")]
    InputShape {
        /// Its name.
        name: String,
        /// What the file says.
        got: String,
    },
    /// An operator set that tract does not know.
    #[error(
        "network: expected ONNX operator set {} to {}, got {got}",
        OPERATOR_SETS.start(),
        OPERATOR_SETS.end()
    )]
    OperatorSet {
        /// What the file says.
        got: i64,
    },
    /// A value out of proportion.
    #[error("network node {name}: expected a value of at most {limit} elements, got {got}")]
    ValueSize {
        /// Name of the node.
        name: String,
        /// Largest number of elements.
        limit: usize,
        /// Elements of the value.
        got: usize,
    },
    /// A run of the float network failed.
    #[error("network: the float run failed ({detail})")]
    Run {
        /// tract's words.
        detail: String,
    },
}

/// One input or output of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<u32>,
    /// Whether it holds whole numbers or truth values.
    pub whole: bool,
}

/// A network that tract understood.
pub(crate) struct Network {
    pub(super) model: TypedModel,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    types: Vec<DatumType>,
}

/// Reads a network. Dimensions that it leaves open become 1, or what the lists of inputs suggest.
pub(crate) fn parse(bytes: &[u8], lists: Option<&Lists>) -> Result<Network, ParseError> {
    if bytes.len() > NETWORK_BYTES_MAX {
        return Err(ParseError::TooLarge { got: bytes.len() });
    }
    guarded(|| {
        let lone = read(bytes, None);
        match (&lone, lists) {
            // A dimension left open is the batch, and one sample the natural size; where that fails, or does not
            // divide the inputs, the inputs say how large it is.
            (Ok(network), Some(lists)) if !fits(network, lists) => read(bytes, Some(lists)).or(lone),
            (Err(_), Some(lists)) => read(bytes, Some(lists)).or(lone),
            _ => lone,
        }
    })
}

fn fits(network: &Network, lists: &Lists) -> bool {
    let shapes: Vec<Vec<u32>> = network.inputs.iter().map(|port| port.shape.clone()).collect();
    lists.samples(&shapes).is_ok()
}

/// Runs a closure that may panic inside tract.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ParseError>) -> Result<T, ParseError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(payload) => {
            let words = payload.downcast_ref::<String>().cloned();
            let words = words.or_else(|| payload.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            Err(ParseError::Panicked { detail: printable(&words.unwrap_or_default()) })
        }
    }
}

/// What tract says about a file that it cannot read.
pub(super) fn malformed(error: TractError) -> ParseError {
    ParseError::Malformed { detail: printable(&format!("{error:#}")) }
}

fn read(bytes: &[u8], lists: Option<&Lists>) -> Result<Network, ParseError> {
    let parser = onnx();
    let file = parser.proto_model_for_read(&mut Cursor::new(bytes)).map_err(malformed)?;
    let own = file.opset_import.iter().find(|import| import.domain.is_empty() || import.domain == "ai.onnx");
    if let Some(import) = own.filter(|import| !OPERATOR_SETS.contains(&import.version)) {
        return Err(ParseError::OperatorSet { got: import.version });
    }
    let mut model = parser.model_for_proto_model(&file).map_err(malformed)?;
    drop(file);
    let outlets = model.input_outlets().map_err(malformed)?.to_vec();
    if outlets.is_empty() {
        return Err(ParseError::NoInputs);
    }
    if model.outputs.is_empty() {
        return Err(ParseError::NoOutputs);
    }
    for (index, outlet) in outlets.into_iter().enumerate() {
        let fact = model.input_fact(index).map_err(malformed)?.clone();
        let name = printable(&model.node(outlet.node).name);
        let refused = || ParseError::InputShape { name: name.clone(), got: printable(&format!("{:?}", fact.shape)) };
        if fact.shape.is_open() {
            return Err(refused());
        }
        let known: Vec<Option<usize>> = fact
            .shape
            .dims()
            .map(|dimension| {
                dimension
                    .concretize()
                    .and_then(|dimension| dimension.to_i64().ok())
                    .and_then(|size| usize::try_from(size).ok())
                    .filter(|size| *size > 0)
            })
            .collect();
        let fixed =
            known.iter().flatten().try_fold(1usize, |product, size| product.checked_mul(*size)).ok_or_else(refused)?;
        let open = known.iter().filter(|size| size.is_none()).count();
        let wanted = lists.and_then(|lists| lists.length(index)).map_or(1, |length| length / fixed.max(1)).max(1);
        let fill = if open == 1 { wanted } else { 1 };
        if fixed.checked_mul(fill).is_none_or(|elements| elements > INPUT_ELEMENTS_MAX) {
            return Err(refused());
        }
        let shape: TVec<usize> = known.iter().map(|size| size.unwrap_or(fill)).collect();
        let datum_type = fact.datum_type.concretize().unwrap_or(f32::datum_type());
        model.set_input_fact(index, InferenceFact::dt_shape(datum_type, shape)).map_err(malformed)?;
    }
    // The outputs' declared shapes may name dimensions that are fixed now.
    for index in 0..model.outputs.len() {
        model.set_output_fact(index, InferenceFact::default()).map_err(malformed)?;
    }
    bounds::check(&mut model)?;
    let model = model.into_typed().and_then(TypedModel::into_decluttered).map_err(malformed)?;
    Network::new(model)
}

impl Network {
    fn new(model: TypedModel) -> Result<Self, ParseError> {
        let port = |outlet: &OutletId| -> Result<(Port, DatumType), ParseError> {
            let name = printable(&model.node(outlet.node).name);
            let fact =
                model.outlet_fact(*outlet).map_err(|error| ParseError::Malformed { detail: error.to_string() })?;
            let shape = fact.shape.as_concrete().and_then(shape_u32);
            let shape =
                shape.ok_or_else(|| ParseError::InputShape { name: name.clone(), got: format!("{:?}", fact.shape) })?;
            Ok((Port { name, shape, whole: is_whole(fact.datum_type) }, fact.datum_type))
        };
        let inputs: Vec<(Port, DatumType)> = model.inputs.iter().map(port).collect::<Result<_, _>>()?;
        let outputs: Vec<(Port, DatumType)> = model.outputs.iter().map(port).collect::<Result<_, _>>()?;
        let (inputs, types) = inputs.into_iter().unzip();
        let outputs = outputs.into_iter().map(|(port, _)| port).collect();
        Ok(Self { model, inputs, outputs, types })
    }

    /// A plan for float runs.
    pub(super) fn plan(&self) -> Result<Arc<TypedSimplePlan>, ParseError> {
        let words = |error: TractError| ParseError::Run { detail: printable(&format!("{error:#}")) };
        self.model.clone().into_optimized().and_then(|model| model.into_runnable()).map_err(words)
    }

    /// The outputs of a float run.
    pub(super) fn run(&self, plan: &Arc<TypedSimplePlan>, sample: &Sample) -> Result<Vec<Vec<f64>>, ParseError> {
        let words = |error: TractError| ParseError::Run { detail: printable(&format!("{error:#}")) };
        let mut tensors: TVec<TValue> = tvec!();
        for ((values, port), datum_type) in sample.iter().zip(&self.inputs).zip(&self.types) {
            let shape: Vec<usize> = port.shape.iter().map(|length| *length as usize).collect();
            let tensor = Tensor::from_shape(&shape, values).map_err(words)?;
            let tensor = if *datum_type == TDim::datum_type() {
                tensor.cast_to::<i64>().and_then(|tensor| tensor.cast_to::<TDim>().map(|tensor| tensor.into_owned()))
            } else {
                tensor.cast_to_dt(*datum_type).map(|tensor| tensor.into_owned())
            };
            tensors.push(tensor.map_err(words)?.into_tvalue());
        }
        let outputs = plan.run(tensors).map_err(words)?;
        let numbers = |tensor: &TValue| -> TractResult<Vec<f64>> {
            let plain = if tensor.datum_type() == TDim::datum_type() {
                tensor.cast_to::<i64>()?.cast_to::<f64>()?.into_owned()
            } else {
                tensor.cast_to::<f64>()?.into_owned()
            };
            Ok(plain.to_plain_array_view::<f64>()?.iter().copied().collect())
        };
        outputs.iter().map(numbers).collect::<TractResult<_>>().map_err(words)
    }
}

/// Text from a file or from tract, on one line and of bounded length.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(400).collect()
}

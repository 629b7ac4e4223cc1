//! How far a model's integers are from the float network that it was made of.

use std::path::Path;

use circuits::model::bundle::Bundle;
use circuits::model::reference;
use circuits::model::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::error::BenchError;
use crate::error::{CliError, FormatError};
use crate::files;

/// Largest file of a reference, bytes.
const REFERENCE_BYTES_MAX: u64 = 256 << 20;

/// Agreement with the float network over a list of inputs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Accuracy {
    /// Inputs that were tried.
    #[cfg_attr(test, schemars(range(min = 1)))]
    pub(crate) samples: u32,
    /// Of these, how many have their largest output at the same place.
    pub(crate) argmax_agreements: u32,
    /// Largest distance of an output from the float network's, in its units; left out where the integers' scale is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(range(min = 0.0)))]
    pub(crate) error_max: Option<f64>,
}

/// What the float network answers, for the model's own integer inputs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    /// Real value of an output integer of one, where it is known.
    output_scale: Option<f64>,
    samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    /// The quantised input in row-major order.
    input: Vec<i64>,
    /// The float network's output for the input before it was quantised.
    output: Vec<f64>,
}

impl Accuracy {
    /// What cannot be about it.
    pub(super) fn mistake(&self) -> Option<&'static str> {
        if self.samples == 0 {
            return Some("expected at least one sample, got 0");
        }
        if self.argmax_agreements > self.samples {
            return Some("expected at most as many agreements as samples");
        }
        let is_distance = |error: f64| error.is_finite() && error >= 0.0;
        self.error_max.is_some_and(|error| !is_distance(error)).then_some("expected an error_max of 0 or more")
    }
}

impl Reference {
    /// Reads a file of `{"output_scale": 0.01 or null, "samples": [{"input": [..], "output": [..]}, ..]}`.
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = files::read(path, "reference", REFERENCE_BYTES_MAX)?;
        serde_json::from_slice(&bytes).map_err(|error| CliError::format(path, FormatError::Reference(error)))
    }

    /// Runs the model on every input; `path` is named in errors.
    pub(crate) fn measure(&self, bundle: &Bundle, path: &Path) -> Result<Accuracy, BenchError> {
        let refused = |sample, detail: String| BenchError::Reference { path: path.to_owned(), sample, detail };
        let scale = self.output_scale;
        if scale.is_some_and(|scale| !scale.is_normal() || scale < 0.0) {
            return Err(refused(0, "expected an output_scale above zero, or null".to_owned()));
        }
        if self.samples.is_empty() {
            return Err(refused(0, "expected at least one sample, got none".to_owned()));
        }
        let mut accuracy = Accuracy { samples: 0, argmax_agreements: 0, error_max: scale.map(|_| 0.0) };
        for (index, sample) in self.samples.iter().enumerate() {
            let shape = bundle.graph().input().shape.clone();
            let input = Tensor::new(shape, sample.input.clone()).map_err(|error| refused(index, error.to_string()))?;
            let trace = reference::run(bundle.graph(), bundle.weights(), &input)
                .map_err(|error| refused(index, error.to_string()))?;
            let (integers, floats) = (trace.output(), sample.output.as_slice());
            if integers.len() != floats.len() {
                let detail = format!("expected {} outputs, got {}", integers.len(), floats.len());
                return Err(refused(index, detail));
            }
            accuracy.samples += 1;
            accuracy.argmax_agreements += u32::from(largest(integers) == largest(floats));
            if let (Some(scale), Some(error_max)) = (scale, accuracy.error_max.as_mut()) {
                let distances =
                    integers.iter().zip(floats).map(|(integer, float)| (*integer as f64 * scale - float).abs());
                *error_max = distances.fold(*error_max, f64::max);
            }
        }
        Ok(accuracy)
    }
}

/// Position of the largest value, the first of equal ones.
fn largest<T: PartialOrd>(values: &[T]) -> Option<usize> {
    let mut best: Option<(usize, &T)> = None;
    for (index, value) in values.iter().enumerate() {
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}

//! Real inputs to integers, as the model's description says.

use circuits::model::bundle::Quantisation;
use circuits::model::graph::Input;
use circuits::model::tensor::{Tensor, TensorError};

use super::quantise::scale::scaled;
use super::samples::{Lists, Sample, SamplesError};

/// Why real inputs did not become integers.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Not inputs of the model's network.
    #[error(transparent)]
    Samples(#[from] SamplesError),
    /// The description does not fit the graph.
    #[error("model: its description is of another input ({0})")]
    Description(#[from] TensorError),
    /// No such sample.
    #[error("sample: expected 0 to {last}, got {got}")]
    Sample {
        /// Last one in the file.
        last: usize,
        /// The one asked for.
        got: usize,
    },
}

/// The integer input of sample number `sample` of `lists`.
pub fn integer_input(
    quantisation: &Quantisation,
    input: &Input,
    lists: &Lists,
    sample: usize,
) -> Result<Tensor, InputError> {
    let shapes: Vec<Vec<u32>> = quantisation.inputs.iter().map(|part| part.shape.clone()).collect();
    let samples = lists.samples(&shapes)?;
    let last = samples.len().saturating_sub(1);
    let chosen = samples.get(sample).ok_or(InputError::Sample { last, got: sample })?;
    let exponents: Vec<i32> = quantisation.inputs.iter().map(|part| part.exponent).collect();
    Ok(integers(&exponents, input, chosen)?)
}

/// Every number times two to its part's exponent, rounded, and clamped to the graph's range.
pub(super) fn integers(exponents: &[i32], input: &Input, sample: &Sample) -> Result<Tensor, TensorError> {
    let part = |(values, exponent): (&Vec<f64>, &i32)| -> Vec<i64> {
        let integer = |value: &f64| scaled(*value, *exponent).clamp(input.range.min, input.range.max);
        values.iter().map(integer).collect()
    };
    Tensor::new(input.shape.clone(), sample.iter().zip(exponents).flat_map(part).collect())
}

#[cfg(test)]
mod tests {
    use circuits::model::bundle::TensorScale;
    use circuits::model::range::Range;

    use super::*;

    fn part(name: &str, length: u32, exponent: i32) -> TensorScale {
        TensorScale { name: name.to_owned(), shape: vec![1, length], exponent }
    }

    #[test]
    fn each_part_has_its_own_steps_and_all_share_the_range() {
        let quantisation = Quantisation { inputs: vec![part("x", 3, 4), part("i", 1, 0)], outputs: vec![] };
        let input = Input { shape: vec![4], range: Range { min: -16, max: 20 } };
        let lists = Lists::from_json(br#"{"input_data": [[0.5, -0.03, 9, 0, 0, 0], [7, 1]]}"#).unwrap();
        let first = integer_input(&quantisation, &input, &lists, 0).unwrap();
        assert_eq!(first.values(), [8, 0, 20, 7]);
        let error = integer_input(&quantisation, &input, &lists, 2).unwrap_err();
        assert_eq!(error.to_string(), "sample: expected 0 to 1, got 2");
        let other = Input { shape: vec![5], ..input };
        let error = integer_input(&quantisation, &other, &lists, 0).unwrap_err();
        assert!(matches!(error, InputError::Description(_)));
    }
}

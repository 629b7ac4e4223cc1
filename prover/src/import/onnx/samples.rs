//! Inputs of a network from a JSON file.
//!
//! `{"input_data": [[..], ..]}` holds one flat list for each input of the network; a list may hold several samples, one
//! after the other. `{"samples": [{"x": [..]}, ..]}` holds samples of a network with one input.

use serde::Deserialize;
use serde_json::Value;

/// Largest file, bytes.
pub const SAMPLES_BYTES_MAX: usize = 256 << 20;
/// Largest number of samples that are used.
const SAMPLES_MAX: usize = 1024;

/// The numbers of one sample: one list for each input of the network.
pub type Sample = Vec<Vec<f64>>;

/// Why a file of inputs was refused.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// Too large.
    #[error("inputs: expected at most {SAMPLES_BYTES_MAX} bytes, got {got}")]
    TooLarge {
        /// Bytes that came.
        got: usize,
    },
    /// Not JSON, or JSON of another form.
    #[error("inputs: expected JSON with \"input_data\" (a list for each input) or \"samples\" ({0})")]
    Json(#[from] serde_json::Error),
    /// Neither key is there.
    #[error("inputs: expected the key \"input_data\" or \"samples\"")]
    Keys,
    /// Not one sample.
    #[error("inputs: expected at least one sample")]
    Empty,
    /// Something that is not a number.
    #[error("inputs {place}: expected numbers or truth values, got {got}")]
    Number {
        /// Which list.
        place: String,
        /// What came.
        got: String,
    },
    /// Fewer lists than the network has inputs.
    #[error("inputs: expected {expected} lists, one for each input of the network, got {got}")]
    Lists {
        /// Inputs of the network.
        expected: usize,
        /// Lists that came.
        got: usize,
    },
    /// A list whose length is no multiple of its input's size.
    #[error("inputs list {list}: expected {expected} numbers for shape {shape:?}, or a multiple of it, got {got}")]
    Length {
        /// Which list, from 0.
        list: usize,
        /// Shape of the network's input.
        shape: Vec<u32>,
        /// Elements of that shape.
        expected: usize,
        /// Numbers that came.
        got: usize,
    },
    /// Lists that hold different numbers of samples.
    #[error("inputs list {list}: holds {got} samples where list 0 holds {expected}")]
    Count {
        /// Which list, from 0.
        list: usize,
        /// Samples of the first list.
        expected: usize,
        /// Samples of this list.
        got: usize,
    },
}

/// A file of inputs, not yet divided into samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Lists {
    /// For each group, one list for each input.
    groups: Vec<Sample>,
}

#[derive(Deserialize)]
struct File {
    input_data: Option<Vec<Value>>,
    samples: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    x: Value,
}

impl Lists {
    /// Reads a file.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SamplesError> {
        if bytes.len() > SAMPLES_BYTES_MAX {
            return Err(SamplesError::TooLarge { got: bytes.len() });
        }
        let file: File = serde_json::from_slice(bytes)?;
        let groups = match (file.input_data, file.samples) {
            (Some(lists), _) => {
                let list = |(index, value): (usize, &Value)| numbers(value, &format!("list {index}"));
                vec![lists.iter().enumerate().map(list).collect::<Result<_, _>>()?]
            }
            (None, Some(samples)) => {
                let sample = |(index, entry): (usize, &Entry)| Ok(vec![numbers(&entry.x, &format!("sample {index}"))?]);
                samples.iter().enumerate().take(SAMPLES_MAX).map(sample).collect::<Result<_, SamplesError>>()?
            }
            (None, None) => return Err(SamplesError::Keys),
        };
        Ok(Self { groups })
    }

    /// Length of the list for one input, in the first group.
    #[must_use]
    pub fn length(&self, input: usize) -> Option<usize> {
        Some(self.groups.first()?.get(input)?.len())
    }

    /// How many lists a network of this many inputs leaves unread.
    #[must_use]
    pub fn unread(&self, inputs: usize) -> usize {
        self.groups.first().map_or(0, |lists| lists.len().saturating_sub(inputs))
    }

    /// The samples, for inputs of these shapes.
    pub fn samples(&self, shapes: &[Vec<u32>]) -> Result<Vec<Sample>, SamplesError> {
        let mut samples = Vec::new();
        for group in &self.groups {
            if group.len() < shapes.len() {
                return Err(SamplesError::Lists { expected: shapes.len(), got: group.len() });
            }
            let mut counts = Vec::new();
            for (list, (values, shape)) in group.iter().zip(shapes).enumerate() {
                let expected = circuits::model::structure::count(shape);
                if values.is_empty() || expected == 0 || values.len() % expected != 0 {
                    return Err(SamplesError::Length { list, shape: shape.clone(), expected, got: values.len() });
                }
                counts.push(values.len() / expected);
            }
            let first = counts.first().copied().unwrap_or(0);
            if let Some((list, got)) = counts.iter().copied().enumerate().find(|(_, got)| *got != first) {
                return Err(SamplesError::Count { list, expected: first, got });
            }
            for sample in 0..first.min(SAMPLES_MAX.saturating_sub(samples.len())) {
                let part = |(values, count): (&Vec<f64>, &usize)| {
                    let length = values.len() / count;
                    values.get(sample * length..(sample + 1) * length).map(<[f64]>::to_vec).unwrap_or_default()
                };
                // Lists beyond the network's inputs are left unread; the report says so.
                samples.push(group.iter().zip(&counts).map(part).collect());
            }
        }
        if samples.is_empty() {
            return Err(SamplesError::Empty);
        }
        Ok(samples)
    }
}

/// The numbers of a list, however nested, row-major.
fn numbers(value: &Value, place: &str) -> Result<Vec<f64>, SamplesError> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(values) => open.extend(values.iter().rev()),
            Value::Bool(truth) => found.push(f64::from(u8::from(*truth))),
            Value::Number(number) if number.as_f64().is_some_and(|number| (number as f32).is_finite()) => {
                found.extend(number.as_f64());
            }
            other => {
                return Err(SamplesError::Number {
                    place: place.to_owned(),
                    got: other.to_string().chars().take(40).collect(),
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, shapes: &[&[u32]]) -> Result<Vec<Sample>, SamplesError> {
        let shapes: Vec<Vec<u32>> = shapes.iter().map(|shape| shape.to_vec()).collect();
        Lists::from_json(text.as_bytes())?.samples(&shapes)
    }

    #[test]
    fn lists_are_divided_into_samples() {
        let samples = read(r#"{"input_data": [[1, 2, 3, 4], [true, false]]}"#, &[&[1, 2], &[1]]).unwrap();
        assert_eq!(samples, [vec![vec![1.0, 2.0], vec![1.0]], vec![vec![3.0, 4.0], vec![0.0]]]);
        let samples = read(r#"{"samples": [{"x": [[1], [2]], "y": 3}]}"#, &[&[2, 1]]).unwrap();
        assert_eq!(samples, [vec![vec![1.0, 2.0]]]);
    }

    #[test]
    fn every_misfit_is_named() {
        let refusal = |text: &str, shapes: &[&[u32]]| read(text, shapes).unwrap_err().to_string();
        assert_eq!(refusal("{}", &[&[1]]), "inputs: expected the key \"input_data\" or \"samples\"");
        assert_eq!(
            refusal(r#"{"input_data": [["a"]]}"#, &[&[1]]),
            "inputs list 0: expected numbers or truth values, got \"a\""
        );
        // How a number is printed is the JSON library's affair.
        let beyond = refusal(r#"{"input_data": [[1e60]]}"#, &[&[1]]);
        assert!(beyond.starts_with("inputs list 0: expected numbers or truth values, got 1e"), "{beyond}");
        assert_eq!(
            refusal(r#"{"input_data": [[1]]}"#, &[&[1], &[1]]),
            "inputs: expected 2 lists, one for each input of the network, got 1"
        );
        assert_eq!(
            refusal(r#"{"input_data": [[1, 2, 3]]}"#, &[&[1, 2]]),
            "inputs list 0: expected 2 numbers for shape [1, 2], or a multiple of it, got 3"
        );
        assert_eq!(
            refusal(r#"{"input_data": [[1, 2], [1]]}"#, &[&[1], &[1]]),
            "inputs list 1: holds 1 samples where list 0 holds 2"
        );
        assert!(refusal("[", &[]).starts_with("inputs: expected JSON"));
    }
}

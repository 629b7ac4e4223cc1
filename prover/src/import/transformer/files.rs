//! Transformers from the files that people publish: `config.json` beside safetensors, under the names of BERT, GPT-2 and
//! Llama.

mod families;
mod settings;
mod tensors;
#[cfg(test)]
mod tests;

use circuits::model::container::ContainerError;

use super::TransformerError;
use super::configuration::Configuration;
use super::parameters::Parameters;
use settings::Published;
use tensors::Tensors;

/// Why files are no transformer that can be imported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FilesError {
    /// Not a configuration.
    #[error("config.json: {detail}")]
    Json {
        /// What the decoder saw.
        detail: String,
    },
    /// A field of the configuration is missing or says what is not supported.
    #[error("config.json {field}: expected {expected}, got {got}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is supported.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// The weights are no safetensors file.
    #[error("weights: {0}")]
    Container(#[from] ContainerError),
    /// A tensor is missing.
    #[error("tensor {name}: missing; the names are those of {family} files")]
    Missing {
        /// Its name.
        name: String,
        /// Family by the configuration.
        family: &'static str,
    },
    /// A tensor has another shape.
    #[error("tensor {name}: expected shape {expected:?}, got {got:?}")]
    Shape {
        /// Its name.
        name: String,
        /// By the configuration.
        expected: Vec<usize>,
        /// What came.
        got: Vec<usize>,
    },
    /// A tensor's elements are no floats of 16 or 32 bits.
    #[error("tensor {name}: expected F32, F16 or BF16, got {got}")]
    Type {
        /// Its name.
        name: String,
        /// What came.
        got: String,
    },
    /// The configuration breaks a bound.
    #[error(transparent)]
    Transformer(#[from] TransformerError),
}

/// Reads a configuration and weights, for texts of `window` tokens, one at a time.
///
/// An encoder's output is its embedding; a decoder's the logits of the window's last place or, if it is to generate, so
/// many tokens after the window.
///
/// # Errors
/// [`FilesError`]: what is missing, of another shape or not supported.
pub fn read(
    config: &[u8],
    weights: &[u8],
    window: u32,
    generated: Option<u32>,
) -> Result<(Configuration, Parameters), FilesError> {
    let published: Published =
        serde_json::from_slice(config).map_err(|error| FilesError::Json { detail: error.to_string() })?;
    let (family, configuration) = published.configuration(window, generated)?;
    configuration.check()?;
    let tensors = Tensors::open(weights, family)?;
    let parameters = families::parameters(&tensors, family, &configuration)?;
    Ok((configuration, parameters))
}

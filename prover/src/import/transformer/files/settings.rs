//! `config.json`, as the families' libraries write it.

use serde::Deserialize;

use super::FilesError;
use crate::import::transformer::configuration::{Configuration, Head, Mask, Nonlinearity, Norm, Placement, Positions};

/// Whose names and conventions files follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Bert,
    Gpt2,
    Llama,
}

impl Family {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bert => "BERT",
            Self::Gpt2 => "GPT-2",
            Self::Llama => "Llama",
        }
    }

    /// A prefix that names may have, and a name that every file holds.
    pub(super) fn prefix(self) -> (&'static str, &'static str) {
        match self {
            Self::Bert => ("bert.", "embeddings.word_embeddings.weight"),
            Self::Gpt2 => ("transformer.", "wte.weight"),
            Self::Llama => ("model.", "embed_tokens.weight"),
        }
    }
}

/// The fields that are read; what a family does not have is missing.
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    model_type: Option<String>,
    vocab_size: Option<u32>,
    #[serde(alias = "n_embd")]
    hidden_size: Option<u32>,
    #[serde(alias = "n_layer")]
    num_hidden_layers: Option<u32>,
    #[serde(alias = "n_head")]
    num_attention_heads: Option<u32>,
    num_key_value_heads: Option<u32>,
    head_dim: Option<u32>,
    #[serde(alias = "n_inner")]
    intermediate_size: Option<u32>,
    #[serde(alias = "n_positions")]
    max_position_embeddings: Option<u32>,
    #[serde(alias = "activation_function")]
    hidden_act: Option<String>,
    #[serde(alias = "layer_norm_epsilon", alias = "rms_norm_eps")]
    layer_norm_eps: Option<f64>,
    position_embedding_type: Option<String>,
    pad_token_id: Option<u32>,
    rope_theta: Option<f64>,
    rope_scaling: Option<serde_json::Value>,
}

impl Published {
    /// Family and configuration.
    pub(super) fn configuration(
        &self,
        window: u32,
        generated: Option<u32>,
    ) -> Result<(Family, Configuration), FilesError> {
        let family = match self.model_type.as_deref() {
            Some("bert") => Family::Bert,
            Some("gpt2") => Family::Gpt2,
            Some("llama") => Family::Llama,
            got => return Err(refused("model_type", "bert, gpt2 or llama", got.unwrap_or("nothing"))),
        };
        let width = needed("hidden_size", self.hidden_size)?;
        let heads = needed("num_attention_heads", self.num_attention_heads)?;
        let places = needed("max_position_embeddings", self.max_position_embeddings)?;
        if window.saturating_add(generated.unwrap_or(1).saturating_sub(1)) > places {
            let expected = "at least the window and what is generated in it";
            return Err(refused("max_position_embeddings", expected, &places.to_string()));
        }
        if generated.is_some() && family == Family::Bert {
            return Err(refused("model_type", "gpt2 or llama for a model that generates", "bert"));
        }
        let own = self.head_dim.unwrap_or(0);
        if own != 0 && Some(own) != width.checked_div(heads) {
            return Err(refused("head_dim", "hidden_size / num_attention_heads", &own.to_string()));
        }
        let nonlinearity = match (family, self.hidden_act.as_deref()) {
            (Family::Llama, Some("silu") | None) => Nonlinearity::SwiGlu,
            (Family::Bert, Some("gelu")) => Nonlinearity::Gelu,
            (Family::Bert | Family::Gpt2, Some("gelu_new" | "gelu_pytorch_tanh")) => Nonlinearity::GeluTanh,
            (Family::Gpt2, None) => Nonlinearity::GeluTanh,
            (Family::Bert | Family::Gpt2, Some("silu")) => Nonlinearity::Silu,
            (_, got) => {
                let expected = "gelu, gelu_new or silu (Llama: silu)";
                return Err(refused("hidden_act", expected, got.unwrap_or("nothing")));
            }
        };
        if let Some(kind) = self.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return Err(refused("position_embedding_type", "absolute", kind));
        }
        if let Some(scaling) = self.rope_scaling.as_ref().filter(|scaling| !scaling.is_null()) {
            return Err(refused("rope_scaling", "none", &scaling.to_string()));
        }
        let feed_forward = match (family, self.intermediate_size) {
            (Family::Gpt2, None) => width.saturating_mul(4),
            (_, size) => needed("intermediate_size", size)?,
        };
        let is_llama = family == Family::Llama;
        let is_encoder = family == Family::Bert;
        let configuration = Configuration {
            vocabulary: needed("vocab_size", self.vocab_size)?,
            width,
            layers: needed("num_hidden_layers", self.num_hidden_layers)?,
            heads,
            key_value_heads: self.num_key_value_heads.filter(|_| is_llama).unwrap_or(heads),
            feed_forward,
            window,
            batch: 1,
            norm: if is_llama { Norm::RootMeanSquare } else { Norm::Layer },
            placement: if is_encoder { Placement::After } else { Placement::Before },
            epsilon: self.layer_norm_eps.unwrap_or(if is_encoder { 1e-12 } else { 1e-5 }),
            nonlinearity,
            positions: match is_llama {
                true => Positions::Rotary { base: self.rope_theta.unwrap_or(10_000.0) },
                false => Positions::Learned,
            },
            mask: match is_encoder {
                true => Mask::Padding { token: self.pad_token_id.unwrap_or(0) },
                false => Mask::Causal,
            },
            head: if is_encoder { Head::Embedding } else { Head::Logits { places: 1 } },
        };
        let configuration = match generated {
            Some(count) => configuration.generating(count),
            None => configuration,
        };
        Ok((family, configuration))
    }
}

fn needed(field: &'static str, value: Option<u32>) -> Result<u32, FilesError> {
    value.ok_or_else(|| refused(field, "a number", "nothing"))
}

fn refused(field: &'static str, expected: &'static str, got: &str) -> FilesError {
    FilesError::Field { field, expected, got: got.to_owned() }
}

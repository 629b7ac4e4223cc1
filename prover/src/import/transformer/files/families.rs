//! Which tensor is which, family by family.

use super::FilesError;
use super::settings::Family;
use super::tensors::Tensors;
use crate::import::transformer::configuration::Configuration;
use crate::import::transformer::parameters::{Affine, Block, Linear, Parameters};

/// All weights.
pub(super) fn parameters(
    tensors: &Tensors<'_>,
    family: Family,
    configuration: &Configuration,
) -> Result<Parameters, FilesError> {
    let reader = Reader { tensors, configuration };
    match family {
        Family::Bert => reader.bert(),
        Family::Gpt2 => reader.gpt2(),
        Family::Llama => reader.llama(),
    }
}

struct Reader<'a> {
    tensors: &'a Tensors<'a>,
    configuration: &'a Configuration,
}

impl Reader<'_> {
    fn blocks(&self, block: impl Fn(u32) -> Result<Block, FilesError>) -> Result<Vec<Block>, FilesError> {
        (0..self.configuration.layers).map(block).collect()
    }

    fn linear(&self, name: &str, outputs: u32, inputs: u32) -> Result<Linear, FilesError> {
        let weights = self.tensors.get(&format!("{name}.weight"), &[outputs, inputs], false)?;
        let bias = self.tensors.get(&format!("{name}.bias"), &[outputs], false)?;
        Ok(Linear { weights, bias })
    }

    fn affine(&self, name: &str) -> Result<Affine, FilesError> {
        let part = |part: &str| self.tensors.get(&format!("{name}.{part}"), &[self.configuration.width], false);
        Ok(Affine { gain: part("weight")?, bias: part("bias")? })
    }

    fn vectors(&self, name: &str, rows: u32, is_cut: bool) -> Result<Vec<f32>, FilesError> {
        self.tensors.get(name, &[rows, self.configuration.width], is_cut)
    }

    fn bert(&self) -> Result<Parameters, FilesError> {
        let Configuration { vocabulary, width, feed_forward, window, .. } = *self.configuration;
        let mut positions = self.vectors("embeddings.position_embeddings.weight", window, true)?;
        // Every token is of the first type.
        let kind = self.vectors("embeddings.token_type_embeddings.weight", 1, true)?;
        positions.iter_mut().zip(kind.iter().cycle()).for_each(|(sum, kind)| *sum += kind);
        let block = |index: u32| {
            let of =
                |name: &str, outputs, inputs| self.linear(&format!("encoder.layer.{index}.{name}"), outputs, inputs);
            let norm = |name: &str| self.affine(&format!("encoder.layer.{index}.{name}"));
            Ok(Block {
                query: of("attention.self.query", width, width)?,
                key: of("attention.self.key", width, width)?,
                value: of("attention.self.value", width, width)?,
                projection: of("attention.output.dense", width, width)?,
                attention_norm: norm("attention.output.LayerNorm")?,
                gate: None,
                up: of("intermediate.dense", feed_forward, width)?,
                down: of("output.dense", width, feed_forward)?,
                feed_forward_norm: norm("output.LayerNorm")?,
            })
        };
        Ok(Parameters {
            tokens: self.vectors("embeddings.word_embeddings.weight", vocabulary, false)?,
            positions,
            blocks: self.blocks(block)?,
            outer_norm: self.affine("embeddings.LayerNorm")?,
            head: None,
        })
    }

    fn gpt2(&self) -> Result<Parameters, FilesError> {
        let Configuration { vocabulary, width, feed_forward, window, .. } = *self.configuration;
        // Stored the other way round than anywhere else.
        let turned = |name: &str, outputs: u32, inputs: u32| -> Result<Linear, FilesError> {
            let weights = self.tensors.transposed(&format!("{name}.weight"), [outputs, inputs])?;
            let bias = self.tensors.get(&format!("{name}.bias"), &[outputs], false)?;
            Ok(Linear { weights, bias })
        };
        let third = |all: &Linear, which: usize| {
            let (rows, inputs) = (width as usize, width as usize);
            let weights = all.weights.iter().skip(which * rows * inputs).take(rows * inputs).copied().collect();
            Linear { weights, bias: all.bias.iter().skip(which * rows).take(rows).copied().collect() }
        };
        let block = |index: u32| {
            let joint = turned(&format!("h.{index}.attn.c_attn"), 3 * width, width)?;
            Ok(Block {
                query: third(&joint, 0),
                key: third(&joint, 1),
                value: third(&joint, 2),
                projection: turned(&format!("h.{index}.attn.c_proj"), width, width)?,
                attention_norm: self.affine(&format!("h.{index}.ln_1"))?,
                gate: None,
                up: turned(&format!("h.{index}.mlp.c_fc"), feed_forward, width)?,
                down: turned(&format!("h.{index}.mlp.c_proj"), width, feed_forward)?,
                feed_forward_norm: self.affine(&format!("h.{index}.ln_2"))?,
            })
        };
        Ok(Parameters {
            tokens: self.vectors("wte.weight", vocabulary, false)?,
            positions: self.vectors("wpe.weight", window, true)?,
            blocks: self.blocks(block)?,
            outer_norm: self.affine("ln_f")?,
            head: self.head()?,
        })
    }

    fn llama(&self) -> Result<Parameters, FilesError> {
        let Configuration { vocabulary, width, feed_forward, window, .. } = *self.configuration;
        let key_value = self.configuration.key_value_width();
        let plain = |name: String, outputs: u32, inputs: u32| -> Result<Linear, FilesError> {
            let weights = self.tensors.get(&format!("{name}.weight"), &[outputs, inputs], false)?;
            Ok(Linear { weights, bias: vec![0.0; outputs as usize] })
        };
        let norm = |name: String| -> Result<Affine, FilesError> {
            let gain = self.tensors.get(&format!("{name}.weight"), &[width], false)?;
            Ok(Affine { gain, bias: vec![0.0; width as usize] })
        };
        let block = |index: u32| {
            let of = |name: &str, outputs, inputs| plain(format!("layers.{index}.{name}"), outputs, inputs);
            Ok(Block {
                query: of("self_attn.q_proj", width, width)?,
                key: of("self_attn.k_proj", key_value, width)?,
                value: of("self_attn.v_proj", key_value, width)?,
                projection: of("self_attn.o_proj", width, width)?,
                attention_norm: norm(format!("layers.{index}.input_layernorm"))?,
                gate: Some(of("mlp.gate_proj", feed_forward, width)?),
                up: of("mlp.up_proj", feed_forward, width)?,
                down: of("mlp.down_proj", width, feed_forward)?,
                feed_forward_norm: norm(format!("layers.{index}.post_attention_layernorm"))?,
            })
        };
        Ok(Parameters {
            tokens: self.vectors("embed_tokens.weight", vocabulary, false)?,
            positions: vec![0.0; (window * width) as usize],
            blocks: self.blocks(block)?,
            outer_norm: norm("norm".into())?,
            head: self.head()?,
        })
    }

    /// A head of its own, if the files hold one; else the tokens' vectors serve.
    fn head(&self) -> Result<Option<Vec<f32>>, FilesError> {
        if !self.tensors.has("lm_head.weight") {
            return Ok(None);
        }
        self.vectors("lm_head.weight", self.configuration.vocabulary, false).map(Some)
    }
}

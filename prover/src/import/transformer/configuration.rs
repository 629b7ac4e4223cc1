//! What a transformer is, but for its weights.

use super::TransformerError;

/// How a value is normalised, token by token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Centred, then divided by the standard deviation (Ba, Kiros, Hinton 2016).
    Layer,
    /// Divided by the root of the mean square (Zhang, Sennrich 2019).
    RootMeanSquare,
}

/// Where a block normalises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// What attention and feed-forward read, and once at the end (GPT-2, Llama).
    Before,
    /// The sums of residual and attention or feed-forward, and the embedding (BERT).
    After,
}

/// The function inside a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonlinearity {
    /// `x (1 + erf(x / sqrt 2)) / 2`
    Gelu,
    /// GELU by a hyperbolic tangent, as GPT-2 computes it.
    GeluTanh,
    /// `x / (1 + e^-x)`
    Silu,
    /// `silu(g) u` of two layers' outputs `g` and `u` (Shazeer 2020).
    SwiGlu,
}

/// How a token knows its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Positions {
    /// A learned vector for each place is added to the embedding.
    Learned,
    /// Queries and keys are turned by angles `place base^(-2 i / width of a head)`, element `i` with element
    /// `i + half` (Su et al. 2021, in Llama's order).
    Rotary {
        /// The base.
        base: f64,
    },
}

/// Which keys a query does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Those of this token, which fills what a text leaves of the window.
    Padding {
        /// Its id.
        token: u32,
    },
    /// Those of later tokens.
    Causal,
    /// None: every text fills the window.
    Nothing,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The mean over the tokens that are not padding, of Euclidean length 1: `[width]`.
    Embedding,
    /// Scores of the next token at the last places of the window: `[places, vocabulary]`.
    Logits {
        /// How many places, 1 to the window.
        places: u32,
    },
    /// The next tokens, each the most likely after what is before it (the smallest id of several): `[count]`. More than
    /// one are generated: what is asked is the first `window - count + 1` tokens of the window, and each token that is
    /// generated is read to generate the next.
    Tokens {
        /// How many, 1 to the window.
        count: u32,
    },
}

/// A transformer without weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Number of token ids.
    pub vocabulary: u32,
    /// Elements of a token's vector.
    pub width: u32,
    /// Blocks.
    pub layers: u32,
    /// Heads of queries; they divide the width.
    pub heads: u32,
    /// Heads of keys and values; they divide the heads.
    pub key_value_heads: u32,
    /// Elements between the two feed-forward layers.
    pub feed_forward: u32,
    /// Tokens of a text.
    pub window: u32,
    /// Texts of an input, each of a window of its own. Nothing of one reaches another, but all are proven in one pass.
    pub batch: u32,
    /// How values are normalised.
    pub norm: Norm,
    /// Where.
    pub placement: Placement,
    /// Added to the mean square under the root.
    pub epsilon: f64,
    /// The function inside a feed-forward layer.
    pub nonlinearity: Nonlinearity,
    /// How a token knows its place.
    pub positions: Positions,
    /// Which keys a query does not see.
    pub mask: Mask,
    /// What comes out.
    pub head: Head,
}

/// Largest window: an attention's rows of scores have as many elements.
pub const WINDOW_MAX: u32 = 1024;
/// Largest number of texts in one pass.
pub const BATCH_MAX: u32 = 64;
/// Largest number of blocks.
pub const LAYERS_MAX: u32 = 96;
/// Largest width and feed-forward width.
pub const WIDTH_MAX: u32 = 1 << 14;
/// Largest vocabulary.
pub const VOCABULARY_MAX: u32 = 1 << 18;
/// Largest vocabulary of a model that chooses among its tokens: a place takes as many bits as one division removes.
pub const TOKENS_MAX: u32 = 1 << 16;

impl Configuration {
    /// Elements of a head's vectors.
    #[must_use]
    pub fn head_width(&self) -> u32 {
        self.width.checked_div(self.heads).unwrap_or(0)
    }

    /// The same network generating `count` tokens after those that its window takes.
    #[must_use]
    pub fn generating(self, count: u32) -> Self {
        let window = self.window.saturating_add(count.saturating_sub(1));
        Self { window, head: Head::Tokens { count }, ..self }
    }

    /// The same network on `batch` texts at once.
    #[must_use]
    pub fn batched(self, batch: u32) -> Self {
        Self { batch, ..self }
    }

    /// Positions of all texts.
    pub(super) fn tokens(&self) -> u32 {
        self.batch.saturating_mul(self.window)
    }

    /// A shape of one text's, repeated for all: none more for a single one.
    pub(super) fn of_all(&self, shape: &[u32]) -> Vec<u32> {
        of_texts(self.batch, self.batch, shape)
    }

    /// Tokens that a run is asked for each text: the window, less those that are generated in it.
    #[must_use]
    pub fn asked(&self) -> u32 {
        match self.head {
            Head::Tokens { count } => self.window.saturating_sub(count.saturating_sub(1)),
            Head::Embedding | Head::Logits { .. } => self.window,
        }
    }

    /// Elements of a token's keys, and of its values.
    #[must_use]
    pub fn key_value_width(&self) -> u32 {
        self.head_width().saturating_mul(self.key_value_heads)
    }

    /// Whether values are centred before they are divided.
    pub(super) fn is_centred(&self) -> bool {
        self.norm == Norm::Layer
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// [`TransformerError::Setting`] names the first that does not hold.
    pub fn check(&self) -> Result<(), TransformerError> {
        let within = |setting: &'static str, most: u32, got: u32| {
            let expected = format!("1 to {most}");
            if (1..=most).contains(&got) { Ok(()) } else { Err(setting_error(setting, expected, got)) }
        };
        within("vocabulary", VOCABULARY_MAX, self.vocabulary)?;
        within("width", WIDTH_MAX, self.width)?;
        within("layers", LAYERS_MAX, self.layers)?;
        within("feed-forward width", WIDTH_MAX, self.feed_forward)?;
        within("window", WINDOW_MAX, self.window)?;
        within("batch", BATCH_MAX, self.batch)?;
        within("heads", self.width, self.heads)?;
        within("key/value heads", self.heads, self.key_value_heads)?;
        if !self.width.is_multiple_of(self.heads) {
            return Err(setting_error("heads", format!("a divisor of the width, {}", self.width), self.heads));
        }
        if !self.heads.is_multiple_of(self.key_value_heads) {
            let expected = format!("a divisor of the heads, {}", self.heads);
            return Err(setting_error("key/value heads", expected, self.key_value_heads));
        }
        if !(self.epsilon >= 0.0 && self.epsilon < 1.0) {
            return Err(setting_error("epsilon", "0 to less than 1".into(), self.epsilon));
        }
        if let Positions::Rotary { base } = self.positions {
            if !(base > 1.0 && base.is_finite()) {
                return Err(setting_error("rotary base", "a number above 1".into(), base));
            }
            if !self.head_width().is_multiple_of(2) {
                return Err(setting_error(
                    "width of a head",
                    "an even number with rotary positions".into(),
                    self.head_width(),
                ));
            }
        }
        match (self.mask, self.head) {
            (Mask::Padding { token }, _) if token >= self.vocabulary => {
                Err(setting_error("padding token", format!("0 to {}", self.vocabulary - 1), token))
            }
            (Mask::Padding { .. }, Head::Logits { .. } | Head::Tokens { .. }) => {
                Err(setting_error("mask", "a causal one or none for a model with logits".into(), "padding"))
            }
            (Mask::Nothing, Head::Tokens { .. }) => {
                Err(setting_error("mask", "a causal one for a model that generates".into(), "none"))
            }
            (_, Head::Logits { places }) => within("places with logits", self.window, places),
            (_, Head::Tokens { .. }) if self.vocabulary > TOKENS_MAX => Err(setting_error(
                "vocabulary of a model that generates",
                format!("1 to {TOKENS_MAX}"),
                self.vocabulary,
            )),
            (_, Head::Tokens { count }) if count > 1 && self.batch > 1 => {
                Err(setting_error("batch", "1 for a model that generates".into(), self.batch))
            }
            (_, Head::Tokens { count }) => within("generated tokens", self.window, count),
            _ => Ok(()),
        }
    }
}

/// A dimension or stride of the texts before those of one: none for a single one.
pub(super) fn of_texts(batch: u32, first: u32, rest: &[u32]) -> Vec<u32> {
    let first = (batch > 1).then_some(first);
    first.into_iter().chain(rest.iter().copied()).collect()
}

fn setting_error(setting: &'static str, expected: String, got: impl ToString) -> TransformerError {
    TransformerError::Setting { setting, expected, got: got.to_string() }
}

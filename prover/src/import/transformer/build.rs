//! The whole network as an integer graph.

use circuits::model::graph::{Activation, Graph, Input, Layout, Operator};
use circuits::model::range::Range;
use circuits::model::weights::{LinearWeights, Weights};

use super::attention::Attention;
use super::configuration::{Configuration, Head, Mask, Nonlinearity, Placement};
use super::functions::nonlinearity;
use super::linear::{Ending, Layer, Part};
use super::parameters::{Affine, Block, Linear, Parameters};
use super::sites::{Ranges, Site, Span};
use super::writer::{Fixed, Writer, finest, fits};
use super::{Precision, TransformerError};

/// Bits of what only a norm reads.
const RESIDUAL_BITS: u32 = 14;

/// A network in integers, its circuit's size not chosen.
pub(super) struct Built {
    pub(super) graph: Graph,
    pub(super) weights: Weights,
    /// An output `Y` stands for `Y 2^-exponent`.
    pub(super) exponent: i32,
}

/// Writes the graph.
pub(super) fn build(
    configuration: &Configuration,
    parameters: &Parameters,
    ranges: &Ranges,
    precision: Precision,
    table_bits: u32,
) -> Result<Built, TransformerError> {
    let range = Range { min: 0, max: i64::from(configuration.vocabulary) - 1 };
    let writer = Writer::new(
        Input { shape: configuration.of_all(&[configuration.window]), range },
        table_bits,
        configuration.batch,
    );
    let mut builder = Builder { configuration, ranges, precision, writer, norms: 0 };
    let output = builder.network(parameters)?;
    let Builder { writer: Writer { input, nodes, weights, .. }, .. } = builder;
    let graph = Graph::new(input, nodes, Layout { k: 10, rows: 1, lanes: 1 })?;
    let graph = match configuration.head {
        Head::Tokens { count } if count > 1 => graph.with_generation()?,
        _ => graph,
    };
    let weights = Weights::new(&graph, weights)?;
    Ok(Built { graph, weights, exponent: output.exponent })
}

struct Builder<'a> {
    configuration: &'a Configuration,
    ranges: &'a Ranges,
    precision: Precision,
    writer: Writer,
    norms: usize,
}

/// A residual, as the next sum takes it: the value, and what its elements are multiplied by and added to.
struct Carried<'a> {
    value: Fixed,
    affine: Option<&'a Affine>,
}

impl Builder<'_> {
    fn network(&mut self, parameters: &Parameters) -> Result<Fixed, TransformerError> {
        let is_after = self.configuration.placement == Placement::After;
        let (mut residual, real) = self.embedding(parameters)?;
        let attention = Attention {
            configuration: self.configuration,
            ranges: self.ranges,
            precision: self.precision,
            real: real.clone(),
        };
        let mut affine = &parameters.outer_norm;
        let mut read = if is_after { self.norm(&residual)? } else { residual.clone() };
        for (index, block) in parameters.blocks.iter().enumerate() {
            if !is_after {
                (read, affine) = (self.norm(&residual)?, &block.attention_norm);
            }
            let mixed = attention.write(&mut self.writer, &read, affine, block, index)?;
            let carried = if is_after { (&read, Some(affine)) } else { (&residual, None) };
            let carried = Carried { value: carried.0.clone(), affine: carried.1 };
            residual = self.add(&mixed, &block.projection, &carried)?;
            affine = if is_after { &block.attention_norm } else { &block.feed_forward_norm };
            read = self.norm(&residual)?;
            let active = self.feed_forward(&read, affine, block, index)?;
            let carried = if is_after { (&read, Some(affine)) } else { (&residual, None) };
            let carried = Carried { value: carried.0.clone(), affine: carried.1 };
            residual = self.add(&active, &block.down, &carried)?;
            if is_after {
                (read, affine) = (self.norm(&residual)?, &block.feed_forward_norm);
            }
        }
        if !is_after {
            (read, affine) = (self.norm(&residual)?, &parameters.outer_norm);
        }
        match self.configuration.head {
            Head::Embedding => self.pooled(&read, affine, real.as_ref()),
            Head::Logits { places } => self.logits(&read, affine, parameters, places),
            Head::Tokens { count } => {
                let logits = self.logits(&read, affine, parameters, count)?;
                Ok(self.writer.largest_places(&logits))
            }
        }
    }

    fn norm(&mut self, residual: &Fixed) -> Result<Fixed, TransformerError> {
        let index = self.norms;
        self.norms += 1;
        self.writer.norm(residual, index, self.configuration.epsilon, self.ranges, self.precision)
    }

    /// Tokens' and positions' vectors, centred, and whether a token is real where some are padding.
    ///
    /// That is one more column of the table, so that any token may be the padding.
    fn embedding(&mut self, parameters: &Parameters) -> Result<(Fixed, Option<Fixed>), TransformerError> {
        let Configuration { vocabulary, width, window, mask, .. } = *self.configuration;
        let count = self.configuration.tokens();
        let centred = |rows: &[f32]| -> Vec<f32> {
            let row = |row: &[f32]| {
                let mean =
                    if self.configuration.is_centred() { row.iter().sum::<f32>() / row.len() as f32 } else { 0.0 };
                row.iter().map(move |value| value - mean).collect::<Vec<f32>>()
            };
            rows.chunks(width as usize).flat_map(row).collect()
        };
        let (tokens, positions) = (centred(&parameters.tokens), centred(&parameters.positions));
        let largest = tokens.iter().chain(&positions).fold(0.0f32, |largest, value| largest.max(value.abs()));
        let limit = ((1i64 << (self.precision.weight_bits - 1)) - 1) as f64;
        let exponent = if largest > 0.0 { (limit / f64::from(largest)).log2().floor() as i32 } else { 0 };
        let integer = |value: &f32| (f64::from(*value) * f64::from(exponent).exp2()).round() as i64;
        let columns = width + u32::from(matches!(mask, Mask::Padding { .. }));
        let mut table = Vec::with_capacity(columns as usize * vocabulary as usize);
        for column in 0..width as usize {
            let values = tokens.iter().skip(column).step_by(width as usize);
            table.extend(values.map(|value| i32::try_from(integer(value)).unwrap_or(i32::MAX)));
        }
        if let Mask::Padding { token } = mask {
            table.extend((0..vocabulary).map(|id| i32::from(id != token)));
        }
        let weights = LinearWeights::new(columns, vocabulary, table, vec![0; columns as usize])?;
        let chosen = circuits::model::analysis::chosen(&weights);
        let accumulator = chosen.into_iter().reduce(|a, b| a.hull(&b)).unwrap_or(Range { min: 0, max: 0 });
        let operator = Operator::Embedding { vocabulary, width: columns, accumulator };
        let input = self.writer.input();
        let input = self.writer.reshape(&input, vec![count]);
        let shape = vec![count, columns];
        let all = self.writer.weighted(operator, weights, &input, shape, exponent);
        let (vectors, real) = if columns == width {
            (all, None)
        } else {
            let vectors = self.writer.strided(&all, 0, vec![count, width], &[columns, 1]);
            let real = self.writer.strided(&all, width, vec![count], &[columns]);
            // The table's interval is wider than what this column holds.
            let real = Fixed { exponent: 0, ..real };
            let clamp = Range { min: 0, max: 1 };
            let real = self.writer.requantise(&real, 0, clamp, Activation::Identity, 0);
            (vectors, Some(real))
        };
        if positions.iter().all(|value| *value == 0.0) {
            return Ok((vectors, real));
        }
        let places = self.writer.constant(vec![window, width], positions.iter().map(integer).collect(), exponent);
        let places = match self.configuration.batch {
            1 => places,
            _ => self.writer.each(&places, 0, 0, &[window, width], &[width, 1]),
        };
        let places = self.writer.reshape(&places, vec![count, width]);
        Ok((self.writer.combine(&[&vectors, &places], vec![1, 1], 0), real))
    }

    /// `linear(mixed) + carried`, centred where norms centre: one layer over both.
    fn add(&mut self, mixed: &Fixed, linear: &Linear, carried: &Carried<'_>) -> Result<Fixed, TransformerError> {
        let width = self.configuration.width as usize;
        let mut identity = vec![0.0f32; width * width];
        let mut bias: Vec<f64> = linear.bias.iter().map(|bias| f64::from(*bias)).collect();
        for place in 0..width {
            let gain = carried.affine.and_then(|affine| affine.gain.get(place)).copied().unwrap_or(1.0);
            identity.iter_mut().skip(place * width + place).take(1).for_each(|weight| *weight = gain);
        }
        if let Some(affine) = carried.affine {
            bias.iter_mut().zip(&affine.bias).for_each(|(sum, bias)| *sum += f64::from(*bias));
        }
        let inputs = linear.weights.len() / width;
        let part = |weights, inputs, exponent, is_bounded| Part { weights, inputs, exponent, is_bounded };
        let own = part(linear.weights.clone(), inputs, mixed.exponent, true);
        let residual = part(identity, width, carried.value.exponent, false);
        let mut layer = Layer { parts: vec![own], bias };
        if self.configuration.is_centred() && carried.affine.is_none() {
            // What is carried is centred already.
            layer.centre();
        }
        layer.parts.push(residual);
        if self.configuration.is_centred() && carried.affine.is_some() {
            layer.centre();
        }
        let both = self.writer.beside(mixed, &carried.value, 1);
        let is_after = self.configuration.placement == Placement::After;
        let bits = if is_after { RESIDUAL_BITS } else { self.precision.activation_bits };
        let ending = Ending { span: self.ranges.get((Site::Residual, self.norms))?, bits };
        let exact = |exponent| Ok((Activation::Identity, exponent));
        self.writer.layer(&both, &layer, self.precision.weight_bits, &ending, exact)
    }

    fn feed_forward(
        &mut self,
        read: &Fixed,
        affine: &Affine,
        block: &Block,
        index: usize,
    ) -> Result<Fixed, TransformerError> {
        let Precision { activation_bits: bits, weight_bits } = self.precision;
        let kind = self.configuration.nonlinearity;
        let active = self.ranges.get((Site::Active, index))?;
        let function = |span: Span| {
            move |argument: i32| -> Result<(Activation, i32), TransformerError> {
                let result = (0..60).rev().find(|exponent| fits(span.clamp(*exponent), bits)).unwrap_or(0);
                Ok((nonlinearity(kind, [argument, result], bits)?, result))
            }
        };
        let of = |linear: &Linear| Layer::after(affine, linear, 1.0, read.exponent);
        let ending = |span: Span| Ending { span, bits: RESIDUAL_BITS };
        let up = self.ranges.get((Site::Up, index))?;
        let (Nonlinearity::SwiGlu, Some(gate)) = (kind, &block.gate) else {
            return self.writer.layer(read, &of(&block.up), weight_bits, &ending(up), function(active));
        };
        let span = self.ranges.get((Site::Gate, index))?;
        let gate = self.writer.layer(read, &of(gate), weight_bits, &ending(span), function(span))?;
        let exact = |exponent| Ok((Activation::Identity, exponent));
        let up = self.writer.layer(read, &of(&block.up), weight_bits, &Ending { span: up, bits }, exact)?;
        let product = self.writer.multiply(&gate, &up);
        Ok(self.writer.narrow(&product, active, bits))
    }

    /// The mean of the real tokens' vectors of each text, of length 1. How many they are falls out where the length is divided by.
    fn pooled(&mut self, read: &Fixed, affine: &Affine, real: Option<&Fixed>) -> Result<Fixed, TransformerError> {
        let Configuration { width, window, batch, .. } = *self.configuration;
        let tokens = self.configuration.tokens();
        let writer = &mut self.writer;
        // One more column of ones counts the tokens: the norm's bias is added once for each.
        let one = 1i64 << read.exponent.max(0);
        let exponent = read.exponent.max(0);
        let ones = writer.constant(vec![tokens, 1], vec![one; tokens as usize], exponent);
        let vectors = writer.beside(read, &ones, 1);
        let vectors = writer.reshape(&vectors, vec![batch, window, width + 1]);
        let real = match real {
            Some(real) => writer.reshape(real, vec![batch, 1, window]),
            None => writer.constant(vec![batch, 1, window], vec![1; tokens as usize], 0),
        };
        let sums = writer.matrix_multiply(&real, &vectors);
        let sums = writer.reshape(&sums, vec![batch, width + 1]);
        let columns = width as usize + 1;
        let mut weights = vec![0.0f32; width as usize * columns];
        for (place, (gain, bias)) in affine.gain.iter().zip(&affine.bias).enumerate() {
            let ends = [(place, *gain), (columns - 1, bias * f64::from(read.exponent - exponent).exp2() as f32)];
            for (column, weight) in ends {
                weights.iter_mut().skip(place * columns + column).take(1).for_each(|value| *value = weight);
            }
        }
        let part = Part { weights, inputs: columns, exponent: read.exponent, is_bounded: true };
        let layer = Layer { parts: vec![part], bias: vec![0.0; width as usize] };
        let ending = Ending { span: self.ranges.get((Site::Pooled, 0))?, bits: RESIDUAL_BITS };
        let exact = |exponent| Ok((Activation::Identity, exponent));
        let pooled = writer.layer(&sums, &layer, self.precision.weight_bits, &ending, exact)?;
        // A sum over one token is as many times shorter than one over all of them; one over like tokens is longer.
        let squares = self.ranges.get((Site::PooledSquares, 0))?;
        let squares = Span { low: squares.low / f64::from(window).powi(2), high: squares.high * 4.0 };
        let roots = writer.roots(&pooled, 1.0, 0.0, squares)?;
        let spread = writer.strided(&roots, 0, vec![batch, width], &[1, 0]);
        let product = writer.multiply(&pooled, &spread);
        let output = self.ranges.get((Site::Output, 0))?;
        let shift = finest(&product, |exponent, _| fits(output.clamp(exponent), RESIDUAL_BITS));
        let exponent = product.exponent - shift;
        let unit = writer.requantise(&product, exponent, output.clamp(exponent), Activation::Identity, exponent);
        Ok(writer.reshape(&unit, self.configuration.of_all(&[width])))
    }

    fn logits(
        &mut self,
        read: &Fixed,
        affine: &Affine,
        parameters: &Parameters,
        places: u32,
    ) -> Result<Fixed, TransformerError> {
        let Configuration { width, window, vocabulary, batch, .. } = *self.configuration;
        let chosen = self.writer.each(read, (window - places) * width, window * width, &[places, width], &[width, 1]);
        let chosen = self.writer.reshape(&chosen, vec![batch * places, width]);
        let linear = Linear { weights: parameters.output_matrix().to_vec(), bias: vec![0.0; vocabulary as usize] };
        let layer = Layer::after(affine, &linear, 1.0, read.exponent);
        self.writer.sums(&chosen, &layer, self.precision.weight_bits)
    }
}

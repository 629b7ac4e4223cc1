//! Trains the 64-32-10 ReLU network on the UCI digits, quantises it and writes both into `data/digits`.
//!
//! ```text
//! cargo run --release --example train_digits
//! ```
//!
//! Candle's CPU generator cannot be seeded, so initial weights and batches come from our own generator under a written
//! seed. The tensors are too small for candle to split a sum across threads, hence one machine writes the same bytes
//! every time. Another processor may sum in another order and end in another, equally good network: the committed
//! files are what tests pin, and training again is an example.
#![expect(clippy::print_stdout, reason = "an example reports to its reader")]

use std::error::Error;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use candle_nn::loss::cross_entropy;
use candle_nn::optim::{AdamW, Optimizer, ParamsAdamW};
use circuits::model::bundle::Bundle;
use circuits::model::graph::{Operator, quotient_range};
use prover::import::digits::{self, Digit, Split};
use prover::import::network::{Layer, Network};
use prover::import::quantise::{Quantised, quantise};
use prover::import::seeded::Seeded;

const SEED: u64 = 643_210;
const EPOCHS: usize = 80;
const BATCH: usize = 32;
const LEARNING_RATE: f64 = 4e-3;
/// Keeps weights even in size, which is what a fixed number of bits represents best.
const WEIGHT_DECAY: f64 = 2e-2;
const WIDTHS: [usize; 3] = [64, 32, 10];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/digits");
    let Split { train, test } = digits::split(digits::parse(&std::fs::read_to_string(folder.join("digits.csv"))?)?);
    let network = train_network(&train)?;
    let images: Vec<_> = train.iter().map(|digit| digit.image.clone()).collect();
    let Quantised { graph, weights, .. } = quantise(&network, &digits::settings(), &images)?;
    let bundle = Bundle::new(graph, weights, digits::info())?;

    std::fs::write(folder.join("digits.safetensors"), network.to_bytes()?)?;
    let bytes = bundle.to_bytes()?;
    std::fs::write(folder.join("digits.assay"), &bytes)?;

    let percent = |correct: usize| correct as f64 * 100.0 / test.len() as f64;
    let (float, integer) = (digits::correct_float(&network, &test), digits::correct_integer(&bundle, &test)?);
    println!("float accuracy      {float} of {} ({:.2} %)", test.len(), percent(float));
    println!("quantised accuracy  {integer} of {} ({:.2} %)", test.len(), percent(integer));
    print_graph(&bundle);
    println!("bundle              {} bytes, hash 0x{}", bytes.len(), const_hex::encode(bundle.hash()));
    Ok(())
}

/// Two dense layers as candle variables: `[outputs, inputs]` and `[outputs]` each.
struct Layers {
    variables: Vec<(Var, Var)>,
}

impl Layers {
    /// He's uniform initialisation, biases zero.
    fn new(generator: &mut Seeded) -> Result<Self, Box<dyn Error>> {
        let mut variables = Vec::new();
        for pair in WIDTHS.windows(2) {
            let &[inputs, outputs] = pair else { continue };
            let bound = (6.0 / inputs as f32).sqrt();
            let weights: Vec<f32> = (0..inputs * outputs).map(|_| generator.symmetric() * bound).collect();
            let weights = Var::from_vec(weights, (outputs, inputs), &Device::Cpu)?;
            variables.push((weights, Var::zeros(outputs, DType::F32, &Device::Cpu)?));
        }
        Ok(Self { variables })
    }

    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        let mut value = images.clone();
        for (index, (weights, bias)) in self.variables.iter().enumerate() {
            value = candle_nn::Module::forward(
                &candle_nn::Linear::new(weights.as_tensor().clone(), Some(bias.as_tensor().clone())),
                &value,
            )?;
            if index + 1 < self.variables.len() {
                value = value.relu()?;
            }
        }
        Ok(value)
    }

    fn network(&self) -> Result<Network, Box<dyn Error>> {
        let mut layers = Vec::new();
        for (weights, bias) in &self.variables {
            let (outputs, inputs) = weights.dims2()?;
            layers.push(Layer {
                inputs: u32::try_from(inputs)?,
                outputs: u32::try_from(outputs)?,
                weights: weights.flatten_all()?.to_vec1()?,
                bias: bias.to_vec1()?,
            });
        }
        Ok(Network::new(layers)?)
    }
}

fn train_network(train: &[Digit]) -> Result<Network, Box<dyn Error>> {
    let mut generator = Seeded::new(SEED);
    let layers = Layers::new(&mut generator)?;
    let variables = layers.variables.iter().flat_map(|(weights, bias)| [weights.clone(), bias.clone()]).collect();
    let parameters = ParamsAdamW { lr: LEARNING_RATE, weight_decay: WEIGHT_DECAY, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::new(variables, parameters)?;
    let mut order: Vec<&Digit> = train.iter().collect();
    for epoch in 0..EPOCHS {
        optimiser.set_learning_rate(LEARNING_RATE * (1.0 - epoch as f64 / EPOCHS as f64));
        generator.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let levels: Vec<f32> =
                batch.iter().flat_map(|digit| digit.image.values()).map(|level| *level as f32 / 16.0).collect();
            let labels = batch.iter().map(|digit| u32::try_from(digit.label)).collect::<Result<Vec<_>, _>>()?;
            let images = Tensor::from_vec(levels, (batch.len(), 64), &Device::Cpu)?;
            let labels = Tensor::from_vec(labels, batch.len(), &Device::Cpu)?;
            optimiser.backward_step(&cross_entropy(&layers.forward(&images)?, &labels)?)?;
        }
    }
    layers.network()
}

fn print_graph(bundle: &Bundle) {
    let values = bundle.graph().values();
    for (node, source) in bundle.graph().nodes().iter().zip(values) {
        match &node.operator {
            Operator::Dense { inputs, outputs, accumulator } => {
                println!(
                    "dense               {inputs} -> {outputs}, accumulators {} to {}",
                    accumulator.min, accumulator.max
                );
            }
            Operator::Requantise { shift, clamp, .. } => {
                let quotient = quotient_range(source.range, *shift);
                println!(
                    "requantise          shift {shift}, quotients {} to {} ({} table rows), clamp {} to {}",
                    quotient.min,
                    quotient.max,
                    (1 << shift) + quotient.count(),
                    clamp.min,
                    clamp.max
                );
            }
            other => println!("{}", other.name()),
        }
    }
    let layout = bundle.graph().layout();
    println!("layout              k = {}, {} lanes, {} committed rows", layout.k, layout.lanes, layout.rows);
}

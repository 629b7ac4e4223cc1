//! A trained float network of dense layers with ReLU between them.
//!
//! Read from a safetensors file with tensors `layer{i}.weight` (F32, `[outputs, inputs]`) and `layer{i}.bias` (F32,
//! `[outputs]`), `i` from 0 without gaps; other tensors are refused, so that nothing is dropped unnoticed.

use circuits::model::container::{Container, ContainerError};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Largest number of layers of a network.
pub const LAYERS_MAX: usize = 128;

/// One dense layer: `W x + b`, `W` as `[outputs, inputs]` in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Number of inputs.
    pub inputs: u32,
    /// Number of outputs.
    pub outputs: u32,
    /// `outputs * inputs` weights.
    pub weights: Vec<f32>,
    /// One bias per output.
    pub bias: Vec<f32>,
}

/// A checked network.
///
/// Invariants: at least one layer, lengths match shapes, widths chain, every number is finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    layers: Vec<Layer>,
}

/// Why a network was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not a safetensors file.
    #[error("network: {0}")]
    Container(#[from] ContainerError),
    /// No layer, or more than [`LAYERS_MAX`].
    #[error("network: expected 1 to {LAYERS_MAX} layers, got {got}")]
    Layers {
        /// Layers that came.
        got: usize,
    },
    /// A tensor that no layer has.
    #[error("network tensor {name}: expected layer0.weight, layer0.bias, layer1.weight, ... only")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A tensor is missing.
    #[error("network tensor {name}: missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor is not F32 of the expected rank.
    #[error("network tensor {name}: expected F32 of rank {rank}, got {got}")]
    Type {
        /// Its name.
        name: String,
        /// 2 for weights, 1 for a bias.
        rank: usize,
        /// Type and shape that came.
        got: String,
    },
    /// Shapes or lengths do not fit together.
    #[error("network layer {layer}: expected {expected:?} ([inputs, weights, biases]), got {got:?}")]
    Shape {
        /// Layer from 0.
        layer: usize,
        /// Inputs by the layer before, weights and biases by the layer's own shape.
        expected: [u64; 3],
        /// What came.
        got: [u64; 3],
    },
    /// A weight or bias is infinite or not a number.
    #[error("network layer {layer}: a weight or bias is not finite")]
    NotFinite {
        /// Layer from 0.
        layer: usize,
    },
}

impl Network {
    /// Checks the layers.
    pub fn new(layers: Vec<Layer>) -> Result<Self, NetworkError> {
        if layers.is_empty() || layers.len() > LAYERS_MAX {
            return Err(NetworkError::Layers { got: layers.len() });
        }
        let mut width = None;
        for (layer, checked) in layers.iter().enumerate() {
            let Layer { inputs, outputs, weights, bias } = checked;
            let (rows, columns) = (u64::from(*outputs), u64::from(width.unwrap_or(*inputs)));
            let expected = [columns, rows * columns, rows];
            let got = [u64::from(*inputs), weights.len() as u64, bias.len() as u64];
            if got != expected || weights.is_empty() {
                return Err(NetworkError::Shape { layer, expected, got });
            }
            if !weights.iter().chain(bias).all(|number| number.is_finite()) {
                return Err(NetworkError::NotFinite { layer });
            }
            width = Some(*outputs);
        }
        Ok(Self { layers })
    }

    /// Reads a safetensors file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NetworkError> {
        let container = Container::open(bytes)?;
        let file = container.tensors();
        let count = file.len().div_ceil(2);
        if !(1..=LAYERS_MAX).contains(&count) {
            return Err(NetworkError::Layers { got: count });
        }
        let known = |name: &str| (0..count).any(|layer| name == weight_name(layer) || name == bias_name(layer));
        if let Some(name) = file.names().into_iter().filter(|name| !known(name)).min() {
            return Err(NetworkError::Unknown { name: name.to_owned() });
        }
        let mut layers = Vec::with_capacity(count);
        for layer in 0..count {
            let ([outputs, inputs], weights) = read(file, weight_name(layer))?;
            let (_, bias) = read::<1>(file, bias_name(layer))?;
            layers.push(Layer { inputs, outputs, weights, bias });
        }
        Self::new(layers)
    }

    /// The safetensors file of this network.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NetworkError> {
        let bytes_of =
            |numbers: &[f32]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
        let mut tensors = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let shape = vec![layer.outputs as usize, layer.inputs as usize];
            tensors.push((weight_name(index), shape, bytes_of(&layer.weights)));
            tensors.push((bias_name(index), vec![layer.outputs as usize], bytes_of(&layer.bias)));
        }
        let mut views = Vec::with_capacity(tensors.len());
        for (name, shape, bytes) in &tensors {
            views.push((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(ContainerError::from)?));
        }
        Ok(safetensors::serialize(views, None).map_err(ContainerError::from)?)
    }

    /// The layers, first to last.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of inputs of the first layer.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// The values after each layer (after ReLU but for the last), in `f64`; `input` has [`Network::inputs`] elements.
    #[must_use]
    pub fn forward(&self, input: &[f64]) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let source = values.last().map_or(input, Vec::as_slice);
            let rows = layer.weights.chunks_exact(layer.inputs.max(1) as usize).zip(&layer.bias);
            let channel = |(row, bias): (&[f32], &f32)| {
                let products = row.iter().zip(source).map(|(weight, value)| f64::from(*weight) * value);
                let sum = f64::from(*bias) + products.sum::<f64>();
                if index + 1 < self.layers.len() { sum.max(0.0) } else { sum }
            };
            let value = rows.map(channel).collect();
            values.push(value);
        }
        values
    }
}

fn read<const RANK: usize>(file: &SafeTensors<'_>, name: String) -> Result<([u32; RANK], Vec<f32>), NetworkError> {
    let Ok(view) = file.tensor(&name) else { return Err(NetworkError::Missing { name }) };
    let shape: Option<Vec<u32>> = view.shape().iter().map(|dimension| u32::try_from(*dimension).ok()).collect();
    let shape = shape.and_then(|shape| <[u32; RANK]>::try_from(shape).ok());
    let (Some(shape), Dtype::F32) = (shape, view.dtype()) else {
        let got = format!("{} {:?}", view.dtype(), view.shape());
        return Err(NetworkError::Type { name, rank: RANK, got });
    };
    let (numbers, _) = view.data().as_chunks::<4>();
    Ok((shape, numbers.iter().copied().map(f32::from_le_bytes).collect()))
}

fn weight_name(layer: usize) -> String {
    format!("layer{layer}.weight")
}

fn bias_name(layer: usize) -> String {
    format!("layer{layer}.bias")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(inputs: u32, outputs: u32) -> Layer {
        let weights = (0..inputs * outputs).map(|index| index as f32 - 1.5).collect();
        Layer { inputs, outputs, weights, bias: vec![0.25; outputs as usize] }
    }

    fn file(tensors: &[(&str, Dtype, &[usize])]) -> Vec<u8> {
        let bytes = vec![0; 1024];
        let view = |(name, dtype, shape): &(&str, Dtype, &[usize])| {
            let length = shape.iter().product::<usize>() * dtype.bitsize() / 8;
            ((*name).to_owned(), TensorView::new(*dtype, shape.to_vec(), &bytes[..length]).unwrap())
        };
        safetensors::serialize(tensors.iter().map(view).collect::<Vec<_>>(), None).unwrap()
    }

    #[test]
    fn files_round_trip() {
        let network = Network::new(vec![layer(3, 2), layer(2, 4)]).unwrap();
        assert_eq!(Network::from_bytes(&network.to_bytes().unwrap()), Ok(network));
    }

    #[test]
    fn forward_applies_relu_between_layers_only() {
        let first = Layer { inputs: 2, outputs: 2, weights: vec![1.0, 2.0, -1.0, 0.5], bias: vec![0.5, -1.0] };
        let second = Layer { inputs: 2, outputs: 1, weights: vec![-1.0, 4.0], bias: vec![0.0] };
        let network = Network::new(vec![first, second]).unwrap();
        assert_eq!(network.forward(&[1.0, 2.0]), [vec![5.5, 0.0], vec![-5.5]]);
    }

    #[test]
    fn layers_must_fit_together() {
        let refusal = |layers| Network::new(layers).unwrap_err();
        assert_eq!(refusal(vec![]), NetworkError::Layers { got: 0 });
        assert_eq!(
            refusal(vec![layer(3, 2), layer(3, 2)]),
            NetworkError::Shape { layer: 1, expected: [2, 4, 2], got: [3, 6, 2] }
        );
        let short = Layer { bias: vec![0.0], ..layer(3, 2) };
        assert_eq!(refusal(vec![short]), NetworkError::Shape { layer: 0, expected: [3, 6, 2], got: [3, 6, 1] });
        assert_eq!(refusal(vec![layer(0, 2)]), NetworkError::Shape { layer: 0, expected: [0, 0, 2], got: [0, 0, 2] });
        let mut infinite = layer(3, 2);
        infinite.weights[5] = f32::INFINITY;
        assert_eq!(refusal(vec![layer(3, 3), infinite]), NetworkError::NotFinite { layer: 1 });
    }

    #[test]
    fn files_of_another_shape_are_refused() {
        let refusal = |tensors: &[(&str, Dtype, &[usize])]| Network::from_bytes(&file(tensors)).unwrap_err();
        let weight = ("layer0.weight", Dtype::F32, &[2usize, 3][..]);
        let bias = ("layer0.bias", Dtype::F32, &[2usize][..]);
        assert!(Network::from_bytes(&file(&[weight, bias])).is_ok());
        assert_eq!(refusal(&[]), NetworkError::Layers { got: 0 });
        assert_eq!(refusal(&[weight]), NetworkError::Missing { name: "layer0.bias".into() });
        let other = ("embedding", Dtype::F32, &[1usize][..]);
        assert_eq!(refusal(&[weight, bias, other]), NetworkError::Unknown { name: "embedding".into() });
        let half = ("layer0.bias", Dtype::F16, &[2usize][..]);
        let got = "F16 [2]".to_owned();
        assert_eq!(refusal(&[weight, half]), NetworkError::Type { name: "layer0.bias".into(), rank: 1, got });
        let flat = ("layer0.weight", Dtype::F32, &[6usize][..]);
        let got = "F32 [6]".to_owned();
        assert_eq!(refusal(&[flat, bias]), NetworkError::Type { name: "layer0.weight".into(), rank: 2, got });
        let truncated = Network::from_bytes(&[0; 7]).unwrap_err();
        assert_eq!(truncated, NetworkError::Container(ContainerError::Length { expected: 8, got: 7 }));
    }
}

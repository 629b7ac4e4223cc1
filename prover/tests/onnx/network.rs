//! ONNX files by hand: just enough of the protobuf encoding to say what a test needs.

/// A field of bytes: a text, or a message.
fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut encoded = Vec::new();
    while value >= 0x80 {
        encoded.push(value as u8 | 0x80);
        value >>= 7;
    }
    encoded.push(value as u8);
    encoded
}

/// Element types.
pub const FLOAT: u64 = 1;
pub const INT64: u64 = 7;

/// A tensor of floats.
pub fn floats(name: &str, shape: &[u64], values: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dimensions = shape.iter().flat_map(|dimension| number(1, *dimension));
    dimensions.chain(number(2, FLOAT)).chain(bytes(8, name.as_bytes())).chain(bytes(9, &raw)).collect()
}

/// A tensor of whole numbers.
pub fn integers(name: &str, shape: &[u64], values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dimensions = shape.iter().flat_map(|dimension| number(1, *dimension));
    dimensions.chain(number(2, INT64)).chain(bytes(8, name.as_bytes())).chain(bytes(9, &raw)).collect()
}

/// A node: operator, inputs, one output, and attributes already encoded.
pub fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| bytes(1, input.as_bytes())).collect();
    node.extend(bytes(2, output.as_bytes()));
    node.extend(bytes(3, format!("{operator} {output}").as_bytes()));
    node.extend(bytes(4, operator.as_bytes()));
    attributes.iter().for_each(|attribute| node.extend(bytes(5, attribute)));
    node
}

/// An attribute of one whole number.
pub fn attribute(name: &str, value: u64) -> Vec<u8> {
    [bytes(1, name.as_bytes()), number(3, value), number(20, 2)].concat()
}

/// An attribute of several whole numbers.
pub fn list(name: &str, values: &[u64]) -> Vec<u8> {
    let values = values.iter().flat_map(|value| number(8, *value));
    bytes(1, name.as_bytes()).into_iter().chain(values).chain(number(20, 7)).collect()
}

/// An input or output; a dimension of `None` is a name.
pub fn port(name: &str, element: u64, shape: &[Option<u64>]) -> Vec<u8> {
    let dimension = |dimension: &Option<u64>| match dimension {
        Some(length) => bytes(1, &number(1, *length)),
        None => bytes(1, &bytes(2, b"batch")),
    };
    let shape: Vec<u8> = shape.iter().flat_map(dimension).collect();
    let tensor = [number(1, element), bytes(2, &shape)].concat();
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
}

/// An input or output of which nothing but its element type is known.
pub fn shapeless(name: &str, element: u64) -> Vec<u8> {
    [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &number(1, element)))].concat()
}

/// A network.
pub struct Network {
    pub nodes: Vec<Vec<u8>>,
    pub constants: Vec<Vec<u8>>,
    pub inputs: Vec<Vec<u8>>,
    pub outputs: Vec<Vec<u8>>,
    pub version: u64,
}

impl Network {
    /// Nodes on one input `x` with one output `y`, real numbers of these shapes.
    pub fn new(nodes: Vec<Vec<u8>>, constants: Vec<Vec<u8>>, input: &[u64], output: &[u64]) -> Self {
        let known = |shape: &[u64]| shape.iter().map(|length| Some(*length)).collect::<Vec<_>>();
        Self {
            nodes,
            constants,
            inputs: vec![port("x", FLOAT, &known(input))],
            outputs: vec![port("y", FLOAT, &known(output))],
            version: 13,
        }
    }

    /// The file.
    pub fn encode(&self) -> Vec<u8> {
        let mut graph: Vec<u8> = self.nodes.iter().flat_map(|node| bytes(1, node)).collect();
        graph.extend(bytes(2, b"test"));
        self.constants.iter().for_each(|constant| graph.extend(bytes(5, constant)));
        self.inputs.iter().for_each(|input| graph.extend(bytes(11, input)));
        self.outputs.iter().for_each(|output| graph.extend(bytes(12, output)));
        let operators = [bytes(1, b""), number(2, self.version)].concat();
        [number(1, 8), bytes(7, &graph), bytes(8, &operators)].concat()
    }
}

//! Builds a lowered network: folds constants, fuses functions of one variable, shares views.

use std::collections::HashMap;
use std::sync::Arc;

use circuits::model::formula::Step;
use circuits::model::graph::WIDTH_MAX;

use super::expression::{self, Expression, compose, fits};
use super::{NodeId, RealGraph, RealNode, RealOperator, count, evaluate, linear, strides};

/// Constants up to this size are looked for before another is made, and so many of them are remembered.
const SHARED_MAX: usize = 256;
/// Largest number of nodes before the unused ones are dropped.
const NODES_MAX: usize = 1 << 17;
/// Largest number of elements of a constant: a weight matrix.
const CONSTANT_MAX: usize = 1 << 28;
/// Largest number of elements that all constants hold together, folded ones included.
const CONSTANTS_MAX: usize = 1 << 29;

/// Why something cannot be lowered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported(pub(crate) String);

/// A node, or why there is none.
pub(crate) type Built = Result<NodeId, Unsupported>;

/// A refusal in words.
pub(crate) fn refuse<T>(why: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported(why.into()))
}

/// A network in the making.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Builder {
    nodes: Vec<RealNode>,
    constants: usize,
    /// Views of a node, so that none is made twice.
    views: HashMap<NodeId, Vec<NodeId>>,
    /// Small constants, likewise.
    shared: Vec<NodeId>,
}

impl Builder {
    /// A network whose input has this shape; `whole` if it only takes whole numbers.
    pub(crate) fn new(shape: Vec<u32>, whole: bool) -> Self {
        let input = RealNode { operator: RealOperator::Input, inputs: Vec::new(), shape, expression: None, whole };
        Self { nodes: vec![input], constants: 0, views: HashMap::new(), shared: Vec::new() }
    }

    /// A part of the input, which then is a vector.
    pub(crate) fn part(&mut self, offset: u32, length: u32, whole: bool) -> Built {
        let part = self.push(RealOperator::Strided { offset, strides: vec![1] }, vec![0], vec![length])?;
        self.nodes[part].whole = whole;
        Ok(part)
    }

    /// The network that computes `output`, without what it does not need.
    pub(crate) fn finish(self, output: NodeId) -> RealGraph {
        let mut used = vec![false; self.nodes.len()];
        let mut open = vec![output, 0];
        while let Some(node) = open.pop() {
            if let Some(slot) = used.get_mut(node)
                && !std::mem::replace(slot, true)
            {
                open.extend(self.nodes.get(node).map(|node| node.inputs.clone()).unwrap_or_default());
            }
        }
        let mut places = vec![0; self.nodes.len()];
        let mut nodes = Vec::new();
        for (id, mut node) in self.nodes.into_iter().enumerate().filter(|(id, _)| used[*id]) {
            places[id] = nodes.len();
            node.inputs.iter_mut().for_each(|input| *input = places[*input]);
            node.expression = None;
            nodes.push(node);
        }
        let output = places.get(output).copied().unwrap_or(0);
        linear::settle(&mut nodes, output);
        RealGraph { nodes, output }
    }

    /// A node.
    pub(crate) fn node(&self, id: NodeId) -> &RealNode {
        &self.nodes[id]
    }

    /// A node's shape.
    pub(crate) fn shape(&self, id: NodeId) -> &[u32] {
        &self.nodes[id].shape
    }

    /// Whether every element of a node is a whole number by construction.
    pub(crate) fn whole(&self, id: NodeId) -> bool {
        self.nodes[id].whole
    }

    /// Adds a node; one that reads nothing but constants is computed at once.
    pub(super) fn push(&mut self, operator: RealOperator, inputs: Vec<NodeId>, shape: Vec<u32>) -> Built {
        let whole = match &operator {
            RealOperator::Threshold { .. } | RealOperator::Order { positions: true, .. } => true,
            RealOperator::Constant(values) => values.iter().all(|value| value.is_infinite() || value.fract() == 0.0),
            RealOperator::Combine { multipliers, constant } => {
                multipliers.iter().chain([constant]).all(|number| number.fract() == 0.0) && self.all_whole(&inputs)
            }
            RealOperator::Dense { weights, bias } | RealOperator::Convolution { weights, bias, .. } => {
                self.all_whole(&inputs) && weights.iter().chain(bias).all(|number| number.fract() == 0.0)
            }
            RealOperator::Pad { value, .. } => (value.is_infinite() || value.fract() == 0.0) && self.all_whole(&inputs),
            RealOperator::Function(steps) => expression::is_relu(steps) && self.all_whole(&inputs),
            RealOperator::Input => false,
            _ => self.all_whole(&inputs),
        };
        let elements = count(&shape);
        let fixed = !inputs.is_empty() && inputs.iter().all(|input| self.is_constant(*input));
        // A constant that is only repeated stays small; its copies are read from the same cells.
        let repeats = matches!(operator, RealOperator::Strided { .. })
            && inputs.first().is_some_and(|input| count(self.shape(*input)) < elements);
        let limit =
            if fixed || matches!(operator, RealOperator::Constant(_)) { CONSTANT_MAX } else { WIDTH_MAX as usize };
        if elements == 0 || elements > limit {
            return refuse(format!("a value of shape {shape:?}: expected 1 to {limit} elements"));
        }
        if self.nodes.len() >= NODES_MAX {
            return refuse(format!("the network needs more than {NODES_MAX} nodes"));
        }
        let node = RealNode { operator, inputs, shape, expression: None, whole };
        if fixed && !repeats {
            let values = self.fold(&node);
            return self.constant(node.shape, values);
        }
        if matches!(node.operator, RealOperator::Constant(_)) {
            self.constants = self.constants.saturating_add(elements);
            if self.constants > CONSTANTS_MAX {
                return refuse(format!("the network's constants: expected at most {CONSTANTS_MAX} numbers together"));
            }
        }
        if matches!(node.operator, RealOperator::Reshape | RealOperator::Strided { .. }) {
            let known = self.views.entry(node.inputs[0]).or_default();
            if let Some(known) = known.iter().copied().find(|known| {
                let known = &self.nodes[*known];
                known.operator == node.operator && known.shape == node.shape
            }) {
                return Ok(known);
            }
            known.push(self.nodes.len());
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    fn all_whole(&self, inputs: &[NodeId]) -> bool {
        inputs.iter().all(|input| self.whole(*input))
    }

    fn fold(&self, node: &RealNode) -> Vec<f64> {
        let values: Vec<Arc<Vec<f64>>> =
            node.inputs.iter().map(|input| self.literal(*input).unwrap_or_default()).collect();
        let sources: Vec<&[f64]> = values.iter().map(|values| values.as_slice()).collect();
        let shapes: Vec<&[u32]> = node.inputs.iter().map(|input| self.shape(*input)).collect();
        evaluate::evaluate(node, &sources, &shapes)
    }

    /// A constant.
    pub(crate) fn constant(&mut self, shape: Vec<u32>, values: Vec<f64>) -> Built {
        if values.iter().any(|value| value.is_nan()) {
            return refuse("a constant of the network is NaN: expected numbers");
        }
        if values.len() != count(&shape) {
            return refuse(format!("a constant of shape {shape:?} with {} elements", values.len()));
        }
        let small = values.len() <= SHARED_MAX;
        let known = self.shared.iter().copied().find(|id| {
            let known = self.node(*id);
            known.shape == shape && matches!(&known.operator, RealOperator::Constant(other) if **other == values)
        });
        if let Some(known) = known.filter(|_| small) {
            return Ok(known);
        }
        let id = self.push(RealOperator::Constant(Arc::new(values)), Vec::new(), shape)?;
        if small && self.shared.len() < SHARED_MAX {
            self.shared.push(id);
        }
        Ok(id)
    }

    /// One number in every element.
    pub(crate) fn filled(&mut self, shape: &[u32], value: f64) -> Built {
        let scalar = self.constant(vec![1; shape.len()], vec![value])?;
        self.broadcast(scalar, shape)
    }

    /// A function of one variable, element by element.
    pub(crate) fn function(&mut self, input: NodeId, steps: &[Step]) -> Built {
        let shape = self.shape(input).to_vec();
        if let Some(Expression { root, steps: inner, .. }) = self.node(input).expression.clone() {
            let fused = compose(steps, &inner);
            if fits(&fused) {
                return self.function_of(root, fused, shape);
            }
        }
        self.function_of(input, steps.to_vec(), shape)
    }

    pub(super) fn function_of(&mut self, root: NodeId, steps: Vec<Step>, shape: Vec<u32>) -> Built {
        if !fits(&steps) {
            return refuse("a function of too many steps");
        }
        let id = self.push(RealOperator::Function(steps.clone()), vec![root], shape)?;
        self.describe(id, Expression { root, steps, linear: false, truth: false });
        Ok(id)
    }

    pub(super) fn describe(&mut self, id: NodeId, expression: Expression) {
        if let Some(node) = self.nodes.get_mut(id)
            && !matches!(node.operator, RealOperator::Constant(_))
        {
            node.expression = Some(expression);
        }
    }

    /// A node as a function of its root, which is itself where nothing better is known.
    pub(super) fn expression(&self, id: NodeId) -> Expression {
        let itself = Expression { root: id, steps: vec![Step::Variable], linear: true, truth: false };
        self.node(id).expression.clone().unwrap_or(itself)
    }

    /// The same elements in another shape.
    pub(crate) fn reshape(&mut self, input: NodeId, shape: Vec<u32>) -> Built {
        if self.shape(input) == shape {
            return Ok(input);
        }
        if count(&shape) != count(self.shape(input)) {
            return refuse(format!("reshaping {:?} to {shape:?}", self.shape(input)));
        }
        if let Some((inner, multiplier, constant)) = self.scalar_of(input) {
            let moved = self.reshape(inner, shape)?;
            return self.combine(&[(moved, multiplier)], constant);
        }
        let node = self.node(input);
        let source = if node.operator == RealOperator::Reshape { node.inputs[0] } else { input };
        if self.shape(source) == shape {
            return Ok(source);
        }
        self.push(RealOperator::Reshape, vec![source], shape)
    }

    /// A strided view.
    pub(crate) fn strided(&mut self, input: NodeId, offset: u32, shape: Vec<u32>, steps: Vec<i32>) -> Built {
        // Along a dimension of length 1 no step is taken.
        let mut plain = strides(&shape).into_iter().zip(&steps).zip(&shape);
        let plain = plain.all(|((plain, step), length)| plain == *step || *length == 1);
        if offset == 0 && plain && count(&shape) == count(self.shape(input)) {
            return self.reshape(input, shape);
        }
        if let Some((inner, multiplier, constant)) = self.scalar_of(input) {
            let moved = self.strided(inner, offset, shape, steps)?;
            return self.combine(&[(moved, multiplier)], constant);
        }
        self.push(RealOperator::Strided { offset, strides: steps }, vec![input], shape)
    }

    /// Repeats dimensions of length 1 until the shape is `shape`; ranks must agree.
    pub(crate) fn broadcast(&mut self, input: NodeId, shape: &[u32]) -> Built {
        let source = self.shape(input).to_vec();
        if source == shape {
            return Ok(input);
        }
        let fits = source.len() == shape.len() && source.iter().zip(shape).all(|(a, b)| a == b || *a == 1);
        if !fits {
            return refuse(format!("repeating {source:?} to {shape:?}"));
        }
        let steps = strides(&source).into_iter().zip(&source).map(|(step, length)| if *length == 1 { 0 } else { step });
        self.strided(input, 0, shape.to_vec(), steps.collect())
    }

    /// Dimensions in another order: dimension `i` of the result is dimension `order[i]`.
    pub(crate) fn transpose(&mut self, input: NodeId, order: &[usize]) -> Built {
        let (source, steps) = (self.shape(input).to_vec(), strides(self.shape(input)));
        let shape = order.iter().map(|axis| source[*axis]).collect();
        self.strided(input, 0, shape, order.iter().map(|axis| steps[*axis]).collect())
    }

    /// Values one after the other along a dimension.
    pub(crate) fn concatenate(&mut self, inputs: &[NodeId], axis: usize) -> Built {
        let Some(mut shape) = inputs.first().map(|input| self.shape(*input).to_vec()) else {
            return refuse("nothing to concatenate");
        };
        if inputs.len() == 1 {
            return Ok(inputs[0]);
        }
        let total = inputs.iter().try_fold(0u32, |sum, input| sum.checked_add(*self.shape(*input).get(axis)?));
        match (total, shape.get_mut(axis)) {
            (Some(total), Some(length)) => *length = total,
            _ => return refuse(format!("concatenating along dimension {axis}")),
        }
        self.push(RealOperator::Concatenate { axis }, inputs.to_vec(), shape)
    }

    /// Padding around and between the elements.
    pub(crate) fn pad(&mut self, input: NodeId, [low, high]: [Vec<i32>; 2], interior: Vec<u32>, value: f64) -> Built {
        let lengths =
            self.shape(input).iter().zip(&low).zip(&high).zip(&interior).map(|(((length, low), high), gap)| {
                let gaps = i64::from(length.saturating_sub(1)) * i64::from(*gap);
                u32::try_from(i64::from(*length) + gaps + i64::from(*low) + i64::from(*high)).ok()
            });
        let Some(shape) = lengths.collect::<Option<Vec<u32>>>() else { return refuse("a padding that leaves nothing") };
        if shape == self.shape(input) && low.iter().all(|low| *low == 0) {
            return Ok(input);
        }
        self.push(RealOperator::Pad { low, high, interior, value }, vec![input], shape)
    }

    /// Elements by number.
    pub(crate) fn select(&mut self, input: NodeId, shape: Vec<u32>, indices: Vec<u32>) -> Built {
        let elements = count(self.shape(input));
        if indices.len() != count(&shape) || indices.iter().any(|index| *index as usize >= elements) {
            return refuse(format!("element numbers that do not fit shape {:?}", self.shape(input)));
        }
        self.push(RealOperator::Select { indices: Arc::new(indices) }, vec![input], shape)
    }
}

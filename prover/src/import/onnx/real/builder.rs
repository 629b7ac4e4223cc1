//! Builds a lowered network: folds constants, merges sums, fuses one-variable functions.

use std::collections::HashMap;
use std::sync::Arc;

use circuits::model::formula::Step;
use circuits::model::graph::WIDTH_MAX;

use super::expression::{self, Expression, compose, fits, scaled};
use super::{NodeId, RealGraph, RealNode, RealOperator, count, evaluate, linear, strides};

/// Largest number of terms of one sum.
const TERMS_MAX: usize = 16;
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
            RealOperator::Constant(values) => values.iter().all(|value| value.fract() == 0.0),
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
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return refuse(format!("a constant of the network is {value}: expected finite numbers"));
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

    fn function_of(&mut self, root: NodeId, steps: Vec<Step>, shape: Vec<u32>) -> Built {
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

    /// `constant + sum_i multiplier_i x_i` over values of one shape.
    pub(crate) fn combine(&mut self, terms: &[(NodeId, f64)], constant: f64) -> Built {
        let Some(shape) = terms.first().map(|(id, _)| self.shape(*id).to_vec()) else {
            return refuse("an empty sum");
        };
        let (terms, constant) = self.flattened(terms, constant);
        let Some((first, multiplier)) = terms.first().copied() else {
            return self.filled(&shape, constant);
        };
        if terms.len() == 1 && multiplier == 1.0 && constant == 0.0 {
            return Ok(first);
        }
        if let Some(folded) = self.fold_into_linear(&terms, constant)? {
            return Ok(folded);
        }
        if terms.len() > 1
            && multiplier.abs().log2().fract() != 0.0
            && terms.iter().all(|(_, other)| other.abs() == multiplier.abs())
        {
            // The common factor stays outside, where a function or weights can take it.
            let signs: Vec<(NodeId, f64)> = terms.iter().map(|(id, other)| (*id, other.signum())).collect();
            let inner = self.combine(&signs, 0.0)?;
            return self.scaled_by(inner, multiplier.abs(), constant);
        }
        let fused = self.fused_sum(&terms, constant);
        if let Some((expression, false)) = &fused {
            return self.function_of(expression.root, expression.steps.clone(), shape);
        }
        let (inputs, multipliers) = terms.into_iter().unzip();
        let id = self.push(RealOperator::Combine { multipliers, constant }, inputs, shape)?;
        if let Some((expression, true)) = fused {
            self.describe(id, expression);
        }
        Ok(id)
    }

    /// `multiplier x + constant` as a node of its own.
    fn scaled_by(&mut self, input: NodeId, multiplier: f64, constant: f64) -> Built {
        let shape = self.shape(input).to_vec();
        let fused = self.fused_sum(&[(input, multiplier)], constant);
        let id = self.push(RealOperator::Combine { multipliers: vec![multiplier], constant }, vec![input], shape)?;
        if let Some((expression, true)) = fused {
            self.describe(id, expression);
        }
        Ok(id)
    }

    /// A node as `multiplier x + constant` of another, where it is one. Such scalars move outward through whatever
    /// only moves or adds up elements, until a function or the weights of a layer take them in.
    fn scalar_of(&self, id: NodeId) -> Option<(NodeId, f64, f64)> {
        match self.node(id) {
            RealNode { operator: RealOperator::Combine { multipliers, constant }, inputs, .. } => {
                match (&inputs[..], &multipliers[..]) {
                    ([input], [multiplier]) => Some((*input, *multiplier, *constant)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The same for nodes that are a plain multiple.
    pub(super) fn multiple_of(&self, id: NodeId) -> Option<(NodeId, f64)> {
        self.scalar_of(id).filter(|(.., constant)| *constant == 0.0).map(|(input, multiplier, _)| (input, multiplier))
    }

    /// Terms with inner sums opened, equal inputs merged and uniform constants added up.
    fn flattened(&self, terms: &[(NodeId, f64)], mut constant: f64) -> (Vec<(NodeId, f64)>, f64) {
        let mut flat: Vec<(NodeId, f64)> = Vec::new();
        let mut add = |id: NodeId, multiplier: f64, constant: &mut f64| {
            if let Some(value) = self.uniform(id) {
                *constant += multiplier * value;
            } else if let Some((_, sum)) = flat.iter_mut().find(|(other, _)| *other == id) {
                *sum += multiplier;
            } else {
                flat.push((id, multiplier));
            }
        };
        for (id, multiplier) in terms {
            match self.node(*id) {
                RealNode { operator: RealOperator::Combine { multipliers, constant: inner }, inputs, .. }
                    if terms.len() + inputs.len() <= TERMS_MAX
                        && !inputs.iter().any(|input| self.is_constant(*input)) =>
                {
                    constant += multiplier * inner;
                    for (input, factor) in inputs.iter().zip(multipliers) {
                        add(*input, multiplier * factor, &mut constant);
                    }
                }
                _ => add(*id, *multiplier, &mut constant),
            }
        }
        flat.retain(|(_, multiplier)| *multiplier != 0.0);
        (flat, constant)
    }

    /// The sum as a function of one variable, and whether it is linear in it.
    fn fused_sum(&self, terms: &[(NodeId, f64)], constant: f64) -> Option<(Expression, bool)> {
        let mut parts = terms.iter().map(|(id, multiplier)| (self.expression(*id), *multiplier));
        let (first, multiplier) = parts.next()?;
        let root = first.root;
        let (mut linear, mut truth) = (first.linear, first.truth || expression::is_relu(&first.steps));
        let mut steps = scaled(first.steps, multiplier, constant)?;
        for (part, multiplier) in parts {
            if part.root != root {
                return None;
            }
            linear &= part.linear;
            truth &= part.truth;
            steps.extend(scaled(part.steps, multiplier, 0.0)?);
            steps.push(Step::Add);
        }
        // Sums of truth values, or of one rectified value, are exact without a table.
        let keep = linear || truth;
        fits(&steps).then_some((Expression { root, steps, linear, truth }, keep))
    }

    /// `a b` over values of one shape.
    pub(crate) fn multiply(&mut self, a: NodeId, b: NodeId) -> Built {
        match (self.uniform(a), self.uniform(b)) {
            (_, Some(factor)) => return self.combine(&[(a, factor)], 0.0),
            (Some(factor), None) => return self.combine(&[(b, factor)], 0.0),
            _ => {}
        }
        for (value, factors) in [(a, b), (b, a)] {
            if let Some(folded) = self.scale_linear(value, factors)? {
                return Ok(folded);
            }
        }
        if self.expression(a).root != self.expression(b).root {
            for (value, other) in [(a, b), (b, a)] {
                if let Some((inner, multiplier)) = self.multiple_of(value) {
                    let product = self.multiply(inner, other)?;
                    return self.combine(&[(product, multiplier)], 0.0);
                }
            }
        }
        self.binary(RealOperator::Multiply, Step::Multiply, a, b)
    }

    /// `max(a, b)` over values of one shape.
    pub(crate) fn maximum(&mut self, a: NodeId, b: NodeId) -> Built {
        self.extremum(RealOperator::Maximum, Step::Maximum, a, b)
    }

    /// `min(a, b)` over values of one shape.
    pub(crate) fn minimum(&mut self, a: NodeId, b: NodeId) -> Built {
        self.extremum(RealOperator::Minimum, Step::Minimum, a, b)
    }

    fn extremum(&mut self, operator: RealOperator, step: Step, a: NodeId, b: NodeId) -> Built {
        for (value, bound) in [(a, b), (b, a)] {
            // Whole numbers stay exact when they are compared, not looked up.
            if let Some(bound) = self.uniform(bound).and_then(expression::constant)
                && !(self.whole(a) && self.whole(b))
            {
                return self.function(value, &[Step::Variable, bound, step]);
            }
        }
        if let (Some((left, multiplier, constant)), Some((right, other, offset))) =
            (self.scalar_of(a), self.scalar_of(b))
            && multiplier > 0.0
            && (multiplier, constant) == (other, offset)
        {
            let inner = self.extremum(operator, step, left, right)?;
            return self.combine(&[(inner, multiplier)], constant);
        }
        self.binary(operator, step, a, b)
    }

    fn binary(&mut self, operator: RealOperator, step: Step, a: NodeId, b: NodeId) -> Built {
        let shape = self.shape(a).to_vec();
        if self.shape(b) != shape {
            return refuse(format!("operands of shapes {shape:?} and {:?}", self.shape(b)));
        }
        let (left, right) = (self.expression(a), self.expression(b));
        if left.root == right.root && !(left.truth && right.truth) {
            let steps: Vec<Step> = [left.steps, right.steps, vec![step]].concat();
            if fits(&steps) {
                return self.function_of(left.root, steps, shape);
            }
        }
        self.push(operator, vec![a, b], shape)
    }

    /// `positive`, `zero` or `negative` by the sign of the input.
    pub(crate) fn threshold(&mut self, input: NodeId, [negative, zero, positive]: [i64; 3]) -> Built {
        let shape = self.shape(input).to_vec();
        let Expression { root, steps: inner, .. } = self.expression(input);
        let id = self.push(RealOperator::Threshold { negative, zero, positive }, vec![input], shape)?;
        if let Some(steps) = expression::constant(0.0).and_then(|nought| {
            let above = [&[nought][..], &inner, &[Step::Less]].concat();
            let below = [&inner[..], &[nought, Step::Less]].concat();
            let above = scaled(above, (positive - zero) as f64, 0.0)?;
            let below = scaled(below, (negative - zero) as f64, zero as f64)?;
            Some([above, below, vec![Step::Add]].concat())
        }) && fits(&steps)
        {
            self.describe(id, Expression { root, steps, linear: false, truth: true });
        }
        Ok(id)
    }

    /// The sum along the last dimension.
    pub(crate) fn sum(&mut self, input: NodeId) -> Built {
        let mut shape = self.shape(input).to_vec();
        let length = shape.pop();
        if length == Some(1) {
            return self.reshape(input, shape);
        }
        if let Some((inner, multiplier, constant)) = self.scalar_of(input) {
            let sum = self.sum(inner)?;
            return self.combine(&[(sum, multiplier)], constant * f64::from(length.unwrap_or(1)));
        }
        self.push(RealOperator::Sum, vec![input], shape)
    }

    /// `[batch, m, k]` times `[batch, k, n]`.
    pub(crate) fn matrix_multiply(&mut self, a: NodeId, b: NodeId) -> Built {
        if let Some((inner, multiplier)) = self.multiple_of(a) {
            let product = self.matrix_multiply(inner, b)?;
            return self.combine(&[(product, multiplier)], 0.0);
        }
        if let Some((inner, multiplier)) = self.multiple_of(b) {
            let product = self.matrix_multiply(a, inner)?;
            return self.combine(&[(product, multiplier)], 0.0);
        }
        match (self.shape(a), self.shape(b)) {
            (&[batch, m, k], &[other, inner, n]) if batch == other && k == inner => {
                self.push(RealOperator::MatrixMultiply, vec![a, b], vec![batch, m, n])
            }
            (left, right) => refuse(format!("matrices of shapes {left:?} and {right:?}")),
        }
    }

    /// The first `kept` elements of the last dimension in order.
    pub(crate) fn order(&mut self, input: NodeId, [largest, last, positions]: [bool; 3], kept: u32) -> Built {
        let mut shape = self.shape(input).to_vec();
        match shape.last_mut() {
            Some(length) if (1..=*length).contains(&kept) => *length = kept,
            _ => return refuse(format!("the first {kept} of shape {shape:?}")),
        }
        self.push(RealOperator::Order { largest, last, count: kept, positions }, vec![input], shape)
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

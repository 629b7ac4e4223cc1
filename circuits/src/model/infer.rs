//! Shape and interval of an operator's result, from those of its inputs.

use super::formula::Formula;
use super::graph::{FORMULA_DOMAIN_MAX, FORMULA_STEPS_MAX, GraphError, SHIFT_MAX, Value, WIDTH_MAX, quotient_range};
use super::operator::{Activation, Geometry, Operator};
use super::range::{MAGNITUDE_MAX, Range};
use super::tensor::RANK_MAX;

/// Intervals of the formulas seen so far, so that a network that repeats one evaluates it once.
#[derive(Debug, Default)]
pub(super) struct Formulas<'a> {
    seen: Vec<(&'a Formula, Range, Range)>,
    steps: u64,
}

impl<'a> Formulas<'a> {
    /// The interval of `formula` over `arguments`, which is evaluated in full.
    fn results(&mut self, node: usize, formula: &'a Formula, arguments: Range) -> Result<Range, GraphError> {
        if let Some((.., results)) = self.seen.iter().find(|(other, range, _)| (*other, *range) == (formula, arguments))
        {
            return Ok(*results);
        }
        formula.check().map_err(|source| GraphError::Formula { node, source })?;
        if arguments.count() > FORMULA_DOMAIN_MAX {
            return Err(GraphError::Domain { node, got: arguments.count() });
        }
        let length = u64::try_from(formula.steps.len()).unwrap_or(u64::MAX);
        self.steps = self.steps.saturating_add(arguments.count().saturating_mul(length));
        if self.steps > FORMULA_STEPS_MAX {
            return Err(GraphError::Steps { node });
        }
        let results = formula.interval(arguments);
        self.seen.push((formula, arguments, results));
        Ok(results)
    }
}

/// The value that `operator`, node number `node`, makes of `inputs`; the first rule it breaks otherwise.
pub(super) fn infer<'a>(
    node: usize,
    operator: &'a Operator,
    inputs: &[&Value],
    formulas: &mut Formulas<'a>,
) -> Result<Value, GraphError> {
    arity(node, operator, inputs.len())?;
    let operands = Operands { node, operator, inputs };
    let shape = operands.shape()?;
    check_shape(node, &shape)?;
    let range = match operator {
        Operator::Requantise { shift, clamp, activation } => {
            operands.requantised(*shift, clamp, activation, formulas)?
        }
        _ => operands.range()?,
    };
    Ok(Value { shape, range })
}

fn arity(node: usize, operator: &Operator, got: usize) -> Result<(), GraphError> {
    let expected = match operator {
        Operator::Constant { .. } => 0,
        Operator::Multiply | Operator::Maximum | Operator::Minimum | Operator::MatrixMultiply => 2,
        Operator::Combine { multipliers, .. } => multipliers.len().max(1),
        Operator::Concatenate { .. } => got.max(1),
        _ => 1,
    };
    if got == expected { Ok(()) } else { Err(GraphError::Arity { node, operator: operator.name(), expected, got }) }
}

/// Checks rank and size.
pub(super) fn check_shape(node: usize, shape: &[u32]) -> Result<(), GraphError> {
    let elements = shape.iter().try_fold(1u32, |product, dimension| product.checked_mul(*dimension));
    let fits = elements.is_some_and(|elements| (1..=WIDTH_MAX).contains(&elements));
    if fits && !shape.is_empty() && shape.len() <= RANK_MAX {
        return Ok(());
    }
    Err(GraphError::Shape { node, shape: shape.to_vec() })
}

/// Checks an interval that a node declares.
pub(super) fn check_range(place: &str, range: &Range) -> Result<(), GraphError> {
    if range.is_valid() {
        return Ok(());
    }
    Err(GraphError::Range { place: place.to_owned(), min: range.min, max: range.max })
}

struct Operands<'a> {
    node: usize,
    operator: &'a Operator,
    inputs: &'a [&'a Value],
}

impl Operands<'_> {
    fn first(&self) -> Result<&Value, GraphError> {
        self.inputs.first().copied().ok_or_else(|| self.refused("one input"))
    }

    fn pair(&self) -> Result<(&Value, &Value), GraphError> {
        match self.inputs {
            [a, b] => Ok((a, b)),
            _ => Err(self.refused("two inputs")),
        }
    }

    fn refused(&self, expected: &str) -> GraphError {
        GraphError::Operands {
            node: self.node,
            operator: self.operator.name(),
            expected: expected.to_owned(),
            got: self.inputs.iter().map(|value| value.shape.clone()).collect(),
        }
    }

    fn shape(&self) -> Result<Vec<u32>, GraphError> {
        match self.operator {
            Operator::Dense { inputs, outputs, .. } => self.dense(*inputs, *outputs),
            Operator::Convolution { geometry, .. } => self.convolution(geometry),
            Operator::Embedding { vocabulary, width, .. } => self.embedding(*vocabulary, *width),
            Operator::Requantise { .. } => Ok(self.first()?.shape.clone()),
            // Nothing would state what the result is.
            Operator::Combine { multipliers, .. } if multipliers.is_empty() => {
                Err(self.refused("a multiplier for every input"))
            }
            Operator::Combine { .. } | Operator::Multiply | Operator::Maximum | Operator::Minimum => {
                let shape = self.first()?.shape.clone();
                if self.inputs.iter().any(|value| value.shape != shape) {
                    return Err(self.refused("inputs of one shape"));
                }
                Ok(shape)
            }
            Operator::Sum => {
                let shape = &self.first()?.shape;
                let outer = shape.split_last().map_or(&[][..], |(_, outer)| outer);
                Ok(if outer.is_empty() { vec![1] } else { outer.to_vec() })
            }
            Operator::MatrixMultiply => {
                let (a, b) = self.pair()?;
                match (a.shape.as_slice(), b.shape.as_slice()) {
                    ([batch, m, k], [other_batch, other_k, n]) if batch == other_batch && k == other_k => {
                        Ok(vec![*batch, *m, *n])
                    }
                    _ => Err(self.refused("[batch, m, k] and [batch, k, n]")),
                }
            }
            Operator::Constant { shape, values } => {
                check_shape(self.node, shape)?;
                self.check_count(shape, values.len())?;
                Ok(shape.clone())
            }
            Operator::Reshape { shape } => {
                check_shape(self.node, shape)?;
                self.check_count(shape, elements(&self.first()?.shape))?;
                Ok(shape.clone())
            }
            Operator::Strided { offset, shape, strides } => self.strided(*offset, shape, strides),
            Operator::Concatenate { axis } => self.concatenate(*axis),
            Operator::Pad { low, high, interior, .. } => self.pad(low, high, interior),
            Operator::Select { shape, indices } => {
                check_shape(self.node, shape)?;
                self.check_count(shape, indices.len())?;
                let width = elements(&self.first()?.shape);
                if indices.iter().any(|index| usize::try_from(*index).map_or(true, |index| index >= width)) {
                    return Err(self.refused("indices below the input's number of elements"));
                }
                Ok(shape.clone())
            }
        }
    }

    fn check_count(&self, shape: &[u32], got: usize) -> Result<(), GraphError> {
        if elements(shape) == got {
            return Ok(());
        }
        Err(self.refused(&format!("{} elements for shape {shape:?}, got {got}", elements(shape))))
    }

    fn dense(&self, inputs: u32, outputs: u32) -> Result<Vec<u32>, GraphError> {
        let node = self.node;
        let source = self.first()?;
        if !(1..=WIDTH_MAX).contains(&outputs) {
            return Err(GraphError::Outputs { node, got: outputs });
        }
        let (last, outer) = source.shape.split_last().unwrap_or((&0, &[]));
        if *last == inputs {
            return Ok(outer.iter().copied().chain([outputs]).collect());
        }
        if source.width() == inputs {
            return Ok(vec![outputs]);
        }
        Err(GraphError::Width { node, expected: *last, got: inputs })
    }

    fn embedding(&self, vocabulary: u32, width: u32) -> Result<Vec<u32>, GraphError> {
        let node = self.node;
        let Value { shape, range } = self.first()?;
        if !(1..=WIDTH_MAX).contains(&width) {
            return Err(GraphError::Outputs { node, got: width });
        }
        if !(1..=WIDTH_MAX).contains(&vocabulary) || range.min < 0 || range.max >= i64::from(vocabulary) {
            return Err(GraphError::Vocabulary { node, vocabulary, min: range.min, max: range.max });
        }
        Ok(shape.iter().copied().chain([width]).collect())
    }

    fn convolution(&self, geometry: &Geometry) -> Result<Vec<u32>, GraphError> {
        let refused = || self.refused("[channels, height, width] that groups divide and the kernel fits");
        let [channels, height, width] = self.first()?.shape.as_slice() else { return Err(refused()) };
        let Geometry { outputs, groups, kernel, stride, dilation, .. } = geometry;
        let positive = [kernel, stride, dilation].iter().all(|pair| pair.iter().all(|side| *side > 0));
        let divides = |count: &u32| count.checked_rem(*groups) == Some(0);
        let columns = geometry.columns(*channels).is_some_and(|columns| columns <= WIDTH_MAX);
        if !positive || !columns || !(1..=WIDTH_MAX).contains(outputs) || !divides(channels) || !divides(outputs) {
            return Err(refused());
        }
        let [rows, columns] = geometry.output([*height, *width]).ok_or_else(refused)?;
        // Executors and circuits walk over the padding as well.
        let padded = geometry.padded([*height, *width]).and_then(|[rows, columns]| rows.checked_mul(columns));
        let padded = padded.and_then(|elements| elements.checked_mul(*channels));
        if padded.is_none_or(|elements| elements > WIDTH_MAX) {
            return Err(self.refused(&format!("an input of at most {WIDTH_MAX} elements, its padding included")));
        }
        Ok(vec![*outputs, rows, columns])
    }

    fn strided(&self, offset: u32, shape: &[u32], strides: &[i32]) -> Result<Vec<u32>, GraphError> {
        check_shape(self.node, shape)?;
        let (mut low, mut high) = (i64::from(offset), i64::from(offset));
        for (dimension, stride) in shape.iter().zip(strides) {
            let reach = i64::from(*stride).saturating_mul(i64::from(*dimension).saturating_sub(1));
            low = low.saturating_add(reach.min(0));
            high = high.saturating_add(reach.max(0));
        }
        let width = i64::from(self.first()?.width());
        if shape.len() != strides.len() || low < 0 || high >= width {
            return Err(self.refused("strides that stay inside the input"));
        }
        Ok(shape.to_vec())
    }

    fn concatenate(&self, axis: u32) -> Result<Vec<u32>, GraphError> {
        let axis = usize::try_from(axis).unwrap_or(usize::MAX);
        let mut shape = self.first()?.shape.clone();
        let refused = || self.refused("inputs that differ only along the axis");
        let mut total = 0u32;
        for value in self.inputs {
            let along = *value.shape.get(axis).ok_or_else(refused)?;
            let same = value.shape.len() == shape.len()
                && value.shape.iter().zip(&shape).enumerate().all(|(place, (a, b))| place == axis || a == b);
            total = total.checked_add(along).filter(|_| same).ok_or_else(refused)?;
        }
        *shape.get_mut(axis).ok_or_else(refused)? = total;
        Ok(shape)
    }

    fn pad(&self, low: &[i32], high: &[i32], interior: &[u32]) -> Result<Vec<u32>, GraphError> {
        let source = &self.first()?.shape;
        let refused = || self.refused("low, high and interior padding for every dimension, and something left");
        if [low.len(), high.len(), interior.len()] != [source.len(); 3] {
            return Err(refused());
        }
        let sides = source.iter().zip(low).zip(high).zip(interior);
        let padded = sides.map(|(((length, low), high), interior)| {
            let gaps = i64::from(*length).saturating_sub(1).saturating_mul(i64::from(*interior));
            let sum = i64::from(*length).saturating_add(gaps);
            let sum = sum.saturating_add(i64::from(*low)).saturating_add(i64::from(*high));
            u32::try_from(sum).ok().filter(|sum| *sum > 0)
        });
        padded.collect::<Option<_>>().ok_or_else(refused)
    }

    fn range(&self) -> Result<Range, GraphError> {
        let node = self.node;
        match self.operator {
            Operator::Dense { accumulator, .. }
            | Operator::Convolution { accumulator, .. }
            | Operator::Embedding { accumulator, .. } => {
                check_range(&format!("node {node} accumulator"), accumulator)?;
                Ok(*accumulator)
            }
            Operator::Combine { multipliers, constant } => {
                let constant = i128::from(*constant);
                let mut sum = (constant, constant);
                // What the sums of some of the terms reach, in any order: executors add them one by one.
                let mut partial = (constant.min(0), constant.max(0));
                for (value, multiplier) in self.inputs.iter().zip(multipliers) {
                    let (low, high) = value.range.scaled(*multiplier);
                    sum = (sum.0.saturating_add(low), sum.1.saturating_add(high));
                    partial = (partial.0.saturating_add(low.min(0)), partial.1.saturating_add(high.max(0)));
                }
                self.bounded(partial)?;
                self.bounded(sum)
            }
            Operator::Multiply => {
                let (a, b) = self.pair()?;
                // One value twice: a square is not negative.
                let square = std::ptr::eq(a, b) && a.range.contains(0);
                let (low, high) = product(a.range, b.range);
                self.bounded((if square { 0 } else { low }, high))
            }
            Operator::Maximum => {
                let (a, b) = self.pair()?;
                Ok(Range { min: a.range.min.max(b.range.min), max: a.range.max.max(b.range.max) })
            }
            Operator::Minimum => {
                let (a, b) = self.pair()?;
                Ok(Range { min: a.range.min.min(b.range.min), max: a.range.max.min(b.range.max) })
            }
            Operator::Sum => {
                let value = self.first()?;
                let terms = i64::from(value.shape.last().copied().unwrap_or(1));
                self.bounded(value.range.scaled(terms))
            }
            Operator::MatrixMultiply => {
                let (a, b) = self.pair()?;
                let terms = i128::from(a.shape.last().copied().unwrap_or(1));
                let (low, high) = product(a.range, b.range);
                self.bounded((low.saturating_mul(terms), high.saturating_mul(terms)))
            }
            Operator::Constant { values, .. } => {
                let low = values.iter().copied().min().unwrap_or(0);
                let high = values.iter().copied().max().unwrap_or(0);
                self.bounded((i128::from(low), i128::from(high)))
            }
            Operator::Concatenate { .. } => {
                let hull = self.inputs.iter().map(|value| value.range).reduce(|a, b| a.hull(&b));
                hull.ok_or_else(|| self.refused("at least one input"))
            }
            Operator::Pad { value, .. } => {
                let constant = Range { min: *value, max: *value };
                check_range(&format!("node {node} padding"), &constant)?;
                Ok(self.first()?.range.hull(&constant))
            }
            Operator::Requantise { .. }
            | Operator::Reshape { .. }
            | Operator::Strided { .. }
            | Operator::Select { .. } => Ok(self.first()?.range),
        }
    }

    fn requantised<'a>(
        &self,
        shift: u8,
        clamp: &Range,
        activation: &'a Activation,
        formulas: &mut Formulas<'a>,
    ) -> Result<Range, GraphError> {
        let node = self.node;
        if shift > SHIFT_MAX {
            return Err(GraphError::Shift { node, got: shift });
        }
        check_range(&format!("node {node} clamp"), clamp)?;
        let quotient = quotient_range(self.first()?.range, shift);
        let low = quotient.min.clamp(clamp.min, clamp.max);
        let high = quotient.max.clamp(clamp.min, clamp.max);
        match activation {
            Activation::Identity | Activation::Relu => {
                Ok(Range { min: activation.apply(low), max: activation.apply(high) })
            }
            Activation::Formula(formula) => formulas.results(node, formula, Range { min: low, max: high }),
        }
    }

    fn bounded(&self, (min, max): (i128, i128)) -> Result<Range, GraphError> {
        match (i64::try_from(min), i64::try_from(max)) {
            (Ok(min), Ok(max)) if min >= -MAGNITUDE_MAX && max <= MAGNITUDE_MAX => Ok(Range { min, max }),
            _ => Err(GraphError::Magnitude { node: self.node, operator: self.operator.name(), min, max }),
        }
    }
}

fn product(a: Range, b: Range) -> (i128, i128) {
    let (low, high) = (b.scaled(a.min), b.scaled(a.max));
    (low.0.min(high.0), low.1.max(high.1))
}

fn elements(shape: &[u32]) -> usize {
    super::structure::count(shape)
}

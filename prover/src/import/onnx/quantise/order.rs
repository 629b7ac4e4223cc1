//! Sorting, and the positions of the largest and smallest elements.
//!
//! An element and its position become one number, the element above and the position in the low bits, so that numbers
//! never tie and a sorting network of maxima and minima moves both together.

use circuits::model::graph::{Activation, Operator};
use circuits::model::range::Range;

use super::super::real::{NodeId, RealOperator, strides};
use super::QuantiseError;
use super::emitter::{Emitter, Integer, bounded};

/// Bits of an element beside its position, beyond those of an activation.
const ELEMENT_BITS: u32 = 8;

impl Emitter<'_> {
    pub(super) fn order(&mut self, id: NodeId) -> Result<Integer, QuantiseError> {
        let RealOperator::Order { largest, last, count, positions } = self.network.nodes[id].operator else {
            return Err(self.magnitude(id));
        };
        let source_id = self.operand(id, 0);
        let source = self.integer(source_id)?;
        let source = self.narrow(source, self.interval(source_id), self.precision.activation_bits + ELEMENT_BITS);
        let length = self.shape(source).last().copied().unwrap_or(1);
        let bits = (32 - length.saturating_sub(1).leading_zeros()).clamp(1, 16);
        if length > 1 << bits {
            return Err(self.magnitude(id));
        }
        let key = (source_id, largest, last, count);
        let sorted = match self.ordered.get(&key).copied() {
            Some(sorted) => sorted,
            None => {
                let tagged = self.tagged(id, source, [largest, last], bits)?;
                let sorted = if count == 1 { self.first(tagged) } else { self.sorted(tagged, count) };
                self.ordered.insert(key, sorted);
                sorted
            }
        };
        self.untagged(id, source, sorted, [largest, last, positions], bits)
    }

    /// `element 2^bits + tag`, so that the largest number comes first.
    fn tagged(
        &mut self,
        id: NodeId,
        source: Integer,
        [largest, last]: [bool; 2],
        bits: u32,
    ) -> Result<Integer, QuantiseError> {
        let shape = self.shape(source);
        let length = shape.last().copied().unwrap_or(1);
        let top = (1i64 << bits) - 1;
        // Half of the element's unit is taken off at once: the division that removes the tag then rounds down.
        let half = 1i64 << (bits - 1);
        let tag = |place: i64| if last { place - half } else { top - place - half };
        let range = Range { min: -half, max: top - half };
        let tags = match self.tags.get(&(shape.clone(), last)).copied() {
            Some(tags) => tags,
            None => {
                let values = (0..i64::from(length)).map(tag).collect();
                let line =
                    self.push(Operator::Constant { shape: vec![length], values }, Vec::new(), vec![length], range);
                let mut steps = vec![0; shape.len()];
                if let Some(step) = steps.last_mut() {
                    *step = 1;
                }
                let operator = Operator::Strided { offset: 0, shape: shape.clone(), strides: steps };
                let tags = self.push(operator, vec![line], shape.clone(), range);
                self.tags.insert((shape.clone(), last), tags);
                tags
            }
        };
        let factor = if largest { 1i64 << bits } else { -(1i64 << bits) };
        let (low, high) = self.range(source).scaled(factor);
        let sum =
            bounded(low + i128::from(range.min), high + i128::from(range.max)).ok_or_else(|| self.magnitude(id))?;
        let operator = Operator::Combine { multipliers: vec![factor, 1], constant: 0 };
        let value = self.push(operator, vec![source.value, tags], shape, sum);
        Ok(Integer { value, exponent: 0 })
    }

    /// The largest along the last dimension.
    fn first(&mut self, mut value: Integer) -> Integer {
        loop {
            let length = self.shape(value).last().copied().unwrap_or(1);
            if length <= 1 {
                return value;
            }
            let half = length.div_ceil(2);
            let low = self.part(value, 0, half);
            let high = self.part(value, length - half, half);
            value = self.pairwise(Operator::Maximum, low, high);
        }
    }

    fn part(&mut self, value: Integer, start: u32, length: u32) -> Integer {
        let mut shape = self.shape(value);
        let steps = strides(&shape);
        if let Some(last) = shape.last_mut() {
            *last = length;
        }
        let range = self.range(value);
        let operator = Operator::Strided { offset: start, shape: shape.clone(), strides: steps };
        Integer { value: self.push(operator, vec![value.value], shape, range), exponent: value.exponent }
    }

    fn pairwise(&mut self, operator: Operator, a: Integer, b: Integer) -> Integer {
        let (x, y) = (self.range(a), self.range(b));
        let shape = self.shape(a);
        Integer { value: self.push(operator, vec![a.value, b.value], shape, x.hull(&y)), exponent: a.exponent }
    }

    /// The `count` largest along the last dimension, in order: an odd-even merge sort over all rows at once.
    fn sorted(&mut self, value: Integer, count: u32) -> Integer {
        let shape = self.shape(value);
        let length = shape.last().copied().unwrap_or(1) as usize;
        let mut current = value;
        for stage in stages(length) {
            // Element i meets its partner; the first of a pair keeps the larger.
            let mut partner: Vec<usize> = (0..length).collect();
            for (low, high) in &stage {
                partner.swap(*low, *high);
            }
            let met = self.picked(current, &shape, &partner);
            let high = self.pairwise(Operator::Maximum, current, met);
            let low = self.pairwise(Operator::Minimum, current, met);
            let both = self.stacked(high, low);
            let rows: usize = shape.iter().rev().skip(1).map(|length| *length as usize).product();
            let keeps_low: Vec<bool> = (0..length).map(|place| stage.iter().any(|(_, high)| *high == place)).collect();
            let indices = (0..rows).flat_map(|row| {
                let keeps_low = &keeps_low;
                (0..length).map(move |place| {
                    let element = row * length + place;
                    if keeps_low[place] { rows * length + element } else { element }
                })
            });
            let indices = indices.filter_map(|index| u32::try_from(index).ok()).collect();
            let range = self.range(both);
            let operator = Operator::Select { shape: shape.clone(), indices };
            current = Integer { value: self.push(operator, vec![both.value], shape.clone(), range), exponent: 0 };
        }
        self.part(current, 0, count)
    }

    fn picked(&mut self, value: Integer, shape: &[u32], places: &[usize]) -> Integer {
        let length = places.len();
        let rows: usize = shape.iter().rev().skip(1).map(|length| *length as usize).product();
        let indices = (0..rows).flat_map(|row| places.iter().map(move |place| row * length + place));
        let indices = indices.filter_map(|index| u32::try_from(index).ok()).collect();
        let range = self.range(value);
        let operator = Operator::Select { shape: shape.to_vec(), indices };
        Integer { value: self.push(operator, vec![value.value], shape.to_vec(), range), exponent: value.exponent }
    }

    /// Two values of one shape, one after the other.
    fn stacked(&mut self, a: Integer, b: Integer) -> Integer {
        let mut shape = self.shape(a);
        if let Some(first) = shape.first_mut() {
            *first *= 2;
        }
        let range = self.range(a).hull(&self.range(b));
        let operator = Operator::Concatenate { axis: 0 };
        // Along the only dimension of a vector, as along the first of any other, the elements follow each other.
        Integer { value: self.push(operator, vec![a.value, b.value], shape, range), exponent: a.exponent }
    }

    /// The element, or its position, of tagged numbers.
    fn untagged(
        &mut self,
        id: NodeId,
        source: Integer,
        sorted: Integer,
        [largest, last, positions]: [bool; 3],
        bits: u32,
    ) -> Result<Integer, QuantiseError> {
        let half = 1i64 << (bits - 1);
        let elements = self.range(source);
        let elements = if largest { elements } else { Range { min: -elements.max, max: -elements.min } };
        let value = self.requantise(sorted, bits, elements, Activation::Identity, elements);
        let dimensions = self.dimensions(id);
        if !positions {
            let factor = if largest { 1 } else { -1 };
            let operator = Operator::Combine { multipliers: vec![factor], constant: 0 };
            let value = self.push(operator, vec![value], dimensions, self.range(source));
            return Ok(Integer { value, exponent: source.exponent });
        }
        let top = (1i64 << bits) - 1;
        let (sign, offset) = if last { (1, half) } else { (-1, top - half) };
        let (multipliers, constant) = (vec![sign, -sign * (1i64 << bits)], offset);
        let (low, high) = elements.scaled(1i64 << bits);
        let span = high - low + i128::from(top) * 2;
        // By construction a position, but an interval does not know that the two numbers belong together.
        let range = bounded(-span, span).ok_or_else(|| self.magnitude(id))?;
        let operator = Operator::Combine { multipliers, constant };
        let value = self.push(operator, vec![sorted.value, value], dimensions, range);
        let places = Range { min: 0, max: top };
        let value = self.requantise(Integer { value, exponent: 0 }, 0, places, Activation::Identity, places);
        Ok(Integer { value, exponent: 0 })
    }
}

/// Batcher's odd-even merge sort for any length: pairs `(low, high)` of places, in stages of disjoint pairs.
fn stages(length: usize) -> Vec<Vec<(usize, usize)>> {
    let mut stages = Vec::new();
    let mut size = 1;
    while size < length {
        let mut step = size;
        while step >= 1 {
            let mut pairs = Vec::new();
            let mut start = step % size;
            while start + step < length {
                for offset in 0..step.min(length - start - step) {
                    let (low, high) = (start + offset, start + offset + step);
                    if low / (size * 2) == high / (size * 2) {
                        pairs.push((low, high));
                    }
                }
                start += step * 2;
            }
            stages.push(pairs);
            step /= 2;
        }
        size *= 2;
    }
    stages
}

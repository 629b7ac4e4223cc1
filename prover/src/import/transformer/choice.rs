//! Places of largest elements, by tournaments of tagged numbers.
//!
//! Elements are made as coarse as one table asks, as everywhere, and get their places as low bits: the largest of those
//! numbers is no tie, and holds both. A tag is a constant, and every constant takes a row, so that a long list has two rounds:
//! blocks, all with the same tags, and then what won in them.

use circuits::model::graph::{Activation, Operator};
use circuits::model::range::Range;

use super::writer::{Fixed, Writer, finest, quotients};

/// Bits of a place in a block.
const BLOCK_BITS: u32 = 8;
/// Elements of a block.
const BLOCK: u32 = 1 << BLOCK_BITS;

/// The largest elements of blocks.
struct Winners {
    /// `[rows, blocks]`
    elements: Fixed,
    /// Their places, counted from the block's end, less half of a block: `[rows, blocks]`.
    tags: Fixed,
}

impl Writer {
    /// Along the last dimension of `[rows, n]`, the place of the largest element, the first of several: `[rows]`.
    pub(super) fn largest_places(&mut self, source: &Fixed) -> Fixed {
        let [rows, length] = *source.shape.as_slice() else { return source.clone() };
        let table_bits = self.table_bits;
        let shift = finest(source, |_, quotients| quotients.count() <= 1 << table_bits);
        let exponent = source.exponent - shift;
        let range = quotients(source.range, shift);
        let coarse = self.requantise(source, exponent, range, Activation::Identity, exponent);
        let block = if length > 2 * BLOCK { BLOCK } else { 1 };
        let count = length.div_ceil(block);
        let top = i64::from(count * block) - 1;
        let bits = (i64::BITS - top.leading_zeros()).max(1);
        let (unit, block) = (1i64 << bits, i64::from(block));
        // Half of an element's unit is taken off at once: the division that removes the place then rounds down.
        let starts = (0..i64::from(count)).map(|place| top - (place + 1) * block + 1 + block / 2 - unit / 2);
        let starts = self.constant(vec![count], starts.collect(), exponent);
        let starts = self.strided(&starts, 0, vec![rows, count], &[0, 1]);
        let tagged = if block > 1 {
            let Winners { elements, tags } = self.winners(&coarse, rows, count);
            self.combine(&[&elements, &starts, &tags], vec![unit, 1, 1], 0)
        } else {
            self.combine(&[&coarse, &starts], vec![unit, 1], 0)
        };
        let tagged = self.reshape(&tagged, vec![1, rows, count]);
        let largest = self.largest(&tagged);
        let largest = self.reshape(&largest, vec![rows]);
        let element = self.untagged(&largest, bits, coarse.range);
        let place = self.combine(&[&largest, &element], vec![-1, unit], top - unit / 2);
        // By construction a place, but intervals do not know that the two numbers belong together.
        let places = Range { min: 0, max: i64::from(length) - 1 };
        self.requantise(&Fixed { exponent: 0, ..place }, 0, places, Activation::Identity, 0)
    }

    /// The largest of every block of `[rows, n]`, the first of several. What is missing of the last block is as small as an
    /// element can be, and loses to every element before it.
    fn winners(&mut self, coarse: &Fixed, rows: u32, blocks: u32) -> Winners {
        let length = coarse.shape.last().copied().unwrap_or(0);
        let missing = i32::try_from(blocks * BLOCK - length).unwrap_or(0);
        let pad =
            Operator::Pad { low: vec![0, 0], high: vec![0, missing], interior: vec![0, 0], value: coarse.range.min };
        let all = self.push(pad, &[coarse], vec![rows, blocks * BLOCK], coarse.range, coarse.exponent);
        let shape = vec![rows, blocks, BLOCK];
        let all = self.reshape(&all, shape.clone());
        let (unit, half) = (i64::from(BLOCK), i64::from(BLOCK / 2));
        let tags =
            self.constant(vec![BLOCK], (0..unit).map(|place| unit - 1 - place - half).collect(), coarse.exponent);
        let tags = self.strided(&tags, 0, shape, &[0, 0, 1]);
        let tagged = self.combine(&[&all, &tags], vec![unit, 1], 0);
        let largest = self.largest(&tagged);
        let largest = self.reshape(&largest, vec![rows, blocks]);
        let elements = self.untagged(&largest, BLOCK_BITS, coarse.range);
        let tags = self.combine(&[&largest, &elements], vec![1, -unit], 0);
        let clamp = Range { min: -half, max: half - 1 };
        let tags = self.requantise(&Fixed { exponent: 0, ..tags }, 0, clamp, Activation::Identity, 0);
        Winners { elements, tags }
    }

    /// What was tagged by `bits` bits around zero.
    fn untagged(&mut self, tagged: &Fixed, bits: u32, range: Range) -> Fixed {
        self.requantise(tagged, tagged.exponent - bits.cast_signed(), range, Activation::Identity, 0)
    }
}

#[cfg(test)]
mod tests {
    use circuits::model::graph::{Graph, Input, Layout};
    use circuits::model::reference;
    use circuits::model::tensor::Tensor;
    use circuits::model::weights::Weights;

    use super::*;
    use crate::import::seeded::Seeded;

    /// Lists of one round and of two, with whole blocks and without, few different numbers and many, and none but the least.
    #[test]
    fn the_first_of_the_largest_is_found() {
        for length in [1, 2, 3, 40, 511, 512, 513, 768, 1000] {
            let range = Range { min: -900, max: 700 };
            let mut writer = Writer::new(Input { shape: vec![3, length], range }, 14, 1);
            let input = writer.input();
            let places = writer.largest_places(&input);
            assert_eq!((places.shape, places.range), (vec![3], Range { min: 0, max: i64::from(length) - 1 }));
            let Writer { input, nodes, weights, .. } = writer;
            let graph = Graph::new(input, nodes, Layout { k: 10, rows: 0, lanes: 1 }).unwrap();
            let weights = Weights::new(&graph, weights).unwrap();
            let mut drawn = Seeded::new(u64::from(length));
            for spread in [1, 2, 5, 1601] {
                let mut value = || i64::try_from(drawn.below(spread)).unwrap() - 900;
                let values: Vec<i64> = (0..3 * length).map(|_| value()).collect();
                let first = |row: &[i64]| {
                    let largest = row.iter().max().unwrap();
                    row.iter().position(|value| value == largest).unwrap() as i64
                };
                let expected: Vec<i64> = values.chunks(length as usize).map(first).collect();
                let trace = reference::run(&graph, &weights, &Tensor::new(vec![3, length], values).unwrap()).unwrap();
                assert_eq!(trace.output(), expected, "{length} elements of {spread} numbers");
            }
        }
    }
}

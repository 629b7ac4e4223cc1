//! Constants, and everything that moves elements.

use super::{Dag, Drawn};
use crate::model::graph::Operator;

/// Largest number of elements that a selection or a free choice of strides has.
const ELEMENTS_MAX: u32 = 24;

impl Dag<'_> {
    pub(super) fn constant(&mut self) -> Drawn {
        let like = self.any();
        let shape = self.values[like].shape.clone();
        let bound = self.source.choose([1, 20, 127, 300]);
        self.constant_of(shape, bound)
    }

    /// A constant with elements of at most `bound` in magnitude.
    pub(super) fn constant_of(&mut self, shape: Vec<u32>, bound: i64) -> Drawn {
        let count: u32 = shape.iter().product();
        let values = (0..count).map(|_| self.source.symmetric(bound)).collect();
        self.push(Operator::Constant { shape, values }, &[])
    }

    pub(super) fn reshape(&mut self) -> Drawn {
        let value = self.any();
        let rank = self.source.choose([1, 2, 3, 4]);
        let shape = self.dimensions(self.values[value].width(), rank);
        self.push(Operator::Reshape { shape }, &[value])
    }

    pub(super) fn strided(&mut self) -> Drawn {
        let value = self.any();
        let width = i32::try_from(self.values[value].width()).unwrap_or(1);
        let shape = self.small_shape();
        let mut strides: Vec<i32> =
            shape.iter().map(|_| i32::try_from(self.source.symmetric(i64::from(width.min(6)))).unwrap_or(0)).collect();
        let reaches = |strides: &[i32]| {
            let ends = shape.iter().zip(strides).map(|(side, stride)| stride * i32::try_from(side - 1).unwrap_or(0));
            ends.fold((0, 0), |(low, high), end| (low + end.min(0), high + end.max(0)))
        };
        while reaches(&strides).1 - reaches(&strides).0 >= width {
            strides.iter_mut().for_each(|stride| *stride /= 2);
        }
        let (low, high) = reaches(&strides);
        let offset = self.source.number(low.unsigned_abs(), (width - 1 - high).unsigned_abs());
        self.push(Operator::Strided { offset, shape, strides }, &[value])
    }

    pub(super) fn transposed(&mut self) -> Drawn {
        let value = self.any();
        let from = self.values[value].shape.clone();
        let mut rest: Vec<usize> = (0..from.len()).collect();
        let (mut shape, mut strides) = (vec![], vec![]);
        while !rest.is_empty() {
            let place = usize::try_from(self.source.up_to(rest.len() as u64 - 1)).unwrap_or(0);
            let axis = rest.remove(place);
            shape.push(from[axis]);
            strides.push(i32::try_from(from[axis + 1..].iter().product::<u32>()).unwrap_or(0));
        }
        self.push(Operator::Strided { offset: 0, shape, strides }, &[value])
    }

    pub(super) fn concatenate(&mut self) -> Drawn {
        let first = self.any();
        let shape = self.values[first].shape.clone();
        let axis = usize::try_from(self.source.up_to(shape.len() as u64 - 1)).unwrap_or(0);
        let mut inputs = vec![first];
        for _ in 0..self.source.up_to(2) {
            let fits = |other: &[u32]| {
                other.len() == shape.len()
                    && other.iter().zip(&shape).enumerate().all(|(place, (a, b))| place == axis || a == b)
            };
            inputs.extend(self.any_where(|value| fits(&value.shape)));
        }
        self.push(Operator::Concatenate { axis: u32::try_from(axis).unwrap_or(0) }, &inputs)
    }

    pub(super) fn pad(&mut self) -> Drawn {
        let source = self.any();
        let (mut low, mut high, mut interior) = (vec![], vec![], vec![]);
        for side in self.values[source].shape.clone() {
            let mut edge = || i32::try_from(self.source.up_to(3)).unwrap_or(0) - 1;
            let (before, after) = (edge(), edge());
            let cut = side == 1 || (before < 0 && after < 0 && side == 2);
            low.push(if cut { 0 } else { before });
            high.push(if cut { 0 } else { after });
            interior.push(self.source.number(0, 1));
        }
        let range = self.values[source].range;
        let drawn = self.source.symmetric(100);
        let value = self.source.choose([0, range.min, range.max, drawn]);
        self.push(Operator::Pad { low, high, interior, value }, &[source])
    }

    pub(super) fn select(&mut self) -> Drawn {
        let value = self.any();
        let shape = self.small_shape();
        let width = self.values[value].width();
        let count: u32 = shape.iter().product();
        let indices = (0..count).map(|_| self.source.number(0, width - 1)).collect();
        self.push(Operator::Select { shape, indices }, &[value])
    }

    fn small_shape(&mut self) -> Vec<u32> {
        let count = self.source.number(1, ELEMENTS_MAX);
        let rank = self.source.choose([1, 2, 2, 3]);
        self.dimensions(count, rank)
    }
}

//! In which lane an element lies, where positions lie side by side: in that of the operand it is computed from.
//!
//! Then whatever follows from a dense operator keeps its positions in their lanes, through sums, products and functions,
//! and the next dense operator finds them there.

use super::{Lowering, Source};
use crate::layout::tape::Place;
use crate::model::graph::{Node, Operator};

impl Lowering<'_> {
    /// Elements of a node that computes them one by one, in the order in which they are written, and their lanes: where
    /// positions lie side by side a list for each row, else one list for all, each in the next lane.
    pub(super) fn rows_of(&self, index: usize, node: &Node, counted: usize) -> Vec<Vec<(Option<usize>, usize)>> {
        let given = |row: Vec<(usize, usize)>| row.into_iter().map(|(lane, element)| (Some(lane), element)).collect();
        match self.rows_by_lane(index, node, counted) {
            Some(rows) => rows.into_iter().map(given).collect(),
            None => vec![(0..counted).map(|element| (None, element)).collect()],
        }
    }

    /// Repeats one of the lanes that are used in all others, on the rows from `first` on.
    pub(super) fn fill_unused(&mut self, first: usize, used: impl Iterator<Item = usize> + Clone) {
        let Some(from) = used.clone().next() else { return };
        let mut idle = vec![true; self.tape.lanes()];
        for lane in used {
            if let Some(idle) = idle.get_mut(lane) {
                *idle = false;
            }
        }
        let idle = idle.into_iter().enumerate().filter(|(_, idle)| *idle).map(|(lane, _)| lane);
        self.tape.repeat_lane(first, from, idle);
    }

    /// `None` if an operand's lane would leave most lanes empty or, where no dense operator follows that would find
    /// positions in their lanes, more than a fifth of them.
    fn rows_by_lane(&self, index: usize, node: &Node, counted: usize) -> Option<Vec<Vec<(usize, usize)>>> {
        if !self.graph.by_positions() {
            return None;
        }
        let lanes = self.tape.lanes();
        let mut buckets: Vec<Vec<usize>> = vec![Vec::new(); lanes];
        for element in 0..counted {
            let lane = self.preferred_lane(node, element).unwrap_or(element);
            if let Some(bucket) = buckets.get_mut(lane % lanes) {
                bucket.push(element);
            }
        }
        let rows = buckets.iter().map(Vec::len).max().unwrap_or(0);
        let least = counted.div_ceil(lanes);
        let most = if index < self.last_dense { 2 * least } else { least + least / 4 };
        if rows > most {
            return None;
        }
        let row = |row: usize| {
            let taken = buckets.iter().enumerate();
            taken.filter_map(|(lane, bucket)| Some((lane, *bucket.get(row)?))).collect()
        };
        Some((0..rows).map(row).collect())
    }

    fn preferred_lane(&self, node: &Node, element: usize) -> Option<usize> {
        let read = |slot: usize, element: usize| Some((*node.inputs.get(slot)? as usize, element));
        let operands = match &node.operator {
            Operator::Sum => {
                let length = self.last_side(node, 0);
                vec![read(0, element * length)]
            }
            Operator::MatrixMultiply => {
                let (k, n) = (self.last_side(node, 0), self.last_side(node, 1));
                vec![read(0, element / n.max(1) * k)]
            }
            _ => (0..node.inputs.len()).map(|slot| read(slot, element)).collect(),
        };
        operands.into_iter().flatten().find_map(|(value, element)| self.lane_of(value, element))
    }

    fn last_side(&self, node: &Node, slot: usize) -> usize {
        let value = node.inputs.get(slot).and_then(|value| self.graph.values().get(*value as usize));
        value.and_then(|value| value.shape.last()).map_or(1, |side| *side as usize)
    }

    /// The lane of an element; of the graph's input and of an embedding, the one that its position would have.
    fn lane_of(&self, value: usize, element: usize) -> Option<usize> {
        let Source::Element { value, element } = self.source(value, element) else { return None };
        // The columns of an embedding lie one after the other, whatever their lanes.
        let node = value.checked_sub(1).and_then(|node| self.graph.nodes().get(node));
        let is_column = node.is_some_and(|node| matches!(node.operator, Operator::Embedding { .. }));
        match self.home(value, element) {
            Place::Cell { lane, .. } if !is_column => Some(lane),
            _ => {
                let width = self.graph.values().get(value)?.width() as usize;
                element.checked_div(width.checked_div(self.tape.lanes()).filter(|channels| *channels > 0)?)
            }
        }
    }
}

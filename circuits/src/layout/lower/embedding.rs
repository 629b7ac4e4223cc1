//! Embeddings: columns of a committed matrix, chosen by an index.
//!
//! A chosen column lies in cells that H combines by powers of r; the entry of the weight column that belongs to the index is
//! the same combination of the matrix's column, because the key's rows say so. That the pair of index and combination is
//! among the pairs of indices and entries is a lookup whose table is a weight column. H and V are fixed by the first phase,
//! the key and r, so they may be looked up by challenges that are squeezed together with r.

use super::Lowering;
use crate::layout::plan::PlanError;
use crate::layout::tape::{Block, Chain, Place, Power, Row, Slot, WeightPlace};
use crate::model::graph::{Node, Operator};

/// A block of an embedding whose entries have no rows yet.
#[derive(Debug)]
pub(super) struct Table {
    block: Block,
    /// Number of the first entry.
    first: u64,
}

impl Lowering<'_> {
    pub(super) fn embedding(&mut self, index: usize, node: &Node) -> Result<(), PlanError> {
        let Operator::Embedding { vocabulary, width, .. } = &node.operator else { return Ok(()) };
        let (vocabulary, width) = (*vocabulary as usize, *width as usize);
        let source = node.inputs.first().map_or(0, |value| *value as usize);
        let chosen = self.graph.values().get(source).map_or(0, |value| value.width() as usize);
        let mut homes = vec![Place::Instance(0); chosen * width];
        for from in (0..width).step_by(self.size.committed_rows.max(1)) {
            let outputs = (width - from).min(self.size.committed_rows.max(1));
            // Entries are numbered from 1 over all embeddings and blocks: 0 is no entry.
            let first = self.entries + 1;
            self.entries += vocabulary as u64;
            for item in 0..chosen {
                self.check_size()?;
                let operand = self.operand(source, item);
                self.column(index, item * width + from, outputs, &mut homes);
                let constant = i128::from(operand.offset) + i128::from(first);
                let row = self.tape.push(&[Row { a: 1, constant, look: true, ..Row::default() }]);
                self.read(operand, row, 0, Slot::A);
            }
            let places = vec![WeightPlace::default(); vocabulary];
            let block = Block { node: index, first_output: from, outputs, groups: 1, places, bias_row: 0 };
            self.tables.push(Table { block, first });
        }
        self.set_homes(index + 1, homes);
        Ok(())
    }

    /// Rows of a column's elements, the last first, so that the first has the power 0 of r.
    fn column(&mut self, index: usize, first: usize, count: usize, homes: &mut [Place]) {
        let lanes = self.tape.lanes();
        let offset = self.offset(index + 1);
        let class = self.tape.chain_class(Power::Row(1));
        let rows = count.div_ceil(lanes);
        for above in 0..rows {
            let chain = if above == 0 { Chain::Start(class) } else { Chain::Continue(class) };
            let row = Row { a: 1, constant: i128::from(offset), chain: Some(chain), ..Row::default() };
            let at = self.tape.push(&[row]);
            for lane in 0..lanes {
                let element = (rows - 1 - above) * lanes + lane;
                if element < count {
                    let value = self.integer(index + 1, first + element);
                    self.tape.set(at, lane, Slot::A, value - offset);
                    if let Some(home) = homes.get_mut(first + element) {
                        *home = Place::Cell { row: at, lane, slot: Slot::A };
                    }
                } else {
                    // Powers of r beyond the column's, of which no entry has any: zero, and read by nobody.
                    self.tape.set(at, lane, Slot::A, -offset);
                }
            }
        }
    }

    /// Gives every entry a row on which the first weight column meets nothing else.
    pub(super) fn seat_entries(&mut self) {
        let mut row = 0;
        for Table { mut block, first } in std::mem::take(&mut self.tables) {
            let entries = block.places.len();
            // One row more for the biases, which are zero.
            for entry in 0..=entries {
                while self.tape.rows().get(row).is_some_and(Row::meets_weight) {
                    row += 1;
                }
                if self.tape.rows().len() == row {
                    self.tape.push(&[Row::default()]);
                }
                match block.places.get_mut(entry) {
                    Some(place) => {
                        *place = WeightPlace { column: 0, row };
                        if let Some(stated) = self.tape.rows().get(row).copied() {
                            self.tape.restate(row, Row { entry: first + entry as u64, ..stated });
                        }
                    }
                    None => block.bias_row = row,
                }
                row += 1;
            }
            self.tape.add_block(block);
        }
    }
}

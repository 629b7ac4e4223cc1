use super::*;
use crate::committed::CommittedMatrix;
use crate::model::fixture;
use crate::model::graph::Layout;
use crate::model::random::{Limits, Model};
use crate::model::weights::Weights;

/// All rows of the matrix, by exponent.
fn honest(plan: &Plan, weights: &Weights) -> Vec<Vec<OpenedRow>> {
    let matrix = CommittedMatrix::new(plan, weights).unwrap();
    let row = |index| OpenedRow::decode(index as u64, &matrix.row_bytes(index)).unwrap();
    let rows: Vec<OpenedRow> = (0..matrix.rows()).map(row).collect();
    rows.chunks(plan.weight_columns().max(1)).map(<[OpenedRow]>::to_vec).collect()
}

fn fixture_row(exponent: usize) -> (Plan, OpenedRow) {
    let plan = Plan::new(&fixture::graph()).unwrap();
    let row = honest(&plan, &fixture::weights()).remove(exponent).remove(0);
    (plan, row)
}

/// What is found in a row of the fixture after one of its cells was changed.
fn found(exponent: usize, change: impl FnOnce(&mut Vec<(u64, i64)>)) -> Result<(), RowFault> {
    let (plan, mut row) = fixture_row(exponent);
    change(&mut row.cells);
    check(&plan, &[row])
}

#[test]
fn no_row_of_a_checked_model_is_found_wrong() {
    let mut several = 0;
    let graphs = (0..40).map(|seed| Model::graph_from_seed(seed, &Limits::circuit()));
    let chains = (0..20).map(|seed| Model::from_seed(seed, &Limits::circuit()));
    for Model { graph, weights, .. } in graphs.chain(chains) {
        let wide = graph.clone().with_layout(Layout { k: graph.layout().k + 1, lanes: 2, ..graph.layout() });
        for graph in [Ok(graph), wide].into_iter().flatten() {
            let Ok(plan) = Plan::new(&graph) else { continue };
            several += usize::from(plan.weight_columns() > 1);
            for rows in honest(&plan, &weights) {
                assert_eq!(check(&plan, &rows), Ok(()));
                assert_eq!(check(&plan, &rows[..1]), Ok(()));
            }
        }
    }
    assert!(several > 10);
}

#[test]
fn bytes_are_an_index_and_whole_cells() {
    let (_, row) = fixture_row(1);
    let plan = Plan::new(&fixture::graph()).unwrap();
    let bytes = CommittedMatrix::new(&plan, &fixture::weights()).unwrap().row_bytes(1);
    assert_eq!(OpenedRow::decode(1, &bytes), Ok(row));
    assert_eq!(OpenedRow::decode(2, &bytes), Err(RowFault::Index { expected: 2, got: 1 }));
    for length in [0, 7, 16, bytes.len() - 1, bytes.len() - 8] {
        assert_eq!(OpenedRow::decode(1, &bytes[..length]), Err(RowFault::Length { got: length }));
    }
}

#[test]
fn cells_stand_where_the_graph_has_weights() {
    let (_, row) = fixture_row(0);
    let place = |position: usize| row.cells.get(position).map(|(place, _)| *place);
    let last = row.cells.len() - 1;
    let fault = |position, expected, got| Err(RowFault::Place { position, expected, got });
    assert_eq!(found(0, |cells| cells[2].0 += 1000), fault(2, place(2), place(2).map(|place| place + 1000)));
    assert_eq!(found(0, |cells| cells.swap(0, 1)), fault(0, place(0), place(1)));
    assert_eq!(found(0, |cells| cells.truncate(last)), fault(last, place(last), None));
    assert_eq!(found(0, |cells| cells.push((500, 0))), fault(last + 1, None, Some(500)));
    assert_eq!(found(0, |cells| cells.insert(1, cells[0])), fault(1, place(1), place(0)));
}

#[test]
fn weights_and_sums_stay_in_their_ranges() {
    // Exponent 2 is channel 2 of the first node alone: four weights and a bias, inputs in [0, 16], declared +-2000.
    let (_, row) = fixture_row(2);
    assert_eq!(row.cells.len(), 5);
    let bias = row.cells.iter().position(|(_, value)| *value == 3).unwrap();
    let weight = usize::from(bias == 0);
    let too_wide = i64::from(i32::MAX) + 1;
    let fault = RowFault::Weight { node: 0, channel: 2, got: too_wide };
    assert_eq!(found(2, |cells| cells[weight].1 = too_wide), Err(fault));
    let got = i128::from(i64::MIN).abs();
    let large = found(2, |cells| cells[bias].1 = i64::MIN);
    assert!(matches!(large, Err(RowFault::Magnitude { node: 0, channel: 2, got: sum }) if sum >= got), "{large:?}");
    // 3 + 5 * 16 + 5 * 16 at most; a bias of 1841 reaches 2001.
    assert_eq!(found(2, |cells| cells[bias].1 = 1840), Ok(()));
    let declared = Range { min: -2000, max: 2000 };
    let outside = RowFault::Accumulator { node: 0, channel: 2, declared, min: 1681, max: 2001 };
    assert_eq!(found(2, |cells| cells[bias].1 = 1841), Err(outside));
}

#[test]
fn a_part_of_an_output_is_judged_by_its_magnitude_alone() {
    let graph = fixture::graph().with_layout(Layout { k: 11, rows: 3, lanes: 2 }).unwrap();
    let plan = Plan::new(&graph).unwrap();
    let mut rows = honest(&plan, &fixture::weights()).remove(2);
    assert_eq!(rows.len(), 2);
    let bias = rows[0].cells.iter().position(|(_, value)| *value == 3).unwrap();
    rows[0].cells[bias].1 = 5000;
    assert_eq!(check(&plan, &rows[..1]), Ok(()), "the other column could bring it back");
    let declared = Range { min: -2000, max: 2000 };
    let outside = RowFault::Accumulator { node: 0, channel: 2, declared, min: 4840, max: 5160 };
    assert_eq!(check(&plan, &rows), Err(outside));
    rows[0].cells[bias].1 = MAGNITUDE_MAX + 1;
    assert!(matches!(check(&plan, &rows[..1]), Err(RowFault::Magnitude { .. })));

    let mut anchored = honest(&plan, &fixture::weights()).remove(0);
    let row = plan.usable_rows() as u64 - 1;
    let anchor = anchored[1].cells.iter().position(|(place, _)| *place == row).unwrap();
    anchored[1].cells[anchor].1 = 2;
    assert_eq!(check(&plan, &anchored[1..]), Err(RowFault::Anchor { row, got: 2 }));
}

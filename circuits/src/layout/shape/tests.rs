//! Shapes that are stated are those of the rows, and nothing else is read as one.

use super::*;
use crate::layout::{Plan, choose};
use crate::model::random::{Encoder, Limits, Model};

fn plans() -> Vec<Plan> {
    let plan = |graph: &Graph| Plan::new(&graph.clone().with_layout(choose(graph).ok()?).unwrap()).ok();
    let random = (0..60).map(|seed| Model::graph_from_seed(seed, &Limits::circuit()).graph);
    let encoders = [0, 11].map(|vocabulary| Encoder { vocabulary, ..Encoder::small(4) }.model(1).graph);
    random.chain(encoders).filter_map(|graph| plan(&graph)).collect()
}

/// An encoder over tokens, which has columns and gates of every kind but windows and products of cells.
fn encoder() -> (Graph, Stated) {
    let graph = Encoder { vocabulary: 11, ..Encoder::small(4) }.model(1).graph;
    let graph = graph.clone().with_layout(choose(&graph).unwrap()).unwrap();
    let stated = Plan::new(&graph).unwrap().shape().stated(&graph).unwrap();
    (graph, stated)
}

#[test]
fn a_stated_shape_reads_back() {
    let plans = plans();
    let mut kinds = [0; 4];
    for plan in &plans {
        let shape = plan.shape();
        let stated = shape.stated(plan.graph()).unwrap();
        assert_eq!(Shape::read(&stated, plan.graph()).as_ref(), Ok(shape));
        let bytes = borsh::to_vec(&stated).unwrap();
        assert_eq!(borsh::from_slice::<Stated>(&bytes).unwrap(), stated);
        assert_eq!(shape.stated_bytes(plan.graph()), bytes.len() + 1);
        let features = shape.features();
        let has = [features.weights, features.shared, features.entries, !shape.slides().is_empty()];
        kinds.iter_mut().zip(has).for_each(|(kind, has)| *kind += usize::from(has));
    }
    assert!(plans.len() > 40 && kinds.iter().all(|kind| *kind > 0), "{} {kinds:?}", plans.len());
}

#[test]
fn what_no_circuit_has_is_refused() {
    let (graph, honest) = encoder();
    let refusal = |change: &dyn Fn(&mut Stated)| {
        let mut stated = honest.clone();
        change(&mut stated);
        Shape::read(&stated, &graph).unwrap_err()
    };
    let all = || all_roles(honest.chain_powers.len(), honest.slides.len(), honest.turns.len());
    let place = |role: Role| all().position(|other| other == role).unwrap();
    let columns = |kind, least, most, got| ShapeError::Columns { kind, least, most, got };
    let lanes = u64::from(graph.layout().lanes);
    assert_eq!(refusal(&|stated| stated.weight_columns = 0), columns("weight", 1, lanes, 0));
    let more = graph.layout().lanes + 1;
    assert_eq!(refusal(&|stated| stated.weight_columns = more), columns("weight", 1, lanes, lanes + 1));
    assert_eq!(refusal(&|stated| stated.tables = 0), columns("table", 1, 32, 0));
    assert_eq!(refusal(&|stated| stated.tables = 33), columns("table", 1, 32, 33));
    let got = CLASSES_MAX + 1;
    let classes = |kind| ShapeError::Classes { kind, got };
    assert_eq!(refusal(&|stated| stated.chain_powers = vec![1; got]), classes("chains"));
    assert_eq!(refusal(&|stated| stated.slides = vec![[1, 1]; got]), classes("windows"));
    assert_eq!(refusal(&|stated| stated.turns = vec![1; got]), classes("stretches"));
    let exponent = |kind, class| ShapeError::Exponent { kind, class };
    assert_eq!(refusal(&|stated| stated.slides = vec![[2, 2], [3, 2]]), exponent("windows", 1));
    assert_eq!(refusal(&|stated| stated.slides = vec![[0, 2]]), exponent("windows", 0));
    assert_eq!(refusal(&|stated| stated.turns[0] = 0), exponent("stretches", 0));
    for change in [
        &(|stated: &mut Stated| stated.chain_powers[1] = u32::MAX) as &dyn Fn(&mut Stated),
        &|stated| stated.turns[0] = 1 << 22,
        &|stated| stated.slides = vec![[1, 1 << 22]],
    ] {
        assert!(matches!(refusal(change), ShapeError::Powers { got } if got > POWERS_MAX));
    }
    let (expected, got) = (honest.roles.len(), honest.roles.len() - 1);
    assert_eq!(refusal(&|stated| stated.roles.truncate(got)), ShapeError::RoleCount { expected, got });
    let (expected, got) = (honest.roles.len() + 1, honest.roles.len());
    assert_eq!(refusal(&|stated| stated.turns.push(1)), ShapeError::RoleCount { expected, got });
    let without = |roles: &[Role]| {
        let places: Vec<usize> = roles.iter().map(|role| place(*role)).collect();
        refusal(&|stated| places.iter().for_each(|place| stated.roles[*place] = false))
    };
    let role = |role| ShapeError::Role { role };
    assert_eq!(without(&[Role::Look]), role(Role::Look));
    assert_eq!(without(&[Role::Entry]), role(Role::Look));
    assert_eq!(without(&[Role::Bound]), role(Role::Bound));
    assert_eq!(without(&[Role::Turn(0)]), role(Role::Turn(0)));
    let chains = [Role::Take(0), Role::Result(0), Role::Square(0)];
    assert_eq!(without(&chains), role(Role::Take(0)));
    let summed = [Role::Product, Role::A, Role::B, Role::C, Role::Constant, Role::NextA, Role::NextC];
    assert_eq!(without(&summed), role(Role::Zero));
    let window = |stated: &mut Stated| {
        stated.slides.push([1, 2]);
        // Behind the chains' roles.
        stated.roles.insert(place(Role::Rest), false);
    };
    assert_eq!(refusal(&window), role(Role::Slide(0)));
}

#[test]
fn weight_columns_and_tables_need_weights_and_lookups() {
    let bare = |weight_columns, tables| Stated {
        weight_columns,
        tables,
        chain_powers: vec![],
        slides: vec![],
        turns: vec![],
        roles: vec![false; all_roles(0, 0, 0).count()],
    };
    let graph = Encoder::small(4).model(1).graph;
    assert!(Shape::read(&bare(1, 0), &graph).is_ok());
    let columns = |kind, least, most, got| Err(ShapeError::Columns { kind, least, most, got });
    assert_eq!(Shape::read(&bare(2, 0), &graph), columns("weight", 1, 1, 2));
    assert_eq!(Shape::read(&bare(1, 1), &graph), columns("table", 0, 0, 1));
}

/// What is too large to be read is not stated.
#[test]
fn a_shape_that_readers_refuse_is_left_out() {
    let (graph, honest) = encoder();
    let shape = Shape::read(&honest, &graph).unwrap();
    let large = Shape { turns: vec![1 << 23], ..shape.clone() };
    assert_eq!((large.stated(&graph), large.stated_bytes(&graph)), (None, 1));
    assert_eq!(shape.stated(&graph), Some(honest));
}

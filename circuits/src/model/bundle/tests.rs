use super::super::graph::{Input, Node, Operator};
use super::super::range::Range;
use super::super::{fixture, random};
use super::*;
use proptest::prelude::*;

fn info() -> Info {
    Info {
        name: "two".into(),
        labels: vec!["no".into(), "yes".into()],
        input_scale: "grey levels 0 to 16".into(),
        quantisation: None,
    }
}

fn bundle() -> Bundle {
    Bundle::new(fixture::graph(), fixture::weights(), info()).unwrap()
}

/// A safetensors file with this metadata text and these tensors.
fn file(text: &str, tensors: &[Spec]) -> Vec<u8> {
    let mut views = Vec::new();
    for (name, dtype, shape, data) in tensors {
        views.push((*name, TensorView::new(*dtype, shape.to_vec(), data.as_slice()).unwrap()));
    }
    let metadata = Some([(METADATA_KEY.to_owned(), text.to_owned())].into_iter().collect());
    safetensors::serialize(views, metadata).unwrap()
}

fn text() -> String {
    serde_json::to_string(&Description { format: BUNDLE_FORMAT, graph: fixture::graph(), info: info() }).unwrap()
}

/// A file from a header and data, without the library.
fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

type Spec = (&'static str, Dtype, &'static [usize], Vec<u8>);

fn tensors() -> Vec<Spec> {
    let nodes = fixture::nodes();
    let weight = |node: usize| nodes[&node].weights().iter().flat_map(|weight| weight.to_le_bytes()).collect();
    let bias = |node: usize| nodes[&node].bias().iter().flat_map(|bias| bias.to_le_bytes()).collect();
    vec![
        ("node0.weight", Dtype::I32, &[3, 4], weight(0)),
        ("node0.bias", Dtype::I64, &[3], bias(0)),
        ("node2.weight", Dtype::I32, &[2, 3], weight(2)),
        ("node2.bias", Dtype::I64, &[2], bias(2)),
    ]
}

#[test]
fn a_bundle_round_trips_and_has_one_hash() {
    let bundle = bundle();
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(Bundle::from_bytes(&bytes).unwrap(), bundle);
    assert_eq!(file(&text(), &tensors()), bytes);
    assert_eq!(bundle.hash(), blake3::derive_key(HASH_CONTEXT, &bytes));
    let renamed = Info { name: "other".into(), ..info() };
    assert_ne!(Bundle::new(fixture::graph(), fixture::weights(), renamed).unwrap().hash(), bundle.hash());
}

#[test]
fn every_truncation_and_every_extension_is_refused() {
    let bytes = bundle().to_bytes().unwrap();
    let length =
        |expected: usize, got| BundleError::Container(ContainerError::Length { expected: expected as u64, got });
    let expected = |at: usize| match at {
        0..8 => 8,
        _ if at < bytes.len() - 112 => bytes.len() - 112,
        _ => bytes.len(),
    };
    // 12 + 6 weights of 4 bytes and 3 + 2 biases of 8 bytes end the file.
    for at in 0..bytes.len() {
        let got = Bundle::from_bytes(&bytes[..at]);
        assert_eq!(got, Err(length(expected(at), at)), "cut at {at}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Bundle::from_bytes(&longer), Err(length(bytes.len(), bytes.len() + 1)));
}

#[test]
fn every_flipped_bit_is_refused_or_another_model() {
    let bundle = bundle();
    let bytes = bundle.to_bytes().unwrap();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            if let Ok(other) = Bundle::from_bytes(&changed) {
                assert_ne!(other.hash(), bundle.hash(), "byte {position} bit {bit}");
            }
        }
    }
}

#[test]
fn files_of_other_tools_are_refused() {
    assert_eq!(Bundle::from_bytes(&raw("{}", &[])), Err(BundleError::NoMetadata));
    assert_eq!(Bundle::from_bytes(&raw("{\"__metadata__\":{\"format\":\"pt\"}}", &[])), Err(BundleError::NoMetadata));
}

#[test]
fn a_model_whose_description_does_not_fit_the_header_is_refused_when_it_is_made() {
    let width = 4096;
    let operator = Operator::Dense { inputs: 1, outputs: width, accumulator: Range { min: 0, max: 0 } };
    let input = Input { shape: vec![1], range: Range { min: 0, max: 0 } };
    let graph = Graph::new(input, vec![Node { operator, inputs: vec![0] }], fixture::graph().layout()).unwrap();
    let dense = LinearWeights::new(width, 1, vec![0; 4096], vec![0; 4096]).unwrap();
    let weights = Weights::new(&graph, BTreeMap::from([(0, dense)])).unwrap();
    let labels = vec!["x".repeat(300); 4096];
    let got = Bundle::new(graph, weights, Info { labels, ..info() });
    assert!(matches!(got, Err(BundleError::Container(ContainerError::HeaderTooLarge { .. }))), "{got:?}");
}

#[test]
fn the_description_is_checked() {
    let with = |text: &str| Bundle::from_bytes(&file(text, &tensors()));
    assert_eq!(with(&text().replace("\"format\":1", "\"format\":2")), Err(BundleError::Version { got: 2 }));
    assert_eq!(with("{\"format\":7}"), Err(BundleError::Version { got: 7 }));
    for wrong in ["", "{}", "{\"format\":1}", "{\"format\":-1}"] {
        assert!(matches!(with(wrong), Err(BundleError::Metadata { .. })), "{wrong}");
    }
    let unknown = text().replace("\"info\":", "\"extra\":0,\"info\":");
    assert!(matches!(with(&unknown), Err(BundleError::Metadata { .. })));
    let graph = text().replace("\"inputs\":4", "\"inputs\":5");
    let Err(BundleError::Metadata { detail }) = with(&graph) else { panic!("accepted") };
    assert!(detail.starts_with("node 0: expected 2 inputs (the last dimension of its input value), got 5"), "{detail}");
}

#[test]
fn texts_and_labels_are_bounded() {
    let with = |info: Info| Bundle::new(fixture::graph(), fixture::weights(), info).map(|_| ());
    let text = |field, bytes| Err(BundleError::Text { field, bytes });
    assert_eq!(with(Info { name: "x".repeat(513), ..info() }), text("name", 513));
    assert_eq!(with(Info { name: "x".repeat(512), ..info() }), Ok(()));
    assert_eq!(with(Info { input_scale: "red\u{1b}[31m".into(), ..info() }), text("input scale", 8));
    assert_eq!(with(Info { labels: vec!["a".into(), "b\n".into()], ..info() }), text("labels", 2));
    assert_eq!(with(Info { labels: vec![], ..info() }), Ok(()));
    let three = Info { labels: vec!["a".into(), "b".into(), "c".into()], ..info() };
    assert_eq!(with(three), Err(BundleError::Labels { expected: 2, got: 3 }));
}

#[test]
fn tensors_are_exactly_the_graph_s() {
    let with = |change: fn(&mut Vec<Spec>)| {
        let mut changed = tensors();
        change(&mut changed);
        Bundle::from_bytes(&file(&text(), &changed)).map(|_| ())
    };
    assert_eq!(with(|_| {}), Ok(()));
    assert_eq!(with(|all| drop(all.remove(1))), Err(BundleError::TensorMissing { name: "node0.bias".into() }));
    assert_eq!(
        with(|all| all.push(("node1.weight", Dtype::I32, &[1], vec![0; 4]))),
        Err(BundleError::TensorUnknown { name: "node1.weight".into() })
    );
    assert_eq!(
        with(|all| all[0].1 = Dtype::F32),
        Err(BundleError::TensorType { name: "node0.weight".into(), expected: "I32".into(), got: "F32".into() })
    );
    assert_eq!(
        with(|all| all[2].2 = &[3, 2]),
        Err(BundleError::TensorShape { name: "node2.weight".into(), expected: vec![2, 3], got: vec![3, 2] })
    );
}

#[test]
fn weights_outside_the_declared_range_are_refused() {
    let mut all = tensors();
    all[3].3[0..8].copy_from_slice(&2000i64.to_le_bytes());
    let error = AnalysisError::Accumulator {
        node: 2,
        channel: 0,
        declared: Range { min: -2000, max: 2000 },
        got: Range { min: 2000 - 160, max: 2000 + 320 },
    };
    assert_eq!(Bundle::from_bytes(&file(&text(), &all)), Err(BundleError::Analysis(error)));
}

#[test]
fn weights_of_another_graph_are_refused() {
    let graph = fixture::graph();
    let mut nodes: Vec<Node> = graph.nodes().to_vec();
    let accumulator = Range { min: -2000, max: 2000 };
    nodes[2].operator = Operator::Dense { inputs: 3, outputs: 1, accumulator };
    let other = Graph::new(graph.input().clone(), nodes, graph.layout()).unwrap();
    let expected = WeightsError::Shape { node: 2, expected: [1, 3], got: [2, 3] };
    let got = Bundle::new(other, fixture::weights(), Info { labels: vec![], ..info() });
    assert_eq!(got, Err(BundleError::Weights(expected)));
}

#[test]
fn any_other_encoding_of_the_same_model_is_refused() {
    let bytes = bundle().to_bytes().unwrap();
    let spaced = text().replacen(':', ": ", 1);
    let spaced = Bundle::from_bytes(&file(&spaced, &tensors()));
    assert!(matches!(spaced, Err(BundleError::NotCanonical { .. })), "{spaced:?}");
    // Eight more spaces of padding.
    let announced = u64::from_le_bytes(*bytes.first_chunk().unwrap());
    let end = 8 + usize::try_from(announced).unwrap();
    let padded = [&(announced + 8).to_le_bytes(), &bytes[8..end], &[b' '; 8], &bytes[end..]].concat();
    assert_eq!(Bundle::from_bytes(&padded), Err(BundleError::NotCanonical { offset: 0 }));
    // A second metadata key, a tensor listed twice.
    let header = std::str::from_utf8(&bytes[8..end]).unwrap();
    let second = header.replacen("\"__metadata__\":{", "\"__metadata__\":{\"a\":\"b\",", 1);
    let second = Bundle::from_bytes(&raw(&second, &bytes[end..]));
    assert!(matches!(second, Err(BundleError::NotCanonical { .. })), "{second:?}");
    let entry = "\"node0.bias\":{\"dtype\":\"I64\",\"shape\":[3],\"data_offsets\":[0,24]},";
    assert!(header.contains(entry));
    let twice = header.replacen(entry, &entry.repeat(2), 1);
    let twice = Bundle::from_bytes(&raw(&twice, &bytes[end..]));
    assert!(matches!(twice, Err(BundleError::NotCanonical { .. })), "{twice:?}");
}

proptest! {
    #[test]
    fn random_models_round_trip(seed: u64) {
        let model = random::Model::from_seed(seed, &random::Limits::default());
        let info = Info { name: format!("random {seed}"), labels: vec![], input_scale: String::new(), quantisation: None };
        let bundle = Bundle::new(model.graph, model.weights, info).unwrap();
        let bytes = bundle.to_bytes().unwrap();
        prop_assert_eq!(Bundle::from_bytes(&bytes).unwrap(), bundle);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Bundle::from_bytes(&bytes).is_err());
    }

    #[test]
    fn random_headers_never_panic(
        header in "(\\{\"(__metadata__|node0\\.bias)\":\\{\"(dtype|assay)\":\"(I64|\\{\\})\"(,\"shape\":\\[[0-9]{0,20}\\],\"data_offsets\":\\[[0-9]{0,20},[0-9]{0,20}\\])?\\}\\}|.{0,60})",
        data in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        prop_assert!(Bundle::from_bytes(&raw(&header, &data)).is_err());
    }
}

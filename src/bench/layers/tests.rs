#![allow(clippy::unwrap_used, reason = "test code")]
use super::tables::page;
use super::*;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks/schema/layers.json");
const RECORD: &str = include_str!("../../../docs/benchmarks/records/2026-11-22-layers.json");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks/2026-11-22-layers.md");

/// Generated from the types; `BLESS=1 cargo test --release --bin assay schema` writes it again.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(LayersRun)).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    assert_eq!(std::fs::read_to_string(SCHEMA).unwrap(), schema);
}

#[test]
fn the_published_page_is_that_of_its_record() {
    let run: LayersRun = serde_json::from_str(RECORD).unwrap();
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(PAGE, page(&run)).unwrap();
    }
    assert_eq!(page(&run), std::fs::read_to_string(PAGE).unwrap());
    assert_eq!(run.to_bytes().unwrap(), RECORD.as_bytes());
}

/// Who catches what: every attack of the list is caught by some layer, and no layer is more than it is.
#[test]
fn each_layer_catches_its_own_attacks_and_no_others() {
    let bundle = Arc::new(Bundle::from_bytes(include_bytes!("../../../data/digits/digits.assay")).unwrap());
    let setup = development(bundle.graph().layout().k, &|_, _| {}).unwrap();
    let key = ProvingKey::derive(Arc::clone(&bundle), &setup).unwrap();
    let mut generator = Seeded::new(SEED);
    let mut random = || crate::bench::zk::random_input(&bundle, &mut generator).unwrap();
    let scene = Scene::new(key, random()).unwrap();
    let tools = Tools::new(&scene, &setup, random()).unwrap();
    let work = |hardware| scene.work(hardware, &scene.lease(hardware)).unwrap();
    let honest = Honest { software: work(Hardware::Software), synthetic: work(Hardware::Synthetic) };
    for layer in Layer::ALL {
        passes(&scene, layer, &honest).unwrap();
    }
    let refusals = Refusals::collect(&scene, &tools, &honest, &|_, _| {}).unwrap();
    use Attack::{
        ColludingChecker, OtherChain, OtherInput, OtherMachine, OtherWeights, Replay, SmallerModel, StaleEvidence,
        Theft, WrongLabel,
    };
    let bound = [Replay, StaleEvidence, OtherChain, OtherMachine];
    let computed = [WrongLabel, OtherWeights, SmallerModel, OtherInput];
    let proven =
        [WrongLabel, OtherWeights, SmallerModel, OtherInput, Replay, StaleEvidence, OtherChain, ColludingChecker];
    let alone: [(&str, &[Attack], u32); 5] = [
        ("signed receipt", &[Replay, OtherChain, Theft], 1_000_000),
        ("software attestation", &bound, 1_000_000),
        ("GPU and CPU attestation", &bound, 1_000_000),
        ("spot check 5 %", &computed, 50_000),
        ("proof", &proven, 1_000_000),
    ];
    for (name, expected, ppm) in alone {
        let choice = CHOICES.iter().find(|choice| choice.name == name).unwrap();
        for tried in refusals.tried(choice) {
            let expected = if expected.contains(&tried.attack) { ppm } else { 0 };
            assert_eq!(tried.caught_ppm, expected, "{name}: {tried:?}");
        }
    }
    let everything = CHOICES.last().unwrap();
    assert!(refusals.tried(everything).iter().all(|tried| tried.caught_ppm == 1_000_000), "{everything:?}");
    let sampled = CHOICES.iter().find(|choice| choice.name == "receipt, software, spot check 25 %").unwrap();
    let caught = |attack| refusals.tried(sampled).iter().find(|tried| tried.attack == attack).unwrap().caught_ppm;
    assert_eq!([WrongLabel, Replay, Theft, ColludingChecker].map(caught), [250_000, 1_000_000, 1_000_000, 0]);
}

#[test]
fn what_a_proof_adds_is_paid_in_bytes_and_gas_and_saves_bond_and_time() {
    let run: LayersRun = serde_json::from_str(RECORD).unwrap();
    for model in &run.models {
        let chosen = |name: &str| model.choices.iter().find(|chosen| chosen.name == name).unwrap();
        let [sampled, proven] = ["receipt, software, spot check 25 %", "receipt, software, proof"].map(chosen);
        assert!(proven.chain_bytes > sampled.chain_bytes && proven.gas > sampled.gas);
        assert!(proven.finality_ms < sampled.finality_ms && proven.bond_micro < sampled.bond_micro);
        assert_eq!(chosen("signed receipt").bond_micro, None, "nobody looks, so nothing deters");
    }
}

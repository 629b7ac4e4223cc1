#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
use std::sync::Arc;

use circuits::model::bundle::Bundle;
use prover::import::seeded::Seeded;
use prover::proving_key::ProvingKey;
use prover::srs::generate::development;

use super::attack::Attack;
use super::comparison::{circumstances, pairs};
use super::judge::CHOICES;
use super::layer::Layer;
use super::measure::{Honest, Refusals, SEED, acquitted, passes};
use super::record::LayersRun;
use super::report::{html, tables};
use super::scene::{Hardware, Scene};
use super::tools::Tools;
use crate::bench::comparison::caveats;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks");
const RECORD: &str = include_str!("../../../docs/benchmarks/records/2026-11-22-layers.json");

fn published() -> LayersRun {
    LayersRun::from_bytes(RECORD.as_bytes()).unwrap()
}

/// What a file of the documentation holds, written anew where that is asked for.
fn kept(name: &str, content: &str) -> String {
    let path = format!("{FOLDER}/{name}");
    if std::env::var_os("BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, content).unwrap();
    }
    std::fs::read_to_string(path).unwrap()
}

/// Generated from the types; `BLESS=1 cargo test --release --bin assay schema` writes it again.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(LayersRun)).unwrap() + "\n";
    assert_eq!(kept("schema/layers.json", &schema), schema);
}

#[test]
fn the_published_pages_are_those_of_their_record() {
    let run = published();
    let (markdown, page) = (tables::page(&run), html::page(&run).unwrap());
    assert_eq!(kept("2026-11-22-layers.md", &markdown), markdown);
    assert_eq!(kept("2026-11-22-layers.html", &page), page);
    assert_eq!(run.to_bytes().unwrap(), RECORD.as_bytes());
}

/// A name of a record is text, wherever it stands.
#[test]
fn a_page_runs_nothing_and_fetches_nothing() {
    let mut run = published();
    run.models[0].model.name = "<script>alert(1)</script>".to_owned();
    run.models[0].choices[0].name = "<img src=x>\"&".to_owned();
    let page = html::page(&run).unwrap();
    for refused in ["<script", "<img", "<link", "@import", "url(", "href="] {
        assert!(!page.contains(refused), "{refused}");
    }
    assert!(page.contains("&lt;script&gt;") && page.contains("<svg role=\"img\""));
}

#[test]
fn a_run_equals_itself_and_what_differs_is_named() {
    let run = published();
    for pair in pairs(&run, &run) {
        assert!(pair.changes.is_empty() && pair.unpaired.is_empty(), "{pair:?}");
        assert!(pair.rows.iter().all(|row| row.ratio.is_noise() && row.ratio.value == 1.0), "{pair:?}");
    }
    let mut other = run.clone();
    let choice = &mut other.models[0].choices[0];
    choice.gas += 1;
    choice.bond_micro = Some(5);
    choice.attacks[0].caught_ppm = 7;
    let name = other.models[0].choices.pop().unwrap().name;
    let pair = &pairs(&run, &other)[0];
    let whats: Vec<&str> = pair.changes.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(whats, ["gas", "bond, micro-tokens", "wrong label caught, ppm"]);
    assert_eq!(pair.unpaired, [name.as_str()]);
    other.models.clear();
    assert!(pairs(&run, &other).is_empty());
    let refused = other.to_bytes().unwrap_err().to_string();
    assert!(refused.contains("expected 1 to 256, got 0"), "{refused}");
}

#[test]
fn other_profiles_are_told_and_other_versions_refused() {
    use crate::bench::record::Profile;
    let (run, mut other) = (published(), published());
    other.profile = if run.profile == Profile::Smoke { Profile::Full } else { Profile::Smoke };
    let told = caveats(circumstances(&run), circumstances(&other));
    assert!(told.iter().any(|caveat| caveat.starts_with("the runs are of different profiles")), "{told:?}");
    let later = RECORD.replacen("\"schema_version\": 2", "\"schema_version\": 3", 1);
    let refused = LayersRun::from_bytes(later.as_bytes()).unwrap_err().to_string();
    assert!(refused.contains("expected 2, got 3"), "{refused}");
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
    acquitted(&scene, &honest).unwrap();
    let refusals = Refusals::collect(&scene, &tools, &honest, &|_, _| {}).unwrap();
    use Attack::{
        BetterTier, ColludingChecker, ColludingJury, OtherChain, OtherInput, OtherMachine, OtherWeights, PaddedTime,
        Replay, SmallerModel, StaleEvidence, Theft, WrongLabel,
    };
    let bound = [Replay, StaleEvidence, OtherChain, OtherMachine];
    let computed = [WrongLabel, OtherWeights, SmallerModel, OtherInput];
    let judged = [WrongLabel, OtherWeights, SmallerModel, OtherInput, ColludingChecker];
    let proven = [
        WrongLabel,
        OtherWeights,
        SmallerModel,
        OtherInput,
        Replay,
        StaleEvidence,
        OtherChain,
        ColludingChecker,
        ColludingJury,
    ];
    let alone: [(&str, &[Attack], u32); 7] = [
        ("metadata", &[PaddedTime, BetterTier], 1_000_000),
        ("challenge and jury", &judged, 1_000_000),
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
    let found = [WrongLabel, Replay, Theft, ColludingChecker, ColludingJury, PaddedTime].map(caught);
    assert_eq!(found, [250_000, 1_000_000, 1_000_000, 0, 0, 1_000_000]);
}

#[test]
fn what_a_proof_adds_is_paid_in_bytes_and_gas_and_saves_bond_and_time() {
    let run = published();
    for model in &run.models {
        let chosen = |name: &str| model.choices.iter().find(|chosen| chosen.name == name).unwrap();
        let [sampled, proven] = ["receipt, software, spot check 25 %", "receipt, software, proof"].map(chosen);
        assert!(proven.chain_bytes > sampled.chain_bytes && proven.gas > sampled.gas);
        assert!(proven.finality_ms < sampled.finality_ms && proven.bond_micro < sampled.bond_micro);
        let [answered, judged] = model.disputes.as_slice() else { panic!("two ends") };
        assert!(answered.verdict_ms < judged.verdict_ms && answered.gas > judged.gas && judged.worker_ns == 0);
        assert_eq!(chosen("signed receipt").bond_micro, None, "nobody looks, so nothing deters");
    }
}

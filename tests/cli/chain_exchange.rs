//! Audited models, proposals, decisions and anchors.

use std::fs;

use serde_json::{Value, json};

use crate::arguments;
use crate::common::{assay, story};
use crate::node::{Chain, text};

const K: &str = "12";
const NOBODY: &str = "0x00000000000000000000000000000000000000000000000000000000000000ff";

#[test]
fn a_published_key_is_audited_and_a_challenge_of_it_lost() {
    let (model, key) = (story().model(), story().key());
    let ran = assay(arguments!["model", "audit", &model, "--vk", &key, "--json"]).ends(0);
    let data = ran.envelope()["data"].clone();
    assert_eq!((&data["key_audited"], &data["failed_rows"]), (&true.into(), &json!([])));
    assay(arguments!["model", "audit", &model, "--vk", &key]).ends(0).shows("key audited").shows("yes");

    let chain = Chain::new(K);
    let _node = chain.node();
    let file = text(&model);
    let registered = chain.act(&["register-model", "--as", "owner", "--model", &file]);
    let hash = registered["outcome"]["events"][0]["model_registered"]["model"].as_str().unwrap().to_owned();
    chain.chain(&["query", "model", &hash]).ends(0).shows("key audited");
    let audited = assay(chain.arguments("model", &["audit", &file, "--registered", &hash])).ends(0);
    audited.shows("key audited");
    // With nothing wrong there is nothing to open by itself; a row that is opened all the same costs the bond.
    let words = ["tx", "challenge-model", "--as", "operator-1", "--registered", &hash, "--model", &file];
    chain.chain(&words).ends(1).says("nothing to challenge");
    let lost = chain.act(&[&words[1..], &["--row", "0"]].concat());
    assert_eq!(lost["outcome"]["events"][0]["model_upheld"]["slashed"], "2000000");
    let missing =
        ["tx", "challenge-model", "--as", "operator-1", "--registered", NOBODY, "--model", &file, "--row", "0"];
    chain.chain(&missing).ends(1).says("refusal 306, model-unknown");
}

#[test]
fn what_adversaries_earn_is_shown_with_every_rule_and_without() {
    let ran = assay(["chain", "simulate"]).ends(0);
    ran.shows("lazy").shows("self-dealer").shows("griefer").shows("idle checker");
    let data = assay(["chain", "simulate", "--units", "100", "--json"]).ends(0).envelope()["data"].clone();
    let agents = data["agents"].as_array().unwrap();
    assert_eq!(agents.len(), 10);
    let lazy = agents.iter().find(|agent| agent["prospect"]["agent"] == "lazy").unwrap();
    assert_eq!((&lazy["deters"], &lazy["needed"]), (&Value::from(true), &Value::from(true)));
    assay(["chain", "simulate", "--units", "18446744073709551615", "--price", "340282366920938"])
        .ends(2)
        .says("the range");
}

#[test]
fn stake_below_the_first_tier_has_no_vote_and_receipts_are_anchored_once() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let model = text(&story().model());
    chain.act(&["register-model", "--as", "owner", "--model", &model]);
    let worker = ["register-worker", "--as", "operator-1", "--as-worker", "worker-1", "--model", &model];
    chain.act(&worker);
    chain.act(&["stake", "--as", "operator-1", "--worker", "worker-1", "--amount", "60"]);
    let params = chain.query(&["params"])["object"].clone();
    let file = chain.folder.path().join("params.json");
    fs::write(&file, serde_json::to_string(&params).unwrap()).unwrap();
    let file = text(&file);
    let propose = ["tx", "propose", "--as", "operator-1", "--worker", "worker-1", "--params", &file];
    chain.chain(&propose).ends(1).says("refusal 1101, tier-missing");
    let vote = ["tx", "vote", "--as", "operator-1", "--worker", "worker-1", "--proposal", NOBODY, "--yes"];
    chain.chain(&vote).ends(1).says("refusal 1106, proposal-unknown");
    fs::write(&file, json!({ "decision": "transfer", "approvals": [] }).to_string()).unwrap();
    let authorise = ["tx", "authorise", "--as", "owner", "--decision", &file];
    chain.chain(&authorise).ends(1).says("refusal 1130, authority-transferred");
    let canary = ["tx", "plant-canary", "--as", "owner", "--worker", "worker-1", "--job", NOBODY];
    let canary = [canary.as_slice(), &["--output-hash", NOBODY, "--salt", NOBODY]].concat();
    chain.chain(&canary).ends(1).says("error[ASSAY-N007]");
    chain.chain(&["query", "authority"]).ends(1).shows("none");
    let out = ["tx", "teleport-out", "--as", "owner", "--destination", "200200", "--to", NOBODY, "--amount", "1"];
    chain.chain(&out).ends(1).says("refusal 1201, chain-unlinked");

    let receipt = text(&story().receipt());
    let signed = text(&chain.folder.path().join("co-signature.json"));
    let co_sign = ["co-sign", "--as", "operator-5", "--receipt", &receipt, "--out", &signed];
    chain.chain(&co_sign).ends(0).shows("co-signed").shows("operator-5");
    let anchor = ["anchor-receipt", "--as", "owner", "--receipt", &receipt, "--co-signature", &signed];
    let anchored = chain.act(&anchor);
    assert!(anchored["outcome"]["events"][0]["anchored"]["coordinator"].is_string());
    let digest = anchored["outcome"]["events"][0]["anchored"]["receipt"].as_str().unwrap().to_owned();
    chain.chain(&["query", "anchor", &digest, "--prove"]).ends(0).shows("holds:");
    let again = ["tx", "anchor-receipt", "--as", "owner", "--receipt", &receipt];
    chain.chain(&again).ends(1).says("refusal 1140, anchor-duplicate");
}

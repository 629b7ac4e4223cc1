//! Tokens between two chains that one person runs, by the command line and by an Ethereum wallet.

use std::ffi::OsString;

use crate::arguments;
use crate::common::assay;
use crate::node::{Chain, Running, text};
use crate::wallet;

const K: &str = "6";
const NUMBERS: [&str; 2] = ["6133", "200200"];

/// A chain with a number of its own, whose small stakes vote soon.
fn start(chain: &Chain, number: &str) -> (Running, String) {
    let options: Vec<OsString> = arguments!["--chain-id", number, "--fast-governance"].to_vec();
    let mut node = Running::start(chain.start().into_iter().chain(options).collect());
    let url = node.line()["data"]["url"].as_str().unwrap().to_owned();
    (node, url)
}

/// Lets a worker that only votes link the other chain.
fn link(chain: &Chain, other: &Chain) -> String {
    chain.act(&["register-worker", "--as", "operator-1", "--as-worker", "worker-1"]);
    chain.act(&["stake", "--as", "operator-1", "--worker", "worker-1", "--amount", "100"]);
    let genesis = text(&other.path().join("genesis"));
    let asks = ["propose", "--as", "operator-1", "--worker", "worker-1", "--link-genesis", &genesis];
    let proposed = chain.act(&[asks.as_slice(), &["--inflow-max", "50"]].concat());
    let proposal = proposed["outcome"]["events"][0]["proposed"]["proposal"].as_str().unwrap().to_owned();
    chain.act(&["vote", "--as", "operator-1", "--worker", "worker-1", "--proposal", &proposal, "--yes"]);
    proposal
}

fn sent(chain: &Chain, destination: &str, to: &str, amount: &str) -> String {
    let words = ["teleport-out", "--as", "owner", "--destination", destination, "--to", to, "--amount", amount];
    let out = chain.act(&words);
    out["outcome"]["events"][0]["teleport_sent"]["teleport"].as_str().unwrap().to_owned()
}

#[test]
fn one_person_moves_tokens_between_two_chains() {
    let chains = [Chain::new(K), Chain::new(K)];
    let [(first, first_url), (second, _)] = [0, 1].map(|index| start(&chains[index], NUMBERS[index]));
    let [source, destination] = &chains;
    source.chain(&["query", "account", "owner", "--prove"]).ends(3).says("error[ASSAY-N008]").says("no block yet");
    let proposals = [link(source, destination), link(destination, source)];
    source.in_force(&proposals[0]);
    destination.in_force(&proposals[1]);
    destination.chain(&["query", "link", NUMBERS[0], "--prove"]).ends(0).shows("50 tokens").shows("holds:");
    destination.chain(&["query", "link", "9"]).ends(1).shows("none");

    // With its proof at once.
    let id = sent(source, NUMBERS[1], "requester", "5");
    destination.act(&["claim-teleport", "--as", "operator-2", "--id", &id, "--source-node", &first_url]);
    assert_eq!(destination.query(&["account", "requester"])["object"]["balance"], "1005000000");

    // Shown first, and released later by its claim alone.
    let id = sent(source, NUMBERS[1], wallet::ADDRESS, "7");
    destination.chain(&["query", "waiting", wallet::ADDRESS]).ends(1).shows("none");
    destination.act(&["record-teleport", "--as", "operator-2", "--id", &id, "--source-node", &first_url]);
    let waiting = destination.query(&["waiting", wallet::ADDRESS]);
    let claim = waiting["object"]["claims"][0].as_str().unwrap().to_owned();
    destination.chain(&["query", "waiting", wallet::ADDRESS]).ends(0).shows("7 tokens from chain 6133");
    destination.act(&["release-teleport", "--as", "operator-2", "--claim", &claim]);
    assert_eq!(destination.query(&["account", wallet::ADDRESS])["object"]["balance"], "7000000");
    let again = ["tx", "release-teleport", "--as", "operator-2", "--claim", &claim];
    destination.chain(&again).ends(1).says("refusal 1215, teleport-unrecorded");

    // A wallet lists what waits for it and takes it itself.
    let id = sent(source, NUMBERS[1], wallet::ADDRESS, "9");
    destination.act(&["record-teleport", "--as", "operator-2", "--id", &id, "--source-node", &first_url]);
    if let Some(told) = wallet::claims(destination) {
        assert_eq!(told["pending"].as_array().unwrap().len(), 1);
        assert_eq!((&told["status"], &told["left"]), (&1.into(), &0.into()));
        assert_eq!(told["gained"], "9000000000000000000");
    }
    assert_eq!((first.stop().code, second.stop().code), (Some(0), Some(0)));

    // What was chosen at the start stays.
    let other = source.start().into_iter().chain(arguments!["--chain-id", "9"].to_vec());
    assay(other).ends(4).says("error[ASSAY-C011]").says("made with --chain-id 6133, this start asks for 9");
    let slow = Chain::new(K);
    slow.node().stop();
    let fast = slow.start().into_iter().chain(arguments!["--fast-governance"].to_vec());
    assay(fast).ends(4).says("error[ASSAY-C011]").says("made without --fast-governance");
}

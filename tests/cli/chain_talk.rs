//! Questions and transactions, and every way to be told no.

use std::fs;

use attestation::hash::derive;
use attestation::identity::ed25519::SigningKey;
use chain::client::Client;
use chain::types::transaction::Transfer;
use chain::types::{Action, Address, Genesis, SignedTransaction, Transaction};
use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, put, story};
use crate::node::{Chain, text};

const K: &str = "6";
const NOBODY: &str = "0x00000000000000000000000000000000000000000000000000000000000000ff";

#[test]
fn a_node_that_cannot_be_reached_is_a_matter_of_resources() {
    let nowhere = "http://127.0.0.1:1";
    for words in [
        &["chain", "query", "status"][..],
        &["chain", "query", "account", "owner", "--prove"],
        &["chain", "tx", "transfer", "--as", "owner", "--to", "requester", "--amount", "1"],
        &["worker", "run", "--as", "operator-1", "--as-worker", "worker-1", "--model"],
    ] {
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if words[0] == "worker" {
            words.push(text(&story().model()));
        }
        words.extend(["--node", nowhere, "--timeout", "0"].map(str::to_owned));
        assay(&words).ends(5).says("error[ASSAY-N002]").says(nowhere).says("assay chain dev");
    }
    for url in ["127.0.0.1:7373", "ftp://x", "http://", ""] {
        assay(["chain", "query", "status", "--node", url]).ends(2).says("error[ASSAY-N001]").says("http://HOST:PORT");
    }
    let folder = TempDir::new().unwrap();
    let stopped = assay(arguments!["chain", "query", "status", "--data-dir", folder.path(), "--timeout", "0"]).ends(5);
    stopped.says("error[ASSAY-N006]").says("no node runs on");
    put(&folder, "address", "not a url");
    assay(arguments!["chain", "query", "status", "--data-dir", folder.path()]).ends(2).says("error[ASSAY-N001]");
    let both = arguments!["chain", "query", "status", "--data-dir", folder.path(), "--node", nowhere];
    assay(both).ends(2).says("cannot be used with");
}

#[test]
fn malformed_names_are_refused_before_any_node_is_asked() {
    for (words, says) in [
        (&["query", "account", "nobody"][..], "validator, owner, requester, operator-1"),
        (&["query", "account", "0x12"], "expected 64 digits after 0x, got 2"),
        (&["query", "worker", "worker-6"], "worker-1, worker-2"),
        (&["query", "job", "job-1"], "must start with 0x"),
        (&["query", "result", &NOBODY.to_uppercase()], "must start with 0x"),
        (&["query", "result", &NOBODY.replace("ff", "FF")], "lower case"),
        (&["query", "block", "-1"], "unexpected argument"),
        (&["query", "nonsense"], "unrecognized subcommand"),
        (&["tx", "transfer", "--as", "nobody", "--to", "owner", "--amount", "1"], "expected validator, owner"),
        (&["tx", "transfer", "--as", "owner", "--to", "owner", "--amount", "1.0000001"], "at most six decimals"),
        (&["tx", "transfer", "--to", "owner", "--amount", "1"], "--key <FILE>"),
        (&["tx", "transfer", "--as", "owner", "--key", "x", "--to", "owner", "--amount", "1"], "cannot be used with"),
    ] {
        let words = [&["chain"], words].concat();
        assay(&words).ends(2).says("error[ASSAY-U001]").says(says);
    }
}

#[test]
fn what_does_not_exist_is_none_and_not_a_failure() {
    let chain = Chain::new(K);
    let _node = chain.node();
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);
    for kind in ["account", "worker", "stake", "model", "job", "lease", "result", "check", "dispute", "transaction"] {
        let ran = chain.chain(&["query", kind, NOBODY]).ends(1).shows("none").says("error[ASSAY-N007]");
        ran.says(&format!("{kind} {NOBODY}: none on this chain"));
        let envelope = chain.chain(&["query", kind, NOBODY, "--json"]).ends(1).envelope();
        assert!(envelope["data"].is_null());
        assert_eq!(envelope["errors"][0]["code"], "ASSAY-N007");
    }
    chain.chain(&["query", "block", "99"]).ends(1).says("block 99: none");
    chain.chain(&["query", "job", NOBODY, "--prove"]).ends(1).says("shown by the header of height 1");
    for kind in ["jobs", "models", "workers", "results"] {
        chain.chain(&["query", kind]).ends(0).shows("no ");
        assert_eq!(chain.query(&[kind])["count"], 0);
    }
}

#[test]
fn a_proof_is_checked_under_the_validators_of_a_genesis() {
    let chain = Chain::new(K);
    let node = chain.node();
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "2.5"]);
    let proven = chain.query(&["account", "requester", "--prove"]);
    assert_eq!(proven["object"]["balance"], "1002500000");
    assert_eq!((&proven["proof"]["height"], &proven["proof"]["genesis_from"]), (&1.into(), &"data directory".into()));
    for kind in ["params", "supply", "treasury", "validators"] {
        assert_eq!(chain.query(&[kind, "--prove"])["proof"]["height"], 1, "{kind}");
    }
    // The proof is kept, and judged without a node by the header that it names.
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("balance.json");
    let words = ["query", "account", "requester", "--prove", "--keep", kept.to_str().unwrap()];
    let block =
        chain.chain(&[words.as_slice(), &["--json"]].concat()).ends(0).envelope()["data"]["proof"]["block"].clone();
    let judged = arguments!["verify", &kept, "--header", block.as_str().unwrap()];
    assay(judged).ends(0).shows("after block 1 (0x").shows("ACCEPTED");
    assay(arguments!["verify", &kept]).ends(3).shows("give the hash of the header that you trust");
    chain.chain(&words).ends(2).says("error[ASSAY-F006]");
    // The same in one word, for what is and for what is not.
    let out = folder.path().join("object.inclusion");
    let prove = |object: [&str; 2]| ["prove", object[0], object[1], "--out", out.to_str().unwrap()].map(str::to_owned);
    let chain_prove = |object| {
        let words = prove(object);
        chain.chain(&words.each_ref().map(String::as_str))
    };
    chain_prove(["account", "requester"]).ends(0).shows("1 002.5");
    assay(arguments!["verify", &out, "--header", block.as_str().unwrap()]).ends(0).shows("ACCEPTED");
    fs::remove_file(&out).unwrap();
    let absent = format!("0x{}", "77".repeat(32));
    chain_prove(["job", &absent]).ends(1);
    assay(arguments!["verify", &out, "--header", block.as_str().unwrap()]).ends(0).shows("ACCEPTED");
    chain.chain(&["prove", "job", &absent]).ends(2).says("--out FILE");
    chain.chain(&["prove", "status", "--out", "status.inclusion"]).ends(2).says("nothing to prove");
    let url = fs::read_to_string(chain.path().join("address")).unwrap();
    let asked = arguments!["chain", "query", "account", "requester", "--prove", "--node", url.trim_end()];
    assay(&asked).ends(0).says("warning: the validators are those of the genesis that the node itself names");
    // Under another chain's genesis nothing that this node shows holds.
    let other = Chain::new(K);
    other.node().stop();
    let asked = asked.iter().cloned().chain(arguments!["--genesis", other.path().join("genesis")]);
    let lie = assay(asked.clone()).ends(1).says("error[ASSAY-N004]");
    assert!(!lie.stdout.contains("1 002.5"), "{}", lie.stdout);
    fs::write(other.path().join("genesis"), "damaged").unwrap();
    assay(asked).ends(2).says("error[ASSAY-C008]");
    chain.chain(&["query", "status", "--prove"]).ends(2).says("error[ASSAY-U001]").says("nothing to prove");
    node.stop();
}

#[test]
fn every_answer_has_words() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let done = chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "2.5"]);
    let id = done["id"].as_str().unwrap();
    let moved = "2.5 tokens moved from";
    chain.chain(&["query", "transaction", id]).ends(0).shows("committed in block 1, number 0").shows(moved);
    chain.chain(&["query", "block", "1"]).ends(0).shows(id).shows(moved).shows("(requester)");
    chain.chain(&["query", "events"]).ends(0).shows("block 1 ").shows(moved);
    chain.chain(&["query", "status"]).ends(0).shows("chain 1337 at http://").shows("height            1, at 20");
    chain.chain(&["query", "account", "owner"]).ends(0).shows("997.").shows("nonce             1");
    chain.chain(&["query", "params"]).ends(0).shows("circuits of up to 2^6 rows").shows("100 %");
    chain.chain(&["query", "supply"]).ends(0).shows("8 000 tokens");
    chain.chain(&["query", "validators"]).ends(0).shows("(validator), weight 1").shows("grind the beacon");
    chain.chain(&["query", "treasury", "--prove"]).ends(0).shows("holds: in the state after block 1");
    let ran = chain.chain(&["query", "events", "--json"]).ends(0);
    let lines: Vec<serde_json::Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["data"]["height"]), (&"block".into(), &1.into()));
    assert_eq!((&lines[1]["success"], &lines[1]["data"]["next"]), (&true.into(), &2.into()));
}

#[test]
fn refusals_carry_code_rule_and_message() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let worker = ["--worker", "worker-1"];
    for (words, code, rule) in [
        (&["transfer", "--as", "owner", "--to", "requester", "--amount", "1000000"][..], "110", "balance-short"),
        (&["transfer", "--as", "owner", "--to", "requester", "--amount", "0"], "112", "amount-zero"),
        (&[&["stake", "--as", "operator-1", "--amount", "60"][..], &worker].concat(), "401", "worker-unknown"),
        (&[&["unstake", "--as", "operator-1", "--amount", "60"][..], &worker].concat(), "401", "worker-unknown"),
        (&[&["withdraw", "--as", "operator-1"][..], &worker].concat(), "401", "worker-unknown"),
        (&["challenge", "--as", "operator-1", "--result", NOBODY], "901", "result-unknown"),
        (&["appeal", "--as", "operator-1", "--result", NOBODY], "901", "result-unknown"),
        (&[&["synthetic-result", "--as", "operator-1"][..], &worker].concat(), "401", "worker-unknown"),
        (
            &["register-worker", "--as", "operator-1", "--as-worker", "worker-1", "--model", NOBODY],
            "306",
            "model-unknown",
        ),
    ] {
        let words = [&["tx"], words].concat();
        let ran = chain.chain(&words).ends(1).says("error[ASSAY-T001]");
        ran.says(&format!("(refusal {code}, {rule})")).says("chain/SPEC.md");
        let envelope = chain.chain(&[&words[..], &["--json"]].concat()).ends(1).envelope();
        assert!(envelope["data"].is_null());
    }
    assert_eq!(chain.query(&["status"])["status"]["height"], 0, "nothing was taken");
}

#[test]
fn without_waiting_there_is_an_identifier() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let words = ["tx", "transfer", "--as", "owner", "--to", "requester", "--amount", "1", "--no-wait", "--json"];
    let data = chain.chain(&words).ends(0).envelope()["data"].clone();
    assert_eq!(data["state"], "pending");
    let id = data["id"].as_str().unwrap().to_owned();
    let start = std::time::Instant::now();
    let committed = loop {
        let found = chain.query(&["transaction", &id]);
        if found["transaction"]["state"] == "committed" {
            break found;
        }
        assert!(start.elapsed().as_secs() < 30, "{found}");
    };
    assert_eq!(committed["transaction"]["height"], 1);
}

/// A transfer of the development owner's, signed with any nonce.
fn signed_transfer(genesis: &Genesis, nonce: u64, amount: u128) -> SignedTransaction {
    let key = SigningKey::from_seed(&derive("assay 2026 development-key v1", &[b"owner"]));
    let (chain_id, genesis) = (genesis.chain_id(), genesis.hash());
    let action = Action::Transfer(Transfer { to: Address::new([7; 32]), amount });
    Transaction { chain_id, genesis, nonce, gas_limit: 20_000, gas_price: 1, action }.sign(&key)
}

#[test]
fn a_transaction_that_was_dropped_later_says_why() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let genesis = Genesis::from_bytes(&fs::read(chain.path().join("genesis")).unwrap()).unwrap();
    let url = fs::read_to_string(chain.path().join("address")).unwrap();
    // The second waits for the first, which takes what it would spend.
    let (first, second) = (signed_transfer(&genesis, 0, 600_000_000), signed_transfer(&genesis, 1, 600_000_000));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(url.trim_end()).unwrap();
        client.submit(&second.to_bytes()).await.unwrap();
        client.send(&first.to_bytes()).await.unwrap();
    });
    let id = attestation::hex::encode(&second.id());
    let start = std::time::Instant::now();
    let ran = loop {
        let ran = chain.chain(&["query", "transaction", &id]);
        if ran.code != 0 || start.elapsed().as_secs() > 30 {
            break ran;
        }
    };
    let ran = ran.ends(1).says("error[ASSAY-T001]").says("refusal 110, balance-short");
    ran.shows("refused: it is in no block, and nothing was paid for it").shows("110, balance-short");
    let envelope = chain.chain(&["query", "transaction", &id, "--json"]).ends(1).envelope();
    assert_eq!(envelope["data"]["transaction"]["refusal"]["code"], 110);
}

#[cfg(unix)]
#[test]
fn a_key_of_ones_own_signs() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let folder = TempDir::new().unwrap();
    let password = text(&put(&folder, "password", "correct horse battery staple\n"));
    let make = |kind: &str, name: &str| {
        let file = text(&folder.path().join(name));
        let made =
            assay(["key", "new", "--kind", kind, "--out", &file, "--password-file", &password, "--json"]).ends(0);
        (file, made.envelope()["data"]["key"]["id"].as_str().unwrap().to_owned())
    };
    let (account, address) = make("ed25519", "account.pem");
    let (worker, _) = make("ml-dsa-65", "worker.pem");
    let transfer = |file: &str, password: &str| {
        let signed = ["--key", file, "--password-file", password];
        chain.chain(&[&["tx", "transfer", "--to", "owner", "--amount", "1"][..], &signed].concat())
    };
    // An account nobody funded exists nowhere.
    transfer(&account, &password).ends(1).says("refusal 110, balance-short");
    chain.act(&["transfer", "--as", "owner", "--to", &address, "--amount", "5"]);
    transfer(&account, &password).ends(0).shows("committed in block 2").shows(&address);
    transfer(&worker, &password)
        .ends(4)
        .says("error[ASSAY-K012]")
        .says("expected an ed25519 key, got an ml-dsa-65 key");
    let wrong = text(&put(&folder, "wrong", "another\n"));
    transfer(&account, &wrong).ends(4).says("error[ASSAY-K006]");
    transfer(&text(&folder.path().join("missing.pem")), &password).ends(2).says("error[ASSAY-F001]");
}

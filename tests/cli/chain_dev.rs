use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, names, put};
use crate::node::{Chain, Running};

/// Small circuits: the setup is ready at once.
const K: &str = "6";

#[test]
fn a_chain_is_made_once_and_gone_on_with() {
    let chain = Chain::new(K);
    let mut node = Running::start(chain.start());
    let ready = node.line();
    assert_eq!((&ready["event"], &ready["data"]["chain_id"]), (&"ready".into(), &1337.into()));
    assert_eq!(ready["data"]["accounts"].as_array().unwrap().len(), 8);
    assert_eq!(ready["data"]["workers"].as_array().unwrap().len(), 5);
    assert!(ready["data"]["caveats"].to_string().contains("one validator"));
    assert_eq!(names(&chain.path()), ["address", "chain", "genesis"]);
    let address = fs::read_to_string(chain.path().join("address")).unwrap();
    assert_eq!(ready["data"]["url"], address.trim_end());
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);

    let ended = node.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.lines[0]["event"], "stopped");
    let last = ended.lines.last().unwrap();
    assert_eq!(
        (&last["success"], &last["exit_code"], &last["command"]),
        (&true.into(), &0.into(), &"chain dev".into())
    );
    assert_eq!(names(&chain.path()), ["chain", "genesis"], "the address went with the node");

    let genesis = fs::read(chain.path().join("genesis")).unwrap();
    let node = chain.node();
    assert_eq!(chain.query(&["account", "requester"])["object"]["balance"], "1001000000");
    node.stop();
    assert_eq!(fs::read(chain.path().join("genesis")).unwrap(), genesis);
    let report = chain.chain(&["check", "--json"]).ends(0).envelope()["data"].clone();
    assert_eq!((&report["height"], &report["signed_height"]), (&1.into(), &1.into()));
    assert_eq!(report["replayed"], false);
    chain.chain(&["check", "--replay"]).ends(0).shows("1 blocks from genesis: the same roots and outcomes");
}

#[test]
fn people_are_told_what_the_chain_does_not_show() {
    let mut command = crate::common::command(["chain", "dev", "--listen", "127.0.0.1:0", "--k-max", K]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut shown = String::new();
    for line in lines.by_ref() {
        shown += &(line.unwrap() + "\n");
        if shown.contains("Ready.") {
            break;
        }
    }
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap();
    for line in lines {
        shown += &(line.unwrap() + "\n");
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for text in [
        "development chain 1337 at http://127.0.0.1:",
        "1 000 tokens each",
        "operator-5",
        "worker-1",
        "a temporary folder that is removed at the end",
        "can grind the beacon",
        "setup's secret is public",
        "they protect nothing",
        "temporary and is gone",
    ] {
        assert!(shown.contains(text), "{text:?} is missing:\n{shown}");
    }
}

#[test]
fn a_killed_node_loses_nothing_committed() {
    let chain = Chain::new(K);
    for round in 1..=3u64 {
        let node = chain.node();
        let done = chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);
        node.signal("KILL");
        assert_eq!(node.wait().code, None, "ended by the signal");
        assert_eq!(done["height"], round);
    }
    assert!(chain.path().join("address").exists(), "a killed node leaves its address");
    chain.chain(&["query", "status", "--timeout", "0"]).ends(5).says("error[ASSAY-N002]").says("assay chain dev");
    let node = chain.node();
    assert_eq!(chain.query(&["account", "requester"])["object"]["balance"], "1003000000");
    assert_eq!(chain.query(&["account", "owner"])["object"]["nonce"], 3);
    assert_eq!(node.stop().code, Some(0));
    chain.chain(&["check"]).ends(0).shows("agrees with itself");
}

#[test]
fn a_busy_port_is_a_matter_of_resources() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let ran = assay(arguments!["chain", "dev", "--data-dir", &data, "--listen", &address, "--k-max", K]).ends(5);
    ran.says("error[ASSAY-C007]").says(&address).says("--listen 127.0.0.1:0");
    assert!(!data.join("address").exists() && !data.join("chain").exists());
    assay(arguments!["chain", "dev", "--listen", "not-an-address"]).ends(2).says("error[ASSAY-U001]");
    assay(arguments!["chain", "dev", "--k-max", "0"]).ends(2).says("error[ASSAY-U001]").says("0 is not in 1..");
    let filter = assay(arguments!["chain", "dev", "--data-dir", &data, "--log-filter", "chain=loud"]).ends(2);
    filter.says("error[ASSAY-U003]").says("chain=loud");
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let chain = Chain::new(K);
    let node = chain.node();
    let address = fs::read(chain.path().join("address")).unwrap();
    assay(chain.start()).ends(5).says("error[ASSAY-C001]").says("in use by another process");
    chain.chain(&["check"]).ends(5).says("error[ASSAY-C001]");
    assert_eq!(fs::read(chain.path().join("address")).unwrap(), address);
    chain.query(&["status"]);
    assert_eq!(node.stop().code, Some(0));
}

#[test]
fn another_chains_directory_is_refused() {
    let (first, second) = (Chain::new(K), Chain::new(K));
    for chain in [&first, &second] {
        assert_eq!(chain.node().stop().code, Some(0));
    }
    fs::copy(second.path().join("genesis"), first.path().join("genesis")).unwrap();
    for ran in [assay(first.start()), first.chain(&["check"])] {
        ran.ends(4).says("error[ASSAY-C002]").says("holds chain 1337 of genesis 0x").says("expected chain 1337");
    }
    let sized = arguments!["chain", "dev", "--data-dir", second.path(), "--k-max", "7", "--listen", "127.0.0.1:0"];
    assay(sized).ends(4).says("error[ASSAY-C011]").says("made with --k-max 6, this start asks for 7");
}

#[test]
fn another_schema_is_undecided_and_both_versions_are_named() {
    let chain = Chain::new(K);
    assert_eq!(chain.node().stop().code, Some(0));
    let path = chain.path().join("chain").join("CHAIN");
    let text = fs::read_to_string(&path).unwrap().replace("schema 1\n", "schema 2\n");
    fs::write(&path, &text).unwrap();
    for ran in [assay(chain.start()), chain.chain(&["check"])] {
        ran.ends(3).says("error[ASSAY-C003]").says("schema 2, this program reads schema 1");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_damaged_database_is_loud_and_never_repaired() {
    let chain = Chain::new(K);
    let node = chain.node();
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);
    assert_eq!(node.stop().code, Some(0));
    // Stopped and started, so that the first blocks lie in a table.
    assert_eq!(chain.node().stop().code, Some(0));
    let database = chain.path().join("chain").join("db");
    let tables: Vec<String> = names(&database).into_iter().filter(|name| name.ends_with(".sst")).collect();
    assert!(!tables.is_empty(), "{:?}", names(&database));
    let mut contents = Vec::new();
    for table in &tables {
        let mut content = fs::read(database.join(table)).unwrap();
        for byte in content.iter_mut().take(64) {
            *byte ^= 0x55;
        }
        fs::write(database.join(table), &content).unwrap();
        contents.push(content);
    }
    for ran in [chain.chain(&["check"]), assay(chain.start())] {
        ran.ends(2).says("error[ASSAY-C004]").says("damaged").says("nothing was repaired");
    }
    for (table, content) in tables.iter().zip(contents) {
        assert_eq!(fs::read(database.join(table)).unwrap(), content);
    }
}

#[test]
fn a_lost_database_or_record_is_not_made_anew() {
    let chain = Chain::new(K);
    let node = chain.node();
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);
    assert_eq!(node.stop().code, Some(0));
    let inner = chain.path().join("chain");
    fs::rename(inner.join("LAST-SIGNED"), chain.folder.path().join("aside")).unwrap();
    assay(chain.start()).ends(2).says("error[ASSAY-C004]").says("could sign a height twice");
    fs::rename(chain.folder.path().join("aside"), inner.join("LAST-SIGNED")).unwrap();
    fs::rename(inner.join("db"), chain.folder.path().join("db")).unwrap();
    assay(chain.start()).ends(2).says("error[ASSAY-C004]").says("the database is missing");
    fs::rename(chain.folder.path().join("db"), inner.join("db")).unwrap();
    assert_eq!(chain.node().stop().code, Some(0));
}

#[test]
fn a_damaged_or_missing_genesis_is_unreadable() {
    let chain = Chain::new(K);
    assert_eq!(chain.node().stop().code, Some(0));
    let path = chain.path().join("genesis");
    let genesis = fs::read(&path).unwrap();
    for content in [&genesis[..genesis.len() - 1], &genesis[..0], &[&genesis[..], &[0]].concat(), &[7; 100]] {
        fs::write(&path, content).unwrap();
        for ran in [assay(chain.start()), chain.chain(&["check"])] {
            ran.ends(2).says("error[ASSAY-C008]").says("genesis");
        }
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::remove_file(&path).unwrap();
    for ran in [assay(chain.start()), chain.chain(&["check"])] {
        ran.ends(2).says("error[ASSAY-C008]").says("is missing").says("restore");
    }
    fs::write(&path, genesis).unwrap();
    assert_eq!(chain.node().stop().code, Some(0));
}

#[test]
fn a_genesis_that_breaks_an_inequality_is_refused_with_its_numbers() {
    use chain::types::Genesis;
    let chain = Chain::new(K);
    assert_eq!(chain.node().stop().code, Some(0));
    let path = chain.path().join("genesis");
    let genesis = Genesis::from_bytes(&fs::read(&path).unwrap()).unwrap();
    // The least stake of a worker, 50 tokens, becomes one micro-token; nothing else holds that number.
    let (find, replace) = (50_000_000u128.to_le_bytes(), 1u128.to_le_bytes());
    let mut bytes = genesis.to_bytes();
    let position = bytes.windows(16).position(|window| window == find).unwrap();
    bytes[position..position + 16].copy_from_slice(&replace);
    fs::write(&path, &bytes).unwrap();
    for ran in [assay(chain.start()), chain.chain(&["check"])] {
        ran.ends(4).says("error[ASSAY-C009]").says("I1: q (R + b) >= (1 + margin) g").says("the least stake is 1");
    }
}

#[test]
fn a_chain_that_is_not_for_development_is_refused() {
    use chain::types::Genesis;
    let chain = Chain::new(K);
    assert_eq!(chain.node().stop().code, Some(0));
    let path = chain.path().join("genesis");
    let known = Genesis::from_bytes(&fs::read(&path).unwrap()).unwrap();
    let other = Genesis::new(
        1337,
        known.time(),
        *known.params(),
        known.accounts().to_vec(),
        known.validators().clone(),
        [[7; 32]].into_iter().collect(),
        known.policy().clone(),
    );
    fs::write(&path, other.unwrap().to_bytes()).unwrap();
    for ran in [assay(chain.start()), chain.chain(&["check"])] {
        ran.ends(4).says("error[ASSAY-C010]").says("its setups are not those of the development chain");
    }
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = TempDir::new().unwrap();
    put(&folder, "mine", "precious");
    let ran = assay(arguments!["chain", "dev", "--data-dir", folder.path(), "--k-max", K]).ends(2);
    ran.says("error[ASSAY-C005]").says("\"mine\"");
    assert_eq!(names(folder.path()), ["mine"]);
    let empty = TempDir::new().unwrap();
    assay(arguments!["chain", "check", "--data-dir", empty.path()]).ends(2).says("error[ASSAY-F001]");
    assert!(names(empty.path()).is_empty());
}

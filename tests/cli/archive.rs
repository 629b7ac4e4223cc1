//! Export, snapshot, import, prune: as an operator uses them.

use tempfile::TempDir;

use crate::arguments;
use crate::common::assay;
use crate::node::Chain;

#[test]
fn a_chain_goes_into_a_file_and_back() {
    let chain = Chain::new("6");
    let node = chain.node();
    for amount in ["1", "2", "3"] {
        chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", amount]);
    }
    let folder = TempDir::new().unwrap();
    // While the node runs, and as good as afterwards.
    for (command, file) in
        [("snapshot", folder.path().join("live.state")), ("export", folder.path().join("live.blocks"))]
    {
        let written = chain.chain(&arguments![command, "--out", &file, "--json"]).ends(0).envelope()["data"].clone();
        assert_eq!(written["height"], 3);
        let copy = folder.path().join(format!("{command}-live"));
        assay(&arguments!["chain", "import", &file, "--data-dir", &copy]).ends(0);
    }
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "4"]);
    chain.chain(&["check"]).ends(5).says("in use by another process");
    node.stop();
    let genesis = chain.chain(&["check", "--json"]).ends(0).envelope()["data"]["genesis"].as_str().unwrap().to_owned();
    let root = chain.chain(&["check", "--json"]).ends(0).envelope()["data"]["state_root"].clone();
    for (command, holds) in [("export", "blocks"), ("snapshot", "state")] {
        let file = folder.path().join(command);
        let written = chain.chain(&arguments![command, "--out", &file, "--json"]).ends(0).envelope()["data"].clone();
        assert_eq!((&written["height"], &written["holds"]), (&4.into(), &holds.into()));
        chain.chain(&arguments![command, "--out", &file]).ends(2).says("error[ASSAY-F006]");
        let other = format!("0x{}", "0".repeat(64));
        let copy = folder.path().join(format!("{command}-copy"));
        let refused = arguments!["chain", "import", &file, "--data-dir", &copy, "--genesis", other];
        assay(&refused).ends(4).says("expected 0x0000");
        let taken = arguments!["chain", "import", &file, "--data-dir", &copy, "--genesis", genesis.clone(), "--json"];
        let taken = assay(&taken).ends(0).envelope();
        assert_eq!((&taken["data"]["state_root"], &taken["data"]["height"]), (&root, &4.into()));
        assert!(taken["warnings"].to_string().contains("--sign-on"), "{taken}");
        assay(&arguments!["chain", "check", "--data-dir", &copy]).ends(0);
        assay(&arguments!["chain", "import", &file, "--data-dir", &copy])
            .ends(2)
            .says("expected a new or an empty directory");
        let mut bent = std::fs::read(&file).unwrap();
        let middle = bent.len() / 2;
        bent[middle] ^= 1;
        let bent_file = folder.path().join("bent");
        std::fs::write(&bent_file, bent).unwrap();
        let nowhere = folder.path().join("nowhere");
        let code = assay(&arguments!["chain", "import", &bent_file, "--data-dir", &nowhere]).code;
        assert!(code == 1 || code == 2, "{code}");
        assert!(!nowhere.join("genesis").exists() && !nowhere.join("chain").exists());
    }
    let report = chain.chain(&arguments!["prune", "--snapshot", folder.path().join("snapshot"), "--json"]).ends(0);
    // The windows of the chain are longer than it is.
    assert_eq!(report.envelope()["data"]["state_from"], 0);
    chain.chain(&["prune", "--snapshot", "nowhere.state"]).ends(5);
    let node = chain.node();
    assert_eq!(chain.query(&["account", "requester"])["object"]["balance"], "1010000000");
    node.stop();
}

#[test]
fn a_validator_goes_on_where_its_snapshot_ends() {
    let chain = Chain::new("6");
    let node = chain.node();
    chain.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);
    node.stop();
    let moved = Chain::new("6");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("state");
    chain.chain(&arguments!["snapshot", "--out", &file]).ends(0).shows("the state of height 1");
    moved.chain(&arguments!["import", &file, "--sign-on"]).ends(0).shows("height 1");
    let node = moved.node();
    moved.act(&["transfer", "--as", "owner", "--to", "requester", "--amount", "1"]);
    assert_eq!(moved.query(&["account", "requester"])["object"]["balance"], "1002000000");
    node.stop();
    moved.chain(&["check"]).ends(0);
    moved.chain(&["check", "--replay"]).ends(4).says("holds blocks from height 2 on");
}

//! The program stays small: what it links. Its size is held by `scripts/small.sh`, which builds it alone: tests of a whole
//! workspace link what its other packages turn on.

use super::*;

#[test]
fn it_links_no_node_no_inference_and_no_prover() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "assay-verifier", "--features", "cli"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    let forbidden =
        ["tokio", "rocksdb", "librocksdb-sys", "candle-core", "tract-onnx", "reqwest", "hyper", "wasm-bindgen"];
    for name in &names {
        assert!(!forbidden.contains(name), "{name}");
        let ours = ["assay-verifier", "assay-attestation", "assay-circuits", "assay-lanes"];
        assert!(!name.starts_with("assay-") || ours.contains(name), "{name}");
    }
    assert!(names.contains(&"halo2-axiom"), "the list was read");
}

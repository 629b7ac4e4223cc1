//! The program stays small: what it links, and how large it is.

use super::*;

/// Bytes of the program without symbols in the profile that everything is built in; the profile `small`, which
/// `scripts/small.sh` builds and holds to 6 MB, optimises across crates.
const SIZE_MAX: u64 = 8_000_000;

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
        let ours = ["assay-verifier", "assay-attestation", "assay-circuits"];
        assert!(!name.starts_with("assay-") || ours.contains(name), "{name}");
    }
    assert!(names.contains(&"halo2-axiom"), "the list was read");
}

#[test]
fn it_is_small() {
    let folder = tempfile::TempDir::new().unwrap();
    let stripped = folder.path().join("assay-verify");
    let strip = Command::new("strip").arg("-o").arg(&stripped).arg(env!("CARGO_BIN_EXE_assay-verify")).status();
    if !strip.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no `strip` on this machine");
        return;
    }
    let size = std::fs::metadata(&stripped).unwrap().len();
    if cfg!(debug_assertions) {
        eprintln!("skipped: this build is not optimised");
        return;
    }
    assert!(size < SIZE_MAX, "{size} bytes");
}

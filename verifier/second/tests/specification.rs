#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! Every section of `verifier/SPEC.md` is named by both implementations, and this one names nothing of the other.

use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn both_implementations_name_every_section() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let specification = std::fs::read_to_string(root.join("../SPEC.md")).unwrap();
    let sections: BTreeSet<&str> =
        specification.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    for folder in ["../src", "src"] {
        let mut text = String::new();
        sources(&root.join(folder), &mut text);
        let named = text.lines().filter_map(|line| line.trim().strip_prefix("// spec: verifier#"));
        assert_eq!(named.collect::<BTreeSet<_>>(), sections, "{folder}");
    }
}

#[test]
fn it_shares_no_code_with_the_first() {
    let mut text = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    for foreign in ["halo2_proofs", "halo2curves", "use verifier", "verifier::"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
}

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]
//! Every `// spec: circuits#id` names a section of SPEC.md, and every section with an id is named in the code.

use std::collections::BTreeSet;
use std::path::Path;

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn specification_and_code_name_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("SPEC.md")).unwrap();
    let sections: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let marker = "// spec: circuits#";
    let used: BTreeSet<&str> =
        files.iter().flat_map(|file| file.lines()).filter_map(|line| line.trim().strip_prefix(marker)).collect();
    assert_eq!(sections, used);
    assert!(sections.contains("linear"));
}

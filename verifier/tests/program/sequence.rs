//! A language model's receipt: what its tokens read, by the tokenizer that whoever verifies has.

use tempfile::TempDir;
use verifier::statement::StatementFile;

use super::*;

const READS: &str = "[CLS] playing chess is fun [SEP] [PAD]";

fn judged(file: &std::path::Path, more: &[&OsStr]) -> Ran {
    let key = vector(SEQUENCE.key);
    let options = ["--vk".as_ref(), key.as_os_str(), "--accept-insecure-setup".as_ref()];
    program(std::iter::once(file.as_os_str()).chain(options).chain(more.iter().copied()))
}

#[test]
fn the_tokens_of_a_receipt_are_read() {
    let (file, tokenizer) = (vector(SEQUENCE.receipt), vector("sequence-tokenizer.json"));
    let with = ["--tokenizer".as_ref(), tokenizer.as_os_str()];
    let ran = judged(&file, &with).ends(0).shows("maps the 8 input 0x").shows("\nACCEPTED\n");
    ran.shows(&format!("whose tokens read \"{READS}\" by the tokenizer that you gave"))
        .shows("- that the tokenizer you gave is the model's");
    let ran = judged(&file, &[with[0], with[1], "--json".as_ref()]).ends(0);
    assert_eq!(ran.envelope()["data"]["files"][0]["text"], READS);
    let ran = judged(&file, &["--json".as_ref()]).ends(0);
    assert_eq!(ran.envelope()["data"]["files"][0]["text"], Value::Null);
}

#[test]
fn so_are_those_of_a_proof_outside_a_receipt() {
    let folder = TempDir::new().unwrap();
    let receipt = SEQUENCE.receipt();
    let [proof, statement] = ["mine.proof", "mine.json"].map(|name| folder.path().join(name));
    std::fs::write(&proof, receipt.proofs[0].to_bytes()).unwrap();
    std::fs::write(&statement, serde_json::to_vec(&StatementFile::from(&receipt.statement())).unwrap()).unwrap();
    let tokenizer = vector("sequence-tokenizer.json");
    let with = ["--tokenizer".as_ref(), tokenizer.as_os_str(), "--statement".as_ref(), statement.as_os_str()];
    judged(&proof, &with).ends(0).shows(READS);
}

#[test]
fn what_is_no_tokenizer_is_refused_before_anything_is_judged() {
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("tokenizer.json");
    std::fs::write(&broken, "{}").unwrap();
    let ran = judged(&vector(SEQUENCE.receipt), &["--tokenizer".as_ref(), broken.as_os_str()]).ends(2);
    assert_eq!(ran.says("not a tokenizer").stdout, "");
    judged(&vector(SEQUENCE.receipt), &["--tokenizer".as_ref(), "missing".as_ref()]).ends(2).says("error[ASSAY-F001]");
}

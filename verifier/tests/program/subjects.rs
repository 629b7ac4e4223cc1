//! What the program judges beside receipts, and many files at once.

use attestation::identity::address::Address;
use tempfile::TempDir;
use verifier::inclusion::merkle::{List, prove, root};
use verifier::inclusion::{Header, Inclusion, Shown};
use verifier::statement::StatementFile;

use super::*;

fn put(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// Arguments of mixed kinds as one list.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => {
        [$(std::ffi::OsString::from($argument)),*]
    };
}

#[test]
fn a_proof_is_judged_against_a_statement() {
    let folder = TempDir::new().unwrap();
    let statement = receipt().statement();
    let file = put(&folder, "statement.json", serde_json::to_vec(&StatementFile::from(&statement)).unwrap());
    let (proof, key) = (vector("proof-1.proof"), vector("key-3.vk"));
    let judged = |statement: &PathBuf| {
        program(arguments![&proof, "--vk", &key, "--accept-insecure-setup", "--statement", statement])
    };
    judged(&file).ends(0).shows("maps the 8x8 input").shows("who ran the model and when");
    let mut other = statement.clone();
    other.context_digest[0] ^= 1;
    let other = put(&folder, "other.json", serde_json::to_vec(&StatementFile::from(&other)).unwrap());
    judged(&other).ends(1).shows("REJECTED: proof statement: expected");
    program(arguments![&proof, "--vk", &key]).ends(2).says("--statement FILE");
    program(arguments![&proof, "--statement", &file]).ends(3).shows("UNDECIDED: no verifying key");
    let broken = put(&folder, "broken.json", "{}");
    judged(&broken).ends(2).says("not a statement");
}

#[test]
fn evidence_is_judged_for_a_context_at_a_time() {
    let folder = TempDir::new().unwrap();
    let receipt = receipt();
    let context = receipt.signed.receipt.context;
    let evidence = put(&folder, "work.evidence", receipt.evidence.to_bytes());
    let ours = put(&folder, "work.json", serde_json::to_vec(&context).unwrap());
    let at = context.timestamp.to_string();
    let ran = program(arguments![&evidence, "--context", &ours, "--at", &at]);
    ran.ends(0).shows("software evidence of device").shows("that the worker signed this evidence");
    program(arguments![&evidence, "--context", &ours, "--at", "9999999999999"]).ends(1).shows("REJECTED");
    program(arguments![&evidence]).ends(2).says("--context FILE");
    let mut other = context;
    other.job_id[0] ^= 1;
    let other = put(&folder, "other.json", serde_json::to_vec(&other).unwrap());
    program(arguments![&evidence, "--context", &other, "--at", &at]).ends(1).shows("made for other work");
}

#[test]
fn what_is_on_a_chain_is_judged_by_a_trusted_header() {
    let folder = TempDir::new().unwrap();
    let leaves = [b"first".to_vec(), b"second".to_vec(), b"third".to_vec()];
    let header = Header {
        height: 9,
        parent: [1; 32],
        time: 77,
        proposer: Address::new([2; 32]),
        state_root: [3; 32],
        transaction_root: root(List::Transactions, &leaves),
        compute_root: [5; 32],
        epoch: 0,
        beacon: [4; 32],
    };
    let hash = attestation::hex::encode(&header.hash());
    let proof = prove(List::Transactions, &leaves, 1).unwrap();
    let inclusion = Inclusion { header, shown: Shown::Transaction { leaf: leaves[1].clone(), proof } };
    let file = put(&folder, "second.json", serde_json::to_vec(&inclusion).unwrap());
    let ran = program(arguments![&file, "--header", &hash]).ends(0);
    ran.shows("as transaction 1 of 3").shows("that the validators finalised the header");
    program(arguments![&file]).ends(3).shows("UNDECIDED: no header").shows("--header");
    let other = attestation::hex::encode(&[0x5e; 32]);
    program(arguments![&file, "--header", &other]).ends(1).shows("another block or was changed");
    let Shown::Transaction { proof, .. } = inclusion.shown.clone() else { unreachable!() };
    let forged = Inclusion { shown: Shown::Transaction { leaf: b"forged".to_vec(), proof }, ..inclusion };
    let forged = put(&folder, "forged.json", serde_json::to_vec(&forged).unwrap());
    program(arguments![&forged, "--header", &hash]).ends(1);
    program(arguments![put(&folder, "none.json", "{}")]).ends(2).says("not something on a chain");
}

#[test]
fn many_files_get_a_verdict_each_and_the_worst_decides() {
    let folder = TempDir::new().unwrap();
    let honest = receipt();
    let mut files = Vec::new();
    for index in 0..40 {
        let mut file = honest.clone();
        if index == 17 {
            file.proofs[0].bytes[700] ^= 1;
        }
        files.push(put(&folder, &format!("{index:02}.receipt"), file.to_bytes()).into_os_string());
    }
    let options = arguments!["--vk", vector("key-3.vk"), "--accept-insecure-setup", "--json"];
    let ran = program(files.iter().chain(&options)).ends(1);
    let envelope = ran.envelope();
    let outcomes: Vec<&str> =
        envelope["data"]["files"].as_array().unwrap().iter().map(|file| file["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.len(), 40);
    for (index, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome, if index == 17 { "rejected" } else { "accepted" }, "{index}");
    }
    assert_eq!(envelope["errors"].as_array().unwrap().len(), 1);
    assert_eq!(envelope["errors"][0]["code"], "ASSAY-V001");
    files.remove(17);
    program(files.iter().chain(&options)).ends(0);
    files.push("missing".into());
    program(files.iter().chain(&options)).ends(2);
}

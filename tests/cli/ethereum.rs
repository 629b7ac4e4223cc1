//! Contracts and calls, as the library that is tested in revm makes them.

use ethereum::Contract;
use tempfile::TempDir;
use verifier::key::VerifyingKey;
use verifier::statement::StatementFile;

use crate::arguments;
use crate::common::{assay, names, put, story};

const ACCEPTED: &str = "--accept-insecure-setup";

fn key() -> VerifyingKey {
    VerifyingKey::from_bytes(&std::fs::read(story().key()).unwrap()).unwrap()
}

fn read_hexadecimal(path: impl AsRef<std::path::Path>) -> Vec<u8> {
    attestation::hex::decode_vec(std::fs::read_to_string(path).unwrap().trim_end()).unwrap()
}

#[test]
fn a_contract_is_written_whole_and_says_what_it_leaves_open() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("contract");
    let make = arguments!["ethereum", "contract", "--vk", story().key(), "--out", &out, ACCEPTED];
    let ran = assay(&make).ends(0).shows("not checked by the contract").shows("no receipt, signature or evidence");
    assert!(ran.stderr.contains("convince nobody"), "{}", ran.stderr);
    assert_eq!(names(&out), ["abi.json", "verifier.hex"]);
    let (key, written) = (key(), read_hexadecimal(out.join("verifier.hex")));
    let contract = Contract::generate(&key).unwrap();
    assert_eq!(Some(written), contract.creation(&[]));
    let abi: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("abi.json")).unwrap()).unwrap();
    assert_eq!(abi, *contract.abi());
    // What is there stays.
    assay(&make).ends(2).says("error[ASSAY-F007]");
    let large = concat!(env!("CARGO_MANIFEST_DIR"), "/verifier/ethereum/tests/vectors/lenet5.vk");
    let out = folder.path().join("large");
    let make = arguments!["ethereum", "contract", "--vk", large, "--out", &out, ACCEPTED, "--json"];
    let data = assay(make).ends(0).envelope()["data"].clone();
    assert_eq!(names(&out), ["abi.json", "data-0.hex", "data-1.hex", "verifier.hex"]);
    assert_eq!((&data["points"], &data["data_bytes"]), (&567.into(), &serde_json::json!([24_513, 9_153])));
}

#[test]
fn a_call_is_made_of_a_receipt_or_of_a_proof_with_its_statement() {
    let folder = TempDir::new().unwrap();
    let (key, mut receipt) = (key(), story().receipt_file());
    let statement = receipt.statement();
    let contract = Contract::generate(&key).unwrap();
    let expected = contract.call(&statement, &receipt.proofs[0]).unwrap();
    let out = folder.path().join("digit.call");
    let beside = arguments!["--vk", story().key(), "--out", &out, ACCEPTED];
    let call = |arguments: Vec<std::ffi::OsString>| {
        let start = arguments!["ethereum", "call"].into_iter().chain(arguments);
        assay(start.chain(beside.clone()).collect::<Vec<_>>())
    };
    call(vec![story().receipt().into()]).ends(0).shows(contract.signature());
    assert_eq!(read_hexadecimal(&out), expected);
    call(vec![story().receipt().into()]).ends(2).says("error[ASSAY-F006]");
    let proof = put(&folder, "digit.proof", receipt.proofs[0].to_bytes());
    let said = put(&folder, "digit.json", serde_json::to_vec(&StatementFile::from(&statement)).unwrap());
    call(vec![proof.clone().into(), "--overwrite".into()]).ends(2).says("--statement FILE");
    let with = |statement: &std::path::Path| {
        vec![proof.clone().into(), "--statement".into(), statement.as_os_str().to_owned(), "--overwrite".into()]
    };
    call(with(&said)).ends(0);
    assert_eq!(read_hexadecimal(&out), expected);
    let misplaced = vec![story().receipt().into(), "--statement".into(), said.clone().into(), "--overwrite".into()];
    call(misplaced).ends(2).says("a receipt says itself");

    // What the contract would refuse costs gas: it is refused here.
    let mut other = statement.clone();
    other.context_digest[0] ^= 1;
    let other = put(&folder, "other.json", serde_json::to_vec(&StatementFile::from(&other)).unwrap());
    call(with(&other)).ends(1).says("error[ASSAY-V001]").says("proof statement: expected");
    receipt.proofs[0].bytes[700] ^= 1;
    let forged = put(&folder, "forged.receipt", receipt.to_bytes());
    call(vec![forged.into(), "--overwrite".into()]).ends(1).says("error[ASSAY-V001]");
    receipt.proofs.clear();
    let without = put(&folder, "without.receipt", receipt.to_bytes());
    call(vec![without.into(), "--overwrite".into()]).ends(1).says("it has no proof under key 0x");
}

#[test]
fn a_key_is_used_under_the_setup_that_was_accepted() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("contract");
    let make = arguments!["ethereum", "contract", "--vk", story().key(), "--out", &out];
    assay(&make).ends(3).says("error[ASSAY-P001]");
    let other = format!("0x{}", "5e".repeat(32));
    let named = make.iter().cloned().chain(arguments!["--setup-id", other]);
    assay(named.collect::<Vec<_>>()).ends(3).says("error[ASSAY-V002]").says("(development, insecure)");
    let broken = put(&folder, "broken.vk", "no key");
    assay(arguments!["ethereum", "contract", "--vk", &broken, "--out", &out, ACCEPTED]).ends(2).says("ASSAY-F003");
    assert!(!out.exists());
}

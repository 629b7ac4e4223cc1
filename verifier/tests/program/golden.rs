//! Files of released formats are accepted, for ever.

use circuits::model::bundle::Bundle;
use circuits::model::graph::{GRAPH_VERSION, GRAPH_VERSION_GENERATION, GRAPH_VERSION_POSITIONS};
use verifier::proof::{Proof, verify};

use super::*;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits/digits.assay");

#[test]
fn the_library_accepts_them() {
    let (key, receipt) = (key(), receipt());
    let proof = Proof::from_bytes(&bytes("proof-1.proof")).unwrap();
    assert_eq!(receipt.proofs, std::slice::from_ref(&proof));
    let verified = verify(&key, &receipt.statement(), &proof).unwrap();
    assert_eq!((verified.key_digest(), verified.model_hash()), (key.digest(), key.model_hash()));
    assert_eq!(code_of(&judge(), &bytes("receipt-1.receipt")), 0);
    let bundle = Bundle::from_bytes(&std::fs::read(MODEL).unwrap()).unwrap();
    assert_eq!(key.commitment().bundle_hash, bundle.hash());
}

/// Graphs of every version: value by value, by positions, and by positions with what is generated.
#[test]
fn the_library_accepts_receipts_under_graphs_of_every_version() {
    let versions = RELEASED.map(|released| {
        assert_eq!(code_of(&released.judge(), &bytes(released.receipt)), 0, "{}", released.receipt);
        let graph = released.key().graph().encode();
        u16::from_le_bytes(*graph.first_chunk().unwrap())
    });
    assert_eq!(versions, [GRAPH_VERSION, GRAPH_VERSION_POSITIONS, GRAPH_VERSION_GENERATION]);
}

#[test]
fn they_read_back_to_the_same_bytes() {
    for released in RELEASED {
        assert_eq!(released.receipt().to_bytes(), bytes(released.receipt));
        assert_eq!(released.key().to_bytes(), bytes(released.key));
    }
    assert_eq!(Proof::from_bytes(&bytes("proof-1.proof")).unwrap().to_bytes(), bytes("proof-1.proof"));
}

/// Format 2 does not state the circuit's shape: the same key, whose graph is laid out.
#[test]
fn a_key_of_an_older_format_is_the_same_key() {
    for (older, released) in [("key-2.vk", DIGIT), ("sequence-key-2.vk", SEQUENCE)] {
        let key = VerifyingKey::from_bytes(&bytes(older)).unwrap();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(vector(released.key), key.to_bytes()).unwrap();
        }
        assert_eq!(key.to_bytes(), bytes(released.key), "{older}");
        let newer = released.key();
        assert_eq!((key.digest(), key.model_hash()), (newer.digest(), newer.model_hash()));
        assert_eq!(key.shape(), newer.shape());
    }
}

#[test]
fn the_program_accepts_them_with_the_key() {
    for key in ["key-2.vk", "key-3.vk"] {
        let (file, key) = (vector("receipt-1.receipt"), vector(key));
        let ran = program([file.as_os_str(), "--vk".as_ref(), key.as_os_str(), "--accept-insecure-setup".as_ref()]);
        let ran = ran.ends(0);
        for text in [
            "maps the 8x8 input 0x",
            "passed     proof",
            "(proven, in",
            "(conjectured, BN254)",
            "not checked",
            "\nACCEPTED\n",
        ] {
            assert!(ran.stdout.contains(text), "{text:?} is missing:\n{}", ran.stdout);
        }
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn the_program_derives_the_key_from_the_model() {
    let file = vector("receipt-1.receipt");
    let ran = program([file.as_os_str(), "--model".as_ref(), MODEL.as_ref(), "--accept-insecure-setup".as_ref()]);
    ran.ends(0).shows("(audited: yes").shows("(label 7)").shows("\nACCEPTED\n");
    let absent = "0x00000000000000000000000000000000000000000000000000000000000000aa";
    let folder = tempfile::TempDir::new().unwrap();
    let ran = program([
        file.as_os_str(),
        "--model".as_ref(),
        MODEL.as_ref(),
        "--setup-id".as_ref(),
        absent.as_ref(),
        "--setup-dir".as_ref(),
        folder.path().as_os_str(),
    ]);
    ran.ends(3).says("error[ASSAY-P013]").says("import it first");
}

#[test]
fn the_program_decides_nothing_without_key_or_setup() {
    let (file, key) = (vector("receipt-1.receipt"), vector("key-3.vk"));
    program([&file]).ends(3).shows("UNDECIDED: no verifying key");
    program([file.as_os_str(), "--vk".as_ref(), key.as_os_str()]).ends(3).shows("help: --accept-insecure-setup");
    program([OsStr::new("--help")]).ends(0).shows("Exit codes: 0 accepted").shows("assay-verify digit.receipt");
    program([OsStr::new("--wrong"), "--json".as_ref()]).ends(2).says("error[ASSAY-U001]");
    program(["missing.receipt"]).ends(2).says("error[ASSAY-F001]");
}

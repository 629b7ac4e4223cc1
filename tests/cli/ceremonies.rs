//! Setups of ceremonies: imported, kept, proven under and accepted by name.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use attestation::evidence::Attester;
use attestation::evidence::software::SoftwareAttester;
use attestation::hash::derive;
use attestation::hex;
use attestation::identity::ml_dsa;
use attestation::receipt::SignedReceipt;
use attestation::text::Text;
use halo2_proofs::halo2curves::bn256::Fr;
use tempfile::TempDir;
use verifier::key::VerifyingKey;
use verifier::proof::Proof;
use verifier::setup::VerifierSetup;

use crate::arguments;
use crate::common::{Ran, assay, names, put, story};
use crate::writer::{Ptau, tau};

/// One more power than the digits need, so that a setup has to be made smaller.
const POWER: u32 = 11;
const MODEL_K: u32 = 8;
const SNARKJS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/prover/tests/vectors/prepared-4.ptau");
const SNARKJS_DIGEST: &str = "3b52cf7c04a618c2e288b5ed1254074cc338bb2d350a244f070c0b2029292de3\
                              6c0011f17e1f8834b10f4cffdd772edfbc8e6fac54545aa77d6dc1401cf5003a";

/// A folder with a ceremony's file that was imported once.
struct Imported {
    folder: TempDir,
    id: String,
}

impl Imported {
    fn setups(&self) -> PathBuf {
        self.folder.path().join("setups")
    }
}

/// The digest that a refusal without `--digest` states.
fn digest(ptau: &Path) -> String {
    let ran = assay(arguments!["prover", "setup", "--ptau", ptau, "--setup-dir", "nowhere", "--json"]).ends(3);
    let help = ran.envelope()["errors"][0]["help"].as_str().unwrap().to_owned();
    help.split(' ').nth(1).unwrap().to_owned()
}

fn import(ptau: &Path, setups: &Path, more: &[&str]) -> Ran {
    let arguments = arguments!["prover", "setup", "--ptau", ptau, "--setup-dir", setups, "--json"];
    assay(arguments.into_iter().chain(more.iter().map(Into::into)))
}

fn imported() -> &'static Imported {
    static IMPORTED: OnceLock<Imported> = OnceLock::new();
    IMPORTED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let ptau = put(&folder, "ceremony.ptau", Ptau::new(POWER, tau()).bytes());
        let ran = import(&ptau, &folder.path().join("setups"), &["--digest", &digest(&ptau)]).ends(0);
        let data = &ran.envelope()["data"];
        assert_eq!((&data["k"], &data["import"]["was_kept"]), (&POWER.into(), &false.into()));
        Imported { id: data["setup_id"].as_str().unwrap().to_owned(), folder }
    })
}

#[test]
fn a_file_that_nobody_vouches_for_is_accepted_by_its_digest_only() {
    let folder = TempDir::new().unwrap();
    let setups = folder.path().join("setups");
    let ptau = Path::new(SNARKJS);
    import(ptau, &setups, &[]).ends(3).says("error[ASSAY-P011]").says(&format!("--digest {SNARKJS_DIGEST} accepts it"));
    let other = SNARKJS_DIGEST.replace('3', "4");
    import(ptau, &setups, &["--digest", &other]).ends(1).says("error[ASSAY-P010]").says(&format!("expected {other}"));
    import(ptau, &setups, &["--digest", "3b52"]).ends(2).says("error[ASSAY-U001]").says("128 hexadecimal digits");
    assert!(names(folder.path()).is_empty());
    let first = import(ptau, &setups, &["--digest", SNARKJS_DIGEST]).ends(0).envelope();
    let import_of = |envelope: &serde_json::Value| envelope["data"]["import"].clone();
    assert_eq!((&import_of(&first)["k"], &import_of(&first)["was_kept"]), (&4.into(), &false.into()));
    assert_eq!(import_of(&first)["ceremony"], serde_json::Value::Null);
    let again = import(ptau, &setups, &["--digest", SNARKJS_DIGEST]).ends(0).envelope();
    assert_eq!(import_of(&again)["was_kept"], true);
    let kept = names(&setups);
    assert_eq!(kept, [format!("{}-4.setup", &first["data"]["setup_id"].as_str().unwrap()[2..])]);
    // A kept file that was damaged is said to be, and made again.
    let path = setups.join(&kept[0]);
    let content = std::fs::read(&path).unwrap();
    std::fs::write(&path, &content[..200]).unwrap();
    import(ptau, &setups, &["--digest", SNARKJS_DIGEST]).ends(0).says("expected 2164 bytes, got 200; it is made again");
    assert_eq!(std::fs::read(&path).unwrap(), content);
}

#[test]
fn files_that_are_no_ceremony_are_refused_and_nothing_is_kept() {
    let folder = TempDir::new().unwrap();
    let setups = folder.path().join("setups");
    let whole = std::fs::read(SNARKJS).unwrap();
    let ptau = put(&folder, "a.ptau", &whole[..5000]);
    import(&ptau, &setups, &[]).ends(2).says("error[ASSAY-P009]").says("a.ptau: the file ends in the ");
    let ptau = put(&folder, "a.ptau", Ptau::new(2, Fr::one()).bytes());
    import(&ptau, &setups, &[]).ends(1).says("error[ASSAY-P010]").says("its value is public");
    let missing = folder.path().join("missing.ptau");
    import(&missing, &setups, &[]).ends(2).says("error[ASSAY-F001]");
    import(Path::new(SNARKJS), &setups, &["--k", "5"]).ends(2).says("error[ASSAY-P009]").says("k: expected 1 to 4");
    let model = story().model();
    let small = ["--k", "4", "--model", model.to_str().unwrap()];
    import(Path::new(SNARKJS), &setups, &small).ends(2).says("error[ASSAY-P015]").says("give --k 8");
    let ignition = arguments!["prover", "setup", "--ignition", SNARKJS, "--setup-dir", &setups];
    assay(ignition).ends(2).says("error[ASSAY-P009]").says("transcript 0: manifest");
    assert_eq!(names(folder.path()), ["a.ptau"]);
}

#[test]
fn sources_of_a_setup_exclude_each_other() {
    for more in [&["--accept-insecure-setup"][..], &["--ignition", SNARKJS]] {
        import(Path::new(SNARKJS), Path::new("nowhere"), more).ends(2).says("cannot be used with");
    }
    let zeros = format!("0x{}", "0".repeat(64));
    import(Path::new(SNARKJS), Path::new("nowhere"), &["--setup-id", &zeros]).ends(2).says("cannot be used with");
    for more in [["--k", "4"], ["--digest", SNARKJS_DIGEST]] {
        let arguments = arguments!["prover", "setup", "--model", story().model(), "--accept-insecure-setup"];
        assay(arguments.into_iter().chain(more.map(Into::into))).ends(2).says("--ptau <FILE>");
    }
    let id = hex::encode(&VerifierSetup::development().id());
    let by_name = arguments!["prover", "setup", "--model", story().model(), "--setup-id", &id];
    assay(by_name).ends(3).says("error[ASSAY-P001]").says("its secret is public");
}

#[test]
fn a_receipt_under_an_imported_setup_is_accepted_by_its_name() {
    let Imported { folder, id } = imported();
    let setups = imported().setups();
    let (vk, proof) = (folder.path().join("digits.vk"), folder.path().join("digits.proof"));
    let under = |id: &str| arguments!["--setup-id", id, "--setup-dir", &setups];
    let key = arguments!["prover", "setup", "--model", story().model(), "--out-key", &vk, "--json"];
    let envelope = assay(key.into_iter().chain(under(id))).ends(0).envelope();
    assert_eq!((&envelope["data"]["setup_id"], &envelope["data"]["k"]), (&id.as_str().into(), &MODEL_K.into()));
    assert!(envelope["warnings"].as_array().unwrap().is_empty());
    assert_eq!(names(&setups).len(), 2, "the smaller setup is kept");

    // A model has another hash under another setup, so the work context is another one too.
    let worker = ml_dsa::SigningKey::from_seed(&derive("assay 2026 development-key v1", &[b"worker-1"]));
    let mut file = story().receipt_file();
    let mut receipt = file.signed.receipt.clone();
    receipt.context.model_hash = VerifyingKey::from_bytes(&std::fs::read(&vk).unwrap()).unwrap().model_hash();
    let attester = SoftwareAttester::new(worker.public_key(), [5; 32], Text::new("host").unwrap());
    file.evidence = attester.attest(&receipt.context).unwrap();
    receipt.evidence_digest = file.evidence.digest();
    let context = hex::encode(&receipt.context.digest());
    let input = story().file("digit.json");
    let flags = ["--context-digest", context.as_str()].map(Into::into);
    let run = arguments!["prover", "run", "--model", story().model(), "--input", &input, "--out", &proof];
    let ran = assay(run.into_iter().chain(flags).chain(under(id))).ends(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    file.signed = SignedReceipt::sign(receipt, &worker).unwrap();
    file.proofs = vec![Proof::from_bytes(&std::fs::read(&proof).unwrap()).unwrap()];
    let path = put(folder, "imported.receipt", file.to_bytes());

    let verify = |more: &[std::ffi::OsString]| assay(arguments!["verify", &path].iter().chain(more));
    let with_key = arguments!["--vk", &vk];
    verify(&with_key)
        .ends(3)
        .shows(&format!("the proof holds under setup {id}, which is not accepted"))
        .shows("--setup-id");
    let accepting = |flags: &[&str]| with_key.iter().cloned().chain(flags.iter().map(Into::into)).collect::<Vec<_>>();
    verify(&accepting(&["--accept-insecure-setup"])).ends(3).shows("which is not accepted");
    let zeros = format!("0x{}", "0".repeat(64));
    verify(&accepting(&["--setup-id", &zeros])).ends(3).shows("which is not accepted");
    verify(&accepting(&["--setup-id", id])).ends(0).shows("\nACCEPTED\n");
    let derived = arguments!["--model", story().model()].into_iter().chain(under(id)).collect::<Vec<_>>();
    verify(&derived).ends(0).shows("(audited: yes").shows("\nACCEPTED\n");
    let model = arguments!["--model", story().model()];
    verify(&model).ends(3).shows(&format!("the proof is under another setup than the derived key: {id}"));
    let absent = arguments!["--model", story().model(), "--setup-id", &zeros, "--setup-dir", &setups];
    verify(&absent).ends(3).says("error[ASSAY-P013]").says("--ptau FILE --k 8");
}

use attestation::appraisal::Collateral;
use attestation::evidence::nvidia::{device_chain::Family, synthetic::World};
use attestation::policy::{Policy, PolicyTable};
use attestation::synthetic::SyntheticMachine;
use attestation::synthetic::machine::{NOW, Processor, WORLD_SEED};
use base64ct::{Base64, Encoding};
use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, put, story};

#[test]
fn a_receipts_evidence_is_judged_at_the_time_it_states() {
    let story = story();
    let ran = assay(arguments!["attest", "verify", story.receipt()]).ends(0);
    let ran = ran.shows("ACCEPTED").shows("adds no security over the receipt signature").shows("6000 bps");
    assert_eq!(ran.stderr, "");
    let envelope = assay(arguments!["attest", "verify", story.receipt(), "--json"]).ends(0).envelope();
    let data = &envelope["data"];
    assert_eq!((data["outcome"].as_str(), data["trust_bps"].as_u64()), (Some("accepted"), Some(6000)));
    assert_eq!(data["vector"]["runtime_opaque"], 96);
    assert_eq!(data["checks"][0]["result"], "passed");
    // A year later it counts no more.
    let later = story.receipt_file().signed.receipt.completed_at + 31_536_000_000;
    let ran = assay(arguments!["attest", "verify", story.receipt(), "--at", later.to_string(), "--json"]);
    let envelope = ran.ends(1).envelope();
    assert_eq!(
        (envelope["data"]["outcome"].as_str(), envelope["errors"][0]["code"].as_str()),
        (Some("rejected"), Some("ASSAY-V001"))
    );
    // Evidence that the worker did not sign for.
    let folder = TempDir::new().unwrap();
    let mut file = story.receipt_file();
    let attestation::evidence::Evidence::Software(software) = &mut file.evidence else { unreachable!() };
    software.executable_hash[0] ^= 1;
    let path = put(&folder, "other.receipt", file.to_bytes());
    assay(arguments!["attest", "verify", &path]).ends(1).shows("REJECTED: receipt: signed for evidence");
}

#[test]
fn evidence_outside_a_receipt_needs_its_context() {
    let (story, folder) = (story(), TempDir::new().unwrap());
    let file = story.receipt_file();
    let evidence = put(&folder, "work.evidence", file.evidence.to_bytes());
    assay(arguments!["attest", "verify", &evidence]).ends(2).says("--context");
    let context = &file.signed.receipt.context;
    let ours = put(&folder, "work.json", serde_json::to_vec(context).unwrap());
    let at = context.timestamp.to_string();
    assay(arguments!["attest", "verify", &evidence, "--context", &ours, "--at", &at]).ends(0).shows("ACCEPTED");
    let mut other = *context;
    other.job_id = [0xee; 32];
    let other = put(&folder, "other.json", serde_json::to_vec(&other).unwrap());
    let ran = assay(arguments!["attest", "verify", &evidence, "--context", &other, "--at", &at]);
    ran.ends(1).shows("it was made for other work");
    let broken = put(&folder, "broken.json", b"{}");
    let ran = assay(arguments!["attest", "verify", &evidence, "--context", &broken]);
    ran.ends(2).says("not a work context");
    let ran = assay(arguments!["attest", "verify", &broken]);
    ran.ends(2).says("evidence");
}

#[test]
fn inspecting_evidence_decides_nothing() {
    let story = story();
    let ran = assay(arguments!["attest", "inspect", story.receipt()]).ends(0).shows("checks nothing");
    assert!(!ran.stdout.contains("ACCEPTED"));
    let envelope = assay(arguments!["attest", "inspect", story.receipt(), "--json"]).ends(0).envelope();
    assert_eq!(envelope["data"]["decided"], false);
    assert_eq!(envelope["data"]["evidence"], serde_json::to_value(&story.receipt_file().evidence).unwrap());
}

#[test]
fn a_policy_is_printed_changed_and_used() {
    let folder = TempDir::new().unwrap();
    let envelope = assay(arguments!["attest", "policy", "--json"]).ends(0).envelope();
    let standard = Policy::new(PolicyTable::standard()).unwrap();
    assert_eq!(envelope["data"]["id"], attestation::hex::encode(&standard.id()));
    let out = folder.path().join("mine.toml");
    assay(arguments!["attest", "policy", "--out", &out]).ends(0);
    assay(arguments!["attest", "policy", "--out", &out]).ends(2).says("exists already");
    let text = std::fs::read_to_string(&out).unwrap();
    let strict = put(&folder, "strict.toml", text.replace("trust_bps_min = 6000", "trust_bps_min = 9000").into_bytes());
    let ran = assay(arguments!["attest", "verify", story().receipt(), "--policy", &strict]);
    ran.ends(1).shows("this policy asks for 9000");
    let broken =
        put(&folder, "broken.toml", text.replace("trust_bps_min = 6000", "trust_bps_min = 10001").into_bytes());
    assay(arguments!["attest", "policy", "--policy", &broken]).ends(4).says("expected at most 10000 bps");
}

#[test]
fn collateral_is_assembled_from_files() {
    let folder = TempDir::new().unwrap();
    let document = put(&folder, "driver.xml", b"<xml/>");
    let out = folder.path().join("gpu.collateral");
    let mut rim = std::ffi::OsString::from("NV_GPU_DRIVER_GH100_550.90.07=");
    rim.push(&document);
    let ran = assay(arguments!["attest", "collateral", "--out", &out, "--rim", &rim, "--ocsp", &document]);
    ran.ends(0).shows("1 manifests, 1 OCSP responses");
    let read = Collateral::from_bytes(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(read.nvidia.manifests[0].id, "NV_GPU_DRIVER_GH100_550.90.07");
    assay(arguments!["attest", "collateral", "--out", &out]).ends(2).says("exists already");
    let tdx = folder.path().join("cpu.collateral");
    assay(arguments!["attest", "collateral", "--out", &tdx, "--tdx", &document]).ends(2).says("collateral file");
    assay(arguments!["attest", "collateral", "--out", &tdx, "--rim", "driver.xml"]).ends(2).says("ID=FILE");
}

#[test]
fn a_machine_without_the_hardware_says_what_is_missing() {
    let (story, folder) = (story(), TempDir::new().unwrap());
    let context = put(&folder, "work.json", serde_json::to_vec(&story.receipt_file().signed.receipt.context).unwrap());
    let out = folder.path().join("work.evidence");
    // Skipped where there is hardware: no test may depend on a machine's own.
    if !std::path::Path::new("/sys/kernel/config/tsm/report").exists() {
        let key = format!("0x{}", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let ran = assay(arguments![
            "attest",
            "report",
            "--context",
            &context,
            "--out",
            &out,
            "--cpu",
            "tsm",
            "--session-key",
            &key
        ]);
        ran.ends(5).says("error[ASSAY-W009]").says("CONFIG_TSM_REPORTS");
    }
    assay(arguments!["attest", "report", "--context", &context, "--out", &out]).ends(2).says("--gpu");
    assert!(!out.exists());
}

/// A GPU of a synthetic world: its container, the collateral and the policy that pins its roots, in files.
fn vendor_files(folder: &TempDir) -> (std::path::PathBuf, std::path::PathBuf, std::path::PathBuf) {
    let world = World::new(WORLD_SEED);
    let context = story().receipt_file().signed.receipt.context;
    let key = attestation::identity::ed25519::SigningKey::from_seed(&[1; 32]).public_key();
    let machine = SyntheticMachine::new(vec![world.device(Family::Gh100, 0)], Processor::None, key, context);
    let evidence = machine.devices[0].evidence(&[0x11; 32]);
    let entry = serde_json::json!([{
        "arch": "HOPPER",
        "nonce": "11".repeat(32),
        "evidence": Base64::encode_string(&evidence.report),
        "certificate": Base64::encode_string(&evidence.chain),
    }]);
    let policy = Policy::new(machine.policy).unwrap().to_toml().unwrap();
    (
        put(folder, "devices.json", serde_json::to_vec(&entry).unwrap()),
        put(folder, "gpu.collateral", machine.collateral.to_bytes()),
        put(folder, "synthetic.toml", policy),
    )
}

#[test]
fn a_vendors_file_is_judged_against_the_nonce_that_was_asked() {
    let folder = TempDir::new().unwrap();
    let (devices, collateral, policy) = vendor_files(&folder);
    let nonce = "11".repeat(32);
    let at = NOW.to_string();
    let judge = |nonce: &str| {
        assay(arguments![
            "attest",
            "verify",
            &devices,
            "--nonce",
            nonce,
            "--collateral",
            &collateral,
            "--policy",
            &policy,
            "--at",
            &at
        ])
    };
    let ran = judge(&nonce).ends(0).shows("ACCEPTED").shows("bound to no job");
    assert!(!ran.stdout.contains("bps"), "a vendor's file earns no trust:\n{}", ran.stdout);
    judge(&"22".repeat(32)).ends(1).shows("REJECTED").shows("nonce");
    judge("22").ends(2).says("--nonce: hexadecimal text: expected 64 digits");
    assay(arguments!["attest", "verify", &devices]).ends(2).says("--nonce HEX");
    // Under the vendor's own roots a synthetic device is nobody's.
    let ran = assay(arguments!["attest", "verify", &devices, "--nonce", &nonce, "--at", &at]);
    ran.ends(1).shows("expected the root key");
    let text = String::from_utf8(std::fs::read(&devices).unwrap()).unwrap();
    let other = put(&folder, "other.json", text.replace("HOPPER", "BLACKWELL"));
    let ran = assay(arguments![
        "attest",
        "verify",
        &other,
        "--nonce",
        &nonce,
        "--collateral",
        &collateral,
        "--policy",
        &policy,
        "--at",
        &at
    ]);
    ran.ends(1).shows("arch BLACKWELL");
    assay(arguments!["attest", "inspect", &devices]).ends(0).shows("answered nonce").shows(&nonce);
    let broken = put(&folder, "broken.json", "[{}]");
    assay(arguments!["attest", "inspect", &broken]).ends(2).says("evidence container");
}

//! Key files: round trips, OpenSSL, and every way in which a file can be wrong.
#![cfg(feature = "keystore")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "test code")]

mod common;

use std::{fs, path::PathBuf, process::Command};

use attestation::identity::keystore::{
    Cost, KeyKind, KeystoreError, PublicKey, SecretKey, decrypt, encrypt, list, public_path, read, read_public,
    write_new,
};
use tempfile::TempDir;

const PASSWORD: &[u8] = b"correct horse battery staple";
const KINDS: [KeyKind; 2] = [KeyKind::Ed25519, KeyKind::MlDsa65];

/// Keys of tests guard nothing.
fn cheap() -> Cost {
    Cost::new(4, 1).unwrap()
}

fn key(kind: KeyKind) -> SecretKey {
    SecretKey::from_seed(kind, &common::seed())
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("operator.pem");
    (folder, path)
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn refusal(text: &[u8]) -> KeystoreError {
    decrypt(text, PASSWORD).unwrap_err()
}

#[cfg(unix)]
fn set_mode(path: &PathBuf, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &PathBuf) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn both_kinds_come_back() {
    for kind in KINDS {
        let text = encrypt(&key(kind), PASSWORD, cheap()).unwrap();
        assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        let read = decrypt(text.as_bytes(), PASSWORD).unwrap();
        assert_eq!(read.public_key(), key(kind).public_key());
        assert_eq!(read.public_key().kind(), kind);
    }
}

#[test]
fn the_standard_cost_works_and_two_files_of_one_key_differ() {
    let first = encrypt(&key(KeyKind::Ed25519), PASSWORD, Cost::STANDARD).unwrap();
    let second = encrypt(&key(KeyKind::Ed25519), PASSWORD, Cost::STANDARD).unwrap();
    assert_ne!(first, second);
    let read = decrypt(first.as_bytes(), PASSWORD).unwrap();
    assert_eq!(read.public_key(), key(KeyKind::Ed25519).public_key());
}

#[test]
fn fresh_keys_differ() {
    for kind in KINDS {
        let ids = [(); 2].map(|()| SecretKey::generate(kind).unwrap().public_key().id());
        assert_ne!(ids[0], ids[1]);
    }
}

#[test]
fn a_wrong_password_is_called_one_whatever_the_garbage_decrypts_to() {
    for kind in KINDS {
        let text = encrypt(&key(kind), PASSWORD, cheap()).unwrap();
        // Of 2000 wrong keys about 8 decrypt to correct padding, so that both ways of noticing are taken.
        for attempt in 0..2000 {
            let outcome = decrypt(text.as_bytes(), format!("guess {attempt}").as_bytes());
            assert!(matches!(outcome, Err(KeystoreError::WrongPassword)), "{outcome:?}");
        }
    }
    assert_eq!(KeystoreError::WrongPassword.to_string(), "wrong password, or the key file is damaged");
}

#[test]
fn an_empty_password_is_refused() {
    assert!(matches!(encrypt(&key(KeyKind::Ed25519), b"", cheap()), Err(KeystoreError::EmptyPassword)));
}

#[test]
fn a_cut_file_is_truncated_at_every_length() {
    for kind in KINDS {
        let text = encrypt(&key(kind), PASSWORD, cheap()).unwrap();
        let whole = text.trim_end().len();
        for length in 0..whole {
            let error = refusal(&text.as_bytes()[..length]);
            assert!(matches!(error, KeystoreError::Truncated { .. }), "{length}: {error}");
        }
        assert!(decrypt(&text.as_bytes()[..whole], PASSWORD).is_ok());
    }
}

#[test]
fn other_files_are_told_apart() {
    let text = encrypt(&key(KeyKind::Ed25519), PASSWORD, cheap()).unwrap();
    assert!(matches!(refusal(b"{\"version\": 3}"), KeystoreError::NotPem));
    assert!(matches!(refusal(&[0xff; 100]), KeystoreError::NotPem));
    assert!(matches!(refusal(&vec![b'x'; 64 * 1024 + 1]), KeystoreError::TooLarge { max: 65_536, got: 65_537 }));
    let damaged = text.replace("MI", "M!");
    assert!(matches!(refusal(damaged.as_bytes()), KeystoreError::MalformedPem));
    let empty = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nBQA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(refusal(empty.as_bytes()), KeystoreError::MalformedStructure));
    // A SEQUENCE that promises 16 bytes and holds 3.
    let short = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMBAwAAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(refusal(short.as_bytes()), KeystoreError::Truncated { .. }));
}

#[test]
fn an_unencrypted_key_is_named_as_such() {
    // The example of RFC 8410, section 10.3.
    let plain = "-----BEGIN PRIVATE KEY-----\n\
                 MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                 -----END PRIVATE KEY-----\n";
    let KeystoreError::NotEncrypted { got } = refusal(plain.as_bytes()) else { panic!("another refusal") };
    assert_eq!(got, "PRIVATE KEY");
}

/// Files made by `openssl pkcs8 -topk8` from small keys, password "test".
mod foreign {
    pub(crate) const PBKDF2: &str = include_str!("data/ed25519-pbkdf2.pem");
    pub(crate) const SCRYPT: &str = include_str!("data/ed25519-scrypt.pem");
    pub(crate) const AES_128: &str = include_str!("data/ed25519-scrypt-aes128.pem");
    pub(crate) const X25519: &str = include_str!("data/x25519-scrypt.pem");
    pub(crate) const PBES1: &str = include_str!("data/ed25519-pbes1.pem");
}

#[test]
fn keys_encrypted_by_openssl_are_read_and_other_encryptions_named() {
    let read = decrypt(foreign::SCRYPT.as_bytes(), b"test").unwrap();
    assert_eq!(read.public_key(), key(KeyKind::Ed25519).public_key());
    for (text, oid) in [
        (foreign::PBKDF2, "1.2.840.113549.1.5.12"),
        (foreign::AES_128, "2.16.840.1.101.3.4.1.2"),
        (foreign::PBES1, "1.2.840.113549.1.12.1.3"),
    ] {
        let outcome = decrypt(text.as_bytes(), b"test");
        let Err(KeystoreError::UnsupportedEncryption { got }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(got, oid);
    }
    let Err(KeystoreError::UnknownAlgorithm { got }) = decrypt(foreign::X25519.as_bytes(), b"test") else {
        panic!("another refusal")
    };
    assert_eq!(got, "1.3.101.110");
}

/// The cost stands in clear inside the file, so a stranger chooses it.
#[test]
fn a_file_cannot_ask_for_any_cost() {
    let refused = |n, block_size, parallelism| {
        let text = with_cost(n, block_size, parallelism);
        match decrypt(text.as_bytes(), PASSWORD) {
            Err(KeystoreError::CostOutOfRange { n: seen, .. }) => assert_eq!(seen, n),
            outcome => panic!("{n} {block_size} {parallelism}: {outcome:?}"),
        }
    };
    refused(0, 8, 1);
    refused(1, 8, 1);
    refused(3, 8, 1);
    refused(1 << 19, 8, 1);
    refused(1 << 40, 8, 1);
    refused(1 << 63, 8, 1);
    refused(1 << 18, 8, 5);
    refused(16, 0, 1);
    refused(16, 8, 0);
    refused(1 << 14, 8, 65);
    assert!(matches!(Cost::new(64, 1), Err(KeystoreError::CostOutOfRange { n: u64::MAX, .. })));
    assert!(matches!(Cost::new(0, 1), Err(KeystoreError::CostOutOfRange { n: 1, .. })));
}

/// A key file with the scrypt parameters of a stranger's choice; what it encrypts does not matter.
fn with_cost(n: u64, block_size: u16, parallelism: u16) -> String {
    use pkcs8::{
        EncryptedPrivateKeyInfoRef, LineEnding, SecretDocument,
        der::asn1::OctetStringRef,
        pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, ScryptParams},
    };
    let scrypt = ScryptParams {
        salt: [0; 16].as_slice().try_into().unwrap(),
        cost_parameter: n,
        block_size,
        parallelization: parallelism,
        key_length: None,
    };
    let parameters = Parameters { kdf: Kdf::Scrypt(scrypt), encryption: EncryptionScheme::Aes256Cbc { iv: [0; 16] } };
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&[0; 48]).unwrap(),
    };
    let document = SecretDocument::try_from(&info).unwrap();
    document.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap().to_string()
}

#[test]
fn a_known_kind_with_another_form_of_key_is_malformed() {
    use pkcs8::{
        AlgorithmIdentifierRef, LineEnding, ObjectIdentifier, PrivateKeyInfoRef,
        der::asn1::OctetStringRef,
        pkcs5::{pbes2::Parameters, scrypt},
    };
    for (oid, kind) in [("1.3.101.112", KeyKind::Ed25519), ("2.16.840.1.101.3.4.3.18", KeyKind::MlDsa65)] {
        for private_key in [[0x04, 0x1f].repeat(17), vec![0x04; 33], vec![0x30; 34], vec![]] {
            let algorithm = AlgorithmIdentifierRef { oid: ObjectIdentifier::new(oid).unwrap(), parameters: None };
            let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&private_key).unwrap());
            let cost = scrypt::Params::new(4, 8, 1).unwrap();
            let parameters = Parameters::generate_scrypt_aes256cbc(cost, &[0; 16], [0; 16]).unwrap();
            let document = info.encrypt_with_params(parameters, PASSWORD).unwrap();
            let text = document.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap();
            let outcome = decrypt(text.as_bytes(), PASSWORD);
            let Err(KeystoreError::MalformedKey { kind: seen }) = outcome else { panic!("{outcome:?}") };
            assert_eq!(seen, kind);
        }
    }
}

#[test]
fn openssl_reads_our_ed25519_files_of_standard_cost() {
    let (_folder, path) = folder();
    write_new(&path, &key(KeyKind::Ed25519), PASSWORD, Cost::STANDARD).unwrap();
    let password = format!("pass:{}", std::str::from_utf8(PASSWORD).unwrap());
    let run = Command::new("openssl")
        .args(["pkey", "-passin", &password, "-pubout", "-outform", "DER", "-in"])
        .arg(&path)
        .output();
    let Ok(output) = run else {
        eprintln!("skipped: no openssl");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let PublicKey::Ed25519(public) = key(KeyKind::Ed25519).public_key() else { panic!("another kind") };
    assert!(output.stdout.ends_with(public.as_bytes()));
}

#[test]
fn files_are_private_complete_and_never_overwritten() {
    for kind in KINDS {
        let (folder, path) = folder();
        write_new(&path, &key(kind), PASSWORD, cheap()).unwrap();
        assert_eq!(names(&folder), ["operator.pem", "operator.pub"]);
        #[cfg(unix)]
        assert_eq!((mode(&path), mode(&public_path(&path)) & 0o644), (0o600, 0o644));
        assert_eq!(read(&path, PASSWORD).unwrap().public_key(), key(kind).public_key());
        assert_eq!(read_public(&path).unwrap(), key(kind).public_key());

        let before = fs::read(&path).unwrap();
        let outcome = write_new(&path, &SecretKey::generate(kind).unwrap(), PASSWORD, cheap());
        let Err(KeystoreError::AlreadyExists { path: taken }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(taken, path);
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_taken_record_name_leaves_no_key_behind() {
    let (folder, path) = folder();
    fs::write(public_path(&path), "mine").unwrap();
    let outcome = write_new(&path, &key(KeyKind::Ed25519), PASSWORD, cheap());
    let Err(KeystoreError::AlreadyExists { path: taken }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(taken, public_path(&path));
    assert_eq!(names(&folder), ["operator.pub"]);
    assert_eq!(fs::read(public_path(&path)).unwrap(), b"mine");
}

#[test]
fn a_key_file_cannot_have_the_name_of_a_record() {
    let (folder, _) = folder();
    let path = folder.path().join("operator.pub");
    let outcome = write_new(&path, &key(KeyKind::Ed25519), PASSWORD, cheap());
    assert!(matches!(outcome, Err(KeystoreError::PublicPath { .. })), "{outcome:?}");
    assert!(names(&folder).is_empty());
}

#[test]
fn a_missing_folder_is_an_error_with_its_path() {
    let (folder, _) = folder();
    let path = folder.path().join("none").join("operator.pem");
    let outcome = write_new(&path, &key(KeyKind::Ed25519), PASSWORD, cheap());
    let Err(KeystoreError::Io { action: "write in", path: seen, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(seen, folder.path().join("none"));
    assert!(matches!(read(&path, PASSWORD), Err(KeystoreError::Io { action: "read", .. })));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused_with_mode_and_fix() {
    let (_folder, path) = folder();
    write_new(&path, &key(KeyKind::Ed25519), PASSWORD, cheap()).unwrap();
    for bits in [0o640, 0o604, 0o620, 0o601, 0o644] {
        set_mode(&path, bits);
        let error = read(&path, PASSWORD).unwrap_err();
        assert!(matches!(error, KeystoreError::ReadableByOthers { mode, .. } if mode == bits), "{error}");
        let message = error.to_string();
        assert!(message.contains(&format!("mode {bits:04o}")) && message.contains("chmod 600"), "{message}");
    }
    set_mode(&path, 0o400);
    assert!(read(&path, PASSWORD).is_ok());
}

#[test]
fn folders_and_oversized_files_are_refused() {
    let (folder, path) = folder();
    let outcome = read(folder.path(), PASSWORD);
    assert!(matches!(outcome, Err(KeystoreError::NotAFile { .. })), "{outcome:?}");
    fs::write(&path, vec![b'x'; 64 * 1024 + 1]).unwrap();
    #[cfg(unix)]
    set_mode(&path, 0o600);
    let outcome = read(&path, PASSWORD);
    assert!(matches!(outcome, Err(KeystoreError::TooLarge { max: 65_536, got: 65_537 })), "{outcome:?}");
}

#[test]
fn a_record_is_not_needed_but_must_match() {
    let (folder, path) = folder();
    write_new(&path, &key(KeyKind::Ed25519), PASSWORD, cheap()).unwrap();
    let other = folder.path().join("other.pem");
    write_new(&other, &SecretKey::generate(KeyKind::Ed25519).unwrap(), PASSWORD, cheap()).unwrap();
    fs::copy(public_path(&other), public_path(&path)).unwrap();
    let outcome = read(&path, PASSWORD);
    assert!(matches!(outcome, Err(KeystoreError::PublicMismatch { .. })), "{outcome:?}");
    fs::remove_file(public_path(&path)).unwrap();
    assert_eq!(read(&path, PASSWORD).unwrap().public_key(), key(KeyKind::Ed25519).public_key());
}

#[test]
fn records_are_checked_and_listed_in_order() {
    let (folder, path) = folder();
    write_new(&path, &key(KeyKind::Ed25519), PASSWORD, cheap()).unwrap();
    write_new(&folder.path().join("a.pem"), &key(KeyKind::MlDsa65), PASSWORD, cheap()).unwrap();
    let text = fs::read_to_string(public_path(&path)).unwrap();
    let id = common::hex(&key(KeyKind::Ed25519).public_key().id());
    for (name, broken, complaint) in [
        ("b", text.replace("\"version\": 1", "\"version\": 2"), "expected version 1, got version 2"),
        ("c", text.replace(&id, &format!("0x{}", "00".repeat(32))), "does not belong to its public key"),
        ("d", text.replace("ed25519", "ml-dsa-65"), "expected 3904 digits after 0x, got 64"),
        ("e", text.replace("\"kind\"", "\"secret\": 1, \"kind\""), "unknown field `secret`"),
    ] {
        let path = folder.path().join(name).with_extension("pub");
        fs::write(&path, broken).unwrap();
        let outcome = read_public(&path);
        let Err(KeystoreError::Record { source, .. }) = outcome else { panic!("{name}: {outcome:?}") };
        assert!(source.to_string().contains(complaint), "{name}: {source}");
    }
    let listed: Vec<(String, bool)> = list(folder.path())
        .unwrap()
        .into_iter()
        .map(|(path, outcome)| (path.file_stem().unwrap().to_str().unwrap().to_owned(), outcome.is_ok()))
        .collect();
    let expected = [("a", true), ("b", false), ("c", false), ("d", false), ("e", false), ("operator", true)];
    assert_eq!(listed, expected.map(|(name, readable)| (name.to_owned(), readable)));
}

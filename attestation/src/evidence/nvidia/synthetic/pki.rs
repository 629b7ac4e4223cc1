//! Keys and certificates.

use der::{
    asn1::ObjectIdentifier,
    oid::db::rfc5280::{
        ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_CRL_DISTRIBUTION_POINTS, ID_CE_EXT_KEY_USAGE,
        ID_CE_KEY_USAGE, ID_CE_SUBJECT_KEY_IDENTIFIER,
    },
};
use p384::ecdsa::{
    Signature, SigningKey,
    signature::{Signer, hazmat::PrehashSigner},
};
use sha2::{Digest, Sha256};

use super::encode::{bits, ecdsa_with_sha384, integer, name, octets, oid, sequence, time, tlv};

/// 2020-10-17T00:00:00Z.
pub const DEVICE_NOT_BEFORE: u64 = 1_602_892_800_000;
/// 9999-12-31T23:59:59Z: device certificates do not expire.
pub const NEVER: u64 = 253_402_300_799_000;

/// Key usage bits as the first byte of the bit string.
pub const DIGITAL_SIGNATURE: u8 = 0x80;
/// keyCertSign.
pub const CERT_SIGN: u8 = 0x04;
/// cRLSign.
pub const CRL_SIGN: u8 = 0x02;

/// A P-384 key pair.
#[derive(Clone, Debug)]
pub struct Key {
    signing: SigningKey,
    /// DER of the subject public key info.
    pub info: Vec<u8>,
}

impl Key {
    /// The key that a seed and a label name.
    #[must_use]
    pub fn derive(seed: &[u8; 32], label: &str) -> Self {
        let mut counter = 0_u32;
        loop {
            let mut reader =
                blake3::Hasher::new_keyed(seed).update(&counter.to_le_bytes()).update(label.as_bytes()).finalize_xof();
            let mut scalar = [0; 48];
            reader.fill(&mut scalar);
            if let Ok(signing) = SigningKey::from_slice(&scalar) {
                let point = signing.verifying_key().to_sec1_point(false);
                let algorithm = sequence(&[
                    &oid(der::oid::db::rfc5912::ID_EC_PUBLIC_KEY),
                    &oid(der::oid::db::rfc5912::SECP_384_R_1),
                ]);
                let info = sequence(&[&algorithm, &bits(point.as_bytes())]);
                return Self { signing, info };
            }
            counter += 1;
        }
    }

    /// SHA-256 of the subject public key info.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.info).into()
    }

    /// ECDSA over SHA-384, `r || s`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 96] {
        let signature: Signature = self.signing.sign(message);
        signature.to_bytes().into()
    }

    /// ECDSA over a digest that was made elsewhere, `r || s`.
    #[must_use]
    pub fn sign_digest(&self, digest: &[u8]) -> [u8; 96] {
        let signature: Signature = self.signing.sign_prehash(digest).expect("digests have 32 bytes or more");
        signature.to_bytes().into()
    }

    /// ECDSA over SHA-384, DER.
    #[must_use]
    pub fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        der_signature(&self.sign(message))
    }

    /// A short name of the key for key identifiers.
    fn identifier(&self) -> Vec<u8> {
        self.fingerprint()[..20].to_vec()
    }
}

/// `r || s` in DER.
#[must_use]
pub fn der_signature(raw: &[u8; 96]) -> Vec<u8> {
    sequence(&[&integer(&raw[..48]), &integer(&raw[48..])])
}

/// Everything in a certificate but its signature.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// Issuer's common name.
    pub issuer: String,
    /// Subject's common name.
    pub subject: String,
    /// Start of validity, milliseconds.
    pub not_before: u64,
    /// End of validity, milliseconds.
    pub not_after: u64,
    /// Subject public key info, DER.
    pub key_info: Vec<u8>,
    /// Basic constraints: CA flag and path length.
    pub constraints: Option<(bool, Option<u8>)>,
    /// Key usage, first byte of the bit string.
    pub key_usage: u8,
    /// Extended key usages.
    pub purposes: Vec<ObjectIdentifier>,
    /// Whether it names a revocation list.
    pub names_list: bool,
    /// Key identifier of the subject.
    pub subject_key: Vec<u8>,
    /// Key identifier of the issuer.
    pub authority_key: Vec<u8>,
    /// Further extensions: id, critical, value.
    pub extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
}

impl CertificateSpec {
    /// An authority under `issuer`.
    #[must_use]
    pub fn authority(subject: &str, issuer: &str, key: &Key, issuer_key: &Key) -> Self {
        Self {
            serial: Sha256::digest(subject)[..16].to_vec(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            not_before: DEVICE_NOT_BEFORE,
            not_after: NEVER,
            key_info: key.info.clone(),
            constraints: Some((true, None)),
            key_usage: CERT_SIGN | CRL_SIGN,
            purposes: Vec::new(),
            names_list: subject != issuer,
            subject_key: key.identifier(),
            authority_key: issuer_key.identifier(),
            extensions: Vec::new(),
        }
    }

    /// An end entity under `issuer`.
    #[must_use]
    pub fn leaf(subject: &str, issuer: &str, key: &Key, issuer_key: &Key) -> Self {
        Self {
            constraints: None,
            key_usage: DIGITAL_SIGNATURE,
            names_list: false,
            ..Self::authority(subject, issuer, key, issuer_key)
        }
    }

    /// What is signed.
    #[must_use]
    pub fn tbs(&self) -> Vec<u8> {
        let mut extensions = Vec::new();
        let mut push = |id: ObjectIdentifier, critical: bool, value: &[u8]| {
            let flag: &[u8] = if critical { &[1, 1, 0xFF] } else { &[] };
            extensions.extend(sequence(&[&oid(id), flag, &octets(value)]));
        };
        if let Some((ca, length)) = self.constraints {
            let ca: &[u8] = if ca { &[1, 1, 0xFF] } else { &[] };
            let length = length.map(|length| integer(&[length])).unwrap_or_default();
            push(ID_CE_BASIC_CONSTRAINTS, true, &sequence(&[ca, &length]));
        }
        let unused = self.key_usage.trailing_zeros() as u8;
        push(ID_CE_KEY_USAGE, true, &tlv(3, &[&[unused, self.key_usage]]));
        if !self.purposes.is_empty() {
            let purposes: Vec<u8> = self.purposes.iter().flat_map(|purpose| oid(*purpose)).collect();
            push(ID_CE_EXT_KEY_USAGE, true, &sequence(&[&purposes]));
        }
        if self.names_list {
            let location = tlv(0x86, &[b"http://crl.example/list.crl"]);
            let point = sequence(&[&tlv(0xA0, &[&tlv(0xA0, &[&location])])]);
            push(ID_CE_CRL_DISTRIBUTION_POINTS, false, &sequence(&[&point]));
        }
        push(ID_CE_SUBJECT_KEY_IDENTIFIER, false, &octets(&self.subject_key));
        push(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &sequence(&[&tlv(0x80, &[&self.authority_key])]));
        for (id, critical, value) in &self.extensions {
            push(*id, *critical, value);
        }
        sequence(&[
            &tlv(0xA0, &[&integer(&[2])]),
            &integer(&self.serial),
            &ecdsa_with_sha384(),
            &name(&self.issuer),
            &sequence(&[&time(self.not_before), &time(self.not_after)]),
            &name(&self.subject),
            &self.key_info,
            &tlv(0xA3, &[&sequence(&[&extensions])]),
        ])
    }

    /// The certificate, signed.
    #[must_use]
    pub fn sign(&self, issuer: &Key) -> Vec<u8> {
        let tbs = self.tbs();
        sequence(&[&tbs, &ecdsa_with_sha384(), &bits(&issuer.sign_der(&tbs))])
    }
}

/// A key, its certificate, and the key that signs it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its key.
    pub key: Key,
    /// Its certificate.
    pub spec: CertificateSpec,
}

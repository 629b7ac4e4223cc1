//! OCSP responses and revocation lists.

use der::oid::db::{
    rfc5280::{ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS, ID_KP_OCSP_SIGNING},
    rfc5912::ID_SHA_384,
    rfc6960::{ID_PKIX_OCSP_BASIC, ID_PKIX_OCSP_NOCHECK},
};
use sha2::{Digest, Sha384};

use super::{
    encode::{bits, ecdsa_with_sha384, integer, name, octets, oid, sequence, time, tlv},
    pki::{CertificateSpec, Identity, Key},
};

/// What a response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusSpec {
    /// Good.
    Good,
    /// Revoked at a time, for a reason (RFC 5280 code).
    Revoked(u64, Option<u8>),
    /// Not known.
    Unknown,
}

/// Everything in a response but its signature.
#[derive(Clone, Debug)]
pub struct ResponseSpec {
    /// Serial number it speaks about.
    pub serial: Vec<u8>,
    /// Common name of that certificate's issuer.
    pub issuer_name: String,
    /// Subject public key info of the issuer.
    pub issuer_key: Vec<u8>,
    /// What it says.
    pub status: StatusSpec,
    /// When it was made.
    pub this_update: u64,
    /// When it lapses.
    pub next_update: Option<u64>,
    /// The delegated responder; the issuer itself if absent.
    pub responder: Option<Identity>,
    /// Who signs the responder's certificate, or the response without one.
    pub issuer: Key,
    /// Response status, 0 for success.
    pub response_status: u8,
}

impl ResponseSpec {
    /// A good response about `target` of `issuer`, made at `this_update`, for a day.
    #[must_use]
    pub fn new(seed: &[u8; 32], target: &CertificateSpec, issuer: &Identity, this_update: u64) -> Self {
        let subject = format!("NVIDIA OCSP Responder {}", issuer.spec.subject);
        let key = Key::derive(seed, &subject);
        let mut spec = CertificateSpec::leaf(&subject, &issuer.spec.subject, &key, &issuer.key);
        spec.purposes = vec![ID_KP_OCSP_SIGNING];
        spec.extensions = vec![(ID_PKIX_OCSP_NOCHECK, false, vec![5, 0])];
        spec.not_after = this_update + 365 * 86_400_000;
        Self {
            serial: target.serial.clone(),
            issuer_name: issuer.spec.subject.clone(),
            issuer_key: issuer.key.info.clone(),
            status: StatusSpec::Good,
            this_update,
            next_update: Some(this_update + 86_400_000),
            responder: Some(Identity { key, spec }),
            issuer: issuer.key.clone(),
            response_status: 0,
        }
    }

    /// The response in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        if self.response_status != 0 {
            return sequence(&[&tlv(0x0A, &[&[self.response_status]])]);
        }
        let hash = sequence(&[&oid(ID_SHA_384), &[5, 0]]);
        let target = sequence(&[
            &hash,
            &octets(&Sha384::digest(name(&self.issuer_name))),
            &octets(&Sha384::digest(&self.issuer_key[23..])),
            &integer(&self.serial),
        ]);
        let status = match self.status {
            StatusSpec::Good => tlv(0x80, &[]),
            StatusSpec::Unknown => tlv(0x82, &[]),
            StatusSpec::Revoked(at, reason) => {
                let reason = reason.map(|reason| tlv(0xA0, &[&tlv(0x0A, &[&[reason]])])).unwrap_or_default();
                tlv(0xA1, &[&time(at), &reason])
            }
        };
        let next = self.next_update.map(|next| tlv(0xA0, &[&time(next)])).unwrap_or_default();
        let single = sequence(&[&target, &status, &time(self.this_update), &next]);
        let responder_id = tlv(0xA2, &[&octets(&[7; 20])]);
        let data = sequence(&[&responder_id, &time(self.this_update), &sequence(&[&single])]);
        let signer = self.responder.as_ref().map_or(&self.issuer, |responder| &responder.key);
        let certificates =
            self.responder.as_ref().map(|responder| tlv(0xA0, &[&sequence(&[&responder.spec.sign(&self.issuer)])]));
        let basic =
            sequence(&[&data, &ecdsa_with_sha384(), &bits(&signer.sign_der(&data)), &certificates.unwrap_or_default()]);
        let bytes = sequence(&[&oid(ID_PKIX_OCSP_BASIC), &octets(&basic)]);
        sequence(&[&tlv(0x0A, &[&[0]]), &tlv(0xA0, &[&bytes])])
    }
}

/// Everything in a revocation list but its signature.
#[derive(Clone, Debug)]
pub struct ListSpec {
    /// Common name of the issuer.
    pub issuer: String,
    /// Its key.
    pub key: Key,
    /// When it was made.
    pub this_update: u64,
    /// When it lapses.
    pub next_update: Option<u64>,
    /// Serial numbers, times and reasons (RFC 5280 codes).
    pub revoked: Vec<(Vec<u8>, u64, Option<u8>)>,
    /// Whether its number extension is marked critical, which no full list has.
    pub critical: bool,
}

impl ListSpec {
    /// An empty list of `issuer`, made at `this_update`, for sixty days.
    #[must_use]
    pub fn new(issuer: &Identity, this_update: u64) -> Self {
        Self {
            issuer: issuer.spec.subject.clone(),
            key: issuer.key.clone(),
            this_update,
            next_update: Some(this_update + 60 * 86_400_000),
            revoked: Vec::new(),
            critical: false,
        }
    }

    /// The list in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let entry = |(serial, at, reason): &(Vec<u8>, u64, Option<u8>)| {
            let reason = reason
                .map(|reason| sequence(&[&sequence(&[&oid(ID_CE_CRL_REASONS), &octets(&tlv(0x0A, &[&[reason]]))])]));
            sequence(&[&integer(serial), &time(*at), &reason.unwrap_or_default()])
        };
        let entries: Vec<u8> = self.revoked.iter().flat_map(entry).collect();
        let entries = if entries.is_empty() { Vec::new() } else { sequence(&[&entries]) };
        let flag: &[u8] = if self.critical { &[1, 1, 0xFF] } else { &[] };
        let number = sequence(&[&oid(ID_CE_CRL_NUMBER), flag, &octets(&integer(&[1]))]);
        let tbs = sequence(&[
            &integer(&[1]),
            &ecdsa_with_sha384(),
            &name(&self.issuer),
            &time(self.this_update),
            &self.next_update.map(time).unwrap_or_default(),
            &entries,
            &tlv(0xA0, &[&sequence(&[&number])]),
        ]);
        sequence(&[&tbs, &ecdsa_with_sha384(), &bits(&self.key.sign_der(&tbs))])
    }
}

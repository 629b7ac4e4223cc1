//! Certificates and revocation lists in DER (ITU-T X.690, RFC 5280).

use der::{DateTime, asn1::ObjectIdentifier};

use crate::evidence::nvidia::synthetic::encode;
pub(super) use crate::evidence::nvidia::synthetic::encode::{bits, integer, octets};

pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    encode::tlv(tag, &[content])
}

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(super) fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new(text).map(encode::oid).unwrap_or_default()
}

pub(super) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, content)
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = sequence(&[oid("2.5.4.3"), tlv(0x0c, common_name.as_bytes())]);
    sequence(&[tlv(0x31, &attribute)])
}

/// Years from 2050 on as GeneralizedTime, earlier ones as UTCTime (RFC 5280, section 4.1.2.5).
fn time(unix_seconds: u64) -> Vec<u8> {
    let Ok(date) = DateTime::from_unix_duration(std::time::Duration::from_secs(unix_seconds)) else {
        return Vec::new();
    };
    let digits: String = date.to_string().chars().filter(char::is_ascii_digit).collect();
    match digits.split_at_checked(2) {
        Some((_, short)) if date.year() < 2050 => tlv(0x17, format!("{short}Z").as_bytes()),
        _ => tlv(0x18, format!("{digits}Z").as_bytes()),
    }
}

/// RFC 3339 in UTC, as Intel's documents write dates.
pub(super) fn rfc3339(unix_seconds: u64) -> String {
    DateTime::from_unix_duration(std::time::Duration::from_secs(unix_seconds))
        .map(|date| date.to_string())
        .unwrap_or_default()
}

/// Signs DER bytes: the algorithm identifier and the content of the signature's bit string.
pub(super) struct Signer<'a> {
    pub(super) algorithm: Vec<u8>,
    pub(super) sign: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

pub(super) struct Certificate<'a> {
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a str,
    pub(super) subject: &'a str,
    /// Seconds since the epoch.
    pub(super) validity: (u64, u64),
    /// SubjectPublicKeyInfo.
    pub(super) key: Vec<u8>,
    pub(super) is_authority: bool,
    /// OID and DER value.
    pub(super) extensions: Vec<(String, Vec<u8>)>,
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { tlv(0x01, &[0xff]) } else { Vec::new() };
    sequence(&[oid(id), flag, octets(value)])
}

impl Certificate<'_> {
    pub(super) fn sign(&self, signer: &Signer<'_>) -> Vec<u8> {
        let (not_before, not_after) = self.validity;
        let mut extensions = Vec::new();
        if self.is_authority {
            extensions.push(extension("2.5.29.19", true, &sequence(&[tlv(0x01, &[0xff])])));
            // keyCertSign, cRLSign
            extensions.push(extension("2.5.29.15", true, &tlv(0x03, &[1, 0x06])));
        } else {
            extensions.push(extension("2.5.29.15", true, &tlv(0x03, &[7, 0x80])));
        }
        extensions.extend(self.extensions.iter().map(|(id, value)| extension(id, false, value)));
        let to_sign = sequence(&[
            context(0, &integer(&[2])),
            integer(self.serial),
            signer.algorithm.clone(),
            name(self.issuer),
            sequence(&[time(not_before), time(not_after)]),
            name(self.subject),
            self.key.clone(),
            context(3, &sequence(&extensions)),
        ]);
        envelope(to_sign, signer)
    }
}

/// A revocation list, version 2.
pub(super) fn revocation_list(issuer: &str, window: (u64, u64), revoked: &[Vec<u8>], signer: &Signer<'_>) -> Vec<u8> {
    let (this_update, next_update) = window;
    let entries: Vec<Vec<u8>> = revoked.iter().map(|serial| sequence(&[integer(serial), time(this_update)])).collect();
    let number = extension("2.5.29.20", false, &integer(&[1]));
    let to_sign = sequence(&[
        integer(&[1]),
        signer.algorithm.clone(),
        name(issuer),
        time(this_update),
        time(next_update),
        if entries.is_empty() { Vec::new() } else { sequence(&entries) },
        context(0, &sequence(&[number])),
    ]);
    envelope(to_sign, signer)
}

fn envelope(to_sign: Vec<u8>, signer: &Signer<'_>) -> Vec<u8> {
    let signature = (signer.sign)(&to_sign);
    sequence(&[to_sign, signer.algorithm.clone(), bits(&signature)])
}

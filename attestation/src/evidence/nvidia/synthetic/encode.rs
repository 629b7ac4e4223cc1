//! DER, written by hand so that tests can write it wrong.

/// One element: tag, shortest length, content.
#[must_use]
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        short @ 0..0x80 => out.push(short as u8),
        middle @ 0x80..0x100 => out.extend([0x81, middle as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend(content);
    out
}

/// SEQUENCE.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// INTEGER from an unsigned big-endian number.
#[must_use]
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let digits = &bytes[start..];
    let sign: &[u8] = if digits.first().is_some_and(|&first| first >= 0x80) { &[0] } else { &[] };
    tlv(2, &[sign, digits])
}

/// OBJECT IDENTIFIER.
#[must_use]
pub fn oid(oid: der::asn1::ObjectIdentifier) -> Vec<u8> {
    tlv(6, &[oid.as_bytes()])
}

/// BIT STRING of whole bytes.
#[must_use]
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], bytes])
}

/// OCTET STRING.
#[must_use]
pub fn octets(bytes: &[u8]) -> Vec<u8> {
    tlv(4, &[bytes])
}

/// GeneralizedTime from milliseconds since the epoch.
#[must_use]
pub fn time(at_ms: u64) -> Vec<u8> {
    let date = der::DateTime::from_unix_duration(std::time::Duration::from_millis(at_ms)).expect("a year before 10000");
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        date.year(),
        date.month(),
        date.day(),
        date.hour(),
        date.minutes(),
        date.seconds()
    );
    tlv(0x18, &[text.as_bytes()])
}

/// A name of one common name and the organisation "NVIDIA Corporation".
#[must_use]
pub fn name(common_name: &str) -> Vec<u8> {
    use der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
    let attribute = |kind, value: &str| tlv(0x31, &[&sequence(&[&oid(kind), &tlv(0x0C, &[value.as_bytes()])])]);
    sequence(&[&attribute(COMMON_NAME, common_name), &attribute(ORGANIZATION_NAME, "NVIDIA Corporation")])
}

/// AlgorithmIdentifier ecdsa-with-SHA384.
#[must_use]
pub fn ecdsa_with_sha384() -> Vec<u8> {
    sequence(&[&oid(der::oid::db::rfc5912::ECDSA_WITH_SHA_384)])
}

/// Base64 in lines of 64 characters.
#[must_use]
pub fn base64_lines(bytes: &[u8]) -> String {
    use base64ct::Encoding;
    let text = base64ct::Base64::encode_string(bytes);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    lines.join("\n")
}

/// A PEM certificate with a final line end.
#[must_use]
pub fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64_lines(der))
}

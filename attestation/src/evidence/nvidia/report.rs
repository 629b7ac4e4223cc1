//! NVIDIA attestation reports: SPDM 1.1 GET_MEASUREMENTS request and MEASUREMENTS response, concatenated.
//!
//! Layout (DMTF DSP0274 1.1, sections 10.11; little-endian integers), offsets in bytes:
//!
//! | request, 37 bytes | | response | |
//! |---|---|---|---|
//! | 0 | version 0x11 | 0 | version 0x11 |
//! | 1 | code 0xE0 | 1 | code 0x60 |
//! | 2 | param1 0x01, signature asked | 2 | param1, param2: zero |
//! | 3 | param2 0xFF, all measurements | 4 | number of blocks: 64 GPU, 31 switch |
//! | 4 | the verifier's nonce, 32 | 5 | record length L1, 3 bytes |
//! | 36 | slot 0 | 8 | blocks of 55 bytes |
//! | | | 8 + L1 | the device's own nonce, 32 |
//! | | | 40 + L1 | opaque length L2, 2 bytes |
//! | | | 42 + L1 | opaque fields, see [`opaque`](super::opaque) |
//! | | | 42 + L1 + L2 | ECDSA P-384 signature r, s: 96 bytes, big-endian |
//!
//! The signature covers every byte before it and is found by parsing, never by counting from the end. `s` may be above
//! half the order (devices do not normalise it), so a third party can change the bytes of valid evidence: spend evidence
//! by (device identity, request nonce), never by a hash of its bytes.
//!
//! Deviation: both published verifiers let the last of two blocks with one index win; here it is an error.

use super::{
    opaque::{Opaque, OpaqueFields},
    report_error::ReportError,
    signature::{PublicKey, SIGNATURE_BYTES, Signature, SignatureError},
};

/// Most bytes of a report; real ones take 2168 to 4274.
pub const REPORT_BYTES_MAX: usize = 8192;
/// Bytes of a measurement value, SHA-384.
pub const MEASUREMENT_BYTES: usize = 48;
const BLOCK_BYTES: usize = 55;
const GPU_BLOCKS: u8 = 64;
const SWITCH_BLOCKS: u8 = 31;

/// Which kind of device answers with this shape of report. The certificate chain must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A GPU: 64 measurements.
    Gpu,
    /// An NVSwitch: 31 measurements.
    Switch,
}

/// A report whose layout was checked in full. Nothing is authenticated before [`Report::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    kind: DeviceKind,
    request_nonce: [u8; 32],
    responder_nonce: [u8; 32],
    measurements: Vec<[u8; MEASUREMENT_BYTES]>,
    opaque: Opaque,
    signed: Vec<u8>,
    signature: [u8; SIGNATURE_BYTES],
}

impl Report {
    /// Reads exactly one report.
    ///
    /// # Errors
    /// [`ReportError`], one variant per rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReportError> {
        if bytes.len() > REPORT_BYTES_MAX {
            return Err(ReportError::TooLong { max: REPORT_BYTES_MAX, got: bytes.len() });
        }
        let mut reader = Reader(bytes);
        let request_nonce = request(&mut reader)?;
        let (kind, measurements) = measurements(&mut reader)?;
        let responder_nonce = reader.array("responder nonce")?;
        let opaque_length = usize::from(reader.u16("opaque length")?);
        let opaque_bytes = reader.take("opaque data", opaque_length)?;
        let signature = reader.array("signature")?;
        if !reader.0.is_empty() {
            return Err(ReportError::TrailingBytes { extra: reader.0.len() });
        }
        let opaque = Opaque::parse(kind, &OpaqueFields::parse(opaque_bytes)?)?;
        check_extend_counts(&opaque.extend_counts, &measurements)?;
        let signed = bytes.strip_suffix(&signature).unwrap_or_default().to_vec();
        Ok(Self { kind, request_nonce, responder_nonce, measurements, opaque, signed, signature })
    }

    /// Checks the device's signature with the key of the leaf certificate.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        key.verify(&self.signed, &Signature::from_raw(&self.signature)?)
    }

    /// GPU or switch, by the number of measurements.
    #[must_use]
    pub const fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// The nonce that the verifier chose.
    #[must_use]
    pub const fn request_nonce(&self) -> &[u8; 32] {
        &self.request_nonce
    }

    /// The nonce that the device chose.
    #[must_use]
    pub const fn responder_nonce(&self) -> &[u8; 32] {
        &self.responder_nonce
    }

    /// Values in order; position 0 is index 0 of a reference manifest (block index 1).
    #[must_use]
    pub fn measurements(&self) -> &[[u8; MEASUREMENT_BYTES]] {
        &self.measurements
    }

    /// The vendor's fields.
    #[must_use]
    pub const fn opaque(&self) -> &Opaque {
        &self.opaque
    }
}

/// Cursor over untrusted bytes; every step names the field for the error.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, field: &'static str, expected: usize) -> Result<&'a [u8], ReportError> {
        let got = self.0.len();
        let (taken, rest) = self.0.split_at_checked(expected).ok_or(ReportError::Truncated { field, expected, got })?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ReportError> {
        let got = self.0.len();
        let (taken, rest) = self.0.split_first_chunk().ok_or(ReportError::Truncated { field, expected: N, got })?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self, field: &'static str) -> Result<u8, ReportError> {
        self.array(field).map(|[byte]| byte)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, ReportError> {
        self.array(field).map(u16::from_le_bytes)
    }
}

fn request(reader: &mut Reader<'_>) -> Result<[u8; 32], ReportError> {
    header(reader, "request", 0xE0, 0x01, 0xFF)?;
    let nonce = reader.array("request nonce")?;
    match reader.u8("request slot")? {
        0 => Ok(nonce),
        got => Err(ReportError::Slot { got }),
    }
}

fn header(reader: &mut Reader<'_>, message: &'static str, code: u8, param1: u8, param2: u8) -> Result<(), ReportError> {
    let [version, got_code, got_param1, got_param2] = reader.array("message header")?;
    if version != 0x11 {
        return Err(ReportError::Version { message, got: version });
    }
    if got_code != code {
        return Err(ReportError::Code { message, expected: code, got: got_code });
    }
    if got_param1 != param1 {
        return Err(ReportError::Param1 { message, expected: param1, got: got_param1 });
    }
    if got_param2 != param2 {
        return Err(ReportError::Param2 { message, expected: param2, got: got_param2 });
    }
    Ok(())
}

fn measurements(reader: &mut Reader<'_>) -> Result<(DeviceKind, Vec<[u8; MEASUREMENT_BYTES]>), ReportError> {
    header(reader, "response", 0x60, 0, 0)?;
    let blocks = reader.u8("number of blocks")?;
    let kind = match blocks {
        GPU_BLOCKS => DeviceKind::Gpu,
        SWITCH_BLOCKS => DeviceKind::Switch,
        got => return Err(ReportError::BlockCount { got }),
    };
    let [low, middle, high] = reader.array("record length")?;
    let got = usize::try_from(u32::from_le_bytes([low, middle, high, 0])).unwrap_or(usize::MAX);
    let expected = usize::from(blocks).saturating_mul(BLOCK_BYTES);
    if got != expected {
        return Err(ReportError::RecordLength { blocks, expected, got });
    }
    let values = (1..=blocks).map(|index| block(reader, index)).collect::<Result<_, _>>()?;
    Ok((kind, values))
}

fn block(reader: &mut Reader<'_>, expected: u8) -> Result<[u8; MEASUREMENT_BYTES], ReportError> {
    let index = reader.u8("block index")?;
    if index != expected {
        return Err(ReportError::BlockIndex { expected, got: index });
    }
    let specification = reader.u8("block specification")?;
    if specification != 1 {
        return Err(ReportError::BlockSpecification { index, got: specification });
    }
    let size = reader.u16("block size")?;
    if size != 51 {
        return Err(ReportError::BlockSize { index, got: size });
    }
    let value_type = reader.u8("block value type")?;
    if value_type != 1 {
        return Err(ReportError::BlockType { index, got: value_type });
    }
    let value_size = reader.u16("block value size")?;
    if value_size != 48 {
        return Err(ReportError::BlockValueSize { index, got: value_size });
    }
    reader.array("block value")
}

/// Holds on every public report without exception: a value is zero exactly if its register was never extended.
fn check_extend_counts(counts: &[u32], values: &[[u8; MEASUREMENT_BYTES]]) -> Result<(), ReportError> {
    for (index, (&count, value)) in counts.iter().zip(values).enumerate() {
        let zero = value.iter().all(|&byte| byte == 0);
        if zero != (count == 0) {
            return Err(ReportError::ExtendCount { index, count, zero });
        }
    }
    Ok(())
}

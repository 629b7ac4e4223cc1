//! The shape of a TDX quote, read before anything is verified.
//!
//! Source: Intel TDX DCAP Quoting Library API, appendix A (quote format versions 4 and 5). The parser is total, copies
//! nothing and demands that every length lands exactly: nothing lies between the fields, and only zero bytes may follow
//! the signature section, since configfs-tsm and cloud hypervisors hand out fixed-size buffers.

use thiserror::Error;

/// Most bytes of a quote; genuine ones have about 5000.
pub const QUOTE_BYTES_MAX: usize = 16_384;
/// Intel's quoting-enclave vendor id.
pub const INTEL_VENDOR: [u8; 16] =
    [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];
const TEE_SGX: u32 = 0;
const TEE_TDX: u32 = 0x81;
const KEY_ECDSA_P256: u16 = 2;
const DATA_QE_REPORT: u16 = 6;
const DATA_PCK_CHAIN: u16 = 5;
const TD10_BYTES: usize = 584;
const TD15_BYTES: usize = 648;
const TD15_EX_BYTES: usize = 885;

/// Why bytes do not have the shape of a TDX quote.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QuoteError {
    /// Longer than any quote.
    #[error("tdx quote: expected at most {QUOTE_BYTES_MAX} bytes, got {got}")]
    TooLong {
        /// Bytes given.
        got: usize,
    },
    /// The bytes end inside a field, or a length field reaches past its section.
    #[error("tdx quote: {field} needs {expected} bytes, {got} remain")]
    Truncated {
        /// The field.
        field: &'static str,
        /// Bytes it needs.
        expected: usize,
        /// Bytes left.
        got: usize,
    },
    /// A section is longer than what it holds.
    #[error("tdx quote: {extra} bytes after the last field of the {section}")]
    Excess {
        /// The section.
        section: &'static str,
        /// Bytes left over.
        extra: usize,
    },
    /// A quote of an SGX enclave, which says nothing about a TD.
    #[error("tdx quote: version {version} quote of an SGX enclave, expected a TD (TEE type 0x81)")]
    SgxQuote {
        /// Version of the quote.
        version: u16,
    },
    /// Neither version 4 nor 5.
    #[error("tdx quote: expected version 4 or 5, got {got}")]
    Version {
        /// Version found.
        got: u16,
    },
    /// Another TEE.
    #[error("tdx quote: expected TEE type 0x81 (TDX), got {got:#x}")]
    TeeType {
        /// Type found.
        got: u32,
    },
    /// Another signature algorithm.
    #[error("tdx quote: expected attestation key type 2 (ECDSA P-256), got {got}")]
    KeyType {
        /// Type found.
        got: u16,
    },
    /// Signed by a quoting enclave that is not Intel's.
    #[error("tdx quote: the quoting enclave's vendor is not Intel: {}", crate::hex::encode(.got))]
    QeVendor {
        /// Vendor id found.
        got: [u8; 16],
    },
    /// A body of unknown type, or of another size than its type has.
    #[error("tdx quote: body type {body_type} with {size} bytes, expected 2 (584), 3 (648) or 4 (885)")]
    Body {
        /// Type found.
        body_type: u16,
        /// Size found.
        size: u32,
    },
    /// Certification data of another type.
    #[error("tdx quote: {field} has type {got}, expected {expected}")]
    CertificationType {
        /// Which certification data.
        field: &'static str,
        /// Type that TDX quotes carry.
        expected: u16,
        /// Type found.
        got: u16,
    },
    /// Something other than zero padding follows the quote.
    #[error("tdx quote: byte {position} after the signature section is not zero; only zero padding may follow")]
    TrailingBytes {
        /// Offset of the first such byte.
        position: usize,
    },
}

/// The parts of a quote that are looked at here. Nothing is authenticated yet.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
    /// Format version: 4 or 5.
    pub version: u16,
    /// The TD report, of TDX 1.0, with what 1.5 adds after it.
    pub body: Body<'a>,
    /// ECDSA P-256 attestation key, `x || y`.
    pub attestation_key: &'a [u8; 64],
    /// Report of the quoting enclave.
    pub qe_report: &'a [u8; 384],
    /// What the quoting enclave hashes beside the key.
    pub qe_auth_data: &'a [u8],
    /// PEM: PCK certificate, its issuer, the root.
    pub pck_chain: &'a [u8],
    /// The quote without its zero padding.
    pub bytes: &'a [u8],
}

/// Fields of a TD report (Intel TDX module ABI, TDREPORT_STRUCT).
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// TDATTRIBUTES, little-endian.
    pub attributes: u64,
    /// Measurement of the initial TD.
    pub mrtd: &'a [u8; 48],
    /// Run-time measurements 0 to 3.
    pub rtmr: [&'a [u8; 48]; 4],
    /// What the TD chose to have signed.
    pub report_data: &'a [u8; 64],
}

/// Reads fields in order and never past the end.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, field: &'static str, expected: usize) -> Result<&'a [u8], QuoteError> {
        let got = self.rest.len();
        let (bytes, rest) =
            self.rest.split_at_checked(expected).ok_or(QuoteError::Truncated { field, expected, got })?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], QuoteError> {
        let got = self.rest.len();
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(QuoteError::Truncated { field, expected: N, got })?;
        self.rest = rest;
        Ok(bytes)
    }

    fn u16(&mut self, field: &'static str) -> Result<u16, QuoteError> {
        self.array(field).map(|bytes| u16::from_le_bytes(*bytes))
    }

    fn u32(&mut self, field: &'static str) -> Result<u32, QuoteError> {
        self.array(field).map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// A section with a `u32` length before it.
    fn section(&mut self, field: &'static str) -> Result<Reader<'a>, QuoteError> {
        let length = usize::try_from(self.u32(field)?).unwrap_or(usize::MAX);
        Ok(Reader { rest: self.bytes(field, length)? })
    }

    fn end(&self, section: &'static str) -> Result<(), QuoteError> {
        if self.rest.is_empty() { Ok(()) } else { Err(QuoteError::Excess { section, extra: self.rest.len() }) }
    }
}

/// Reads the shape of `bytes`.
///
/// # Errors
/// [`QuoteError`], one variant per rule.
pub fn parse(bytes: &[u8]) -> Result<Quote<'_>, QuoteError> {
    if bytes.len() > QUOTE_BYTES_MAX {
        return Err(QuoteError::TooLong { got: bytes.len() });
    }
    let mut reader = Reader { rest: bytes };
    let version = header(&mut reader)?;
    let body = body(&mut reader, version)?;
    let mut signature = reader.section("signature section")?;
    let padding = reader.rest;
    if let Some(offset) = padding.iter().position(|byte| *byte != 0) {
        return Err(QuoteError::TrailingBytes {
            position: bytes.len().saturating_sub(padding.len()).saturating_add(offset),
        });
    }
    signature.bytes("quote signature", 64)?;
    let attestation_key = signature.array("attestation key")?;
    let mut qe = certification(&mut signature, "quoting-enclave data", DATA_QE_REPORT)?;
    signature.end("signature section")?;
    let qe_report = qe.array("quoting-enclave report")?;
    qe.bytes("quoting-enclave report signature", 64)?;
    let length = usize::from(qe.u16("quoting-enclave authentication data")?);
    let qe_auth_data = qe.bytes("quoting-enclave authentication data", length)?;
    let pck_chain = certification(&mut qe, "PCK certificate chain", DATA_PCK_CHAIN)?.rest;
    qe.end("quoting-enclave data")?;
    let (quote, _) = bytes.split_at_checked(bytes.len().saturating_sub(padding.len())).unwrap_or((bytes, &[]));
    Ok(Quote { version, body, attestation_key, qe_report, qe_auth_data, pck_chain, bytes: quote })
}

fn header(reader: &mut Reader<'_>) -> Result<u16, QuoteError> {
    let version = reader.u16("version")?;
    let key_type = reader.u16("attestation key type")?;
    let tee = reader.u32("TEE type")?;
    reader.bytes("QE and PCE versions", 4)?;
    let vendor: &[u8; 16] = reader.array("QE vendor id")?;
    reader.bytes("user data", 20)?;
    if tee == TEE_SGX {
        return Err(QuoteError::SgxQuote { version });
    }
    if !matches!(version, 4 | 5) {
        return Err(QuoteError::Version { got: version });
    }
    if tee != TEE_TDX {
        return Err(QuoteError::TeeType { got: tee });
    }
    if key_type != KEY_ECDSA_P256 {
        return Err(QuoteError::KeyType { got: key_type });
    }
    if *vendor != INTEL_VENDOR {
        return Err(QuoteError::QeVendor { got: *vendor });
    }
    Ok(version)
}

fn body<'a>(reader: &mut Reader<'a>, version: u16) -> Result<Body<'a>, QuoteError> {
    let length = if version == 4 {
        TD10_BYTES
    } else {
        let (body_type, size) = (reader.u16("body type")?, reader.u32("body size")?);
        match (body_type, usize::try_from(size).unwrap_or(usize::MAX)) {
            (2, TD10_BYTES) => TD10_BYTES,
            (3, TD15_BYTES) => TD15_BYTES,
            (4, TD15_EX_BYTES) => TD15_EX_BYTES,
            _ => return Err(QuoteError::Body { body_type, size }),
        }
    };
    let mut body = Reader { rest: reader.bytes("body", length)? };
    // TEE_TCB_SVN 16, MRSEAM 48, MRSIGNERSEAM 48, SEAMATTRIBUTES 8.
    body.bytes("module fields", 120)?;
    let attributes = u64::from_le_bytes(*body.array("TDATTRIBUTES")?);
    body.bytes("XFAM", 8)?;
    let mrtd = body.array("MRTD")?;
    body.bytes("MRCONFIGID, MROWNER, MROWNERCONFIG", 144)?;
    let rtmr = [body.array("RTMR0")?, body.array("RTMR1")?, body.array("RTMR2")?, body.array("RTMR3")?];
    let report_data = body.array("REPORTDATA")?;
    Ok(Body { attributes, mrtd, rtmr, report_data })
}

fn certification<'a>(reader: &mut Reader<'a>, field: &'static str, expected: u16) -> Result<Reader<'a>, QuoteError> {
    let got = reader.u16(field)?;
    if got != expected {
        return Err(QuoteError::CertificationType { field, expected, got });
    }
    reader.section(field)
}

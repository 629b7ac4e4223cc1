//! Why bytes are not an attestation report.

use thiserror::Error;

use super::version::VersionError;

/// One variant per rule of the report's layout.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReportError {
    /// Longer than any report.
    #[error("report: expected at most {max} bytes, got {got}")]
    TooLong {
        /// The cap.
        max: usize,
        /// Bytes given.
        got: usize,
    },
    /// The bytes end before a field does.
    #[error("report: {field} needs {expected} bytes, {got} are left")]
    Truncated {
        /// The field that does not fit.
        field: &'static str,
        /// Its size.
        expected: usize,
        /// Bytes left.
        got: usize,
    },
    /// Bytes remain after the signature. Some collectors pad; the padding is not signed and is refused.
    #[error("report: {extra} bytes after the signature")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// Not SPDM 1.1.
    #[error("report {message}: expected SPDM version 0x11, got {got:#04x}")]
    Version {
        /// `request` or `response`.
        message: &'static str,
        /// Version found.
        got: u8,
    },
    /// Not GET_MEASUREMENTS and MEASUREMENTS.
    #[error("report {message}: expected code {expected:#04x}, got {got:#04x}")]
    Code {
        /// `request` or `response`.
        message: &'static str,
        /// Code of the message.
        expected: u8,
        /// Code found.
        got: u8,
    },
    /// The request did not ask for a signature, or either message sets reserved bits.
    #[error("report {message}: expected param1 {expected:#04x}, got {got:#04x}")]
    Param1 {
        /// `request` or `response`.
        message: &'static str,
        /// Value required.
        expected: u8,
        /// Value found.
        got: u8,
    },
    /// The request did not ask for all measurements, or the response sets reserved bits.
    #[error("report {message}: expected param2 {expected:#04x}, got {got:#04x}")]
    Param2 {
        /// `request` or `response`.
        message: &'static str,
        /// Value required.
        expected: u8,
        /// Value found.
        got: u8,
    },
    /// Another certificate slot than the device identity's.
    #[error("report request: expected certificate slot 0, got {got}")]
    Slot {
        /// Slot found.
        got: u8,
    },
    /// Neither the 64 blocks of a GPU nor the 31 of a switch.
    #[error("report: expected 64 measurement blocks (GPU) or 31 (switch), got {got}")]
    BlockCount {
        /// Count found.
        got: u8,
    },
    /// The record's length disagrees with its number of blocks.
    #[error("report: the measurement record of {blocks} blocks takes {expected} bytes, its length says {got}")]
    RecordLength {
        /// Number of blocks.
        blocks: u8,
        /// Bytes they take.
        expected: usize,
        /// Length found.
        got: usize,
    },
    /// Indices must count up from 1: no duplicate, no gap, no zero.
    #[error("report: expected measurement block {expected}, got block {got}")]
    BlockIndex {
        /// Index due.
        expected: u8,
        /// Index found.
        got: u8,
    },
    /// Not a DMTF measurement.
    #[error("report block {index}: expected measurement specification 1 (DMTF), got {got}")]
    BlockSpecification {
        /// Block.
        index: u8,
        /// Value found.
        got: u8,
    },
    /// Not the size of a DMTF measurement with a SHA-384 value.
    #[error("report block {index}: expected measurement size 51, got {got}")]
    BlockSize {
        /// Block.
        index: u8,
        /// Value found.
        got: u16,
    },
    /// Not a digest of mutable firmware.
    #[error("report block {index}: expected value type 1 (digest of mutable firmware), got {got:#04x}")]
    BlockType {
        /// Block.
        index: u8,
        /// Value found.
        got: u8,
    },
    /// Not a SHA-384 value.
    #[error("report block {index}: expected value size 48, got {got}")]
    BlockValueSize {
        /// Block.
        index: u8,
        /// Value found.
        got: u16,
    },
    /// An opaque field that no published layout names.
    #[error("report opaque data: unknown field id {id}; a newer version may read it")]
    OpaqueUnknown {
        /// Id found.
        id: u16,
    },
    /// An opaque field twice.
    #[error("report opaque data: {name} (id {id}) appears twice")]
    OpaqueDuplicate {
        /// Id.
        id: u16,
        /// Its name.
        name: &'static str,
    },
    /// An opaque field runs past the opaque data.
    #[error("report opaque data: a field needs {expected} bytes, {got} are left")]
    OpaqueOverrun {
        /// Bytes the field needs.
        expected: usize,
        /// Bytes left.
        got: usize,
    },
    /// An opaque field of another size.
    #[error("report opaque data: {name} (id {id}) cannot have {got} bytes")]
    OpaqueSize {
        /// Id.
        id: u16,
        /// Its name.
        name: &'static str,
        /// Size found.
        got: usize,
    },
    /// An opaque field that every report of this device kind carries is absent.
    #[error("report opaque data: {name} (id {id}) is missing")]
    OpaqueMissing {
        /// Id.
        id: u16,
        /// Its name.
        name: &'static str,
    },
    /// A text that is not printable ASCII with zero padding.
    #[error("report opaque data: {name} is not printable ASCII with zero padding")]
    OpaqueText {
        /// Name of the field.
        name: &'static str,
    },
    /// An opaque field with a value outside its enumeration.
    #[error("report opaque data: {name} has the unknown value {got:#x}")]
    OpaqueValue {
        /// Name of the field.
        name: &'static str,
        /// Value found.
        got: u64,
    },
    /// A newer layout of the opaque data.
    #[error("report opaque data: this version reads layouts 0 and 1, got {got}")]
    OpaqueDataVersion {
        /// Layout found.
        got: u16,
    },
    /// A version that is none.
    #[error("report opaque data: {0}")]
    OpaqueVersion(#[from] VersionError),
    /// A register that was never extended holds a value, or an extended one is all zero.
    #[error("report measurement {index}: extended {count} times, yet the value is {}", if *.zero { "zero" } else { "not zero" })]
    ExtendCount {
        /// Zero-based index, as reference manifests count.
        index: usize,
        /// Times the register was extended.
        count: u32,
        /// Whether the value is all zero.
        zero: bool,
    },
}

//! Driver and VBIOS versions, ordered, in the one spelling that reports and reference manifests share.

use std::{cmp::Ordering, fmt};

use thiserror::Error;

/// Most bytes of a driver version's text.
pub const DRIVER_VERSION_BYTES_MAX: usize = 32;
const DRIVER_PARTS_MAX: usize = 4;
const DRIVER_PART_DIGITS_MAX: usize = 6;

/// Why a text is not a version.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VersionError {
    /// Not `major.minor[.patch[.build]]` in decimal digits.
    #[error("driver version: expected two to four dotted decimal numbers of at most 6 digits, such as 550.90.07")]
    Driver,
    /// Not five hexadecimal bytes.
    #[error("vbios version: expected five dotted bytes in upper-case hexadecimal, such as 96.00.9F.00.01")]
    Vbios,
}

/// A driver version such as `550.90.07`. Compared number by number; leading zeros are kept as written, since they are
/// part of a reference manifest's name.
#[derive(Clone, Debug)]
pub struct DriverVersion {
    text: String,
    parts: [u32; DRIVER_PARTS_MAX],
}

impl DriverVersion {
    /// Reads a dotted decimal version.
    ///
    /// # Errors
    /// [`VersionError::Driver`].
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > DRIVER_VERSION_BYTES_MAX {
            return Err(VersionError::Driver);
        }
        let mut parts = [0; DRIVER_PARTS_MAX];
        let mut slots = parts.iter_mut();
        let mut count = 0_usize;
        for piece in text.split('.') {
            let digits =
                (1..=DRIVER_PART_DIGITS_MAX).contains(&piece.len()) && piece.bytes().all(|b| b.is_ascii_digit());
            let (Some(slot), true) = (slots.next(), digits) else { return Err(VersionError::Driver) };
            *slot = piece.parse().map_err(|_| VersionError::Driver)?;
            count = count.saturating_add(1);
        }
        if count < 2 {
            return Err(VersionError::Driver);
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The version as the report writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for DriverVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for DriverVersion {}

impl PartialOrd for DriverVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DriverVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts.cmp(&other.parts).then_with(|| self.text.cmp(&other.text))
    }
}

impl fmt::Display for DriverVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A VBIOS version such as `96.00.9F.00.01`, most significant byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VbiosVersion(pub [u8; 5]);

impl VbiosVersion {
    /// From the eight bytes of a GPU report: `b[3].b[2].b[1].b[0].b[4]`.
    #[must_use]
    pub const fn from_report(bytes: [u8; 8]) -> Self {
        let [b0, b1, b2, b3, b4, ..] = bytes;
        Self([b3, b2, b1, b0, b4])
    }

    /// Reads `96.00.9F.00.01`; the case of the digits is free, since manifests use both.
    ///
    /// # Errors
    /// [`VersionError::Vbios`].
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let mut bytes = [0; 5];
        let mut pieces = text.split('.');
        for byte in &mut bytes {
            let piece = pieces.next().ok_or(VersionError::Vbios)?;
            let digits = piece.len() == 2 && piece.bytes().all(|b| b.is_ascii_hexdigit());
            *byte = u8::from_str_radix(piece, 16).ok().filter(|_| digits).ok_or(VersionError::Vbios)?;
        }
        if pieces.next().is_some() { Err(VersionError::Vbios) } else { Ok(Self(bytes)) }
    }

    /// The ten digits without dots that a reference manifest's name carries.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

impl fmt::Display for VbiosVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e] = self.0;
        write!(formatter, "{a:02X}.{b:02X}.{c:02X}.{d:02X}.{e:02X}")
    }
}

impl serde::Serialize for DriverVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl serde::Serialize for VbiosVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

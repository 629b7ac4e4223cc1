//! CPU quotes from the kernel: configfs-tsm, and `/dev/sev-guest` where it is missing.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::{CollectError, QuoteSource, ffi};
use crate::{
    bounded::Bytes,
    evidence::{
        hardware::CpuQuote,
        sev_snp::{REPORT_BYTES, SnpEvidence},
        tdx::TdxEvidence,
    },
};

/// Where the kernel keeps quote requests.
pub const TSM_DIRECTORY: &str = "/sys/kernel/config/tsm/report";
/// The SEV-SNP guest device.
pub const SEV_GUEST_DEVICE: &str = "/dev/sev-guest";
/// Header of MSG_REPORT_RSP before the report: status, size, reserved (SEV-SNP firmware ABI).
const RESPONSE_HEADER_BYTES: usize = 32;
/// GUIDs of VCEK and VLEK in the certificate table of an extended report (GHCB specification), as their text reads.
const SIGNING_CERTIFICATES: [[u8; 16]; 2] = [
    [0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd],
    [0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1],
];
const TABLE_ENTRY_BYTES: usize = 24;

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> CollectError + use<> {
    let path = path.to_owned();
    move |source| CollectError::File { path, source }
}

/// Quotes through configfs-tsm, of whichever technology the machine has.
#[derive(Clone, Debug)]
pub struct ConfigfsTsm {
    directory: PathBuf,
    certificate: Option<Vec<u8>>,
}

impl ConfigfsTsm {
    /// The kernel's directory, [`TSM_DIRECTORY`] unless it is mounted elsewhere.
    ///
    /// # Errors
    /// [`CollectError::TsmMissing`].
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, CollectError> {
        let directory = directory.into();
        if !directory.is_dir() {
            return Err(CollectError::TsmMissing { path: directory });
        }
        Ok(Self { directory, certificate: None })
    }

    /// The VCEK or VLEK certificate (DER), for hosts that give none.
    #[must_use]
    pub fn with_certificate(mut self, der: Vec<u8>) -> Self {
        self.certificate = Some(der);
        self
    }
}

/// One request: a directory that the kernel fills, removed when dropped.
struct Request(PathBuf);

impl Drop for Request {
    fn drop(&mut self) {
        // Left behind it costs the kernel some memory until reboot; nothing else depends on it.
        let _ = fs::remove_dir(&self.0);
    }
}

impl Request {
    fn attribute(&self, name: &str) -> Result<Vec<u8>, CollectError> {
        let path = self.0.join(name);
        fs::read(&path).map_err(file_error(&path))
    }

    fn generation(&self) -> Result<u64, CollectError> {
        let text = self.attribute("generation")?;
        let number = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
        number.ok_or_else(|| {
            file_error(&self.0.join("generation"))(io::Error::new(io::ErrorKind::InvalidData, "not a number"))
        })
    }
}

impl QuoteSource for ConfigfsTsm {
    fn quote(&self, report_data: &[u8; 64]) -> Result<CpuQuote, CollectError> {
        let request = Request(self.directory.join(format!("assay-{}", std::process::id())));
        fs::create_dir(&request.0).map_err(file_error(&request.0))?;
        let before = request.generation()?;
        let path = request.0.join("inblob");
        fs::write(&path, report_data).map_err(file_error(&path))?;
        let outblob = request.attribute("outblob")?;
        let provider = request.attribute("provider")?;
        let auxblob = request.attribute("auxblob").unwrap_or_default();
        let (expected, got) = (before.saturating_add(1), request.generation()?);
        if expected != got {
            return Err(CollectError::Interference { path: request.0.clone(), expected, got });
        }
        match String::from_utf8_lossy(&provider).trim() {
            "tdx_guest" => {
                let quote = Bytes::new(outblob).map_err(|source| CollectError::Bound { field: "quote", source })?;
                Ok(CpuQuote::Tdx(TdxEvidence { quote }))
            }
            "sev_guest" => snp_quote(&outblob, self.certificate.as_deref().or_else(|| signing_certificate(&auxblob))),
            other => Err(CollectError::Provider { got: other.to_owned() }),
        }
    }
}

fn snp_quote(report: &[u8], certificate: Option<&[u8]>) -> Result<CpuQuote, CollectError> {
    let certificate = certificate.ok_or(CollectError::SnpCertificateMissing)?;
    let bound = |field| move |source| CollectError::Bound { field, source };
    Ok(CpuQuote::SevSnp(SnpEvidence {
        report: Bytes::new(report).map_err(bound("report"))?,
        certificate: Bytes::new(certificate).map_err(bound("certificate"))?,
    }))
}

/// The VCEK or VLEK in a certificate table: entries of GUID, offset and length, ended by zeros.
fn signing_certificate(table: &[u8]) -> Option<&[u8]> {
    for entry in table.chunks_exact(TABLE_ENTRY_BYTES) {
        let (guid, rest) = entry.split_first_chunk::<16>()?;
        let (offset, rest) = rest.split_first_chunk::<4>()?;
        let (length, _) = rest.split_first_chunk::<4>()?;
        if *guid == [0; 16] {
            return None;
        }
        if SIGNING_CERTIFICATES.iter().any(|known| known == guid || mixed_endian(known) == *guid) {
            let start = usize::try_from(u32::from_le_bytes(*offset)).ok()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            return table.get(start..start.checked_add(length)?);
        }
    }
    None
}

/// The same GUID as Microsoft writes it: the first three fields little-endian. Hosts differ.
fn mixed_endian(guid: &[u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *guid;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

/// Reports through `/dev/sev-guest`, for kernels without configfs-tsm.
#[derive(Debug)]
pub struct SevGuest {
    device: File,
    certificate: Vec<u8>,
}

impl SevGuest {
    /// Opens the device, [`SEV_GUEST_DEVICE`]. The certificate (DER) of the chip's key comes from AMD's key server.
    ///
    /// # Errors
    /// [`CollectError::SevGuestMissing`], [`CollectError::File`].
    pub fn open(path: &Path, certificate: Vec<u8>) -> Result<Self, CollectError> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(device) => Ok(Self { device, certificate }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(CollectError::SevGuestMissing { path: path.to_owned() })
            }
            Err(error) => Err(file_error(path)(error)),
        }
    }
}

impl QuoteSource for SevGuest {
    fn quote(&self, report_data: &[u8; 64]) -> Result<CpuQuote, CollectError> {
        let response =
            ffi::snp_report(&self.device, report_data, 0).map_err(file_error(Path::new(SEV_GUEST_DEVICE)))?;
        let status = response.first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
        if status != 0 {
            return Err(CollectError::SnpStatus { status });
        }
        let end = RESPONSE_HEADER_BYTES.saturating_add(REPORT_BYTES);
        snp_quote(response.get(RESPONSE_HEADER_BYTES..end).unwrap_or_default(), Some(&self.certificate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_table_is_read_in_both_orders_and_never_past_its_end() {
        for guid in [SIGNING_CERTIFICATES[0], mixed_endian(&SIGNING_CERTIFICATES[1])] {
            let mut table = vec![0; 3 * TABLE_ENTRY_BYTES];
            table[..16].fill(7);
            table[24..40].copy_from_slice(&guid);
            table[40..44].copy_from_slice(&72_u32.to_le_bytes());
            table[44..48].copy_from_slice(&3_u32.to_le_bytes());
            table.extend_from_slice(b"der");
            assert_eq!(signing_certificate(&table), Some(b"der".as_slice()));
            table.pop();
            assert_eq!(signing_certificate(&table), None);
            table[40..44].fill(0xff);
            assert_eq!(signing_certificate(&table), None);
        }
        assert_eq!(signing_certificate(&[0; 48]), None);
        assert_eq!(signing_certificate(&[]), None);
    }
}

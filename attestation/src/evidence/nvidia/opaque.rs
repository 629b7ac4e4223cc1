//! The vendor's fields of a report: repeated { id u16 LE, size u16 LE, data }.
//!
//! Every id that a public layout names is known with the sizes it can have; another id, a second field with one id and a
//! size that is not possible are errors. Fields that no public report carries are kept out of [`Opaque`] but are covered
//! by the signature all the same.

use super::{
    report::DeviceKind,
    report_error::ReportError,
    version::{DriverVersion, VbiosVersion},
};

/// Bytes of a physical device identifier.
pub const PDI_BYTES: usize = 8;
/// Physical device identifier: the part of the identity certificate's serial number after its one-byte prefix.
pub type Pdi = [u8; PDI_BYTES];
const SWITCH_GPUS: usize = 8;

/// Id, name, and sizes in bytes that the field can have (inclusive).
type Layout = (u16, &'static str, usize, usize);

const DRIVER_VERSION: Layout = (3, "DRIVER_VERSION", 2, 33);
const GPU_INFO: Layout = (4, "GPU_INFO", 8, 8);
const VBIOS_VERSION: Layout = (6, "VBIOS_VERSION", 8, 14);
const NVDEC0_STATUS: Layout = (11, "NVDEC0_STATUS", 1, 1);
const MSRSCNT: Layout = (12, "MSRSCNT", 4, 256);
const CPRINFO: Layout = (13, "CPRINFO", 4, 4);
const BOARD_ID: Layout = (14, "BOARD_ID", 4, 4);
const CHIP_SKU: Layout = (15, "CHIP_SKU", 1, 16);
const CHIP_SKU_MOD: Layout = (16, "CHIP_SKU_MOD", 1, 16);
const PROJECT: Layout = (17, "PROJECT", 1, 16);
const PROJECT_SKU: Layout = (18, "PROJECT_SKU", 1, 16);
const PROJECT_SKU_MOD: Layout = (19, "PROJECT_SKU_MOD", 1, 16);
const FWID: Layout = (20, "FWID", 48, 48);
const PROTECTED_PCIE_STATUS: Layout = (21, "PROTECTED_PCIE_STATUS", 1, 1);
const SWITCH_PDI: Layout = (22, "SWITCH_PDI", 8, 144);
const DISABLED_PORTS: Layout = (23, "DISABLED_PORTS", 2, 2);
const SWITCH_POSITION: Layout = (24, "SWITCH_POSITION", 2, 2);
const LOCK_STATUS: Layout = (25, "LOCK_STATUS", 2, 2);
const SWITCH_GPU_PDIS: Layout = (26, "SWITCH_GPU_PDIS", 128, 128);
const SYS_ENABLE_STATUS: Layout = (33, "SYS_ENABLE_STATUS", 2, 2);
const OPAQUE_DATA_VERSION: Layout = (34, "OPAQUE_DATA_VERSION", 2, 2);
const CHIP_INFO: Layout = (35, "CHIP_INFO", 2, 16);
const FEATURE_FLAG: Layout = (36, "FEATURE_FLAG", 2, 2);

/// Ids that layouts name and no public report carries; any size.
const UNSEEN: [u16; 9] = [1, 2, 5, 7, 8, 9, 10, 32, 255];

const LAYOUTS: [Layout; 23] = [
    DRIVER_VERSION,
    GPU_INFO,
    VBIOS_VERSION,
    NVDEC0_STATUS,
    MSRSCNT,
    CPRINFO,
    BOARD_ID,
    CHIP_SKU,
    CHIP_SKU_MOD,
    PROJECT,
    PROJECT_SKU,
    PROJECT_SKU_MOD,
    FWID,
    PROTECTED_PCIE_STATUS,
    SWITCH_PDI,
    DISABLED_PORTS,
    SWITCH_POSITION,
    LOCK_STATUS,
    SWITCH_GPU_PDIS,
    SYS_ENABLE_STATUS,
    OPAQUE_DATA_VERSION,
    CHIP_INFO,
    FEATURE_FLAG,
];

/// Fields as they lie in the report, ids known, distinct and sizes possible.
#[derive(Clone, Debug)]
pub struct OpaqueFields<'a>(Vec<(u16, &'a [u8])>);

impl<'a> OpaqueFields<'a> {
    /// Splits opaque data into fields.
    ///
    /// # Errors
    /// [`ReportError`]: overrun, unknown or duplicate id, impossible size.
    pub fn parse(mut bytes: &'a [u8]) -> Result<Self, ReportError> {
        let mut fields: Vec<(u16, &[u8])> = Vec::new();
        while !bytes.is_empty() {
            let got = bytes.len();
            let (&[id0, id1, size0, size1], rest) =
                bytes.split_first_chunk().ok_or(ReportError::OpaqueOverrun { expected: 4, got })?;
            let id = u16::from_le_bytes([id0, id1]);
            let size = usize::from(u16::from_le_bytes([size0, size1]));
            let (data, rest) =
                rest.split_at_checked(size).ok_or(ReportError::OpaqueOverrun { expected: size, got: rest.len() })?;
            let name = match LAYOUTS.iter().find(|layout| layout.0 == id) {
                Some(&(_, name, smallest, largest)) if (smallest..=largest).contains(&size) => name,
                Some(&(_, name, ..)) => return Err(ReportError::OpaqueSize { id, name, got: size }),
                None if UNSEEN.contains(&id) => "a field that no public report carries",
                None => return Err(ReportError::OpaqueUnknown { id }),
            };
            if fields.iter().any(|field| field.0 == id) {
                return Err(ReportError::OpaqueDuplicate { id, name });
            }
            fields.push((id, data));
            bytes = rest;
        }
        Ok(Self(fields))
    }

    fn find(&self, layout: Layout) -> Option<&'a [u8]> {
        self.0.iter().find(|field| field.0 == layout.0).map(|field| field.1)
    }

    fn need(&self, layout: Layout) -> Result<&'a [u8], ReportError> {
        self.find(layout).ok_or(ReportError::OpaqueMissing { id: layout.0, name: layout.1 })
    }

    fn array<const N: usize>(&self, layout: Layout) -> Result<Option<[u8; N]>, ReportError> {
        self.find(layout).map(|data| exact(layout, data)).transpose()
    }

    fn text(&self, layout: Layout) -> Result<Option<String>, ReportError> {
        self.find(layout).map(|data| text(layout, data)).transpose()
    }

    fn number(&self, layout: Layout) -> Result<Option<u16>, ReportError> {
        Ok(self.array(layout)?.map(u16::from_le_bytes))
    }
}

fn exact<const N: usize>(layout: Layout, data: &[u8]) -> Result<[u8; N], ReportError> {
    data.try_into().map_err(|_| ReportError::OpaqueSize { id: layout.0, name: layout.1, got: data.len() })
}

fn text(layout: Layout, data: &[u8]) -> Result<String, ReportError> {
    let length = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let (text, padding) = data.split_at_checked(length).unwrap_or_default();
    if !text.iter().all(u8::is_ascii_graphic) || padding.iter().any(|&byte| byte != 0) {
        return Err(ReportError::OpaqueText { name: layout.1 });
    }
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Whether the first video decoder is on, which decides if measurement 35 is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nvdec0 {
    /// 0xAA.
    Enabled,
    /// 0x55.
    Disabled,
}

/// How the GPU is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Single-GPU pass-through.
    SinglePassThrough,
    /// Multi-GPU pass-through.
    MultiPassThrough,
    /// Protected PCIe: NVLink is in the clear and trust extends to the switches.
    ProtectedPcie,
}

/// Names of a GPU's board and chip, which name its VBIOS manifest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Board {
    /// Project, such as `1010`.
    pub project: String,
    /// Its stock-keeping unit, such as `0200`.
    pub project_sku: String,
    /// The chip's, such as `882`.
    pub chip_sku: String,
}

/// The fields that appraisal uses, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// Driver version; GPUs only.
    pub driver: Option<DriverVersion>,
    /// VBIOS version of the GPU, or firmware version of the switch.
    pub vbios: VbiosVersion,
    /// Video decoder state; GPUs only.
    pub nvdec0: Option<Nvdec0>,
    /// Times that each measurement was extended, from index 0; possibly fewer than there are measurements.
    pub extend_counts: Vec<u32>,
    /// Board and chip; GPUs only.
    pub board: Option<Board>,
    /// Digest of the firmware that holds the attestation key; must equal the leaf certificate's.
    pub fwid: Option<[u8; 48]>,
    /// How the GPU is shared out, by FEATURE_FLAG, or by PROTECTED_PCIE_STATUS in older reports.
    pub feature: Option<Feature>,
    /// Chip name; Blackwell.
    pub chip: Option<String>,
    /// Switches that the GPU is linked to, in port order with repetition, byte order of certificates.
    pub switches: Vec<Pdi>,
    /// The switch's own identifier.
    pub switch: Option<Pdi>,
    /// GPUs that the switch is linked to.
    pub gpus: Vec<Pdi>,
}

impl Opaque {
    /// Reads and checks the fields of a device of this kind.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn parse(kind: DeviceKind, fields: &OpaqueFields<'_>) -> Result<Self, ReportError> {
        let layout = fields.number(OPAQUE_DATA_VERSION)?.unwrap_or(0);
        if layout > 1 {
            return Err(ReportError::OpaqueDataVersion { got: layout });
        }
        let extend_counts = extend_counts(kind, fields.need(MSRSCNT)?)?;
        let fwid = fields.array(FWID)?;
        match kind {
            DeviceKind::Gpu => Self::gpu(fields, extend_counts, fwid),
            DeviceKind::Switch => Self::switch(fields, extend_counts, fwid),
        }
    }

    fn gpu(fields: &OpaqueFields<'_>, extend_counts: Vec<u32>, fwid: Option<[u8; 48]>) -> Result<Self, ReportError> {
        let driver = DriverVersion::parse(&text(DRIVER_VERSION, fields.need(DRIVER_VERSION)?)?)?;
        let vbios = VbiosVersion::from_report(exact(VBIOS_VERSION, fields.need(VBIOS_VERSION)?)?);
        let nvdec0 = match exact(NVDEC0_STATUS, fields.need(NVDEC0_STATUS)?)? {
            [0xAA] => Nvdec0::Enabled,
            [0x55] => Nvdec0::Disabled,
            [got] => return Err(ReportError::OpaqueValue { name: NVDEC0_STATUS.1, got: u64::from(got) }),
        };
        let switches = match fields.find(SWITCH_PDI) {
            Some(data) => reversed_pdis(&exact::<144>(SWITCH_PDI, data)?),
            None => Vec::new(),
        };
        Ok(Self {
            driver: Some(driver),
            vbios,
            nvdec0: Some(nvdec0),
            extend_counts,
            board: Some(Board {
                project: text(PROJECT, fields.need(PROJECT)?)?,
                project_sku: text(PROJECT_SKU, fields.need(PROJECT_SKU)?)?,
                chip_sku: text(CHIP_SKU, fields.need(CHIP_SKU)?)?,
            }),
            fwid,
            feature: feature(fields)?,
            chip: fields.text(CHIP_INFO)?,
            switches,
            switch: None,
            gpus: Vec::new(),
        })
    }

    fn switch(fields: &OpaqueFields<'_>, extend_counts: Vec<u32>, fwid: Option<[u8; 48]>) -> Result<Self, ReportError> {
        let vbios = VbiosVersion::parse(&text(VBIOS_VERSION, fields.need(VBIOS_VERSION)?)?)?;
        let own = exact(SWITCH_PDI, fields.need(SWITCH_PDI)?)?;
        let ports: [u8; 128] = exact(SWITCH_GPU_PDIS, fields.need(SWITCH_GPU_PDIS)?)?;
        let (pdis, _) = ports.as_chunks();
        Ok(Self {
            driver: None,
            vbios,
            nvdec0: None,
            extend_counts,
            board: None,
            fwid,
            feature: None,
            chip: None,
            switches: Vec::new(),
            switch: Some(own),
            gpus: pdis.iter().take(SWITCH_GPUS).copied().collect(),
        })
    }
}

fn extend_counts(kind: DeviceKind, data: &[u8]) -> Result<Vec<u32>, ReportError> {
    let (counts, rest) = data.as_chunks();
    let possible = match kind {
        DeviceKind::Gpu => counts.len() == 64,
        DeviceKind::Switch => counts.len() <= 31,
    };
    if !possible || !rest.is_empty() {
        return Err(ReportError::OpaqueSize { id: MSRSCNT.0, name: MSRSCNT.1, got: data.len() });
    }
    Ok(counts.iter().map(|&count| u32::from_le_bytes(count)).collect())
}

/// GPUs list switches with their bytes reversed.
fn reversed_pdis(data: &[u8]) -> Vec<Pdi> {
    let (pdis, _) = data.as_chunks();
    pdis.iter()
        .map(|&pdi: &Pdi| {
            let mut pdi = pdi;
            pdi.reverse();
            pdi
        })
        .collect()
}

fn feature(fields: &OpaqueFields<'_>) -> Result<Option<Feature>, ReportError> {
    let protected = match fields.array(PROTECTED_PCIE_STATUS)? {
        None => None,
        Some([0x55]) => Some(false),
        Some([0xAA]) => Some(true),
        Some([got]) => {
            return Err(ReportError::OpaqueValue { name: PROTECTED_PCIE_STATUS.1, got: u64::from(got) });
        }
    };
    let flag = match fields.number(FEATURE_FLAG)? {
        None => None,
        Some(0) => Some(Feature::SinglePassThrough),
        Some(1) => Some(Feature::MultiPassThrough),
        Some(2) => Some(Feature::ProtectedPcie),
        Some(got) => return Err(ReportError::OpaqueValue { name: FEATURE_FLAG.1, got: u64::from(got) }),
    };
    Ok(match (flag, protected) {
        // Either field alone turns the requirement for switches on.
        (_, Some(true)) => Some(Feature::ProtectedPcie),
        (Some(flag), _) => Some(flag),
        (None, _) => None,
    })
}

//! The only unsafe code of this crate: calls into NVIDIA's library, loaded when first needed, and one ioctl.
//!
//! Written from the documentation: NVML API reference ("Confidential Computing definitions" and queries) for the types
//! and functions, `Documentation/virt/coco/sev-guest.rst` and `linux/sev-guest.h` for the ioctl. **Not run** on hardware
//! in confidential mode; what tests see is the refusal on machines without it.
#![expect(unsafe_code, reason = "foreign functions and an ioctl have no safe interface")]

use std::{
    ffi::{c_int, c_uint, c_void},
    fs::File,
};

use libloading::Library;
use rustix::ioctl::{Updater, ioctl};

use super::CollectError;

const NVML_LIBRARY: &str = "libnvidia-ml.so.1";
const NVML_SUCCESS: c_int = 0;
const REPORT_BYTES: usize = 0x2000;
const CEC_REPORT_BYTES: usize = 0x1000;
const CHAIN_BYTES: usize = 0x1000;
const ATTESTATION_CHAIN_BYTES: usize = 0x1400;

/// `nvmlConfComputeGpuAttestationReport_t`.
#[repr(C)]
struct GpuAttestationReport {
    is_cec_present: c_uint,
    size: c_uint,
    cec_size: c_uint,
    nonce: [u8; 32],
    report: [u8; REPORT_BYTES],
    cec_report: [u8; CEC_REPORT_BYTES],
}

/// `nvmlConfComputeGpuCertificate_t`.
#[repr(C)]
struct GpuCertificate {
    size: c_uint,
    attestation_size: c_uint,
    chain: [u8; CHAIN_BYTES],
    attestation_chain: [u8; ATTESTATION_CHAIN_BYTES],
}

/// `nvmlConfComputeSystemState_t`.
#[repr(C)]
#[derive(Default)]
struct SystemState {
    environment: c_uint,
    feature: c_uint,
    dev_tools_mode: c_uint,
}

/// State of confidential computing, as the driver tells it; nothing signs this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConfidentialState {
    pub(super) is_on: bool,
    pub(super) is_dev_tools: bool,
}

/// An initialised NVML. Shut down when dropped.
pub(super) struct Nvml {
    library: Library,
}

impl Nvml {
    pub(super) fn open() -> Result<Self, CollectError> {
        // SAFETY: NVIDIA's library has no initialisers beyond those of any C library.
        let library = unsafe { Library::new(NVML_LIBRARY) }
            .map_err(|error| CollectError::NvmlMissing { library: NVML_LIBRARY, cause: error.to_string() })?;
        let nvml = Self { library };
        nvml.call("nvmlInit_v2", |symbol| {
            // SAFETY: `nvmlReturn_t nvmlInit_v2(void)`.
            let init = unsafe { nvml.library.get::<unsafe extern "C" fn() -> c_int>(symbol) }?;
            // SAFETY: as declared above; no argument.
            Ok(unsafe { init() })
        })?;
        Ok(nvml)
    }

    /// Looks a function up, calls it and turns its status into an error.
    fn call(
        &self,
        function: &'static str,
        call: impl FnOnce(&[u8]) -> Result<c_int, libloading::Error>,
    ) -> Result<(), CollectError> {
        let status = call(function.as_bytes())
            .map_err(|error| CollectError::NvmlFunction { function, cause: error.to_string() })?;
        if status == NVML_SUCCESS { Ok(()) } else { Err(CollectError::NvmlStatus { function, status }) }
    }

    pub(super) fn state(&self) -> Result<ConfidentialState, CollectError> {
        let mut state = SystemState::default();
        self.call("nvmlSystemGetConfComputeState", |symbol| {
            // SAFETY: `nvmlReturn_t nvmlSystemGetConfComputeState(nvmlConfComputeSystemState_t *state)`.
            let get = unsafe { self.library.get::<unsafe extern "C" fn(*mut SystemState) -> c_int>(symbol) }?;
            // SAFETY: `state` is a valid, exclusive pointer to the documented struct for the call.
            Ok(unsafe { get(&raw mut state) })
        })?;
        Ok(ConfidentialState { is_on: state.feature != 0, is_dev_tools: state.dev_tools_mode != 0 })
    }

    pub(super) fn count(&self) -> Result<u32, CollectError> {
        let mut count: c_uint = 0;
        self.call("nvmlDeviceGetCount_v2", |symbol| {
            // SAFETY: `nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *deviceCount)`.
            let get = unsafe { self.library.get::<unsafe extern "C" fn(*mut c_uint) -> c_int>(symbol) }?;
            // SAFETY: a valid, exclusive pointer for the call.
            Ok(unsafe { get(&raw mut count) })
        })?;
        Ok(count)
    }

    fn device(&self, index: u32) -> Result<*mut c_void, CollectError> {
        let mut device: *mut c_void = std::ptr::null_mut();
        self.call("nvmlDeviceGetHandleByIndex_v2", |symbol| {
            type Get = unsafe extern "C" fn(c_uint, *mut *mut c_void) -> c_int;
            // SAFETY: `nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)`.
            let get = unsafe { self.library.get::<Get>(symbol) }?;
            // SAFETY: a valid, exclusive pointer to a handle for the call.
            Ok(unsafe { get(index, &raw mut device) })
        })?;
        Ok(device)
    }

    /// The report of GPU number `index`, which answers `nonce`.
    pub(super) fn report(&self, index: u32, nonce: &[u8; 32]) -> Result<Vec<u8>, CollectError> {
        const FUNCTION: &str = "nvmlDeviceGetConfComputeGpuAttestationReport";
        let device = self.device(index)?;
        let mut answer = Box::new(GpuAttestationReport {
            is_cec_present: 0,
            size: 0,
            cec_size: 0,
            nonce: *nonce,
            report: [0; REPORT_BYTES],
            cec_report: [0; CEC_REPORT_BYTES],
        });
        self.call(FUNCTION, |symbol| {
            type Get = unsafe extern "C" fn(*mut c_void, *mut GpuAttestationReport) -> c_int;
            // SAFETY: `nvmlReturn_t f(nvmlDevice_t device, nvmlConfComputeGpuAttestationReport_t *gpuAtstReport)`.
            let get = unsafe { self.library.get::<Get>(symbol) }?;
            // SAFETY: `device` came from the same library; the struct is exclusive and laid out as documented.
            Ok(unsafe { get(device, &raw mut *answer) })
        })?;
        prefix(FUNCTION, &answer.report, answer.size)
    }

    /// The PEM chain of GPU number `index`'s attestation key.
    pub(super) fn chain(&self, index: u32) -> Result<Vec<u8>, CollectError> {
        const FUNCTION: &str = "nvmlDeviceGetConfComputeGpuCertificate";
        let device = self.device(index)?;
        let mut answer = Box::new(GpuCertificate {
            size: 0,
            attestation_size: 0,
            chain: [0; CHAIN_BYTES],
            attestation_chain: [0; ATTESTATION_CHAIN_BYTES],
        });
        self.call(FUNCTION, |symbol| {
            type Get = unsafe extern "C" fn(*mut c_void, *mut GpuCertificate) -> c_int;
            // SAFETY: `nvmlReturn_t f(nvmlDevice_t device, nvmlConfComputeGpuCertificate_t *gpuCert)`.
            let get = unsafe { self.library.get::<Get>(symbol) }?;
            // SAFETY: `device` came from the same library; the struct is exclusive and laid out as documented.
            Ok(unsafe { get(device, &raw mut *answer) })
        })?;
        prefix(FUNCTION, &answer.attestation_chain, answer.attestation_size)
    }
}

impl Drop for Nvml {
    fn drop(&mut self) {
        // A library that does not shut down has nothing left to tell.
        let _ = self.call("nvmlShutdown", |symbol| {
            // SAFETY: `nvmlReturn_t nvmlShutdown(void)`.
            let shutdown = unsafe { self.library.get::<unsafe extern "C" fn() -> c_int>(symbol) }?;
            // SAFETY: as declared above; no argument.
            Ok(unsafe { shutdown() })
        });
    }
}

/// The first `size` bytes, where the library says how many it wrote.
fn prefix(function: &'static str, buffer: &[u8], size: c_uint) -> Result<Vec<u8>, CollectError> {
    let written = usize::try_from(size).unwrap_or(usize::MAX);
    match buffer.get(..written) {
        Some(bytes) if written > 0 => Ok(bytes.to_vec()),
        _ => Err(CollectError::NvmlSize { function, max: buffer.len(), got: written }),
    }
}

/// `struct snp_report_req`.
#[repr(C)]
struct SnpReportRequest {
    user_data: [u8; 64],
    vmpl: u32,
    reserved: [u8; 28],
}

/// `struct snp_report_resp`: the firmware's MSG_REPORT_RSP.
#[repr(C)]
struct SnpReportResponse {
    data: [u8; 4000],
}

/// `struct snp_guest_request_ioctl`.
#[repr(C)]
struct SnpGuestRequest {
    message_version: u8,
    request: u64,
    response: u64,
    exit_information: u64,
}

/// `_IOWR('S', 0x0, struct snp_guest_request_ioctl)`.
const SNP_GET_REPORT: rustix::ioctl::Opcode = rustix::ioctl::opcode::read_write::<SnpGuestRequest>(b'S', 0);

/// MSG_REPORT_RSP of the firmware behind `/dev/sev-guest`.
pub(super) fn snp_report(device: &File, report_data: &[u8; 64], vmpl: u32) -> Result<Vec<u8>, std::io::Error> {
    let request = SnpReportRequest { user_data: *report_data, vmpl, reserved: [0; 28] };
    let mut response = Box::new(SnpReportResponse { data: [0; 4000] });
    let address = |pointer: *const c_void| u64::try_from(pointer.addr()).unwrap_or_default();
    let mut message = SnpGuestRequest {
        message_version: 1,
        request: address((&raw const request).cast()),
        response: address((&raw mut *response).cast_const().cast()),
        exit_information: 0,
    };
    // The kernel gets addresses as numbers, so the compiler must be told that they are used.
    std::hint::black_box((&request, &mut response));
    // SAFETY: the opcode belongs to this struct, both addresses point to live structs of the documented sizes, and
    // nothing else holds them during the call.
    unsafe { ioctl(device, Updater::<SNP_GET_REPORT, SnpGuestRequest>::new(&mut message)) }?;
    std::hint::black_box(&mut response);
    Ok(response.data.to_vec())
}

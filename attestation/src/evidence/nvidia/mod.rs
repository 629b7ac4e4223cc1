//! NVIDIA evidence: reports of GPUs and NVSwitches, the certificates and reference manifests behind them, their
//! revocation, and the vendor's own tokens.

pub mod certificate;
pub mod chain;
pub mod device_chain;
pub mod opaque;
pub mod report;
pub mod report_error;
pub mod signature;
pub mod version;

//! NVIDIA evidence: reports of GPUs and NVSwitches, the certificates and reference manifests behind them, their
//! revocation, and the vendor's own tokens.

mod canonical_xml;
pub mod certificate;
pub mod chain;
pub mod compare;
pub mod device_chain;
pub mod opaque;
pub mod report;
pub mod report_error;
pub mod rim;
pub mod signature;
pub mod version;
pub mod xml;
pub mod xml_signature;

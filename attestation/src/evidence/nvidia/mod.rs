//! NVIDIA evidence: reports of GPUs and NVSwitches, the certificates and reference manifests behind them, their
//! revocation, and the vendor's own tokens.

pub mod appraise;
mod canonical_xml;
pub mod certificate;
pub mod chain;
pub mod claims;
pub mod compare;
pub mod container;
pub mod crl;
pub mod device_chain;
pub mod ocsp;
pub mod opaque;
mod p384;
pub mod report;
pub mod report_error;
pub mod revocation;
pub mod rim;
mod rsa;
pub mod signature;
#[cfg(feature = "synthetic")]
pub mod synthetic;
pub mod token;
pub mod token_key;
pub mod topology;
pub mod version;
pub mod xml;
pub mod xml_signature;

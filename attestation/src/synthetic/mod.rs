//! Synthetic devices for tests and development (feature `synthetic`): complete key infrastructures, reports and
//! documents whose every signature is real, which differ from genuine ones in their roots only.
//!
//! A policy accepts them only if it pins a synthetic root, which no policy of a production chain does.

mod asn1;
#[expect(clippy::expect_used, reason = "errors here are errors of this module; it is built for tests only")]
pub mod machine;
pub mod sev_snp;
pub mod tdx;

pub use machine::SyntheticMachine;
pub use sev_snp::SyntheticSnp;
pub use tdx::SyntheticTdx;

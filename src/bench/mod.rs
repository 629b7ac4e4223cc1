//! Honest measurement: what a proof costs, on which machine, by which build, and how sure the figures are.
//!
//! A run is one file of JSON ([`record`]): every sample is kept, a value that was not measured is left out and never
//! zero, and each time says what it covers. Every proof that is timed is verified, and one with another output must be
//! refused, so that the verifier being timed is one that decides. Memory is measured in a process of its own, because
//! the peak of a process that proves many times says nothing about one proof.

pub(crate) mod accuracy;
pub(crate) mod clock;
pub(crate) mod comparison;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod layers;
pub(crate) mod memory;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod samples;
pub(crate) mod zk;

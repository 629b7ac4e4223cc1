//! Turns a trained float network into an integer bundle.
//!
//! Floats occur here and nowhere else on the way to a proof: what leaves this module is a graph and integer weights,
//! and their meaning is fixed by the reference executor. Importing is the registrant's step; nobody else repeats it, so
//! its arithmetic need not agree across machines (`f64` without transcendental functions does in fact).

pub mod digits;
pub mod network;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod quantise;
pub mod seeded;
#[cfg(feature = "transformer")]
pub mod transformer;

//! Quantised models, their integer semantics and their halo2 circuit.
//!
//! A model is a public [`model::graph::Graph`] (shapes, shifts, tables, layout) and the weights of a bundle. Its meaning
//! is defined once, by the integer reference executor; candle, the circuit's witness and a spot checker's re-run agree
//! with it bit for bit. The circuit is derived from the graph alone ([`layout::Plan`], [`circuit::InferenceCircuit`]):
//! weights never enter it, they are bound through [`committed::CommittedMatrix`].

pub mod circuit;
pub mod committed;
pub mod gadgets;
pub mod layout;
pub mod model;
pub mod opened_row;
pub mod statement;
pub mod witness;

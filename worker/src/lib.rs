//! What a worker does: run a model exactly, as one of the executors that must agree bit for bit.

pub mod executor;

//! Blocks, certificates, determinism, conservation: the machine as an engine meets it.

mod blocks;
mod determinism;
mod engine;
mod explain;
mod sequences;
mod twins;

//! Blocks, certificates, determinism, conservation: the machine as an engine meets it.

mod blocks;
mod determinism;
mod engine;
mod sequences;
mod twins;

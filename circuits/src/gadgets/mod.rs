//! One file per relation. Each gate carries the id of its table in `SPEC.md`.

pub mod arithmetic;
pub mod columns;
pub mod linear;
pub mod lookup;

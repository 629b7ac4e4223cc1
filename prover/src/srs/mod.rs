//! Setup parameters: where they come from.

pub mod generate;

//! Every refusal by its exact variant, and what the accepted transactions do.

mod envelope;
mod hostile;
mod job;
mod lease;
mod model;
mod result;
mod spent;
mod stake;
mod worker;

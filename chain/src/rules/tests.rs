//! Every refusal by its exact variant, and what the accepted transactions do.

mod assignment;
mod device;
mod dispute;
mod envelope;
mod hostile;
mod job;
mod lease;
mod model;
mod result;
mod review;
mod sampled;
mod spent;
mod stake;
mod standing;
mod worker;

//! Every refusal by its exact variant, and what the accepted transactions do.

mod appeal;
mod assignment;
mod canary;
mod device;
mod dispute;
mod envelope;
mod epoch;
mod exchange;
mod governance;
mod hostile;
mod job;
mod lease;
mod model;
mod model_challenge;
mod mutated;
mod result;
mod review;
mod sampled;
mod spent;
mod stake;
mod standing;
mod synthetic;
mod teleport;
mod teleport_waiting;
mod worker;

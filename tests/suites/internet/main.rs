//! The simulated internet: what its kernel program answers is what the truth says,
//! octet by octet, and its counters leave nothing out.

mod answers;
mod campaign;
mod impairments;
mod labels;
mod permutation;
mod reading;
mod refusals;
mod tracing;

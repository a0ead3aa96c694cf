//! Sweeps: which probe is when, and what the replies add up to. Nothing is kept
//! for each probe, and at most a byte for each target.

pub mod aggregate;
pub mod checkpoint;
pub mod histogram;
pub mod patience;
pub mod plan;
pub mod schedule;
pub mod syn;
pub mod targets;

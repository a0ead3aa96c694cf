//! What to send and when, and what the answers mean; sans-IO.

pub mod plan;
pub mod report;

//! Benchmarks: what `cargo xtask bench` runs in the lab.

mod drawing;
mod machine;
pub mod rtt;
pub mod sweep;

pub use machine::{Machine, Watch};

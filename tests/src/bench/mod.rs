//! Benchmarks: what `cargo xtask bench` runs in the lab.

pub mod rtt;

//! Benchmarks: what `cargo xtask bench` runs in the lab.

pub mod adaptive;
mod drawing;
mod folder;
pub mod generator;
mod machine;
mod median;
pub mod ping;
pub mod rtt;
pub mod sweep;

pub use folder::save;
pub use machine::{Machine, Watch};

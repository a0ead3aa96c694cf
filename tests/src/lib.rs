//! What the suites stand on.

pub mod bench;
pub mod lab;
pub mod probe;

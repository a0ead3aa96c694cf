//! What the suites stand on.

pub mod lab;
pub mod probe;

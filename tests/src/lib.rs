//! What the suites stand on.

pub mod bench;
pub mod corpus;
pub mod forgery;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod kernel;
pub mod lab;
pub mod packet;
pub mod probe;
pub mod reference;
pub mod scene;

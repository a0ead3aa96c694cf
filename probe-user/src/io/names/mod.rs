//! Names to addresses and back, by the system's resolver (`/etc/hosts`, DNS, ...).
//!
//! The resolver blocks for as long as it likes, so that it runs on threads of its
//! own, which nothing waits for: neither a probe nor the end of the process.

mod forward;
mod reverse;
mod threads;

pub use forward::{Resolved, resolve};
pub use reverse::Reverse;

//! Which probes of a path can be spared, by what replies have told so far.
//!
//! A path is begun where its target probably is, and probed forward until the path
//! ends or a gap of silence is too long, and backward until a router that this run
//! knows at that distance (Donnet and others, "Efficient Algorithms for Large-Scale
//! Topology Discovery", 2005: Doubletree). What is known of one path is its
//! [`Trail`]; what is known of all, the [`stop_set`]; where targets are, [`hint`].

pub mod hint;
pub mod stop_set;
pub mod trail;

pub use hint::Lesson;
pub use trail::{Rules, Spared, State, Trail};

/// Up to this TTL hops are shared by so many targets that their rate is bounded.
pub const SHARED_TTLS: u8 = 4;

#[cfg(test)]
mod tests;

//! A sweep: very many targets, each seen for moments only.

pub mod targets;

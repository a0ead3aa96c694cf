//! `probe sweep`: arguments to a plan.

mod args;
mod plan;
mod resume;
mod shard;
#[cfg(test)]
mod tests;

pub(crate) use self::{args::SweepArgs, resume::sweep};

//! `probe sweep`: arguments to a plan.

mod args;
mod plan;
mod shard;
#[cfg(test)]
mod tests;

pub(crate) use self::{args::SweepArgs, plan::sweep};

//! `probe sweep`: arguments to a plan.

mod args;
mod plan;
mod shard;

pub(crate) use self::{args::SweepArgs, plan::sweep};

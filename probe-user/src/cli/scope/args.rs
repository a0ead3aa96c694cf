//! The options that say what a sweep covers.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, value_parser};

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Targets")]
pub(crate) struct ScopeArgs {
    /// Networks (10.0.0.0/8), ranges (10.0.0.1-10.0.0.99, 10.0.0.1-99) and addresses
    #[arg(value_name = "TARGET", help_heading = None::<&str>)]
    pub(crate) targets: Vec<String>,
    /// Read targets from a file, one a line, '#' for comments, gzip or zstd as it is; '-': standard input
    #[arg(id = "target_file", long = "targets", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Probe only N random addresses of every /24 (IPv6: every /64) that the targets touch
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=65_536))]
    pub(crate) per_prefix: Option<u32>,
    /// Never probe what this file lists, in the same form; it beats the targets
    #[arg(long, visible_alias = "blocklist", value_name = "FILE")]
    pub(crate) exclude: Option<PathBuf>,
    /// Also probe private networks (RFC 1918, 100.64.0.0/10, 198.18.0.0/15, fc00::/7 and their like)
    #[arg(long)]
    pub(crate) allow_private: bool,
    /// IPv4 targets only (with -6: both, as without either)
    #[arg(short = '4', long = "ipv4")]
    pub(crate) v4: bool,
    /// IPv6 targets only (with -4: both)
    #[arg(short = '6', long = "ipv6")]
    pub(crate) v6: bool,
}

impl ScopeArgs {
    /// Addresses for each prefix.
    pub(super) fn per_prefix(&self) -> Option<NonZeroU32> {
        self.per_prefix.and_then(NonZeroU32::new)
    }
}

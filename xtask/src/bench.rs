//! `cargo xtask bench`: measurements in the lab.

use std::ffi::OsString;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::{ebpf, run, setup};

/// Measure in the lab.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Error of the round-trip time against known hold times and on a wire that answers
    /// at once, beside the floor, ping, fping, mtr, scamper and zmap.
    Rtt {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Probes a second and replies recorded on the simulated internet, beside zmap's,
    /// masscan's and scamper's.
    Sweep {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// What the kernel's generator does and what it costs, beside sockets and zmap, by
    /// batch, rate, format and number of targets.
    Generator {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// What adaptive sweeps spare and what they miss, beside full ones.
    Adaptive {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// What a ping of very many targets costs: processor time, memory, rounds left out.
    Ping {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// A sweep of a million targets, held against the truth about the simulated
    /// internet: wrong, repeated and missing replies.
    Truth {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs a benchmark in place of this process.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    let (binary, rest) = match &arguments.bench {
        Bench::Rtt { arguments } => ("bench-rtt", arguments),
        Bench::Sweep { arguments } => ("bench-sweep", arguments),
        Bench::Generator { arguments } => ("bench-generator", arguments),
        Bench::Adaptive { arguments } => ("bench-adaptive", arguments),
        Bench::Ping { arguments } => ("bench-ping", arguments),
        Bench::Truth { arguments } => ("bench-truth", arguments),
    };
    ebpf::ensure_fresh()?;
    setup::lab()?;
    if let Bench::Rtt { .. } | Bench::Sweep { .. } | Bench::Generator { .. } = arguments.bench {
        setup::peers();
    }
    run::with_lab(binary, rest)
}

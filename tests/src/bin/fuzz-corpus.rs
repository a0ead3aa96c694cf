//! The corpora of fuzzers, between `tests/corpus` and folders as libFuzzer has them.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use probe_tests::fuzz::Target;

/// Copies corpora of fuzz targets.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Writes seeds and kept inputs into a folder.
    Write { target: String, folder: PathBuf },
    /// Keeps the short inputs of a folder.
    Keep {
        target: String,
        folder: PathBuf,
        /// Octets of the longest that is kept.
        #[arg(long, default_value_t = 512)]
        longest: usize,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Write { target, folder } => {
            let count = Target::find(&target)?.write_to(&folder)?;
            eprintln!("{target}: {count} inputs in {}", folder.display());
        }
        Verb::Keep {
            target,
            folder,
            longest,
        } => {
            let count = Target::find(&target)?.keep_from(&folder, longest)?;
            eprintln!("{target}: {count} inputs are kept");
        }
    }
    Ok(())
}

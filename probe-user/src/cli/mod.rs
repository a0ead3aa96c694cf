//! Arguments to a validated plan.
//!
//! ```text
//! args (clap) -> plan ---> engine::plan::Plan
//!                 |- targets (host, list_file, exclude)
//!                 |- scope (targets of a sweep)
//!                 |- files (what is written, beside what is read)
//!                 '- duration, rate, number
//! ```

mod args;
pub mod dry_run;
mod duration;
mod exclude;
mod files;
mod host;
mod list_file;
mod number;
mod plan;
mod rate;
mod scope;
mod sweep;
mod targets;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::{
    Parser,
    error::{ContextKind, ErrorKind},
};

use self::args::{Cli, Command};
use crate::{
    engine::{plan::Plan, sweep::plan::SweepPlan},
    error::{Error, Result},
};

/// What the user asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Probe.
    Run(Box<Plan>),
    /// Probe very many.
    Sweep(Box<SweepPlan>),
    /// Check this host.
    Doctor(Doctor),
}

/// Options of `probe doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doctor {
    /// The only interface to check; `None`: all that are up.
    pub interface: Option<String>,
    /// The clock alone, and what stamps cost by themselves.
    pub clock: bool,
    /// JSON, one object a line, in place of text.
    pub json: bool,
}

/// Reads the arguments, the program's name first, and the files they name.
///
/// Help, version and mistakes of grammar are printed by clap, which ends the
/// process (0, or 2 for a mistake).
///
/// # Errors
/// [`Error::Usage`] for arguments and files that make no plan.
pub fn parse<A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> Result<Request> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => request(cli, &args),
        Err(error) if error.kind() == ErrorKind::ValueValidation => Err(bad_value(&error)),
        Err(error) => error.exit(),
    }
}

fn request(cli: Cli, line: &[OsString]) -> Result<Request> {
    match cli.command {
        Command::Trace(args) => Ok(Request::Run(Box::new(plan::trace(*args)?))),
        Command::Ping(args) => Ok(Request::Run(Box::new(plan::ping(*args)?))),
        Command::Sweep(args) => Ok(Request::Sweep(Box::new(sweep::sweep(*args, line)?))),
        Command::Doctor(args) => Ok(Request::Doctor(Doctor {
            interface: args.interface,
            clock: args.clock,
            json: args.json,
        })),
    }
}

/// A bad value in one line: the option, what was given, what is wrong with it.
fn bad_value(error: &clap::Error) -> Error {
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let option = context(ContextKind::InvalidArg);
    let option = option.split(' ').next().unwrap_or_default();
    let value = context(ContextKind::InvalidValue);
    let why = std::error::Error::source(error).map(ToString::to_string);
    Error::Usage(format!("{option} {value:?}: {}", why.unwrap_or_default()))
}

//! What ends a run, and the exit code that says so.

use std::process::ExitCode;

/// One clear line: what failed, on what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Arguments, files, nothing left to probe.
    #[error("{0}")]
    Usage(String),
    /// Privileges, kernel, attach, interface, no route to the only target.
    #[error("{0}")]
    Environment(String),
    /// Safety limit, disk full, interface gone; what was measured is written.
    #[error("{0}")]
    CutShort(String),
}

/// A result of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// How a run that came to its end went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As planned.
    Done,
    /// A target never answered, or one of several had no name or route.
    Incomplete,
    /// Ended by a signal of this number before the plan's end.
    Stopped(u8),
}

impl Error {
    /// The exit code: 2, 3 or 4.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Environment(_) => 3,
            Self::CutShort(_) => 4,
        })
    }
}

impl Outcome {
    /// The exit code: 0, 1 or 128 and the signal.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Incomplete => 1,
            Self::Stopped(signal) => 128u8.saturating_add(signal),
        })
    }
}

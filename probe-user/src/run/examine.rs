//! `probe doctor`: checks of this host, printed.

use std::io::{ErrorKind, Write as _};

use crate::{
    cli::Doctor,
    error::{Error, Outcome, Result},
    io::doctor::{self, Check},
};

/// Runs the checks and prints them.
pub(super) async fn examine(options: &Doctor) -> Result<Outcome> {
    let checks = if options.clock {
        doctor::examine_clock()
    } else {
        doctor::examine(options.interface.as_deref()).await
    };
    let text = if options.json {
        json(&checks)?
    } else {
        doctor::render(&checks)
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            return Err(Error::CutShort(format!("cannot write the checks: {error}")));
        }
        _ => {}
    }
    if doctor::any_failure(&checks) {
        return Err(Error::Environment(
            "this host is not ready: mend what is marked above".into(),
        ));
    }
    Ok(Outcome::Done)
}

fn json(checks: &[Check]) -> Result<String> {
    let lines: serde_json::Result<Vec<String>> = checks.iter().map(serde_json::to_string).collect();
    lines
        .map(|lines| lines.join("\n") + "\n")
        .map_err(|error| Error::CutShort(format!("cannot write the checks: {error}")))
}

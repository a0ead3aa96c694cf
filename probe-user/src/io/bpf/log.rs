//! What the kernel programs log, for development.

use std::{io::Write as _, time::Duration};

use aya::Ebpf;
use aya_log::EbpfLogger;

use super::load::refused;
use crate::error::{Error, Result};

/// Between two looks at what was logged.
const INTERVAL: Duration = Duration::from_millis(100);

/// The object that PROBE_OBJECT names: one built with its feature `log`.
pub(super) fn object() -> Result<Vec<u8>> {
    let path = std::env::var_os("PROBE_OBJECT").ok_or_else(|| {
        Error::Usage("PROBE_OBJECT is not set: `cargo xtask ebpf --log` makes an object".into())
    })?;
    std::fs::read(&path)
        .map_err(|error| Error::Usage(format!("cannot read {}: {error}", path.display())))
}

/// Prints log lines to standard error from now on; needs a tokio runtime.
pub(super) fn follow(ebpf: &mut Ebpf) -> Result<()> {
    let mut logger = EbpfLogger::init_with_logger(ebpf, StandardError)
        .map_err(|error| refused("follow the programs' log", &error))?;
    tokio::spawn(async move {
        loop {
            logger.flush();
            tokio::time::sleep(INTERVAL).await;
        }
    });
    Ok(())
}

/// A logger that prints lines.
struct StandardError;

impl log::Log for StandardError {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let _ = writeln!(std::io::stderr(), "kernel: {}", record.args());
    }

    fn flush(&self) {}
}

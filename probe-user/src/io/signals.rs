//! What this process was told about signals before it began.

use std::fs;

/// Whether whoever started this process has it ignore a signal, as nohup does with
/// SIGHUP.
pub fn is_ignored(signal: u8) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    mask(&status, "SigIgn:").is_some_and(|mask| mask >> signal.saturating_sub(1) & 1 == 1)
}

/// One of the sets of signals: bit n - 1 is signal n (proc_pid_status(5)).
fn mask(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_read_where_there_is_one() {
        let status = "Name:\tprobe\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert_eq!(mask(status, "SigIgn:"), Some(0x1001));
        assert_eq!(mask(status, "SigCgt:"), None);
        // Rust's runtime ignores SIGPIPE, and nothing stops SIGKILL.
        assert!(is_ignored(13) && !is_ignored(9));
    }
}

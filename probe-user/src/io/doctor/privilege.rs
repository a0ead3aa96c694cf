//! The rights of this process (capabilities(7)).

use std::{env, fs};

use super::Check;
use crate::error::{Error, Result};

/// What a run needs, with the bit's number. Without CAP_PERFMON the verifier
/// forbids the 32-bit arithmetic on packet pointers that the compiler makes.
const NEEDED: [(&str, u32); 4] = [
    ("CAP_BPF", 39),
    ("CAP_PERFMON", 38),
    ("CAP_NET_ADMIN", 12),
    ("CAP_NET_RAW", 13),
];

/// Stands for CAP_BPF and CAP_PERFMON too (bpf_capable() and perfmon_capable() in
/// the kernel).
const CAP_SYS_ADMIN: u32 = 21;

/// Succeeds if this process may load and attach programs and open packet sockets;
/// else one line says what is missing.
pub fn privileges() -> Result<()> {
    match shortfall()? {
        None => Ok(()),
        Some((finding, remedy)) => Err(Error::Environment(format!("{finding}; {remedy}"))),
    }
}

pub(super) fn checks() -> Vec<Check> {
    let name = "privileges";
    let mut checks = vec![match shortfall() {
        Ok(None) => Check::ok(name, NEEDED.map(|(name, _)| name).join(", ")),
        Ok(Some((finding, remedy))) => Check::failure(name, finding, remedy),
        Err(error) => Check::error(name, &error),
    }];
    checks.extend(memory());
    checks
}

/// What is missing and how to get it.
fn shortfall() -> Result<Option<(String, String)>> {
    if is_confined(&read("/proc/self/uid_map")?) {
        return Ok(Some((
            "root of a user namespace may not load BPF programs".to_owned(),
            "run probe in the initial user namespace (a privileged container)".to_owned(),
        )));
    }
    let effective = effective(&read("/proc/self/status")?).unwrap_or(0);
    let missing = missing(effective);
    if missing.is_empty() {
        return Ok(None);
    }
    Ok(Some((
        format!("probe lacks {}", missing.join(", ")),
        remedy(),
    )))
}

fn remedy() -> String {
    let program = env::current_exe().map_or("probe".to_owned(), |path| path.display().to_string());
    format!(
        "run it with sudo, or once: sudo setcap cap_bpf,cap_perfmon,cap_net_admin,cap_net_raw+ep {program}"
    )
}

/// Told only: since Linux 5.11 maps are charged to the cgroup's memory instead.
fn memory() -> Option<Check> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let locked = limits
        .lines()
        .find(|line| line.starts_with("Max locked memory"))?;
    let limit = locked.split_whitespace().nth(3)?;
    Some(Check::ok(
        "locked memory",
        format!("limit {limit} bytes; maps count toward the cgroup's memory instead"),
    ))
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).map_err(|error| {
        Error::Environment(format!(
            "cannot read {path}: {error}; is procfs mounted at /proc?"
        ))
    })
}

/// Whether the process is in another user namespace than the initial one, which
/// maps all identifiers to themselves.
fn is_confined(uid_map: &str) -> bool {
    !uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// The effective set in /proc/self/status.
fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn missing(effective: u64) -> Vec<&'static str> {
    let has = |bit: u32| effective >> bit & 1 == 1;
    let lacks = |(name, bit): (&'static str, u32)| {
        let held = has(bit) || (matches!(name, "CAP_BPF" | "CAP_PERFMON") && has(CAP_SYS_ADMIN));
        (!held).then_some(name)
    };
    NEEDED.into_iter().filter_map(lacks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_set_is_read() {
        let status = "Name:\tprobe\nCapPrm:\t0000000000000001\nCapEff:\t000001fffeffffff\n";
        assert_eq!(effective(status), Some(0x1ff_feff_ffff));
        assert_eq!(effective("Name:\tprobe\n"), None);
        assert_eq!(effective("CapEff:\tnothing\n"), None);
    }

    #[test]
    fn each_missing_capability_is_named() {
        assert_eq!(missing(0x1ff_feff_ffff), [""; 0]);
        let all = ["CAP_BPF", "CAP_PERFMON", "CAP_NET_ADMIN", "CAP_NET_RAW"];
        assert_eq!(missing(0), all);
        assert_eq!(missing(1 << 39 | 1 << 12), ["CAP_PERFMON", "CAP_NET_RAW"]);
        assert_eq!(missing(1 << 21 | 1 << 12 | 1 << 13), [""; 0]);
    }

    #[test]
    fn a_user_namespace_is_told_from_the_initial_one() {
        assert!(!is_confined("         0          0 4294967295\n"));
        assert!(is_confined("         0       1000          1\n"));
        assert!(is_confined("0 0 1000\n1000 100000 64536\n"));
    }
}

//! The kernel: its version, its type information, and what it allows.

use std::{fmt, fs, path::Path};

use super::Check;
use crate::error::{Error, Result};

/// A kernel's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion {
    /// The 6 of 6.18.44.
    pub major: u32,
    /// The 18 of 6.18.44.
    pub minor: u32,
    /// The 44 of 6.18.44.
    pub patch: u32,
}

impl KernelVersion {
    /// The oldest that runs probes: the first with TCX (commit e420bed02507).
    pub const OLDEST: Self = Self {
        major: 6,
        minor: 6,
        patch: 0,
    };

    /// Reads a release as uname(2) has it, such as `6.6.0-rc1+`.
    pub fn parse(release: &str) -> Option<Self> {
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit() && c != '.')
            .next()?
            .split('.')
            .map(str::parse);
        Some(Self {
            major: numbers.next()?.ok()?,
            minor: numbers.next()?.ok()?,
            patch: numbers.next().and_then(|n| n.ok()).unwrap_or(0),
        })
    }

    /// The running kernel's; `None` if /proc does not tell.
    pub fn running() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/sys/kernel/osrelease").ok()?)
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The running kernel's version, if it is one that can run probes.
pub fn kernel_version() -> Result<KernelVersion> {
    match KernelVersion::running() {
        Some(version) if version >= KernelVersion::OLDEST => Ok(version),
        Some(version) => Err(Error::Environment(format!(
            "Linux {version} is too old: probe needs 6.6 or newer (TCX and BPF links); \
             boot a newer kernel"
        ))),
        None => Err(Error::Environment(
            "cannot read the kernel's version in /proc/sys/kernel/osrelease; \
             is procfs mounted at /proc?"
                .to_owned(),
        )),
    }
}

pub(super) fn checks() -> Vec<Check> {
    let mut checks = vec![version(), type_information()];
    checks.extend(unprivileged());
    checks
}

fn version() -> Check {
    match kernel_version() {
        Ok(version) => Check::ok(
            "kernel",
            format!("Linux {version} (6.6 or newer is needed)"),
        ),
        Err(error) => Check::error("kernel", &error),
    }
}

fn type_information() -> Check {
    let path = "/sys/kernel/btf/vmlinux";
    if Path::new(path).exists() {
        return Check::ok("type information", format!("{path} is there"));
    }
    Check::warning(
        "type information",
        format!("no {path}: programs load without the kernel's BTF"),
        "mount sysfs at /sys, or use a kernel with CONFIG_DEBUG_INFO_BTF",
    )
}

/// Told only: probe loads its programs with privileges.
fn unprivileged() -> Option<Check> {
    let value = fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled").ok()?;
    let meaning = match value.trim() {
        "0" => "unprivileged users may load programs too",
        _ => "only privileged users may load programs",
    };
    Some(Check::ok(
        "unprivileged BPF",
        format!(
            "kernel.unprivileged_bpf_disabled is {}: {meaning}",
            value.trim()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_distributions_are_read() {
        let read = |release| {
            let version = KernelVersion::parse(release)?;
            Some((version.major, version.minor, version.patch))
        };
        assert_eq!(read("6.18.44-fc-v657\n"), Some((6, 18, 44)));
        assert_eq!(read("6.6.0-rc1+"), Some((6, 6, 0)));
        assert_eq!(read("5.10.0-8-amd64"), Some((5, 10, 0)));
        assert_eq!(read("6.6+"), Some((6, 6, 0)));
        assert_eq!(read("7.0"), Some((7, 0, 0)));
        assert_eq!(read("linux"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn the_oldest_kernel_is_six_point_six() {
        let new_enough = |release| KernelVersion::parse(release) >= Some(KernelVersion::OLDEST);
        assert!(new_enough("6.6.0-rc1+") && new_enough("6.18.44") && new_enough("10.0.0"));
        assert!(!new_enough("6.5.13") && !new_enough("5.10.0-8-amd64"));
    }
}

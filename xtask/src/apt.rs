//! Debian packages: what is missing is installed, what is there is left alone.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Once,
};

use anyhow::{Result, bail};

use crate::command;

/// A package and the file or program that tells whether it is there.
pub(crate) struct Package {
    /// Its name in Debian.
    pub(crate) name: &'static str,
    /// A program (looked up in `PATH`), or the absolute path of a file.
    pub(crate) provides: &'static str,
}

/// What the lab, the suites and the benchmarks use.
pub(crate) const LAB: &[Package] = &[
    package("iproute2", "ip"),
    package("nftables", "nft"),
    package("ethtool", "ethtool"),
    package("tcpdump", "tcpdump"),
    package("iputils-ping", "ping"),
    package("fping", "fping"),
    package("traceroute", "traceroute"),
    package("mtr-tiny", "mtr"),
    package("prometheus", "promtool"),
];

/// What only a benchmark uses, to compare with; it does without.
pub(crate) const PEERS: &[Package] = &[
    package("zmap", "zmap"),
    package("masscan", "masscan"),
    package("scamper", "scamper"),
];

const fn package(name: &'static str, provides: &'static str) -> Package {
    Package { name, provides }
}

/// Installs the packages of a set that are missing.
pub(crate) fn ensure(set: &str, packages: &[Package]) -> Result<()> {
    let missing: Vec<_> = packages
        .iter()
        .filter(|package| command::find(package.provides).is_none())
        .map(|package| package.name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("{set}: installing {}", missing.join(", "));
    install(&missing)
}

/// Installs packages by name.
pub(crate) fn install(names: &[&str]) -> Result<()> {
    let Some(apt_get) = command::find("apt-get") else {
        bail!(
            "these are missing: {}; install them with this system's package manager",
            names.join(", ")
        );
    };
    update(&apt_get);
    command::run(
        privileged(&apt_get)
            .args(["--quiet", "install", "--yes", "--no-install-recommends"])
            .args(names),
    )
}

/// Whether apt offers all of these packages.
pub(crate) fn offers(names: &[&str]) -> bool {
    if let Some(apt_get) = command::find("apt-get") {
        update(&apt_get);
    }
    Command::new("apt-cache")
        .args(["--quiet", "show"])
        .args(names)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Brings apt's lists up to date, once.
///
/// A failure is only said: the lists may do as they are.
fn update(apt_get: &Path) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = command::run(privileged(apt_get).args(["--quiet", "update"])) {
            eprintln!("warning: {error:#}");
        }
    });
}

/// A program of apt, run as root and without questions.
fn privileged(program: &Path) -> Command {
    let mut command = if command::is_root() {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    };
    command.arg("DEBIAN_FRONTEND=noninteractive").arg(program);
    command.stdin(Stdio::null());
    command
}

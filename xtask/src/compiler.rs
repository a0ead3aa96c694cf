//! A Rust compiler that can build `core` for the kernel.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{apt, cargo, command};

/// Debian's packages of such a compiler, its sources, and LLVM for the linker.
const DEBIAN: &[&str] = &["rustc-web", "rust-web-src", "llvm-22-dev"];

/// Where Debian puts the compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A compiler with the sources of `core`.
pub(crate) struct Compiler {
    /// The cargo to run it with.
    pub(crate) cargo: PathBuf,
    /// The compiler.
    pub(crate) rustc: PathBuf,
    /// Its directory of libraries and sources.
    pub(crate) sysroot: PathBuf,
    /// `objcopy` of LLVM.
    pub(crate) objcopy: PathBuf,
    /// Its version, as it states it.
    pub(crate) version: String,
    /// Major version of its LLVM, which the linker's must equal.
    pub(crate) llvm: u32,
}

/// The compiler of Debian or of rustup; installed if there is neither.
pub(crate) fn ensure() -> Result<Compiler> {
    if let Some(compiler) = find() {
        return Ok(compiler);
    }
    install()?;
    find().context(
        "the compiler just installed cannot build `core` for the kernel: \
         it needs its own sources and LLVM 21, 22 or 23",
    )
}

fn find() -> Option<Compiler> {
    debian().or_else(nightly)
}

fn install() -> Result<()> {
    eprintln!("eBPF tool chain: installing a compiler");
    if command::find("apt-get").is_some() && apt::offers(DEBIAN) {
        return apt::install(DEBIAN);
    }
    let Some(rustup) = command::find("rustup") else {
        bail!(
            "no compiler for the kernel programs: install rustup, or Debian's {}",
            DEBIAN.join(", ")
        );
    };
    command::run(
        Command::new(rustup)
            .args(["toolchain", "install", "nightly"])
            .args(["--profile", "minimal", "--component", "rust-src"]),
    )
}

/// Debian's compiler, if its packages are all there.
fn debian() -> Option<Compiler> {
    let rustc = PathBuf::from(DEBIAN_RUSTC);
    let llvm = llvm_of(&verbose_version(&rustc)?)?;
    let objcopy = PathBuf::from(format!("/usr/lib/llvm-{llvm}/bin/llvm-objcopy"));
    compiler(cargo::program(), rustc, |_| objcopy)
}

/// Rustup's nightly, if it has the component `rust-src`.
fn nightly() -> Option<Compiler> {
    let which = |program: &str| {
        let mut rustup = Command::new("rustup");
        let path = command::output(rustup.args(["which", "--toolchain", "nightly", program]));
        path.ok().map(|path| PathBuf::from(path.trim()))
    };
    let host_tools = |sysroot: &Path| {
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        sysroot.join(format!("lib/rustlib/{host}/bin/rust-objcopy"))
    };
    compiler(which("cargo")?, which("rustc")?, host_tools)
}

/// A compiler, if its sources and `objcopy` are there.
fn compiler(
    cargo: PathBuf,
    rustc: PathBuf,
    objcopy: impl FnOnce(&Path) -> PathBuf,
) -> Option<Compiler> {
    let verbose = verbose_version(&rustc)?;
    let llvm = llvm_of(&verbose).filter(|llvm| (21..=23).contains(llvm))?;
    let sysroot = command::output(Command::new(&rustc).args(["--print", "sysroot"])).ok()?;
    let sysroot = PathBuf::from(sysroot.trim());
    let objcopy = objcopy(&sysroot);
    let core = sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs");
    (core.is_file() && objcopy.is_file()).then(|| Compiler {
        cargo,
        rustc,
        sysroot,
        objcopy,
        version: verbose.lines().next().unwrap_or_default().to_owned(),
        llvm,
    })
}

fn verbose_version(rustc: &Path) -> Option<String> {
    command::output(Command::new(rustc).arg("-vV")).ok()
}

/// The major version of LLVM in what `rustc -vV` says.
fn llvm_of(verbose: &str) -> Option<u32> {
    let version = verbose
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_llvm_is_read() {
        let verbose =
            "rustc 1.96.0 (ac68faa20 2026-05-25)\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(llvm_of(verbose), Some(22));
        assert_eq!(llvm_of("rustc 1.96.0"), None);
    }
}

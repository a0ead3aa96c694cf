//! `bpf-linker`, which links the kernel programs.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{apt, cargo, command, tool_chain, workspace};

/// The version that objects are linked with.
const VERSION: &str = "0.13.0";

/// The linker for objects of LLVM `llvm`; built for this workspace if it is missing.
///
/// It is looked for among the workspace's own tools first, then in `PATH`.
pub(crate) fn ensure(llvm: u32) -> Result<PathBuf> {
    if let Some(linker) = find() {
        return Ok(linker);
    }
    install(llvm)?;
    find().with_context(|| format!("bpf-linker {VERSION} was installed, but does not run"))
}

/// The version as the linker states it.
pub(crate) fn version() -> String {
    format!("bpf-linker {VERSION}")
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    [
        workspace::tools_dir().join("bin"),
        workspace::cargo_home().join("bin"),
    ]
    .into_iter()
    .chain(env::split_paths(&path))
    .map(|dir| dir.join("bpf-linker"))
    .find(|linker| {
        let mut command = Command::new(linker);
        tool_chain::own_environment(&mut command);
        command::output(command.arg("--version")).is_ok_and(|said| said.trim() == version())
    })
}

fn install(llvm: u32) -> Result<()> {
    eprintln!("eBPF tool chain: building bpf-linker {VERSION} (about a minute)");
    let bin = PathBuf::from(format!("/usr/lib/llvm-{llvm}/bin"));
    if !bin.join("llvm-config").is_file() && command::find("llvm-config").is_none() {
        apt::install(&[&format!("llvm-{llvm}-dev")]).with_context(|| {
            format!("no LLVM {llvm} to build with; `cargo binstall bpf-linker@{VERSION}` may do")
        })?;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path)))?;
    let mut command = cargo::cargo();
    tool_chain::own_environment(&mut command);
    command
        .env("PATH", path)
        .args(["install", "bpf-linker", "--version", VERSION, "--locked"])
        .args(["--no-default-features", "--features"])
        .arg(format!("llvm-{llvm}"))
        .arg("--root")
        .arg(workspace::tools_dir());
    command::run(&mut command)
}

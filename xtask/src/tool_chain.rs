//! The eBPF tool chain: what turns `probe-ebpf` into objects for the kernel.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{
    command,
    compiler::{self, Compiler},
    linker, workspace,
};

/// What kernel programs are compiled for: little-endian BPF.
const TARGET: &str = "bpfel-unknown-none";

/// Flags of the compiler and of the linker behind it.
///
/// - Instruction set v3 (kernel 5.1) has 32-bit jumps and compare-and-swap.
/// - Packet fields are unaligned: without the feature, LLVM loads them byte by byte
///   (a quarter more instructions); the verifier checks alignment of packet access
///   only where the processor needs it.
/// - BTF is made from debug information, which is stripped afterwards.
pub(crate) const RUSTFLAGS: &[&str] = &[
    "-Cpanic=abort",
    "-Ctarget-cpu=v3",
    "-Clink-arg=--cpu-features=+allows-misaligned-mem-access",
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
];

/// Variables that are meant for the build that this task runs in.
const FOREIGN_VARIABLES: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// A compiler and a linker of the same LLVM.
pub(crate) struct ToolChain {
    compiler: Compiler,
    linker: PathBuf,
}

impl ToolChain {
    /// The tool chain; what is missing of it is installed.
    pub(crate) fn ensure() -> Result<Self> {
        let compiler = compiler::ensure()?;
        let linker = linker::ensure(compiler.llvm)?;
        Ok(Self { compiler, linker })
    }

    /// Compiler and linker, with their versions.
    pub(crate) fn versions(&self) -> (String, String) {
        let compiler = format!("{}, LLVM {}", self.compiler.version, self.compiler.llvm);
        (compiler, linker::version())
    }

    /// Builds all binaries of a package; the directory that they are in, one for
    /// each feature.
    pub(crate) fn build(&self, package: &str, feature: Option<&str>) -> Result<PathBuf> {
        command::run(self.cargo().args(["fetch", "--locked"]))?;
        let folder = feature.map_or("ebpf".to_owned(), |feature| format!("ebpf-{feature}"));
        let target_dir = workspace::target_dir().join(folder);
        let mut cargo = self.cargo();
        cargo
            .env("RUSTC", &self.compiler.rustc)
            // Both compilers are told to allow what only a nightly does.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", self.rustflags().join("\x1f"))
            .args(["build", "--release", "--locked", "-Zbuild-std=core"])
            .args(["--target", TARGET, "--package", package, "--bins"])
            .arg("--target-dir")
            .arg(&target_dir)
            .args(feature.map(|feature| format!("--features={feature}")));
        command::run(&mut cargo)?;
        Ok(target_dir.join(TARGET).join("release"))
    }

    /// Copies an object without debug information; BTF, symbols and relocations stay.
    pub(crate) fn strip(&self, from: &Path, to: &Path) -> Result<()> {
        let mut objcopy = Command::new(&self.compiler.objcopy);
        objcopy
            .env("LD_LIBRARY_PATH", self.compiler.sysroot.join("lib"))
            .arg("--strip-debug")
            .args([from, to]);
        command::output(&mut objcopy)?;
        let content = fs::read(to)?;
        for (place, _) in self.places() {
            let place = place.display().to_string();
            if content
                .windows(place.len())
                .any(|window| window == place.as_bytes())
            {
                bail!("{} names {place}, a path of this machine", from.display());
            }
        }
        Ok(())
    }

    /// Cargo, with the linker first in its `PATH`.
    fn cargo(&self) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        let linker_dir = self.linker.parent().map(Path::to_path_buf);
        let mut cargo = Command::new(&self.compiler.cargo);
        own_environment(&mut cargo);
        if let Ok(path) = env::join_paths(linker_dir.into_iter().chain(env::split_paths(&path))) {
            cargo.env("PATH", path);
        }
        cargo.current_dir(workspace::root());
        cargo
    }

    fn rustflags(&self) -> Vec<String> {
        let places = self.places().into_iter();
        let remap =
            places.map(|(place, name)| format!("--remap-path-prefix={}={name}", place.display()));
        RUSTFLAGS
            .iter()
            .map(|&flag| flag.to_owned())
            .chain(remap)
            .collect()
    }

    /// Paths of this machine, and what objects name them instead; the last match counts.
    fn places(&self) -> Vec<(PathBuf, &'static str)> {
        let sources = self.compiler.sysroot.join("lib/rustlib/src/rust");
        let registry = workspace::cargo_home().join("registry/src");
        let registries = fs::read_dir(&registry).into_iter().flatten().flatten();
        let mut places = vec![
            (workspace::root().to_path_buf(), "."),
            (workspace::target_dir(), "target"),
            (registry, "crates"),
        ];
        places.extend(registries.map(|registry| (registry.path(), "crates")));
        places.extend(sources.canonicalize().ok().map(|sources| (sources, "rust")));
        places.push((sources, "rust"));
        places
    }
}

/// Takes away what the surrounding build told its own compiler.
pub(crate) fn own_environment(command: &mut Command) {
    for variable in FOREIGN_VARIABLES {
        command.env_remove(variable);
    }
}

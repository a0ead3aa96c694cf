//! `cargo xtask fuzz`: libFuzzer on what reads octets of others.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::{cargo, command, suites::PACKAGE, tool_chain, workspace};

/// The version of `cargo-fuzz` that is installed if none is there.
const VERSION: &str = "0.13.2";

/// The package of the fuzzers.
const FUZZERS: &str = "tests/fuzz";

/// The program that copies corpora.
const CORPUS: &str = "fuzz-corpus";

/// Run fuzzers.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to fuzz; without it all, one after another.
    #[arg(value_enum)]
    target: Option<Target>,
    /// Executions of each.
    #[arg(long, default_value_t = 1_000_000, value_name = "N")]
    runs: u64,
    /// Longest input, in octets.
    #[arg(long, default_value_t = 1_024, value_name = "OCTETS")]
    longest: u32,
    /// With AddressSanitizer: slower, and sees errors of memory in dependencies too.
    #[arg(long)]
    address: bool,
    /// Keep the least set of inputs that reaches as much (`tests/corpus/fuzz`).
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Packets, to receivers and stamps.
    Packet,
    /// ICMP extensions.
    Extension,
    /// Lists of targets, and of those to spare.
    Lists,
    /// Checkpoints of sweeps.
    Checkpoint,
    /// Expressions of `--select`.
    Selection,
}

impl Target {
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// Runs fuzzers; fails at the first finding, and says which input it is.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    let fuzzer = Fuzzer {
        program: ensure()?,
        address: arguments.address,
    };
    let targets = match arguments.target {
        Some(target) => vec![target],
        None => Target::value_variants().to_vec(),
    };
    let corpus = cargo::build_binary_with(&[], PACKAGE, CORPUS)?;
    for target in targets {
        fuzzer.run(target, arguments, &corpus)?;
    }
    Ok(())
}

struct Fuzzer {
    program: PathBuf,
    address: bool,
}

impl Fuzzer {
    fn run(&self, target: Target, arguments: &Arguments, corpus: &Path) -> Result<()> {
        let name = target.name();
        let folder = directory().join("corpus").join(&name);
        let findings = directory().join("findings").join(&name);
        fs::create_dir_all(&findings)?;
        command::run(Command::new(corpus).args(["write", &name]).arg(&folder))?;
        let mut run = self.cargo_fuzz("run");
        run.arg(&name).arg(&folder).arg("--");
        run.arg(format!("-runs={}", arguments.runs));
        run.arg(format!("-max_len={}", arguments.longest));
        run.arg(format!("-artifact_prefix={}/", findings.display()));
        run.args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
        command::run(&mut run).with_context(|| {
            format!(
                "what was found is in {}: mend it, and add the input to tests/corpus/fuzz/{name}.hex",
                findings.display()
            )
        })?;
        if !arguments.keep {
            return Ok(());
        }
        command::run(self.cargo_fuzz("cmin").arg(&name).arg(&folder))?;
        command::run(Command::new(corpus).args(["keep", &name]).arg(&folder))
    }

    /// `cargo fuzz VERB` with its options. The flags that it gives the compiler are
    /// a nightly's; the stable one of this workspace is told to take them.
    fn cargo_fuzz(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        tool_chain::own_environment(&mut command);
        command
            .current_dir(workspace::root())
            .env("RUSTC_BOOTSTRAP", "1")
            .args(["fuzz", verb, "--fuzz-dir", FUZZERS, "--target-dir"])
            .arg(directory().join("build"))
            .arg("--debug-assertions")
            .args(["--sanitizer", if self.address { "address" } else { "none" }]);
        command
    }
}

/// Where fuzzers are built, and keep what they try and find.
fn directory() -> PathBuf {
    workspace::target_dir().join("fuzz")
}

/// The path of `cargo-fuzz`; installed for this workspace if it is missing.
pub(crate) fn ensure() -> Result<PathBuf> {
    let own = workspace::tools_dir().join("bin/cargo-fuzz");
    if own.is_file() {
        return Ok(own);
    }
    if let Some(program) = command::find("cargo-fuzz") {
        return Ok(program);
    }
    eprintln!("fuzzing: building cargo-fuzz {VERSION} (about a minute)");
    let mut install = cargo::cargo();
    tool_chain::own_environment(&mut install);
    install.args(["install", "cargo-fuzz", "--version", VERSION, "--locked"]);
    command::run(install.arg("--root").arg(workspace::tools_dir()))?;
    if !own.is_file() {
        bail!(
            "cargo-fuzz {VERSION} was installed, but is not at {}",
            own.display()
        );
    }
    Ok(own)
}

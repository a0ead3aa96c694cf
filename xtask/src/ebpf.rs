//! `cargo xtask ebpf`: builds the kernel programs and commits the objects.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    manifest::{Manifest, OBJECTS, Object},
    sources,
    tool_chain::ToolChain,
};

/// Build the kernel programs into the committed objects.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only say whether the objects are fresh: exit code 1 if one is stale.
    #[arg(long)]
    check: bool,
    /// Build an object that logs, for development, beside the committed ones.
    #[arg(long, conflicts_with = "check")]
    log: bool,
}

/// Builds the objects, or checks them.
pub(crate) fn main(arguments: &Arguments) -> Result<()> {
    if arguments.check {
        return check();
    }
    if arguments.log {
        return build_logging();
    }
    build(&sources::hash()?)
}

/// Builds the object that logs, and says how to use it.
fn build_logging() -> Result<()> {
    let directory = ToolChain::ensure()?.build("probe-ebpf", Some("log"))?;
    let object = directory.join(OBJECTS[0].binary);
    println!(
        "PROBE_OBJECT={} cargo run -p probe-user --features log -- ping 127.0.0.1",
        object.display()
    );
    Ok(())
}

/// Rebuilds the objects if one of them is stale.
pub(crate) fn ensure_fresh() -> Result<()> {
    let sources = sources::hash()?;
    let stale = stale(&sources);
    if stale.is_empty() {
        return Ok(());
    }
    eprintln!("{}: rebuilding", stale.join("; "));
    build(&sources)
}

/// Fails if a committed object is stale.
pub(crate) fn check() -> Result<()> {
    let stale = stale(&sources::hash()?);
    if stale.is_empty() {
        eprintln!("the committed objects are fresh");
        return Ok(());
    }
    bail!(
        "{}; run `cargo xtask ebpf` and commit the result",
        stale.join("; ")
    )
}

fn stale(sources: &str) -> Vec<String> {
    OBJECTS
        .iter()
        .filter_map(|object| {
            let reason = object.stale(sources)?;
            Some(format!("{} is stale: {reason}", object.path))
        })
        .collect()
}

fn build(sources: &str) -> Result<()> {
    let tool_chain = ToolChain::ensure()?;
    let directory = tool_chain.build("probe-ebpf", None)?;
    for object in &OBJECTS {
        install(&tool_chain, object, &directory, sources)?;
    }
    Ok(())
}

/// Puts a built object and its manifest in place.
fn install(tool_chain: &ToolChain, object: &Object, directory: &Path, sources: &str) -> Result<()> {
    let file = object.file();
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    let stripped = directory.join(format!("{}.stripped", object.binary));
    tool_chain.strip(&directory.join(object.binary), &stripped)?;
    let content = fs::read(&stripped)?;
    fs::write(&file, &content).with_context(|| format!("cannot write {}", file.display()))?;
    let (compiler, linker) = tool_chain.versions();
    object.describe(&Manifest {
        sources: sources.to_owned(),
        object: sources::hash_of(&content),
        compiler,
        linker,
    })?;
    eprintln!("{}: {} bytes", object.path, content.len());
    Ok(())
}

//! What the kernel programs are built from, and its hash.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::{
    lockfile::{self, Lockfile},
    tool_chain::RUSTFLAGS,
    workspace,
};

/// The crates that the kernel programs are built from.
const CRATES: [&str; 2] = ["probe-ebpf", "probe-common"];

/// Named pieces of source; the order in which they are added does not matter.
#[derive(Default)]
struct Sources(BTreeMap<String, Vec<u8>>);

impl Sources {
    fn add(&mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(name.into(), content.into());
    }

    /// SHA-256 over names and contents, each behind its length.
    fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (name, content) in &self.0 {
            for part in [name.as_bytes(), content] {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        hexadecimal(&hash.finalize())
    }
}

/// The hash of all that decides what the objects are, but the tool chain: the
/// Rust files and manifests of both crates, the locked packages that they are
/// built from, the workspace's settings for those and for releases, and the
/// compiler's flags. Both objects have the same sources.
pub(crate) fn hash() -> Result<String> {
    let mut sources = Sources::default();
    let mut roots = Vec::new();
    for package in CRATES {
        let manifest = read(&format!("{package}/Cargo.toml"))?;
        roots.push((package, lockfile::normal_dependencies(&parse(&manifest)?)));
        sources.add(format!("{package}/Cargo.toml"), manifest);
        let directory = workspace::root().join(package).join("src");
        for file in rust_files(&directory)? {
            let name = relative(&file);
            sources.add(name.as_str(), read(&name)?);
        }
    }
    let packages = Lockfile::parse(&read("Cargo.lock")?)?.closure(&roots);
    sources.add("Cargo.lock", join(&packages));
    let names = roots.into_iter().flat_map(|(_, names)| names).collect();
    sources.add(
        "Cargo.toml",
        settings(&parse(&read("Cargo.toml")?)?, &names),
    );
    sources.add("RUSTFLAGS", RUSTFLAGS.join("\n"));
    Ok(sources.hash())
}

/// SHA-256 of a file's content.
pub(crate) fn hash_of(content: &[u8]) -> String {
    hexadecimal(&Sha256::digest(content))
}

/// All Rust files below a directory, sorted.
pub(crate) fn rust_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        let entries = fs::read_dir(&directory)
            .with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A path as seen from the workspace's root.
pub(crate) fn relative(path: &Path) -> String {
    let path = path.strip_prefix(workspace::root()).unwrap_or(path);
    path.display().to_string()
}

/// What the root manifest says about these dependencies, the edition and releases.
fn settings(manifest: &Table, dependencies: &BTreeSet<String>) -> String {
    let workspace = manifest.get("workspace");
    let mut lines: Vec<String> = dependencies
        .iter()
        .filter_map(|name| {
            Some(format!(
                "{name} = {}",
                workspace?.get("dependencies")?.get(name)?
            ))
        })
        .collect();
    let edition = workspace.and_then(|workspace| workspace.get("package")?.get("edition"));
    let release = manifest
        .get("profile")
        .and_then(|profile| profile.get("release"));
    lines.extend(edition.map(Value::to_string));
    lines.extend(release.map(Value::to_string));
    lines.join("\n")
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(workspace::root().join(name)).with_context(|| format!("cannot read {name}"))
}

fn parse(manifest: &str) -> Result<Table> {
    manifest.parse().context("cannot read a Cargo.toml")
}

fn join(lines: &BTreeSet<String>) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(pieces: &[(&str, &str)]) -> String {
        let mut sources = Sources::default();
        for (name, content) in pieces {
            sources.add(*name, *content);
        }
        sources.hash()
    }

    #[test]
    fn the_hash_does_not_depend_on_the_order_of_files() {
        let forward = sources(&[("a.rs", "1"), ("b.rs", "2")]);
        assert_eq!(forward, sources(&[("b.rs", "2"), ("a.rs", "1")]));
    }

    #[test]
    fn the_hash_tells_where_text_stands() {
        let before = sources(&[("a.rs", "12"), ("b.rs", "")]);
        assert_ne!(before, sources(&[("a.rs", "1"), ("b.rs", "2")]));
        assert_ne!(before, sources(&[("a.rs", "12"), ("c.rs", "")]));
    }

    #[test]
    fn settings_of_other_packages_do_not_matter() {
        let names = BTreeSet::from(["aya-ebpf".to_owned()]);
        let of = |text: &str| settings(&text.parse().unwrap(), &names);
        let base = of("[workspace.dependencies]\naya-ebpf = \"1\"\nclap = \"4\"");
        assert_eq!(
            base,
            of("[workspace.dependencies]\naya-ebpf = \"1\"\nclap = \"5\"")
        );
        assert_ne!(
            base,
            of("[workspace.dependencies]\naya-ebpf = \"2\"\nclap = \"4\"")
        );
    }
}

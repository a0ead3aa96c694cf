//! Which entries of `Cargo.lock` a package is built from.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use toml::Table;

/// `Cargo.lock`, as far as it matters here.
#[derive(Deserialize)]
pub(crate) struct Lockfile {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lockfile {
    /// Reads the text of a lock file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("cannot read Cargo.lock")
    }

    /// One line (name, version, checksum) for each outside package that `roots`
    /// are built from. A lock file does not tell the dependencies of tests from
    /// the others, so the roots (packages of the workspace) come with the names
    /// that their manifests build with.
    pub(crate) fn closure(&self, roots: &[(&str, BTreeSet<String>)]) -> BTreeSet<String> {
        let mut open: Vec<&str> = Vec::new();
        for (name, normal) in roots {
            let packages = self.package.iter().filter(|package| package.name == *name);
            open.extend(
                packages
                    .flat_map(|package| &package.dependencies)
                    .map(String::as_str)
                    .filter(|dependency| normal.contains(name_of(dependency))),
            );
        }
        let mut lines = BTreeSet::new();
        while let Some(package) = open.pop().map(|dependency| self.find(dependency)) {
            let outside = package.filter(|package| package.source.is_some());
            let Some(package) = outside else { continue };
            if lines.insert(package.line()) {
                open.extend(package.dependencies.iter().map(String::as_str));
            }
        }
        lines
    }

    /// The package that an entry `name [version [(source)]]` means.
    fn find(&self, dependency: &str) -> Option<&Package> {
        let version = dependency.split(' ').nth(1);
        self.package.iter().find(|package| {
            package.name == name_of(dependency)
                && version.is_none_or(|version| package.version == version)
        })
    }
}

impl Package {
    fn line(&self) -> String {
        let checksum = self.checksum.as_deref().unwrap_or("-");
        format!("{} {} {checksum}", self.name, self.version)
    }
}

fn name_of(dependency: &str) -> &str {
    dependency.split(' ').next().unwrap_or(dependency)
}

/// The names that a manifest always builds with: neither tests' nor optional ones.
pub(crate) fn normal_dependencies(manifest: &Table) -> BTreeSet<String> {
    let optional = |entry: &toml::Value| entry.get("optional").and_then(toml::Value::as_bool);
    ["dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flatten()
        .filter(|(_, entry)| optional(entry) != Some(true))
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        package = [
            { name = "kernel", version = "0.1.0", dependencies = ["binding 2.0.0", "checker"] },
            { name = "binding", version = "1.0.0", source = "r", checksum = "old" },
            { name = "binding", version = "2.0.0", source = "r", checksum = "new", dependencies = ["leaf"] },
            { name = "checker", version = "3.0.0", source = "r", checksum = "c" },
            { name = "leaf", version = "4.0.0", source = "r", checksum = "l" },
        ]
    "#;

    #[test]
    fn what_only_tests_use_is_left_out() {
        let manifest: Table =
            "[dependencies]\nbinding = \"2\"\n[dev-dependencies]\nchecker = \"3\""
                .parse()
                .unwrap();
        let lock = Lockfile::parse(LOCK).unwrap();
        let closure = lock.closure(&[("kernel", normal_dependencies(&manifest))]);
        let lines: Vec<_> = closure.iter().map(String::as_str).collect();
        assert_eq!(lines, ["binding 2.0.0 new", "leaf 4.0.0 l"]);
    }

    #[test]
    fn an_optional_dependency_is_left_out() {
        let manifest: Table = "[dependencies]\na = \"1\"\nb = { version = \"1\", optional = true }"
            .parse()
            .unwrap();
        assert_eq!(normal_dependencies(&manifest), BTreeSet::from(["a".into()]));
    }
}

//! The suites: integration tests of the package `probe-tests`.
//!
//! Those that need root say so in `tests/Cargo.toml`, so that `cargo test` leaves
//! them out: `[[test]]` with `path = "suites/….rs"`, `required-features = ["root"]`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{cargo, command};

/// The package of the suites.
pub(crate) const PACKAGE: &str = "probe-tests";

/// The feature that suites for root require.
pub(crate) const ROOT_FEATURE: &str = "root";

/// The suites by the rights they need.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Suites {
    /// Those that need root.
    pub(crate) privileged: Vec<String>,
    /// Those that run anywhere.
    pub(crate) unprivileged: Vec<String>,
    /// Whether the package has the feature that suites for root require.
    pub(crate) has_root_feature: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    #[serde(default, rename = "required-features")]
    required_features: Vec<String>,
}

impl Suites {
    /// Asks cargo for the suites.
    pub(crate) fn find() -> Result<Self> {
        let mut cargo = cargo::cargo();
        cargo.args(["metadata", "--no-deps", "--format-version=1"]);
        Self::parse(&command::output(&mut cargo)?)
    }

    /// Fails, with the names there are, unless there is a suite `name`.
    pub(crate) fn require(&self, name: &str) -> Result<()> {
        let mut all = self.privileged.iter().chain(&self.unprivileged);
        if all.any(|suite| suite == name) {
            return Ok(());
        }
        let names = [&self.privileged[..], &self.unprivileged[..]].concat();
        bail!("no suite {name}; there are: {}", names.join(", "));
    }

    fn parse(metadata: &str) -> Result<Self> {
        let metadata: Metadata =
            serde_json::from_str(metadata).context("cannot read what `cargo metadata` says")?;
        let mut suites = Self::default();
        let packages = metadata.packages.into_iter();
        for package in packages.filter(|package| package.name == PACKAGE) {
            suites.has_root_feature = package.features.contains_key(ROOT_FEATURE);
            let tests = package.targets.into_iter();
            for test in tests.filter(|target| target.kind.iter().any(|kind| kind == "test")) {
                let privileged = test
                    .required_features
                    .iter()
                    .any(|name| name == ROOT_FEATURE);
                if privileged {
                    suites.privileged.push(test.name);
                } else {
                    suites.unprivileged.push(test.name);
                }
            }
        }
        Ok(suites)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_told_apart_by_the_feature_they_require() {
        let metadata = r#"{"packages":[
            {"name":"probe-tests","features":{"root":[]},"targets":[
                {"name":"probe_tests","kind":["lib"]},
                {"name":"cli","kind":["test"]},
                {"name":"trace","kind":["test"],"required-features":["root"]}]},
            {"name":"other","features":{},"targets":[{"name":"x","kind":["test"]}]}]}"#;
        let suites = Suites::parse(metadata).unwrap();
        assert_eq!(suites.privileged, ["trace"]);
        assert_eq!(suites.unprivileged, ["cli"]);
        assert!(suites.has_root_feature);
        assert!(suites.require("cli").is_ok());
        assert!(suites.require("x").is_err());
    }
}

//! The committed objects, and the manifests that say what they were built from.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{sources, workspace};

/// A committed object.
pub(crate) struct Object {
    /// The binary of `probe-ebpf` that it is.
    pub(crate) binary: &'static str,
    /// Where it is committed, from the workspace's root.
    pub(crate) path: &'static str,
}

/// All committed objects.
pub(crate) const OBJECTS: [Object; 2] = [
    Object {
        binary: "probe-programs",
        path: "probe-user/object/probe.bpf.o",
    },
    Object {
        binary: "lab-programs",
        path: "tests/object/lab.bpf.o",
    },
];

/// What an object was built from; a TOML file beside it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// SHA-256 of the sources.
    pub(crate) sources: String,
    /// SHA-256 of the object.
    pub(crate) object: String,
    /// Version of the compiler.
    pub(crate) compiler: String,
    /// Version of the linker.
    pub(crate) linker: String,
}

impl Object {
    /// The object's file.
    pub(crate) fn file(&self) -> PathBuf {
        workspace::root().join(self.path)
    }

    /// Why the object is stale, if it is.
    pub(crate) fn stale(&self, sources: &str) -> Option<&'static str> {
        let (Ok(object), Ok(manifest)) = (fs::read(self.file()), self.manifest()) else {
            return Some("it or its manifest is missing");
        };
        manifest.stale(sources, &sources::hash_of(&object))
    }

    /// Writes the manifest.
    pub(crate) fn describe(&self, manifest: &Manifest) -> Result<()> {
        let path = self.manifest_file();
        let text = toml::to_string(manifest)?;
        fs::write(&path, format!("# Written by `cargo xtask ebpf`.\n{text}"))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn manifest(&self) -> Result<Manifest> {
        Ok(toml::from_str(&fs::read_to_string(self.manifest_file())?)?)
    }

    fn manifest_file(&self) -> PathBuf {
        self.file().with_extension("toml")
    }
}

impl Manifest {
    fn stale(&self, sources: &str, object: &str) -> Option<&'static str> {
        if self.sources != sources {
            return Some("its sources have changed");
        }
        (self.object != object).then_some("it is not the object that its manifest describes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_fresh_only_with_its_own_sources_and_manifest() {
        let manifest = Manifest {
            sources: "s".into(),
            object: "o".into(),
            compiler: "rustc".into(),
            linker: "bpf-linker".into(),
        };
        assert_eq!(manifest.stale("s", "o"), None);
        assert!(manifest.stale("changed", "o").is_some());
        assert!(manifest.stale("s", "exchanged").is_some());
        let text = toml::to_string(&manifest).unwrap();
        assert_eq!(toml::from_str::<Manifest>(&text).unwrap(), manifest);
    }
}

//! Where things are.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The directory of the workspace's `Cargo.toml`.
///
/// Cargo says where it is when it starts this task; what was compiled in may be
/// another checkout's, where two share a target directory.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let compiled_in = || OsString::from(env!("CARGO_MANIFEST_DIR"));
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(compiled_in);
        let package = PathBuf::from(package);
        package.parent().map_or(package.clone(), Path::to_path_buf)
    });
    &ROOT
}

/// The directory that cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Root of the tools that set-up installs for this workspace alone.
pub(crate) fn tools_dir() -> PathBuf {
    root().join("target/tools")
}

/// Cargo's home.
pub(crate) fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default());
    env::var_os("CARGO_HOME").map_or_else(|| home().join(".cargo"), PathBuf::from)
}

/// Whether this is a run of continuous integration.
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

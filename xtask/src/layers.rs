//! The workspace's own rules: which layer may name what, where `unsafe` may
//! stand, how files are called and how long they get.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    sources,
    tokens::{self, Token},
    workspace,
};

/// Layers without input and output: what is measured and told, not how.
const PURE_LAYERS: [&str; 2] = ["probe-user/src/engine", "probe-user/src/sink"];

/// What would give a pure layer a clock, a socket, a file or a kernel.
const IMPURE: &[&[&str]] = &[
    &["aya"],
    &["libc"],
    &["tokio"],
    &["rtnetlink"],
    &["TcpListener"],
    &["TcpStream"],
    &["UdpSocket"],
    &["UnixDatagram"],
    &["UnixListener"],
    &["UnixStream"],
    &["fs"],
    &["Instant", ":", ":", "now"],
    &["SystemTime", ":", ":", "now"],
];

/// The only files with `unsafe`: each is small, and about one thing that the kernel asks for.
const UNSAFE_ISLANDS: &[&str] = &[
    "probe-ebpf/src/atomic.rs",
    "probe-ebpf/src/clock.rs",
    "probe-ebpf/src/cursor.rs",
    "probe-ebpf/src/floor.rs",
    "probe-ebpf/src/frame.rs",
    "probe-ebpf/src/generate/maps.rs",
    "probe-ebpf/src/maps.rs",
    "probe-ebpf/src/opaque.rs",
    "probe-ebpf/src/trails.rs",
    "probe-ebpf/src/lab/floor_generator.rs",
    "probe-ebpf/src/lab/hold.rs",
    "probe-ebpf/src/lab/maps.rs",
    "probe-ebpf/src/lab/resize.rs",
    "probe-user/src/io/clock.rs",
    "probe-user/src/io/doctor/private.rs",
    "probe-user/src/io/generator/live.rs",
    "probe-user/src/io/mapped.rs",
    "probe-user/src/io/pod.rs",
    "probe-user/src/io/ring/mapping.rs",
    "probe-user/src/io/ring/mod.rs",
    "probe-user/src/io/transmit/ring.rs",
    "probe-user/src/io/transmit/socket.rs",
    "tests/src/lab/packet_socket.rs",
];

/// Names that say nothing of what a file holds.
const EMPTY_NAMES: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

/// Longest file, in lines.
const MAX_LINES: usize = 500;

/// The directories with Rust files.
const MEMBERS: [&str; 5] = ["probe-common", "probe-ebpf", "probe-user", "tests", "xtask"];

/// The file that forbids `unsafe` for the whole of its crate.
const FORBIDDING_CRATE: &str = "probe-common/src/lib.rs";

/// All breaches of the rules in the workspace, one line each.
pub(crate) fn breaches() -> Result<Vec<String>> {
    let mut breaches = Vec::new();
    for member in MEMBERS {
        for file in sources::rust_files(&workspace::root().join(member))? {
            let name = sources::relative(&file);
            let source =
                fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
            breaches.extend(breaches_of(&name, &source));
        }
    }
    Ok(breaches)
}

/// The breaches of one file.
fn breaches_of(name: &str, source: &str) -> Vec<String> {
    let tokens = match tokens::tokens(source) {
        Ok(tokens) => tokens,
        Err(error) => return vec![format!("{name}: not Rust: {error:#}")],
    };
    [
        impure(name, &tokens),
        misplaced_unsafe(name, &tokens),
        missing_forbid(name, &tokens),
        empty_name(name),
        too_long(name, source),
    ]
    .concat()
}

fn impure(name: &str, tokens: &[Token]) -> Vec<String> {
    let Some(layer) = PURE_LAYERS.iter().find(|layer| lies_in(name, layer)) else {
        return Vec::new();
    };
    let breach = |pattern: &&[&str], line| {
        let pattern = pattern.concat();
        format!("{name}:{line}: `{pattern}` in {layer}, which has no clock, socket, file or kernel")
    };
    let found = |pattern| tokens::find(tokens, pattern).into_iter();
    IMPURE
        .iter()
        .flat_map(|pattern| found(pattern).map(move |line| breach(pattern, line)))
        .collect()
}

/// Unsafe attributes are left to the compiler's lint `unsafe_code`.
fn misplaced_unsafe(name: &str, tokens: &[Token]) -> Vec<String> {
    if UNSAFE_ISLANDS.contains(&name) {
        return Vec::new();
    }
    let attributes = tokens::find(tokens, &["[", "unsafe", "("]);
    tokens::find(tokens, &["unsafe"])
        .into_iter()
        .filter(|line| !attributes.contains(line))
        .map(|line| format!("{name}:{line}: `unsafe` outside its islands"))
        .collect()
}

fn missing_forbid(name: &str, tokens: &[Token]) -> Vec<String> {
    let forbids = !tokens::find(tokens, &["forbid", "(", "unsafe_code", ")"]).is_empty();
    if name != FORBIDDING_CRATE || forbids {
        return Vec::new();
    }
    vec![format!(
        "{name}:1: this crate must have `#![forbid(unsafe_code)]`"
    )]
}

fn empty_name(name: &str) -> Vec<String> {
    let parts = Path::new(name).with_extension("");
    parts
        .iter()
        .filter_map(|part| part.to_str())
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| format!("{name}:1: `{part}` does not say what the module holds"))
        .collect()
}

fn too_long(name: &str, source: &str) -> Vec<String> {
    let lines = source.lines().count();
    if lines <= MAX_LINES {
        return Vec::new();
    }
    vec![format!(
        "{name}:{MAX_LINES}: {lines} lines, more than {MAX_LINES}: split it"
    )]
}

/// Whether a file is the module `layer` or lies in it.
fn lies_in(name: &str, layer: &str) -> bool {
    name.strip_prefix(layer)
        .is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "probe-user/src/engine/pace.rs";

    #[test]
    fn a_planted_clock_in_the_engine_is_found_with_its_line() {
        let breaches = breaches_of(
            ENGINE,
            "fn f() {\n    let t = std::time::Instant::now();\n}",
        );
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].starts_with("probe-user/src/engine/pace.rs:2: `Instant::now`"));
    }

    #[test]
    fn sockets_files_and_the_kernel_are_kept_out_of_pure_layers_only() {
        let source =
            "use std::{fs, net::UdpSocket};\nuse aya::Ebpf;\nuse tokio::net;\nuse libc::c_int;";
        assert_eq!(breaches_of(ENGINE, source).len(), 5);
        assert_eq!(breaches_of("probe-user/src/sink.rs", source).len(), 5);
        assert!(breaches_of("probe-user/src/io/tx.rs", source).is_empty());
    }

    #[test]
    fn a_pure_layer_may_speak_of_what_it_may_not_use() {
        let source = "//! No tokio, no `std::fs`.\nuse std::time::{Duration, Instant};";
        assert!(breaches_of(ENGINE, source).is_empty());
    }

    #[test]
    fn unsafe_stands_in_its_islands_only() {
        let source = "fn f() {\n    unsafe { g() }\n}";
        let breaches = breaches_of("probe-user/src/run.rs", source);
        assert_eq!(
            breaches,
            ["probe-user/src/run.rs:2: `unsafe` outside its islands"]
        );
        assert!(breaches_of(UNSAFE_ISLANDS[0], source).is_empty());
    }

    #[test]
    fn the_shared_crate_forbids_unsafe() {
        assert_eq!(breaches_of(FORBIDDING_CRATE, "#![no_std]").len(), 1);
        assert!(breaches_of(FORBIDDING_CRATE, "#![forbid(unsafe_code)]").is_empty());
    }

    #[test]
    fn empty_names_and_long_files_are_found() {
        assert_eq!(breaches_of("tests/src/utils/net.rs", "").len(), 1);
        assert!(breaches_of("probe-common/src/slot.rs", "").is_empty());
        assert_eq!(breaches_of("tests/src/lib.rs", &"\n".repeat(501)).len(), 1);
        assert!(breaches_of("tests/src/lib.rs", &"\n".repeat(500)).is_empty());
    }
}

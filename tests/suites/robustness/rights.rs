//! Started by somebody without rights.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};
use tempfile::TempDir;

use crate::assert_one_line;

const NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// The program where anybody may start it.
fn copy() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("probe");
    fs::copy(std::env::var_os("PROBE_BIN").unwrap(), &program).unwrap();
    (folder, program)
}

#[test]
fn nobody_is_told_what_is_missing() {
    let lab = Lab::chain(1).build().unwrap();
    let (_folder, program) = copy();
    for (job, family) in [("trace", Family::V4), ("ping", Family::V6)] {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::people(lab.vantage(), job).through(NOBODY);
        let probe = probe.for_anybody().program(program.clone());
        let run = probe.to(target).run().unwrap();
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(3), ""),
            "{}",
            run.stderr
        );
        assert_one_line(&run, &["CAP_"]);
    }
}

#[test]
fn nobody_may_ask_what_would_be_done() {
    let lab = Lab::chain(1).build().unwrap();
    let (_folder, program) = copy();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::people(lab.vantage(), "trace").through(NOBODY);
        let run = probe
            .program(program.clone())
            .args(["--dry-run"])
            .to(target)
            .run()
            .unwrap();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert!(run.stdout.contains(&target.to_string()));
    }
}

#[test]
fn the_capabilities_alone_are_enough() {
    let lab = Lab::chain(1).build().unwrap();
    let (_folder, program) = copy();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let capabilities = "+net_raw,+net_admin,+bpf,+perfmon";
        let wrapper = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            &format!("--inh-caps=-all,{capabilities}"),
            &format!("--ambient-caps=-all,{capabilities}"),
        ];
        let probe = Probe::ping(lab.vantage())
            .through(wrapper)
            .program(program.clone());
        let probe = probe.args(["-c", "5", "-i", "10ms"]).for_anybody();
        let run = probe.to(target).run().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.ping().unwrap().received, 5);
    }
}

//! Nobody reads any more, or there is no room to write.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
};

use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};
use serde_json::Value;

use crate::{CONTINUOUS, assert_one_line};

#[test]
fn a_reader_that_has_had_enough_ends_the_run_in_peace() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(CONTINUOUS).piped();
        let mut running = probe.to(target).start().unwrap();
        let mut first = String::new();
        let output = running.take_stdout().unwrap();
        BufReader::new(output).read_line(&mut first).unwrap();
        let run = running.wait().unwrap();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert!(serde_json::from_str::<Value>(&first).unwrap()["kind"] == "echo-reply");
    }
}

#[test]
fn a_table_that_nobody_reads_is_no_error() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for job in ["trace", "ping"] {
            let probe = Probe::people(lab.vantage(), job).args(["--no-dns", "--interval", "10ms"]);
            let mut running = probe.piped().to(target).start().unwrap();
            drop(running.take_stdout());
            let run = running.wait().unwrap();
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{job}");
        }
    }
}

#[test]
fn a_full_disk_ends_the_run_and_every_line_is_whole() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (disk, kept) = (folder.path().join("disk"), folder.path().join("kept"));
        fs::create_dir(&disk).unwrap();
        // The small disk is there for this process alone: what is on it is saved.
        let script = format!(
            "mount -t tmpfs -o size=32k small {disk} && \"$0\" \"$@\"; code=$?; \
             cp {disk}/out {kept}; exit $code",
            disk = disk.display(),
            kept = kept.display()
        );
        let output = disk.join("out");
        let probe = Probe::ping(lab.vantage())
            .args(CONTINUOUS)
            .args([OsStr::new("--output"), output.as_os_str()]);
        let probe = probe.through(["unshare", "-m", "sh", "-c", &script]);
        let run = probe.to(target).run().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert_one_line(&run, &["space"]);
        let text = fs::read_to_string(kept).unwrap();
        assert!(text.ends_with('\n'), "{text}");
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let written = lines.map(Result::unwrap).count() as u64;
        let counters = run.counters().unwrap();
        assert!(written > 20 && counters.unwritten > 0, "{counters:#?}");
        assert_eq!(written, counters.recorded, "{counters:#?}");
    }
}

#[test]
fn a_device_that_is_always_full() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for job in ["trace", "ping"] {
            let probe = Probe::people(lab.vantage(), job).args(["--output", "/dev/full", "-n"]);
            let run = probe.args(["--interval", "10ms"]).to(target).run();
            let run = run.unwrap();
            assert_eq!(run.code, Some(4), "{job}: {}", run.stderr);
            assert_one_line(&run, &["space"]);
        }
    }
}

#[test]
fn a_folder_that_is_not_there_is_told_before_anything_is_sent() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::ping(lab.vantage()).args(["--output", "/nonexistent/out"]);
        let run = probe.to(target).run().unwrap();
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert_one_line(&run, &["/nonexistent/out"]);
    }
}

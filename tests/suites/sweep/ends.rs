//! Ends that nobody planned.

use std::{fs, io::Read as _, time::Duration};

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab},
    probe::{Probe, Running},
};

#[test]
fn an_interface_that_goes_down_ends_the_sweep_with_what_was_measured() {
    for family in Family::ALL {
        let lab = Lab::chain(1).build().unwrap();
        let target = lab.address(family, "target").unwrap();
        let mut running = Probe::sweep(lab.vantage())
            .args(["--rate", "500", "--probes", "10000", "--max-ttl", "2"])
            .args(["--round-interval", "0"])
            .to(target)
            .start()
            .unwrap();
        running.wait_for_lines(50).unwrap();
        let links = lab.vantage().run("ip", &["-br", "link"]).unwrap();
        let device = links.lines().find(|line| !line.starts_with("lo")).unwrap();
        let device = device.split(['@', ' ']).next().unwrap();
        lab.vantage()
            .run("ip", &["link", "set", device, "down"])
            .unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("went down"), "{}", run.stderr);
        assert!(run.replies().unwrap().len() >= 50);
    }
}

#[test]
fn a_reader_that_has_had_enough_ends_the_sweep_in_peace() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let mut running = Probe::sweep(lab.vantage())
            .args(["--rate", "500", "--probes", "100000", "--max-ttl", "2"])
            .args(["--round-interval", "0"])
            .to(target)
            .piped()
            .start()
            .unwrap();
        let mut pipe = running.take_stdout().unwrap();
        let mut some = [0; 64];
        pipe.read_exact(&mut some).unwrap();
        drop(pipe);
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let counters = run.counters().unwrap();
        assert!(counters.unwritten > 0, "{counters:#?}");
    }
}

#[test]
fn a_reader_that_reads_no_more_does_not_hold_up_the_end() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let status = tempfile::NamedTempFile::new().unwrap();
        let target = lab.address(family, "target").unwrap();
        let mut running = Probe::sweep(lab.vantage())
            .args(["--rate", "5k", "--probes", "100000", "--max-ttl", "2"])
            .args(["--round-interval", "0", "--timeout", "200ms"])
            .args(["--status-file"])
            .args([status.path()])
            .to(target)
            .piped()
            .start()
            .unwrap();
        // Open to the end, and never read.
        let _pipe = running.take_stdout().unwrap();
        let wait = |_: &mut Running| {
            let waiting = crate::status::column(status.path(), "waiting");
            Ok(waiting.last() > Some(&1_000))
        };
        running.wait_until("1,000 that wait", wait).unwrap();
        let run = running.insist(Signal::SIGINT).unwrap();
        assert_eq!(run.code, Some(130), "{}", run.stderr);
        let counters = run.counters().unwrap();
        assert!(counters.unwritten > 0, "{counters:#?}");
    }
}

#[test]
fn a_full_disk_is_told_and_counted() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let run = Probe::sweep(lab.vantage())
            .args(["--rate", "500", "--probes", "1000", "--max-ttl", "2"])
            .args(["--round-interval", "0", "--output", "/dev/full"])
            .to(target)
            .run()
            .unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert!(run.stderr.contains("No space left"), "{}", run.stderr);
        let counters = run.counters().unwrap();
        assert!(counters.unwritten > 0, "{counters:#?}");
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_any_more_ends_the_sweep_and_the_rest_is_written() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        fs::create_dir(&gone).unwrap();
        let mut running = Probe::sweep(lab.vantage())
            .args(["--rate", "500", "--probes", "100000", "--max-ttl", "2"])
            .args(["--round-interval", "0", "--checkpoint"])
            .args([gone.join("checkpoint")])
            .to(target)
            .start()
            .unwrap();
        running.wait_for_lines(50).unwrap();
        fs::remove_dir_all(&gone).unwrap();
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(4), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
        assert!(run.stderr.contains("gone/checkpoint"), "{}", run.stderr);
        let recorded = run.counters().unwrap().recorded;
        assert!(recorded >= 50, "{recorded}");
        assert_eq!(run.replies().unwrap().len() as u64, recorded);
    }
}

#[test]
fn two_sweeps_beside_each_other_are_both_right() {
    let lab = Lab::chain(2).build().unwrap();
    let start = |family| {
        let target = lab.address(family, "target").unwrap();
        Probe::sweep(lab.vantage())
            .args(["--rate", "2k", "--probes", "200", "--max-ttl", "5"])
            .args(["--round-interval", "0"])
            .to(target)
            .start()
            .unwrap()
    };
    let (one, other) = (start(Family::V4), start(Family::V6));
    std::thread::sleep(Duration::from_millis(10));
    for running in [one, other] {
        let run = running.wait().unwrap();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert_eq!(run.replies().unwrap().len(), 1_000);
        assert_eq!(run.counters().unwrap().answered(), 1_000);
    }
}

#[test]
fn a_terminal_that_is_gone_ends_a_sweep_like_any_signal_unless_it_is_to_go_on() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        for wrapper in [&[][..], &["nohup"]] {
            let mut running = Probe::sweep(lab.vantage())
                .args(["--ping", "--rate", "500", "--probes", "100000"])
                .args(["--round-interval", "0"])
                .to(lab.address(family, "target").unwrap())
                .through(wrapper)
                .start()
                .unwrap();
            running.wait_for_lines(50).unwrap();
            running.signal(Signal::SIGHUP).unwrap();
            let expected = if wrapper.is_empty() {
                129
            } else {
                let lines = running.lines().unwrap().len();
                running.wait_for_lines(lines + 500).unwrap();
                running.signal(Signal::SIGTERM).unwrap();
                143
            };
            let run = running.wait().unwrap();
            assert_eq!(run.code, Some(expected), "{family}: {}", run.stderr);
            let counters = run.counters().unwrap();
            assert_eq!(counters.sent, counters.answered(), "{counters:#?}");
        }
    }
}

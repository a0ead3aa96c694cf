//! The clock is set, or the host sleeps, in the middle of a ping.

use std::{
    fs::File, os::unix::fs::FileExt as _, path::Path, process::Command, thread, time::Duration,
};

use probe_tests::{
    lab::{Family, Lab, Wire},
    probe::{Probe, Running},
};
use tempfile::TempDir;

const HOUR_NS: i64 = 3_600_000_000_000;

/// Clocks of one process that a test sets: other processes have theirs.
struct Clocks {
    folder: TempDir,
    /// What is added. Processes that map it end if it is ever empty.
    added: File,
}

impl Clocks {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let added = File::create(folder.path().join("added")).unwrap();
        let clocks = Self { folder, added };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("suites/robustness/clocks.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(clocks.folder.path().join("clocks.so"))
            .arg(source)
            .status()
            .unwrap();
        assert!(built.success());
        clocks.add(0, 0);
        clocks
    }

    /// Adds to real time and to the time since the host was started.
    fn add(&self, real_ns: i64, boot_ns: i64) {
        let octets = [real_ns.to_ne_bytes(), boot_ns.to_ne_bytes()].concat();
        self.added.write_all_at(&octets, 0).unwrap();
    }

    /// 150 probes to the target, 20 ms apart.
    fn start_ping(&self, lab: &Lab, family: Family) -> Running {
        let target = lab.address(family, "target").unwrap();
        let arguments = ["--count", "150", "--interval", "20ms", "--replies"];
        self.start(Probe::ping(lab.vantage()).args(arguments).to(target))
    }

    fn start(&self, probe: Probe<'_>) -> Running {
        let path = |name| self.folder.path().join(name).display().to_string();
        let library = format!("LD_PRELOAD={}", path("clocks.so"));
        let file = format!("CLOCKS={}", path("added"));
        probe.through(["env", &library, &file]).start().unwrap()
    }
}

#[test]
fn a_clock_that_is_set_changes_no_round_trip_time_and_is_told() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let clocks = Clocks::new();
        let mut running = clocks.start_ping(&lab, family);
        running.wait_for_lines(30).unwrap();
        clocks.add(-HOUR_NS, 0);
        running.wait_for_lines(80).unwrap();
        clocks.add(HOUR_NS, 0);
        let run = running.wait().unwrap();
        let ping = run.ping().unwrap();
        assert_eq!((ping.received, ping.host), (150, None), "{}", run.stderr);
        assert!(ping.omitted.is_none_or(|omitted| omitted.probes < 500));
        assert!(ping.rtt_ns.unwrap().max < 60_000_000_000, "{ping:?}");
        let steps = &run.metadata().unwrap().clock_steps;
        let by: Vec<i64> = steps
            .iter()
            .map(|step| step.by_ns / 1_000_000_000)
            .collect();
        assert!(matches!(by[..], [-3601..=-3599, 7199..=7201]), "{steps:?}");
    }
}

#[test]
fn what_was_under_way_while_the_host_slept_is_no_loss() {
    // Ten are under way at any time; a host that sleeps hears none of their replies.
    let wire = Wire::delay(Duration::from_millis(100));
    let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
    for family in Family::ALL {
        let clocks = Clocks::new();
        let mut running = clocks.start_ping(&lab, family);
        running.wait_for_lines(40).unwrap();
        clocks.add(HOUR_NS, HOUR_NS);
        thread::sleep(Duration::from_millis(500));
        let run = running.wait().unwrap();
        let ping = run.ping().unwrap();
        let slept = ping.causes.get("suspended").copied().unwrap_or(0);
        println!("{:?} {:?}", ping.causes, ping.host);
        assert!((1..=60).contains(&slept), "{ping:?}");
        assert_eq!(
            (ping.loss.by_us, ping.loss.ratio, ping.bursts),
            (slept, Some(0.0), None)
        );
        assert_eq!(ping.received + slept, 150);
        // What came of these is told, without a time that nobody knows.
        let replies = run.replies().unwrap();
        let timed = replies.iter().filter(|reply| reply.rtt_ns.is_some());
        assert_eq!(timed.count() as u64, ping.received);
        assert!(replies.len() as u64 > ping.received, "{}", replies.len());
        let suspensions = &run.metadata().unwrap().suspensions;
        let hours: Vec<u64> = suspensions
            .iter()
            .map(|one| one.slept_ns / 1_000_000_000)
            .collect();
        assert!(matches!(hours[..], [3_599 | 3_600]), "{suspensions:?}");
        assert!(run.metadata().unwrap().clock_steps.is_empty());
        assert!(run.stderr.contains("slept for 1h"), "{}", run.stderr);
        assert_eq!(ping.host.unwrap().suspended_ns, suspensions[0].slept_ns);
    }
}

#[test]
fn replies_to_a_sweep_that_were_under_way_while_the_host_slept_have_no_time() {
    let wire = Wire::delay(Duration::from_millis(100));
    let lab = Lab::chain(1).wire("r1", "target", wire).build().unwrap();
    for family in Family::ALL {
        let clocks = Clocks::new();
        let target = lab.address(family, "target").unwrap();
        let probe = Probe::sweep(lab.vantage())
            .args(["--ping", "--probes", "150", "--round-interval", "0"])
            .args(["--rate", "50"])
            .to(target);
        let mut running = clocks.start(probe);
        running.wait_for_lines(40).unwrap();
        clocks.add(HOUR_NS, HOUR_NS);
        let run = running.wait().unwrap();
        let replies = run.replies().unwrap();
        let times: Vec<_> = replies.iter().filter_map(|reply| reply.rtt_ns).collect();
        assert_eq!(replies.len(), 150, "{}", run.stderr);
        let slept = replies.len() - times.len();
        assert!((1..=60).contains(&slept), "{slept} of {family}");
        assert!(times.iter().all(|time| *time >= 200_000_000), "{times:?}");
        let suspensions = &run.metadata().unwrap().suspensions;
        assert_eq!(suspensions.len(), 1, "{suspensions:?}");
    }
}

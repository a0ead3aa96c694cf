//! Nothing is left of a lab: neither when it is dropped nor when its process is killed.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use probe_tests::lab::{DelayResponder, HoldTime, Lab, Namespace, Wire};

/// Set in the process that holds a lab for a test.
const HOLDER: &str = "PROBE_LAB_HOLDER";
/// The kernel takes namespaces down in its own time.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn nothing_is_left_after_a_drop() {
    if std::env::var_os(HOLDER).is_some() {
        return hold_until_told().unwrap();
    }
    let mut holder = Holder::start("leftovers::nothing_is_left_after_a_drop").unwrap();
    let traces = Traces::of(holder.child.id()).unwrap();
    assert!(traces.are_all_there().unwrap());
    holder.tell_to_drop().unwrap();
    assert!(
        holder.child.try_wait().unwrap().is_none(),
        "the process must live"
    );
    traces.wait_until_gone().unwrap();
}

#[test]
fn nothing_is_left_after_sigkill() {
    if std::env::var_os(HOLDER).is_some() {
        return hold_until_told().unwrap();
    }
    let mut holder = Holder::start("leftovers::nothing_is_left_after_sigkill").unwrap();
    let traces = Traces::of(holder.child.id()).unwrap();
    assert!(traces.are_all_there().unwrap());
    holder.child.kill().unwrap();
    holder.child.wait().unwrap();
    traces.wait_until_gone().unwrap();
}

/// The holder's side: everything a lab can have, until a line comes in; then
/// without, until the input ends.
fn hold_until_told() -> Result<()> {
    let lab = Lab::diamond(2)
        .wire("r2", "target", Wire::delay(Duration::from_millis(1)))
        .tunnel("vantage", "r1")
        .build()?;
    let service = lab.listen_tcp(80)?;
    let hold = HoldTime::Fixed(Duration::ZERO);
    let responder = DelayResponder::attach(&lab, "r1", hold)?;
    let mut process = lab.node("m1")?.command("sleep").arg("1000").spawn()?;
    // The command is there once it has entered the namespace.
    while !fs::read_to_string(format!("/proc/{}/comm", process.id()))?.starts_with("sleep") {
        thread::sleep(Duration::from_millis(1));
    }
    println!("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    process.kill()?;
    process.wait()?;
    drop((service, responder, lab));
    println!("dropped");
    std::io::stdin().read_to_string(&mut line)?;
    Ok(())
}

/// A child process that holds a lab; killed when dropped.
struct Holder {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Holder {
    /// Runs one test of this suite again, in the other role.
    fn start(test: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", test, "--nocapture"])
            .env(HOLDER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("no stdout")?;
        let mut holder = Self {
            child,
            output: BufReader::new(output),
        };
        holder.wait_for("ready")?;
        Ok(holder)
    }

    fn tell_to_drop(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("no stdin")?;
        input.write_all(b"\n")?;
        self.wait_for("dropped")
    }

    fn wait_for(&mut self, word: &str) -> Result<()> {
        for line in self.output.by_ref().lines() {
            if line?.contains(word) {
                return Ok(());
            }
        }
        bail!("the holder ended before it said {word}");
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has in the kernel.
struct Traces {
    /// In this namespace, a device for each of the lab's namespaces, whose other end
    /// is there: it goes when that namespace does.
    observer: Namespace,
    devices: BTreeSet<String>,
    programs: BTreeSet<u32>,
    processes: BTreeSet<u32>,
}

impl Traces {
    fn of(holder: u32) -> Result<Self> {
        let observer = Namespace::new("observer")?;
        let mut namespaces = BTreeSet::new();
        let mut devices = BTreeSet::new();
        let mut programs = BTreeSet::new();
        for entry in fs::read_dir(format!("/proc/{holder}/fd"))? {
            let path = entry?.path();
            let Ok(link) = fs::read_link(&path) else {
                continue;
            };
            if link.to_string_lossy().starts_with("net:") && namespaces.insert(link) {
                let device = format!("c{}", devices.len());
                observer.ip([format!(
                    "link add {device} type veth peer name canary netns {}",
                    path.display()
                )])?;
                devices.insert(device);
            }
            programs.extend(program_id(&path));
        }
        let processes = processes_in(&namespaces)?;
        Ok(Self {
            observer,
            devices,
            programs,
            processes,
        })
    }

    /// Six nodes, the wire and the responder; two stamps and one at the forks; the command.
    fn are_all_there(&self) -> Result<bool> {
        let (devices, programs, processes) = self.left()?;
        Ok(devices == 8 && programs == 3 && processes >= 1)
    }

    fn wait_until_gone(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let left = self.left()?;
            if left == (0, 0, 0) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!("left over (namespaces, programs, processes): {left:?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn left(&self) -> Result<(usize, usize, usize)> {
        let devices = self
            .observer
            .run("ip", &["-o", "link", "show", "type", "veth"])?;
        let is_left = |device: &&String| devices.contains(&format!(": {device}@"));
        let loaded = aya::programs::loaded_programs();
        let loaded: BTreeSet<u32> = loaded
            .filter_map(|program| Some(program.ok()?.id()))
            .collect();
        let is_running = |process: &&u32| is_alive(**process);
        Ok((
            self.devices.iter().filter(is_left).count(),
            self.programs.intersection(&loaded).count(),
            self.processes.iter().filter(is_running).count(),
        ))
    }
}

/// The id of the BPF program behind a descriptor, if there is one.
fn program_id(descriptor: &std::path::Path) -> Option<u32> {
    let info = descriptor.to_string_lossy().replace("/fd/", "/fdinfo/");
    let info = fs::read_to_string(PathBuf::from(info)).ok()?;
    let is_program = info.contains("prog_type:");
    let id = info
        .lines()
        .find_map(|line| line.strip_prefix("prog_id:"))?;
    is_program.then(|| id.trim().parse().ok())?
}

fn processes_in(namespaces: &BTreeSet<PathBuf>) -> Result<BTreeSet<u32>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse() else {
            continue;
        };
        let namespace = fs::read_link(format!("/proc/{process}/ns/net"));
        if namespace.is_ok_and(|namespace| namespaces.contains(&namespace)) {
            found.insert(process);
        }
    }
    Ok(found)
}

/// Whether a process runs (and is not a zombie that nobody waited for).
fn is_alive(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat"));
    status.is_ok_and(|status| !status.contains(") Z ") && !status.contains(") X "))
}

//! A network namespace that only its file descriptor keeps alive.

use std::{
    fs::File,
    io::Write as _,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, bail};
use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace without a name in the file system: it goes when this value
/// does, or when the process ends, however it ends.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    file: File,
}

impl Namespace {
    /// Makes an empty namespace; `name` is for messages only.
    ///
    /// # Errors
    ///
    /// Without `CAP_SYS_ADMIN`.
    pub fn new(name: &str) -> Result<Self> {
        let made = in_thread(|| -> Result<File> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        });
        let file = made.with_context(|| {
            format!("cannot make a network namespace for {name}: the lab needs root")
        })?;
        let namespace = Self {
            name: name.to_owned(),
            file,
        };
        namespace.ip(["link set lo up"])?;
        Ok(namespace)
    }

    /// What the namespace was called when it was made.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A path that `ip … netns PATH` and `nsenter --net=PATH` accept while this
    /// process lives.
    pub fn path(&self) -> PathBuf {
        let (process, descriptor) = (std::process::id(), self.file.as_raw_fd());
        format!("/proc/{process}/fd/{descriptor}").into()
    }

    /// A command that will run in the namespace.
    ///
    /// The kernel kills it when the thread that starts it ends, so that a lab
    /// leaves no process behind: wait for it in that thread.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        // Whoever runs the tests may ignore signals, and that is inherited.
        let mut command = Command::new("env");
        command
            .args(["--default-signal=HUP,INT,QUIT,TERM,USR1,USR2", "setpriv"])
            .args(["--pdeathsig", "KILL", "nsenter"])
            .arg(format!("--net={}", self.path().display()))
            .arg("--")
            .arg(program.as_ref());
        command
    }

    /// Runs a command to its end and returns what it wrote to stdout.
    ///
    /// # Errors
    ///
    /// If it does not start or does not exit with 0: the error has its stderr.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self
            .command(program)
            .args(arguments)
            .output()
            .with_context(|| format!("cannot start {program} in {}", self.name))?;
        if !output.status.success() {
            bail!(
                "{program} {} in {}: {}: {}",
                arguments.join(" "),
                self.name,
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `ip` commands (without the word `ip`), one a line, in one process.
    ///
    /// # Errors
    ///
    /// At the first command that fails.
    pub fn ip<S: AsRef<str>>(&self, lines: impl IntoIterator<Item = S>) -> Result<()> {
        let script = lines
            .into_iter()
            .fold(String::new(), |script, line| script + line.as_ref() + "\n");
        let mut child = self
            .command("ip")
            .args(["-batch", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start ip: apt-get install iproute2")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(script.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "ip in {}: {}\n{script}",
                self.name,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }

    /// Runs a closure in a thread that is inside the namespace. Sockets that it
    /// returns stay in the namespace.
    ///
    /// # Errors
    ///
    /// Without `CAP_SYS_ADMIN`, and what the closure returns.
    pub fn enter<T: Send>(&self, closure: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        in_thread(|| {
            setns(&self.file, CloneFlags::CLONE_NEWNET)
                .with_context(|| format!("cannot enter the network namespace of {}", self.name))?;
            closure()
        })
    }

    /// Sets kernel parameters below `net.`, given as `ipv4/ip_forward`.
    ///
    /// # Errors
    ///
    /// If the kernel has no such parameter or refuses the value.
    pub fn sysctl(&self, parameters: &[(&str, &str)]) -> Result<()> {
        self.enter(|| {
            for (name, value) in parameters {
                let path = Path::new("/proc/sys/net").join(name);
                std::fs::write(&path, value)
                    .with_context(|| format!("cannot write {value} to {}", path.display()))?;
            }
            Ok(())
        })
    }
}

/// Runs a closure in a thread of its own; a panic goes on in the caller.
fn in_thread<T: Send>(closure: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(closure).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

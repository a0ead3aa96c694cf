//! Threads that a lab owns: they end when their handle does.

use std::{
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
};

/// A running thread; dropping the handle stops and joins it.
#[derive(Debug)]
pub(crate) struct Worker<T> {
    /// Its end is what the thread sees as the order to stop.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<Result<T>>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread that runs until its [`Stop`] says so.
    pub(crate) fn spawn(
        name: &str,
        body: impl FnOnce(Stop) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        let (stop, seen) = UnixStream::pair()?;
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || body(Stop(seen)))
            .with_context(|| format!("cannot start the thread {name}"))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Stops the thread and returns what it made.
    pub(crate) fn finish(mut self) -> Result<T> {
        self.stop = None;
        let thread = self.thread.take().context("the thread was joined before")?;
        let name = thread.thread().name().unwrap_or("thread").to_owned();
        thread
            .join()
            .map_err(|_| anyhow!("the lab's thread {name} panicked"))?
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.stop = None;
        let Some(thread) = self.thread.take() else {
            return;
        };
        let name = thread.thread().name().unwrap_or("thread").to_owned();
        if let Ok(Err(error)) = thread.join() {
            eprintln!("lab: {name}: {error:#}");
        }
    }
}

/// A thread's view of the order to stop.
pub(crate) struct Stop(UnixStream);

impl Stop {
    /// Waits until one of `sources` can be read or `timeout` (`None`: endless) has
    /// passed; true once the thread is to end.
    pub(crate) fn wait(&self, sources: &[&dyn AsFd], timeout: Option<Duration>) -> Result<bool> {
        let descriptors: Vec<BorrowedFd<'_>> =
            sources.iter().map(|source| source.as_fd()).collect();
        let mut polled: Vec<PollFd<'_>> = std::iter::once(self.0.as_fd())
            .chain(descriptors)
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
            .collect();
        match ppoll(&mut polled, timeout.map(TimeSpec::from_duration), None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for packets"),
        }
        Ok(polled[0].any().unwrap_or(true))
    }
}

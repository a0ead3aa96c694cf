//! What a run has in the kernel, and whether that is gone.

use std::{
    collections::BTreeSet,
    fs, io, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

/// The kernel frees what nobody holds in its own time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The kernel objects that a process holds, by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// Programs.
    pub programs: BTreeSet<u32>,
    /// Maps.
    pub maps: BTreeSet<u32>,
    /// Links.
    pub links: BTreeSet<u32>,
}

impl Remains {
    /// What a running process holds now.
    ///
    /// # Errors
    ///
    /// If there is no such process.
    pub fn of(process: u32) -> Result<Self> {
        let mut descriptions = Vec::new();
        for entry in fs::read_dir(format!("/proc/{process}/fdinfo"))? {
            // A descriptor may be closed meanwhile.
            descriptions.extend(fs::read_to_string(entry?.path()).ok());
        }
        let numbers = |name: &str, of: &str| {
            let lines = descriptions.iter().filter(|text| text.contains(of));
            lines.filter_map(|text| number(text, name)).collect()
        };
        Ok(Self {
            programs: numbers("prog_id:", "prog_type:"),
            maps: numbers("map_id:", "map_type:"),
            links: numbers("link_id:", "link_type:"),
        })
    }

    /// What is left of these in the kernel.
    ///
    /// # Errors
    ///
    /// Without `CAP_BPF`.
    pub fn left(&self) -> Result<Self> {
        let programs = aya::programs::loaded_programs().map(|program| Ok(program?.id()));
        let maps = aya::maps::loaded_maps().map(|map| Ok(map?.id()));
        let links = aya::programs::loaded_links().map(|link| Ok(link?.id()));
        Ok(Self {
            programs: in_both(&self.programs, programs)?,
            maps: in_both(&self.maps, maps)?,
            links: in_both(&self.links, links)?,
        })
    }

    /// Waits until nothing is left.
    ///
    /// # Errors
    ///
    /// If something stays.
    pub fn wait_until_gone(&self) -> Result<()> {
        let started = Instant::now();
        loop {
            let left = self
                .left()
                .context("cannot list programs, maps and links")?;
            if left.programs.len() + left.maps.len() + left.links.len() == 0 {
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "left over: {left:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What is among all that is loaded. An object may be freed between the question for its
/// number and that for the rest: then it is not.
fn in_both(mine: &BTreeSet<u32>, all: impl Iterator<Item = Result<u32>>) -> Result<BTreeSet<u32>> {
    let loaded = all.filter(|id| !id.as_ref().is_err_and(is_gone));
    let wanted = loaded.filter(|id| id.as_ref().map_or(true, |id| mine.contains(id)));
    wanted.collect()
}

/// Whether an error says that there is no such object (ENOENT).
fn is_gone(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    causes.any(|cause: &io::Error| cause.kind() == io::ErrorKind::NotFound)
}

/// The number behind a name in `/proc/PID/fdinfo/FD`.
fn number(text: &str, name: &str) -> Option<u32> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().parse().ok()
}

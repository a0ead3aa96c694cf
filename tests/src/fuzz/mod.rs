//! What is fuzzed: a function for each target, which takes any octets and panics
//! where something is wrong.
//!
//! The programs of `tests/fuzz` hand libFuzzer's inputs to these functions; the suite
//! `replay` hands them the seeds and what was kept of earlier runs
//! (`tests/corpus/fuzz`, an input a line, in hexadecimal), so that what was found once
//! stays found. `cargo xtask fuzz` runs them.

mod checkpoint;
mod extension;
mod lists;
mod packet;
mod selection;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use crate::corpus::parse_hex;

pub use self::{
    checkpoint::checkpoint, extension::extension, lists::lists, packet::packet,
    selection::selection,
};

/// Something that reads what others wrote.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its program.
    pub name: &'static str,
    /// Reads an input.
    pub run: fn(&[u8]),
    /// Inputs to begin with.
    seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 5] = [
    Target {
        name: "packet",
        run: packet,
        seeds: packet::seeds,
    },
    Target {
        name: "extension",
        run: extension,
        seeds: extension::seeds,
    },
    Target {
        name: "lists",
        run: lists,
        seeds: lists::seeds,
    },
    Target {
        name: "checkpoint",
        run: checkpoint,
        seeds: checkpoint::seeds,
    },
    Target {
        name: "selection",
        run: selection,
        seeds: selection::seeds,
    },
];

impl Target {
    /// The target of a name.
    ///
    /// # Errors
    ///
    /// If there is none; with the names there are.
    pub fn find(name: &str) -> Result<Self> {
        let found = TARGETS.into_iter().find(|target| target.name == name);
        let names = TARGETS.map(|target| target.name).join(", ");
        found.with_context(|| format!("no fuzz target {name}; there are: {names}"))
    }

    /// The inputs to begin with, and those kept of earlier runs.
    ///
    /// # Errors
    ///
    /// If the file of the latter cannot be read; with the number of the line.
    pub fn inputs(self) -> Result<BTreeSet<Vec<u8>>> {
        let mut inputs: BTreeSet<_> = (self.seeds)().into_iter().collect();
        inputs.extend(self.kept()?);
        Ok(inputs)
    }

    /// Writes the inputs into a folder, a file each, as libFuzzer reads them.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write_to(self, folder: &Path) -> Result<usize> {
        fs::create_dir_all(folder)?;
        let inputs = self.inputs()?;
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:05}")), input)?;
        }
        Ok(inputs.len())
    }

    /// Keeps the inputs of a folder that are none of the seeds and not longer than
    /// `longest` octets; returns how many are kept now.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written.
    pub fn keep_from(self, folder: &Path, longest: usize) -> Result<usize> {
        let seeds: BTreeSet<_> = (self.seeds)().into_iter().collect();
        let mut kept = self.kept()?;
        for entry in fs::read_dir(folder)? {
            let input = fs::read(entry?.path())?;
            if input.len() <= longest && !seeds.contains(&input) {
                kept.insert(input);
            }
        }
        let mut text = String::new();
        for input in &kept {
            for octet in input {
                let _ = write!(text, "{octet:02x}");
            }
            text.push('\n');
        }
        fs::write(self.path(), text)?;
        Ok(kept.len())
    }

    fn kept(self) -> Result<BTreeSet<Vec<u8>>> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context(path.display().to_string()),
        };
        let lines = text.lines().enumerate();
        let inputs = lines.map(|(number, line)| {
            parse_hex(line).with_context(|| format!("{}:{}", path.display(), number + 1))
        });
        inputs.collect()
    }

    fn path(self) -> PathBuf {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/fuzz");
        PathBuf::from(corpus).join(format!("{}.hex", self.name))
    }
}

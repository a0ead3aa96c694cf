//! What a sweep covers: targets, less what must not be probed.
//!
//! ```text
//! args -> Scope <- lines (source: plain, gzip, zstd) <- entry
//!           '- special (what is not for everyone)
//! ```

mod args;
mod entry;
mod lines;
mod source;
mod special;
#[cfg(test)]
mod tests;

use std::path::Path;

pub(crate) use self::args::ScopeArgs;
use self::entry::Entry;
use super::list_file::is_stdin;
use crate::{
    engine::sweep::targets::{RangeSet, RangeSetBuilder, TargetSet},
    error::{Error, Result},
};

/// More addresses (with `--per-prefix`: more /64s of IPv6) than this are swept
/// only by those who have thought of whom to spare.
const VAST: u128 = 1 << 31;

/// The targets of a sweep, and what is none.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// The targets; at least one.
    pub(crate) targets: TargetSet,
    /// Addresses given again.
    pub(crate) duplicates: u64,
    /// Addresses of the IP version not asked for (`-4`, `-6`).
    pub(crate) other_family: u64,
    /// Addresses that the user's list took out.
    pub(crate) excluded: u64,
    /// Addresses that the built-in list of special-purpose networks took out.
    pub(crate) special: u64,
    /// Whether a target is a public address.
    pub(crate) public: bool,
}

/// Reads the targets that the arguments name; `seed` is for `--per-prefix`.
///
/// # Errors
/// [`Error::Usage`] for an entry that is none, a file that cannot be read, too
/// many targets, very many without `--exclude`, and if none is left.
pub(crate) fn load(args: &ScopeArgs, seed: u64) -> Result<Scope> {
    let exclude = exclude(args)?;
    let wanted = wanted(args)?;
    let added = wanted.builder.added();
    let mut ranges = wanted.builder.finish();
    let duplicates = count(added - ranges.count());
    if exclude.is_none() {
        refuse_vast(&ranges, args)?;
    }
    let excluded = exclude.map_or(0, |exclude| ranges.subtract(&exclude));
    let mut forbidden = special::all();
    if args.allow_private {
        forbidden = special::never();
        forbidden.subtract(&wanted.loopback.finish());
    }
    let special = ranges.subtract(&forbidden);
    if ranges.is_empty() {
        let taken = [excluded, special, wanted.other_family];
        return Err(nothing_left(args, taken));
    }
    let targets = match args.per_prefix() {
        Some(count) => TargetSet::per_prefix(&ranges, count, seed),
        None => TargetSet::new(ranges),
    };
    let targets = targets.map_err(|error| Error::Usage(error.to_string()))?;
    let special_purpose = special::all();
    let public = targets.intervals().any(|run| !special_purpose.covers(run));
    Ok(Scope {
        targets,
        duplicates,
        other_family: count(wanted.other_family),
        excluded: count(excluded),
        special: count(special),
        public,
    })
}

/// What takes entries.
trait Collector {
    fn add(&mut self, entry: Entry);
}

impl Collector for RangeSetBuilder {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::V4(first, last) => self.add_v4(first, last),
            Entry::V6(first, last) => self.add_v6(first, last),
        }
    }
}

/// The targets as they come in.
#[derive(Default)]
struct Wanted {
    builder: RangeSetBuilder,
    /// Single addresses among them that loop back.
    loopback: RangeSetBuilder,
    only_v4: bool,
    only_v6: bool,
    other_family: u128,
}

impl Collector for Wanted {
    fn add(&mut self, entry: Entry) {
        let (refused, first, last) = match entry {
            Entry::V4(first, last) => (self.only_v6, first.into(), last.into()),
            Entry::V6(first, last) => (self.only_v4, first, last),
        };
        if refused {
            let addresses = (last - first).saturating_add(1);
            self.other_family = self.other_family.saturating_add(addresses);
            return;
        }
        if first == last && special::is_loopback(entry) {
            self.loopback.add(entry);
        }
        self.builder.add(entry);
    }
}

fn wanted(args: &ScopeArgs) -> Result<Wanted> {
    if args.targets.is_empty() && args.file.is_none() {
        let message = "nothing left to probe: give a TARGET or --targets FILE";
        return Err(Error::Usage(message.to_owned()));
    }
    let mut wanted = Wanted {
        only_v4: args.v4 && !args.v6,
        only_v6: args.v6 && !args.v4,
        ..Wanted::default()
    };
    for argument in &args.targets {
        wanted.add(lines::parse(argument).map_err(Error::Usage)?);
    }
    if let Some(path) = &args.file {
        lines::read("--targets", path, |entry| wanted.add(entry))?;
    }
    Ok(wanted)
}

fn exclude(args: &ScopeArgs) -> Result<Option<RangeSet>> {
    let Some(path) = &args.exclude else {
        return Ok(None);
    };
    let from_stdin = |path: &Path| is_stdin(path);
    if from_stdin(path) && args.file.as_deref().is_some_and(from_stdin) {
        let message = "--targets and --exclude cannot both be standard input: name a file for one";
        return Err(Error::Usage(message.to_owned()));
    }
    let mut builder = RangeSetBuilder::default();
    lines::read("--exclude", path, |entry| builder.add(entry))?;
    Ok(Some(builder.finish()))
}

/// Refuses to go to half the Internet without a list of those to spare.
fn refuse_vast(ranges: &RangeSet, args: &ScopeArgs) -> Result<()> {
    let sampled = args.per_prefix.is_some();
    let (v4, v6) = (ranges.count_v4(), ranges.count_v6());
    // Fewer are too many in any case if they are not sampled, which is said later.
    let too_many = !sampled && v6 > u32::MAX.into();
    let vast_v6 = v6 >> 64 > VAST || (!sampled && !too_many && v6 > VAST);
    if v4 <= VAST && !vast_v6 {
        return Ok(());
    }
    let what = if v4 > VAST {
        format!("{v4} IPv4 addresses")
    } else {
        format!("{v6} IPv6 addresses")
    };
    Err(Error::Usage(format!(
        "the targets are {what}: so many are probed only with a list of networks to spare; \
         give --exclude FILE"
    )))
}

fn nothing_left(args: &ScopeArgs, [excluded, special, other_family]: [u128; 3]) -> Error {
    let mut taken = Vec::new();
    if excluded > 0 {
        taken.push(format!("--exclude takes out {excluded}"));
    }
    if special > 0 {
        let remedy = if args.allow_private {
            ""
        } else {
            " (--allow-private keeps those of private networks)"
        };
        taken.push(format!(
            "the list of special-purpose networks {special}{remedy}"
        ));
    }
    if other_family > 0 {
        let option = if args.v4 { "-4" } else { "-6" };
        taken.push(format!("{option} {other_family}"));
    }
    let why = if taken.is_empty() {
        "the list of targets has no entries".to_owned()
    } else {
        format!("of the addresses given, {}", taken.join(", "))
    };
    Error::Usage(format!("nothing left to probe: {why}"))
}

/// A number of addresses; all that do not fit are very many.
fn count(addresses: u128) -> u64 {
    u64::try_from(addresses).unwrap_or(u64::MAX)
}

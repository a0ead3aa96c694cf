//! Where the records of a sweep go: many, and perhaps behind those of a run before.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    Nothing, Sink,
    csv::{Csv, Row},
    jsonl::Jsonl,
    parquet,
    paths::Paths,
    select::{self, Selection},
};
use crate::{
    engine::{
        report::PathRules,
        sweep::plan::{Probing, RecordFormat, SweepPlan},
    },
    error::{Error, Result},
    io::{
        output::{self, Kept, Parts, Resumed},
        spill::Spill,
    },
};

/// Extension of part files.
const PARQUET: &str = "parquet";

/// Where and how the records of a sweep are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Format of records.
    pub format: RecordFormat,
    /// A file; a folder for Parquet. `None`: standard output.
    pub file: Option<PathBuf>,
    /// Go on behind what stands there.
    pub resume: bool,
    /// Records are paths, by these rules, and not replies.
    pub paths: Option<PathRules>,
}

/// Opens the output of a sweep's records, and says which replies are wanted.
///
/// # Errors
/// [`Error::Usage`] for an output that cannot be written, and a selection that is none.
pub fn open_sweep(plan: &SweepPlan) -> Result<(Box<dyn Sink + Send>, Selection)> {
    let mut selection = match &plan.output.select {
        Some(text) => text
            .parse()
            .map_err(|error: select::Error| Error::Usage(format!("--select: {error}")))?,
        None => Selection::default(),
    };
    if plan.output.paths {
        selection = selection.for_paths();
    }
    if let (Some(kept), Some(before)) = (kept(plan), &plan.resumed) {
        check_kept(&kept, before.output)?;
    }
    let last_ttl = u16::from(plan.space.first_ttl) + plan.space.ttls.saturating_sub(1);
    let rules = PathRules {
        max_ttl: u8::try_from(last_ttl).unwrap_or(u8::MAX),
        gap_limit: match plan.probing {
            Probing::Full => 0,
            Probing::Adaptive { gap_limit } => gap_limit,
        },
    };
    let sink = open(&Destination {
        format: plan.output.format,
        file: plan.output.file.clone(),
        resume: plan.resumed.is_some(),
        paths: plan.output.paths.then_some(rules),
    })?;
    Ok((sink, selection))
}

/// What of the output a later run goes on with.
pub fn kept(plan: &SweepPlan) -> Option<Kept> {
    let file = plan.output.file.clone()?;
    match plan.output.format {
        RecordFormat::Jsonl | RecordFormat::Csv => Some(Kept::Lines(file)),
        RecordFormat::Parquet => Some(Kept::Parts(file, PARQUET)),
        RecordFormat::None => None,
    }
}

/// Refuses an output that has less than the run before had written for good.
fn check_kept(kept: &Kept, before: u64) -> Result<()> {
    let path = kept.path().display();
    let why = match kept.size() {
        _ if before == 0 => return Ok(()),
        Ok(now) if now >= before => return Ok(()),
        Ok(now) => format!("it has {now} {} of {before} that were written", kept.unit()),
        Err(error) => error.to_string(),
    };
    Err(Error::Usage(format!(
        "cannot go on with {path}: {why}; put it back as it was, or begin anew without --resume"
    )))
}

/// Opens the output, and its sink.
///
/// # Errors
/// [`Error::Usage`] if the file or folder cannot be written, and for formats that
/// cannot be written there.
pub fn open(destination: &Destination) -> Result<Box<dyn Sink + Send>> {
    let file = destination.file.as_deref();
    let refused = |error| super::cannot_write(file, &error);
    let sink: Box<dyn Sink + Send> = match (destination.format, file) {
        (RecordFormat::None, _) => return Ok(Box::new(Nothing)),
        (RecordFormat::Parquet, None) => return Err(no_folder()),
        (RecordFormat::Parquet, Some(folder)) => {
            let parts = parts(folder, destination.resume).map_err(refused)?;
            parquet(parts, destination).map_err(refused)?
        }
        (RecordFormat::Jsonl | RecordFormat::Csv, _) => {
            let lines = lines(file, destination.resume).map_err(refused)?;
            text(lines, destination)
        }
    };
    let Some(rules) = destination.paths else {
        return Ok(sink);
    };
    let spill = Spill::create(file).map_err(refused)?;
    Ok(Box::new(Paths::new(sink, rules, spill)))
}

fn text(lines: Resumed, destination: &Destination) -> Box<dyn Sink + Send> {
    if destination.format == RecordFormat::Jsonl {
        return Box::new(Jsonl::new(lines.output, true));
    }
    let row = match destination.paths {
        Some(_) => Row::Path,
        None => Row::Reply,
    };
    Box::new(match lines.empty {
        true => Csv::new(lines.output, row),
        false => Csv::resume(lines.output, row),
    })
}

fn parquet(parts: Parts, destination: &Destination) -> io::Result<Box<dyn Sink + Send>> {
    Ok(match destination.paths {
        Some(_) => Box::new(parquet::paths(parts)?),
        None => Box::new(parquet::replies(parts)?),
    })
}

fn lines(file: Option<&Path>, resume: bool) -> io::Result<Resumed> {
    match file {
        Some(path) if resume => output::resume(path),
        _ => output::open(file).map(|output| Resumed {
            output,
            empty: true,
        }),
    }
}

fn parts(folder: &Path, resume: bool) -> io::Result<Parts> {
    match resume {
        true => Parts::resume(folder, PARQUET),
        false => Parts::create(folder, PARQUET),
    }
}

fn no_folder() -> Error {
    Error::Usage("parquet is a folder of files; name one with --output".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::sample::reply;

    #[test]
    fn an_output_that_has_lost_something_is_not_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("out.jsonl");
        let kept = Kept::Lines(file.clone());
        assert!(check_kept(&kept, 0).is_ok());
        let refused = |before| check_kept(&kept, before).map_err(|error| error.to_string());
        let missing = refused(1).expect_err("missing");
        assert!(missing.contains("No such file"), "{missing}");
        output::replace(&file, b"{}\n").expect("written");
        assert_eq!(refused(3), Ok(()));
        let shorter = refused(4).expect_err("shorter");
        assert!(shorter.contains("it has 3 octets of 4"), "{shorter}");
    }

    fn run(destination: &Destination) {
        let mut sink = open(destination).expect("opened");
        sink.reply(&reply("10.0.0.1")).expect("taken");
        sink.finish().expect("finished");
    }

    #[test]
    fn a_file_that_is_gone_on_with_reads_as_one() {
        for (format, lines) in [(RecordFormat::Jsonl, 3), (RecordFormat::Csv, 4)] {
            let file = tempfile::NamedTempFile::new().expect("a file");
            let text = || io::read_to_string(file.reopen().expect("opens")).expect("reads");
            let mut destination = Destination {
                format,
                file: Some(file.path().to_owned()),
                resume: false,
                paths: None,
            };
            run(&destination);
            destination.resume = true;
            run(&destination);
            run(&destination);
            assert_eq!(text().lines().count(), lines, "{}", text());
            destination.resume = false;
            run(&destination);
            assert_eq!(text().lines().count(), lines - 2, "{}", text());
        }
    }

    #[test]
    fn a_run_with_parquet_adds_parts_only_where_it_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut destination = Destination {
            format: RecordFormat::Parquet,
            file: Some(folder.path().join("out")),
            resume: false,
            paths: None,
        };
        run(&destination);
        let error = open(&destination).err().expect("refused").to_string();
        assert!(error.contains("parts of another run"), "{error}");
        destination.resume = true;
        run(&destination);
        let parts = folder.path().join("out").read_dir().expect("lists");
        assert_eq!(parts.count(), 2);
    }

    #[test]
    fn what_cannot_be_written_there_is_refused() {
        for (format, file) in [
            (RecordFormat::Parquet, None),
            (RecordFormat::Parquet, Some(PathBuf::from("/dev/null"))),
            (RecordFormat::Jsonl, Some(PathBuf::from("/nowhere/out"))),
        ] {
            let destination = Destination {
                format,
                file,
                resume: false,
                paths: None,
            };
            assert!(matches!(open(&destination), Err(Error::Usage(_))));
        }
    }

    #[test]
    fn paths_are_written_in_any_format() {
        let rules = PathRules {
            max_ttl: 64,
            gap_limit: 0,
        };
        for format in [RecordFormat::Jsonl, RecordFormat::Csv] {
            let file = tempfile::NamedTempFile::new().expect("a file");
            run(&Destination {
                format,
                file: Some(file.path().to_owned()),
                resume: false,
                paths: Some(rules),
            });
            let text = io::read_to_string(file.reopen().expect("opens")).expect("reads");
            assert!(text.contains("target") && text.contains("hops"), "{text}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        run(&Destination {
            format: RecordFormat::Parquet,
            file: Some(folder.path().to_owned()),
            resume: false,
            paths: Some(rules),
        });
        assert_eq!(folder.path().read_dir().expect("lists").count(), 1);
    }
}

//! How far a sweep has come for good, so that another run can go on from there.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use crate::engine::time::Moment;

/// Version of the file.
pub const SCHEMA: u32 = 1;

/// What a later run needs to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The command line in force, without the program's name; paths are absolute.
    pub arguments: Vec<String>,
    /// Seed of the order.
    pub seed: u64,
    /// [`super::plan::SweepPlan::digest`].
    pub plan: u64,
    /// Every probe before this cursor had its time, and its replies are written for good.
    pub cursor: u64,
    /// No probe from this cursor on was ever sent.
    pub reserved: u64,
    /// So much of the output is written for good: octets of lines, or parts of a folder;
    /// 0: nothing is, or nothing is kept there.
    #[serde(default)]
    pub output: u64,
    /// Whether nothing is left to do.
    pub done: bool,
}

/// A cursor beyond this was not reached by a run: it is more than a century's probes.
const MAX_CURSOR: u64 = 1 << 60;

/// Why octets are no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, or fields are missing.
    #[error("no checkpoint: {0}")]
    Form(#[from] serde_json::Error),
    /// Of another version.
    #[error("schema {0} is not {SCHEMA}")]
    Schema(u32),
    /// What no run could have written.
    #[error("its cursors ({cursor}, {reserved}) are none that a run came to")]
    Cursors {
        /// [`Checkpoint::cursor`].
        cursor: u64,
        /// [`Checkpoint::reserved`].
        reserved: u64,
    },
}

impl Checkpoint {
    /// Reads the content of a file.
    ///
    /// # Errors
    /// If it is none that a run wrote.
    pub fn from_json(octets: &[u8]) -> Result<Self, Error> {
        let checkpoint: Self = serde_json::from_slice(octets)?;
        if checkpoint.schema != SCHEMA {
            return Err(Error::Schema(checkpoint.schema));
        }
        let (cursor, reserved) = (checkpoint.cursor, checkpoint.reserved);
        if cursor > reserved || reserved > MAX_CURSOR {
            return Err(Error::Cursors { cursor, reserved });
        }
        Ok(checkpoint)
    }
}

/// What is on its way to being final: pairs of cursors and records, from the moment
/// that they were noted.
#[derive(Debug)]
pub struct Settling {
    timeout: Duration,
    /// Probes that may still be answered.
    noted: VecDeque<Note>,
    /// Their time is up; the records of some are not written for good yet.
    timed_out: VecDeque<Note>,
    cursor: u64,
}

#[derive(Clone, Copy, Debug)]
struct Note {
    moment: Moment,
    cursor: u64,
    /// Records handed to the sink when the probes' time was up.
    records: u64,
}

impl Settling {
    /// From `cursor` on; a probe has `timeout` to be answered and read.
    pub fn new(cursor: u64, timeout: Duration) -> Self {
        Self {
            timeout,
            noted: VecDeque::new(),
            timed_out: VecDeque::new(),
            cursor,
        }
    }

    /// All probes before `cursor` have left; `records` were handed to the sink so
    /// far, of which `durable` are written for good. Returns the cursor before
    /// which everything is final.
    pub fn note(&mut self, now: Moment, cursor: u64, records: u64, durable: u64) -> u64 {
        while let Some(first) = self.noted.front().copied() {
            if now.since(first.moment) < self.timeout {
                break;
            }
            self.noted.pop_front();
            self.timed_out.push_back(Note { records, ..first });
        }
        while let Some(note) = self.timed_out.front().copied() {
            if note.records > durable {
                break;
            }
            self.cursor = self.cursor.max(note.cursor);
            self.timed_out.pop_front();
        }
        self.noted.push_back(Note {
            moment: now,
            cursor,
            records,
        });
        self.cursor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(second: u64) -> Moment {
        Moment(second * SECOND)
    }

    #[test]
    fn a_probe_is_final_once_its_time_is_up_and_its_records_are_written() {
        let mut settling = Settling::new(0, Duration::from_secs(2));
        assert_eq!(settling.note(at(0), 100, 0, 0), 0);
        assert_eq!(settling.note(at(1), 200, 40, 40), 0);
        // The first hundred had their two seconds; their records are not all written.
        assert_eq!(settling.note(at(2), 300, 90, 80), 0);
        assert_eq!(settling.note(at(3), 400, 130, 90), 100);
        assert_eq!(settling.note(at(4), 500, 150, 130), 200);
        assert_eq!(settling.note(at(5), 600, 150, 150), 400);
    }

    #[test]
    fn a_file_that_no_run_wrote_is_refused() {
        let checkpoint = Checkpoint {
            schema: SCHEMA,
            arguments: vec!["sweep".to_owned()],
            seed: 7,
            plan: u64::MAX,
            cursor: 100,
            reserved: 3_100,
            output: 4_096,
            done: false,
        };
        let read = |checkpoint: &Checkpoint| {
            let octets = serde_json::to_vec(checkpoint).expect("JSON");
            Checkpoint::from_json(&octets).map_err(|error| error.to_string())
        };
        assert_eq!(read(&checkpoint), Ok(checkpoint.clone()));
        for (cursor, reserved) in [(100, u64::MAX), (u64::MAX, u64::MAX), (3_101, 3_100)] {
            let beyond = Checkpoint {
                cursor,
                reserved,
                ..checkpoint.clone()
            };
            assert!(read(&beyond).is_err_and(|error| error.contains("none that a run came to")));
        }
        let newer = Checkpoint {
            schema: 2,
            ..checkpoint
        };
        assert_eq!(read(&newer), Err("schema 2 is not 1".to_owned()));
        let message = Checkpoint::from_json(b"{}").expect_err("no fields");
        assert!(message.to_string().starts_with("no checkpoint: "));
    }

    #[test]
    fn a_sink_that_lags_does_not_keep_the_cursor_from_coming_on() {
        let mut settling = Settling::new(7, Duration::from_secs(1));
        let mut last = 7;
        for second in 0..60 {
            // Written for good every tenth second only, as closed files are.
            let durable = second / 10 * 10 * 50;
            let cursor = settling.note(at(second), second * 100, second * 50, durable);
            assert!(cursor >= last);
            last = cursor;
        }
        assert!(last >= 4_500, "{last}");
    }
}

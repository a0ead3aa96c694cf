//! Bad days: whatever happens, one clear line, what was measured, nothing left over.

#![expect(clippy::unwrap_used, reason = "in a suite, to panic is to fail")]

mod busy;
mod clocks;
mod company;
mod interfaces;
mod leftovers;
mod neighbours;
mod occupant;
mod output;
mod rights;

use probe_tests::probe::Run;

/// A continuous ping, a line for each reply.
const CONTINUOUS: [&str; 3] = ["--interval", "10ms", "--replies"];

/// One line on stderr that has these words, and no part of a record on stdout.
#[track_caller]
fn assert_one_line(run: &Run, words: &[&str]) {
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    for word in words {
        assert!(
            run.stderr.contains(word),
            "{word} is not in: {}",
            run.stderr
        );
    }
    run.records().unwrap();
}

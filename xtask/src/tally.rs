//! Sums of test results.

use std::fmt;

/// Tests by result, over any number of test binaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed; a binary that gives no result counts as one.
    pub(crate) failed: u64,
    /// Not run, because marked so.
    pub(crate) ignored: u64,
}

impl Tally {
    /// Counts one line of output, if it is the closing line of a test binary:
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    pub(crate) fn read_line(&mut self, line: &str) {
        let Some((_, counts)) = line
            .strip_prefix("test result: ")
            .and_then(|result| result.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else {
                continue;
            };
            let number: u64 = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Counts what a whole run of cargo said, and how it ended.
    pub(crate) fn add_run(&mut self, run: Self, success: bool) {
        let silent_failure = !success && run.failed == 0;
        self.passed += run.passed;
        self.failed += run.failed + u64::from(silent_failure);
        self.ignored += run.ignored;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 2 tests
test a::b ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test says test result: ok. 9 passed
test result: FAILED. 5 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    fn read(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_line(line));
        tally
    }

    #[test]
    fn results_of_all_binaries_add_up() {
        let tally = read(OUTPUT);
        assert_eq!(tally.to_string(), "7 passed, 1 failed");
        assert_eq!(tally.ignored, 1);
    }

    #[test]
    fn a_run_that_dies_without_a_result_counts_as_failed() {
        let mut total = Tally::default();
        total.add_run(Tally::default(), false);
        total.add_run(read(OUTPUT), false);
        total.add_run(Tally::default(), true);
        assert_eq!(total.to_string(), "7 passed, 2 failed");
    }
}

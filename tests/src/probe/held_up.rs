//! Whether the host was held up meanwhile, as a run itself says, and measuring anew then:
//! a machine that others use stands still at times, for a second and more.

use std::time::Duration;

use anyhow::Result;

use super::{record::Ping, run::Run};

/// How often something is measured at most.
const MOST: u32 = 5;

/// Measures, and does so again while what came of it is spoiled, five times in all at
/// most: the last counts, spoiled or not. `measure` is told how often it was done before.
pub fn repeat_while<T>(spoiled: impl Fn(&T) -> bool, mut measure: impl FnMut(u32) -> T) -> T {
    let mut times = 0;
    loop {
        let measured = measure(times);
        times += 1;
        if times == MOST || !spoiled(&measured) {
            return measured;
        }
        println!("spoiled: measured again, after {times} times");
    }
}

impl Ping {
    /// For how long sending was held up at most; zero if no probe was left out for that.
    pub fn held_up(&self) -> Duration {
        let longest = self.omitted.map_or(0, |omitted| omitted.longest_ns);
        Duration::from_nanos(longest)
    }
}

impl Run {
    /// The longest time between two probes that were answered and have nothing but unanswered
    /// ones in between.
    ///
    /// # Errors
    ///
    /// If a line of stdout is not JSON.
    pub fn longest_gap(&self) -> Result<Duration> {
        let replies = self.replies()?.into_iter();
        let mut sent: Vec<u64> = replies.filter_map(|reply| reply.tx_ns).collect();
        sent.sort_unstable();
        let gaps = sent.windows(2).map(|pair| pair[1] - pair[0]);
        Ok(Duration::from_nanos(gaps.max().unwrap_or(0)))
    }
}

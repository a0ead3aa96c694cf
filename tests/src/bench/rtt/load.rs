//! What a benchmark varies: rates and hold times, as written on its command line.

use std::{fmt, str::FromStr, time::Duration};

use anyhow::{Context as _, Error, Result, ensure};

use crate::lab::HoldTime;

/// Seed of jittered holds: every run draws the same.
const SEED: u64 = 1;

/// Probes a second, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u32);

impl Rate {
    /// Probes a second.
    pub fn per_second(self) -> u32 {
        self.0
    }

    /// Time from one probe to the next.
    pub fn interval(self) -> Duration {
        Duration::from_secs(1) / self.0
    }
}

impl FromStr for Rate {
    type Err = Error;

    /// `250`, `1k`, `1M`.
    fn from_str(text: &str) -> Result<Self> {
        let (number, factor) = if let Some(thousands) = text.strip_suffix(['k', 'K']) {
            (thousands, 1_000)
        } else if let Some(millions) = text.strip_suffix('M') {
            (millions, 1_000_000)
        } else {
            (text, 1)
        };
        let number: u32 = number
            .parse()
            .with_context(|| format!("{text}: give probes a second such as 100 or 10k"))?;
        let rate = number.saturating_mul(factor);
        ensure!(
            (1..=1_000_000).contains(&rate),
            "{text}: give a rate from 1 to 1000k"
        );
        Ok(Self(rate))
    }
}

/// `1,000/s`
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.0 / 1_000, self.0 % 1_000) {
            (0, ones) => format!("{ones}/s"),
            (1_000, 0) => "1,000,000/s".to_owned(),
            (thousands, ones) => format!("{thousands},{ones:03}/s"),
        };
        f.pad(&text)
    }
}

/// How long the responder is told to hold replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammedHold(HoldTime);

impl ProgrammedHold {
    /// What to tell the responder.
    pub fn time(&self) -> HoldTime {
        self.0.clone()
    }

    /// The longest hold.
    pub fn longest(&self) -> Duration {
        match &self.0 {
            HoldTime::Fixed(time) => *time,
            HoldTime::Uniform { range, .. } => *range.end(),
        }
    }
}

impl FromStr for ProgrammedHold {
    type Err = Error;

    /// `0`, `50us`, `20ms`; jittered: `1ms..20ms`.
    fn from_str(text: &str) -> Result<Self> {
        let parse = |part: &str| -> Result<Duration> {
            let time = humantime::parse_duration(part)
                .with_context(|| format!("{text}: give a time such as 50us, or 1ms..20ms"))?;
            ensure!(time <= Duration::from_secs(1), "{text}: longer than 1s");
            Ok(time)
        };
        let Some((short, long)) = text.split_once("..") else {
            return Ok(Self(HoldTime::Fixed(parse(text)?)));
        };
        let range = parse(short)?..=parse(long)?;
        ensure!(!range.is_empty(), "{text}: ends before it begins");
        Ok(Self(HoldTime::Uniform { range, seed: SEED }))
    }
}

/// `0`, `50µs`, `1ms–20ms`
impl fmt::Display for ProgrammedHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.0 {
            HoldTime::Fixed(Duration::ZERO) => "0".to_owned(),
            HoldTime::Fixed(time) => format!("{time:?}"),
            HoldTime::Uniform { range, .. } => format!("{:?}–{:?}", range.start(), range.end()),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_they_are_shown() {
        for (text, shown) in [
            ("100", "100/s"),
            ("1k", "1,000/s"),
            ("12k", "12,000/s"),
            ("1M", "1,000,000/s"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        for text in ["", "0", "fast", "-1", "2000k", "99999999k"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn holds_are_fixed_or_spread() {
        for (text, shown) in [("0", "0"), ("50us", "50µs"), ("1ms..20ms", "1ms–20ms")] {
            assert_eq!(text.parse::<ProgrammedHold>().unwrap().to_string(), shown);
        }
        for text in ["", "5", "2s", "20ms..1ms", "1ms.."] {
            assert!(text.parse::<ProgrammedHold>().is_err(), "{text}");
        }
    }
}

//! Rates on the command line: `250`, `100k`, `1.5M`, `max`.

use std::str::FromStr;

/// Most probes a second that are taken: above any wire.
const HIGHEST: u64 = 1_000_000_000;

/// Probes per second over all targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// At most so many, at least 1.
    PerSecond(u64),
    /// As many as intervals and slots allow.
    Max,
}

/// Bits a second on the wire: `10M`, `1G`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bandwidth(pub(crate) u64);

impl FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match parse_suffixed(text) {
            None | Some(0) => Err("not a bandwidth; give bits a second such as 10M or 1G".into()),
            Some(bits) => Ok(Self(bits)),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::Max);
        }
        let how = "give probes a second such as 250, 100k or 1.5M, or max";
        match parse_suffixed(text) {
            None => Err(format!("not a whole number of probes; {how}")),
            Some(0) => Err(format!("nothing would be sent; {how}")),
            Some(rate) if rate > HIGHEST => Err(format!("more than 1G; {how}")),
            Some(rate) => Ok(Self::PerSecond(rate)),
        }
    }
}

/// Parses a whole number with an optional suffix k, M or G (powers of 1,000);
/// before a suffix decimals are allowed as long as the number stays whole.
fn parse_suffixed(text: &str) -> Option<u64> {
    let (number, zeros) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 3),
        'm' | 'M' => (&text[..text.len() - 1], 6),
        'g' | 'G' => (&text[..text.len() - 1], 9),
        _ => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > zeros {
        return None;
    }
    format!("{whole}{fraction:0<zeros$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_powers_of_a_thousand() {
        for (text, rate) in [
            ("1", 1),
            ("250", 250),
            ("100k", 100_000),
            ("100K", 100_000),
            ("1.5M", 1_500_000),
            ("1.50m", 1_500_000),
            ("0.25k", 250),
            ("1G", 1_000_000_000),
            ("10.0", 10),
        ] {
            assert_eq!(text.parse(), Ok(Rate::PerSecond(rate)), "{text}");
        }
        assert_eq!("max".parse(), Ok(Rate::Max));
    }

    #[test]
    fn zero_and_nonsense_are_refused() {
        for text in [
            "",
            "0",
            "0k",
            "0.0M",
            "-1",
            "0.5",
            "1.2345k",
            "k",
            ".5k",
            "1kk",
            "1 k",
            "1G1",
            "2G",
            "99999999999999999999",
            "inf",
            "1e3",
            "µ",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text:?}");
        }
    }
}

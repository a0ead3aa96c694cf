//! Durations on the command line: `500ms`, `1s`, `1m 30s`; a bare number is
//! seconds, with decimals as in ping(8) and fping (`0.2`, `.2`).

use std::time::Duration;

/// The longest interval: a year, far inside nanoseconds in 64 bits.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
/// The longest timeout: slots are held for as long.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// Parses a duration from 0 to a year.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let parsed = match with_unit(text) {
        Some(seconds) => humantime::parse_duration(&seconds),
        None => humantime::parse_duration(text),
    };
    let duration = parsed.map_err(|_| "give a time such as 500ms, 1s or 0.2 (seconds)")?;
    if duration > LONGEST {
        return Err("longer than a year; give a time such as 500ms or 1s".to_owned());
    }
    Ok(duration)
}

/// Parses a duration above 0 and of at most an hour.
pub(crate) fn parse_timeout(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("no reply could arrive in no time; give at least 1ms".to_owned()),
        timeout if timeout > LONGEST_TIMEOUT => {
            Err("probes are kept in mind for an hour at most; give at most 1h".to_owned())
        }
        timeout => Ok(timeout),
    }
}

/// A bare decimal number with the unit seconds; `None` if it is none.
fn with_unit(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return None;
    }
    Some(match fraction.trim_end_matches('0') {
        "" => format!("0{whole}s"),
        fraction => format!("0{whole}.{fraction}s"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_bare_seconds() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("0.0", 0),
            ("0ms", 0),
            ("1", 1_000_000_000),
            ("0.2", 200_000_000),
            (".2", 200_000_000),
            ("3.", 3_000_000_000),
            ("0.000000001", 1),
            ("1.50000000000000", 1_500_000_000),
            ("500ms", 500_000_000),
            ("1.5ms", 1_500_000),
            ("20us", 20_000),
            (" 1s ", 1_000_000_000),
            ("1m 30s", 90_000_000_000),
        ] {
            let expected = Duration::from_nanos(nanoseconds);
            assert_eq!(parse(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            ".",
            "-1",
            "-1s",
            "1x",
            "1e3",
            "nan",
            "inf",
            "1,5",
            "1 2",
            "1..2",
            "s",
            "0.0000000001",
            "99999999999999999999",
            "400days",
            "1s\0",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_timeout_leaves_time_to_answer() {
        assert!(parse_timeout("0").is_err());
        assert!(parse_timeout("61m").is_err());
        assert_eq!(parse_timeout("1h"), Ok(LONGEST_TIMEOUT));
    }
}

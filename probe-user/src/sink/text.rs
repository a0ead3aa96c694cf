//! Numbers and names as people read them.

use std::net::IpAddr;

/// A time with four significant digits: microseconds below a millisecond, else
/// milliseconds.
pub(crate) fn time(nanoseconds: u64) -> String {
    let ns = nanoseconds as f64;
    if nanoseconds < 999_950 {
        return format!("{} µs", four_digits(ns / 1e3));
    }
    format!("{} ms", four_digits(ns / 1e6))
}

fn four_digits(value: f64) -> String {
    let decimals = match value {
        value if value < 9.9995 => 3,
        value if value < 99.995 => 2,
        value if value < 999.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A ratio in percent. What is not nothing never reads 0 %, what is not all never 100 %.
pub(crate) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    match percent {
        p if !p.is_finite() => "-".to_owned(),
        p if p <= 0.0 => "0 %".to_owned(),
        p if p < 0.01 => "<0.01 %".to_owned(),
        p if p < 1.0 => format!("{} %", without_zeros(&format!("{p:.2}"))),
        p if p >= 100.0 => "100 %".to_owned(),
        p if p > 99.9 => ">99.9 %".to_owned(),
        p => format!("{} %", without_zeros(&format!("{p:.1}"))),
    }
}

/// A number with three significant digits at most, and no more than its value needs.
pub(crate) fn decimal(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    let decimals = (2.0 - magnitude).clamp(0.0, 12.0) as usize;
    match decimals {
        0 => format!("{value:.0}"),
        _ => without_zeros(&format!("{value:.decimals$}")).to_owned(),
    }
}

fn without_zeros(number: &str) -> &str {
    number.trim_end_matches('0').trim_end_matches('.')
}

/// A whole number with commas: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 reply`, `2 replies`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A name and its address, or the address alone.
pub(crate) fn host(name: Option<&str>, address: IpAddr) -> String {
    match name {
        Some(name) => format!("{} ({address})", printable(name)),
        None => address.to_string(),
    }
}

/// A text from the network with all but printable ASCII escaped (`\n`, `\x1b`), so
/// that no name can move the cursor of a terminal.
pub(crate) fn printable(text: &str) -> String {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    if text.bytes().all(plain) {
        return text.to_owned();
    }
    text.as_bytes().escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_four_digits_and_a_unit() {
        for (nanoseconds, text) in [
            (0, "0.000 µs"),
            (7, "0.007 µs"),
            (1_234, "1.234 µs"),
            (9_999, "9.999 µs"),
            (12_345, "12.35 µs"),
            (99_996, "100.0 µs"),
            (123_456, "123.5 µs"),
            (999_949, "999.9 µs"),
            (999_950, "1.000 ms"),
            (1_000_000, "1.000 ms"),
            (12_345_678, "12.35 ms"),
            (123_456_789, "123.5 ms"),
            (3_000_000_000, "3000 ms"),
            (u64::MAX, "18446744073710 ms"),
        ] {
            assert_eq!(time(nanoseconds), text);
        }
    }

    #[test]
    fn percent_rounds_to_neither_end() {
        for (ratio, text) in [
            (0.0, "0 %"),
            (1e-9, "<0.01 %"),
            (0.0005, "0.05 %"),
            (0.01, "1 %"),
            (1.0 / 3.0, "33.3 %"),
            (0.5, "50 %"),
            (0.9999, ">99.9 %"),
            (1.0, "100 %"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(percent(ratio), text);
        }
    }

    #[test]
    fn decimals_have_three_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (4.666, "4.67"),
            (0.012_345, "0.0123"),
            (0.000_001_234, "0.00000123"),
            (99.96, "100"),
            (120.0, "120"),
            (1_234.5, "1234"),
        ] {
            assert_eq!(decimal(value), text);
        }
    }

    #[test]
    fn hostile_names_are_escaped() {
        for (name, text) in [
            ("r1.example", "r1.example"),
            ("\u{1b}[2Jr1", "\\x1b[2Jr1"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{9b}31m", "\\xc2\\x9b31m"),
            ("\u{202e}gro", "\\xe2\\x80\\xaegro"),
            ("\\x1b", "\\\\x1b"),
        ] {
            assert_eq!(printable(name), text);
        }
    }

    #[test]
    fn counts_have_commas() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!(counted(1, "reply", "replies"), "1 reply");
        assert_eq!(counted(2000, "reply", "replies"), "2,000 replies");
    }
}

//! Numbers and addresses with a range or notation of their own.

use std::net::IpAddr;

/// Slots that a shard has, and the least that there are.
const LEAST_SLOTS: u32 = 1 << 16;
/// The most slots: 4 GiB of records.
const MOST_SLOTS: u32 = 1 << 26;

/// The greatest flow label: 20 bits.
const MOST_FLOW_LABEL: u32 = 0xf_ffff;

/// Parses a TOS or traffic class, decimal or hexadecimal, as ping(8) takes it.
pub(crate) fn parse_tos(text: &str) -> Result<u8, String> {
    let parsed = either_notation(text).and_then(|number| u8::try_from(number).ok());
    parsed.ok_or_else(|| "give a number from 0 to 255 (0xff)".to_owned())
}

/// Parses a flow label, decimal or hexadecimal (RFC 8200 section 6).
pub(crate) fn parse_flow_label(text: &str) -> Result<u32, String> {
    let parsed = either_notation(text).filter(|label| *label <= MOST_FLOW_LABEL);
    parsed.ok_or_else(|| "give a number of 20 bits: from 0 to 1048575 (0xfffff)".to_owned())
}

/// Reads a number, decimal, or hexadecimal behind 0x.
fn either_notation(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Parses a source address.
pub(crate) fn parse_source(text: &str) -> Result<IpAddr, String> {
    let parsed = text.parse::<IpAddr>();
    parsed.map_err(|_| "no address; `ip address` lists those of this host".to_owned())
}

/// Parses a number of slots: a power of two.
pub(crate) fn parse_slots(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(slots) if slots.is_power_of_two() && (LEAST_SLOTS..=MOST_SLOTS).contains(&slots) => {
            Ok(slots)
        }
        _ => Err(format!(
            "give a power of two from {LEAST_SLOTS} to {MOST_SLOTS}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tos_is_an_octet_in_either_notation() {
        assert_eq!(parse_tos("184"), Ok(184));
        assert_eq!(parse_tos("0xb8"), Ok(184));
        for text in ["256", "0x100", "-1", "0x", "", "EF"] {
            assert!(parse_tos(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_flow_label_has_20_bits_in_either_notation() {
        assert_eq!(parse_flow_label("0"), Ok(0));
        assert_eq!(parse_flow_label("0xfffff"), Ok(1_048_575));
        for text in ["0x100000", "1048576", "-1", "0x", "", "abcde"] {
            assert!(parse_flow_label(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn slots_are_a_power_of_two_in_range() {
        assert_eq!(parse_slots("65536"), Ok(65536));
        assert_eq!(parse_slots("8388608"), Ok(1 << 23));
        for text in ["0", "65535", "65537", "134217728", "1k", ""] {
            assert!(parse_slots(text).is_err(), "{text:?}");
        }
    }
}

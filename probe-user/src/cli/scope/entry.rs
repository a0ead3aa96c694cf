//! One entry of a list of targets: an address, a network or a range.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;

use crate::cli::host::Host;

/// All addresses from the first to the last, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    V4(u32, u32),
    V6(u128, u128),
}

/// What is wrong and what to do, to follow the quoted text.
type Complaint = &'static str;

const NO_NETWORK: Complaint =
    "is not a network: give an address and the length of its prefix, such as 192.0.2.0/24";

const NO_RANGE: Complaint = "is not a range: give its ends, such as 192.0.2.1-192.0.2.99, \
     or the last number of the second, such as 192.0.2.1-99";

const NEITHER: Complaint = "is neither an address nor a network";

impl Entry {
    /// The addresses from `first` to `last`.
    fn span(first: IpAddr, last: IpAddr) -> Result<Self, Complaint> {
        let (ordered, entry) = match (first, last) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a <= b, Self::V4(a.into(), b.into())),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a <= b, Self::V6(a.into(), b.into())),
            _ => return Err("is not a range: its ends are of two IP versions"),
        };
        if ordered {
            Ok(entry)
        } else {
            Err("ends before it begins: give the lower address first")
        }
    }
}

impl FromStr for Entry {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        if let Ok(address) = text.parse::<IpAddr>() {
            let address = address.to_canonical();
            return Self::span(address, address);
        }
        if text.contains('/') {
            let network: IpNet = text.parse().map_err(|_| NO_NETWORK)?;
            return Self::span(network.network(), network.broadcast());
        }
        if let Some((first, last)) = text.split_once('-')
            && let Ok(first) = first.trim().parse::<IpAddr>()
        {
            let first = first.to_canonical();
            return Self::span(first, end(first, last.trim()).ok_or(NO_RANGE)?);
        }
        Err(complaint(text))
    }
}

/// The end of a range: an address, or the last number of one that is otherwise
/// like `first`.
fn end(first: IpAddr, text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    // A sign is no digit, though numbers may be read with one.
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || text.len() > 4 {
        return None;
    }
    Some(match first {
        IpAddr::V4(first) => {
            let [a, b, c, _] = first.octets();
            IpAddr::from([a, b, c, text.parse().ok()?])
        }
        IpAddr::V6(first) => {
            let [a, b, c, d, e, f, g, _] = first.segments();
            let last = u16::from_str_radix(text, 16).ok()?;
            IpAddr::from([a, b, c, d, e, f, g, last])
        }
    })
}

/// What is wrong with a text that is no entry.
fn complaint(text: &str) -> Complaint {
    if !text.is_ascii() {
        return NEITHER;
    }
    if text.matches(':').count() == 1 {
        return "is neither an address nor a network: give a port with --port";
    }
    match text.parse::<Host>() {
        Ok(Host::Name(_)) => {
            "is a name, and a sweep takes addresses and networks: resolve names first"
        }
        Err(complaint) if !complaint.contains("host name") => complaint,
        _ => NEITHER,
    }
}

/// The number of an IPv4 address in dotted form, as std reads it, but in place.
#[inline]
pub(super) fn dotted(text: &[u8]) -> Option<u32> {
    let mut number = 0u32;
    let mut octet = 0u32;
    let mut digits = 0u32;
    let mut dots = 0u32;
    for byte in text {
        match byte {
            b'0'..=b'9' if digits == 0 || octet != 0 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return None;
                }
            }
            b'.' if digits != 0 && dots < 3 => {
                number = number << 8 | octet;
                (octet, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (digits != 0 && dots == 3).then_some(number << 8 | octet)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    fn v4(text: &str) -> u32 {
        dotted(text.as_bytes()).expect(text)
    }

    fn v6(text: &str) -> u128 {
        let address: std::net::Ipv6Addr = text.parse().expect(text);
        address.into()
    }

    #[test]
    fn networks_ranges_and_addresses_of_both_families() {
        for (text, first, last) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("10.1.2.3/8", "10.0.0.0", "10.255.255.255"),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255"),
            ("10.0.0.1/32", "10.0.0.1", "10.0.0.1"),
            ("10.0.0.1-10.0.1.9", "10.0.0.1", "10.0.1.9"),
            ("10.0.0.1 - 10.0.1.9", "10.0.0.1", "10.0.1.9"),
            ("10.0.0.1-99", "10.0.0.1", "10.0.0.99"),
            ("10.0.0.1-1", "10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(text.parse(), Ok(Entry::V4(v4(first), v4(last))), "{text}");
        }
        for (text, first, last) in [
            ("2001:db8::7", "2001:db8::7", "2001:db8::7"),
            ("2001:db8::7/126", "2001:db8::4", "2001:db8::7"),
            ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::1-2001:db8:1::", "2001:db8::1", "2001:db8:1::"),
            ("2001:db8::1-ff", "2001:db8::1", "2001:db8::ff"),
        ] {
            assert_eq!(text.parse(), Ok(Entry::V6(v6(first), v6(last))), "{text}");
        }
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, says) in [
            ("example.org", "resolve names first"),
            ("my-host.example", "resolve names first"),
            ("bücher.example", "neither an address nor a network"),
            ("foo bar", "neither an address nor a network"),
            ("10.0.0.0/33", "not a network"),
            ("10.0.0/8", "not a network"),
            ("2001:db8::/129", "not a network"),
            ("https://example.org/", "not a network"),
            ("10.0.0.1-300", "not a range"),
            ("10.0.0.1-", "not a range"),
            ("10.0.0.1-+9", "not a range"),
            ("10.0.0.1-f", "not a range"),
            ("10.0.0.1-10.0.0.2-10.0.0.3", "not a range"),
            ("2001:db8::1-10000", "not a range"),
            ("10.0.0.1-2001:db8::1", "two IP versions"),
            ("10.0.0.9-1", "ends before it begins"),
            ("10.0.0.9-10.0.0.8", "ends before it begins"),
            ("300.1.2.3", "not an IPv4 address"),
            ("1.2.3", "not an IPv4 address"),
            ("01.2.3.4", "not an IPv4 address"),
            ("1::2::3", "not an IPv6 address"),
            ("fe80::1%eth0", "--interface"),
            ("[::1]", "brackets"),
            ("192.0.2.1:80", "--port"),
        ] {
            let complaint = text.parse::<Entry>().expect_err(text);
            assert!(complaint.contains(says), "{text:?} {complaint}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_reads_what_the_standard_library_reads(
            text in "[0-9]{1,3}(\\.[0-9]{0,4}){0,4}|[0-9. ]{0,16}",
        ) {
            let expected = text.parse::<Ipv4Addr>().ok().map(u32::from);
            prop_assert_eq!(dotted(text.as_bytes()), expected);
        }

        #[test]
        fn every_address_is_read(number in any::<u32>()) {
            let text = Ipv4Addr::from(number).to_string();
            prop_assert_eq!(dotted(text.as_bytes()), Some(number));
            prop_assert_eq!(text.parse(), Ok(Entry::V4(number, number)));
        }

        #[test]
        fn no_text_is_a_panic(text in any::<String>()) {
            let _ = text.parse::<Entry>();
        }

        #[test]
        fn a_network_is_the_range_of_its_ends(number in any::<u128>(), length in 0..=128u8) {
            let address = std::net::Ipv6Addr::from(number);
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            let expected = Entry::V6(number & mask, number | !mask);
            prop_assert_eq!(format!("{address}/{length}").parse(), Ok(expected));
        }
    }
}

//! One target as the user wrote it: an address or a host name (RFC 1123).

use std::{net::IpAddr, str::FromStr};

/// The longest host name, in octets (RFC 1035, without the root).
const LONGEST_NAME: usize = 253;

/// A target that may be probed or resolved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    /// An address; an IPv4 address mapped into IPv6 is IPv4.
    Address(IpAddr),
    /// A name, as written.
    Name(String),
}

impl FromStr for Host {
    /// What is wrong and what to do, to follow the quoted text.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        not_an_address(text).map_or(Ok(()), Err)?;
        let name = text.strip_suffix('.').unwrap_or(text);
        if !text.is_ascii() {
            return Err("is not ASCII: give the name in its DNS form (xn--...)");
        }
        if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
            return Err("is neither a host name nor an address");
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl Host {
    /// What two spellings of one host have in common.
    pub(crate) fn key(&self) -> Self {
        match self {
            Self::Address(_) => self.clone(),
            Self::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                Self::Name(name.to_ascii_lowercase())
            }
        }
    }
}

/// What is wrong with a text that is meant as an address but is none.
fn not_an_address(text: &str) -> Option<&'static str> {
    if text.contains('/') {
        return Some("is neither a host name nor an address: networks and URLs cannot be targets");
    }
    if text.contains('%') {
        return Some("has a zone: give the address alone, and the zone with --interface");
    }
    if text.starts_with('[') {
        return Some("has brackets: give the IPv6 address alone, and a port with --port");
    }
    if text.matches(':').count() == 1 {
        return Some("is neither a host name nor an address: give a port with --port");
    }
    if text.contains(':') {
        return Some("is not an IPv6 address");
    }
    // A name's last label is never a number, so that no address reads as a name (RFC 3696).
    let last = text.trim_end_matches('.').rsplit('.').next()?;
    if !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) {
        return Some("is not an IPv4 address: four numbers from 0 to 255 make one");
    }
    None
}

/// Underscores are no part of host names, but stand in many.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_addresses() {
        for name in [
            "example.org",
            "example.org.",
            "r1",
            "_x.a-b.c",
            "1.2.3.4.example",
        ] {
            assert_eq!(name.parse(), Ok(Host::Name(name.to_owned())));
        }
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            let address = address.parse().map(Host::Address);
            assert_eq!(text.parse::<Host>().ok(), address.ok());
        }
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, says) in [
            ("300.1.2.3", "not an IPv4 address"),
            ("1.2.3.4.5", "not an IPv4 address"),
            ("1.2.3", "not an IPv4 address"),
            ("1.2.3.4.", "not an IPv4 address"),
            ("12345", "not an IPv4 address"),
            ("2001:db8::zz", "not an IPv6 address"),
            ("1::2::3", "not an IPv6 address"),
            ("fe80::1%eth0", "--interface"),
            ("[::1]", "brackets"),
            ("192.0.2.1:80", "--port"),
            ("example.org:80", "--port"),
            ("192.0.2.0/24", "networks"),
            ("https://example.org/", "networks and URLs"),
            ("bücher.example", "xn--"),
            ("foo bar", "neither"),
            ("foo..bar", "neither"),
            ("-foo", "neither"),
            ("", "neither"),
            (".", "neither"),
            ("a\u{1b}[31m", "neither"),
            ("a\0b", "neither"),
            (&"a".repeat(64), "neither"),
            (&"a.".repeat(128), "neither"),
        ] {
            let message = text.parse::<Host>().expect_err(text);
            assert!(message.contains(says), "{text:?}: {message}");
        }
    }

    #[test]
    fn spellings_of_one_host_share_a_key() {
        let key = |text: &str| text.parse::<Host>().map(|host| host.key());
        assert_eq!(key("Example.ORG."), key("example.org"));
        assert_eq!(key("::1"), key("0:0::0001"));
        assert_ne!(key("a.example"), key("b.example"));
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic_or_a_hostile_name(text in any::<String>()) {
            if let Ok(Host::Name(name)) = text.parse() {
                prop_assert!(name.bytes().all(|b| b.is_ascii_graphic()));
            }
        }

        #[test]
        fn every_address_is_itself(octets in any::<[u8; 16]>()) {
            let address = IpAddr::from(octets);
            prop_assert_eq!(address.to_string().parse(), Ok(Host::Address(address.to_canonical())));
        }
    }
}

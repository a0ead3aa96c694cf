//! Text of replies, appended to a line without allocating.
//!
//! Names (kinds, reasons, protocols) are our own: printable ASCII that no format has
//! to quote or escape.

use std::net::IpAddr;

use itoa::{Buffer, Integer};

use super::address;

/// Room that a line of a reply takes at most, octets.
pub(super) const LONGEST_OCTETS: usize = 1024;

/// The end of lines gathered so far.
pub(super) struct Line<'a>(pub(super) &'a mut Vec<u8>);

impl Line<'_> {
    pub(super) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, number: impl Integer) {
        self.text(Buffer::new().format(number));
    }

    pub(super) fn truth(&mut self, truth: bool) {
        self.text(if truth { "true" } else { "false" });
    }

    pub(super) fn address(&mut self, address: IpAddr) {
        address::append(self.0, address);
    }
}

#[cfg(test)]
mod tests {
    use probe_common::{
        abi::{Kind, Protocol, TxSource},
        wire::icmp::unreachable_name,
    };

    use crate::engine::stamp::RxHook;

    #[test]
    fn our_names_need_no_quotes_in_any_format() {
        let codes = (0..=255).flat_map(|code| [false, true].map(|v6| unreachable_name(v6, code)));
        let names = (Kind::ALL.iter().map(|kind| kind.name()))
            .chain(Protocol::ALL.iter().map(|protocol| protocol.name()))
            .chain(TxSource::ALL.iter().map(|source| source.name()))
            .chain(RxHook::ALL.iter().map(|hook| hook.name()))
            .chain(codes);
        for name in names {
            let plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
            assert!(!name.is_empty() && name.bytes().all(plain), "{name}");
        }
    }
}

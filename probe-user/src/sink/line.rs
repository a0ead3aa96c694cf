//! Text of replies, appended to a line without allocating.
//!
//! Names (kinds, reasons, protocols) are our own: printable ASCII that no format has
//! to quote or escape.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
};

use itoa::{Buffer, Integer};

use crate::engine::stamp::Stamp;

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
        match address {
            IpAddr::V4(v4) => self.v4(v4),
            // Does not fail: memory is all that it is written to.
            IpAddr::V6(v6) => drop(write!(self.0, "{v6}")),
        }
    }

    fn v4(&mut self, address: Ipv4Addr) {
        let [a, b, c, d] = address.octets();
        self.number(a);
        for octet in [b, c, d] {
            self.text(".");
            self.number(octet);
        }
    }

    pub(super) fn stamp(&mut self, stamp: Stamp) {
        self.text(stamp.tx.name());
        self.text("/");
        self.text(stamp.rx.name());
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

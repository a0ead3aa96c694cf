//! Where stamps come from: said by every result.

use std::fmt;

use probe_common::abi::TxSource;
use serde::{Serialize, Serializer};

/// The hook that stamps replies on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RxHook {
    /// XDP in the driver.
    XdpNative,
    /// XDP behind the driver.
    XdpGeneric,
    /// TCX ingress.
    Tcx,
}

impl RxHook {
    /// Every hook.
    pub const ALL: &'static [Self] = &[Self::XdpNative, Self::XdpGeneric, Self::Tcx];

    /// The name used in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XdpNative => "xdp-native",
            Self::XdpGeneric => "xdp-generic",
            Self::Tcx => "tcx",
        }
    }
}

/// The sources of a round-trip time: those of different sources never share a
/// histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Of the probe.
    pub tx: TxSource,
    /// Of the reply.
    pub rx: RxHook,
}

impl Stamp {
    /// The name used in every output: `tx/rx`.
    pub const fn name(self) -> &'static str {
        match (self.tx, self.rx) {
            (TxSource::Tcx, RxHook::XdpNative) => "tcx/xdp-native",
            (TxSource::Tcx, RxHook::XdpGeneric) => "tcx/xdp-generic",
            (TxSource::Tcx, RxHook::Tcx) => "tcx/tcx",
            (TxSource::Generator, RxHook::XdpNative) => "generator/xdp-native",
            (TxSource::Generator, RxHook::XdpGeneric) => "generator/xdp-generic",
            (TxSource::Generator, RxHook::Tcx) => "generator/tcx",
            (TxSource::User, RxHook::XdpNative) => "user/xdp-native",
            (TxSource::User, RxHook::XdpGeneric) => "user/xdp-generic",
            (TxSource::User, RxHook::Tcx) => "user/tcx",
        }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// As its name.
impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_both_sources() {
        for &tx in TxSource::ALL {
            for &rx in RxHook::ALL {
                let name = format!("{}/{}", tx.name(), rx.name());
                assert_eq!(Stamp { tx, rx }.name(), name);
            }
        }
    }
}

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

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tx.name(), self.rx.name())
    }
}

/// As its text.
impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

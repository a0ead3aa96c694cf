//! Where the stamps of an event were taken.

use probe_common::abi::{Event, Hook, TxSource};

use crate::engine::stamp::{RxHook, Stamp};

/// The sources of an event's stamps. The event says XDP; whether that ran in the
/// driver, who attached it there knows: `hook_of` an interface's index.
pub(super) fn stamp_of(event: &Event, hook_of: impl FnOnce(u32) -> Option<RxHook>) -> Stamp {
    Stamp {
        tx: TxSource::from_code(event.tx_source).unwrap_or(TxSource::Tcx),
        rx: match Hook::from_code(event.hook) {
            Some(Hook::Xdp) => hook_of(event.ifindex).unwrap_or(RxHook::XdpGeneric),
            Some(Hook::Tcx) | None => RxHook::Tcx,
        },
    }
}

//! Lines about candidates, for development. Without the feature `log` nothing of
//! this is compiled: a line costs more than the rest of a program.

use crate::cursor::Packet;

/// A candidate was counted at this place of the counters.
#[inline(always)]
pub(crate) fn counted<P: Packet>(packet: &P, place: usize) {
    #[cfg(feature = "log")]
    aya_log_ebpf::debug!(packet, "interface {}: counter {}", packet.ifindex(), place);
    #[cfg(not(feature = "log"))]
    let _ = (packet, place);
}

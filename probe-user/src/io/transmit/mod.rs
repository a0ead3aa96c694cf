//! Sending probes: AF_PACKET through the qdisc, raw IP where a device has no
//! Ethernet header or the target is this host.

mod batch;
mod errno;
mod frame;
mod ring;
mod socket;

pub use batch::{Sent, Transmitter};
pub use errno::{UNBUILDABLE, errno, errno_name, is_backpressure, is_device_gone};
pub use frame::{Contact, Frame};

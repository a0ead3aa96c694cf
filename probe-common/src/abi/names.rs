//! Map and program names: the only spelling of them in the workspace.

/// Read-only global of type [`super::Config`], written before the load.
pub const CONFIG: &str = "CONFIG";
/// Array of one [`super::Control`]: what may change while a run goes on.
pub const CONTROL: &str = "CONTROL";
/// Per-CPU array of one [`super::Counters`].
pub const COUNTERS: &str = "COUNTERS";
/// Array of ring buffers, one for each CPU, of [`super::Event`].
pub const RINGS: &str = "RINGS";
/// Array of [`crate::slot::Record`], mapped into the sender's memory.
pub const SLOTS: &str = "SLOTS";

/// XDP receiver for devices with an Ethernet header.
pub const RX_XDP: &str = "rx_xdp";
/// XDP receiver for devices whose packets begin with the IP header.
pub const RX_XDP_L3: &str = "rx_xdp_l3";
/// TCX ingress receiver for devices with an Ethernet header.
pub const RX_TCX: &str = "rx_tcx";
/// TCX ingress receiver for devices whose packets begin with the IP header.
pub const RX_TCX_L3: &str = "rx_tcx_l3";
/// TCX egress stamp for devices with an Ethernet header.
pub const TX_TCX: &str = "tx_tcx";
/// TCX egress stamp for devices whose packets begin with the IP header.
pub const TX_TCX_L3: &str = "tx_tcx_l3";

/// Most CPUs that can hold a ring.
pub const MAX_CPUS: u32 = 1024;

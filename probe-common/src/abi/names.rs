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

/// Array of [`crate::adaptive::Trail`], mapped.
pub const TRAILS: &str = "TRAILS";
/// Array of words: [`crate::adaptive::stop_set`].
pub const STOPS: &str = "STOPS";
/// Array of words, mapped: [`crate::adaptive::hint`].
pub const HINTS: &str = "HINTS";

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

/// Read-only global of type [`super::Generator`], written before the load.
pub const GENERATOR: &str = "GENERATOR";
/// Array of [`super::generator::Lane`], one for each CPU, mapped.
pub const LANES: &str = "LANES";
/// Array of words, mapped: IPv4 addresses, two in a word, or IPv6 addresses, two
/// words for each.
pub const TARGETS: &str = "TARGETS";
/// Array of [`super::generator::Run`], mapped.
pub const RUNS: &str = "RUNS";
/// Array of two banks of [`super::generator::Way`], mapped.
pub const WAYS: &str = "WAYS";
/// Array of two banks of [`super::generator::Stretch`], mapped.
pub const STRETCHES: &str = "STRETCHES";
/// Array of the next sequence number of each lane in each shard.
pub const NEXT: &str = "NEXT";
/// Per-CPU array of probes stamped by TTL.
pub const STAMPED_BY_TTL: &str = "STAMPED_BY_TTL";
/// Per-CPU array of one [`super::generator::Refusals`].
pub const REFUSALS: &str = "REFUSALS";

/// XDP program that builds probes, run on live frames.
pub const GENERATE: &str = "generate";
/// Raw tracepoint program: what a driver took of redirected frames.
pub const TX_BULK: &str = "tx_bulk";
/// Its tracepoint.
pub const TX_BULK_POINT: &str = "xdp_devmap_xmit";
/// Raw tracepoint program: frames that never got to a driver.
pub const TX_ERROR: &str = "tx_error";
/// Its tracepoint.
pub const TX_ERROR_POINT: &str = "xdp_redirect_err";

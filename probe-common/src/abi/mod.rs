//! Records, counters and names that cross the kernel boundary through maps.
//!
//! Every struct is `Pod` (no padding), of fixed size, and asserted here.

pub mod config;
pub mod counter;
pub mod event;
pub mod excerpt;
pub mod floor;
pub mod generator;
pub mod lab;
pub mod names;

pub use config::{Config, Control};
pub use counter::{Counter, Counters};
pub use event::{Event, Flags, Grade, Hook, Kind, Outcome, Protocol, TxSource};
pub use excerpt::{Excerpt, ExtendedEvent};
pub use generator::Generator;

/// Bumped at every change of a shared record; the loader refuses an object of
/// another version.
pub const ABI_VERSION: u32 = 8;

const _: () = assert!(size_of::<Event>() == 64);
const _: () = assert!(size_of::<ExtendedEvent>() == 328);
const _: () = assert!(size_of::<crate::slot::Record>() == 64);
const _: () = assert!(size_of::<Config>() == 40);
const _: () = assert!(size_of::<crate::adaptive::Trail>() == 64);
const _: () = assert!(size_of::<Counters>() == 8 * Counter::COUNT);

//! The kernel programs of a run: loaded, configured, attached by links only.

mod attach;
mod floor;
mod link;
mod load;
#[cfg(feature = "log")]
mod log;
mod transmit;

pub use attach::Attachment;
pub use floor::Floor;
pub use load::{GeneratorSettings, Kernel, Settings};

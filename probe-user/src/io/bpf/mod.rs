//! The kernel programs of a run: loaded, configured, attached by links only.

mod attach;
mod load;
#[cfg(feature = "log")]
mod log;
mod transmit;

pub use attach::Attachment;
pub use load::{GeneratorSettings, Kernel, Settings};

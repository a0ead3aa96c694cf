//! What an adaptive sweep spares and what it misses, against the truth about the
//! simulated internet: probes as a share of a full sweep's, and how much of the
//! interfaces and links of a full sweep it finds.

mod campaign;
mod chart;
mod table;

pub use campaign::{Campaign, Row, SCOPES, Scope};
pub use chart::draw;
pub use table::render;

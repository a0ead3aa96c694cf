//! What does a ping of very many targets cost? Processor time, memory and rounds left out,
//! by the number of targets, on the simulated internet.

mod campaign;
mod chart;
mod table;

pub use campaign::{Campaign, Report, Row};
pub use chart::draw;
pub use table::render;

//! What to send and when, and what the answers mean; sans-IO.

pub mod accounting;
pub mod agenda;
pub mod answer;
pub mod beats;
pub mod bucket;
pub mod cause;
pub mod compact;
pub mod core;
pub mod ending;
pub mod flight;
pub mod flows;
pub mod gate;
pub mod hop;
mod interval;
pub mod latency;
pub mod log_linear;
pub mod loss;
pub mod order;
pub mod pace;
pub mod ping;
pub mod plan;
mod recent;
pub mod report;
pub mod responses;
pub mod sequence;
pub mod series;
pub mod session;
#[cfg(test)]
mod simulation;
pub mod stamp;
pub mod sweep;
pub mod tally;
pub mod time;
pub mod trace;
pub mod window;

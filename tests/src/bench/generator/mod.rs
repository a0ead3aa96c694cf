//! What does the transmitter in the kernel do, and what does it cost?
//!
//! Sweeps of the simulated internet by sockets and by the generator, one after
//! another, in turns: by batch, rate and format; and by the number of targets, whose
//! look-ups miss the caches ever more often.
//!
//! [`cases`] says what is measured, [`Campaign`] measures, [`Report`] sums up,
//! [`table`] and [`chart`] show it.

mod campaign;
mod case;
mod cases;
pub mod chart;
mod report;
pub mod table;
mod told;
mod verdict;

pub use self::{
    campaign::{Campaign, Run},
    case::{Case, End, Layout, Part, Scope, Sweep, Tool, Tx},
    cases::cases,
    report::{Report, Row},
    told::Told,
};

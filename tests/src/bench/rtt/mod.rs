//! How wrong are the round-trip times that tools report?
//!
//! Where replies are held, a delay responder holds each echo for a programmed time; the
//! kernel stamps the echo at the responder's own device when it comes and when it goes.
//! The error of a reply is the time that the tool reports minus that true hold: the
//! transit of the wire and all that the tool adds. Where they come at once, the
//! simulated internet sends them back, and the floor is what two bare stamping programs
//! make of the same wire. All tools run against the same, one after another, in turns.
//!
//! [`Campaign`] measures, [`Report`] sums up, [`table`] and [`chart`] show it. A
//! further tool is a variant of [`Tool`].

mod burn;
mod campaign;
pub mod chart;
mod distribution;
mod floor;
mod held;
mod instant;
mod load;
mod pairing;
mod reading;
mod report;
mod run;
pub mod table;
mod tool;
mod verdict;

pub use self::{
    campaign::{Campaign, Part},
    distribution::{Distribution, Percentiles},
    load::{ProgrammedHold, Rate},
    pairing::{Sample, Ways, pair},
    reading::{Mark, Reading},
    report::{Report, Row},
    tool::{Back, RxHook, Tool},
    verdict::Verdict,
};

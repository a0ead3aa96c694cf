//! How wrong are the round-trip times that tools report?
//!
//! A delay responder holds each echo for a programmed time; the kernel stamps the
//! echo at the responder's own device when it comes and when it goes. The error of
//! a reply is the time that the tool reports minus that true hold: the transit of
//! the wire and all that the tool adds. All tools run against the same responder,
//! one after another, in turns.
//!
//! [`Campaign`] measures, [`Report`] sums up, [`table`] and [`chart`] show it. A
//! further tool is a variant of [`Tool`].

mod campaign;
pub mod chart;
mod distribution;
mod load;
mod pairing;
mod reading;
mod report;
pub mod table;
mod tool;

pub use self::{
    campaign::{Campaign, Measurement},
    distribution::{Distribution, Percentiles},
    load::{ProgrammedHold, Rate},
    pairing::{Sample, Ways, pair},
    reading::{Mark, Reading},
    report::{Report, Row, Verdict},
    tool::{RxHook, Tool},
};

//! How fast do tools probe very many targets, and what of the replies do they keep?
//!
//! All run on the simulated internet, one after another, in turns. Its counters say
//! how many probes came, in what time, and how many replies went back; the tool's own
//! output says how many replies it recorded.
//!
//! [`Campaign`] measures, [`Report`] sums up, [`table`] and [`chart`] show it. A
//! further tool is a variant of [`Contender`].

mod activity;
pub mod blast;
mod campaign;
pub mod chart;
mod contender;
mod records;
mod report;
pub mod table;
mod trial;
mod usage;

pub(in crate::bench) use self::trial::{Outcome, Trial};
pub use self::{
    campaign::{Campaign, Run},
    contender::{Contender, Job, Task},
    report::{Report, Row},
    usage::Usage,
};

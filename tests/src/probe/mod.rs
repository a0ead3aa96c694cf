//! The program `probe` at work in a lab: started in a namespace, its output read.
//!
//! Every run writes its metadata, and [`assert_accounting`] checks the counters in
//! it: a suite cannot leave that out. `PROBE_BIN` names the program.
//!
//! ```no_run
//! use probe_tests::{lab::{Family, Lab}, probe::Probe};
//!
//! # fn main() -> anyhow::Result<()> {
//! let lab = Lab::chain(3).build()?;
//! let target = lab.address(Family::V4, "target")?;
//! let trace = Probe::trace(lab.vantage()).args(["--udp"]).to(target).run()?.trace()?;
//! assert_eq!(trace.addresses()?, lab.path(Family::V4)?.addresses()?);
//! # Ok(())
//! # }
//! ```

mod accounting;
mod caught;
mod command;
mod forger;
mod held_up;
mod metadata;
mod record;
mod remains;
mod run;
mod witness;

pub use self::{
    accounting::assert_accounting,
    caught::Caught,
    command::Probe,
    forger::{Echo, Forger},
    held_up::repeat_while,
    metadata::{
        Counters, Difference, Extensions, Metadata, Percentiles, SentProbe, Span, StampSource,
        Step, Suspension, SweepSection, Wait,
    },
    record::{
        Bursts, Hop, Host, Interval, Label, Loss, Middlebox, Omitted, Ping, RateLimit, Reordered,
        Reply, Responder, Rtt, Tells, Trace,
    },
    remains::Remains,
    run::{Run, Running},
    witness::Witness,
};

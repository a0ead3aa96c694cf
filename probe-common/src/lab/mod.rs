//! The simulated internet of the lab: what it answers to any probe, in one copy
//! that its kernel program and the tests both use.
//!
//! A tree of routers stands between the prober and the targets' networks (/24,
//! IPv6: /48). The first hops are shared by all; further away a router serves ever
//! fewer networks, and the last before a network serves that one alone. Everything
//! follows from a seed by hashing, so that millions of targets take no memory:
//!
//! ```
//! use probe_common::{Address, lab::{Answer, Internet, Query, Request}};
//!
//! let internet = Internet::DEFAULT;
//! let query = Query {
//!     destination: Address::from_v4([10, 1, 2, 3]),
//!     flow: 0,
//!     ttl: 1,
//!     request: Request::Echo,
//! };
//! let Answer::Reply(reply) = internet.answer(&query) else { panic!() };
//! assert_eq!(reply.responder, Address::from_v4([65, 0, 0, 1]));
//! ```
//!
//! * [`Internet`]: its parameters; [`Net`]: a network with targets;
//! * [`Query`], [`Request`]: a probe, as far as it decides the answer;
//! * [`Answer`], [`Reply`]: the truth; [`Router`]: who gives it; [`Labels`]: and what it
//!   says besides;
//! * [`Traffic`]: what the kernel program counts.

mod answer;
mod internet;
mod labels;
mod query;
mod router;
mod traffic;

pub use self::{
    answer::{Answer, Reply},
    internet::{Internet, Net},
    labels::{EXTENSION, Labels, PADDED_QUOTE},
    query::{Query, Request, flow_of},
    router::Router,
    traffic::{Count, MAX_TTLS, Traffic},
};

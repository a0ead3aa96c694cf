//! The library behind the command `probe`.
//!
//! ```text
//! cli (arguments -> plan) -> run -> engine (sans-IO: what to send, what it meant)
//!                             |         ^ events        | reports
//!                             v         |               v
//!                            io (aya, libc, sockets)   sink (table, JSONL, CSV)
//! ```
//!
//! `engine` knows no clock, socket, file, aya or tokio: `now` is passed in. `io`
//! is the only place for aya, libc and sockets. `sink` sees only
//! [`engine::report`]. `run` joins them.

pub mod cli;
pub mod engine;
pub mod error;
pub mod io;
pub mod run;
pub mod sink;

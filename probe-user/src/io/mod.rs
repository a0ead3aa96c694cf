//! The only place for aya, libc and sockets.

pub mod bpf;
pub mod clock;
pub mod doctor;
pub mod generator;
pub mod http;
mod mapped;
pub mod names;
pub mod network;
pub mod output;
mod pod;
pub mod ports;
pub mod processors;
pub mod ring;
pub mod signals;
pub mod slots;
pub mod spill;
pub mod trails;
pub mod transmit;

//! The only place for aya, libc and sockets.

pub mod doctor;
pub mod names;
pub mod network;
pub mod output;
pub mod ports;

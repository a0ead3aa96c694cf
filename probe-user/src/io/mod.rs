//! The only place for aya, libc and sockets.

pub mod doctor;
pub mod network;
pub mod ports;

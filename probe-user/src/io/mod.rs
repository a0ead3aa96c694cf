//! The only place for aya, libc and sockets.
pub mod network;
pub mod ports;

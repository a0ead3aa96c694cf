//! The only place for aya, libc and sockets.

//! Names of the errors that sending meets.

use crate::engine::cause::Errno;

/// A frame that cannot be built: addresses of two families.
pub const UNBUILDABLE: i32 = libc::EAFNOSUPPORT;

/// The device, or its link, is gone.
pub fn is_device_gone(errno: i32) -> bool {
    matches!(errno, libc::ENETDOWN | libc::ENXIO | libc::ENODEV)
}

/// A queue of the kernel is full: the same frame may be taken a little later.
pub fn is_backpressure(errno: i32) -> bool {
    matches!(errno, libc::EAGAIN | libc::ENOBUFS)
}

/// An error of sending as the engine counts it.
pub fn errno(number: i32) -> Errno {
    match number {
        libc::EACCES => Errno::Eacces,
        libc::EADDRNOTAVAIL => Errno::Eaddrnotavail,
        libc::EAFNOSUPPORT => Errno::Eafnosupport,
        libc::EAGAIN => Errno::Eagain,
        libc::EHOSTDOWN => Errno::Ehostdown,
        libc::EHOSTUNREACH => Errno::Ehostunreach,
        libc::EINVAL => Errno::Einval,
        libc::EIO => Errno::Eio,
        libc::EMSGSIZE => Errno::Emsgsize,
        libc::ENETDOWN => Errno::Enetdown,
        libc::ENETUNREACH => Errno::Enetunreach,
        libc::ENOBUFS => Errno::Enobufs,
        libc::ENODEV => Errno::Enodev,
        libc::ENOMEM => Errno::Enomem,
        libc::ENXIO => Errno::Enxio,
        libc::EPERM => Errno::Eperm,
        _ => Errno::Other,
    }
}

/// The symbolic name of an errno, in small letters.
pub fn errno_name(number: i32) -> String {
    match errno(number) {
        Errno::Other => format!("errno_{number}"),
        known => known.name().to_owned(),
    }
}

//! Names of the errors that sending meets.

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

/// The symbolic name of an errno, in small letters.
pub fn errno_name(errno: i32) -> String {
    let name = match errno {
        libc::EACCES => "eacces",
        libc::EADDRNOTAVAIL => "eaddrnotavail",
        libc::EAFNOSUPPORT => "eafnosupport",
        libc::EAGAIN => "eagain",
        libc::EHOSTDOWN => "ehostdown",
        libc::EHOSTUNREACH => "ehostunreach",
        libc::EINVAL => "einval",
        libc::EIO => "eio",
        libc::EMSGSIZE => "emsgsize",
        libc::ENETDOWN => "enetdown",
        libc::ENETUNREACH => "enetunreach",
        libc::ENOBUFS => "enobufs",
        libc::ENODEV => "enodev",
        libc::ENOMEM => "enomem",
        libc::ENXIO => "enxio",
        libc::EPERM => "eperm",
        _ => return format!("errno_{errno}"),
    };
    name.into()
}

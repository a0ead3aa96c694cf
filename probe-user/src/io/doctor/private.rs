//! A network namespace that nobody else is in.

#![expect(unsafe_code, reason = "a system call that no library offers as safe")]

use std::io;

/// Puts the calling thread into a new, empty network namespace, which is gone when the
/// thread has ended and nothing of it is left.
///
/// # Errors
///
/// Without CAP_SYS_ADMIN.
pub(super) fn enter_network() -> io::Result<()> {
    // SAFETY: no pointers; descriptors and memory stay shared.
    let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

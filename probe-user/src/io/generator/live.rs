//! The program run on live frames, in a call that lasts as long as the job.

#![expect(unsafe_code, reason = "system calls that no library offers so")]

use std::{
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::thread::JoinHandleExt as _,
    },
    thread::JoinHandle,
};

/// `BPF_PROG_TEST_RUN` and `BPF_F_TEST_XDP_LIVE_FRAMES` (linux/bpf.h).
const TEST_RUN: libc::c_long = 10;
const LIVE_FRAMES: u32 = 2;

/// Runs of the program in one call: minutes, even of one that finds nothing to do.
/// A call costs some 25 ms, however few frames it sends.
const RUNS: u32 = 1 << 31;

/// `struct xdp_md`: where the frame begins and ends, and the interface that it
/// seems to come from.
type Context = [u32; 6];

/// The part of `union bpf_attr` that the command takes.
#[repr(C)]
struct Attributes {
    program: u32,
    verdict: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    context_size_in: u32,
    context_size_out: u32,
    context_in: u64,
    context_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    reserved: u32,
}

/// A program that fills live frames.
#[derive(Debug)]
pub struct LiveFrames {
    pub(super) program: OwnedFd,
    pub(super) ifindex: u32,
    pub(super) octets: usize,
    pub(super) batch: u32,
}

impl LiveFrames {
    /// Runs the program on this processor until [`interrupt`] is called, or for some
    /// minutes.
    ///
    /// # Errors
    ///
    /// If the kernel does not run it so.
    pub fn run(&self) -> io::Result<()> {
        let frame = vec![0u8; self.octets];
        let octets = self.octets as u32;
        let context: Context = [0, octets, 0, self.ifindex, 0, 0];
        let attributes = Attributes {
            program: self.program.as_raw_fd() as u32,
            verdict: 0,
            data_size_in: octets,
            data_size_out: 0,
            data_in: frame.as_ptr() as u64,
            data_out: 0,
            repeat: RUNS,
            duration: 0,
            context_size_in: size_of::<Context>() as u32,
            context_size_out: 0,
            context_in: context.as_ptr() as u64,
            context_out: 0,
            flags: LIVE_FRAMES,
            cpu: 0,
            batch_size: self.batch,
            reserved: 0,
        };
        // SAFETY: frame, context and attributes outlive the call; the kernel only
        // reads what they point to, and writes into the attributes.
        let result = unsafe {
            libc::syscall(
                libc::SYS_bpf,
                TEST_RUN,
                &raw const attributes,
                size_of::<Attributes>(),
            )
        };
        if result >= 0 {
            return Ok(());
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            error => Err(error),
        }
    }
}

/// Makes [`interrupt`] do nothing but interrupt.
///
/// # Errors
///
/// If the kernel refuses.
pub fn allow_interrupts() -> io::Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: all zeros is a valid value of this plain struct; the handler does
    // nothing, so that it may run anywhere.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as *const () as usize;
        libc::sigaction(signal(), &raw const action, std::ptr::null_mut())
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Ends the call that a thread is in, if it is in one.
pub fn interrupt<T>(thread: &JoinHandle<T>) {
    if !thread.is_finished() {
        // SAFETY: the thread is not joined: its handle is here.
        unsafe { libc::pthread_kill(thread.as_pthread_t(), signal()) };
    }
}

/// A signal that nobody else uses.
fn signal() -> libc::c_int {
    libc::SIGRTMIN() + 7
}

//! What the simulated internet keeps: its parameters and its counters.

#![expect(unsafe_code, reason = "a global that the loader sets, and map values")]

use aya_ebpf::{
    macros::map,
    maps::{DevMap, PerCpuArray},
};
use probe_common::lab::{Internet, Traffic};

use crate::opaque::opaque;

#[map]
static TRAFFIC: PerCpuArray<Traffic> = PerCpuArray::with_max_entries(1, 0);
/// The program's own device, twice: what is sent to all of it is sent twice.
#[map]
static DOUBLES: DevMap = DevMap::with_max_entries(2, 0);

/// Overwritten by the loader.
#[unsafe(no_mangle)]
static INTERNET: Internet = Internet::DEFAULT;

/// `BPF_F_BROADCAST` of `linux/bpf.h`.
const BROADCAST: u64 = 1 << 3;

/// The parameters. The compiler must not see what they are before the loader sets
/// them; the verifier knows what they are then.
#[inline(always)]
pub(crate) fn internet() -> &'static Internet {
    let place = opaque((&raw const INTERNET) as usize) as *const Internet;
    // SAFETY: a static, which nobody writes once the program is loaded.
    unsafe { &*place }
}

/// The counters of this CPU.
#[inline(always)]
pub(crate) fn traffic() -> Option<&'static mut Traffic> {
    // SAFETY: the value is this CPU's own, and a program asks for it once.
    TRAFFIC.get_ptr_mut(0).map(|place| unsafe { &mut *place })
}

/// Sends the packet back twice; gives the program's verdict.
#[inline(always)]
pub(crate) fn send_twice() -> u32 {
    match DOUBLES.redirect(0, BROADCAST) {
        Ok(verdict) | Err(verdict) => verdict,
    }
}

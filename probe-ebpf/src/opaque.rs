//! Values that the compiler is to know nothing about.

#![cfg_attr(
    target_arch = "bpf",
    expect(
        unsafe_code,
        reason = "an instruction that the compiler cannot see through"
    )
)]

/// Makes the compiler forget what it knows of a value. Of a packet pointer it
/// knows that it came from a 32-bit field, and would compare and copy only that
/// half, which the verifier refuses; of a bound, that it is one already, and would
/// leave out the operation that shows it to the verifier.
#[inline(always)]
pub(crate) fn opaque(value: usize) -> usize {
    #[cfg(target_arch = "bpf")]
    {
        let mut value = value;
        // SAFETY: a move of a register to itself. (No instruction at all would
        // leave two entries of line information at one place, which is refused.)
        unsafe { core::arch::asm!("{0} = {0}", inout(reg) value) };
        value
    }
    #[cfg(not(target_arch = "bpf"))]
    value
}

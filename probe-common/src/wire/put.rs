//! The one way to write a packet.

/// Writes pieces of constant size at constant offsets.
pub trait Put {
    /// Writes `bytes` at `offset`; `None` if they do not fit.
    fn put<const N: usize>(&mut self, offset: usize, bytes: [u8; N]) -> Option<()>;
}

/// Writes into a slice.
#[derive(Debug)]
pub struct SlicePut<'a>(pub &'a mut [u8]);

impl Put for SlicePut<'_> {
    fn put<const N: usize>(&mut self, offset: usize, bytes: [u8; N]) -> Option<()> {
        let end = offset.checked_add(N)?;
        self.0.get_mut(offset..end)?.copy_from_slice(&bytes);
        Some(())
    }
}

//! The one way to read a packet.

/// Most bytes that are ever skipped at once: an IPv6 extension header has at most
/// 8 + 255 × 8. A power of two less one, since kernel programs mask by it.
pub const MAX_SKIP: u16 = 2_047;

/// Reads a packet front to back in pieces of constant size.
pub trait Cursor: Copy {
    /// The next `N` bytes, moving past them; `None` if fewer are left.
    fn take<const N: usize>(&mut self) -> Option<[u8; N]>;

    /// Moves past `count` bytes, at most [`MAX_SKIP`]; `None` if fewer are left.
    fn skip(&mut self, count: u16) -> Option<()>;
}

/// A cursor over a slice.
#[derive(Clone, Copy, Debug)]
pub struct SliceCursor<'a>(&'a [u8]);

impl<'a> SliceCursor<'a> {
    /// Starts at the first byte of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl Cursor for SliceCursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn skip(&mut self, count: u16) -> Option<()> {
        self.0 = self.0.get(usize::from(count & MAX_SKIP)..)?;
        Some(())
    }
}

/// A cursor that ends where a header said its packet ends, so that padding and
/// trailing bytes are out of reach.
#[derive(Clone, Copy, Debug)]
pub struct Bounded<C> {
    cursor: C,
    left: u32,
}

impl<C: Cursor> Bounded<C> {
    /// Allows `left` more bytes of `cursor`.
    #[inline(always)]
    pub const fn new(cursor: C, left: u32) -> Self {
        Self { cursor, left }
    }

    /// Bytes left, by the header that set the bound (the packet may end sooner).
    #[inline(always)]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// The same position with a nearer end.
    #[inline(always)]
    pub const fn truncate(self, left: u32) -> Self {
        let left = if left < self.left { left } else { self.left };
        Self { left, ..self }
    }
}

impl<C: Cursor> Cursor for Bounded<C> {
    #[inline(always)]
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let left = self.left.checked_sub(N as u32)?;
        let bytes = self.cursor.take()?;
        self.left = left;
        Some(bytes)
    }

    #[inline(always)]
    fn skip(&mut self, count: u16) -> Option<()> {
        let left = self.left.checked_sub(count as u32)?;
        self.cursor.skip(count)?;
        self.left = left;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_cursor_does_not_reach_trailing_bytes() {
        let mut cursor = Bounded::new(SliceCursor::new(&[1, 2, 3, 4]), 3);
        assert_eq!(cursor.take(), Some([1, 2]));
        assert_eq!(cursor.take::<2>(), None);
        assert_eq!(cursor.take(), Some([3]));
        assert_eq!(cursor.skip(1), None);
    }

    #[test]
    fn a_bound_beyond_the_packet_does_not_lengthen_it() {
        let mut cursor = Bounded::new(SliceCursor::new(&[1]), 9);
        assert_eq!(cursor.take::<2>(), None);
        assert_eq!(cursor.take(), Some([1]));
    }
}

//! Records as JSON text of printable ASCII.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// A record on one line, without its end.
pub(super) fn text<T: Serialize>(record: &T) -> io::Result<String> {
    let mut text = Vec::with_capacity(512);
    record.serialize(&mut Serializer::with_formatter(&mut text, Ascii))?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// Escapes all but printable ASCII: a name from the network must not reach a
/// terminal as a control sequence (JSON itself escapes those below U+0020 only).
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                writer.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

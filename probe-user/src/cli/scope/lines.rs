//! The entries of a list of any length, in bounded memory: as
//! [`crate::cli::list_file`] reads short ones.

use std::path::Path;

use super::{
    entry::{Entry, dotted},
    source::Source,
};
use crate::{
    cli::list_file::shown,
    error::{Error, Result},
};

/// Read at once, in bytes.
const CHUNK_BYTES: usize = 1 << 18;

/// The longest line, in bytes.
const LONGEST_LINE_BYTES: usize = 4_096;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Hands every entry of the file that `option` names to `take`.
///
/// # Errors
/// The first line that is none, with its number, and a file that cannot be read.
pub(super) fn read(option: &'static str, path: &Path, mut take: impl FnMut(Entry)) -> Result<()> {
    let mut source = Source::open(option, path)?;
    let mut buffer = vec![0; CHUNK_BYTES + LONGEST_LINE_BYTES];
    // Octets of a line that is not over yet, at the buffer's front.
    let mut pending = 0;
    let mut number = 0u64;
    loop {
        let end = pending + source.read(buffer.get_mut(pending..).unwrap_or_default())?;
        let bytes = buffer.get(..end).unwrap_or_default();
        let at_end = end == pending;
        let bytes = match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if number == 0 => rest,
            _ => bytes,
        };
        let mut rest = bytes;
        while let Some(length) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, behind) = rest.split_at(length);
            number += 1;
            entry(line, &mut take).map_err(|says| at(&source, number, &says))?;
            rest = behind.get(1..).unwrap_or_default();
        }
        if at_end {
            return entry(rest, &mut take).map_err(|says| at(&source, number + 1, &says));
        }
        if rest.len() > LONGEST_LINE_BYTES {
            return Err(at(&source, number + 1, TOO_LONG));
        }
        pending = rest.len();
        buffer.copy_within(end - pending..end, 0);
    }
}

const TOO_LONG: &str = "longer than 4 KiB: one address or network a line is expected";

/// Reads one line.
#[inline]
fn entry(line: &[u8], take: &mut impl FnMut(Entry)) -> std::result::Result<(), String> {
    if let Some(address) = dotted(line.strip_suffix(b"\r").unwrap_or(line)) {
        take(Entry::V4(address, address));
        return Ok(());
    }
    any_entry(line, take)
}

fn any_entry(line: &[u8], take: &mut impl FnMut(Entry)) -> std::result::Result<(), String> {
    if line.len() > LONGEST_LINE_BYTES {
        return Err(TOO_LONG.to_owned());
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return Err("not UTF-8 text: save the file as UTF-8".to_owned());
    };
    let text = text.split('#').next().unwrap_or_default().trim();
    if !text.is_empty() {
        take(parse(text)?);
    }
    Ok(())
}

/// Reads one entry; the error names it.
pub(super) fn parse(text: &str) -> std::result::Result<Entry, String> {
    text.parse()
        .map_err(|says| format!("{} {says}", shown(text)))
}

fn at(source: &Source, number: u64, says: &str) -> Error {
    Error::Usage(format!("{}:{number}: {says}", source.name))
}

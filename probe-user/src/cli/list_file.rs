//! A text file of one entry a line: `#` starts a comment, blank lines, CRLF, a
//! byte order mark and spaces around an entry are passed over.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use crate::error::{Error, Result};

/// A file read whole.
pub(crate) struct ListFile {
    /// Its name, for messages.
    pub(crate) name: String,
    bytes: Vec<u8>,
}

/// An entry and the line that it stands in, from 1.
pub(crate) type Entry<'a> = (usize, &'a str);

impl ListFile {
    /// Reads the file that `option` names; `-` is standard input.
    pub(crate) fn read(option: &str, path: &Path) -> Result<Self> {
        let name = display_name(path);
        let read = if is_stdin(path) {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            fs::read(path)
        };
        match read {
            Ok(bytes) => Ok(Self { name, bytes }),
            Err(error) => Err(Error::Usage(format!(
                "cannot read {name}: {error}; check the file of {option}"
            ))),
        }
    }

    /// The entries, in order; a line that is no UTF-8 is an error that names it.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Result<Entry<'_>>> {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf");
        bytes
            .unwrap_or(&self.bytes)
            .split(|byte| *byte == b'\n')
            .zip(1..)
            .map(|(line, number)| self.entry(line, number))
            .filter(|entry| !matches!(entry, Ok((_, ""))))
    }

    /// An error at a line.
    pub(crate) fn error(&self, line: usize, message: &str) -> Error {
        Error::Usage(format!("{}:{line}: {message}", self.name))
    }

    fn entry<'a>(&self, line: &'a [u8], number: usize) -> Result<Entry<'a>> {
        let Ok(text) = std::str::from_utf8(line) else {
            return Err(self.error(number, "not UTF-8 text: save the file as UTF-8"));
        };
        let entry = text.split('#').next().unwrap_or_default();
        Ok((number, entry.trim()))
    }
}

/// Whether a path stands for standard input (or output).
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The most of an entry that a message shows, in characters.
const SHOWN: usize = 80;

/// An entry in a message: quoted, and not all of it if it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// How messages name a path.
pub(crate) fn display_name(path: &Path) -> String {
    if is_stdin(path) {
        return "standard input".to_owned();
    }
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(bytes: &[u8]) -> std::result::Result<Vec<(usize, String)>, String> {
        let file = ListFile {
            name: "hosts.txt".to_owned(),
            bytes: bytes.to_vec(),
        };
        let entries: Result<Vec<_>> = file
            .entries()
            .map(|entry| entry.map(|(line, text)| (line, text.to_owned())))
            .collect();
        entries.map_err(|error| error.to_string())
    }

    #[test]
    fn only_entries_are_left_and_keep_their_line() {
        let text =
            b"\xef\xbb\xbfa.example\r\n\r\n# comment\r\n \t b.example \t# and why\n\nc.example";
        let expected = [(1, "a.example"), (4, "b.example"), (6, "c.example")]
            .map(|(line, text)| (line, text.to_owned()));
        assert_eq!(entries(text), Ok(expected.to_vec()));
        assert_eq!(entries(b""), Ok(vec![]));
        assert_eq!(entries(b"\xef\xbb\xbf"), Ok(vec![]));
        assert_eq!(entries(b"#\n\n \r\n"), Ok(vec![]));
    }

    #[test]
    fn other_encodings_are_refused_with_the_line() {
        let message = "hosts.txt:2: not UTF-8 text: save the file as UTF-8";
        assert_eq!(entries(b"a.example\nb\xfccher\n"), Err(message.to_owned()));
        let utf16 = b"\xff\xfea\0.\0b\0\n\0";
        assert!(entries(utf16).is_err_and(|error| error.contains("hosts.txt:1")));
    }

    #[test]
    fn no_message_is_longer_for_a_longer_entry() {
        assert_eq!(shown("a\u{1b}b"), r#""a\u{1b}b""#);
        let (whole, long) = ("é".repeat(80), "é".repeat(3 << 20));
        assert_eq!(shown(&whole), format!("\"{whole}\""));
        assert_eq!(shown(&long), format!("\"{whole}\"…"));
    }

    #[test]
    fn an_unreadable_file_is_named() {
        for path in ["/nonexistent/hosts.txt", "/"] {
            let error = ListFile::read("--targets", Path::new(path)).err();
            let message = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(
                message.starts_with(&format!("cannot read {path}: ")),
                "{message}"
            );
            assert!(
                message.ends_with("check the file of --targets"),
                "{message}"
            );
        }
    }
}

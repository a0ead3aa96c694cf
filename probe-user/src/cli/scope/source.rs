//! The bytes of a list, whatever they are packed in.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::{
    cli::list_file::{display_name, is_stdin},
    error::{Error, Result},
};

/// First octets of gzip members (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];

/// First octets of Zstandard frames, and of skippable ones behind their first
/// octet (RFC 8878, sections 3.1.1 and 3.1.2).
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];

/// Read from a compressed file at once, in bytes.
const PACKED_BYTES: usize = 1 << 16;

/// A list being read.
pub(super) struct Source {
    /// Its name, for messages.
    pub(super) name: String,
    option: &'static str,
    packing: Option<&'static str>,
    bytes: Box<dyn Read>,
}

impl Source {
    /// Opens the file that `option` names; `-` is standard input. How it is
    /// packed shows in its first octets.
    pub(super) fn open(option: &'static str, path: &Path) -> Result<Self> {
        let name = display_name(path);
        let opened: io::Result<Box<dyn Read>> = if is_stdin(path) {
            Ok(Box::new(io::stdin().lock()))
        } else {
            File::open(path).map(|file| Box::new(file) as _)
        };
        match opened.and_then(unpack) {
            Ok((packing, bytes)) => Ok(Self {
                name,
                option,
                packing,
                bytes,
            }),
            Err(error) => Err(unreadable(option, &name, &error)),
        }
    }

    /// Reads on. Returns how many octets there were, 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.bytes.read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(&error)),
            }
        }
    }

    fn failure(&self, error: &io::Error) -> Error {
        let name = &self.name;
        let broken = matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        );
        Error::Usage(match self.packing {
            Some(packing) if error.kind() == io::ErrorKind::UnexpectedEof => format!(
                "{name}: the {packing} data break off: the file is truncated; get a whole copy of it"
            ),
            Some(packing) if broken => {
                format!("{name}: damaged {packing} data ({error}); get a whole copy of the file")
            }
            _ => return unreadable(self.option, name, error),
        })
    }
}

fn unreadable(option: &str, name: &str, error: &io::Error) -> Error {
    Error::Usage(format!(
        "cannot read {name}: {error}; check the file of {option}"
    ))
}

/// What a file is packed as, and its content.
type Unpacked = (Option<&'static str>, Box<dyn Read>);

fn unpack(mut packed: Box<dyn Read>) -> io::Result<Unpacked> {
    let mut head = Vec::new();
    packed.by_ref().take(4).read_to_end(&mut head)?;
    let is_zstd = head == ZSTD
        || matches!(head.split_first(), Some((0x50..=0x5f, rest)) if rest == ZSTD_SKIPPABLE);
    let is_gzip = head.starts_with(GZIP);
    let bytes = io::Cursor::new(head).chain(packed);
    if is_gzip {
        let bytes = BufReader::with_capacity(PACKED_BYTES, bytes);
        return Ok((Some("gzip"), Box::new(Gzip::new(bytes))));
    }
    if is_zstd {
        let bytes = BufReader::with_capacity(PACKED_BYTES, bytes);
        return Ok((Some("zstd"), Box::new(Zstd::new(bytes))));
    }
    Ok((None, Box::new(bytes)))
}

/// Whether more of the same packing follows, or the end; what is neither is no part of
/// the file.
fn follows(packed: &mut impl BufRead, begins: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    let head = packed.fill_buf()?;
    if head.is_empty() || begins(head) {
        return Ok(!head.is_empty());
    }
    let junk = "other octets follow behind their end";
    Err(io::Error::new(io::ErrorKind::InvalidData, junk))
}

/// Whether one is the beginning of the other.
fn agree(head: &[u8], magic: &[u8]) -> bool {
    head.iter().zip(magic).all(|(one, other)| one == other)
}

/// The content of all gzip members of a stream.
struct Gzip<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gzip<R> {
    fn new(packed: R) -> Self {
        Self {
            member: Some(GzDecoder::new(packed)),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            let is_gzip = |head: &[u8]| agree(head, GZIP);
            if count > 0 || buffer.is_empty() || !follows(member.get_mut(), is_gzip)? {
                return Ok(count);
            }
            let member = self.member.take();
            self.member = member.map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// The content of all Zstandard frames of a stream, their checksums checked.
struct Zstd<R> {
    packed: R,
    frame: FrameDecoder,
}

impl<R: BufRead> Zstd<R> {
    fn new(packed: R) -> Self {
        Self {
            packed,
            frame: FrameDecoder::new(),
        }
    }

    /// Whether there is one more frame.
    fn next_frame(&mut self) -> io::Result<bool> {
        let is_zstd = |head: &[u8]| match head.split_first() {
            Some((0x50..=0x5f, rest)) => agree(rest, ZSTD_SKIPPABLE),
            _ => agree(head, ZSTD),
        };
        while follows(&mut self.packed, is_zstd)? {
            let skip = match self.frame.reset(&mut self.packed) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => u64::from(length),
                Err(error) => return Err(broken(error)),
            };
            let mut frame = self.packed.by_ref().take(skip);
            if io::copy(&mut frame, &mut io::sink())? < skip {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(false)
    }

    fn check_sum(&self) -> io::Result<()> {
        match self.frame.get_checksum_from_data() {
            Some(sum) if self.frame.get_calculated_checksum() != Some(sum) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "checksum does not match",
            )),
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.frame.can_collect() > 0 {
                return self.frame.read(buffer);
            }
            if self.frame.is_finished() {
                self.check_sum()?;
                if !self.next_frame()? {
                    return Ok(0);
                }
            }
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let decoded = self.frame.decode_blocks(&mut self.packed, one);
            decoded.map_err(broken)?;
        }
    }
}

/// An I/O error that lies beneath, or else damaged data.
fn broken(error: FrameDecoderError) -> io::Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.kind().into();
        }
        cause = error.source();
    }
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("written");
        encoder.finish().expect("finished")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn content(bytes: &[u8]) -> std::result::Result<Vec<u8>, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        let read = || {
            let mut source = Source::open("--targets", file.path())?;
            let mut content = Vec::new();
            let mut buffer = [0; 1000];
            loop {
                match source.read(&mut buffer)? {
                    0 => return Ok(content),
                    count => content.extend_from_slice(&buffer[..count]),
                }
            }
        };
        let name = file.path().display().to_string();
        read().map_err(|error: Error| error.to_string().replace(&name, "FILE"))
    }

    /// Hard to pack, so that there are several blocks.
    fn text() -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(1);
        std::iter::repeat_with(|| random.u8(..))
            .take(300_000)
            .collect()
    }

    #[test]
    fn packed_files_of_one_part_or_several_are_read_by_their_content() {
        let text = text();
        assert_eq!(content(&text), Ok(text.clone()));
        assert_eq!(content(b""), Ok(Vec::new()));
        assert_eq!(content(&[0x28, 0xb5]), Ok(vec![0x28, 0xb5]));
        let (front, back) = text.split_at(100_000);
        assert_eq!(
            content(&[gzip(front), gzip(back)].concat()),
            Ok(text.clone())
        );
        // A skippable frame of three octets.
        let skip = vec![0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let frames = [
            skip.clone(),
            zstd(front),
            skip.clone(),
            zstd(b""),
            zstd(back),
            skip,
        ];
        assert_eq!(content(&frames.concat()), Ok(text));
    }

    #[test]
    fn a_file_that_breaks_off_is_told_from_a_damaged_one() {
        for (packing, packed) in [("gzip", gzip(&text())), ("zstd", zstd(&text()))] {
            for length in [packed.len() - 1, packed.len() / 2, 5] {
                let message = content(&packed[..length]).expect_err(packing);
                let expected = format!("FILE: the {packing} data break off: the file is truncated");
                assert!(message.starts_with(&expected), "{length}: {message}");
            }
            let mut damaged = packed.clone();
            let middle = packed.len() / 2;
            damaged[middle] ^= 0x10;
            let message = content(&damaged).expect_err(packing);
            let expected = format!("FILE: damaged {packing} data (");
            assert!(message.starts_with(&expected), "{message}");
            for trailing in [&b"x"[..], b"trailing octets"] {
                let message = content(&[&packed, trailing].concat()).expect_err(packing);
                let expected = format!("{expected}other octets follow behind their end); ");
                assert!(message.starts_with(&expected), "{message}");
            }
        }
    }

    #[test]
    fn an_unreadable_file_is_named() {
        for path in ["/nonexistent/hosts.txt", "/"] {
            let error = Source::open("--exclude", Path::new(path)).err();
            let message = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(
                message.starts_with(&format!("cannot read {path}: ")),
                "{message}"
            );
            assert!(
                message.ends_with("check the file of --exclude"),
                "{message}"
            );
        }
    }
}

//! Files and standard output that results go to.

mod file;
mod kept;
mod parts;

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::{fd::AsFd as _, unix::fs::PermissionsExt},
    path::Path,
};

use tempfile::Builder;

use self::file::WholeWrites;
pub use self::{
    kept::Kept,
    parts::{Part, Parts},
};

/// What results are written to.
pub trait Output: Write + Send {
    /// Returns when all that was written would outlive a crash of the host; at once
    /// where nothing is kept (a pipe, a terminal).
    fn sync(&mut self) -> io::Result<()>;
}

/// Opens a file, emptied, or standard output. Each write to a file stands whole or
/// not at all, also when the disk is full.
///
/// # Errors
/// Those of creating the file.
pub fn open(file: Option<&Path>) -> io::Result<Box<dyn Output>> {
    Ok(match file {
        Some(path) => Box::new(WholeWrites::create(path)?),
        None => Box::new(Standard::open()?),
    })
}

/// A file of lines that is gone on with.
pub struct Resumed {
    /// Writes behind the last whole line.
    pub output: Box<dyn Output>,
    /// Whether there is none.
    pub empty: bool,
}

/// Opens a file of lines to go on behind its last whole line: a torn one, as a power
/// cut leaves behind, is cut off. A file that does not exist is created.
///
/// # Errors
/// Those of opening, reading and cutting the file.
pub fn resume(path: &Path) -> io::Result<Resumed> {
    let output = WholeWrites::resume(path)?;
    Ok(Resumed {
        empty: output.len() == 0,
        output: Box::new(output),
    })
}

/// Gives the file at `path` these contents: a reader sees those of before or the new
/// ones, never a part. A path that is no regular file (a pipe, `/dev/stderr`) is
/// written in place; a symbolic link is followed.
///
/// # Errors
/// Those of creating, writing and renaming; the file of before is then unchanged.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(existing) if !existing.is_file() => File::create(path)?.write_all(contents),
        Ok(_) => rename_over(&path.canonicalize()?, contents),
        Err(_) => rename_over(path, contents),
    }
}

/// Whether [`replace`] finds a place for a file at `path`; nothing is left there.
///
/// # Errors
/// Those of creating a file in the folder, and [`io::ErrorKind::IsADirectory`].
pub fn can_replace(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(existing) if existing.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(existing) if !existing.is_file() => Ok(()),
        Ok(_) => tempfile::tempfile_in(folder(&path.canonicalize()?)).map(drop),
        Err(_) => tempfile::tempfile_in(folder(path)).map(drop),
    }
}

/// Takes a file away; that there is none is no error.
///
/// # Errors
/// Those of removing.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn rename_over(path: &Path, contents: &[u8]) -> io::Result<()> {
    // As any new file: the umask takes away what it takes away.
    let mut file = Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder(path))?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The folder that a file stands in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the entries of a folder durable, where its file system has that.
fn sync_folder(folder: &Path) {
    // Some refuse it for folders (EINVAL), and then do it by themselves.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Standard output.
struct Standard {
    out: io::Stdout,
    /// The regular file that it was redirected to.
    file: Option<File>,
}

impl Standard {
    fn open() -> io::Result<Self> {
        let out = io::stdout();
        let file = File::from(out.as_fd().try_clone_to_owned()?);
        let regular = file.metadata()?.is_file();
        Ok(Self {
            out,
            file: regular.then_some(file),
        })
    }
}

impl Write for Standard {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.out.write(octets)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Output for Standard {
    fn sync(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_of_the_first_write() {
        let mut output = open(Some(Path::new("/dev/full"))).expect("opens");
        let error = output.write_all(b"{}\n").expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let error = replace(Path::new("/dev/full"), b"{}\n").expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_is_emptied_first() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for text in ["longer than what comes then\n", "short\n"] {
            let mut output = open(Some(file.path())).expect("opens");
            output.write_all(text.as_bytes()).expect("writes");
        }
        let text = fs::read_to_string(file.path()).expect("reads");
        assert_eq!(text, "short\n");
    }

    #[test]
    fn a_torn_line_is_cut_off_and_the_rest_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.jsonl");
        let long = "x".repeat(200_000);
        for (before, after) in [
            ("", "new\n".to_owned()),
            ("torn", "new\n".to_owned()),
            ("one\ntwo\n", "one\ntwo\nnew\n".to_owned()),
            ("one\ntwo", "one\nnew\n".to_owned()),
            (&format!("one\n{long}"), "one\nnew\n".to_owned()),
            (&long, "new\n".to_owned()),
        ] {
            fs::write(&path, before).expect("written");
            let mut resumed = resume(&path).expect("opens");
            assert_eq!(resumed.empty, after == "new\n");
            resumed.output.write_all(b"new\n").expect("writes");
            resumed.output.sync().expect("durable");
            assert_eq!(fs::read_to_string(&path).expect("reads"), after);
        }
        assert!(resume(&folder.path().join("new")).expect("created").empty);
    }

    #[test]
    fn what_keeps_nothing_needs_no_sync() {
        let mut output = open(Some(Path::new("/dev/null"))).expect("opens");
        output.write_all(b"{}\n").expect("writes");
        output.sync().expect("nothing to do");
        assert!(resume(Path::new("/dev/null")).expect("opens").empty);
    }

    #[test]
    fn a_file_is_replaced_and_nothing_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.json");
        for contents in ["longer than what comes then", "short"] {
            replace(&path, contents.as_bytes()).expect("written");
        }
        assert_eq!(fs::read_to_string(&path).expect("reads"), "short");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
        assert!(replace(&folder.path().join("none/run.json"), b"").is_err());
    }

    #[test]
    fn a_link_is_followed_and_a_device_left_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("run.json"), folder.path().join("link"));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        replace(&link, b"new").expect("written");
        assert_eq!(fs::read_to_string(&file).expect("reads"), "new");
        assert!(link.is_symlink());
        replace(Path::new("/dev/null"), b"new").expect("written");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
    }
}

//! Files and standard output that results go to.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use tempfile::Builder;

/// Opens a file, emptied, or standard output. Each write to a file stands whole or
/// not at all, also when the disk is full.
pub fn open(file: Option<&Path>) -> io::Result<Box<dyn Write>> {
    Ok(match file {
        Some(path) => Box::new(WholeWrites {
            file: File::create(path)?,
            end: 0,
        }),
        None => Box::new(io::stdout()),
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

fn rename_over(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // As any new file: the umask takes away what it takes away.
    let mut file = Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

struct WholeWrites {
    file: File,
    /// Where the last whole write ends, in octets.
    end: u64,
}

impl Write for WholeWrites {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(octets) {
            // Fails on a pipe or a device, which has nothing to take back.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += octets.len() as u64;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
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

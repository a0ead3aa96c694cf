//! What a run was, as one JSON object in a file.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use serde::Serialize;
use tempfile::Builder;

/// Writes `metadata` to `path`: a reader sees the file of before or the new one,
/// never a part. A path that is no regular file (a pipe, `/dev/stderr`) is written
/// in place; a symbolic link is followed.
///
/// # Errors
/// Those of creating, writing and renaming; the file of before is then unchanged.
pub fn write<T: Serialize>(path: &Path, metadata: &T) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(existing) if !existing.is_file() => write_to(&File::create(path)?, metadata),
        Ok(_) => replace(&path.canonicalize()?, metadata),
        Err(_) => replace(path, metadata),
    }
}

fn replace<T: Serialize>(path: &Path, metadata: &T) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // As any new file: the umask takes away what it takes away.
    let file = Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    write_to(file.as_file(), metadata)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn write_to<T: Serialize>(file: &File, metadata: &T) -> io::Result<()> {
    let mut writer = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut writer, metadata)?;
    writer.write_all(b"\n")?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_left_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.json");
        for sent in [1, 2] {
            write(&path, &json!({ "sent": sent })).expect("written");
        }
        let text = fs::read_to_string(&path).expect("reads");
        assert_eq!(text, "{\n  \"sent\": 2\n}\n");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }

    #[test]
    fn a_link_is_followed_and_a_device_left_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("run.json"), folder.path().join("link"));
        fs::write(&file, "old").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        write(&link, &json!({})).expect("written");
        assert_eq!(fs::read_to_string(&file).expect("reads"), "{}\n");
        assert!(link.is_symlink());
        write(Path::new("/dev/null"), &json!({})).expect("written");
        assert!(!fs::metadata("/dev/null").expect("there").is_file());
    }

    #[test]
    fn failures_are_errors_and_keep_the_file_of_before() {
        let error = write(Path::new("/dev/full"), &json!({})).expect_err("full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(write(Path::new("/nonexistent/run.json"), &json!({})).is_err());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run.json");
        fs::write(&path, "old").expect("written");
        // A map with keys that are no text is no JSON.
        let bad = std::collections::HashMap::from([((1, 2), 3)]);
        assert!(write(&path, &bad).is_err());
        assert_eq!(fs::read_to_string(&path).expect("reads"), "old");
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }
}

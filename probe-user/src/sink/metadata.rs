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

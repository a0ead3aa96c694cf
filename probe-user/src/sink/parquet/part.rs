//! A part that is being written.

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use parquet::{
    errors::Result,
    file::{
        metadata::{ParquetMetaDataBuilder, ParquetMetaDataWriter},
        properties::WriterProperties,
        writer::SerializedFileWriter,
    },
    schema::types::Type,
};

use super::rows::{self, Rows};
use crate::io::output::Part;

/// A file, and what encodes for it. Encoded octets go to the file by row groups.
pub(super) struct OpenPart {
    file: Part,
    encoder: SerializedFileWriter<Vec<u8>>,
    /// Those whose row groups stand in the file.
    replies: u64,
    /// Row groups that stand in the file.
    groups: usize,
}

impl OpenPart {
    pub(super) fn begin(
        file: Part,
        schema: Arc<Type>,
        properties: Arc<WriterProperties>,
    ) -> io::Result<Self> {
        Ok(Self {
            file,
            encoder: SerializedFileWriter::new(Vec::new(), schema, properties)?,
            replies: 0,
            groups: 0,
        })
    }

    pub(super) fn age(&self) -> Duration {
        self.file.age()
    }

    /// Those whose row groups stand in the file.
    pub(super) fn replies(&self) -> u64 {
        self.replies
    }

    /// Writes the rows of so many replies. If that fails, the part can be closed nevertheless.
    pub(super) fn write_group(&mut self, rows: &mut impl Rows, replies: u64) -> io::Result<()> {
        rows::write(rows, self.encoder.next_row_group()?)?;
        self.encoder.flush()?;
        self.file.write_all(self.encoder.inner())?;
        self.encoder.inner_mut().clear();
        self.replies += replies;
        self.groups += 1;
        Ok(())
    }

    /// Writes the footer for the row groups that stand in the file, and closes it.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.file.write_all(&footer(self.encoder, self.groups)?)?;
        self.file.close()
    }
}

/// What follows the last of so many row groups.
fn footer(mut encoder: SerializedFileWriter<Vec<u8>>, groups: usize) -> Result<Vec<u8>> {
    let metadata = encoder.finish()?;
    if metadata.num_row_groups() == groups {
        return Ok(std::mem::take(encoder.inner_mut()));
    }
    // One more was encoded, and then the disk was full.
    let whole = metadata.row_groups().iter().take(groups);
    let metadata = ParquetMetaDataBuilder::new(metadata.file_metadata().clone())
        .set_row_groups(whole.cloned().collect())
        .build();
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &metadata).finish()?;
    Ok(footer)
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    use super::*;
    use crate::sink::{parquet::rows::ReplyRows, sample::reply};

    #[test]
    fn a_part_without_its_last_row_group_is_whole() {
        let mut rows = ReplyRows::default();
        let schema = Arc::new(rows::schema(&mut rows).expect("a schema"));
        let properties = Arc::new(rows::properties(&mut rows).expect("properties"));
        let mut encoder = SerializedFileWriter::new(Vec::new(), schema, properties).expect("new");
        let mut group = |count: usize| {
            for _ in 0..count {
                rows.reply(&reply("10.0.0.1"));
            }
            rows::write(&mut rows, encoder.next_row_group().expect("opens")).expect("encoded");
            encoder.flush().expect("flushed");
            std::mem::take(encoder.inner_mut())
        };
        let mut file = [group(2), group(3)].concat();
        let lost = group(4);
        assert!(!lost.is_empty());
        file.extend(footer(encoder, 2).expect("a footer"));
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).expect("opens");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 5);
        assert_eq!(reader.get_row_iter(None).expect("rows").count(), 5);
    }
}

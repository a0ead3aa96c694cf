//! Rows of replies and of paths, and their schemas.

mod path;
mod reply;

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    errors::Result,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedRowGroupWriter,
    },
    schema::types::Type,
};

pub(super) use self::{path::PathRows, reply::ReplyRows};
use super::column::Column;
use crate::engine::report::{PathReport, Reply};

/// Version of the fields, in the metadata of each file.
const SCHEMA: &str = "1";

/// Fast, and half the size.
const ZSTD_LEVEL: i32 = 1;

/// Dictionaries up to this size are kept: all responders of a row group.
const DICTIONARY_OCTETS: usize = 4 << 20;

/// Rows of one kind, gathered for a row group.
pub(super) trait Rows: Send {
    /// What a row is, in the schema.
    const NAME: &'static str;
    /// Whether it is a reply.
    const OF_REPLIES: bool;

    /// The columns, in order.
    fn columns(&mut self) -> Vec<&mut dyn Column>;
    /// Adds the row of a reply.
    fn reply(&mut self, _: &Reply<'_>) {}
    /// Adds the row of a path.
    fn path(&mut self, _: &PathReport) {}
}

/// The schema of rows.
pub(super) fn schema<R: Rows>(rows: &mut R) -> Result<Type> {
    let columns = rows.columns();
    let fields = columns
        .iter()
        .map(|column| column.field().schema().map(Arc::new));
    let fields = fields.collect::<Result<_>>()?;
    Type::group_type_builder(R::NAME)
        .with_fields(fields)
        .build()
}

/// How rows are encoded.
pub(super) fn properties<R: Rows>(rows: &mut R) -> Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("probe ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "probe.schema".to_owned(),
            SCHEMA.to_owned(),
        )]))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_dictionary_page_size_limit(DICTIONARY_OCTETS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true);
    for column in rows.columns() {
        properties = column.field().encode(properties);
    }
    Ok(properties.build())
}

/// Writes rows as a row group, and forgets them.
pub(super) fn write<W: Write + Send>(
    rows: &mut impl Rows,
    mut group: SerializedRowGroupWriter<'_, W>,
) -> Result<()> {
    for column in rows.columns() {
        if let Some(mut writer) = group.next_column()? {
            column.write(&mut writer)?;
            writer.close()?;
        }
    }
    group.close()?;
    Ok(())
}

//! Columns: values are gathered by rows and written by columns.

mod address;
mod number;
mod text;

use parquet::{
    basic::{Encoding, LogicalType, Repetition, Type as Physical},
    errors::Result,
    file::{
        properties::{EnabledStatistics, WriterPropertiesBuilder},
        writer::SerializedColumnWriter,
    },
    schema::types::{ColumnPath, Type},
};

pub(super) use self::{
    address::{AddressTexts, Addresses},
    number::{Numbers, Truths, narrow, signed, wide},
    text::{Names, Texts},
};

/// Values that are handed over at once, where they have to be made first.
const BATCH_VALUES: usize = 4096;

/// A column of the rows that are gathered.
pub(super) trait Column {
    /// Its place in the schema.
    fn field(&self) -> &Field;
    /// Writes its values, and forgets them.
    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()>;
}

/// A column's place in the schema.
#[derive(Clone, Debug)]
pub(super) struct Field {
    name: &'static str,
    physical: Physical,
    logical: Option<LogicalType>,
    /// Octets of values of one length, else 0.
    length: i32,
    repetition: Repetition,
    /// `None`: by a dictionary, as long as that is not too large.
    encoding: Option<Encoding>,
}

impl Field {
    fn new(name: &'static str, physical: Physical, logical: Option<LogicalType>) -> Self {
        Self {
            name,
            physical,
            logical,
            length: 0,
            repetition: Repetition::REQUIRED,
            encoding: None,
        }
    }

    pub(super) fn schema(&self) -> Result<Type> {
        Type::primitive_type_builder(self.name, self.physical)
            .with_repetition(self.repetition)
            .with_logical_type(self.logical.clone())
            .with_length(self.length)
            .build()
    }

    /// Says how the column is encoded, where that is not by a dictionary.
    pub(super) fn encode(&self, properties: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
        let path = || ColumnPath::from(self.name);
        let properties = match self.physical {
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => {
                properties.set_column_statistics_enabled(path(), EnabledStatistics::None)
            }
            _ => properties,
        };
        let Some(encoding) = self.encoding else {
            return properties;
        };
        properties
            .set_column_dictionary_enabled(path(), false)
            .set_column_encoding(path(), encoding)
    }
}

//! Texts: names out of a few, and any.

use std::ptr;

use bytes::Bytes;
use parquet::{
    basic::{Encoding, LogicalType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType},
    errors::Result,
    file::writer::SerializedColumnWriter,
};

use super::{BATCH_VALUES, Column, Field};

/// Names, of which there are at most 256; in an optional column perhaps absent.
pub(in super::super) struct Names {
    field: Field,
    /// Those that were met, and the same as values.
    known: Vec<(&'static str, ByteArray)>,
    /// Places in `known`.
    codes: Vec<u8>,
    /// 1 where there is a value; nothing in a required column.
    levels: Vec<i16>,
}

impl Names {
    pub(in super::super) fn new(name: &'static str) -> Self {
        Self {
            field: Field::new(name, Physical::BYTE_ARRAY, Some(LogicalType::String)),
            known: Vec::new(),
            codes: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// The column, optional.
    pub(in super::super) fn optional(mut self) -> Self {
        self.field.repetition = Repetition::OPTIONAL;
        self
    }

    /// Adds a name to a required column.
    pub(in super::super) fn push(&mut self, name: &'static str) {
        let code = match self.known.iter().position(|(known, _)| same(known, name)) {
            Some(code) => code,
            None => {
                let value = Bytes::from_static(name.as_bytes());
                self.known.push((name, value.into()));
                self.known.len() - 1
            }
        };
        self.codes.push(u8::try_from(code).unwrap_or(u8::MAX));
    }

    /// Adds a name, or none, to an optional column.
    pub(in super::super) fn push_option(&mut self, name: Option<&'static str>) {
        self.levels.push(name.is_some().into());
        if let Some(name) = name {
            self.push(name);
        }
    }
}

/// A name nearly always is the same constant in memory.
fn same(known: &'static str, name: &'static str) -> bool {
    ptr::eq(known, name) || known == name
}

impl Column for Names {
    fn field(&self) -> &Field {
        &self.field
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let mut codes = self.codes.iter();
        let optional = self.field.repetition == Repetition::OPTIONAL;
        let rows = if optional {
            self.levels.len()
        } else {
            self.codes.len()
        };
        let mut values = Vec::with_capacity(BATCH_VALUES);
        for begin in (0..rows).step_by(BATCH_VALUES) {
            let end = rows.min(begin + BATCH_VALUES);
            let levels = self.levels.get(begin..end);
            let present = levels.map_or(end - begin, |levels| {
                levels.iter().filter(|&&level| level > 0).count()
            });
            let known = codes
                .by_ref()
                .take(present)
                .filter_map(|&code| self.known.get(usize::from(code)));
            values.clear();
            values.extend(known.map(|(_, value)| value.clone()));
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, levels, None)?;
        }
        self.codes.clear();
        self.levels.clear();
        Ok(())
    }
}

/// Texts that are mostly different.
pub(in super::super) struct Texts {
    field: Field,
    octets: Vec<u8>,
    /// Where each text ends.
    ends: Vec<usize>,
    /// 1 where there is a text; nothing in a required column.
    levels: Vec<i16>,
}

impl Texts {
    pub(in super::super) fn new(name: &'static str, logical: LogicalType) -> Self {
        let mut field = Field::new(name, Physical::BYTE_ARRAY, Some(logical));
        field.encoding = Some(Encoding::DELTA_LENGTH_BYTE_ARRAY);
        Self {
            field,
            octets: Vec::new(),
            ends: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// The column, optional.
    pub(in super::super) fn optional(mut self) -> Self {
        self.field.repetition = Repetition::OPTIONAL;
        self
    }

    fn is_optional(&self) -> bool {
        self.field.repetition == Repetition::OPTIONAL
    }

    /// Adds no text to an optional column.
    pub(in super::super) fn push_none(&mut self) {
        self.levels.push(0);
    }

    /// Adds what `write` appends: ASCII.
    pub(in super::super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.octets);
        self.ends.push(self.octets.len());
        if self.is_optional() {
            self.levels.push(1);
        }
    }
}

impl Column for Texts {
    fn field(&self) -> &Field {
        &self.field
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let octets = ByteArray::from(std::mem::take(&mut self.octets));
        let optional = self.is_optional();
        let rows = if optional {
            self.levels.len()
        } else {
            self.ends.len()
        };
        let mut ends = self.ends.iter();
        let mut values = Vec::with_capacity(BATCH_VALUES);
        let mut begin = 0;
        for first in (0..rows).step_by(BATCH_VALUES) {
            let behind = rows.min(first + BATCH_VALUES);
            let levels = optional.then(|| self.levels.get(first..behind));
            let levels = levels.flatten();
            let present = levels.map_or(behind - first, |levels| {
                levels.iter().filter(|&&level| level > 0).count()
            });
            values.clear();
            for &end in ends.by_ref().take(present) {
                values.push(octets.slice(begin, end - begin));
                begin = end;
            }
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, levels, None)?;
        }
        self.ends.clear();
        self.levels.clear();
        Ok(())
    }
}

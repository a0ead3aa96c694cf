//! Whole numbers and truths.

use parquet::{
    basic::{Encoding, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, DataType, Int32Type, Int64Type},
    errors::Result,
    file::writer::SerializedColumnWriter,
};

use super::{Column, Field};

/// Whole numbers; in an optional column perhaps absent.
pub(in super::super) struct Numbers<D: DataType> {
    field: Field,
    values: Vec<D::T>,
    /// 1 where there is a value; nothing in a required column.
    levels: Vec<i16>,
}

/// Numbers without sign of so many bits, at most 32.
pub(in super::super) fn narrow(name: &'static str, bits: i8) -> Numbers<Int32Type> {
    let logical = LogicalType::integer(bits, false);
    Numbers::new(Field::new(name, Physical::INT32, Some(logical)))
}

/// Numbers with a sign of so many bits, at most 32.
pub(in super::super) fn signed(name: &'static str, bits: i8) -> Numbers<Int32Type> {
    let logical = LogicalType::integer(bits, true);
    Numbers::new(Field::new(name, Physical::INT32, Some(logical)))
}

/// Numbers of 64 bits, with or without a sign.
pub(in super::super) fn wide(name: &'static str, signed: bool) -> Numbers<Int64Type> {
    let logical = LogicalType::integer(64, signed);
    Numbers::new(Field::new(name, Physical::INT64, Some(logical)))
}

impl<D: DataType> Numbers<D> {
    fn new(field: Field) -> Self {
        Self {
            field,
            values: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// The column, optional.
    pub(in super::super) fn optional(mut self) -> Self {
        self.field.repetition = Repetition::OPTIONAL;
        self
    }

    /// The column without dictionary, in that encoding.
    pub(in super::super) fn encoded(mut self, encoding: Encoding) -> Self {
        self.field.encoding = Some(encoding);
        self
    }

    /// Adds a value to a required column. What has no sign goes by its bits.
    pub(in super::super) fn push(&mut self, value: impl Into<D::T>) {
        self.values.push(value.into());
    }

    /// Adds a value, or none, to an optional column.
    pub(in super::super) fn push_option(&mut self, value: Option<impl Into<D::T>>) {
        self.levels.push(value.is_some().into());
        self.values.extend(value.map(Into::into));
    }
}

impl<D: DataType> Column for Numbers<D> {
    fn field(&self) -> &Field {
        &self.field
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let optional = self.field.repetition == Repetition::OPTIONAL;
        let levels = optional.then_some(&self.levels[..]);
        writer
            .typed::<D>()
            .write_batch(&self.values, levels, None)?;
        self.values.clear();
        self.levels.clear();
        Ok(())
    }
}

/// Truths.
pub(in super::super) struct Truths {
    field: Field,
    values: Vec<bool>,
}

impl Truths {
    pub(in super::super) fn new(name: &'static str) -> Self {
        Self {
            field: Field::new(name, Physical::BOOLEAN, None),
            values: Vec::new(),
        }
    }

    pub(in super::super) fn push(&mut self, value: bool) {
        self.values.push(value);
    }
}

impl Column for Truths {
    fn field(&self) -> &Field {
        &self.field
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        writer
            .typed::<BoolType>()
            .write_batch(&self.values, None, None)?;
        self.values.clear();
        Ok(())
    }
}

//! Addresses: as 16 octets, and as text.

use std::net::IpAddr;

use parquet::{
    basic::{Encoding, LogicalType, Type as Physical},
    data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType},
    errors::Result,
    file::writer::SerializedColumnWriter,
};

use super::{BATCH_VALUES, Column, Field};
use crate::sink::address::append;

/// Octets of an address, IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2).
const OCTETS: usize = 16;

/// Longest text of an address.
const LONGEST_TEXT: usize = 39;

/// Addresses as 16 octets.
pub(in super::super) struct Addresses {
    field: Field,
    octets: Vec<u8>,
}

impl Addresses {
    pub(in super::super) fn new(name: &'static str) -> Self {
        let mut field = Field::new(name, Physical::FIXED_LEN_BYTE_ARRAY, None);
        field.length = OCTETS as i32;
        Self {
            field,
            octets: Vec::new(),
        }
    }

    /// The column without dictionary: for addresses that are mostly different.
    pub(in super::super) fn plain(mut self) -> Self {
        self.field.encoding = Some(Encoding::PLAIN);
        self
    }

    pub(in super::super) fn push(&mut self, address: IpAddr) {
        let v6 = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        self.octets.extend(v6.octets());
    }
}

impl Column for Addresses {
    fn field(&self) -> &Field {
        &self.field
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let mut values: Vec<FixedLenByteArray> = Vec::with_capacity(BATCH_VALUES);
        for octets in self.octets.chunks(BATCH_VALUES * OCTETS) {
            let count = octets.len() / OCTETS;
            let octets = ByteArray::from(octets.to_vec());
            values.clear();
            values.extend((0..count).map(|at| octets.slice(at * OCTETS, OCTETS).into()));
            writer
                .typed::<FixedLenByteArrayType>()
                .write_batch(&values, None, None)?;
        }
        self.octets.clear();
        Ok(())
    }
}

/// Addresses as text.
pub(in super::super) struct AddressTexts {
    field: Field,
    addresses: Vec<IpAddr>,
}

impl AddressTexts {
    pub(in super::super) fn new(name: &'static str) -> Self {
        Self {
            field: Field::new(name, Physical::BYTE_ARRAY, Some(LogicalType::String)),
            addresses: Vec::new(),
        }
    }

    /// The column without dictionary: for addresses that are mostly different.
    pub(in super::super) fn plain(mut self) -> Self {
        self.field.encoding = Some(Encoding::DELTA_LENGTH_BYTE_ARRAY);
        self
    }

    pub(in super::super) fn push(&mut self, address: IpAddr) {
        self.addresses.push(address);
    }
}

impl Column for AddressTexts {
    fn field(&self) -> &Field {
        &self.field
    }

    fn write(&mut self, writer: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let mut values: Vec<ByteArray> = Vec::with_capacity(BATCH_VALUES);
        let mut ends = Vec::with_capacity(BATCH_VALUES);
        for addresses in self.addresses.chunks(BATCH_VALUES) {
            let mut text = Vec::with_capacity(addresses.len() * LONGEST_TEXT);
            ends.clear();
            for &address in addresses {
                append(&mut text, address);
                ends.push(text.len());
            }
            let text = ByteArray::from(text);
            let mut begin = 0;
            values.clear();
            for &end in &ends {
                values.push(text.slice(begin, end - begin));
                begin = end;
            }
            writer
                .typed::<ByteArrayType>()
                .write_batch(&values, None, None)?;
        }
        self.addresses.clear();
        Ok(())
    }
}

//! Where a target is, and which way leads there.

use probe_common::{
    Address,
    abi::generator::{Lane, MOST_STRETCHES, MOST_WAYS, Run, Way},
};

use super::maps;
use crate::maps as shared;

/// Halvings that find one of 2^24.
const HALVINGS: u32 = 24;

/// An address as a number: its halves.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) high: u64,
    pub(super) low: u64,
}

impl Number {
    #[inline(always)]
    fn is_before(self, high: u64, low: u64) -> bool {
        self.high < high || (self.high == high && self.low < low)
    }
}

/// The target with this index; IPv4 in the low half alone.
#[inline(always)]
pub(super) fn find(index: u32) -> Option<Number> {
    if maps::runs() != 0 {
        return of_runs(index);
    }
    if maps::v6() != 0 {
        let high = maps::target_word(index.wrapping_mul(2))?;
        let low = maps::target_word(index.wrapping_mul(2) + 1)?;
        return Some(Number { high, low });
    }
    let pair = maps::target_word(index / 2)?;
    let low = (pair >> ((index & 1) * 32)) & 0xffff_ffff;
    Some(Number { high: 0, low })
}

/// The run that an index is in: the last that begins no later.
#[inline(always)]
fn of_runs(index: u32) -> Option<Number> {
    // Of a number that it knows, the verifier would follow every way to halve it.
    let (mut from, mut count) = (0, shared::forget(maps::runs()));
    for _ in 0..HALVINGS {
        if count < 2 {
            break;
        }
        let half = count / 2;
        if maps::run(from + half)?.start <= index as u64 {
            from += half;
            count -= half;
        } else {
            count = half;
        }
    }
    let Run { high, low, start } = *maps::run(from)?;
    let offset = (index as u64).checked_sub(start)?;
    let sum = low.wrapping_add(offset);
    let high = high + (sum < low) as u64;
    Some(Number { high, low: sum })
}

/// The way to an address: that of the last stretch that begins no later.
#[inline(always)]
pub(super) fn way(target: Number, ways: u64) -> Option<&'static Way> {
    let second = ways & Lane::SECOND_BANK != 0;
    let (bank, first_way) = if second {
        (MOST_STRETCHES, MOST_WAYS)
    } else {
        (0, 0)
    };
    let mut count = ways as u32;
    let mut from = 0;
    for _ in 0..HALVINGS / 2 {
        if count < 2 {
            break;
        }
        let half = count / 2;
        let stretch = maps::stretch(bank + from + half)?;
        if target.is_before(stretch.high, stretch.low) {
            count = half;
        } else {
            from += half;
            count -= half;
        }
    }
    let stretch = maps::stretch(bank + from)?;
    let way = maps::way(first_way + stretch.way as u32)?;
    (way.ifindex != 0).then_some(way)
}

/// The IPv4 address with this number.
#[inline(always)]
pub(super) fn v4(number: Number) -> Address {
    Address::from_v4((number.low as u32).to_be_bytes())
}

/// The IPv6 address with this number.
#[inline(always)]
pub(super) fn v6(number: Number) -> Address {
    Address::from_halves(number.high.to_be_bytes(), number.low.to_be_bytes())
}

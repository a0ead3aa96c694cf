//! Does the slot that a candidate names agree that it is an answer?

use crate::{
    abi::{Counter, Flags, Protocol},
    classify::Candidate,
    identity::Nonce,
    slot::{ARMED, Record},
    wire::checksum,
};

/// What a slot says to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not an answer; the counter of the reason.
    Rejected(Counter),
    /// An answer to the slot's tenant.
    Right(Flags),
}

impl Verdict {
    const RIGHT: u32 = 1 << 8;

    /// The verdict as one number, which a program can pass through memory.
    #[inline(always)]
    pub const fn code(self) -> u32 {
        match self {
            Self::Rejected(counter) => counter as u32,
            Self::Right(flags) => Self::RIGHT | flags.0 as u32,
        }
    }

    /// The flags of a right answer, or the place of the counter of the reason.
    #[inline(always)]
    pub const fn decode(code: u32) -> Result<Flags, u32> {
        if code & Self::RIGHT == 0 {
            Err(code & 0xff)
        } else {
            Ok(Flags(code as u8))
        }
    }
}

/// How a candidate's evidence compares with a nonce.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    No,
    /// 16 bits agree.
    Narrow,
    /// 16 bits agree once a NAT's rewriting is allowed for.
    Rewritten,
    /// 64 bits agree.
    Wide,
}

/// Compares a candidate with the record of the slot that it names, in the order
/// foreign, stale, bad nonce, bad destination, right.
#[inline(always)]
pub fn judge(candidate: &Candidate, record: &Record) -> Verdict {
    let armed = record.nonce != 0 && record.state & ARMED != 0;
    if armed {
        let matched = compare(candidate, record, Nonce(record.nonce));
        if !matches!(matched, Match::No) && same_flow(candidate, record) {
            return right(candidate, record, matched);
        }
    } else if record.previous_nonce == 0 {
        return Verdict::Rejected(Counter::Foreign);
    }
    let previous = Nonce(record.previous_nonce);
    if record.previous_nonce != 0 && !matches!(compare(candidate, record, previous), Match::No) {
        return Verdict::Rejected(Counter::Stale);
    }
    Verdict::Rejected(Counter::BadNonce)
}

#[inline(always)]
fn right(candidate: &Candidate, record: &Record, matched: Match) -> Verdict {
    let wide = matches!(matched, Match::Wide);
    if !wide && candidate.destination_hash != record.destination_hash {
        return Verdict::Rejected(Counter::BadDestination);
    }
    let mut flags = 0;
    if !wide {
        flags |= Flags::NARROW;
    }
    if matches!(matched, Match::Rewritten) {
        flags |= Flags::GRADE_B;
    }
    flags |= rewritten(candidate, record);
    if candidate.trailer().is_some() {
        flags |= Flags::EXTENDED;
    }
    Verdict::Right(Flags(flags))
}

/// What of the quoted probe is not as it left.
#[inline(always)]
fn rewritten(candidate: &Candidate, record: &Record) -> u8 {
    let quoted = &candidate.quoted;
    if !quoted.is_some() {
        return 0;
    }
    let mut flags = 0;
    if quoted.source_sum != record.source_sum {
        flags |= Flags::SOURCE;
    }
    if candidate.destination_hash != record.destination_hash {
        flags |= Flags::DESTINATION;
    }
    if !same_checksum(candidate, record) {
        flags |= Flags::CHECKSUM;
    }
    flags
}

/// A UDP checksum of 0 says that there is none (RFC 768): no NAT makes that of another.
#[inline(always)]
fn same_checksum(candidate: &Candidate, record: &Record) -> bool {
    match candidate.protocol {
        Protocol::Icmp => candidate.quoted.checksum_kept,
        Protocol::Udp => match candidate.evidence.narrow {
            Some(checksum) => checksum == 0 || checksum == Nonce(record.nonce).narrow(),
            None => true,
        },
        Protocol::Tcp => true,
    }
}

#[inline(always)]
fn same_flow(candidate: &Candidate, record: &Record) -> bool {
    candidate.flow == record.flow && candidate.protocol as u8 == record.protocol
}

#[inline(always)]
fn compare(candidate: &Candidate, record: &Record, nonce: Nonce) -> Match {
    let evidence = &candidate.evidence;
    if evidence.wide != 0 {
        return if evidence.wide == nonce.0 {
            Match::Wide
        } else {
            Match::No
        };
    }
    let Some(narrow) = evidence.narrow else {
        return Match::No;
    };
    if narrow == nonce.narrow() {
        return Match::Narrow;
    }
    let quoted = &candidate.quoted;
    if quoted.is_some()
        && matches!(candidate.protocol, Protocol::Udp)
        && quoted.tuple_sum != record.tuple_sum
        && checksum::explains(nonce.narrow(), narrow, record.tuple_sum, quoted.tuple_sum)
    {
        return Match::Rewritten;
    }
    Match::No
}

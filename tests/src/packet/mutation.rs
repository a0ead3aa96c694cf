//! Packets made wrong at random, from a seed.

use fastrand::Rng;

/// Octets that headers react to: zeros, ones, lengths, protocols, versions.
const TELLING: [u8; 20] = [
    0, 1, 2, 4, 6, 8, 11, 17, 43, 44, 51, 58, 60, 0x40, 0x45, 0x46, 0x60, 0x80, 0xfe, 0xff,
];

/// Most octets of a mutated packet: what fits an XDP buffer in one piece.
const MAX_LENGTH: usize = 2_048;

/// `packet` after one to four changes; `other` lends it pieces.
pub fn mutate(rng: &mut Rng, packet: &[u8], other: &[u8]) -> Vec<u8> {
    let mut octets = packet.to_vec();
    for _ in 0..rng.u8(1..=4) {
        change(rng, &mut octets, other);
    }
    octets.truncate(MAX_LENGTH);
    octets
}

fn change(rng: &mut Rng, octets: &mut Vec<u8>, other: &[u8]) {
    if octets.is_empty() {
        octets.push(rng.u8(..));
    }
    let place = place(rng, octets.len());
    match rng.u8(..8) {
        0 => octets[place] ^= 1 << rng.u8(..8),
        1 => octets[place] = rng.u8(..),
        2 | 3 => octets[place] = rng.choice(TELLING).unwrap_or_default(),
        4 => octets.truncate(place),
        5 => {
            let count = rng.usize(1..64);
            octets.extend(std::iter::repeat_with(|| rng.u8(..)).take(count));
        }
        6 => splice(rng, octets, place, other),
        _ => shift(rng, octets, place),
    }
}

/// Headers stand in front: half of all changes hit the first 80 octets.
fn place(rng: &mut Rng, length: usize) -> usize {
    if rng.bool() {
        rng.usize(..length.min(80))
    } else {
        rng.usize(..length)
    }
}

/// Replaces a piece by what stands there in another packet.
fn splice(rng: &mut Rng, octets: &mut [u8], place: usize, other: &[u8]) {
    let count = rng.usize(1..=40);
    let source = other.iter().skip(place).take(count);
    for (octet, value) in octets.iter_mut().skip(place).zip(source) {
        *octet = *value;
    }
}

/// Takes octets out or puts some in.
fn shift(rng: &mut Rng, octets: &mut Vec<u8>, place: usize) {
    let count = 4 * rng.usize(1..=3);
    if rng.bool() {
        let end = (place + count).min(octets.len());
        octets.drain(place..end);
    } else {
        octets.splice(place..place, std::iter::repeat_n(rng.u8(..), count));
    }
}

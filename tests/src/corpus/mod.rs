//! The corpus: packets by theme, each with the verdict it must get in the
//! [`scene`](crate::scene).
//!
//! A theme is a function here that says what the packets are, and a file of
//! `tests/corpus` that shows them in hexadecimal: a packet a line, with its name
//! and verdict, a space between headers. The files are what the suites read. The
//! suite `golden` checks that they are what the functions make, and rewrites them
//! if `PROBE_BLESS` is set:
//!
//! ```text
//! PROBE_BLESS=1 cargo test -p probe-tests --test golden corpus
//! ```
//!
//! Verdicts are counter names, or `pass` for what is no business of ours. In the
//! place of a verdict, `14:pass,36:malformed_truncated,50:valid` says that the
//! packet is to be cut: with 14 octets or more it passes, with 36 or more it is
//! malformed, with 50 or more it is valid. Such a line stands for as many packets
//! as there are ways to cut it.

mod answers;
mod bystanders;
mod errors;
mod headers;
mod malformed;
mod probes;
mod quotes;
mod truncated;
mod verdicts;

use std::{fmt::Write as _, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::packet::Packet;

/// A packet, or all the packets that cutting one gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is.
    pub name: String,
    /// Verdicts by the least number of octets for which they hold.
    verdicts: Vec<(usize, String)>,
    /// Hexadecimal, a space between headers.
    hex: String,
    octets: Vec<u8>,
}

/// One packet of the corpus.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Name of its case.
    pub name: &'a str,
    /// Name of the counter that must move, or `pass`.
    pub verdict: &'a str,
    /// The frame.
    pub octets: &'a [u8],
}

/// What is no candidate.
pub const PASS: &str = "pass";

impl Case {
    /// A whole packet.
    fn new(name: impl Into<String>, verdict: &str, packet: &Packet) -> Self {
        Self::cut(name, &[(0, verdict)], packet)
    }

    /// A packet cut at every octet from the first threshold on.
    fn cut(name: impl Into<String>, verdicts: &[(usize, &str)], packet: &Packet) -> Self {
        let verdicts = verdicts.iter();
        Self {
            name: name.into(),
            verdicts: verdicts.map(|(at, name)| (*at, (*name).into())).collect(),
            hex: packet.to_string(),
            octets: packet.octets(),
        }
    }

    /// The packets that the case stands for.
    pub fn samples(&self) -> Vec<Sample<'_>> {
        let least = match self.verdicts.as_slice() {
            [_] | [] => self.octets.len(),
            [(least, _), ..] => *least,
        };
        let lengths = least..=self.octets.len();
        lengths.filter_map(|length| self.sample(length)).collect()
    }

    fn sample(&self, length: usize) -> Option<Sample<'_>> {
        let mut verdicts = self.verdicts.iter().rev();
        let (_, verdict) = verdicts.find(|(least, _)| *least <= length)?;
        Some(Sample {
            name: &self.name,
            verdict,
            octets: self.octets.get(..length)?,
        })
    }

    fn line(&self) -> String {
        let verdicts = match self.verdicts.as_slice() {
            [(_, verdict)] => verdict.clone(),
            cuts => {
                let cuts = cuts.iter().map(|(at, verdict)| format!("{at}:{verdict}"));
                cuts.collect::<Vec<_>>().join(",")
            }
        };
        format!("{} {verdicts} {}\n", self.name, self.hex)
    }

    fn parse(line: &str) -> Result<Self> {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().context("no name")?.to_owned();
        let verdicts = words.next().context("no verdict")?.split(',');
        let verdicts = verdicts.map(|text| match text.split_once(':') {
            Some((least, verdict)) => Ok((least.parse()?, verdict.to_owned())),
            None => Ok((0, text.to_owned())),
        });
        let verdicts = verdicts.collect::<Result<_>>()?;
        let hex = words.collect::<Vec<_>>().join(" ");
        let octets = parse_hex(&hex)?;
        Ok(Self {
            name,
            verdicts,
            hex,
            octets,
        })
    }
}

/// What the packets of a theme are run through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The receivers.
    Received,
    /// The stamps.
    Sent,
}

/// A file of the corpus.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// Name of the file, less `.hex`.
    pub name: &'static str,
    /// What the file's first line says.
    about: &'static str,
    /// What its packets are run through.
    pub direction: Direction,
    make: fn() -> Vec<Case>,
}

/// Every theme.
pub const THEMES: [Theme; 9] = [
    received("answers", "what targets answer with", answers::cases),
    received(
        "errors",
        "every ICMP error, by type and code",
        errors::cases,
    ),
    received(
        "quotes",
        "what is quoted of a probe, and what happened to it",
        quotes::cases,
    ),
    received(
        "headers",
        "tags, options, extension headers, fragments, padding",
        headers::cases,
    ),
    received(
        "verdicts",
        "right answers to slots in every state",
        verdicts::cases,
    ),
    received("malformed", "headers that lie", malformed::cases),
    received("truncated", "packets cut at every octet", truncated::cases),
    received("bystanders", "what passes by", bystanders::cases),
    Theme {
        name: "probes",
        about: "what leaves with the run's mark",
        direction: Direction::Sent,
        make: probes::cases,
    },
];

const fn received(name: &'static str, about: &'static str, make: fn() -> Vec<Case>) -> Theme {
    Theme {
        name,
        about,
        direction: Direction::Received,
        make,
    }
}

impl Theme {
    /// The committed packets.
    ///
    /// # Errors
    ///
    /// If the file cannot be read; with the number of the line.
    pub fn read(self) -> Result<Vec<Case>> {
        let path = self.path();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                Case::parse(line).with_context(|| format!("{}.hex:{}", self.name, number + 1))
            })
            .collect()
    }

    /// The file's content, made anew.
    pub fn text(self) -> String {
        let mut text = format!("# {}: {}\n", self.name, self.about);
        for case in (self.make)() {
            let _ = write!(text, "{}", case.line());
        }
        text
    }

    /// Where the file is.
    pub fn path(self) -> PathBuf {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
        PathBuf::from(corpus).join(format!("{}.hex", self.name))
    }
}

/// Reads hexadecimal, white space aside.
///
/// # Errors
///
/// If there is anything else, or half an octet.
pub fn parse_hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    ensure!(digits.len().is_multiple_of(2), "an odd number of digits");
    let octets = digits.chunks(2).map(|pair| {
        let pair: String = pair.iter().collect();
        u8::from_str_radix(&pair, 16).with_context(|| format!("{pair} is not hexadecimal"))
    });
    octets.collect()
}

/// `v4` or `v6`, for names.
fn family(v6: bool) -> &'static str {
    if v6 { "v6" } else { "v4" }
}

//! Which replies are written: `--select KINDS`.

use std::str::FromStr;

use probe_common::abi::Kind;

use crate::engine::report::Reply;

/// How a reply counts, as a word of a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Valid,
    Late,
    Duplicate,
}

impl Outcome {
    const ALL: &'static [Self] = &[Self::Valid, Self::Late, Self::Duplicate];

    const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
        }
    }

    const fn of(reply: &Reply<'_>) -> Self {
        match (reply.duplicate, reply.late) {
            (true, _) => Self::Duplicate,
            (false, true) => Self::Late,
            (false, false) => Self::Valid,
        }
    }
}

/// Kinds and outcomes of the replies to be written; by default all.
///
/// As text it is a list of words between commas: kinds (`time-exceeded`), of which a
/// reply must have one, and outcomes (`valid`, `late`, `duplicate`), of which it must
/// have one too. If no kind is named any will do, and so with outcomes. A word behind
/// `!` is left out instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    kinds: Vec<Kind>,
    outcomes: Vec<Outcome>,
}

/// Why a text is no selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A word that is neither.
    #[error("no such kind or outcome: `{0}`; take some of {words}", words = words())]
    Unknown(String),
    /// All kinds or all outcomes are left out.
    #[error("`{0}` selects nothing")]
    Nothing(String),
}

impl Selection {
    /// The same, of what paths are made of: first replies within the timeout.
    #[must_use]
    pub fn for_paths(mut self) -> Self {
        self.outcomes.retain(|outcome| *outcome == Outcome::Valid);
        self
    }

    /// Whether a reply is to be written.
    pub fn takes(&self, reply: &Reply<'_>) -> bool {
        self.outcomes.contains(&Outcome::of(reply))
            && self.kinds.iter().any(|kind| kind.name() == reply.kind)
    }
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            outcomes: Outcome::ALL.to_vec(),
        }
    }
}

impl FromStr for Selection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut kinds = Choice::of(Kind::ALL);
        let mut outcomes = Choice::of(Outcome::ALL);
        for word in text.split(',').map(str::trim) {
            let name = word.strip_prefix('!');
            let (name, wanted) = name.map_or((word, true), |name| (name.trim(), false));
            let kind = Kind::ALL.iter().find(|kind| kind.name() == name);
            let outcome = Outcome::ALL.iter().find(|outcome| outcome.name() == name);
            match (kind, outcome) {
                (Some(&kind), _) => kinds.add(kind, wanted),
                (None, Some(&outcome)) => outcomes.add(outcome, wanted),
                (None, None) => return Err(Error::Unknown(name.to_owned())),
            }
        }
        let selection = Self {
            kinds: kinds.chosen(),
            outcomes: outcomes.chosen(),
        };
        if selection.kinds.is_empty() || selection.outcomes.is_empty() {
            return Err(Error::Nothing(text.to_owned()));
        }
        Ok(selection)
    }
}

/// What is chosen of a few.
struct Choice<T: 'static> {
    all: &'static [T],
    named: Vec<T>,
    left_out: Vec<T>,
}

impl<T: Copy + PartialEq> Choice<T> {
    fn of(all: &'static [T]) -> Self {
        Self {
            all,
            named: Vec::new(),
            left_out: Vec::new(),
        }
    }

    fn add(&mut self, item: T, wanted: bool) {
        match wanted {
            true => self.named.push(item),
            false => self.left_out.push(item),
        }
    }

    /// Those that are named, or else all, without those that are left out.
    fn chosen(&self) -> Vec<T> {
        let named = |item: &T| self.named.is_empty() || self.named.contains(item);
        let chosen = |item: &&T| named(item) && !self.left_out.contains(item);
        self.all.iter().filter(chosen).copied().collect()
    }
}

/// All words that there are.
fn words() -> String {
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.name());
    kinds.chain(outcomes).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::{arbitrary, sample};

    fn reply(kind: &'static str, outcome: &str) -> Reply<'static> {
        Reply {
            kind,
            late: outcome == "late",
            duplicate: outcome == "duplicate",
            ..sample::reply("10.0.0.1")
        }
    }

    #[test]
    fn kinds_and_outcomes_are_chosen_each_for_itself() {
        for (text, taken) in [
            ("time-exceeded,echo-reply", [true, true, true, false]),
            ("time-exceeded", [true, true, false, false]),
            ("late", [false, true, false, false]),
            ("time-exceeded,late", [false, true, false, false]),
            ("!time-exceeded", [false, false, true, true]),
            ("!late", [true, false, true, true]),
            (" ! late , !rst ", [true, false, true, false]),
            ("valid,late,!rst", [true, true, true, false]),
            ("rst,echo-reply,!rst", [false, false, true, false]),
            ("duplicate", [false; 4]),
        ] {
            let selection: Selection = text.parse().expect("a selection");
            let replies = [
                reply("time-exceeded", "valid"),
                reply("time-exceeded", "late"),
                reply("echo-reply", "valid"),
                reply("rst", "valid"),
            ];
            assert_eq!(
                replies.map(|reply| selection.takes(&reply)),
                taken,
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_word_is_told_with_those_that_are_known() {
        for text in ["rst,nonsense", "!nonsense", "nonsense"] {
            let error = text.parse::<Selection>().expect_err("unknown").to_string();
            assert!(error.contains("`nonsense`"), "{error}");
            assert!(
                error.contains("time-exceeded, ") && error.contains("late"),
                "{error}"
            );
        }
        assert!("".parse::<Selection>().is_err());
        assert!("rst,,ack".parse::<Selection>().is_err());
    }

    #[test]
    fn a_selection_of_nothing_is_refused() {
        for text in ["rst,!rst", "!valid,!late,!duplicate"] {
            let error = text.parse::<Selection>().expect_err("nothing");
            assert_eq!(error, Error::Nothing(text.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn by_default_all_are_taken(reply in arbitrary::reply()) {
            prop_assert!(Selection::default().takes(&reply));
        }

        #[test]
        fn what_is_left_out_is_the_rest(reply in arbitrary::reply(), word in 0..13_usize) {
            let words = words();
            let word = words.split(", ").nth(word).expect("a word");
            let takes = |text: &str| text.parse::<Selection>().expect("parses").takes(&reply);
            prop_assert_ne!(takes(word), takes(&format!("!{word}")));
        }
    }
}

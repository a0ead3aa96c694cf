//! What became of the probes of one hop or target.

use std::sync::Arc;

use probe_common::{
    Address,
    abi::{Kind, Outcome},
};

use super::{
    answer::{Answer, ip},
    cause::{Ledger, Ours},
    latency::{Latency, Precision},
    report::{Causes, Extensions, Loss, Responder, Tells, Totals},
    session::Missing,
    tells,
};

/// Counts, responders and round-trip times.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Probes handed to the kernel.
    pub sent: u64,
    /// Valid replies.
    pub received: u64,
    /// Replies after the timeout.
    pub late: u64,
    /// Replies to probes already answered.
    pub duplicates: u64,
    /// Probes without an answer, by cause.
    pub unanswered: u64,
    /// Never left.
    pub never_sent: u64,
    /// Answers lost here.
    pub by_us: u64,
    /// The last two, by cause.
    pub(super) ledger: Ledger,
    /// Round-trip times of valid replies.
    pub latency: Latency,
    /// A handful: routers that share the load of a hop, or the target.
    pub(super) responders: Vec<(Address, Seen)>,
}

/// What was seen of one responder.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    received: u64,
    kind: Kind,
    reason: Option<&'static str>,
    tells: Tells,
    extensions: Option<Arc<Extensions>>,
}

impl Tally {
    /// Of nothing yet.
    pub fn new(precision: Precision) -> Self {
        Self {
            latency: Latency::new(precision),
            ..Self::default()
        }
    }

    /// Counts a reply and who sent it; its round-trip time too, if it is valid.
    pub fn count_answer(&mut self, answer: &Answer) {
        self.count_reply(answer);
        if answer.outcome == Outcome::Valid {
            self.note_responder(answer);
        }
    }

    /// The same, whoever sent it.
    pub fn count_reply(&mut self, answer: &Answer) {
        match answer.outcome {
            Outcome::Valid => {
                self.received += 1;
                self.latency.record(answer.rtt_ns, answer.stamp);
            }
            Outcome::Late => self.late += 1,
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::Unindexed => {}
        }
    }

    /// Counts a probe whose time is up.
    pub fn count_missing(&mut self, cause: Missing) {
        match cause {
            Missing::NeverSent(why) => {
                self.never_sent += 1;
                self.ledger.count(Ours::Unsent(why));
            }
            Missing::ByUs(how) => {
                self.by_us += 1;
                self.ledger.count(Ours::Lost(how));
            }
            Missing::Unanswered => self.unanswered += 1,
        }
    }

    /// Takes back that a probe was missing for this cause.
    pub fn take_back(&mut self, cause: Missing) {
        let counted = match cause {
            Missing::NeverSent(why) => {
                self.ledger.take_back(Ours::Unsent(why));
                &mut self.never_sent
            }
            Missing::ByUs(how) => {
                self.ledger.take_back(Ours::Lost(how));
                &mut self.by_us
            }
            Missing::Unanswered => &mut self.unanswered,
        };
        *counted = counted.saturating_sub(1);
    }

    /// The counts alone.
    pub fn totals(&self) -> Totals {
        Totals {
            sent: self.sent,
            received: self.received,
            late: self.late,
            duplicates: self.duplicates,
            unanswered: self.unanswered,
            never_sent: self.never_sent,
            by_us: self.by_us,
        }
    }

    /// Probes that left this host, less those whose answers were lost here.
    pub fn put_to_the_test(&self) -> u64 {
        let lost_here = self.never_sent + self.by_us;
        self.sent.saturating_sub(lost_here)
    }

    /// Probes that are still waited for.
    pub fn pending(&self) -> u64 {
        let settled = self.received + self.unanswered + self.never_sent + self.by_us;
        self.sent.saturating_sub(settled)
    }

    /// Whether replies that came too late explain most of what was not answered: then no
    /// limit does.
    pub fn is_mostly_late(&self) -> bool {
        self.late > self.unanswered / 2
    }

    /// Whether its answers are ICMP errors, which hosts and routers send only so often: an
    /// echo reply or a segment that comes so often has met a policer on the path.
    pub fn answers_by_errors(&self) -> bool {
        let mut kinds = self.responders.iter().map(|(_, seen)| seen.kind);
        kinds.all(is_icmp_error)
    }

    /// Loss by cause, `rate_limited` of the unanswered set apart.
    pub fn loss(&self, rate_limited: u64) -> Loss {
        let unanswered = self.unanswered.saturating_sub(rate_limited);
        Loss {
            ratio: ratio(unanswered, self.received + self.unanswered),
            ci95: None,
            unanswered,
            never_sent: self.never_sent,
            by_us: self.by_us,
            rate_limited,
            pending: self.pending(),
        }
    }

    /// Each lost probe by its cause, `rate_limited` of the unanswered among them, and
    /// `errors` that others answered with.
    pub fn causes(&self, rate_limited: u64, errors: u64) -> Causes {
        let mut causes = Causes::default();
        for (cause, probes) in self.ledger.entries() {
            causes.add(cause.name(), probes);
        }
        let mut rest = self.unanswered;
        let mut take = |probes: u64| {
            let taken = probes.min(rest);
            rest -= taken;
            taken
        };
        causes.add(Causes::ICMP_ERROR, take(errors));
        causes.add(Causes::LATE, take(self.late));
        causes.add(Causes::RATE_LIMITED, take(rate_limited));
        let answers = self.received + self.late > 0;
        let unexplained = if answers {
            Causes::PATH
        } else {
            Causes::SILENT
        };
        causes.add(unexplained, rest);
        causes
    }

    /// Who answered, most replies first, then by address.
    pub fn responders(&self) -> Vec<Responder> {
        let mut responders: Vec<_> = self
            .responders
            .iter()
            .map(|(address, seen)| Responder {
                address: ip(*address),
                name: None,
                received: seen.received,
                kind: (seen.kind != Kind::TimeExceeded).then(|| seen.kind.name()),
                reason: seen.reason,
                tells: seen.tells,
                mpls: seen
                    .extensions
                    .as_ref()
                    .map_or_else(Vec::new, |said| said.mpls.clone()),
                interface: seen
                    .extensions
                    .as_ref()
                    .and_then(|said| said.interface.clone()),
            })
            .collect();
        responders.sort_by_key(|r| (std::cmp::Reverse(r.received), r.address));
        responders
    }

    fn note_responder(&mut self, answer: &Answer) {
        let responders = &mut self.responders;
        let known = responders
            .iter()
            .position(|(address, _)| *address == answer.responder);
        let place = known.unwrap_or_else(|| {
            let seen = Seen {
                received: 0,
                kind: answer.kind,
                reason: None,
                tells: Tells::default(),
                extensions: None,
            };
            // Mostly it is the only one.
            responders.reserve_exact(usize::from(responders.is_empty()));
            responders.push((answer.responder, seen));
            responders.len() - 1
        });
        if let Some((_, seen)) = responders.get_mut(place) {
            seen.received += 1;
            seen.kind = answer.kind;
            seen.reason = answer.reason;
            seen.tells = tells::followed_by(seen.tells, answer.tells);
            seen.extensions.clone_from(&answer.extensions);
        }
    }
}

/// Losses of so many probes whose outcome is known, if there are any.
pub(super) fn ratio(lost: u64, known: u64) -> Option<f64> {
    (known > 0).then(|| lost as f64 / known as f64)
}

/// Whether it is an ICMP error.
pub(super) fn is_icmp_error(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::EchoReply | Kind::SynAck | Kind::Rst | Kind::Ack | Kind::UdpReply
    )
}

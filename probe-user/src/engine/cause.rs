//! Why a probe has no answer, as far as this host itself is the cause.

/// Why a probe never left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsent {
    /// All slots that were tried waited for an answer.
    SlotsBusy,
    /// The kernel refused it before its stamp.
    Failed(Errno),
    /// The kernel took it, and no stamp saw it.
    Vanished,
    /// Refused behind its stamp, by the qdisc or the driver.
    DroppedAfterStamp,
}

/// How an answer was lost here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LostHere {
    /// Its ring was full.
    RingFull,
    /// The host slept while it was waited for: nobody was there to take it.
    Suspended,
}

/// A probe without an answer whose cause is this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ours {
    /// The probe never left.
    Unsent(Unsent),
    /// The answer was lost.
    Lost(LostHere),
}

macro_rules! errnos {
    ($($variant:ident $name:literal $what:literal),+ $(,)?) => {
        /// An error of sending, by its symbolic name: numbers differ between machines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Errno {
            $(#[doc = $what] $variant,)+
            /// Another.
            Other,
        }

        impl Errno {
            /// The name, in small letters.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other => "other_errno",
                }
            }
        }
    };
}

errnos! {
    Eacces "eacces" "Not allowed.",
    Eaddrnotavail "eaddrnotavail" "The source address is not this host's.",
    Eafnosupport "eafnosupport" "The IP version is not there.",
    Eagain "eagain" "The socket's buffer is full.",
    Ehostdown "ehostdown" "The next hop is down.",
    Ehostunreach "ehostunreach" "The next hop does not answer.",
    Einval "einval" "The packet has a form that the kernel does not take.",
    Eio "eio" "The driver failed.",
    Emsgsize "emsgsize" "The packet is longer than the device takes.",
    Enetdown "enetdown" "The device is down.",
    Enetunreach "enetunreach" "There is no route.",
    Enobufs "enobufs" "The queue is full.",
    Enodev "enodev" "The device is gone.",
    Enomem "enomem" "There is no memory.",
    Enxio "enxio" "The device's link is gone.",
    Eperm "eperm" "A filter forbids it.",
}

impl Ours {
    /// The name in every output: that of the run's counter of such probes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsent(Unsent::SlotsBusy) => "slots_busy",
            Self::Unsent(Unsent::Failed(errno)) => errno.name(),
            Self::Unsent(Unsent::Vanished) => "vanished",
            Self::Unsent(Unsent::DroppedAfterStamp) => "dropped_after_stamp",
            Self::Lost(LostHere::RingFull) => "ring_full",
            Self::Lost(LostHere::Suspended) => "suspended",
        }
    }
}

/// Probes by cause: none in most sessions, a few in the others.
#[derive(Clone, Debug, Default)]
#[expect(clippy::box_collection, reason = "empty, a hundred thousand times")]
pub struct Ledger(Option<Box<Vec<(Ours, u64)>>>);

impl Ledger {
    /// Counts a probe.
    pub fn count(&mut self, cause: Ours) {
        let entries = self.0.get_or_insert_default();
        match entries.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, count)) => *count += 1,
            None => entries.push((cause, 1)),
        }
    }

    /// Takes one back.
    pub fn take_back(&mut self, cause: Ours) {
        let entries = self.0.iter_mut().flat_map(|entries| entries.iter_mut());
        for (_, count) in entries.filter(|(known, _)| *known == cause) {
            *count = count.saturating_sub(1);
        }
    }

    /// Causes with their probes, in order, none without.
    pub fn entries(&self) -> Vec<(Ours, u64)> {
        let entries = self.0.iter().flat_map(|entries| entries.iter().copied());
        let mut entries: Vec<_> = entries.filter(|(_, count)| *count > 0).collect();
        entries.sort_unstable();
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_is_no_entry() {
        let (full, asleep) = (
            Ours::Lost(LostHere::RingFull),
            Ours::Lost(LostHere::Suspended),
        );
        let queue = Ours::Unsent(Unsent::DroppedAfterStamp);
        let mut ledger = Ledger::default();
        ledger.take_back(full);
        for cause in [full, asleep, queue, full, full] {
            ledger.count(cause);
        }
        ledger.take_back(full);
        ledger.take_back(asleep);
        assert_eq!(ledger.entries(), [(queue, 1), (full, 2)]);
    }
}

//! Where and why a trace ends.

use super::report::Stop;

/// The end of a trace as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending(Option<(u8, Stop)>);

impl Ending {
    /// Whether the end is known.
    pub fn is_known(self) -> bool {
        self.0.is_some()
    }

    /// Why the trace ends.
    pub fn stop(self) -> Stop {
        self.0.map_or(Stop::Interrupted, |(_, stop)| stop)
    }

    /// The last TTL, at most `max_ttl`.
    pub fn last_ttl(self, max_ttl: u8) -> u8 {
        self.0.map_or(max_ttl, |(ttl, _)| ttl)
    }

    /// The target answered a probe of this TTL; none beyond it tells more.
    pub fn reached(&mut self, ttl: u8) {
        match self.0 {
            Some((end, Stop::Target)) if end <= ttl => {}
            _ => self.0 = Some((ttl, Stop::Target)),
        }
    }

    /// A router called the target unreachable. That the target answers weighs more.
    pub fn unreachable(&mut self, ttl: u8) {
        match self.0 {
            Some((_, Stop::Target)) => {}
            Some((end, Stop::Unreachable)) if end <= ttl => {}
            _ => self.0 = Some((ttl, Stop::Unreachable)),
        }
    }

    /// Nothing more answers, unless the end is known already.
    pub fn silent(&mut self, ttl: u8, stop: Stop) {
        self.0.get_or_insert((ttl, stop));
    }

    /// An answer came after all: the path may go on where silence had ended it.
    pub fn reopen(&mut self) {
        if matches!(self.0, Some((_, Stop::GapLimit | Stop::MaxTtl))) {
            self.0 = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_answer_of_the_target_ends_a_trace() {
        let mut end = Ending::default();
        for ttl in [9, 7, 8] {
            end.reached(ttl);
        }
        assert_eq!((end.last_ttl(30), end.stop()), (7, Stop::Target));
    }

    #[test]
    fn a_target_that_answers_is_not_unreachable() {
        let mut end = Ending::default();
        end.unreachable(4);
        end.reached(9);
        end.unreachable(3);
        assert_eq!((end.last_ttl(30), end.stop()), (9, Stop::Target));
    }

    #[test]
    fn silence_does_not_outweigh_an_answer() {
        let mut end = Ending::default();
        end.unreachable(4);
        end.silent(12, Stop::GapLimit);
        end.reopen();
        assert_eq!((end.last_ttl(30), end.stop()), (4, Stop::Unreachable));
    }
}

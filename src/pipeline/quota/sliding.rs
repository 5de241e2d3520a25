//! How much was used in the last so many seconds, exactly: calls, or seconds of run time.
//!
//! A log and no bucket of tokens: one that refills as time passes lets nearly twice the number through in one window, which the service refuses.

use std::{collections::VecDeque, time::Duration};

/// What lies this close together is one entry where nobody has to know better.
const GRAIN: Duration = Duration::from_secs(10);

/// What leaves last may arrive first: whatever is used counts a little longer here than there.
pub(super) const SLACK: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
struct Entry {
    first: Duration,
    last: Duration,
    amount: f64,
}

/// The log of one window.
#[derive(Clone, Debug)]
pub(super) struct Sliding {
    span: Duration,
    entries: VecDeque<Entry>,
    sum: f64,
}

impl Sliding {
    pub(super) fn new(span: Duration) -> Sliding {
        Sliding { span: span + SLACK, entries: VecDeque::new(), sum: 0.0 }
    }

    /// Something was used. Where nobody has to know the moment exactly, what lies close together becomes one entry: a fast loop makes millions an hour.
    pub(super) fn add(&mut self, now: Duration, amount: f64, exact: bool) {
        self.expire(now);
        self.sum += amount;
        let grain = if exact { Duration::ZERO } else { (self.span / 64).min(GRAIN) };
        match self.entries.back_mut() {
            Some(entry) if now == entry.last || now < entry.first + grain => {
                entry.last = now;
                entry.amount += amount;
            }
            _ => self.entries.push_back(Entry { first: now, last: now, amount }),
        }
    }

    /// What was added at that moment was not used after all.
    pub(super) fn take_back(&mut self, at: Duration, amount: f64) {
        let Some(i) = self.entries.iter().rposition(|e| e.first <= at && at <= e.last) else { return };
        if let Some(entry) = self.entries.get_mut(i) {
            entry.amount -= amount;
            self.sum -= amount;
            if entry.amount <= 0.0 {
                self.entries.remove(i);
            }
        }
    }

    /// What was used within the window.
    pub(super) fn used(&mut self, now: Duration) -> f64 {
        self.expire(now);
        self.sum
    }

    /// From when on less than `limit` was used, if nothing is added.
    pub(super) fn free_at(&mut self, limit: f64, now: Duration) -> Duration {
        self.expire(now);
        if self.sum < limit {
            return now;
        }
        let mut newer = 0.0;
        for entry in self.entries.iter().rev() {
            newer += entry.amount;
            if newer >= limit {
                return now.max(entry.last + self.span);
            }
        }
        now
    }

    fn expire(&mut self, now: Duration) {
        while let Some(entry) = self.entries.front().filter(|e| e.last + self.span <= now) {
            self.sum -= entry.amount;
            self.entries.pop_front();
        }
        if self.entries.is_empty() {
            // Sums of fractions drift.
            self.sum = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_was_taken_back_was_never_used() {
        let mut log = Sliding::new(Duration::from_secs(60));
        log.add(at(0), 1.0, true);
        log.add(at(5), 1.0, true);
        log.take_back(at(0), 1.0);
        log.take_back(at(3), 1.0);
        assert_eq!(log.used(at(5)), 1.0);
        assert_eq!(log.free_at(1.0, at(5)), at(61_005));
    }

    #[test]
    fn a_fast_loop_does_not_fill_the_memory() {
        let mut log = Sliding::new(Duration::from_secs(3600));
        for i in 0..1_000_000 {
            log.add(at(i), 1.0, false);
        }
        assert!(log.entries.len() <= 101);
        assert_eq!(log.used(at(1_000_000)), 1_000_000.0);
    }

    proptest! {
        /// Whoever asks before each start and waits as long as it says never has more than the limit in a window, and never waits for nothing.
        #[test]
        fn windows_are_exact(gaps in prop::collection::vec(0u64..4000, 1..200), limit in 1u32..8, exact in any::<bool>()) {
            let mut log = Sliding::new(Duration::from_secs(10));
            let span = at(10_000) + SLACK;
            let (mut now, mut starts) = (Duration::ZERO, Vec::<Duration>::new());
            for gap in gaps {
                now += at(gap);
                let free = log.free_at(f64::from(limit), now);
                let within = |t: Duration| starts.iter().filter(|s| **s + span > t).count();
                prop_assert!(within(free) < limit as usize, "one too many");
                if exact && free > now {
                    prop_assert!(within(free - at(1)) >= limit as usize, "waited for nothing");
                }
                now = free;
                log.add(now, 1.0, exact);
                starts.push(now);
            }
        }
    }
}

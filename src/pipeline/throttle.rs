//! The gate in front of the wire: once a service says "not before", nobody of this client goes before.
//!
//! Without it a hundred tasks would each have to be refused on its own, and most services count the refused ones too.

use crate::clock::Clock;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// When each quota may be used again, by the clock's monotonic time.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    not_before: Mutex<HashMap<&'static str, Duration>>,
}

impl Throttle {
    /// How long to wait before a request of this quota.
    pub(super) fn wait(&self, quota: &'static str, clock: &dyn Clock) -> Duration {
        let gates = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        gates.get(quota).map_or(Duration::ZERO, |at| at.saturating_sub(clock.monotonic()))
    }

    /// The service asked to wait.
    pub(super) fn close(&self, quota: &'static str, time: Duration, clock: &dyn Clock) {
        let until = clock.monotonic() + time;
        let mut gates = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(quota).or_default();
        *gate = until.max(*gate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    #[test]
    fn a_gate_stays_closed_for_its_quota_alone_until_its_time() {
        let (clock, throttle) = (VirtualClock::shared(), Throttle::default());
        throttle.close("a", Duration::from_secs(10), &*clock);
        throttle.close("a", Duration::from_secs(2), &*clock);
        assert_eq!(throttle.wait("a", &*clock), Duration::from_secs(10));
        assert_eq!(throttle.wait("b", &*clock), Duration::ZERO);
        clock.advance(Duration::from_secs(11));
        assert_eq!(throttle.wait("a", &*clock), Duration::ZERO);
    }
}

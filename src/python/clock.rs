//! The sandbox's time as a client's clock, so that both agree on when a quota is used up: who waits pushes the time on.

use crate::{
    clock::{BoxFuture, Clock, Hold, new_clock_id},
    sandbox::Time,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The Unix epoch in ticks since year 1.
const EPOCH: i64 = 621_355_968_000_000_000;
/// Longer than any request to a sandbox takes; who waits while it is on the wire itself gets on after that.
const PATIENCE: Duration = Duration::from_secs(5);

/// The clock of a sandbox.
pub(super) struct SandboxClock {
    id: u64,
    time: Time,
    start: i64,
    held: Arc<AtomicUsize>,
}

impl SandboxClock {
    pub(super) fn of(time: Time) -> Arc<SandboxClock> {
        Arc::new(SandboxClock { id: new_clock_id(), start: time.now(), time, held: Arc::default() })
    }
}

impl fmt::Debug for SandboxClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SandboxClock {}", self.id)
    }
}

fn duration(ticks: i64) -> Duration {
    Duration::from_nanos(u64::try_from(ticks).unwrap_or(0).saturating_mul(100))
}

impl Clock for SandboxClock {
    fn monotonic(&self) -> Duration {
        duration(self.time.now() - self.start)
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + duration(self.time.now() - EPOCH)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let until = self.time.now().saturating_add(i64::try_from(time.as_nanos().div_ceil(100)).unwrap_or(i64::MAX));
        let (time, held) = (self.time.clone(), self.held.clone());
        Box::pin(async move {
            // A request that is on its way must not arrive after the time that somebody else pushed on.
            let on_the_wire = async {
                while held.load(SeqCst) > 0 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let _ = tokio::time::timeout(PATIENCE, on_the_wire).await;
            time.advance((until - time.now()).max(0));
        })
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn id(&self) -> u64 {
        self.id
    }

    fn hold(&self) -> Option<Hold> {
        Some(Hold::on(&self.held))
    }
}

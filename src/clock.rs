//! Time and chance, injected.
//!
//! Every wait, expiry and jitter goes through a [`Clock`], so that tests run through an hour of throttling without sleeping. What bounds a
//! try on the wire is real time in any case: a stalled socket does not know of virtual clocks.

use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A future that does not care who polls it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where time and chance come from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    /// The calendar's time, as far as this machine knows it.
    fn wall(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
    /// A number in [0, 1).
    fn chance(&self) -> f64;
    /// Tells clocks apart whose times cannot be compared. The machine's own is 0.
    fn id(&self) -> u64 {
        0
    }
    /// Asks the clock not to run ahead of somebody who is on the wire, which only one for tests would do.
    fn hold(&self) -> Option<Hold> {
        None
    }
}

/// Somebody is on the wire.
#[derive(Debug)]
pub struct Hold(Arc<AtomicUsize>);

impl Hold {
    /// One more of those that are counted there.
    pub fn on(count: &Arc<AtomicUsize>) -> Hold {
        count.fetch_add(1, Ordering::SeqCst);
        Hold(count.clone())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An [id](Clock::id) that no other clock has.
pub fn new_clock_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Seconds since 1970.
pub fn epoch_seconds(clock: &dyn Clock) -> i64 {
    clock.wall().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock;

/// One beginning for all clocks of the process: tokens are shared by clients, and with them the moments at which they end.
static START: OnceLock<Instant> = OnceLock::new();

impl SystemClock {
    /// The machine's own clock.
    pub fn shared() -> Arc<dyn Clock> {
        START.get_or_init(Instant::now);
        Arc::new(SystemClock)
    }
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        START.get_or_init(Instant::now).elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move { tokio::time::sleep(time).await })
    }

    fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        match SystemRandom::new().fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
            Err(_) => 0.5,
        }
    }
}

/// A clock for tests: sleeping moves it on and returns at once.
#[derive(Debug)]
pub struct VirtualClock {
    id: u64,
    start: SystemTime,
    passed: Arc<AtomicU64>,
}

impl VirtualClock {
    /// Begins at the machine's present time.
    pub fn shared() -> Arc<VirtualClock> {
        VirtualClock::at(SystemTime::now())
    }

    /// Begins at that time.
    pub fn at(start: SystemTime) -> Arc<VirtualClock> {
        Arc::new(VirtualClock { id: new_clock_id(), start, passed: Arc::default() })
    }

    /// Moves on by hand.
    pub fn advance(&self, time: Duration) {
        self.passed.fetch_add(time.as_nanos() as u64, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.passed.load(Ordering::SeqCst))
    }

    fn wall(&self) -> SystemTime {
        self.start + self.monotonic()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let passed = self.passed.clone();
        Box::pin(async move {
            passed.fetch_add(time.as_nanos() as u64, Ordering::SeqCst);
            tokio::task::yield_now().await;
        })
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn id(&self) -> u64 {
        self.id
    }
}

/// A random id in the form of a GUID, for `client-request-id` and the like.
pub fn random_guid() -> String {
    let mut b = [0u8; 16];
    // Without randomness an id is still an id: it only has to tell requests apart in a log.
    let _ = SystemRandom::new().fill(&mut b);
    let n = u128::from_be_bytes(b) & !(0xf << 76) & !(0x3 << 62) | (4 << 76) | (2 << 62);
    let h = format!("{n:032x}");
    [h.get(..8), h.get(8..12), h.get(12..16), h.get(16..20), h.get(20..)].map(Option::unwrap_or_default).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_version_4_guids() {
        let id = random_guid();
        let bytes = id.as_bytes();
        assert_eq!((id.len(), bytes[14]), (36, b'4'));
        assert!(b"89ab".contains(&bytes[19]), "{id}");
        assert_ne!(id, random_guid());
    }
}

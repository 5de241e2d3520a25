//! What the core tells, into Python's `logging`.
//!
//! A runtime thread that took the interpreter's lock to log would deadlock with a handler that calls us, and would stall every request behind a
//! slow handler. So events go into a bounded queue and one thread carries them over; what does not fit is dropped, and counted.

use super::gate;
use crate::perprocess::PerProcess;
use pyo3::prelude::*;
use std::{
    fmt::{self, Write},
    sync::{
        Once,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
        mpsc,
    },
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const CAPACITY: usize = 4096;
const TARGET: &str = "xdrkit";

/// Python's number of the lowest level that is carried over; 255 is none.
static THRESHOLD: AtomicU8 = AtomicU8::new(255);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static QUEUE: PerProcess<mpsc::SyncSender<(u8, String)>> = PerProcess::new();

/// Carries events of this level (as Python's `logging` numbers them) and above over to the logger `xdrkit`.
#[pyfunction]
pub(super) fn set_log_level(level: u8) {
    static INSTALL: Once = Once::new();
    THRESHOLD.store(level, Relaxed);
    INSTALL.call_once(|| {
        // Somebody else's subscriber in this process stays: then the events are theirs.
        let _ = tracing::subscriber::set_global_default(ToPython);
    });
    tracing::callsite::rebuild_interest_cache();
}

struct ToPython;

fn number(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

impl Subscriber for ToPython {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == TARGET && number(metadata.level()) >= THRESHOLD.load(Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        let queue = QUEUE.get_or_try_make(|| -> std::io::Result<_> {
            let (sender, receiver) = mpsc::sync_channel(CAPACITY);
            std::thread::Builder::new().name("xdrkit-log".to_owned()).spawn(move || carry(&receiver))?;
            Ok(sender)
        });
        if queue.map_or(true, |q| q.try_send((number(event.metadata().level()), message.0)).is_err()) {
            DROPPED.fetch_add(1, Relaxed);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn carry(queue: &mpsc::Receiver<(u8, String)>) {
    while let Ok(first) = queue.recv() {
        let lost = DROPPED.swap(0, Relaxed);
        gate::attach(|py| {
            let Ok(logger) = py.import("logging").and_then(|l| l.call_method1("getLogger", (TARGET,))) else { return };
            for (level, text) in std::iter::once(first).chain(queue.try_iter()) {
                // A handler that fails has its own way to say so.
                let _ = logger.call_method1("log", (level, "%s", text));
            }
            if lost > 0 {
                let _ = logger.call_method1("warning", ("%d log lines were dropped: the handlers are too slow", lost));
            }
        });
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

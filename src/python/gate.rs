//! The door between Rust's threads and the interpreter, and how it is shut.
//!
//! A thread that attaches to an interpreter which is finalizing crashes the process, and builds for the stable ABI have no guard against it
//! before 3.13. So every thread of ours that wants in counts itself first and then looks whether the door is closed; at exit the door is
//! closed first, and then those inside are waited for. The order of these two steps is the whole mechanism.

use pyo3::prelude::*;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::ThreadId,
    time::{Duration, Instant},
};

static CLOSED: AtomicBool = AtomicBool::new(false);
/// The thread that ends the interpreter.
static LAST: OnceLock<ThreadId> = OnceLock::new();
static INSIDE: AtomicUsize = AtomicUsize::new(0);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

struct Inside;

impl Inside {
    fn enter() -> Option<Inside> {
        INSIDE.fetch_add(1, SeqCst);
        let inside = Inside;
        if is_closed() { None } else { Some(inside) }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, SeqCst);
    }
}

/// Whether the interpreter is on its way out.
pub(super) fn is_closed() -> bool {
    CLOSED.load(SeqCst)
}

/// Keeps a daemon thread that comes late from going on: whatever it did next would end in a traceback of an interpreter that is half gone.
/// The thread that ends the interpreter gets through.
pub(super) fn hold_daemons() {
    while is_closed() && LAST.get().is_some_and(|last| *last != std::thread::current().id()) {
        std::thread::park();
    }
}

/// Attaches a thread of ours to the interpreter; `None` when that is not to be done any more.
pub(super) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _inside = Inside::enter()?;
    Python::try_attach(work)
}

/// Closes the door and waits for those inside. Registered with atexit.
#[pyfunction]
pub(super) fn _shutdown(py: Python<'_>) {
    let _ = LAST.set(std::thread::current().id());
    CLOSED.store(true, SeqCst);
    py.detach(|| {
        let began = Instant::now();
        while INSIDE.load(SeqCst) > 0 && began.elapsed() < LONGEST_WAIT {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

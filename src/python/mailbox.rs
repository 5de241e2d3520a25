//! Where an event loop finds what was done for it.
//!
//! A completion goes into a queue and a bell rings: one byte through a pair of sockets that the loop watches like any other. The loop's own
//! thread then takes all that has come since. No thread of ours has to attach to the interpreter for it, and the more is under way the
//! less often the bell rings. Loops that watch no sockets (Windows' usual one) are served by a thread instead (`bridge.rs`).

use super::bridge::Completion;
use crate::perprocess::PerProcess;
use pyo3::{exceptions::PyNotImplementedError, prelude::*};
use std::{
    collections::VecDeque,
    convert::Infallible,
    io::{Read, Write},
    mem::ManuallyDrop,
    os::{fd::AsRawFd, unix::net::UnixStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// How long the loop's thread works on what came before it looks after everything else.
const TURN: Duration = Duration::from_millis(5);

/// What one event loop is still to be told.
pub(super) struct Mailbox {
    /// `None` when the loop is closed. Python's references may be dropped by attached threads only.
    waiting: Mutex<Option<ManuallyDrop<VecDeque<Completion>>>>,
    rung: AtomicBool,
    bell: UnixStream,
}

type Boxes = Mutex<Vec<(Py<PyAny>, Arc<Mailbox>)>>;
static BOXES: PerProcess<Boxes> = PerProcess::new();

fn boxes() -> Arc<Boxes> {
    BOXES.get_or_try_make(|| Ok::<_, Infallible>(Mutex::default())).unwrap_or_else(|never| match never {})
}

impl Mailbox {
    /// The loop's mailbox, if it watches sockets.
    pub(super) fn of(event_loop: &Bound<'_, PyAny>) -> PyResult<Option<Arc<Mailbox>>> {
        let boxes = boxes();
        let is_its = |(owner, _): &&(Py<PyAny>, Arc<Mailbox>)| owner.is(event_loop);
        let known = boxes.lock().unwrap_or_else(PoisonError::into_inner).iter().find(is_its).map(|(_, mailbox)| mailbox.clone());
        if known.is_some() {
            return Ok(known);
        }
        forget_closed(event_loop.py(), &boxes);
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        let mailbox = Arc::new(Mailbox { waiting: Mutex::new(Some(ManuallyDrop::default())), rung: AtomicBool::new(false), bell });
        let number = ear.as_raw_fd();
        let reader = Reader { mailbox: mailbox.clone(), ear };
        if let Err(e) = event_loop.call_method1("add_reader", (number, reader)) {
            let unable = e.is_instance_of::<PyNotImplementedError>(event_loop.py());
            return if unable { Ok(None) } else { Err(e) };
        }
        boxes.lock().unwrap_or_else(PoisonError::into_inner).push((event_loop.clone().unbind(), mailbox.clone()));
        Ok(Some(mailbox))
    }

    /// Puts one in, from any thread.
    pub(super) fn put(&self, completion: Completion) {
        let completion = ManuallyDrop::new(completion);
        match self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(waiting) => waiting.push_back(ManuallyDrop::into_inner(completion)),
            None => return,
        }
        self.ring();
    }

    fn ring(&self) {
        // A bell that cannot be rung has rung so often that its buffer is full, or nobody listens any more.
        if !self.rung.swap(true, SeqCst) {
            let _ = (&self.bell).write(&[1]);
        }
    }

    fn next(&self) -> Option<Completion> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop_front()
    }
}

/// Drops what belongs to loops that are closed.
fn forget_closed(py: Python<'_>, boxes: &Boxes) {
    let all = std::mem::take(&mut *boxes.lock().unwrap_or_else(PoisonError::into_inner));
    let is_closed = |owner: &Py<PyAny>| owner.call_method0(py, "is_closed").and_then(|closed| closed.is_truthy(py)).unwrap_or(true);
    let (closed, open): (Vec<_>, Vec<_>) = all.into_iter().partition(|(owner, _)| is_closed(owner));
    boxes.lock().unwrap_or_else(PoisonError::into_inner).extend(open);
    for (_, mailbox) in closed {
        let waiting = mailbox.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(waiting.map(ManuallyDrop::into_inner));
    }
}

/// Runs in the loop's own thread when the bell has rung.
#[pyclass(frozen)]
struct Reader {
    mailbox: Arc<Mailbox>,
    ear: UnixStream,
}

#[pymethods]
impl Reader {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let _ = (&self.ear).read(&mut [0; 16]);
        self.mailbox.rung.store(false, SeqCst);
        let began = Instant::now();
        let mut trouble = Ok(());
        while let Some(completion) = self.mailbox.next() {
            trouble = trouble.and(completion.settle(py));
            if began.elapsed() > TURN {
                self.mailbox.ring();
                break;
            }
        }
        trouble
    }
}

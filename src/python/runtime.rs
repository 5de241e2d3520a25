//! One tokio runtime for each process, and how a Python thread waits for it.
//!
//! A blocking call waits in slices and looks for signals in between, so that Ctrl-C and a notebook's stop button work while a query runs. It
//! blocks in Rust and not in asyncio, which is why the sync client works inside a running event loop.

use super::{errors, gate};
use crate::{
    error::{Error, Kind, Result},
    perprocess::PerProcess,
};
use pyo3::{exceptions::PyRuntimeError, prelude::*};
use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};
use tokio::{runtime::Runtime, task::JoinHandle};

static RUNTIME: PerProcess<Runtime> = PerProcess::new();
const SLICE: Duration = Duration::from_millis(50);

/// The runtime of this process: a forked child gets its own.
pub(super) fn runtime(py: Python<'_>) -> PyResult<Arc<Runtime>> {
    if gate::is_closed() {
        py.detach(gate::hold_daemons);
        return Err(PyRuntimeError::new_err("the interpreter is shutting down"));
    }
    RUNTIME
        .get_or_try_make(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("xdrkit").enable_all().build())
        .map_err(|e| PyRuntimeError::new_err(format!("xdrkit cannot start its threads: {e}")))
}

/// A task that ends when its owner goes.
struct Owned<T>(JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs work as a task of its own: a panic in it is an error like others, and dropping the future drops the work.
pub(super) async fn guarded<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let mut task = Owned(tokio::spawn(work));
    match (&mut task.0).await {
        Ok(result) => result,
        Err(lost) => Err(Error::new(Kind::Internal, format!("a defect in xdrkit: {}", panic_text(lost)))
            .hint("please report it; the client stays usable")),
    }
}

fn panic_text(lost: tokio::task::JoinError) -> String {
    match lost.try_into_panic() {
        Ok(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            text.or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_else(|| "it panicked".to_owned())
        }
        Err(_) => "it was cancelled".to_owned(),
    }
}

/// Waits for work with the interpreter released.
pub(super) fn wait<T: Send + 'static>(py: Python<'_>, work: impl Future<Output = Result<T>> + Send + 'static) -> PyResult<T> {
    let (done, mut waiting) = mpsc::sync_channel(1);
    let task = Owned(runtime(py)?.spawn(async move {
        let _ = done.send(guarded(work).await);
    }));
    loop {
        let received;
        (received, waiting) = py.detach(move || (slice(&waiting), waiting));
        match received {
            Ok(result) => return result.map_err(|e| errors::raise(py, e)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                drop(task);
                return Err(errors::raise(py, Error::new(Kind::Internal, "the call ended without an answer")));
            }
        }
    }
}

fn slice<T>(waiting: &mpsc::Receiver<T>) -> std::result::Result<T, RecvTimeoutError> {
    let received = waiting.recv_timeout(SLICE);
    gate::hold_daemons();
    received
}

/// Runs the `xdr` command; gives its exit code.
#[pyfunction]
pub(super) fn cli(py: Python<'_>, argv: Vec<String>) -> PyResult<i32> {
    let runtime = runtime(py)?;
    wait(py, async move { Ok(runtime.handle().spawn_blocking(move || crate::cli::run(&argv)).await.unwrap_or(crate::cli::EXIT_INTERNAL)) })
}

/// Panics inside a call, so that a test can see what becomes of it.
#[pyfunction]
pub(super) fn _panic_for_test(py: Python<'_>) -> PyResult<()> {
    wait(py, panics())
}

/// The same in an async call.
#[pyfunction]
pub(super) fn _panic_for_test_async(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    super::bridge::future(py, panics(), |py, ()| Ok(py.None()))
}

#[allow(clippy::panic, reason = "its only purpose")]
async fn panics() -> Result<()> {
    panic!("on purpose")
}

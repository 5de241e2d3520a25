//! From a Rust future to an `asyncio.Future`.
//!
//! The usual bridge takes a thread for each completion (519 of them in one gather), attaches while the interpreter ends, and calls into loops
//! that are closed. Here completions go into the loop's mailbox, which its own thread empties; where there is none, into a queue that one
//! thread drains under one attach, handing each loop its share in one call. Cancelling the future drops the work, and with it the request.

#[cfg(unix)]
use super::mailbox::Mailbox;
use super::{errors, gate, runtime};
use crate::{
    error::{Error, Result},
    perprocess::PerProcess,
};
use pyo3::{intern, prelude::*, sync::PyOnceLock};
use std::{
    convert::Infallible,
    mem::ManuallyDrop,
    sync::{Arc, Mutex, PoisonError, mpsc},
};
use tokio::sync::oneshot;

type Outcome = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// A future that is to be completed; `None` when nobody wants the outcome any more and only the references have to go.
pub(super) struct Completion {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
    outcome: Option<Outcome>,
}

impl Completion {
    /// Tells the future what came of it, in the loop's thread.
    #[cfg(unix)]
    pub(super) fn settle(self, py: Python<'_>) -> PyResult<()> {
        match self.outcome {
            Some(outcome) => Settled { future: self.future, result: outcome(py) }.tell(py),
            None => Ok(()),
        }
    }
}

static RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static QUEUE: PerProcess<mpsc::Sender<Completion>> = PerProcess::new();

/// Begins the work and gives a future of the running loop; `convert` runs attached.
pub(super) fn future<'py, T: Send + 'static>(
    py: Python<'py>,
    work: impl Future<Output = Result<T>> + Send + 'static,
    convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let event_loop = RUNNING_LOOP.import(py, "asyncio", "get_running_loop")?.call0()?;
    remember_loop(&event_loop);
    let future = event_loop.call_method0(intern!(py, "create_future"))?;
    let (cancel, mut cancelled) = oneshot::channel();
    future.call_method1(intern!(py, "add_done_callback"), (OnDone(Mutex::new(Some(cancel))),))?;
    // References must not be dropped by a thread that is not attached: until the queue has them they are nobody's.
    let way = Way::to(&event_loop)?;
    let held = ManuallyDrop::new((event_loop.unbind(), future.clone().unbind()));
    runtime::runtime(py)?.spawn(async move {
        let result = tokio::select! {
            result = runtime::guarded(work) => Some(result),
            Ok(()) = &mut cancelled => None,
        };
        let outcome = result.map(|result| -> Outcome {
            Box::new(move |py| match result {
                Ok(value) => convert(py, value),
                Err(error) => Err(errors::raise(py, error)),
            })
        });
        let (event_loop, future) = ManuallyDrop::into_inner(held);
        way.send(Completion { event_loop, future, outcome });
    });
    Ok(future)
}

/// How a loop learns of what was done.
enum Way {
    #[cfg(unix)]
    Mailbox(Arc<Mailbox>),
    Thread(mpsc::Sender<Completion>),
}

impl Way {
    fn to(event_loop: &Bound<'_, PyAny>) -> PyResult<Way> {
        #[cfg(unix)]
        if let Some(mailbox) = Mailbox::of(event_loop)? {
            return Ok(Way::Mailbox(mailbox));
        }
        let _ = event_loop;
        queue().map(Way::Thread)
    }

    fn send(&self, completion: Completion) {
        match self {
            #[cfg(unix)]
            Way::Mailbox(mailbox) => mailbox.put(completion),
            Way::Thread(queue) => {
                if let Err(mpsc::SendError(lost)) = queue.send(completion) {
                    std::mem::forget(lost);
                }
            }
        }
    }
}

/// The loop that called last: async credentials of other libraries belong to the loop in which they were made.
static LAST_LOOP: PerProcess<Mutex<Option<Py<PyAny>>>> = PerProcess::new();

fn last_loop() -> Arc<Mutex<Option<Py<PyAny>>>> {
    LAST_LOOP.get_or_try_make(|| Ok::<_, Infallible>(Mutex::default())).unwrap_or_else(|never| match never {})
}

fn remember_loop(event_loop: &Bound<'_, PyAny>) {
    let last = last_loop();
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if !last.as_ref().is_some_and(|known| known.is(event_loop)) {
        *last = Some(event_loop.clone().unbind());
    }
}

/// The loop that called last, if any did.
pub(super) fn callers_loop(py: Python<'_>) -> Option<Py<PyAny>> {
    last_loop().lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|known| known.clone_ref(py))
}

fn queue() -> PyResult<mpsc::Sender<Completion>> {
    let sender = QUEUE.get_or_try_make(|| -> std::io::Result<_> {
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new().name("xdrkit-deliver".to_owned()).spawn(move || drain(&receiver))?;
        Ok(sender)
    })?;
    Ok((*sender).clone())
}

fn drain(queue: &mpsc::Receiver<Completion>) {
    while let Ok(first) = queue.recv() {
        let mut batch = ManuallyDrop::new(vec![first]);
        batch.extend(queue.try_iter());
        gate::attach(|py| deliver(py, ManuallyDrop::into_inner(batch)));
    }
}

fn deliver(py: Python<'_>, batch: Vec<Completion>) {
    let mut by_loop: Vec<(Py<PyAny>, Vec<Settled>)> = Vec::new();
    for Completion { event_loop, future, outcome } in batch {
        let Some(outcome) = outcome else { continue };
        let settled = Settled { future, result: outcome(py) };
        match by_loop.iter_mut().find(|(known, _)| known.is(&event_loop)) {
            Some((_, share)) => share.push(settled),
            None => by_loop.push((event_loop, vec![settled])),
        }
    }
    for (event_loop, share) in by_loop {
        // A loop that is closed has nobody left who waits: that is no error of ours.
        let _ = event_loop.call_method1(py, "call_soon_threadsafe", (Deliver(Mutex::new(share)),));
    }
}

struct Settled {
    future: Py<PyAny>,
    result: PyResult<Py<PyAny>>,
}

impl Settled {
    fn tell(self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
            match self.result {
                Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
                Err(error) => future.call_method1(intern!(py, "set_exception"), (error,))?,
            };
        }
        Ok(())
    }
}

/// Runs in the loop's own thread.
#[pyclass(frozen)]
struct Deliver(Mutex<Vec<Settled>>);

#[pymethods]
impl Deliver {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let share = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        // All are told before what went wrong with one is.
        let mut trouble = Ok(());
        for settled in share {
            trouble = trouble.and(settled.tell(py));
        }
        trouble
    }
}

/// Tells the work when its future was cancelled.
#[pyclass(frozen)]
struct OnDone(Mutex<Option<oneshot::Sender<()>>>);

#[pymethods]
impl OnDone {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        let cancel = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (true, Some(cancel)) = (future.call_method0(intern!(future.py(), "cancelled"))?.is_truthy()?, cancel) {
            let _ = cancel.send(());
        }
        Ok(())
    }
}

/// Runs a blocking piece of Python off the runtime's threads.
pub(super) async fn call_python<T: Send + 'static>(work: impl FnOnce(Python<'_>) -> Result<T> + Send + 'static) -> Result<T> {
    let gone = || Error::new(crate::error::Kind::Closed, "the interpreter is shutting down");
    tokio::task::spawn_blocking(move || gate::attach(work)).await.ok().flatten().unwrap_or_else(|| Err(gone()))
}

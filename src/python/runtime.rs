//! One tokio runtime for each process, and how a Python thread waits for it.
//!
//! A blocking call waits in slices and looks for signals in between, so that Ctrl-C and a notebook's stop button work while a query runs. It
//! blocks in Rust and not in asyncio, which is why the sync client works inside a running event loop. While the main thread waits it also
//! runs what only it can: a question to the person in front of a notebook has to come from the thread that runs the cell.

use super::{errors, gate};
use crate::{
    error::{Error, Kind, Result},
    perprocess::PerProcess,
};
use pyo3::{
    exceptions::{PyException, PyRuntimeError},
    prelude::*,
};
use std::{
    any::Any,
    convert::Infallible,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    task::Poll,
    thread::ThreadId,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, task::JoinHandle};

static RUNTIME: PerProcess<Runtime> = PerProcess::new();
/// For small blocking calls: one thread that does it all is woken once, where of several each may wake the next.
static SMALL: PerProcess<Runtime> = PerProcess::new();
const SLICE: Duration = Duration::from_millis(50);
/// How long an interrupted call may take to end.
const ENDING: Duration = Duration::from_millis(500);

/// The runtime of this process: a forked child gets its own.
pub(super) fn runtime(py: Python<'_>) -> PyResult<Arc<Runtime>> {
    of_process(py, &RUNTIME, 2)
}

fn of_process(py: Python<'_>, slot: &PerProcess<Runtime>, threads: usize) -> PyResult<Arc<Runtime>> {
    if gate::is_closed() {
        py.detach(gate::hold_daemons);
        return Err(PyRuntimeError::new_err("the interpreter is shutting down"));
    }
    slot.get_or_try_make(|| tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("xdrkit").enable_all().build())
        .map_err(|e| PyRuntimeError::new_err(format!("xdrkit cannot start its threads: {e}")))
}

/// A task that ends when its owner goes.
struct Owned<T>(JoinHandle<T>);

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs work in which a panic is an error like others. It lies in a box: what a call carries along is large, and is not moved again.
pub(super) async fn guarded<T>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let mut work = Box::pin(work);
    poll_fn(|context| {
        let step = AssertUnwindSafe(|| work.as_mut().poll(context));
        // What panicked is not polled again, only dropped.
        catch_unwind(step).unwrap_or_else(|payload| Poll::Ready(Err(defect(&*payload))))
    })
    .await
}

fn defect(payload: &(dyn Any + Send)) -> Error {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    Error::new(Kind::Internal, format!("a defect in xdrkit: {text}")).hint("please report it; the client stays usable")
}

/// What a waiting thread is told.
enum News<T> {
    Done(Result<T>),
    Errand(Errand),
}

/// Something that the main thread is to do while it waits.
type Errand = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;

/// The thread that imported this module, and how to reach it while it waits: the innermost wait last.
static MAIN: OnceLock<ThreadId> = OnceLock::new();
type Hand = Box<dyn Fn(Errand) -> std::result::Result<(), Errand> + Send>;
type Hands = Mutex<Vec<Hand>>;
static WAITING: PerProcess<Hands> = PerProcess::new();

/// Remembers the main thread. Called at import.
pub(super) fn remember_main_thread() {
    let _ = MAIN.set(std::thread::current().id());
}

fn waiting() -> Arc<Hands> {
    WAITING.get_or_try_make(|| Ok::<_, Infallible>(Mutex::default())).unwrap_or_else(|never| match never {})
}

/// Says where errands go while the main thread waits.
struct Desk(bool);

impl Desk {
    fn open<T: Send + 'static>(errands: &mpsc::Sender<News<T>>) -> Desk {
        let is_main = MAIN.get() == Some(&std::thread::current().id());
        if is_main {
            let errands = errands.clone();
            let hand = move |errand| {
                errands.send(News::Errand(errand)).map_err(|mpsc::SendError(lost)| match lost {
                    News::Errand(errand) => errand,
                    News::Done(_) => Box::new(|_: Python<'_>| Ok(())) as Errand,
                })
            };
            waiting().lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hand));
        }
        Desk(is_main)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if self.0 {
            waiting().lock().unwrap_or_else(PoisonError::into_inner).pop();
        }
    }
}

/// Runs a piece of Python on the main thread if that waits for us, and here otherwise. May block for as long as a person takes. What the person
/// interrupts is the main thread's call.
pub(super) fn on_main_thread<T: Send + 'static>(work: impl FnOnce(Python<'_>) -> PyResult<T> + Send + 'static) -> Result<T> {
    let (answer, answered) = mpsc::sync_channel(1);
    let errand: Errand = Box::new(move |py| {
        let (result, interrupt) = match work(py) {
            Ok(value) => (Ok(value), Ok(())),
            Err(e) if e.is_instance_of::<PyException>(py) => (Err(errors::lower(py, &e, "the prompt failed")), Ok(())),
            Err(e) => (Err(Error::new(Kind::InteractionRequired, "the sign-in was interrupted")), Err(e)),
        };
        let _ = answer.send(result);
        interrupt
    });
    let gone = || Error::new(Kind::InteractionRequired, "there is nobody left who could sign in");
    let left = match waiting().lock().unwrap_or_else(PoisonError::into_inner).last() {
        Some(hand) => hand(errand).err(),
        None => Some(errand),
    };
    if let Some(errand) = left {
        gate::attach(|py| drop(errand(py))).ok_or_else(gone)?;
    }
    answered.recv().unwrap_or_else(|_| Err(gone()))
}

/// Waits for work with the interpreter released.
pub(super) fn wait<T: Send + 'static>(py: Python<'_>, work: impl Future<Output = Result<T>> + Send + 'static) -> PyResult<T> {
    wait_on(py, &*runtime(py)?, work)
}

/// The same for what keeps no thread busy for long.
pub(super) fn wait_small<T: Send + 'static>(py: Python<'_>, work: impl Future<Output = Result<T>> + Send + 'static) -> PyResult<T> {
    wait_on(py, &*of_process(py, &SMALL, 1)?, work)
}

fn wait_on<T: Send + 'static>(py: Python<'_>, runtime: &Runtime, work: impl Future<Output = Result<T>> + Send + 'static) -> PyResult<T> {
    let (news, mut waiting) = mpsc::channel();
    let _desk = Desk::open(&news);
    let task = Owned(runtime.spawn(async move {
        let _ = news.send(News::Done(guarded(work).await));
    }));
    loop {
        let received;
        (received, waiting) = py.detach(move || (slice(&waiting), waiting));
        match received {
            Ok(News::Done(result)) => return result.map_err(|e| errors::raise(py, e)),
            Ok(News::Errand(errand)) => {
                if let Err(interrupt) = errand(py) {
                    // What was interrupted ends first: the next call must not find it under way.
                    py.detach(move || until_done(&waiting));
                    return Err(interrupt);
                }
            }
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                drop(task);
                return Err(errors::raise(py, Error::new(Kind::Internal, "the call ended without an answer")));
            }
        }
    }
}

fn until_done<T>(waiting: &mpsc::Receiver<News<T>>) {
    let began = Instant::now();
    while let Some(left) = ENDING.checked_sub(began.elapsed()) {
        match waiting.recv_timeout(left) {
            Ok(News::Errand(_)) => {}
            Ok(News::Done(_)) | Err(_) => return,
        }
    }
}

/// Waits for a moment.
pub(super) fn slice<T>(waiting: &mpsc::Receiver<T>) -> std::result::Result<T, RecvTimeoutError> {
    let received = waiting.recv_timeout(SLICE);
    gate::hold_daemons();
    received
}

/// Runs the `xdr` command; gives its exit code.
#[pyfunction]
pub(super) fn cli(py: Python<'_>, argv: Vec<String>) -> PyResult<i32> {
    let runtime = runtime(py)?;
    let done =
        wait(
            py,
            async move { Ok(runtime.handle().spawn_blocking(move || crate::cli::run(&argv)).await.unwrap_or(crate::cli::EXIT_INTERNAL)) },
        );
    // A sandbox has files to take away; its thread does not hear of an interrupt.
    py.detach(crate::cli::stop_sandbox);
    done
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

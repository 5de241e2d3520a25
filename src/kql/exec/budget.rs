//! What one run of a query may spend: cells of work, time, and the caller's patience.

use super::super::Options;
use super::super::error::{Fail, Span, Try, limit, stopped};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// How many steps go by between two looks at the clock.
const STEPS: u32 = 256;

/// One run of one query.
pub(in super::super) struct Run {
    left: Cell<usize>,
    granted: usize,
    room: Cell<usize>,
    memory: usize,
    stop: Option<Arc<AtomicBool>>,
    deadline: Option<Instant>,
    steps: Cell<u32>,
    stopped: Cell<bool>,
    /// Row by row, and by no other way: the reference for the tests.
    plainly: bool,
}

impl Run {
    pub(in super::super) fn new(options: &Options) -> Run {
        Run {
            left: Cell::new(options.max_cells),
            granted: options.max_cells,
            room: Cell::new(options.max_bytes),
            memory: options.max_bytes,
            stop: options.stop.clone(),
            deadline: options.deadline,
            steps: Cell::new(0),
            stopped: Cell::new(false),
            plainly: false,
        }
    }

    #[cfg(test)]
    pub(in super::super) fn plainly(self) -> Run {
        Run { plainly: true, ..self }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plainly
    }

    /// Takes cells from the budget: no operator makes or visits rows without asking.
    pub(in super::super) fn charge(&self, cells: usize) -> Try<()> {
        self.tick()?;
        match self.left.get().checked_sub(cells) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(limit(Span::default(), format!("the query needs more than {} cells of work", self.granted))),
        }
    }

    /// Looks whether to go on; every loop over rows asks.
    #[inline]
    pub(in super::super) fn tick(&self) -> Try<()> {
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(self.stopped("the query was stopped"));
        }
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if steps.is_multiple_of(STEPS) && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(self.stopped("the query ran longer than it may"));
        }
        Ok(())
    }

    #[cold]
    fn stopped(&self, message: &str) -> Fail {
        self.stopped.set(true);
        stopped(message)
    }

    /// Takes bytes that a result of the query will hold.
    pub(in super::super) fn hold(&self, bytes: usize) -> Try<()> {
        match self.room.get().checked_sub(bytes) {
            Some(room) => {
                self.room.set(room);
                Ok(())
            }
            None => {
                let granted = self.memory.div_ceil(1 << 20);
                Err(limit(Span::default(), format!("the query needs more than {granted} MiB of memory; filter before it joins or expands")))
            }
        }
    }

    /// Does it quickly; if that fails, the plain way says how.
    pub(in super::super) fn quickly<T>(&self, quick: impl FnOnce() -> Try<T>, plain: impl FnOnce() -> Try<T>) -> Try<T> {
        if self.plainly {
            return plain();
        }
        let (left, room) = (self.left.get(), self.room.get());
        quick().or_else(|fail| {
            if self.stopped.get() {
                return Err(fail);
            }
            self.left.set(left);
            self.room.set(room);
            plain()
        })
    }
}

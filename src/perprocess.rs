//! State that belongs to one process: built on first use, and anew in a forked child.
//!
//! After `fork` a child has the parent's memory but none of its threads. A runtime, a connection pool or a lock that another thread held
//! at that moment is dead there for ever, which is why the usual libraries hang. So what must not cross a fork hangs on the process id, and
//! no lock is taken on the way to it. The parent's value is left alone in the child: dropping it would touch its sockets and threads.

#![allow(unsafe_code, reason = "the one audited file: a pointer that is only freed by its owner, in the process that made it")]

use std::sync::{
    Arc,
    atomic::{AtomicPtr, Ordering::*},
};

struct Made<T> {
    pid: u32,
    value: Arc<T>,
    /// What a parent process had put here. Kept, because somebody may still be looking at it.
    _parent: *mut Made<T>,
}

/// One value for each process that asks.
#[derive(Debug)]
pub struct PerProcess<T> {
    made: AtomicPtr<Made<T>>,
}

// SAFETY: the pointer is only read through and its contents are an `Arc<T>` that threads may share when `T` may be shared.
unsafe impl<T: Send + Sync> Send for PerProcess<T> {}
unsafe impl<T: Send + Sync> Sync for PerProcess<T> {}

impl<T> PerProcess<T> {
    /// Nothing yet.
    pub const fn new() -> PerProcess<T> {
        PerProcess { made: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// This process's value; `make` is called when there is none yet. Two threads that come first at the same time may both make one: one is
    /// dropped.
    pub fn get_or_try_make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let pid = std::process::id();
        let old = self.made.load(Acquire);
        // SAFETY: a pointer that was once stored is freed in `drop` only, which has exclusive access.
        if let Some(made) = unsafe { old.as_ref() }.filter(|m| m.pid == pid) {
            return Ok(made.value.clone());
        }
        let value = Arc::new(make()?);
        let mine = Box::into_raw(Box::new(Made { pid, value: value.clone(), _parent: old }));
        match self.made.compare_exchange(old, mine, AcqRel, Acquire) {
            Ok(_) => Ok(value),
            Err(theirs) => {
                // SAFETY: `mine` was never published; `theirs` was, and lives until `drop`.
                unsafe {
                    drop(Box::from_raw(mine));
                    Ok((*theirs).value.clone())
                }
            }
        }
    }

    /// This process's value, if it was made.
    pub fn get(&self) -> Option<Arc<T>> {
        // SAFETY: as above.
        unsafe { self.made.load(Acquire).as_ref() }.filter(|m| m.pid == std::process::id()).map(|m| m.value.clone())
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        PerProcess::new()
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let made = *self.made.get_mut();
        // SAFETY: exclusive access; what a parent process made is leaked on purpose.
        if unsafe { made.as_ref() }.is_some_and(|m| m.pid == std::process::id()) {
            drop(unsafe { Box::from_raw(made) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn threads_that_come_at_once_get_the_same_value_and_the_rest_is_dropped() {
        static LIVE: AtomicUsize = AtomicUsize::new(0);
        struct Counted;
        impl Drop for Counted {
            fn drop(&mut self) {
                LIVE.fetch_sub(1, SeqCst);
            }
        }
        let cell = PerProcess::new();
        let seen: Vec<usize> = std::thread::scope(|s| {
            let threads: Vec<_> = (0..16)
                .map(|_| {
                    s.spawn(|| {
                        let made = cell.get_or_try_make(|| {
                            LIVE.fetch_add(1, SeqCst);
                            Ok::<_, ()>(Counted)
                        });
                        Arc::as_ptr(&made.unwrap()) as usize
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|p| *p == seen[0]));
        assert_eq!(LIVE.load(SeqCst), 1);
        drop(cell);
        assert_eq!(LIVE.load(SeqCst), 0);
    }
}

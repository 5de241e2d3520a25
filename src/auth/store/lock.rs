//! A lock between processes, on a file that stays.
//!
//! The operating system lets go of it when its holder dies, however it dies. The file is never deleted: whoever locks a deleted file
//! shares the lock with nobody.

use super::blocking;
use crate::clock::Clock;
use std::{
    fs::{File, TryLockError},
    io,
    path::PathBuf,
    time::Duration,
};

/// How long to wait for another process. It may be stopped in a debugger.
pub(super) const WAIT: Duration = Duration::from_secs(15);
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(40);

/// A lock that is held.
#[derive(Debug)]
pub(super) struct FileLock(File);

impl Drop for FileLock {
    /// Said aloud: a child that was forked meanwhile has the file open too, and closing ours alone would leave the lock with it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Waits for the lock. `None`: it was not to be had, and nobody should wait for ever for a cache.
pub(super) async fn acquire(path: PathBuf, clock: &dyn Clock) -> Option<FileLock> {
    let began = clock.monotonic();
    let mut pause = SHORTEST;
    let mut file = blocking(move || super::file::open_lock(&path)).await?.map_err(|e| tell(&e)).ok()?;
    loop {
        file = match blocking(move || try_lock(file)).await? {
            Ok(Ok(lock)) => return Some(lock),
            Ok(Err(busy)) => busy,
            Err(e) => {
                tell(&e);
                return None;
            }
        };
        if clock.monotonic() - began >= WAIT {
            tracing::warn!(target: "xdrkit", "another process holds a sign-in's lock for more than {} s; going on without", WAIT.as_secs());
            return None;
        }
        clock.sleep(pause.mul_f64(0.5 + clock.chance())).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// The lock, or the file back.
fn try_lock(file: File) -> io::Result<Result<FileLock, File>> {
    match file.try_lock() {
        Ok(()) => Ok(Ok(FileLock(file))),
        Err(TryLockError::WouldBlock) => Ok(Err(file)),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

fn tell(error: &io::Error) {
    tracing::debug!(target: "xdrkit", "sign-ins are not locked here: {error}");
}

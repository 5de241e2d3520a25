//! Sign-ins that outlive the process: the refresh tokens of users, on disk, if somebody asked for it.
//!
//! The caches that people know keep all accounts in one file, write over it in place and let readers in between: readers see half a file, and
//! a process that dies while it writes takes everybody's sign-in along. Here every account has a file of its own, which is only ever replaced
//! as a whole, and a lock that is held across "read again, redeem, write": of two processes the second redeems what the first one got, so
//! that a server that allows a refresh token one use is content. Tokens of applications never come here: what gets them lies on the
//! machine anyway.
//!
//! The cache is a convenience, and fails like one. Without a keyring, on a full disk, on a file that nobody can read, the sign-in goes on
//! in memory and says so once. Only a directory that others may write to is refused: that is a mistake to be mended.

mod file;
mod keys;
mod lock;

pub use keys::Key;

use super::Account;
use crate::{
    clock::{Clock, SystemClock},
    error::Result,
    perprocess::PerProcess,
    secret::Secret,
};
use file::{Contents, Files};
use keys::Keyring;
use lock::FileLock;
use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::OnceCell;

/// Where and how to keep sign-ins.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// The directory; the platform's place for caches without.
    pub directory: Option<PathBuf>,
    /// Where there is no keyring: whether files that only this user may read are good enough.
    pub allow_unencrypted: bool,
    /// A key of the user's own, instead of one in the keyring.
    pub key: Option<Key>,
}

/// An account with what signs it in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Who it is.
    pub account: Account,
    /// What signs in again.
    pub refresh_token: Secret,
}

/// What lies under an account's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A sign-in.
    Saved(Box<Saved>),
    /// Nothing.
    Nothing,
    /// Something that is no sign-in. It was put aside.
    Unreadable,
}

/// Sign-ins on disk.
#[derive(Debug)]
pub struct Store {
    directory: Option<PathBuf>,
    key: Option<Key>,
    allow_unencrypted: bool,
    keyrings: Arc<[Box<dyn Keyring>]>,
    clock: Arc<dyn Clock>,
    /// Made by the first who reads or writes: asking a keyring takes a while, and may ask the user.
    files: PerProcess<OnceCell<Option<Arc<Files>>>>,
}

impl Store {
    /// Checks the directory, and makes it. The keyring is asked later.
    pub fn open(options: StoreOptions) -> Result<Store> {
        Store::with(options, SystemClock::shared(), keys::keyrings())
    }

    fn with(options: StoreOptions, clock: Arc<dyn Clock>, keyrings: Vec<Box<dyn Keyring>>) -> Result<Store> {
        let StoreOptions { directory, allow_unencrypted, key } = options;
        let directory = file::directory(directory, |name| std::env::var_os(name))?;
        Ok(Store { directory, key, allow_unencrypted, keyrings: keyrings.into(), clock, files: PerProcess::new() })
    }

    /// The accounts that are remembered for an application. Takes no lock: files change as a whole.
    pub async fn accounts(&self, authority: &str, client_id: &str) -> Vec<Account> {
        let Some(files) = self.files().await else { return Vec::new() };
        let (here, group) = (files.clone(), files.group(authority, client_id));
        let mut accounts = Vec::new();
        for name in blocking(move || here.names(&group)).await.unwrap_or_default() {
            let (here, file) = (files.clone(), name.clone());
            match blocking(move || here.read(&file)).await {
                Some(Contents::Saved(saved)) => accounts.push(saved.account),
                // Whether it is really broken is looked at with the lock: somebody may be replacing it.
                Some(Contents::Broken(_)) => {
                    let locked = self.lock_name(&files, name).await;
                    if let Found::Saved(saved) = locked.read().await {
                        accounts.push(saved.account);
                    }
                }
                Some(Contents::Nothing) | None => {}
            }
        }
        accounts.retain(|a| a.authority == authority && a.client_id == client_id);
        accounts
    }

    /// Keeps other processes from this account until the result is dropped. Who does not let go within 15 s is waited for no longer.
    pub async fn lock(&self, account: &Account) -> Locked {
        match self.files().await {
            Some(files) => self.lock_name(&files, files.name(account)).await,
            None => Locked { files: None, name: String::new(), lock: None, clock: self.clock.clone() },
        }
    }

    async fn lock_name(&self, files: &Arc<Files>, name: String) -> Locked {
        let lock = lock::acquire(files.lock_path(&name), &*self.clock).await.map(Arc::new);
        Locked { files: Some(files.clone()), name, lock, clock: self.clock.clone() }
    }

    /// The files, if sign-ins can be kept here.
    async fn files(&self) -> Option<Arc<Files>> {
        let cell = self.files.get_or_try_make(|| Ok::<_, Infallible>(OnceCell::new())).unwrap_or_else(|never| match never {});
        cell.get_or_init(|| self.reach()).await.clone()
    }

    async fn reach(&self) -> Option<Arc<Files>> {
        let Some(directory) = self.directory.clone() else {
            in_memory_only("there is no directory to keep them in", "XDRKIT_CACHE_DIR names one");
            return None;
        };
        let files = match self.data_key(&directory).await {
            Ok(key) => Files::new(directory, Some(&key)),
            Err(_) if self.allow_unencrypted => Files::new(directory, None),
            Err(why) => {
                let what = format!("no keyring can keep the key that would encrypt them ({why})");
                in_memory_only(
                    &what,
                    "allow_unencrypted=True keeps them in files that only this user may read, key= encrypts with a key of yours",
                );
                return None;
            }
        };
        let (files, now) = (Arc::new(files), self.clock.wall());
        let here = files.clone();
        blocking(move || here.clean(now)).await;
        Some(files)
    }

    /// The key: the user's own, or the first keyring's that answers. Two processes that come first agree on one.
    async fn data_key(&self, directory: &Path) -> Result<Key, String> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let lock = lock::acquire(directory.join("key.lock"), &*self.clock).await;
        let keyrings = self.keyrings.clone();
        let key = blocking(move || {
            let _lock = lock;
            keys::from_keyrings(&keyrings)
        });
        key.await.unwrap_or_else(|| Err("asking the keyring failed".to_owned()))
    }
}

/// An account's file, with no other process at it.
#[derive(Debug)]
pub struct Locked {
    files: Option<Arc<Files>>,
    name: String,
    /// Shared with what runs on other threads, so that it is not given up before that has ended.
    lock: Option<Arc<FileLock>>,
    clock: Arc<dyn Clock>,
}

impl Locked {
    /// Whether the lock was had: otherwise another process holds it, or there is nothing to lock.
    pub fn is_shared(&self) -> bool {
        self.lock.is_some()
    }

    /// What the file holds now.
    pub async fn read(&self) -> Found {
        let now = self.clock.wall();
        let read = self.run(move |files, name, locked| match files.read(name) {
            Contents::Saved(saved) => Found::Saved(saved),
            Contents::Nothing => Found::Nothing,
            Contents::Broken(why) => {
                if locked {
                    files.put_aside(name, why, now);
                }
                Found::Unreadable
            }
        });
        read.await.unwrap_or(Found::Nothing)
    }

    /// Replaces the file. Whether that worked.
    pub async fn write(&self, saved: Saved) -> bool {
        let written = self.run(move |files, name, _| match files.write(name, &saved) {
            Ok(()) => true,
            Err(e) => {
                tracing::warn!(target: "xdrkit", "the sign-in is not kept: {}: {e}", files.directory().display());
                false
            }
        });
        written.await.unwrap_or(false)
    }

    /// Removes the file. Whether there was one.
    pub async fn remove(&self) -> bool {
        self.run(|files, name, _| files.remove(name)).await.unwrap_or(false)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Files, &str, bool) -> T + Send + 'static) -> Option<T> {
        let (files, name, lock) = (self.files.clone()?, self.name.clone(), self.lock.clone());
        blocking(move || work(&files, &name, lock.is_some())).await
    }
}

/// Runs what waits for a disk or another program off the runtime's threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// Says why sign-ins end with the process. Reached once in a process.
fn in_memory_only(why: &str, remedy: &str) {
    tracing::warn!(target: "xdrkit", "sign-ins are kept in memory only: {why}; {remedy}");
}

#[cfg(test)]
mod tests;

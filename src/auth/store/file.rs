//! Files of sign-ins: their directory, their names, their format, and how they are replaced.
//!
//! A name is a keyed digest of what the file belongs to: it tells nobody who signed in, and programs with different keys in one directory do
//! not touch each other's files. The name also goes into the seal, so that a file that was renamed to be another's does not open.

use super::{Account, Key, Saved};
use crate::{
    clock::random_guid,
    error::{Error, Result},
    json::{self, Value, object, write_string},
    secret::Secret,
};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{
    ffi::OsString,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroizing;

/// What a file begins with; its last byte is the version, which is in the names too.
const MAGIC: [u8; 8] = *b"xdrkit\0\x01";
const PLAIN: u8 = 0;
const SEALED: u8 = 1;
/// No sign-in is larger.
const MAX_FILE: u64 = 64 << 10;
/// After this long, whoever was writing a temporary file is dead.
const STALE_TEMPORARY: Duration = Duration::from_secs(3600);
/// How long a file that could not be read is there to be looked at.
const STALE_BROKEN: Duration = Duration::from_secs(30 * 86400);

/// What a file turned out to hold.
#[derive(Debug)]
pub(super) enum Contents {
    Saved(Box<Saved>),
    Nothing,
    Broken(&'static str),
}

/// The files of one directory under one key.
pub(super) struct Files {
    directory: PathBuf,
    names: hmac::Key,
    seal: Option<LessSafeKey>,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("directory", &self.directory).field("sealed", &self.seal.is_some()).finish_non_exhaustive()
    }
}

impl Files {
    /// Without a key, files are plain, and only their modes protect them.
    pub(super) fn new(directory: PathBuf, key: Option<&Key>) -> Files {
        let derived = |purpose: &str| key.map(|k| k.derive(purpose));
        let names = hmac::Key::new(hmac::HMAC_SHA256, &*derived("names of xdrkit's cache, 1").unwrap_or_default());
        let seal = derived("seal of xdrkit's cache, 1").and_then(|k| UnboundKey::new(&AES_256_GCM, &*k).ok()).map(LessSafeKey::new);
        Files { directory, names, seal }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the names of an application's files begin with.
    pub(super) fn group(&self, authority: &str, client_id: &str) -> String {
        self.digest(&[authority, client_id], 8)
    }

    /// The name of an account's file.
    pub(super) fn name(&self, account: &Account) -> String {
        let Account { authority, client_id, home_account_id, .. } = account;
        format!("{}-{}.account", self.group(authority, client_id), self.digest(&[authority, client_id, home_account_id], 16))
    }

    fn digest(&self, parts: &[&str], bytes: usize) -> String {
        let mut context = hmac::Context::with_key(&self.names);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign().as_ref().iter().take(bytes).map(|b| format!("{b:02x}")).collect()
    }

    /// The names of an application's files.
    pub(super) fn names(&self, group: &str) -> Vec<String> {
        let mut names: Vec<_> = self.entries().filter(|n| n.starts_with(group) && n.ends_with(".account")).collect();
        names.sort_unstable();
        names
    }

    fn entries(&self) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().into_string().ok())
    }

    pub(super) fn lock_path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.lock"))
    }

    /// Reads a file. A disk that does not answer is no reason to put anything aside: then there is nothing.
    pub(super) fn read(&self, name: &str) -> Contents {
        match read_bounded(&self.directory.join(name)) {
            Ok(bytes) if bytes.len() as u64 > MAX_FILE => Contents::Broken("it is far too large"),
            Ok(bytes) => match self.open(name, bytes).and_then(|text| decode(&text)) {
                Ok(saved) if self.name(&saved.account) == name => Contents::Saved(Box::new(saved)),
                Ok(_) => Contents::Broken("it is another account's"),
                Err(why) => Contents::Broken(why),
            },
            Err(e) => {
                if e.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(target: "xdrkit", "a sign-in cannot be read: {}: {e}", self.directory.join(name).display());
                }
                Contents::Nothing
            }
        }
    }

    /// Replaces a file as a whole: whoever reads meanwhile, or dies, leaves the old or the new one.
    pub(super) fn write(&self, name: &str, saved: &Saved) -> io::Result<()> {
        let bytes = self.seal(name, encode(saved))?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::other("it is far too large for a sign-in"));
        }
        let temporary = Temporary(self.directory.join(format!("{name}.{}.tmp", random_guid())));
        let mut file = private().write(true).create_new(true).open(&temporary.0)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary.0, self.directory.join(name))?;
        sync_directory(&self.directory)
    }

    /// Removes a file. Whether there was one.
    pub(super) fn remove(&self, name: &str) -> bool {
        match fs::remove_file(self.directory.join(name)) {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::NotFound => false,
            Err(e) => {
                tracing::warn!(target: "xdrkit", "a sign-in cannot be removed: {}: {e}", self.directory.join(name).display());
                false
            }
        }
    }

    /// Moves a file that nobody can read out of the way.
    pub(super) fn put_aside(&self, name: &str, why: &str, now: SystemTime) {
        let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let aside = self.directory.join(format!("{name}.corrupt-{seconds}"));
        let moved = fs::rename(self.directory.join(name), &aside);
        let outcome = moved.map_or_else(|e| format!("it stays where it is: {e}"), |()| format!("it is now {}", aside.display()));
        tracing::warn!(target: "xdrkit", "a kept sign-in cannot be used, somebody has to sign in again: {why}; {outcome}");
    }

    /// Removes what dead writers left, and what was put aside long ago.
    pub(super) fn clean(&self, now: SystemTime) {
        for name in self.entries() {
            let limit = match name.contains(".account.") {
                true if name.ends_with(".tmp") => STALE_TEMPORARY,
                true if name.contains(".corrupt-") => STALE_BROKEN,
                _ => continue,
            };
            let path = self.directory.join(name);
            let changed = fs::symlink_metadata(&path).and_then(|m| m.modified());
            if changed.is_ok_and(|t| now.duration_since(t).is_ok_and(|age| age > limit)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn seal(&self, name: &str, text: Zeroizing<String>) -> io::Result<Vec<u8>> {
        let Some(key) = &self.seal else {
            return Ok([&MAGIC, &[PLAIN][..], text.as_bytes()].concat());
        };
        let failed = |_| io::Error::other("it cannot be encrypted");
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(failed)?;
        let mut body = Zeroizing::new(text.as_bytes().to_vec());
        let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(name), &mut body).map_err(failed)?;
        Ok([&MAGIC, &[SEALED][..], &nonce, &body, tag.as_ref()].concat())
    }

    fn open(&self, name: &str, bytes: Vec<u8>) -> std::result::Result<Zeroizing<Vec<u8>>, &'static str> {
        let bytes = Zeroizing::new(bytes);
        let rest = bytes.strip_prefix(&MAGIC).ok_or("it is no file of this cache, or not all of it")?;
        match (&self.seal, rest.split_first()) {
            (None, Some((&PLAIN, text))) => Ok(Zeroizing::new(text.to_vec())),
            (Some(key), Some((&SEALED, sealed))) => {
                let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or("it ends too early")?;
                let mut sealed = Zeroizing::new(sealed.to_vec());
                let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad(name), &mut sealed);
                let length = opened.map_err(|_| "it was damaged or changed: it does not decrypt")?.len();
                sealed.truncate(length);
                Ok(sealed)
            }
            _ => Err("it is encrypted otherwise than its name says"),
        }
    }
}

/// What is sealed with the text: the header and the name, which stands for authority, application and account.
fn aad(name: &str) -> Aad<Vec<u8>> {
    Aad::from([&MAGIC, &[SEALED][..], name.as_bytes()].concat())
}

/// A file that is removed unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn encode(saved: &Saved) -> Zeroizing<String> {
    let Account { home_account_id, username, tenant_id, authority, client_id } = &saved.account;
    let members = [
        ("home_account_id", home_account_id),
        ("username", username),
        ("tenant_id", tenant_id),
        ("authority", authority),
        ("client_id", client_id),
    ];
    let account = object(members.map(|(name, text)| (name, Value::from(text.as_str())))).to_string();
    // Room for all of it: a text that grows leaves copies of itself behind.
    let mut text = Zeroizing::new(String::with_capacity(account.len() + 6 * saved.refresh_token.expose().len() + 64));
    text.push_str("{\"account\":");
    text.push_str(&account);
    text.push_str(",\"refresh_token\":");
    write_string(saved.refresh_token.expose(), &mut text);
    text.push('}');
    text
}

fn decode(text: &[u8]) -> std::result::Result<Saved, &'static str> {
    let wrong = "it holds no account";
    let Ok(Value::Object(mut members)) = json::parse(text) else { return Err(wrong) };
    let Some(Value::String(token)) = members.swap_remove("refresh_token") else { return Err(wrong) };
    let refresh_token = Secret::new(token);
    let account = members.get("account").ok_or(wrong)?;
    let part = |name: &str| account.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(wrong);
    let account = Account {
        home_account_id: part("home_account_id")?,
        username: part("username")?,
        tenant_id: part("tenant_id")?,
        authority: part("authority")?,
        client_id: part("client_id")?,
    };
    if refresh_token.is_empty() { Err(wrong) } else { Ok(Saved { account, refresh_token }) }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a lock's file, which may be new.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    private().read(true).write(true).create(true).truncate(false).open(path)
}

/// New files are this user's alone.
fn private() -> OpenOptions {
    #[allow(unused_mut, reason = "Windows: the user's profile is the user's alone")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// After a power cut, too, the new name stands.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// The directory for the files, made and checked. `None`: the machine has no place for it.
pub(super) fn directory(given: Option<PathBuf>, env: impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>> {
    let env = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let named = given.map(|d| (d, "directory")).or_else(|| env("XDRKIT_CACHE_DIR").map(|d| (d, "XDRKIT_CACHE_DIR")));
    let (path, setting) = match named {
        Some((path, setting)) => (path, Some(setting)),
        None => match default_directory(env) {
            Some(path) => (path, None),
            None => return Ok(None),
        },
    };
    match prepare(&path, setting.is_none()) {
        Ok(path) => Ok(Some(path)),
        Err(Trouble::Unsafe(what)) => {
            let message = format!("{} {what}: whoever can write there can exchange sign-ins", path.display());
            Err(Error::setting(setting.unwrap_or("directory"), message)
                .hint("make it yours alone: chown and chmod 700, or name another directory"))
        }
        Err(Trouble::Io(e)) => match setting {
            Some(setting) => {
                Err(Error::setting(setting, format!("{}: {e}", path.display())).hint("name a directory that can be written to"))
            }
            None => {
                tracing::debug!(target: "xdrkit", "no cache in {}: {e}", path.display());
                Ok(None)
            }
        },
    }
}

fn default_directory(env: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        env("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        env("HOME").map(|home| home.join("Library").join("Caches"))
    } else {
        env("XDG_CACHE_HOME").filter(|d| d.is_absolute()).or_else(|| env("HOME").map(|home| home.join(".cache")))
    };
    base.filter(|b| b.is_absolute()).map(|b| b.join("xdrkit"))
}

#[cfg_attr(not(unix), allow(dead_code, reason = "modes and owners are looked at on Unix"))]
enum Trouble {
    Unsafe(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Io(error)
    }
}

/// Makes the directory if need be, and looks whether it is this user's alone. `ours`: nothing but the cache lies there.
fn prepare(path: &Path, ours: bool) -> std::result::Result<PathBuf, Trouble> {
    let path = std::path::absolute(path)?;
    #[allow(unused_mut, reason = "Windows: the user's profile is the user's alone")]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(&path)?;
    check_owner(&path, ours)?;
    Ok(path)
}

#[cfg(unix)]
fn check_owner(path: &Path, ours: bool) -> std::result::Result<(), Trouble> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let directory = fs::metadata(path)?;
    if directory.mode() & 0o022 != 0 {
        return Err(Trouble::Unsafe("may be written to by others"));
    }
    // Who this process is to the file system shows in a file that it makes.
    let probe = Temporary(path.join(format!("probe.account.{}.tmp", random_guid())));
    let me = private().write(true).create_new(true).open(&probe.0)?.metadata()?.uid();
    if directory.uid() != me {
        return Err(Trouble::Unsafe("belongs to another user"));
    }
    if ours && directory.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: bool) -> std::result::Result<(), Trouble> {
    Ok(())
}

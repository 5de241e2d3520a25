//! Another program's answer.
//!
//! Started without a shell, from a folder that nobody plants files in, and found in absolute folders only: what lies in the directory that a
//! notebook happens to run in is not what the user signed in to. When nobody waits for the answer any more, the program ends, and with it what
//! it started: the tools are scripts around an interpreter, and ending the script alone would leave the interpreter running.

use crate::secret::Secret;
use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

const MAX_STDOUT: usize = 1 << 20;
const MAX_STDERR: usize = 64 << 10;
/// How often to look whether the program has ended. A signal would say so, but signals belong to the program that we are a part of.
const LOOK: Duration = Duration::from_millis(10);
/// A helper that the program leaves running may hold the pipes open for longer than anybody wants to wait.
const DRAIN: Duration = Duration::from_millis(500);

/// What a program that ended left behind.
pub(super) struct Output {
    /// The exit status; `None` if a signal ended it.
    pub(super) status: Option<i32>,
    pub(super) stdout: Secret,
    pub(super) stderr: Secret,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It could not be started or waited for.
    Start(io::Error),
    /// It did not end in time.
    Slow,
    /// It said far more than an answer.
    TooMuch,
}

/// The first of these programs that is on the search path.
pub(super) fn find(names: &[&str], path: &OsStr) -> Option<PathBuf> {
    let folders: Vec<_> = std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// Runs a program to its end, or for as long as it may take.
pub(super) async fn run(program: &Path, args: &[String], environment: &[(&str, &str)], limit: Duration) -> Result<Output, Trouble> {
    let mut command = Command::new(program);
    command.args(args).envs(environment.iter().copied()).current_dir(safe_folder());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(cfg!(unix));
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    command.creation_flags(0x0800_0000); // CREATE_NO_WINDOW
    let mut running = Running(command.spawn().map_err(Trouble::Start)?);
    timeout(limit, collect(&mut running.0)).await.unwrap_or(Err(Trouble::Slow))
}

fn safe_folder() -> PathBuf {
    if cfg!(windows) { std::env::var_os("SYSTEMROOT").unwrap_or_else(|| r"C:\Windows".into()).into() } else { "/".into() }
}

async fn collect(child: &mut Child) -> Result<Output, Trouble> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Zeroizing::default(), Zeroizing::default());
    let status = {
        let mut reading =
            pin!(async { tokio::try_join!(fill(out, &mut stdout, MAX_STDOUT, false), fill(err, &mut stderr, MAX_STDERR, true)) });
        let mut ended = pin!(ended(child));
        tokio::select! {
            status = &mut ended => {
                if let Ok(read) = timeout(DRAIN, reading).await {
                    read?;
                }
                status
            }
            read = &mut reading => {
                read?;
                ended.await
            }
        }
    };
    let text = |bytes: &[u8]| Secret::new(String::from_utf8_lossy(bytes));
    Ok(Output { status: status.map_err(Trouble::Start)?.code(), stdout: text(&stdout), stderr: text(&stderr) })
}

async fn ended(child: &mut Child) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        sleep(LOOK).await;
    }
}

/// Reads to the end. What goes beyond the limit is dropped, or is too much.
async fn fill(from: Option<impl AsyncRead + Unpin>, into: &mut Zeroizing<Vec<u8>>, limit: usize, drop_rest: bool) -> Result<(), Trouble> {
    let Some(mut from) = from else { return Ok(()) };
    let mut piece = Zeroizing::new([0; 8192]);
    loop {
        let read = from.read(&mut *piece).await.map_err(Trouble::Start)?;
        let Some(new) = piece.get(..read).filter(|new| !new.is_empty()) else { return Ok(()) };
        let room = limit - into.len();
        if new.len() > room && !drop_rest {
            return Err(Trouble::TooMuch);
        }
        into.extend_from_slice(new.get(..room).unwrap_or(new));
    }
}

/// A program that does not outlive the wait for it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Only a program that was not waited for has an id; so it is not somebody else's by now.
        if let Some(id) = self.0.id() {
            end_group(id);
        }
    }
}

#[cfg(unix)]
fn end_group(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(windows)]
fn end_group(id: u32) {
    let taskkill = safe_folder().join("System32").join("taskkill.exe");
    let mut command = std::process::Command::new(taskkill);
    command.args(["/T", "/F", "/PID", &id.to_string()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.spawn();
}

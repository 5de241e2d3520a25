//! A file from a link that a service has given: an investigation package, the result of a live response, a part of an export.

use super::{CallOptions, Client, MAX_RETRIES, TIMEOUT, check, merge};
use crate::{
    error::{Error, Kind, Result},
    files::{Beside, Summed, sync_folder},
    pipeline::storage::{Fetch, FetchBounds, Piece, check_link},
    settings::call_seconds,
};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Pieces between the wire and the disk.
const AHEAD: usize = 16;

/// A file that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it lies.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// What it holds, in hexadecimal digits.
    pub sha256: String,
}

impl Client {
    /// Saves what a link leads to. No token goes there. The file appears under its name when it is whole, not before.
    pub async fn download(&self, link: &str, to: &Path, options: CallOptions) -> Result<Downloaded> {
        let url = check_link(link, "url")?;
        check_target(to)?;
        let mut fetch = Fetch::new(self.pipeline(), url, self.fetch_bounds(options)?);
        self.check_open()?;
        self.until_closed(save(&mut fetch, to)).await?
    }

    /// A file may be large: `timeout` is for each piece of it, and there is no deadline unless somebody set one.
    pub(crate) fn fetch_bounds(&self, options: CallOptions) -> Result<FetchBounds> {
        check(&options)?;
        let options = merge(self.options, options);
        let parts = &self.shared.parts;
        let deadline = call_seconds("deadline", options.deadline)?.or(parts.deadline);
        Ok(FetchBounds {
            timeout: call_seconds("timeout", options.timeout)?.or(parts.timeout).unwrap_or(TIMEOUT),
            ends: deadline.map(|d| parts.wire.clock.monotonic().saturating_add(d)),
            max_retries: options.max_retries.or(parts.max_retries).unwrap_or(MAX_RETRIES),
        })
    }
}

fn check_target(to: &Path) -> Result<()> {
    let wrong = |what: &str| Err(Error::argument("path", format!("{} {what}", to.display())));
    if to.file_name().is_none() || to.is_dir() {
        return wrong("is a folder; name the file to write");
    }
    match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => wrong("lies in a folder that does not exist"),
        _ => Ok(()),
    }
}

async fn save(fetch: &mut Fetch, to: &Path) -> Result<Downloaded> {
    let (disk, pieces) = mpsc::channel(AHEAD);
    let beside = Beside::new(to);
    let (temporary, target) = (beside.0.clone(), to.to_owned());
    let writing = tokio::task::spawn_blocking(move || {
        let _beside = beside;
        write(pieces, &temporary, &target)
    });
    let fetched = hand_over(fetch, &disk).await;
    drop(disk);
    let written = joined(writing).await;
    fetched?;
    written
}

/// Gives the pieces on. A receiver that has gone says itself why.
pub(crate) async fn hand_over(fetch: &mut Fetch, to: &mpsc::Sender<Arrived>) -> Result<()> {
    loop {
        let piece = fetch.next().await?;
        let ends = piece == Piece::End;
        let arrived = match piece {
            Piece::Data(data) => Arrived::Data(data),
            Piece::Restart => Arrived::Restart,
            Piece::End => Arrived::End { packed: fetch.encoding().map(str::to_owned) },
        };
        if to.send(arrived).await.is_err() || ends {
            return Ok(());
        }
    }
}

pub(crate) async fn joined<T>(work: JoinHandle<Result<T>>) -> Result<T> {
    work.await.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the file was not written to its end")))
}

/// What a writer is told. A channel that closes without an end means that nobody wants the file any more.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// More bytes.
    Data(Bytes),
    /// What was given so far does not count.
    Restart,
    /// That was all.
    End {
        /// The encoding in which the storage keeps it.
        packed: Option<String>,
    },
}

fn write(mut pieces: mpsc::Receiver<Arrived>, temporary: &Path, target: &Path) -> Result<Downloaded> {
    let failed = |e: &io::Error| Error::file(target, e);
    let mut out = Summed::create(temporary).map_err(|e| failed(&e))?;
    let packed = loop {
        match pieces.blocking_recv() {
            Some(Arrived::Data(data)) => out.write_all(&data).map_err(|e| failed(&e))?,
            Some(Arrived::Restart) => out = Summed::create(temporary).map_err(|e| failed(&e))?,
            Some(Arrived::End { packed }) => break packed,
            None => return Err(Error::new(Kind::ConnectionLost, "the download was broken off")),
        }
    };
    let (bytes, sha256) = match packed.as_deref() {
        None => out.finish().map_err(|e| failed(&e))?,
        Some("gzip" | "x-gzip") => {
            out.finish().map_err(|e| failed(&e))?;
            unpack(temporary, target)?
        }
        Some(other) => return Err(Error::new(Kind::BadResponse, format!("the storage keeps the file in an unknown encoding: {other}"))),
    };
    fs::rename(temporary, target).map_err(|e| failed(&e))?;
    sync_folder(target);
    Ok(Downloaded { path: target.to_owned(), bytes, sha256 })
}

/// What the storage keeps packed is unpacked, as any browser does.
fn unpack(temporary: &Path, target: &Path) -> Result<(u64, String)> {
    let failed = |e: &io::Error| Error::file(target, e);
    let mut packed = MultiGzDecoder::new(io::BufReader::new(File::open(temporary).map_err(|e| failed(&e))?));
    let beside = Beside::new(target);
    let mut out = Summed::create(&beside.0).map_err(|e| failed(&e))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = packed.read(&mut buffer).map_err(|e| Error::new(Kind::BadResponse, format!("the gzip body is damaged: {e}")))?;
        if n == 0 {
            break;
        }
        out.write_all(buffer.get(..n).unwrap_or_default()).map_err(|e| failed(&e))?;
    }
    let facts = out.finish().map_err(|e| failed(&e))?;
    fs::rename(&beside.0, temporary).map_err(|e| failed(&e))?;
    Ok(facts)
}

//! The rows of an export, one after the other, without a disk in between.

use super::{
    Named, PART_TRIES,
    links::{Found, Generation, Links},
    named,
    part::{self, Reader},
};
use crate::{
    client::{
        CallOptions, Client,
        download::{hand_over, joined},
    },
    error::{Error, Kind, Result},
    json::{self, Object, Value},
    pipeline::storage::{Fetch, ended},
};
use std::sync::Arc;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};

/// Rows that are handed over together.
const BATCH: usize = 500;
/// Batches that lie ready.
const AHEAD: usize = 4;
const CHUNKS: usize = 16;

/// A walk over the rows of one snapshot.
#[derive(Debug)]
pub struct Rows {
    client: Client,
    named: Named,
    arguments: Object,
    walk: Mutex<Walk>,
}

#[derive(Debug, Default)]
enum Walk {
    #[default]
    New,
    Walking(mpsc::Receiver<Vec<Value>>, Walker),
    Ended,
}

/// The task that fetches; it ends when nobody walks any more.
#[derive(Debug)]
struct Walker(JoinHandle<Result<()>>);

impl Drop for Walker {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Rows {
    /// Checks what is wanted. Nothing is sent.
    pub fn new(client: &Client, name: &str, hours: Option<i64>) -> Result<Rows> {
        let named = named(name)?;
        let arguments = super::arguments(client, named, hours)?;
        Ok(Rows { client: client.clone(), named, arguments, walk: Mutex::default() })
    }

    /// Some more rows; `None` at the end.
    pub async fn next(&self) -> Result<Option<Vec<Value>>> {
        let mut walk = self.walk.lock().await;
        let result = self.client.while_open(self.step(&mut walk)).await.and_then(|result| result);
        if !matches!(result, Ok(Some(_))) {
            *walk = Walk::Ended;
        }
        result
    }

    async fn step(&self, walk: &mut Walk) -> Result<Option<Vec<Value>>> {
        if matches!(walk, Walk::New) {
            let (links, listing) = Links::ask(&self.client, self.named.operation, &self.arguments).await?;
            let parts = listing.links.into_iter().map(|l| l.part).collect();
            let (to, from) = mpsc::channel(AHEAD);
            *walk = Walk::Walking(from, Walker(tokio::spawn(all(self.client.clone(), Arc::new(links), parts, to))));
        }
        let Walk::Walking(batches, walker) = walk else { return Ok(None) };
        if let Some(batch) = batches.recv().await {
            return Ok(Some(batch));
        }
        let ended = (&mut walker.0).await;
        ended.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the walk came to no end"))).map(|()| None)
    }
}

async fn all(client: Client, links: Arc<Links>, parts: Vec<String>, to: mpsc::Sender<Vec<Value>>) -> Result<()> {
    for part in parts {
        one(&client, &links, &part, &to).await?;
    }
    Ok(())
}

async fn one(client: &Client, links: &Links, part: &str, to: &mpsc::Sender<Vec<Value>>) -> Result<()> {
    let (mut refused, mut tries): (Option<Generation>, u32) = (None, 0);
    // A part that is fetched again has the same rows in the same order: those that were given are passed over.
    let given = Arc::new(std::sync::atomic::AtomicU64::new(0));
    loop {
        let (generation, url) = match links.get(part, refused).await? {
            Found::Link(generation, url) => (generation, url),
            Found::Changed => {
                let message = "the service replaced the snapshot before all rows were here";
                return Err(Error::new(Kind::Service, message).hint("begin again; exports.download keeps what is whole"));
            }
        };
        tries += 1;
        let mut fetch = Fetch::new(client.pipeline(), url, client.fetch_bounds(CallOptions::default())?);
        let (disk, pieces) = mpsc::channel(CHUNKS);
        let (to, given, gzip) = (to.clone(), given.clone(), part.ends_with(".gz"));
        let reading = tokio::task::spawn_blocking(move || read(pieces, gzip, &to, &given));
        let fetched = hand_over(&mut fetch, &disk).await;
        drop(disk);
        let read = joined(reading).await;
        match fetched.and(read) {
            Ok(()) => return Ok(()),
            Err(e) if tries < PART_TRIES && ended(&e) => refused = Some(generation),
            Err(e) if tries < PART_TRIES && e.kind() == Kind::BadResponse => {}
            Err(e) => return Err(super::about(part, e)),
        }
    }
}

fn read(
    pieces: mpsc::Receiver<crate::client::download::Arrived>,
    gzip: bool,
    to: &mpsc::Sender<Vec<Value>>,
    given: &std::sync::atomic::AtomicU64,
) -> Result<()> {
    use std::sync::atomic::Ordering::Relaxed;
    let mut reader = Reader::new(pieces);
    loop {
        let skip = given.load(Relaxed);
        let (mut seen, mut batch) = (0u64, Vec::with_capacity(BATCH));
        let hand = |batch: &mut Vec<Value>| {
            let n = batch.len() as u64;
            let full = std::mem::replace(batch, Vec::with_capacity(BATCH));
            to.blocking_send(full).map_err(|_| Error::closed())?;
            given.fetch_add(n, Relaxed);
            Ok::<_, Error>(())
        };
        let done = part::rows(&mut reader, gzip, &mut |line| {
            seen += 1;
            if seen > skip {
                batch.push(json::parse(line).map_err(|e| Error::new(Kind::BadResponse, format!("a row is no JSON: {e}")))?);
            }
            if batch.len() >= BATCH { hand(&mut batch) } else { Ok(()) }
        });
        match done {
            Err(_) if reader.begins_anew() => {}
            Err(e) => return Err(reader.explained(e)),
            Ok(_) if batch.is_empty() => return Ok(()),
            Ok(_) => return hand(&mut batch),
        }
    }
}

//! One part on its way: from a link to a file that is whole.

use super::{
    PART_TRIES, about,
    links::{Found, Generation, Links},
    manifest::Done,
    part::{self, Scratch},
    sink::Shape,
};
use crate::{
    client::{
        CallOptions, Client,
        download::{hand_over, joined},
    },
    error::{Kind, Result},
    pipeline::storage::{Fetch, ended},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Chunks between the wire and the thread that unpacks them.
const AHEAD: usize = 16;

/// What came of a part.
pub(super) enum Outcome {
    /// The part of that index, written.
    Done(usize, Scratch, Done),
    /// The snapshot is over.
    Changed,
}

/// One part on its way.
pub(super) struct Work {
    pub(super) index: usize,
    pub(super) client: Client,
    pub(super) links: Arc<Links>,
    pub(super) part: String,
    pub(super) scratch: PathBuf,
    pub(super) shape: Shape,
}

impl Work {
    /// Fetches it, with another link where one has ended.
    pub(super) async fn run(self) -> Result<Outcome> {
        let mut refused: Option<Generation> = None;
        let mut tries = 0;
        loop {
            let (generation, url) = match self.links.get(&self.part, refused).await? {
                Found::Link(generation, url) => (generation, url),
                Found::Changed => return Ok(Outcome::Changed),
            };
            tries += 1;
            let bounds = self.client.fetch_bounds(CallOptions::default())?;
            let mut fetch = Fetch::new(self.client.pipeline(), url, bounds);
            match self.fetch(&mut fetch).await {
                Ok((scratch, done)) => return Ok(Outcome::Done(self.index, scratch, done)),
                Err(e) if tries < PART_TRIES && ended(&e) => refused = Some(generation),
                // It may have been damaged on its way.
                Err(e) if tries < PART_TRIES && e.kind() == Kind::BadResponse => {
                    tracing::warn!(target: "xdrkit", "{}: {e}; fetched again", self.part);
                }
                Err(e) => return Err(about(&self.part, e)),
            }
        }
    }

    async fn fetch(&self, fetch: &mut Fetch) -> Result<(Scratch, Done)> {
        let (disk, pieces) = mpsc::channel(AHEAD);
        let (path, shape) = (self.scratch.clone(), self.shape.clone());
        let gzip = Path::new(&self.part).extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
        let writing = tokio::task::spawn_blocking(move || part::write(pieces, path, &shape, gzip));
        let fetched = hand_over(fetch, &disk).await;
        drop(disk);
        let written = joined(writing).await;
        fetched?;
        written
    }
}

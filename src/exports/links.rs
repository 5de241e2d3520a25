//! Links that end, and how they are had anew.
//!
//! The service allows few listings an hour, and many parts may find at once that their links have ended: one asks, all others wait for that
//! answer. If the snapshot has changed by then, what was fetched does not go together with what is left.

use super::listing::{Listing, ends};
use crate::{
    client::{CallOptions, Client},
    clock::epoch_seconds,
    error::{Error, Kind, Result},
    json::Object,
    ops::model::Operation,
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::Mutex;
use url::Url;

/// Which listing a link is from.
pub(super) type Generation = u64;

/// The links of one snapshot.
#[derive(Debug)]
pub(super) struct Links {
    client: Client,
    op: &'static Operation,
    arguments: Object,
    now: Mutex<Now>,
    renewed: AtomicU64,
}

#[derive(Debug)]
struct Now {
    generation: Generation,
    listing: Listing,
    /// The links were over when they came: then it is a clock that is wrong, ours or theirs.
    by_clock: bool,
    /// Another snapshot took the place of this one.
    changed: bool,
}

/// What asking for a link gave.
pub(super) enum Found {
    /// This link, of that listing.
    Link(Generation, Url),
    /// The snapshot is over.
    Changed,
}

impl Links {
    /// Asks for the first time.
    pub(super) async fn ask(client: &Client, op: &'static Operation, arguments: &Object) -> Result<(Links, Listing)> {
        let listing = listing(client, op, arguments).await?;
        Ok((Links::of(client, op, arguments, listing.clone()), listing))
    }

    /// The links of a listing that is here already.
    pub(super) fn of(client: &Client, op: &'static Operation, arguments: &Object, listing: Listing) -> Links {
        let now = Now { generation: 1, by_clock: by_clock(&listing, client), listing, changed: false };
        let (client, arguments) = (client.clone(), arguments.clone());
        Links { client, op, arguments, now: Mutex::new(now), renewed: AtomicU64::new(0) }
    }

    /// How often links were had anew.
    pub(super) fn renewed(&self) -> u64 {
        self.renewed.load(Relaxed)
    }

    /// The listing that was seen last.
    pub(super) async fn last(&self) -> Listing {
        self.now.lock().await.listing.clone()
    }

    /// The link to a part; `refused` is the listing whose link was refused, if one was.
    pub(super) async fn get(&self, part: &str, refused: Option<Generation>) -> Result<Found> {
        let mut now = self.now.lock().await;
        if !now.changed {
            let over = |url: &Url| ends(url).is_some_and(|end| end <= epoch_seconds(self.client.clock()));
            let link = |now: &Now| now.listing.links.iter().find(|l| l.part == part).map(|l| l.url.clone());
            let ended = now.by_clock && link(&now).is_some_and(|url| over(&url));
            if refused == Some(now.generation) || ended {
                self.renew(&mut now).await?;
            }
            if let (false, Some(url)) = (now.changed, link(&now)) {
                return Ok(Found::Link(now.generation, url));
            }
        }
        Ok(Found::Changed)
    }

    async fn renew(&self, now: &mut Now) -> Result<()> {
        let listing = listing(&self.client, self.op, &self.arguments).await?;
        now.changed = !listing.is_snapshot(&now.listing.generated, now.listing.links.iter().map(|l| l.part.as_str()));
        now.by_clock = by_clock(&listing, &self.client);
        now.generation += 1;
        now.listing = listing;
        self.renewed.fetch_add(1, Relaxed);
        Ok(())
    }
}

async fn listing(client: &Client, op: &'static Operation, arguments: &Object) -> Result<Listing> {
    Listing::read(&client.call(op, arguments, CallOptions::default()).await?)
}

/// Whether the moments at which the links end can be compared with our clock.
fn by_clock(listing: &Listing, client: &Client) -> bool {
    let now = epoch_seconds(client.clock());
    listing.links.iter().filter_map(|l| ends(&l.url)).all(|end| end > now)
}

/// A link that is refused again right after it came will not be taken the next time.
pub(super) fn refused_for_good(error: Error) -> Error {
    if error.kind() == Kind::PermissionDenied || error.kind() == Kind::NotFound {
        return error.hint("the service gave this link a moment ago; something between here and the storage may refuse it");
    }
    error
}

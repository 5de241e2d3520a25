//! What becomes of an answer while it arrives: one table, or batches for whoever does not want to wait.

use super::{Hunted, TruncatedBy};
use crate::{
    clock::BoxFuture,
    decode::{Decoded, Decoder},
    error::{Error, Kind, Result},
    ops::model::Service,
    pipeline::transport::Sink,
    table::Table,
};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::mpsc;

/// What is kept of an answer that cannot be read on.
const MAX_KEPT: usize = 64 << 20;
/// The first batch is small, so that it is there at once.
const FIRST: usize = 256;

/// Rows, and who sent them.
pub type Batch = (Table, Option<Service>);

/// Decodes an answer whose rows are wanted as a whole, or in batches.
#[derive(Debug, Default)]
pub struct Arriving {
    decoder: Decoder,
    taken: u64,
    failed: Option<Error>,
    /// What came behind the place where it failed.
    behind: Vec<u8>,
    batches: Option<Batches>,
    /// Who is asked.
    pub service: Option<Service>,
}

#[derive(Debug)]
struct Batches {
    to: mpsc::Sender<Batch>,
    rows: usize,
    given: usize,
}

impl Arriving {
    /// Rows go out in batches of at most so many.
    pub fn in_batches(rows: usize, to: mpsc::Sender<Batch>) -> Arriving {
        let rows = rows.max(1);
        Arriving {
            decoder: Decoder::hunting().chunked(rows.min(FIRST)),
            batches: Some(Batches { to, rows, given: 0 }),
            ..Arriving::default()
        }
    }

    /// How many rows went out already.
    pub fn given(&self) -> usize {
        self.batches.as_ref().map_or(0, |b| b.given)
    }

    /// The end of the body: what it holds, less the rows that went out. An error has what could not be read, and the rows before.
    pub fn finish(&mut self) -> Result<Decoded> {
        let decoder = std::mem::take(&mut self.decoder);
        let (error, mut decoder) = match self.failed.take() {
            Some(error) => (error, decoder),
            None => match decoder.finish() {
                Ok(decoded) => return Ok(decoded),
                Err(failed) => *failed,
            },
        };
        let (offset, mut body) = decoder.unread();
        body.append(&mut self.behind);
        let beginning = shown(&body);
        let partial = decoder.so_far();
        Err(error.detail("body_offset", i64::try_from(offset).unwrap_or(i64::MAX)).with(|facts| {
            facts.message = format!("{}: {beginning}", facts.message);
            facts.body = Some(Bytes::from(body));
            facts.partial = Some(Arc::new(Hunted::of(partial)));
        }))
    }

    async fn hand_over(&mut self) -> bool {
        let Some(batches) = &mut self.batches else { return true };
        while let Some(table) = self.decoder.ready() {
            let rows = table.rows();
            if batches.to.send((table, self.service)).await.is_err() {
                return false;
            }
            batches.given += rows;
            self.decoder.set_chunk(batches.rows.min(rows.saturating_mul(4)));
        }
        true
    }
}

/// The beginning of what is no JSON, on one line.
fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(120)).unwrap_or_default());
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect();
    format!("{text:?}")
}

impl Sink for Arriving {
    fn restart(&mut self) {
        let chunk = self.batches.as_ref().map(|b| b.rows.min(FIRST));
        self.decoder = chunk.map_or_else(Decoder::hunting, |rows| Decoder::hunting().chunked(rows));
        (self.taken, self.failed) = (0, None);
        self.behind.clear();
    }

    fn may_restart(&self) -> bool {
        self.given() == 0
    }

    fn push<'a>(&'a mut self, piece: &'a [u8]) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            self.taken += piece.len() as u64;
            if self.failed.is_some() {
                let room = MAX_KEPT.saturating_sub(self.behind.len());
                self.behind.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
                return room > 0;
            }
            self.failed = self.decoder.push(piece).err();
            self.hand_over().await
        })
    }

    fn taken(&self) -> u64 {
        self.taken
    }
}

/// The service's limits on one answer: whoever meets one may have got less than there is.
pub(super) fn truncated(rows: usize, bytes: u64, most: u64) -> Option<TruncatedBy> {
    if rows >= super::ROW_CAP {
        Some(TruncatedBy::Rows)
    } else if bytes >= most {
        Some(TruncatedBy::Bytes(most))
    } else {
        None
    }
}

/// Nobody waits for the batches any more.
pub fn nobody() -> Error {
    Error::new(Kind::Closed, "the hunt was given up")
}

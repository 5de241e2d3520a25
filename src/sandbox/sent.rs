//! Bodies on their way out: whole, torn, or in small pieces.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::faults::Shape;

/// In how many pieces a body drips, and how long it pauses between two of them.
const PIECES: usize = 16;
const PAUSE: Duration = Duration::from_millis(20);

/// A connection is closed without an answer by failing the service.
#[derive(Debug)]
pub(super) struct Hangup;

impl std::fmt::Display for Hangup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "hung up on purpose")
    }
}

impl std::error::Error for Hangup {}

/// A body that is sent whole or in pieces, or that stops half way through what was promised.
pub(super) struct Sent {
    rest: Bytes,
    promised: u64,
    torn: bool,
    /// How much goes at once.
    piece: usize,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Sent {
    pub(super) fn new(body: Bytes, shape: Shape) -> Sent {
        let promised = body.len() as u64;
        let whole = body.len().max(1);
        let (rest, piece) = match shape {
            Shape::Whole => (body, whole),
            Shape::Torn => (body.slice(..body.len() / 2), whole),
            Shape::Drip => (body, whole.div_ceil(PIECES)),
        };
        Sent { rest, promised, torn: shape == Shape::Torn, piece, pause: None }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(context));
            self.pause = None;
            if self.rest.is_empty() {
                return Poll::Ready(Some(Err(Hangup)));
            }
        }
        if self.rest.is_empty() && !self.torn {
            return Poll::Ready(None);
        }
        let piece = self.piece.min(self.rest.len());
        let piece = self.rest.split_to(piece);
        if self.torn || !self.rest.is_empty() {
            // What was written must leave before the connection goes down, or before the next piece.
            self.pause = Some(Box::pin(tokio::time::sleep(PAUSE)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && !self.torn
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.torn { self.promised } else { self.rest.len() as u64 })
    }
}

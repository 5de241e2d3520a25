//! Record and replay: a wire that writes down what goes over another, or answers from what was written down before.
//!
//! A playbook that works with a tenant is tested without one when the traffic was kept. What is kept, under which names, and which answer
//! belongs to which request is for the [`Deck`] to say; here it only gets to see each exchange with a service, whole. Sign-in does not
//! come by here at all, and neither does what proves who is asking.

use super::transport::{Answer, Failure, Incoming, Opened, Transport};
use crate::{clock::BoxFuture, error::Result as Outcome, request::Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::{fmt, sync::Arc, time::Duration};

/// Headers that never leave the wire.
const PROOFS: [HeaderName; 3] = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];

/// A request, without what proves who is asking.
#[derive(Clone, Debug)]
pub struct Asked {
    /// GET, POST, …
    pub method: String,
    /// Where to, whole.
    pub url: String,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty if there is none.
    pub body: Bytes,
    /// What the token says of whom it is for, as JSON; it opens nothing.
    pub claims: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Told {
    /// The HTTP status.
    pub status: u16,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked but for a file's.
    pub body: Bytes,
}

/// Where exchanges are kept.
pub trait Deck: Send + Sync + fmt::Debug {
    /// What was answered to such a request before; nothing: it is to be sent. An error: it is neither there nor to be sent.
    fn play(&self, asked: Asked) -> BoxFuture<'_, Outcome<Option<Told>>>;
    /// Takes an exchange.
    fn keep(&self, asked: Asked, told: Told) -> BoxFuture<'_, Outcome<()>>;
}

/// The wire with a deck in it.
#[derive(Debug)]
pub struct Tape {
    deck: Arc<dyn Deck>,
    inner: Arc<dyn Transport>,
}

impl Tape {
    /// Puts a deck into a wire.
    pub fn over(inner: Arc<dyn Transport>, deck: Arc<dyn Deck>) -> Tape {
        Tape { deck, inner }
    }
}

impl Transport for Tape {
    fn send(&self, request: Request, timeout: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        Box::pin(async move {
            let asked = seen(&request);
            if let Some(told) = self.deck.play(asked.clone()).await.map_err(broken)? {
                return Ok(Answer { status: told.status, headers: headers(&told), body: told.body });
            }
            let mut answer = self.inner.send(request, timeout).await?;
            // The body was unpacked on the way.
            answer.headers.remove(header::CONTENT_ENCODING);
            self.deck.keep(asked, told(answer.status, &answer.headers, answer.body.clone())).await.map_err(broken)?;
            Ok(answer)
        })
    }

    fn open(&self, request: Request, timeout: Duration) -> BoxFuture<'_, Result<Opened, Failure>> {
        Box::pin(async move {
            let asked = seen(&request);
            if let Some(told) = self.deck.play(asked.clone()).await.map_err(broken)? {
                return Ok(Opened { status: told.status, headers: headers(&told), body: Box::new(Played(Some(told.body))) });
            }
            let opened = self.inner.open(request, timeout).await?;
            let (status, headers) = (opened.status, opened.headers.clone());
            let kept = told(status, &headers, Bytes::new());
            let body = Kept { body: opened.body, so_far: BytesMut::new(), exchange: Some((asked, kept)), deck: self.deck.clone() };
            Ok(Opened { status, headers, body: Box::new(body) })
        })
    }
}

fn seen(request: &Request) -> Asked {
    Asked {
        method: request.method.to_string(),
        url: request.url.to_string(),
        headers: texts(&request.headers),
        body: request.body.clone().unwrap_or_default(),
        claims: request.headers.get(header::AUTHORIZATION).and_then(claims),
    }
}

/// The middle of a token, which is no secret without its end.
fn claims(proof: &HeaderValue) -> Option<String> {
    let middle = proof.to_str().ok()?.strip_prefix("Bearer ")?.split('.').nth(1)?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(middle).ok()?).ok()
}

fn told(status: u16, headers: &HeaderMap, body: Bytes) -> Told {
    Told { status, headers: texts(headers), body }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let open = headers.iter().filter(|(name, _)| !PROOFS.contains(name) && *name != header::SET_COOKIE);
    open.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

fn headers(told: &Told) -> HeaderMap {
    let pair = |(name, value): &(String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
    told.headers.iter().filter_map(pair).collect()
}

/// A deck that fails is no reason to try again.
fn broken(error: crate::error::Error) -> Failure {
    Failure { sent: false, timeout: false, transient: false, limit: false, message: error.facts().message.clone() }
}

/// A body that was kept.
struct Played(Option<Bytes>);

impl fmt::Debug for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Played")
    }
}

impl Incoming for Played {
    fn chunk(&mut self, _timeout: Duration) -> BoxFuture<'_, Result<Option<Bytes>, Failure>> {
        let rest = self.0.take().filter(|rest| !rest.is_empty());
        Box::pin(async { Ok(rest) })
    }
}

/// A body that is kept once it is whole; one that breaks off is asked for again, and that is what will be kept.
struct Kept {
    body: Box<dyn Incoming>,
    so_far: BytesMut,
    exchange: Option<(Asked, Told)>,
    deck: Arc<dyn Deck>,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Incoming for Kept {
    fn chunk(&mut self, timeout: Duration) -> BoxFuture<'_, Result<Option<Bytes>, Failure>> {
        Box::pin(async move {
            let piece = self.body.chunk(timeout).await?;
            match &piece {
                Some(piece) => self.so_far.extend_from_slice(piece),
                None => {
                    if let Some((asked, told)) = self.exchange.take() {
                        let body = std::mem::take(&mut self.so_far).freeze();
                        self.deck.keep(asked, Told { body, ..told }).await.map_err(broken)?;
                    }
                }
            }
            Ok(piece)
        })
    }
}

//! Files that the services keep elsewhere: what a link with a signature leads to.
//!
//! Such a link is its own credential, for a host that is not the service's. So nothing of ours goes there, no token and no cookie; no redirect
//! is followed; and the link is told to nobody: errors and logs have its host and path, never its query. A connection that breaks in the
//! middle is taken up where it broke if the storage proves that the file is still the same, and from the start otherwise.

use super::{
    Pipeline,
    answer::request_id,
    retry::{self, Decision, Limits, Outcome},
    transport::{Failure, Incoming, Opened},
};
use crate::{
    auth::is_loopback,
    error::{Error, Kind, Result},
    ops::model::Safety,
    request::Request,
    secret::shown,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use url::Url;

/// What is read of an answer that is no success.
const MAX_COMPLAINT: usize = 16 << 10;

/// The bounds of a fetch.
#[derive(Clone, Copy, Debug)]
pub struct FetchBounds {
    /// For the headers, and for each piece after them.
    pub timeout: Duration,
    /// The moment on the monotonic clock at which all has to be over.
    pub ends: Option<Duration>,
    /// How many tries may follow one another without a byte gained.
    pub max_retries: u32,
}

/// What a fetch gives next.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More of the file.
    Data(Bytes),
    /// The file begins anew: what was given so far does not count.
    Restart,
    /// That was all of it.
    End,
}

/// Checks a link that a service has given: https, or plain http on this machine, and no user info. `name` is what an error names.
pub fn check_link(link: &str, name: &str) -> Result<Url> {
    let url = Url::parse(link.trim()).map_err(|_| Error::argument(name, "is no URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(Error::argument(name, format!("{} is plain http; that is for 127.0.0.1 and localhost only", shown(&url)))),
        other => return Err(Error::argument(name, format!("begins with {other:?}; it is https"))),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::argument(name, format!("{} has user info, which no link of the service has", shown(&url))));
    }
    Ok(url)
}

/// One file on its way.
#[derive(Debug)]
pub struct Fetch {
    pipeline: Arc<Pipeline>,
    url: Url,
    bounds: FetchBounds,
    body: Option<Box<dyn Incoming>>,
    at: u64,
    /// The most that was ever reached: only what goes beyond it counts as gained.
    furthest: u64,
    total: Option<u64>,
    /// Proves that the file is still the same.
    validator: Option<HeaderValue>,
    encoding: Option<String>,
    tries: u32,
    done: bool,
}

impl Fetch {
    /// Nothing is sent yet. The link was checked by [`check_link`].
    pub fn new(pipeline: Arc<Pipeline>, url: Url, bounds: FetchBounds) -> Fetch {
        let (body, total, validator, encoding) = (None, None, None, None);
        Fetch { pipeline, url, bounds, body, at: 0, furthest: 0, total, validator, encoding, tries: 0, done: false }
    }

    /// The encoding that the storage keeps the file in, such as `gzip`; known from the first piece on.
    pub fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// The next piece.
    pub async fn next(&mut self) -> Result<Piece> {
        while !self.done {
            let timeout = self.left()?.min(self.bounds.timeout);
            let Some(body) = &mut self.body else {
                if self.open(timeout).await? {
                    return Ok(Piece::Restart);
                }
                continue;
            };
            let short = |at: u64, total: u64| lost(format!("the file ended after {at} of {total} bytes"));
            let failure = match (body.chunk(timeout).await, self.total) {
                (Ok(Some(data)), total) => {
                    self.at += data.len() as u64;
                    self.pipeline.stats.bytes.fetch_add(data.len() as u64, Relaxed);
                    match total.filter(|total| self.at > *total) {
                        Some(total) => lost(format!("the file went on after its {total} bytes")),
                        None => {
                            if self.at > self.furthest {
                                (self.furthest, self.tries) = (self.at, 0);
                            }
                            return Ok(Piece::Data(data));
                        }
                    }
                }
                (Ok(None), Some(total)) if self.at < total => short(self.at, total),
                (Ok(None), _) => {
                    self.done = true;
                    break;
                }
                (Err(failure), _) => failure,
            };
            self.body = None;
            self.failed(failure).await?;
        }
        Ok(Piece::End)
    }

    /// Asks for the file, or for what is missing of it. Says whether what was given so far does not count any more.
    async fn open(&mut self, timeout: Duration) -> Result<bool> {
        let asked_from = if self.validator.is_some() { self.at } else { 0 };
        self.tries += 1;
        let told = format!("GET {}", shown(&self.url));
        tracing::debug!(target: "xdrkit", "storage {told} from byte {asked_from} try {}", self.tries);
        self.pipeline.stats.requests.fetch_add(1, Relaxed);
        let opened = match self.pipeline.wire.services.open(self.request(asked_from), timeout).await {
            Ok(opened) => opened,
            Err(failure) => return self.failed(failure).await.map(|()| false),
        };
        tracing::debug!(target: "xdrkit", "storage {told} -> {}", opened.status);
        let began = self.at > 0;
        match opened.status {
            206 if asked_from > 0 && range_start(&opened.headers) == Some(asked_from) => {
                self.body = Some(opened.body);
                Ok(false)
            }
            // Not the part that was asked for, or none: the next try asks for the whole.
            206 | 416 if asked_from > 0 => {
                (self.at, self.validator) = (0, None);
                Ok(true)
            }
            200 => {
                self.at = 0;
                self.total = number(&opened.headers, header::CONTENT_LENGTH);
                self.validator = validator(&opened.headers);
                self.encoding = text(&opened.headers, header::CONTENT_ENCODING).map(str::to_ascii_lowercase).filter(|e| e != "identity");
                self.body = Some(opened.body);
                Ok(began)
            }
            _ => self.refused(opened).await.map(|()| false),
        }
    }

    fn request(&self, from: u64) -> Request {
        let mut request = Request::new(Method::GET, self.url.clone());
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers.insert(name, value);
            }
        };
        set(header::ACCEPT, "*/*");
        set(header::USER_AGENT, &self.pipeline.wire.user_agent);
        if let (1.., Some(validator)) = (from, &self.validator) {
            set(header::RANGE, &format!("bytes={from}-"));
            request.headers.insert(header::IF_RANGE, validator.clone());
        }
        request
    }

    /// After a failure: waits if another try may help.
    async fn failed(&mut self, failure: Failure) -> Result<()> {
        tracing::debug!(target: "xdrkit", "storage GET {} failed: {}", shown(&self.url), failure.message);
        let outcome = Outcome::Failed { sent: failure.sent, transient: failure.transient };
        if self.again(outcome).await? {
            return Ok(());
        }
        let kind = match (failure.timeout, failure.sent) {
            (true, _) => Kind::DeadlineExceeded,
            (false, true) => Kind::ConnectionLost,
            (false, false) => Kind::Connect,
        };
        let host = self.url.host_str().unwrap_or_default();
        Err(self.about(Error::new(kind, format!("{host}: {}", failure.message))))
    }

    /// After an answer that is no success: waits if another try may help.
    async fn refused(&mut self, opened: Opened) -> Result<()> {
        let Opened { status, headers, mut body } = opened;
        let asked = retry::retry_after(&headers, self.pipeline.wire.clock.wall());
        if self.again(Outcome::Answered(status, asked)).await? {
            return Ok(());
        }
        let mut complaint = BytesMut::new();
        while let Ok(Some(more)) = body.chunk(self.bounds.timeout).await
            && complaint.len() < MAX_COMPLAINT
        {
            complaint.extend_from_slice(&more);
        }
        let code = text(&headers, HeaderName::from_static("x-ms-error-code")).map(str::to_owned).or_else(|| xml_code(&complaint));
        let (kind, what) = match status {
            300..=399 => (Kind::UnsafeUrl, "the storage leads elsewhere, which is not followed"),
            401 | 403 => (Kind::PermissionDenied, "the storage refuses the link"),
            404 | 410 => (Kind::NotFound, "the storage has no such file"),
            429 => (Kind::Throttled, "the storage has too much to do"),
            500.. => (Kind::Service, "the storage failed"),
            _ => (Kind::BadRequest, "the storage refuses the request"),
        };
        let error = Error::new(kind, what).with(|f| {
            f.status = Some(status);
            f.code = code;
            f.request_id = request_id(&headers);
            f.retry_after = asked.map(|d| d.as_secs_f64());
        });
        let error = if ended(&error) { error.hint("links live for a short time: ask the service for a new one") } else { error };
        Err(self.about(error))
    }

    /// Whether there is another try; waits for its time.
    async fn again(&mut self, outcome: Outcome) -> Result<bool> {
        let clock = &self.pipeline.wire.clock;
        let limits = Limits { max_retries: self.bounds.max_retries, left: self.left()? };
        let Decision::Again(wait) = retry::decide(outcome, Safety::Idempotent, self.tries, limits, clock.chance()) else {
            return Ok(false);
        };
        tracing::warn!(target: "xdrkit", "storage GET {} again in {:.1} s (try {})", shown(&self.url), wait.as_secs_f64(), self.tries);
        self.pipeline.stats.retries.fetch_add(1, Relaxed);
        clock.sleep(wait).await;
        Ok(true)
    }

    fn left(&self) -> Result<Duration> {
        let Some(ends) = self.bounds.ends else { return Ok(Duration::MAX) };
        match ends.checked_sub(self.pipeline.wire.clock.monotonic()).filter(|left| !left.is_zero()) {
            Some(left) => Ok(left),
            None => Err(self.about(Error::new(Kind::DeadlineExceeded, "the deadline passed before the file was here"))),
        }
    }

    fn about(&self, error: Error) -> Error {
        error.with(|f| {
            f.method = Some("GET".to_owned());
            f.url = Some(shown(&self.url));
            f.attempts = self.tries;
        })
    }
}

/// Whether an error says that the link has ended, so that a new one may help.
pub fn ended(error: &Error) -> bool {
    matches!(error.facts().status, Some(401 | 403 | 404 | 410))
}

fn lost(message: String) -> Failure {
    Failure { sent: true, timeout: false, transient: true, limit: false, message }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|t| !t.is_empty())
}

fn number(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// A strong entity tag: a weak one, or a date to the second, does not prove that every byte is the same.
fn validator(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::ETAG).filter(|tag| tag.as_bytes().starts_with(b"\"")).cloned()
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    text(headers, header::CONTENT_RANGE)?.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// The code of the storage's own errors: `<Error><Code>AuthenticationFailed</Code>…`. The rest of them repeats parts of the link.
fn xml_code(body: &[u8]) -> Option<String> {
    let body = String::from_utf8_lossy(body);
    let code = body.split_once("<Code>")?.1.split_once("</Code>")?.0.trim();
    (!code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_that_can_be_the_services_pass() {
        assert!(check_link("https://x.blob.core.windows.net/a?sig=s", "url").is_ok());
        assert!(check_link("http://127.0.0.1:8080/a", "url").is_ok());
        for bad in [
            "http://x.blob.core.windows.net/a?sig=secret",
            "https://user:secret@x.blob.core.windows.net/a",
            "file:///etc/passwd?secret",
            "ftp://127.0.0.1/secret",
            "data:text/plain,secret",
            "/a?secret",
            "",
        ] {
            let error = check_link(bad, "url").unwrap_err();
            assert!(error.to_string().starts_with("url: ") && !error.to_string().contains("secret"), "{bad}: {error}");
        }
    }

    #[test]
    fn the_storages_code_is_read_and_nothing_else_of_its_text() {
        let body = "\u{feff}<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>sig=secret</Message></Error>";
        assert_eq!(xml_code(body.as_bytes()).as_deref(), Some("AuthenticationFailed"));
        assert_eq!(xml_code(b"<Code>a b?sig=1</Code>"), None);
    }

    #[test]
    fn a_part_is_known_by_where_it_begins_and_a_file_by_its_strong_tag() {
        let headers = |name: HeaderName, value: &str| HeaderMap::from_iter([(name, value.parse().unwrap())]);
        assert_eq!(range_start(&headers(header::CONTENT_RANGE, "bytes 17-20/21")), Some(17));
        assert_eq!(range_start(&headers(header::CONTENT_RANGE, "items 17-20/21")), None);
        assert!(validator(&headers(header::ETAG, "\"0x8D\"")).is_some());
        assert!(validator(&headers(header::ETAG, "W/\"0x8D\"")).is_none());
    }
}

//! The way of every request.
//!
//! 1. **deadline**: what the whole call may take, waits included
//! 2. **throttle**: not before the time that the service named
//! 3. **auth**: a token for the service's audience
//! 4. **log**: what may be told
//! 5. **transport**: one try on the wire, bounded by `timeout`
//! 6. **retry**: decides, from what happened, whether 2 to 5 run again
//! 7. **answer**: what is no success becomes an error that says what to do

mod answer;
mod auth;
mod challenge;
mod log;
pub mod retry;
pub mod storage;
mod throttle;
pub mod transport;

use crate::{
    auth::{Tokens, Wanted, Wire},
    clock::{Clock, random_guid},
    error::{Error, Kind, Result},
    ops::model::{Operation, Safety, Service},
    request::Request,
    secret,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use retry::{Decision, Limits, Outcome};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use throttle::Throttle;
use transport::{Answer, Failure};

/// A token that is younger than this holds what was granted.
const GRANTED_SINCE: Duration = Duration::from_secs(60);

/// The bounds of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// One try, from the first byte out to the last byte in.
    pub timeout: Duration,
    /// The whole call with all tries and waits.
    pub deadline: Duration,
    /// How many tries may follow the first.
    pub max_retries: u32,
    /// How long a person may take to sign in, if nobody set a deadline: that time does not count then.
    pub sign_in: Option<Duration>,
}

/// A request on its way.
#[derive(Debug)]
pub struct Call {
    /// What to send.
    pub request: Request,
    /// To which service.
    pub service: Service,
    /// As part of which operation.
    pub operation: Option<&'static Operation>,
    /// Whether it may be sent again.
    pub safety: Safety,
    /// Its bounds.
    pub bounds: Bounds,
}

/// A successful answer.
#[derive(Debug)]
pub struct Response {
    /// The answer.
    pub answer: Answer,
    /// The id that the service gave the request.
    pub request_id: Option<String>,
    /// From the first try to the last byte.
    pub elapsed: Duration,
}

/// What a client did so far.
#[derive(Debug, Default)]
pub struct Stats {
    /// Requests on the wire, without sign-in.
    pub requests: AtomicU64,
    /// Those of them that were sent again.
    pub retries: AtomicU64,
    /// Time spent waiting because a service said so.
    pub throttled_ms: AtomicU64,
    /// Bytes of bodies, unpacked.
    pub bytes: AtomicU64,
}

/// The parts that all requests of a client share.
#[derive(Debug)]
pub struct Pipeline {
    wire: Wire,
    tokens: Arc<Tokens>,
    audiences: [String; 3],
    tenant: Option<String>,
    throttle: Throttle,
    stats: Stats,
}

impl Pipeline {
    /// Puts the parts together; `audiences` in the order of [`Service::ALL`]. `tenant` is one that is not the credential's own.
    pub fn new(wire: Wire, tokens: Arc<Tokens>, audiences: [String; 3], tenant: Option<String>) -> Pipeline {
        Pipeline { wire, tokens, audiences, tenant, throttle: Throttle::default(), stats: Stats::default() }
    }

    /// What was done so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The wire below.
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// The tokens in use.
    pub fn tokens(&self) -> &Arc<Tokens> {
        &self.tokens
    }

    /// The token that a service's requests carry.
    pub fn wanted(&self, service: Service) -> Wanted {
        Wanted { tenant: self.tenant.clone(), cae: true, ..Wanted::audience(self.audience(service)) }
    }

    /// The audience of a service's tokens.
    pub fn audience(&self, service: Service) -> &str {
        let [endpoint, xdr, graph] = &self.audiences;
        match service {
            Service::Endpoint => endpoint,
            Service::Xdr => xdr,
            Service::Graph => graph,
        }
    }

    /// Sends a request, as often as its safety and its bounds allow.
    pub async fn send(&self, call: Call) -> Result<Response> {
        let clock = &self.wire.clock;
        let began = clock.monotonic();
        let mut ends = began.saturating_add(call.bounds.deadline);
        let left = |ends: Duration| ends.saturating_sub(clock.monotonic());
        let person = call.bounds.sign_in.filter(|_| self.tokens.credential().is_interactive());
        let quota = call.operation.map_or(call.service.name(), |op| op.quota.name);
        let client_request_id = random_guid();
        let own = self.wanted(call.service);
        let mut wanted = own.clone();
        let (mut tries, mut renewed) = (0u32, false);
        loop {
            self.wait_for_gate(quota, left(ends), &call).await?;
            let mut request = call.request.clone();
            self.dress(&mut request, &client_request_id);
            let before = clock.monotonic();
            let signing = auth::sign(&self.tokens, &self.wire, &wanted, &mut request);
            let signed = tokio::time::timeout(person.unwrap_or_else(|| left(ends)), signing).await;
            let token = signed.map_err(|_| self.out_of_time(&call, tries, "while signing in"))??;
            if person.is_some() {
                ends = ends.saturating_add(clock.monotonic() - before);
            }
            if left(ends).is_zero() {
                return Err(self.out_of_time(&call, tries, "while signing in"));
            }
            tries += 1;
            let method = request.method.clone();
            let told = log::Try {
                service: call.service,
                operation: call.operation.map_or("request", |op| op.id),
                method: method.as_str(),
                path: call.request.url.path(),
                attempt: tries,
                client_request_id: &client_request_id,
            };
            told.sending();
            self.stats.requests.fetch_add(1, Relaxed);
            let start = clock.monotonic();
            let timeout = call.bounds.timeout.min(left(ends)).max(Duration::from_millis(1));
            let result = self.wire.transport.send(request, timeout).await;
            let outcome = match &result {
                Ok(a) => {
                    told.answered(a.status, a.body.len(), clock.monotonic() - start);
                    self.stats.bytes.fetch_add(a.body.len() as u64, Relaxed);
                    Outcome::Answered(a.status, asked_wait(a, &**clock))
                }
                Err(f) => {
                    told.failed(&f.message);
                    Outcome::Failed { sent: f.sent, transient: f.transient }
                }
            };
            if let (Ok(answer), Outcome::Answered(401, _), false) = (&result, outcome, renewed) {
                // Refused before anything was done: even an action may go out again with another token.
                renewed = true;
                wanted.claims = auth::challenge(&answer.headers);
                self.tokens.refused(&own, &token);
                continue;
            }
            if outcome == Outcome::Answered(403, None) && !renewed && self.may_be_granted_since(&call, &token) {
                renewed = true;
                self.tokens.refused(&own, &token);
                continue;
            }
            if let Outcome::Answered(429 | 503, Some(asked)) = outcome {
                self.throttle.close(quota, asked, &**clock);
            }
            let limits = Limits { max_retries: call.bounds.max_retries, left: left(ends) };
            match retry::decide(outcome, call.safety, tries, limits, clock.chance()) {
                Decision::Again(wait) => {
                    let throttled = matches!(outcome, Outcome::Answered(429, _));
                    told.again(wait, throttled);
                    self.stats.retries.fetch_add(1, Relaxed);
                    self.pause(wait, matches!(outcome, Outcome::Answered(_, Some(_)))).await;
                }
                Decision::TooLong(wait) => return Err(self.too_long(&call, wait, tries, result.ok().as_ref())),
                Decision::Take => {
                    let elapsed = clock.monotonic() - began;
                    return self.take(&call, result, tries, elapsed, &token, left(ends).is_zero());
                }
            }
        }
    }

    fn take(
        &self,
        call: &Call,
        result: Result<Answer, Failure>,
        tries: u32,
        elapsed: Duration,
        token: &crate::auth::Token,
        over: bool,
    ) -> Result<Response> {
        let error = match result {
            Ok(answer) if (200..300).contains(&answer.status) => {
                let request_id = answer::request_id(&answer.headers);
                return Ok(Response { answer, request_id, elapsed });
            }
            Ok(answer) => {
                let error = answer::error(&answer, call.operation, call.safety);
                let error = match error.kind() {
                    Kind::Unauthorized | Kind::PermissionDenied => {
                        auth::explain(error, call.operation, call.service, self.audience(call.service), token.claims.as_ref())
                    }
                    _ => error,
                };
                let asked = asked_wait(&answer, &*self.wire.clock);
                error.with(|f| f.retry_after = asked.map(|d| d.as_secs_f64()))
            }
            Err(failure) => failed(failure, call, over),
        };
        Err(about(error, call, tries))
    }

    /// Whether a permission that the token lacks may have been granted after it was issued: an administrator who has just done so does not want
    /// to hear that it takes an hour.
    fn may_be_granted_since(&self, call: &Call, token: &crate::auth::Token) -> bool {
        let lacks = |claims: &crate::auth::Claims| !claims.delegated && call.operation.is_some_and(|op| !claims.allows(op));
        token.claims.as_ref().is_some_and(lacks) && token.age(&*self.wire.clock) >= GRANTED_SINCE
    }

    /// Headers that every request carries.
    fn dress(&self, request: &mut Request, client_request_id: &str) {
        for (name, text) in
            [("accept", "application/json"), ("user-agent", &self.wire.user_agent), ("client-request-id", client_request_id)]
        {
            let name = HeaderName::from_static(name);
            if let (Ok(value), false) = (HeaderValue::from_str(text), request.headers.contains_key(&name)) {
                request.headers.insert(name, value);
            }
        }
    }

    async fn wait_for_gate(&self, quota: &'static str, left: Duration, call: &Call) -> Result<()> {
        let wait = self.throttle.wait(quota, &*self.wire.clock);
        if wait > left.min(retry::MAX_WAIT) {
            return Err(self.too_long(call, wait, 0, None));
        }
        if left.is_zero() {
            return Err(self.out_of_time(call, 0, "before it was sent"));
        }
        if !wait.is_zero() {
            self.pause(wait, true).await;
        }
        Ok(())
    }

    async fn pause(&self, wait: Duration, throttled: bool) {
        if throttled {
            self.stats.throttled_ms.fetch_add(wait.as_millis() as u64, Relaxed);
        }
        self.wire.clock.sleep(wait).await;
    }

    fn too_long(&self, call: &Call, wait: Duration, tries: u32, answer: Option<&Answer>) -> Error {
        let said = answer.map(|a| answer::error(a, call.operation, Safety::Idempotent)).filter(|e| e.kind() == Kind::Throttled);
        let seconds = wait.as_secs_f64();
        let message = format!("the service asks to wait {seconds:.0} s, which is longer than this call may take");
        let message = said.as_ref().map_or(message.clone(), |e| format!("{message}: {e}"));
        let error = Error::new(Kind::Throttled, message).with(|f| {
            f.status = answer.map(|a| a.status);
            f.retry_after = Some(seconds);
            f.request_id = said.and_then(|e| e.facts().request_id.clone());
        });
        about(error.hint("call again after retry_after seconds, or give a longer deadline"), call, tries)
    }

    fn out_of_time(&self, call: &Call, tries: u32, when: &str) -> Error {
        let message = format!("the deadline of {} s passed {when}", call.bounds.deadline.as_secs_f64());
        about(Error::new(Kind::DeadlineExceeded, message), call, tries)
    }
}

/// How long an answer asks to wait: by its headers, or else, when it is a 429, by the window that its text names.
fn asked_wait(answer: &Answer, clock: &dyn Clock) -> Option<Duration> {
    let by_text = || (answer.status == 429).then(|| retry::quota_window(&answer.body)).flatten();
    asked(&answer.headers, clock).or_else(by_text)
}

fn asked(headers: &HeaderMap, clock: &dyn Clock) -> Option<Duration> {
    retry::retry_after(headers, clock.wall())
}

fn failed(failure: Failure, call: &Call, over: bool) -> Error {
    if failure.limit {
        return Error::new(Kind::LimitExceeded, failure.message);
    }
    if failure.sent && call.safety == Safety::OnlyIfNeverSent {
        let message = format!("no answer came, and the action may have been begun: {}", failure.message);
        return answer::unknown_outcome(Error::new(Kind::ActionOutcomeUnknown, message), call.operation);
    }
    let kind = match (failure.timeout || over, failure.sent) {
        (true, _) => Kind::DeadlineExceeded,
        (false, true) => Kind::ConnectionLost,
        (false, false) => Kind::Connect,
    };
    let host = call.request.url.host_str().unwrap_or_default();
    Error::new(kind, format!("{host}: {}", failure.message))
}

fn about(error: Error, call: &Call, tries: u32) -> Error {
    error.with(|f| {
        f.method = Some(call.request.method.to_string());
        f.url = Some(secret::shown(&call.request.url));
        f.attempts = tries;
    })
}

/// The headers of a raw request: those that the pipeline owns may not be set.
pub fn check_headers(headers: &[(String, String)]) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = |what: &str| Error::argument("headers", format!("{name:?} {what}"));
        let lower = name.to_ascii_lowercase();
        if ["authorization", "host", "content-length", "transfer-encoding", "connection", "accept-encoding"].contains(&lower.as_str()) {
            return Err(wrong("is set by the client"));
        }
        let key = HeaderName::from_bytes(lower.as_bytes()).map_err(|_| wrong("is no header name"))?;
        map.insert(key, HeaderValue::from_str(value).map_err(|_| wrong("has a value that no header may have"))?);
    }
    Ok(map)
}

#[cfg(test)]
mod tests;

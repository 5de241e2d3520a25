//! The way of every request.
//!
//! 1. **deadline**: what the whole call may take, waits included
//! 2. **quota**: in its turn, when the quota has room and not before the time that the service named
//! 3. **auth**: a token for the service's audience
//! 4. **log**: what may be told
//! 5. **transport**: one try on the wire, bounded by `timeout`
//! 6. **retry**: decides, from what happened, whether 2 to 5 run again
//! 7. **answer**: what is no success becomes an error that says what to do

mod answer;
mod auth;
mod challenge;
mod log;
pub mod quota;
pub mod retry;
pub mod storage;
pub mod tape;
pub mod transport;

use crate::{
    auth::{Tokens, Wanted, Wire},
    clock::random_guid,
    error::{Error, Kind, Result},
    ops::model::{Operation, Safety, Service},
    request::Request,
    secret,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use quota::{Lanes, Part, Pass, Quotas, Refusal, Why};
use retry::{Decision, Limits, Outcome};
use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};
use transport::{Answer, Failure, Sink};

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
    /// How much of it was waiting for a quota, or because the service said so.
    pub waited: Duration,
    /// How often the request was sent.
    pub tries: u32,
}

/// How a call came to its end.
struct End {
    tries: u32,
    elapsed: Duration,
    waited: Duration,
    /// How long the last answer asks to wait.
    asked: Option<Duration>,
    /// Whether the call's time is over.
    over: bool,
}

/// What a client did so far.
#[derive(Debug, Default)]
pub struct Stats {
    /// Requests on the wire, without sign-in.
    pub requests: AtomicU64,
    /// Those of them that were sent again.
    pub retries: AtomicU64,
    /// Time spent waiting for quotas, and because a service said so.
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
    lanes: Lanes,
    stats: Stats,
}

impl Pipeline {
    /// Puts the parts together; `audiences` in the order of [`Service::ALL`]. `tenant` is one that is not the credential's own.
    pub fn new(wire: Wire, tokens: Arc<Tokens>, audiences: [String; 3], tenant: Option<String>, quotas: Quotas) -> Pipeline {
        let lanes = Lanes::new(quotas, &tokens, tenant.as_deref());
        Pipeline { wire, tokens, audiences, tenant, lanes, stats: Stats::default() }
    }

    /// The quotas of hunting, and all others that were used.
    pub fn quotas(&self) -> Vec<(Service, &'static str, quota::View)> {
        self.lanes.views(&*self.wire.clock).into_iter().map(|(part, view)| (part.service, part.quota.name, view)).collect()
    }

    /// How long it takes from now on until the last of so many further calls of an operation may begin.
    pub fn plan(&self, op: &Operation, calls: usize) -> Duration {
        self.lanes.plan(&Part::of(op.service, Some(op)), calls, &*self.wire.clock)
    }

    /// A query of that operation ran so long, as its answer says.
    pub fn ran(&self, op: &Operation, time: Duration) {
        if op.quota.run_hour > 0 {
            self.lanes.ran(&Part::of(op.service, Some(op)), time, &*self.wire.clock);
        }
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
        self.send_into(call, None).await
    }

    /// The same; the body of a success goes into the sink while it arrives.
    pub async fn send_into(&self, call: Call, mut sink: Option<&mut dyn Sink>) -> Result<Response> {
        let clock = &self.wire.clock;
        let began = clock.monotonic();
        let mut ends = began.saturating_add(call.bounds.deadline);
        let left = |ends: Duration| ends.saturating_sub(clock.monotonic());
        let person = call.bounds.sign_in.filter(|_| self.tokens.credential().is_interactive());
        let part = Part::of(call.service, call.operation);
        let client_request_id = random_guid();
        let own = self.wanted(call.service);
        let mut wanted = own.clone();
        let (mut tries, mut renewed, mut waited) = (0u32, false, Duration::ZERO);
        loop {
            let mut pass = Some(self.pass(&part, left(ends), &call, tries, &mut waited).await?);
            let mut request = call.request.clone();
            self.dress(&mut request, &client_request_id);
            let before = clock.monotonic();
            let signed = {
                let signing = auth::sign(&self.tokens, &self.wire, &wanted, &mut request);
                let mut signing = pin!(tokio::time::timeout(person.unwrap_or_else(|| left(ends)), signing));
                match poll_fn(|cx| Poll::Ready(signing.as_mut().poll(cx))).await {
                    Poll::Ready(signed) => signed,
                    Poll::Pending => {
                        // Nobody keeps a place while a sign-in goes over the wire: whoever begins late would be one too many then.
                        pass = None;
                        signing.await
                    }
                }
            };
            let token = signed.map_err(|_| self.out_of_time(&call, tries, "while signing in"))??;
            if person.is_some() {
                ends = ends.saturating_add(clock.monotonic() - before);
            }
            if left(ends).is_zero() {
                return Err(self.out_of_time(&call, tries, "while signing in"));
            }
            let mut pass = match pass {
                Some(pass) => pass,
                None => self.pass(&part, left(ends), &call, tries, &mut waited).await?,
            };
            pass.used();
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
            let result = match &mut sink {
                Some(sink) => self.wire.services.send_into(request, timeout, &mut **sink).await,
                None => self.wire.services.send(request, timeout).await,
            };
            drop(pass);
            let mut asked = None;
            let outcome = match &result {
                Ok(a) => {
                    let length = a.body.len() as u64 + sink.as_ref().map_or(0, |sink| sink.taken());
                    told.answered(a.status, length, clock.monotonic() - start);
                    self.stats.bytes.fetch_add(length, Relaxed);
                    asked = quota::asked(a, part.is_hunting(), &**clock);
                    Outcome::Answered(a.status, asked.map(|a| a.wait))
                }
                Err(f) => {
                    told.failed(&f.message);
                    let may_restart = sink.as_ref().is_none_or(|sink| sink.may_restart());
                    Outcome::Failed { sent: f.sent, transient: f.transient && may_restart }
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
            let by_schedule = asked.is_some_and(|a| a.by_schedule);
            if let Outcome::Answered(429 | 503, Some(asked)) = outcome {
                self.lanes.close(&part, asked, by_schedule, &**clock);
            }
            let limits = Limits { max_retries: call.bounds.max_retries, left: left(ends) };
            match retry::decide(outcome, call.safety, tries, limits, clock.chance()) {
                Decision::Again(wait) => {
                    self.again(&told, outcome, wait);
                    match outcome {
                        // The gate is where it waits, in front of those who came later.
                        Outcome::Answered(429 | 503, Some(_)) => self.lanes.close(&part, wait, by_schedule, &**clock),
                        Outcome::Answered(_, asked) => {
                            waited += if asked.is_some() { self.count_wait(wait) } else { Duration::ZERO };
                            clock.sleep(wait).await;
                        }
                        Outcome::Failed { .. } => clock.sleep(wait).await,
                    }
                }
                // The end of a quota's window is worth any wait that the caller has time for.
                Decision::TooLong(wait) if by_schedule && wait <= left(ends) => self.again(&told, outcome, wait),
                Decision::TooLong(wait) => return Err(self.too_long(&call, wait, tries, result.ok().as_ref())),
                Decision::Take => {
                    let elapsed = clock.monotonic() - began;
                    let end = End { tries, elapsed, waited, asked: asked.map(|a| a.wait), over: left(ends).is_zero() };
                    return self.take(&call, result, &end, &token);
                }
            }
        }
    }

    fn take(&self, call: &Call, result: Result<Answer, Failure>, end: &End, token: &crate::auth::Token) -> Result<Response> {
        let End { tries, elapsed, waited, asked, over } = *end;
        let error = match result {
            Ok(answer) if (200..300).contains(&answer.status) => {
                let request_id = answer::request_id(&answer.headers);
                return Ok(Response { answer, request_id, elapsed, waited, tries });
            }
            Ok(answer) => {
                let error = answer::error(&answer, call.operation, call.safety);
                let error = match error.kind() {
                    Kind::Unauthorized | Kind::PermissionDenied => {
                        auth::explain(error, call.operation, call.service, self.audience(call.service), token.claims.as_ref())
                    }
                    _ => error,
                };
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

    /// A place in the quota, when it is the call's turn.
    async fn pass(&self, part: &Part, left: Duration, call: &Call, tries: u32, waited: &mut Duration) -> Result<Pass> {
        if left.is_zero() {
            return Err(self.out_of_time(call, tries, "before it was sent"));
        }
        let clock = &*self.wire.clock;
        let came = clock.monotonic();
        let outcome = self.lanes.enter(part, tries > 0, left, retry::MAX_WAIT, clock).await;
        let wait = clock.monotonic() - came;
        *waited += self.count_wait(wait);
        outcome.map_err(|refusal| match refusal {
            Refusal::OutOfTime => self.out_of_time(call, tries, "while it waited for its turn"),
            Refusal::TooLong(wait, Why::Asked(_)) => self.too_long(call, wait, tries, None),
            Refusal::TooLong(wait, why) => self.used_up(call, part, wait, why, tries),
        })
    }

    fn count_wait(&self, wait: Duration) -> Duration {
        self.stats.throttled_ms.fetch_add(wait.as_millis() as u64, Relaxed);
        wait
    }

    fn again(&self, told: &log::Try<'_>, outcome: Outcome, wait: Duration) {
        told.again(wait, matches!(outcome, Outcome::Answered(429, _)));
        self.stats.retries.fetch_add(1, Relaxed);
    }

    /// What is left of the quota would come too late.
    fn used_up(&self, call: &Call, part: &Part, wait: Duration, why: Why, tries: u32) -> Error {
        let quota = &part.quota;
        let (what, window) = match why {
            Why::Hour => (format!("{} calls", quota.per_hour), "hour"),
            Why::RunTime => ("run time".to_owned(), "hour or day"),
            Why::Minute | Why::Asked(_) => ("calls".to_owned(), "minute"),
        };
        let seconds = wait.as_secs_f64();
        let message = format!(
            "the quota of {} ({what} per {window}) has room again in {seconds:.0} s, which is longer than this call may take",
            quota.name
        );
        let error = Error::new(Kind::Throttled, message).with(|f| f.retry_after = Some(seconds)).detail("quota", quota.name);
        about(
            error.hint("call again after retry_after seconds, give a longer deadline, or set limits= if the service allows more"),
            call,
            tries,
        )
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

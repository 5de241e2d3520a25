//! The client: one async body for every verb. The sync and async faces only differ in how they wait for it.

pub(crate) mod download;
mod hunting;
mod identity;
mod pages;

pub use download::Downloaded;
pub use hunting::HuntStream;
pub use identity::Identity;
pub use pages::Pages;

use crate::{
    argument,
    auth::{Tokens, Wire},
    clock::{Clock, random_guid},
    cloud::Cloud,
    error::{Error, Kind, Result},
    hunt,
    json::{self, Object, Value, object},
    ops::{
        self,
        model::{Operation, Returns, Safety, Service},
    },
    page,
    perprocess::PerProcess,
    pipeline::{Bounds, Call, Pipeline, Response, check_headers, quota, transport::Sink},
    request::{self, Request},
    secret::shown,
    settings::{call_seconds, max_retries},
};
use bytes::Bytes;
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::*},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};
use url::{Origin, Url};

const TIMEOUT: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(300);
/// A query may run for 200 s; then its rows still have to arrive.
const HUNTING_TIMEOUT: Duration = Duration::from_secs(240);
const HUNTING_DEADLINE: Duration = Duration::from_secs(600);
const MAX_RETRIES: u32 = 3;
/// A query costs quota each time.
const HUNTING_MAX_RETRIES: u32 = 2;
/// Longer than any device code lives.
const SIGN_IN: Duration = Duration::from_secs(3600);
/// What the library of live response takes.
const UPLOAD_MAX: usize = 20 << 20;
const POLL: Duration = Duration::from_secs(2);
const POLL_MAX: Duration = Duration::from_secs(15);

/// What a client is made of. Settings make it.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The credential with its cache.
    pub tokens: Arc<Tokens>,
    /// A tenant that is not the credential's own.
    pub tenant: Option<String>,
    /// The way out.
    pub wire: Wire,
    /// The cloud.
    pub cloud: &'static Cloud,
    /// Token audiences in the order of [`Service::ALL`].
    pub audiences: [String; 3],
    /// Base URLs in that order.
    pub bases: [Url; 3],
    /// One try.
    pub timeout: Option<Duration>,
    /// A whole call.
    pub deadline: Option<Duration>,
    /// Tries after the first.
    pub max_retries: Option<u32>,
    /// Between two looks at an action.
    pub poll_interval: Option<Duration>,
    /// The quotas that it keeps.
    pub quotas: quota::Quotas,
}

/// What a single call may be told apart from its arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallOptions {
    /// Seconds for one try.
    pub timeout: Option<f64>,
    /// Seconds for the whole call.
    pub deadline: Option<f64>,
    /// Tries after the first.
    pub max_retries: Option<u32>,
}

#[derive(Debug)]
struct Shared {
    parts: Parts,
    pipeline: PerProcess<Pipeline>,
    closed: AtomicBool,
    closing: watch::Sender<bool>,
    /// The hunting endpoint that `auto` found, plus one; 0 is none yet.
    hunting: AtomicU64,
}

/// A client of all three services. Cheap to clone; clones share connections, tokens and limits.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    options: CallOptions,
}

/// The body of a raw answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// It was JSON.
    Json(Value),
    /// It was something else.
    Bytes(Bytes),
}

/// A raw request.
#[derive(Clone, Debug, Default)]
pub struct Raw {
    /// GET, POST, …
    pub method: String,
    /// A path below the service's base URL, or a whole URL on an allowed origin.
    pub path: String,
    /// Query parameters.
    pub params: Vec<(String, String)>,
    /// A JSON body.
    pub json: Option<Value>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Client {
    /// Puts the parts together.
    pub fn from_parts(parts: Parts) -> Result<Client> {
        let (closing, _) = watch::channel(false);
        let shared = Shared { parts, pipeline: PerProcess::new(), closed: AtomicBool::new(false), closing, hunting: AtomicU64::new(0) };
        Ok(Client { shared: Arc::new(shared), options: CallOptions::default() })
    }

    /// The same client with other bounds.
    pub fn with_options(&self, options: CallOptions) -> Result<Client> {
        check(&options)?;
        Ok(Client { shared: self.shared.clone(), options: merge(self.options, options) })
    }

    /// The tenant, if the credential names one.
    pub fn tenant_id(&self) -> Option<String> {
        let parts = &self.shared.parts;
        parts.tenant.as_deref().or(parts.tokens.credential().tenant()).map(str::to_owned)
    }

    /// The application, if the credential names one.
    pub fn client_id(&self) -> Option<String> {
        self.shared.parts.tokens.credential().client_id().map(str::to_owned)
    }

    /// The cloud's name.
    pub fn cloud(&self) -> &'static str {
        self.shared.parts.cloud.name
    }

    /// A service's base URL.
    pub fn base(&self, service: Service) -> &Url {
        let [endpoint, xdr, graph] = &self.shared.parts.bases;
        match service {
            Service::Endpoint => endpoint,
            Service::Xdr => xdr,
            Service::Graph => graph,
        }
    }

    /// Calls an operation; gives the answer as the service sent it. A list answers with one page.
    pub async fn call(&self, op: &'static Operation, arguments: &Object, options: CallOptions) -> Result<Value> {
        let arguments = argument::resolve(op, arguments, self.shared.parts.wire.clock.wall())?;
        let request = request::build(op, &arguments, self.base(op.service))?;
        let response = self.send(op, request, options).await?;
        answer(op, &response)
    }

    /// The request that a call would send: method, URL and body. Nothing is sent.
    pub fn preview(&self, op: &'static Operation, arguments: &Object) -> Result<Value> {
        let arguments = argument::resolve(op, arguments, self.shared.parts.wire.clock.wall())?;
        let request = request::build(op, &arguments, self.base(op.service))?;
        let body = request.body.as_deref().and_then(|b| json::parse(b).ok()).unwrap_or_default();
        Ok(object([("method", request.method.as_str().into()), ("url", request.url.as_str().into()), ("body", body)]))
    }

    /// Calls an operation once for each of several arguments, at most so many at a time. The outcomes are in the order of the arguments, and
    /// one that fails stops no other.
    pub async fn call_many(
        &self,
        op: &'static Operation,
        arguments: Vec<Object>,
        concurrency: usize,
        options: CallOptions,
    ) -> Vec<Result<Value>> {
        let calls = arguments.into_iter().map(|arguments| {
            let client = self.clone();
            async move { client.call(op, &arguments, options).await }
        });
        many(calls, concurrency).await
    }

    /// Calls an operation that sends a file along.
    pub async fn upload(
        &self,
        op: &'static Operation,
        arguments: &Object,
        name: &str,
        content: &[u8],
        options: CallOptions,
    ) -> Result<Value> {
        if content.len() > UPLOAD_MAX {
            return Err(Error::argument("file", format!("has {} bytes; the service takes 20 MB", content.len())));
        }
        let boundary = format!("xdrkit-{}", random_guid());
        let request = request::build_form(op, arguments, (name, content), self.base(op.service), &boundary)?;
        answer(op, &self.send(op, request, options).await?)
    }

    /// Seconds since 1970 on the client's clock.
    pub fn now(&self) -> f64 {
        let wall = self.shared.parts.wire.clock.wall();
        wall.duration_since(std::time::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
    }

    /// Waits on the client's clock.
    pub async fn sleep(&self, time: Duration) -> Result<()> {
        self.check_open()?;
        self.until_closed(self.shared.parts.wire.clock.sleep(time)).await
    }

    /// Sends any request to a service.
    pub async fn request(&self, service: Service, raw: Raw, options: CallOptions) -> Result<Body> {
        let (request, op) = self.raw_request(service, raw)?;
        let is_read = request.method == http::Method::GET || request.method == http::Method::HEAD;
        let safety = op.map_or(if is_read { Safety::Idempotent } else { Safety::OnlyIfNeverSent }, |op| op.safety);
        let bounds = self.bounds(op, options)?;
        let response = self.run(Call { request, service, operation: op, safety, bounds }).await?;
        if response.answer.body.is_empty() {
            return Ok(Body::Json(Value::Null));
        }
        Ok(json::parse(&response.answer.body).map_or_else(|_| Body::Bytes(response.answer.body), Body::Json))
    }

    fn raw_request(&self, service: Service, raw: Raw) -> Result<(Request, Option<&'static Operation>)> {
        let method = http::Method::from_bytes(raw.method.to_ascii_uppercase().as_bytes())
            .ok()
            .filter(|m| ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&m.as_str()))
            .ok_or_else(|| {
                Error::argument("method", format!("{:?} is not allowed; it is GET, HEAD, POST, PUT, PATCH or DELETE", raw.method))
            })?;
        let base = self.base(service);
        let params: Vec<String> =
            raw.params.iter().map(|(k, v)| format!("{}={}", request::encode(k).replace("%24", "$"), request::encode(v))).collect();
        let url = if raw.path.contains("://") {
            let mut url = Url::parse(&raw.path).map_err(|_| Error::argument("path", format!("{:?} is no URL", raw.path)))?;
            let origins = self.origins(service);
            if page::check_origin(&url, &origins).is_err() {
                let allowed: Vec<String> = origins.iter().map(Origin::ascii_serialization).collect();
                let message =
                    format!("{} is not a place of the {} service: a token goes to {}", shown(&url), service.name(), allowed.join(" or "));
                return Err(Error::argument("path", message).detail("allowed", allowed));
            }
            add_query(&mut url, &params);
            url
        } else if raw.path.starts_with('/') && !raw.path.starts_with("//") && !raw.path.contains('\\') {
            let (path, query) = raw.path.split_once('?').unwrap_or((&raw.path, ""));
            let mut url = request::join(base, path, query)?;
            add_query(&mut url, &params);
            url
        } else {
            return Err(Error::argument("path", format!("{:?} does not begin with one slash, such as \"/api/machines\"", raw.path)));
        };
        let below = url.path().strip_prefix(base.path().trim_end_matches('/')).unwrap_or(url.path());
        let op = ops::by_path(method.as_str(), below).map(|(op, _)| op).filter(|op| op.service == service);
        let mut request = Request::new(method, url);
        if let Some(value) = &raw.json {
            request = request.json(value);
        }
        request.headers.extend(check_headers(&raw.headers)?);
        Ok((request, op))
    }

    /// Waits until a machine action has ended; one that ended without success is an error that carries it.
    pub async fn wait_action(&self, id: &str, timeout: Duration, poll: Option<Duration>) -> Result<Value> {
        let op = request::operation("machine_actions.get")?;
        let arguments = Object::from_iter([("id".to_owned(), Value::from(id))]);
        let clock = self.shared.parts.wire.clock.clone();
        let began = clock.monotonic();
        let mut pause = poll.or(self.shared.parts.poll_interval).unwrap_or(POLL);
        loop {
            let action = self.call(op, &arguments, CallOptions::default()).await?;
            let status = action.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
            match status.as_str() {
                "Succeeded" => return Ok(action),
                "Failed" | "TimeOut" | "Cancelled" => {
                    let what = action.get("type").and_then(Value::as_str).unwrap_or("action").to_owned();
                    let message = format!("{what} {id} ended with status {status}");
                    return Err(Error::new(Kind::ActionFailed, message).detail("action", action));
                }
                _ => {}
            }
            if clock.monotonic() - began + pause > timeout {
                let message = format!("the action {id} is still {status} after {} s", timeout.as_secs_f64());
                return Err(Error::new(Kind::DeadlineExceeded, message)
                    .detail("action", action)
                    .hint("it goes on; wait() again, or cancel it"));
            }
            self.until_closed(clock.sleep(pause)).await?;
            if poll.is_none() {
                pause = pause.mul_f64(1.5).min(POLL_MAX).max(pause);
            }
        }
    }

    async fn token(&self, service: Service) -> Result<Arc<crate::auth::Token>> {
        self.check_open()?;
        let pipeline = self.pipeline();
        let wanted = pipeline.wanted(service);
        self.until_closed(pipeline.tokens().get(pipeline.wire(), &wanted)).await?
    }

    /// What was done so far: name and number.
    pub fn stats(&self) -> [(&'static str, f64); 5] {
        let pipeline = self.pipeline();
        let stats = pipeline.stats();
        [
            ("requests", stats.requests.load(Relaxed) as f64),
            ("retries", stats.retries.load(Relaxed) as f64),
            ("throttled_seconds", stats.throttled_ms.load(Relaxed) as f64 / 1000.0),
            ("token_requests", pipeline.tokens().requests() as f64),
            ("bytes_received", stats.bytes.load(Relaxed) as f64),
        ]
    }

    /// The quotas of hunting, and all others that were used.
    pub fn quotas(&self) -> Vec<(Service, &'static str, quota::View)> {
        self.pipeline().quotas()
    }

    /// How long it takes from now on until the last of so many further hunts may begin. Without a service: where hunts go, as far as that is known.
    pub fn plan_hunts(&self, service: Option<Service>, calls: usize) -> Result<Duration> {
        let found = usize::try_from(self.shared.hunting.load(Acquire)).unwrap_or(0).saturating_sub(1);
        let service = service.or_else(|| hunt::Api::Auto.candidates().get(found).copied()).unwrap_or(Service::Graph);
        Ok(self.pipeline().plan(hunt::operation(service)?, calls))
    }

    /// Ends what is under way; later calls are refused. May be called often.
    pub fn close(&self) {
        self.shared.closed.store(true, Release);
        self.shared.closing.send_replace(true);
    }

    fn check_open(&self) -> Result<()> {
        if self.shared.closed.load(Acquire) { Err(Error::closed()) } else { Ok(()) }
    }

    /// The clock that all waits go by.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.shared.parts.wire.clock
    }

    /// Work that ends when the client is closed.
    pub(crate) async fn while_open<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.check_open()?;
        self.until_closed(work).await
    }

    async fn until_closed<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let mut closing = self.shared.closing.subscribe();
        tokio::select! {
            done = work => Ok(done),
            _ = closing.wait_for(|closed| *closed) => Err(Error::closed()),
        }
    }

    pub(crate) fn pipeline(&self) -> Arc<Pipeline> {
        let parts = &self.shared.parts;
        let make = || {
            let (wire, tokens, quotas) = (parts.wire.clone(), parts.tokens.clone(), parts.quotas.clone());
            Ok::<_, Infallible>(Pipeline::new(wire, tokens, parts.audiences.clone(), parts.tenant.clone(), quotas))
        };
        self.shared.pipeline.get_or_try_make(make).unwrap_or_else(|never| match never {})
    }

    /// The origins that a service may lead to: its own, and the other names of its hosts.
    fn origins(&self, service: Service) -> Vec<Origin> {
        let own = self.base(service).origin();
        let cloud = self.shared.parts.cloud;
        let aliases = if own == origin_of(cloud.base(service)) { cloud.aliases } else { &[] };
        std::iter::once(own).chain(aliases.iter().map(|a| origin_of(a))).collect()
    }

    fn bounds(&self, op: Option<&Operation>, options: CallOptions) -> Result<Bounds> {
        check(&options)?;
        let options = merge(self.options, options);
        let parts = &self.shared.parts;
        let hunting = op.is_some_and(|op| op.returns == Returns::Rows);
        let pick = |name, given: Option<f64>, set: Option<Duration>, usual, long| {
            let given = call_seconds(name, given)?;
            Ok::<_, Error>(given.or(set).unwrap_or(if hunting { long } else { usual }))
        };
        Ok(Bounds {
            timeout: pick("timeout", options.timeout, parts.timeout, TIMEOUT, HUNTING_TIMEOUT)?,
            deadline: pick("deadline", options.deadline, parts.deadline, DEADLINE, HUNTING_DEADLINE)?,
            max_retries: options.max_retries.or(parts.max_retries).unwrap_or(if hunting { HUNTING_MAX_RETRIES } else { MAX_RETRIES }),
            sign_in: (options.deadline.is_none() && parts.deadline.is_none()).then_some(SIGN_IN),
        })
    }

    async fn send(&self, op: &'static Operation, request: Request, options: CallOptions) -> Result<Response> {
        let bounds = self.bounds(Some(op), options)?;
        self.run(Call { request, service: op.service, operation: Some(op), safety: op.safety, bounds }).await
    }

    async fn send_into(&self, op: &'static Operation, request: Request, options: CallOptions, sink: &mut dyn Sink) -> Result<Response> {
        let bounds = self.bounds(Some(op), options)?;
        self.check_open()?;
        let call = Call { request, service: op.service, operation: Some(op), safety: op.safety, bounds };
        self.until_closed(self.pipeline().send_into(call, Some(sink))).await?
    }

    async fn run(&self, call: Call) -> Result<Response> {
        self.check_open()?;
        let pipeline = self.pipeline();
        self.until_closed(pipeline.send(call)).await?
    }
}

/// Several pieces of work, at most so many at a time. The outcomes are in their order, and one that fails stops no other.
async fn many<T: Send + 'static>(
    work: impl IntoIterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
    concurrency: usize,
) -> Vec<Result<T>> {
    let gate = Arc::new(Semaphore::new(concurrency.max(1)));
    let (mut tasks, mut outcomes) = (JoinSet::new(), Vec::new());
    for (i, one) in work.into_iter().enumerate() {
        // What is never answered below ended in a panic.
        outcomes.push(Err(Error::new(Kind::Internal, "the call came to no end")));
        let gate = gate.clone();
        tasks.spawn(async move {
            let _turn = gate.acquire().await;
            (i, one.await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        if let Ok((i, outcome)) = done
            && let Some(slot) = outcomes.get_mut(i)
        {
            *slot = outcome;
        }
    }
    outcomes
}

/// An answer's body in the form that the operation declares.
fn answer(op: &Operation, response: &Response) -> Result<Value> {
    if op.returns == Returns::Nothing {
        return Ok(Value::Null);
    }
    let value = body(response)?;
    let unexpected = |wanted: &str| Error::new(Kind::BadResponse, format!("{}: the answer is no {wanted}", op.id));
    match op.returns {
        // Some links come in quotation marks inside the text.
        Returns::Text => match value.get("value").unwrap_or(&value).as_str() {
            Some(text) => Ok(Value::from(text.trim_matches('"'))),
            None => Err(unexpected("text")),
        },
        Returns::Number => match value.get("value").unwrap_or(&value) {
            number @ Value::Int(_) => Ok(number.clone()),
            _ => Err(unexpected("number")),
        },
        // One object, which some addresses wrap into a list.
        Returns::One(_) => match value.get("value").and_then(Value::as_array) {
            Some([only]) if only.as_object().is_some() => Ok(only.clone()),
            _ => Ok(value),
        },
        _ => Ok(value),
    }
}

fn body(response: &Response) -> Result<Value> {
    if response.answer.body.is_empty() {
        return Ok(Value::Null);
    }
    json::parse(&response.answer.body).map_err(|e| {
        Error::new(Kind::BadResponse, format!("the answer is no JSON: {e}")).with(|f| {
            f.status = Some(response.answer.status);
            f.request_id = response.request_id.clone();
        })
    })
}

fn origin_of(text: &str) -> Origin {
    Url::parse(text).map_or_else(|_| Origin::new_opaque(), |u| u.origin())
}

fn add_query(url: &mut Url, params: &[String]) {
    if params.is_empty() {
        return;
    }
    let all =
        url.query().filter(|q| !q.is_empty()).map(str::to_owned).into_iter().chain(params.iter().cloned()).collect::<Vec<_>>().join("&");
    url.set_query(Some(&all));
}

fn check(options: &CallOptions) -> Result<()> {
    call_seconds("timeout", options.timeout)?;
    call_seconds("deadline", options.deadline)?;
    max_retries(options.max_retries).map_err(|e| e.with(|f| f.kind = Kind::InvalidArgument))?;
    Ok(())
}

fn merge(base: CallOptions, over: CallOptions) -> CallOptions {
    CallOptions {
        timeout: over.timeout.or(base.timeout),
        deadline: over.deadline.or(base.deadline),
        max_retries: over.max_retries.or(base.max_retries),
    }
}

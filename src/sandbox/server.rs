//! The server: a thread, a listener, and the rules that keep one request from harming the next.
//!
//! One current-thread runtime on a thread of its own, so that a sandbox inside a Python process costs one thread and ends with it.
//! Requests are read whole, within limits; handlers are plain functions, run where a long query blocks nobody else, and a panic in one
//! is a 500.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

use super::faults::{self, Asked, FaultKind, Shape};
use super::part::Part;
use super::sent::{Hangup, Sent};
use super::wire::{Reply, Request, guid};
use super::{House, RequestRecord, access, clock, data, failure, lock, page, record, router, storage};

/// Larger request bodies are refused.
const BODY_MAX: usize = 8 << 20;
/// The same where files come in: above the service's own limit, so that its refusal is what a caller meets.
const UPLOAD_MAX: usize = 32 << 20;
/// The same where a whole world is put in.
const WORLD_MAX: usize = 512 << 20;
/// Request line and headers together.
const HEAD_MAX: usize = 64 << 10;
/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 2048;
/// An idle connection, or one that sends its head slowly, is closed after this.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// A body that comes slower than this is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often two free ports of one number are looked for.
const PORT_TRIES: usize = 20;

/// Where callers come in.
pub(super) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// Without TLS, on 127.0.0.1 alone.
    pub(super) fn plain(port: u16) -> io::Result<Door> {
        Ok(Door { listener: bind(Ipv4Addr::LOCALHOST.into(), port)?, tls: None })
    }

    /// With TLS, for the name `localhost`: many systems try ::1 first, so both addresses answer on one port where there are both.
    pub(super) fn secure(port: u16, config: &Arc<ServerConfig>) -> io::Result<Vec<Door>> {
        let door = |listener| Door { listener, tls: Some(TlsAcceptor::from(Arc::clone(config))) };
        for _ in 0..PORT_TRIES {
            let first = bind(Ipv4Addr::LOCALHOST.into(), port)?;
            match bind(Ipv6Addr::LOCALHOST.into(), first.local_addr()?.port()) {
                Ok(second) => return Ok(vec![door(first), door(second)]),
                Err(e) if e.kind() == io::ErrorKind::AddrInUse && port == 0 => {}
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(e),
                // No IPv6 on this machine.
                Err(_) => return Ok(vec![door(first)]),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }
}

/// Binds to loopback, and to nothing else.
fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((address, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the owner lets go of the other end of `stop`.
pub(super) fn spawn(house: Arc<House>, doors: Vec<Door>, stop: oneshot::Receiver<()>) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(8).build()?;
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    {
        let _inside = runtime.enter();
        for Door { listener, tls } in doors {
            runtime.spawn(accept(Arc::clone(&house), tokio::net::TcpListener::from_std(listener)?, tls, Arc::clone(&seats)));
        }
    }
    std::thread::Builder::new().name("xdrkit-sandbox".into()).spawn(move || {
        let _ = runtime.block_on(stop);
        // Not the plain drop: that would wait for a query that still runs.
        runtime.shutdown_background();
    })
}

async fn accept(house: Arc<House>, listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>, seats: Arc<Semaphore>) {
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: wait until some are free.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (house, tls) = (Arc::clone(&house), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(house, stream, "http").await,
                // A handshake that fails is the caller's to explain.
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                        serve(house, stream, "https").await;
                    }
                }
            }
            drop(seat);
        });
    }
}

async fn serve(house: Arc<House>, stream: impl AsyncRead + AsyncWrite + Unpin, scheme: &'static str) {
    let service = service_fn(move |request| respond(Arc::clone(&house), request, scheme));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_MAX);
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(house: Arc<House>, request: http::Request<Incoming>, scheme: &'static str) -> Result<http::Response<Sent>, Hangup> {
    let (head, body) = request.into_parts();
    let uploads = head.method == http::Method::POST && head.uri.path().to_ascii_lowercase().ends_with("/libraryfiles");
    let most = match head.uri.path() {
        "/_sandbox/world" | "/_sandbox/rows" => WORLD_MAX,
        _ if uploads => UPLOAD_MAX,
        _ => BODY_MAX,
    };
    let read = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, most).collect()).await;
    let started = Instant::now();
    let (refused, body) = match read {
        Ok(Ok(body)) => (None, body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => (Some(413), Bytes::new()),
        Ok(Err(_)) => return Err(Hangup),
        Err(_) => (Some(408), Bytes::new()),
    };
    let request = Request {
        scheme,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body,
    };
    let controls = request.path.starts_with("/_sandbox/") || page::is_asked_for(&request);
    let found = if controls { None } else { router::operation(&request).map(|(op, _)| op) };
    let operation = found.map(|op| op.id);
    let part = Part::of(&request, found);
    let asked = Asked { operation, path: &request.path, part, method: request.method.as_str() };
    let met = if controls { None } else { lock(&house.faults).take(&asked) };
    let kind = met.as_ref().map(|met| met.fault.kind);

    let mut record = RequestRecord {
        number: 0,
        at: house.clock.now(),
        method: request.method.to_string(),
        path: request.path.clone(),
        query: public_query(&request),
        status: 0,
        operation,
        part,
        user: access::user_of(&request),
        duration_us: 0,
        authorization: request.headers.contains_key("authorization"),
        body_bytes: request.body.len(),
        body: record::body(found, &request),
        fault: met.as_ref().map(|met| met.id),
    };
    let stored = request.path.starts_with(storage::ROOT);
    if house.options.record_forms && found.is_none() && !controls && !stored {
        house.record_form(&request);
    }
    match kind {
        Some(FaultKind::Reset) => {
            house.record(record);
            return Err(Hangup);
        }
        Some(FaultKind::Stall) => {
            house.record(record);
            return std::future::pending().await;
        }
        _ => {}
    }
    let head_only = request.method == http::Method::HEAD;
    let request = Arc::new(request);
    let mut reply = match (refused, &met) {
        (Some(status), _) => {
            let message = match status {
                413 => format!("The request body is larger than {} MiB.", most >> 20),
                _ => "The request body did not come in time.".to_owned(),
            };
            let service = router::service_of_path(&request.path);
            failure::Failure::new(status, "RequestRefused", message)
                .reply(service, &guid(), "", house.clock.now())
                .header("Connection", "close")
        }
        (None, Some(met)) if met.fault.kind.answers() => faults::planned(&house, &request, part, &met.fault),
        (None, _) => {
            let (inside, request) = (Arc::clone(&house), Arc::clone(&request));
            let long = stored || page::takes_long(&request) || data::takes_long(&request.path) || found.is_some_and(router::takes_long);
            let run = move || guarded(&inside, &request, router::answer);
            if long { tokio::task::spawn_blocking(run).await.unwrap_or_else(|_| Reply::empty(500)) } else { run() }
        }
    };
    let mut shape = Shape::Whole;
    if let (Some(met), None) = (&met, refused) {
        match faults::spoil(met.fault.kind, &house.base, &request, &mut reply) {
            Some(how) => {
                shape = how;
                reply = reply.header("x-sandbox-fault", met.id.to_string());
            }
            None => {
                lock(&house.faults).give_back(met.id);
                record.fault = None;
            }
        }
    }
    let lost = kind == Some(FaultKind::Lost);
    record.status = if lost { 0 } else { reply.status };
    record.duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    if !controls {
        house.record(record);
    }
    if let Some(delay) = met.map(|met| met.delay).filter(|delay| !delay.is_zero()) {
        tokio::time::sleep(delay).await;
    }
    if lost { Err(Hangup) } else { Ok(response(reply, shape, head_only, house.clock.now())) }
}

/// No handler takes the thread down.
fn guarded(house: &House, request: &Request, handler: fn(&House, &Request) -> Reply) -> Reply {
    catch_unwind(AssertUnwindSafe(|| handler(house, request))).unwrap_or_else(|_| {
        let service = router::service_of_path(&request.path);
        failure::usual(500).reply(service, &guid(), "", house.clock.now())
    })
}

/// The query string, unless it could hold a code or a signature.
fn public_query(request: &Request) -> String {
    let entra = !["/api/", "/v1.0/"].iter().any(|p| request.path.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p)));
    if entra { String::new() } else { request.query.clone().unwrap_or_default() }
}

fn response(reply: Reply, shape: Shape, head_only: bool, now: i64) -> http::Response<Sent> {
    let mut response = http::Response::new(Sent::new(Bytes::new(), Shape::Whole));
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut put = |name: &str, value: &str| {
        // A header that cannot be written is left out: the names and values of faults are anybody's.
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    };
    put("Date", &clock::http_date(now));
    for (name, value) in &reply.headers {
        put(name, value);
    }
    if !head_only {
        *response.body_mut() = Sent::new(Bytes::from(reply.body), shape);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_that_panics_is_a_500_and_no_more() {
        let sandbox = super::super::Sandbox::start(super::super::Options::default()).unwrap();
        let request = Request {
            scheme: "http",
            method: http::Method::GET,
            path: "/v1.0/x".into(),
            query: None,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        };
        let reply = guarded(&sandbox.house, &request, |house, _| {
            let _held = (house.store(), house.directory());
            panic!("a test's panic, caught")
        });
        assert_eq!(reply.status, 500);
        assert!(String::from_utf8(reply.body).unwrap().contains("InternalServerError"));
        // The locks that it held are still good.
        assert!(sandbox.house.store().machine("nobody").is_none());
        assert!(!sandbox.approve("nothing", None));
    }
}

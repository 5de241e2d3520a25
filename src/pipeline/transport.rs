//! The wire. The only file that knows reqwest.
//!
//! What it adds to the library: it tells "never left" from "may have arrived", which is what decides about sending an action again; it
//! follows no redirect (a 307 would post a secret once more, to another host); it reads every gzip member and nothing past a limit; and
//! its error texts hold no URL, since query strings hold signatures and filters.

use crate::{
    clock::BoxFuture,
    error::{Error, Result},
    perprocess::PerProcess,
    request::Request,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::Verifier;
use std::{
    fmt,
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

/// No body is read past this, packed or unpacked.
pub const MAX_BODY: usize = 512 << 20;
/// Packed bytes that are unpacked at once.
const PACKED: usize = 8 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, unpacked.
    pub body: Bytes,
}

impl Answer {
    /// Whether the status says that it went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why nothing came back.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Whether the request may have reached the service.
    pub sent: bool,
    /// Whether time ran out.
    pub timeout: bool,
    /// Whether another try may help.
    pub transient: bool,
    /// Whether a limit of ours was passed.
    pub limit: bool,
    /// What happened; never a URL.
    pub message: String,
}

/// An answer whose body is still coming.
#[derive(Debug)]
pub struct Opened {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Box<dyn Incoming>,
}

/// A body that comes piece by piece, packed as it was sent.
pub trait Incoming: Send + fmt::Debug {
    /// The next piece, or nothing at the end; `timeout` bounds the wait for it.
    fn chunk(&mut self, timeout: Duration) -> BoxFuture<'_, Result<Option<Bytes>, Failure>>;
}

/// Takes the body of a success while it arrives.
pub trait Sink: Send + fmt::Debug {
    /// A new try begins: what came before counts no more.
    fn restart(&mut self);
    /// Whether another try would do no harm.
    fn may_restart(&self) -> bool;
    /// Takes a piece, unpacked. False says that nobody wants the rest.
    fn push<'a>(&'a mut self, piece: &'a [u8]) -> BoxFuture<'a, bool>;
    /// How many bytes were taken since the try began.
    fn taken(&self) -> u64;
}

/// Sends one request once.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends it; `timeout` bounds everything up to the last byte of the body.
    fn send(&self, request: Request, timeout: Duration) -> BoxFuture<'_, Result<Answer, Failure>>;

    /// Sends it; the body of a success goes into the sink while it arrives, and is not in the answer.
    fn send_into<'a>(&'a self, request: Request, timeout: Duration, sink: &'a mut dyn Sink) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            sink.restart();
            let mut answer = self.send(request, timeout).await?;
            if answer.is_success() {
                sink.push(&std::mem::take(&mut answer.body)).await;
            }
            Ok(answer)
        })
    }

    /// Sends it; `timeout` bounds everything up to the headers. Nothing is asked to be packed, so that lengths and ranges are those of the body.
    fn open(&self, request: Request, _timeout: Duration) -> BoxFuture<'_, Result<Opened, Failure>> {
        let message = format!("this wire has no streams, and {} asks for one", request.method);
        Box::pin(async { Err(Failure { sent: false, timeout: false, transient: false, limit: false, message }) })
    }
}

/// How to reach hosts.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// A PEM file with further roots to trust.
    pub ca_bundle: Option<String>,
    /// A proxy for everything, instead of the environment's.
    pub proxy: Option<String>,
}

/// The real wire.
#[derive(Debug)]
pub struct Http {
    network: Network,
    direct: bool,
    plain: PerProcess<reqwest::Client>,
    tls: PerProcess<reqwest::Client>,
}

impl Http {
    /// Checks the settings; nothing is opened yet.
    pub fn new(network: Network) -> Result<Http> {
        if let Some(proxy) = &network.proxy {
            reqwest::Proxy::all(proxy).map_err(|_| Error::setting("proxy", "is no URL, such as \"http://proxy.example:8080\""))?;
        }
        if let Some(path) = &network.ca_bundle {
            roots(path, "ca_bundle")?;
        }
        Ok(Http { network, direct: false, plain: PerProcess::new(), tls: PerProcess::new() })
    }

    /// A way that never leads through a proxy: for addresses that mean this machine.
    pub fn direct() -> Http {
        Http { network: Network::default(), direct: true, plain: PerProcess::new(), tls: PerProcess::new() }
    }

    fn ready(&self, request: &Request) -> Result<Arc<reqwest::Client>, Failure> {
        self.client(request.url.scheme() == "https").map_err(|e| Failure {
            sent: false,
            timeout: false,
            transient: false,
            limit: false,
            message: e.to_string(),
        })
    }

    /// Loading the machine's roots takes a while: a plain connection (to a sandbox) does not wait for it.
    fn client(&self, https: bool) -> Result<Arc<reqwest::Client>> {
        let slot = if https { &self.tls } else { &self.plain };
        slot.get_or_try_make(|| {
            let mut builder = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .connect_timeout(CONNECT_TIMEOUT)
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(16);
            builder = builder.tls_backend_preconfigured(if https { tls(&self.network)? } else { bare_tls()? });
            if self.direct {
                builder = builder.no_proxy();
            } else if let Some(proxy) = &self.network.proxy {
                let proxy = reqwest::Proxy::all(proxy).map_err(|_| Error::setting("proxy", "is no URL"))?;
                builder = builder.no_proxy().proxy(proxy.no_proxy(reqwest::NoProxy::from_string("localhost,127.0.0.0/8,::1")));
            } else if !https {
                builder = builder.no_proxy();
            }
            builder.build().map_err(|e| Error::setting("client", chain(&e)))
        })
    }
}

impl Transport for Http {
    fn send(&self, request: Request, timeout: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        Box::pin(async move {
            let client = self.ready(&request)?;
            tokio::time::timeout(timeout, exchange(&client, request, None)).await.unwrap_or_else(|_| Err(late("complete answer", timeout)))
        })
    }

    fn send_into<'a>(&'a self, request: Request, timeout: Duration, sink: &'a mut dyn Sink) -> BoxFuture<'a, Result<Answer, Failure>> {
        Box::pin(async move {
            sink.restart();
            let client = self.ready(&request)?;
            let exchange = exchange(&client, request, Some(sink));
            tokio::time::timeout(timeout, exchange).await.unwrap_or_else(|_| Err(late("complete answer", timeout)))
        })
    }

    fn open(&self, request: Request, timeout: Duration) -> BoxFuture<'_, Result<Opened, Failure>> {
        Box::pin(async move {
            let client = self.ready(&request)?;
            let beginning = client.execute(on_the_wire(request, "identity"));
            let begun = tokio::time::timeout(timeout, beginning).await;
            let response = begun.map_or_else(|_| Err(late("answer", timeout)), |begun| begun.map_err(failure))?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok(Opened { status, headers, body: Box::new(Body(response)) })
        })
    }
}

/// The rest of an answer.
struct Body(reqwest::Response);

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

impl Incoming for Body {
    fn chunk(&mut self, timeout: Duration) -> BoxFuture<'_, Result<Option<Bytes>, Failure>> {
        Box::pin(async move {
            let piece = tokio::time::timeout(timeout, self.0.chunk()).await;
            piece.map_or_else(|_| Err(late("more of the answer", timeout)), |piece| piece.map_err(failure))
        })
    }
}

fn late(what: &str, timeout: Duration) -> Failure {
    let message = format!("no {what} within {} s", timeout.as_secs_f64());
    Failure { sent: true, timeout: true, transient: true, limit: false, message }
}

fn on_the_wire(request: Request, encoding: &'static str) -> reqwest::Request {
    let mut wire = reqwest::Request::new(request.method, request.url);
    *wire.headers_mut() = request.headers;
    wire.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    // Some servers answer 411 to a POST that does not say that it has no body.
    if *wire.method() == http::Method::POST && request.body.as_ref().is_none_or(Bytes::is_empty) {
        wire.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *wire.body_mut() = request.body.map(Into::into);
    wire
}

async fn exchange(client: &reqwest::Client, request: Request, sink: Option<&mut dyn Sink>) -> Result<Answer, Failure> {
    let mut response = client.execute(on_the_wire(request, "gzip")).await.map_err(failure)?;
    let mut answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), body: Bytes::new() };
    if let (true, Some(sink)) = (answer.is_success(), sink) {
        pour(&mut response, &answer.headers, sink).await?;
        return Ok(answer);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    answer.body = unpack(&answer.headers, body.freeze())?;
    Ok(answer)
}

/// Hands a body on while it arrives.
async fn pour(response: &mut reqwest::Response, headers: &HeaderMap, sink: &mut dyn Sink) -> Result<(), Failure> {
    let mut gzip = is_gzip(headers)?.then(|| flate2::write::MultiGzDecoder::new(Vec::new()));
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        let wanted = match &mut gzip {
            None => sink.push(&chunk).await,
            Some(gzip) => {
                let mut wanted = true;
                // What a few bytes unpack to may be a thousand times as much: never more than some megabytes lie here at once.
                for part in chunk.chunks(PACKED) {
                    gzip.write_all(part).map_err(|e| damaged(&e))?;
                    let piece = std::mem::take(gzip.get_mut());
                    wanted = wanted && (piece.is_empty() || sink.push(&piece).await);
                }
                wanted
            }
        };
        if sink.taken() > MAX_BODY as u64 {
            return Err(too_large());
        }
        if !wanted {
            return Ok(());
        }
    }
    if let Some(gzip) = &mut gzip {
        gzip.try_finish().map_err(|e| damaged(&e))?;
        let piece = std::mem::take(gzip.get_mut());
        if !piece.is_empty() {
            sink.push(&piece).await;
        }
    }
    Ok(())
}

fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let text = chain(&error);
    // A certificate that is not trusted is not trusted the second time either.
    let certificate = text.contains("certificate");
    let hint = if certificate { "; if a proxy inspects traffic here, name its root in ca_bundle= or SSL_CERT_FILE" } else { "" };
    Failure {
        sent: !error.is_connect(),
        timeout: error.is_timeout(),
        transient: !certificate && !error.is_builder(),
        limit: false,
        message: format!("{text}{hint}"),
    }
}

fn too_large() -> Failure {
    let message = format!("the answer is larger than {} MiB", MAX_BODY >> 20);
    Failure { sent: true, timeout: false, transient: false, limit: true, message }
}

/// The error and its causes; libraries repeat themselves, so what a cause says already is left out.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// All members of a gzip body; a body that is cut off is an error, since JSON lines would end early without a word.
fn unpack(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Failure> {
    if !is_gzip(headers)? {
        return Ok(body);
    }
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(&*body).take(MAX_BODY as u64 + 1);
    reader.read_to_end(&mut out).map_err(|e| damaged(&e))?;
    if out.len() > MAX_BODY { Err(too_large()) } else { Ok(out.into()) }
}

/// Whether a body is packed; an encoding that was not asked for is an error.
fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("identity").trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        other => {
            let message = format!("the body has an encoding that was not asked for: {other}");
            Err(Failure { sent: true, timeout: false, transient: false, limit: false, message })
        }
    }
}

fn damaged(error: &std::io::Error) -> Failure {
    let message = format!("the gzip body is damaged: {error}");
    Failure { sent: true, timeout: false, transient: true, limit: false, message }
}

fn tls(network: &Network) -> Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut extra = Vec::new();
    // The variables that the Python world sets; the platform verifier reads SSL_CERT_FILE itself.
    let from_environment =
        ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"].iter().find_map(|n| std::env::var(n).ok().filter(|v| !v.is_empty()).map(|v| (*n, v)));
    if let Some(path) = &network.ca_bundle {
        extra = roots(path, "ca_bundle")?;
    } else if let Some((name, path)) = from_environment {
        extra = roots(&path, name)?;
    }
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::setting("tls", e))?;
    let config = match Verifier::new_with_extra_roots(extra.clone(), provider) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        // Slim images have no roots at all.
        Err(_) => {
            let mut store = rustls::RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            store.add_parsable_certificates(extra);
            builder.with_root_certificates(store).with_no_client_auth()
        }
    };
    Ok(config)
}

/// A TLS set-up that trusts nobody, for clients that only speak plain HTTP.
fn bare_tls() -> Result<rustls::ClientConfig> {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|e| Error::setting("tls", e))?;
    Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

fn roots(path: &str, name: &str) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match certificates {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(Error::setting(name, format!("{path:?} holds no certificate in PEM form"))),
        Err(e) => Err(Error::setting(name, format!("{path:?} cannot be read as PEM: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gz(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip_headers() -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))])
    }

    #[test]
    fn every_gzip_member_is_read() {
        let body = [gz("one "), gz("two")].concat();
        assert_eq!(unpack(&gzip_headers(), body.into()).unwrap(), "one two");
    }

    #[test]
    fn a_cut_gzip_body_is_an_error() {
        let whole = gz("some text that is long enough");
        for cut in 1..whole.len() {
            assert!(unpack(&gzip_headers(), whole[..cut].to_vec().into()).is_err(), "{cut}");
        }
    }
}

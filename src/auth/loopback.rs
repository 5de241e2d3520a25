//! The listener that the browser brings the answer to.
//!
//! For some minutes this process is a web server that any program and any page on this machine can talk to. So it is the smallest there can be:
//! loopback addresses only, one bounded request a connection, everything refused that it does not expect, and only the one answer that carries
//! the sign-in's state ends the wait. All sockets belong to one future and close with it.

use super::code::{ResponseMode, Verdict};
use crate::{
    error::{Error, Result},
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use std::{
    borrow::Cow,
    future::pending,
    io,
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use url::Url;
use zeroize::Zeroizing;

/// Head and body together.
/// How our pages look, by day and by night.
const STYLE: &str =
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}";
const MAX_REQUEST: usize = 64 << 10;
const END: &[u8] = b"\r\n\r\n";
const MAX_HEADERS: usize = 100;
/// Browsers open a few connections ahead; nobody needs more at once.
const MAX_CONNECTIONS: usize = 16;
/// A connection that has not said all by then is closed.
const PATIENCE: Duration = Duration::from_secs(5);
/// The page is a few hundred bytes: whoever does not take them at once does not want them.
const FAREWELL: Duration = Duration::from_secs(1);
/// How many ports to try until one is free for both families.
const PORTS: usize = 20;

/// Where on this machine the browser brings the answer. The default is `http://localhost` with any free port and no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    host: &'static str,
    /// 0: any free one.
    port: u16,
    /// As registered: empty, or with its slash.
    path: String,
}

impl Default for Redirect {
    fn default() -> Redirect {
        Redirect { host: "localhost", port: 0, path: String::new() }
    }
}

impl Redirect {
    /// Reads one such as `http://localhost`, `http://localhost:8400` or `http://127.0.0.1:8400/callback`. Without a port any free one is taken.
    pub fn parse(text: &str) -> Result<Redirect> {
        let wrong = |what: &str| {
            Error::setting("redirect_uri", format!("{text:?} {what}"))
                .hint("it is one that the application's registration lists under \"Mobile and desktop applications\", such as \"http://localhost\"")
        };
        let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
        let host = ["localhost", "127.0.0.1", "[::1]"].into_iter().find(|h| url.host_str() == Some(h));
        let (Some(host), "http") = (host, url.scheme()) else {
            return Err(wrong("is not this machine: it begins with http://localhost or http://127.0.0.1"));
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has user info, a query or a fragment"));
        }
        let path = if text.ends_with('/') || url.path() != "/" { url.path().to_owned() } else { String::new() };
        // URLs leave out port 80, even if it was asked for.
        let is_80 = text.split('/').nth(2).is_some_and(|authority| authority.ends_with(":80"));
        Ok(Redirect { host, port: url.port().unwrap_or(if is_80 { 80 } else { 0 }), path })
    }

    fn uri(&self, port: u16) -> String {
        format!("http://{}:{port}{}", self.host, self.path)
    }
}

type Judge = Box<dyn Fn(&[u8]) -> Verdict + Send + Sync>;

/// The open sockets.
pub(super) struct Listener {
    v4: Option<TcpListener>,
    v6: Option<TcpListener>,
    port: u16,
    redirect: Redirect,
    patience: Duration,
}

impl Listener {
    /// Opens them. Browsers take `localhost` for either family, so both are taken: nobody else may sit where the answer could go.
    pub(super) async fn bind(redirect: &Redirect) -> io::Result<Listener> {
        let mut tries = 1;
        loop {
            match bind_once(redirect).await {
                Err(e) if e.kind() == io::ErrorKind::AddrInUse && redirect.port == 0 && tries < PORTS => tries += 1,
                other => return other,
            }
        }
    }

    /// Where the browser has to be sent.
    pub(super) fn redirect_uri(&self) -> String {
        self.redirect.uri(self.port)
    }

    /// Waits for the one answer that counts.
    pub(super) async fn answer(self, mode: ResponseMode, judge: impl Fn(&[u8]) -> Verdict + Send + Sync + 'static) -> Result<Secret> {
        let path = if self.redirect.path.is_empty() { "/".to_owned() } else { self.redirect.path.clone() };
        let desk = Arc::new(Desk { port: self.port, path, mode, patience: self.patience, judge: Box::new(judge) });
        let mut connections = JoinSet::new();
        loop {
            let free = connections.len() < MAX_CONNECTIONS;
            let stream = tokio::select! {
                Some(ended) = connections.join_next() => match ended {
                    Ok(Some(answer)) => return answer,
                    _ => continue,
                },
                stream = accept(&self.v4), if free => stream,
                stream = accept(&self.v6), if free => stream,
            };
            let desk = desk.clone();
            connections.spawn(async move { desk.serve(stream).await });
        }
    }
}

async fn bind_once(redirect: &Redirect) -> io::Result<Listener> {
    let listener = |v4, v6, port| Listener { v4, v6, port, redirect: redirect.clone(), patience: PATIENCE };
    if redirect.host == "[::1]" {
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, redirect.port)).await?;
        let port = v6.local_addr()?.port();
        return Ok(listener(None, Some(v6), port));
    }
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, redirect.port)).await?;
    let port = v4.local_addr()?.port();
    if redirect.host != "localhost" {
        return Ok(listener(Some(v4), None, port));
    }
    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        Ok(v6) => Ok(listener(Some(v4), Some(v6), port)),
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => Err(e),
        // A machine without IPv6 sends nothing there either.
        Err(_) => Ok(listener(Some(v4), None, port)),
    }
}

async fn accept(listener: &Option<TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of file handles, say: that passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Who answers connections.
struct Desk {
    port: u16,
    path: String,
    mode: ResponseMode,
    patience: Duration,
    judge: Judge,
}

impl Desk {
    async fn serve(&self, mut stream: TcpStream) -> Option<Result<Secret>> {
        let received = timeout(self.patience, receive(&mut stream)).await.unwrap_or(Err(Page::TIMEOUT));
        let (page, answer) = match received.and_then(|(head, body)| self.judge(&head, &body)) {
            Ok(answer) => (Page::for_answer(&answer), Some(answer)),
            Err(page) => (page, None),
        };
        let unread = answer.is_none() && page != Page::TIMEOUT;
        let _ = timeout(FAREWELL, send(&mut stream, &page, unread)).await;
        answer
    }

    /// The answer that a request carries, or the page for a request that carries none.
    fn judge(&self, head: &Head, body: &[u8]) -> Result<Result<Secret>, Page> {
        let port = self.port;
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let is_host = |name: &&str| head.host == format!("{name}:{port}") || (port == 80 && head.host == **name);
        if !names.iter().any(is_host) {
            return Err(Page::BAD);
        }
        if head.path != self.path {
            return Err(Page::NOTHING_HERE);
        }
        let answer = match (self.mode, head.method.as_str(), &head.query) {
            (ResponseMode::FormPost, "POST", _) if head.is_form => body,
            (ResponseMode::Query, "GET", Some(query)) => query.as_bytes(),
            (_, "GET", None) => return Err(Page::NOTHING_HERE),
            _ => return Err(Page::BAD),
        };
        match (self.judge)(answer) {
            Verdict::Final(answer) => Ok(answer),
            Verdict::Foreign => {
                tracing::warn!(target: "xdrkit", "an answer that belongs to no sign-in of this program was refused on port {port}");
                Err(Page::FOREIGN)
            }
            Verdict::Empty => Err(Page::BAD),
        }
    }
}

/// What matters of a request's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    method: String,
    path: String,
    query: Option<String>,
    host: String,
    is_form: bool,
    length: usize,
}

impl Head {
    /// Reads a head, without the empty line that ends it.
    fn parse(bytes: &[u8]) -> Result<Head, Page> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split("\r\n");
        if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) || text.replace("\r\n", "").contains(['\r', '\n']) {
            return Err(Page::BAD);
        }
        let words: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
        let &[method, target, "HTTP/1.1" | "HTTP/1.0"] = words.as_slice() else { return Err(Page::BAD) };
        if !target.starts_with('/') || !target.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
            return Err(Page::BAD);
        }
        let (mut host, mut length, mut kind) = (None, None, None);
        for (count, line) in lines.enumerate() {
            let (name, value) = line.split_once(':').filter(|(name, _)| is_token(name) && count < MAX_HEADERS).ok_or(Page::BAD)?;
            let value = value.trim_matches([' ', '\t']).to_ascii_lowercase();
            let before = match name.to_ascii_lowercase().as_str() {
                "host" => host.replace(value),
                "content-length" => length.replace(value),
                "content-type" => kind.replace(value),
                // A length in two ways is how one request is taken for two.
                "transfer-encoding" => return Err(Page::BAD),
                _ => None,
            };
            if before.is_some() {
                return Err(Page::BAD);
            }
        }
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        let kind = kind.unwrap_or_default();
        Ok(Head {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            host: host.ok_or(Page::BAD)?,
            is_form: kind.split(';').next().is_some_and(|k| k.trim_end() == "application/x-www-form-urlencoded"),
            length: length.map_or(Ok(0), |digits| count(&digits))?,
        })
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn count(digits: &str) -> Result<usize, Page> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Page::BAD);
    }
    digits.parse().ok().filter(|n| *n <= MAX_REQUEST).ok_or(Page::TOO_LARGE)
}

/// Reads one request, and not a byte past its limits.
async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Result<(Head, Zeroizing<Vec<u8>>), Page> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 << 10));
    let (head, begin) = loop {
        let seen = bytes.len();
        more(stream, &mut bytes).await?;
        // The end may lie across two pieces.
        let from = seen.saturating_sub(END.len() - 1);
        if let Some(at) = bytes.windows(END.len()).skip(from).position(|w| w == END) {
            let end = from + at;
            break (Head::parse(bytes.get(..end).unwrap_or_default())?, end + END.len());
        }
    };
    let end = begin + head.length;
    if end > MAX_REQUEST {
        return Err(Page::TOO_LARGE);
    }
    while bytes.len() < end {
        more(stream, &mut bytes).await?;
    }
    let body = bytes.get(begin..end).unwrap_or_default().to_vec();
    Ok((head, Zeroizing::new(body)))
}

async fn more(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Result<(), Page> {
    let room = MAX_REQUEST - bytes.len().min(MAX_REQUEST);
    if room == 0 {
        return Err(Page::TOO_LARGE);
    }
    match (&mut *stream).take(room as u64).read_buf(bytes).await {
        Ok(1..) => Ok(()),
        _ => Err(Page::BAD),
    }
}

/// Sends the page. A refusal may leave bytes unread, and closing on those would take the page away again: they are read first.
async fn send(stream: &mut TcpStream, page: &Page, unread: bool) -> io::Result<()> {
    stream.write_all(page.response().as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = vec![0; 4 << 10];
    while unread && stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// What the browser shows.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    status: &'static str,
    title: &'static str,
    text: Cow<'static, str>,
}

impl Page {
    const BAD: Page = Page::new("400 Bad Request", "Not understood", "This is not what a sign-in page sends.");
    const FOREIGN: Page = Page::new(
        "400 Bad Request",
        "Not this sign-in",
        "This answer belongs to another sign-in, perhaps to an older one. Use the page that was opened last.",
    );
    const NOTHING_HERE: Page =
        Page::new("404 Not Found", "Nothing here", "A program waits here for the answer to a sign-in, and for nothing else.");
    const TIMEOUT: Page = Page::new("408 Request Timeout", "Too slow", "The request did not come in time.");
    const TOO_LARGE: Page = Page::new("413 Content Too Large", "Too much", "No sign-in page sends so much.");

    const fn new(status: &'static str, title: &'static str, text: &'static str) -> Page {
        Page { status, title, text: Cow::Borrowed(text) }
    }

    fn for_answer(answer: &Result<Secret>) -> Page {
        let text = "The answer has arrived. You can close this tab and go back to your program.";
        match answer {
            Ok(_) => Page::new("200 OK", "Signed in", text),
            Err(e) => {
                let text = format!("{e}. You can close this tab; the program says what to do.");
                Page { status: "200 OK", title: "Sign-in failed", text: Cow::Owned(text) }
            }
        }
    }

    fn response(&self) -> String {
        let (title, text) = (self.title, escape(&self.text));
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\
             <body><h1>{title}</h1><p>{text}</p></body></html>\n"
        );
        // This one style, and nothing else.
        let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        let (status, length) = (self.status, html.len());
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\
             Cache-Control: no-store\r\nPragma: no-cache\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\r\n{html}"
        )
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};
    use std::{
        io::{Read, Write},
        net::{Shutdown, SocketAddr},
    };

    /// Says something to the listener and gives its answer, or what was read of it before the connection ended.
    fn say(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The listener may have heard enough before the end.
        let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut heard = Vec::new();
        match stream.read_to_end(&mut heard) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => panic!("the listener hangs"),
            _ => String::from_utf8(heard).unwrap(),
        }
    }

    fn verdict(answer: &[u8]) -> Verdict {
        match answer {
            b"right" => Verdict::Final(Ok(Secret::new("code"))),
            b"empty" => Verdict::Empty,
            _ => Verdict::Foreign,
        }
    }

    fn post(port: u16, body: &str) -> String {
        let kind = "application/x-www-form-urlencoded";
        format!("POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn head(text: &str) -> Result<Head, Page> {
        Head::parse(text.as_bytes())
    }

    /// Runs a listener beside what talks to it.
    async fn with_listener<T: Send + 'static>(
        redirect: &str,
        mode: ResponseMode,
        talk: impl FnOnce(SocketAddr) -> T + Send + 'static,
    ) -> (T, Result<Secret>) {
        let mut listener = Listener::bind(&Redirect::parse(redirect).unwrap()).await.unwrap();
        listener.patience = Duration::from_millis(100);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.port));
        let answer = tokio::spawn(listener.answer(mode, verdict));
        let talked = tokio::task::spawn_blocking(move || talk(address)).await.unwrap();
        (talked, answer.await.unwrap())
    }

    #[test]
    fn a_redirect_leads_to_this_machine_and_keeps_its_path() {
        for (text, uri) in [
            ("http://localhost", "http://localhost:7"),
            ("http://localhost/", "http://localhost:7/"),
            ("http://127.0.0.1:8400/callback", "http://127.0.0.1:7/callback"),
            ("http://[::1]/a/", "http://[::1]:7/a/"),
        ] {
            assert_eq!(Redirect::parse(text).unwrap().uri(7), uri);
        }
        let port = |text| Redirect::parse(text).unwrap().port;
        assert_eq!([port("http://localhost"), port("http://localhost:80/x"), port("http://localhost:8400")], [0, 80, 8400]);
        for bad in [
            "localhost",
            "https://localhost",
            "http://localhost.evil.example",
            "http://0.0.0.0:1",
            "http://192.168.0.1",
            "http://u@localhost",
            "http://localhost/?a",
            "http://localhost/#a",
            "http://127.0.0.2",
        ] {
            assert_eq!(Redirect::parse(bad).unwrap_err().kind(), crate::error::Kind::Configuration, "{bad}");
        }
    }

    #[test]
    fn a_head_is_read_by_the_letter() {
        let good = head(
            "POST /a?b=c HTTP/1.1\r\nHOST: LocalHost:7\r\ncontent-type:application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 12",
        );
        let expected = Head {
            method: "POST".to_owned(),
            path: "/a".to_owned(),
            query: Some("b=c".to_owned()),
            host: "localhost:7".to_owned(),
            is_form: true,
            length: 12,
        };
        assert_eq!(good, Ok(expected));
        let long = "\r\na: b".repeat(MAX_HEADERS);
        for bad in [
            "",
            "GET /",
            "GET  / HTTP/1.1\r\nHost: a",
            "GET / HTTP/2.0\r\nHost: a",
            "GET a HTTP/1.1\r\nHost: a",
            "GET http://localhost/ HTTP/1.1\r\nHost: a",
            "GET /\u{e9} HTTP/1.1\r\nHost: a",
            "GET / HTTP/1.1",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a",
            "GET / HTTP/1.1\r\nHost: a\nX: b",
            "GET / HTTP/1.1\r\nHost: a\rX: b",
            "GET / HTTP/1.1\r\nHost: a\0",
            "GET / HTTP/1.1\r\nHost : a",
            "GET / HTTP/1.1\r\nHost: a\r\n folded",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked",
            &format!("GET / HTTP/1.1\r\nHost: a{long}"),
        ] {
            assert_eq!(head(bad), Err(Page::BAD), "{bad:?}");
        }
        for length in ["65537", "99999999999999999999999999"] {
            assert_eq!(head(&format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}")), Err(Page::TOO_LARGE));
        }
    }

    #[test]
    fn a_page_shows_a_foreign_text_as_text() {
        let error = Error::new(crate::error::Kind::Authentication, "<script>alert('1')</script>&\"");
        let page = Page::for_answer(&Err(error)).response();
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn only_the_answer_that_is_expected_ends_the_wait() {
        let (pages, answer) = with_listener("http://localhost", ResponseMode::FormPost, |address| {
            let port = address.port();
            let right = post(port, "right");
            let with = |from: &str, to: &str| right.replace(from, to);
            let large = "x".repeat(MAX_REQUEST);
            let heads = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nX: {large}");
            let noise = [
                post(port, "wrong"),
                post(port, "empty"),
                with("POST", "PUT"),
                with("POST", "OPTIONS"),
                with("POST / ", "POST /other "),
                with("x-www-form-urlencoded", "json"),
                with("localhost", "evil.example"),
                with(&format!("localhost:{port}"), "localhost"),
                with(&format!("localhost:{port}"), &format!("localhost:{port}.evil.example")),
                with(&format!("localhost:{port}"), "localhost:1"),
                with("Host: ", "X: "),
                with("Content-Length: 5", "Content-Length: 6"),
                with("Content-Length: 5", "Content-Length: 65537"),
                with("Content-Length: 5", "Transfer-Encoding: chunked"),
                with("POST / ", "GET /?right "),
                with("POST / ", "GET / "),
                with("POST / ", "GET /favicon.ico "),
                heads,
                String::new(),
            ];
            let mut pages: Vec<_> = noise.iter().map(|n| say(address, n.as_bytes())).collect();
            pages.push(say(address, right.as_bytes()));
            pages
        })
        .await;
        assert_eq!(answer.unwrap().expose(), "code");
        let (last, refused) = pages.split_last().unwrap();
        let statuses: Vec<_> = refused.iter().map(|p| p.get(9..12).unwrap_or("none")).collect();
        let expected = "400 400 400 400 404 400 400 400 400 400 400 400 413 400 400 404 404 413 400";
        assert_eq!(statuses.join(" "), expected);
        for header in [
            "HTTP/1.1 200 OK\r\n",
            "Cache-Control: no-store\r\n",
            "Referrer-Policy: no-referrer\r\n",
            "X-Content-Type-Options: nosniff\r\n",
            "Content-Security-Policy: default-src 'none';",
            "Connection: close\r\n",
        ] {
            assert!(last.contains(header), "{header} is missing in {last}");
        }
        assert!(last.contains("You can close this tab"));
        assert!(!last.contains("code"), "the page repeats the code: {last}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_in_the_query_is_taken_only_if_it_was_asked_for() {
        let (posted, answer) = with_listener("http://127.0.0.1/cb", ResponseMode::Query, |address| {
            let port = address.port();
            let posted = say(address, post(port, "right").replace("POST /", "POST /cb").as_bytes());
            say(address, format!("GET /cb?right HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes());
            posted
        })
        .await;
        assert!(posted.starts_with("HTTP/1.1 400"), "{posted}");
        assert_eq!(answer.unwrap().expose(), "code");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn silent_connections_do_not_keep_the_answer_out() {
        let (slow, answer) = with_listener("http://localhost", ResponseMode::FormPost, |address| {
            let silent: Vec<_> = (0..3 * MAX_CONNECTIONS).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
            let page = say(address, post(address.port(), "right").as_bytes());
            assert!(page.starts_with("HTTP/1.1 200"), "{page}");
            let mut slow = String::new();
            let _ = silent.into_iter().next().map(|mut s| s.read_to_string(&mut slow));
            slow
        })
        .await;
        assert_eq!(answer.unwrap().expose(), "code");
        assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    }

    #[tokio::test]
    async fn a_request_may_come_byte_by_byte() {
        let request = post(7, "right");
        let (mut there, mut here) = tokio::io::duplex(1);
        let sent = tokio::spawn(async move { there.write_all(request.as_bytes()).await });
        let (head, body) = receive(&mut here).await.unwrap();
        assert_eq!((head.host.as_str(), body.as_slice()), ("localhost:7", &b"right"[..]));
        sent.await.unwrap().unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_families_are_taken_and_nothing_else() {
        let listener = Listener::bind(&Redirect::default()).await.unwrap();
        for socket in [&listener.v4, &listener.v6].into_iter().flatten() {
            let address = socket.local_addr().unwrap();
            assert!(address.ip().is_loopback() && address.port() == listener.port, "{address}");
        }
        let Ok(probe) = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else { return };
        assert!(listener.v6.is_some(), "this machine has IPv6: {probe:?}");
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, listener.port));
        let port = listener.port;
        let answer = tokio::spawn(listener.answer(ResponseMode::FormPost, verdict));
        let request = post(port, "right").replace("localhost", "[::1]");
        tokio::task::spawn_blocking(move || say(address, request.as_bytes())).await.unwrap();
        assert_eq!(answer.await.unwrap().unwrap().expose(), "code");
    }

    #[tokio::test]
    async fn a_port_that_somebody_holds_in_either_family_is_not_used() {
        for holder in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))] {
            let Ok(held) = std::net::TcpListener::bind(holder) else { continue };
            let port = held.local_addr().unwrap().port();
            let redirect = Redirect::parse(&format!("http://localhost:{port}")).unwrap();
            let error = Listener::bind(&redirect).await.map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{holder}");
        }
    }

    fn garbage() -> impl Strategy<Value = Vec<u8>> {
        let words =
            ["POST ", "GET ", "/", " HTTP/1.1", "\r\n", "\r\n\r\n", "Host: localhost:PORT", "Content-Length: 5", ": ", "\n", "right", "é"];
        let pieces = vec(select(words.to_vec()), 0..12).prop_map(|w| w.concat().into_bytes());
        prop_oneof![vec(any::<u8>(), 0..2000), pieces]
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn garbage_is_answered_and_changes_nothing() {
        let (heard, answer) = with_listener("http://localhost", ResponseMode::FormPost, |address| {
            let mut runner = TestRunner::new(ProptestConfig::with_cases(200));
            let result = runner.run(&garbage(), |bytes| {
                let page = say(address, &bytes);
                prop_assert!(page.starts_with("HTTP/1.1 4"), "{page:?}");
                Ok(())
            });
            say(address, post(address.port(), "right").as_bytes());
            result
        })
        .await;
        heard.unwrap();
        assert_eq!(answer.unwrap().expose(), "code");
    }

    proptest! {
        #[test]
        fn no_head_makes_the_reader_panic(bytes in garbage()) {
            if let Ok(head) = Head::parse(&bytes) {
                prop_assert!(head.path.starts_with('/') && head.length <= MAX_REQUEST && !head.host.contains(' '));
            }
        }

        #[test]
        fn an_escaped_text_holds_no_markup(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}

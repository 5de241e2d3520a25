//! The cloud storage behind the links that the service hands out.
//!
//! A link carries its own right: whoever has it may read that one file until it is over. Azure refuses a request that brings a token as
//! well, and a client that sends its bearer there has given it away. So no token is taken here, and one that comes is refused.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;

use super::wire::{Reply, Request, escape, field, guid, random, unescape};
use super::{House, clock, lock};

/// Where the files lie.
pub(super) const ROOT: &str = "/_storage/";

const VERSION: &str = "2024-11-04";
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const PATH: &AsciiSet = &VALUE.remove(b'/').remove(b'=');

/// What a file holds.
#[derive(Clone)]
pub(super) enum Blob {
    /// These bytes.
    Whole(Bytes),
    /// What this makes, the same each time: a large file need not lie in memory until somebody asks for it.
    Made(Arc<dyn Fn() -> Vec<u8> + Send + Sync>),
}

impl Blob {
    pub(super) fn made(make: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Blob {
        Blob::Made(Arc::new(make))
    }

    fn bytes(self) -> Bytes {
        match self {
            Blob::Whole(bytes) => bytes,
            Blob::Made(make) => make().into(),
        }
    }
}

/// Every file, by its path: `container/folder/name`.
pub(super) type Blobs = HashMap<String, Blob>;

/// Puts a file there, in place of one of the same path.
pub(super) fn put(house: &House, path: &str, blob: Blob) {
    lock(&house.blobs).insert(path.to_owned(), blob);
}

/// A link to a file that is good for so many seconds.
pub(super) fn link(house: &House, path: &str, seconds: i64) -> String {
    let now = house.clock.now();
    let moment = |ticks: i64| clock::written(ticks, "%Y-%m-%dT%H:%M:%SZ");
    let (start, end) = (moment(now), moment(now + seconds * clock::SECOND));
    let quoted = |text: &str| utf8_percent_encode(text, VALUE).to_string();
    format!(
        "{}{ROOT}{}?sv={VERSION}&st={}&se={}&sr=b&sp=r&sig={}",
        house.base,
        utf8_percent_encode(path, PATH),
        quoted(&start),
        quoted(&end),
        quoted(&STANDARD.encode(hmac::sign(key(), &signed(path, &start, &end))))
    )
}

/// The key that links are signed with: no longer good than the process.
fn key() -> &'static hmac::Key {
    static KEY: OnceLock<hmac::Key> = OnceLock::new();
    KEY.get_or_init(|| hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()))
}

fn signed(path: &str, start: &str, end: &str) -> Vec<u8> {
    format!("r\n{start}\n{end}\n/{path}\n{VERSION}\nb").into_bytes()
}

/// Answers a request for the file of that path (as it stands in the URL, without [`ROOT`]).
pub(super) fn answer(house: &House, request: &Request, path: &str) -> Reply {
    if !["GET", "HEAD"].contains(&request.method.as_str()) {
        return refused(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.", "").header("Allow", "GET, HEAD");
    }
    if request.headers.contains_key("authorization") {
        let message = "Authentication information is not given in the correct format. Check the value of Authorization header.";
        return refused(400, "InvalidAuthenticationInfo", message, "");
    }
    let path = unescape(path);
    if let Err(detail) = good(house, request, &path) {
        return unsigned(&detail);
    }
    // Made outside the lock: it may take a while.
    let blob = lock(&house.blobs).get(&path).cloned();
    match blob {
        Some(blob) => file(request, &path, &blob.bytes()),
        None => refused(404, "BlobNotFound", "The specified blob does not exist.", ""),
    }
}

/// Whether the link is one of ours and not over.
fn good(house: &House, request: &Request, path: &str) -> Result<(), String> {
    let fields = request.fields();
    let given = |name: &str| field(&fields, name).unwrap_or_default();
    let (start, end) = (given("st"), given("se"));
    let signature = STANDARD.decode(given("sig")).map_err(|_| "Signature is not well formed.".to_owned())?;
    hmac::verify(key(), &signed(path, start, end), &signature).map_err(|_| "Signature did not match.".to_owned())?;
    let now = house.clock.now();
    if clock::parse(end).is_none_or(|end| end <= now) {
        return Err(format!("Signed expiry time [{end}] must be after the current time [{}]", clock::http_date(now)));
    }
    Ok(())
}

/// What a link gets that was good until then.
pub(super) fn over(house: &House, end: i64) -> Reply {
    let (end, now) = (clock::written(end, "%Y-%m-%dT%H:%M:%SZ"), clock::http_date(house.clock.now()));
    unsigned(&format!("Signed expiry time [{end}] must be after the current time [{now}]"))
}

fn unsigned(detail: &str) -> Reply {
    let message = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including \
                   the signature.";
    refused(403, "AuthenticationFailed", message, detail)
}

fn refused(status: u16, code: &str, message: &str, detail: &str) -> Reply {
    let id = guid();
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!("<AuthenticationErrorDetail>{}</AuthenticationErrorDetail>", escape(detail))
    };
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}\nRequestId:{id}</Message>{detail}</Error>"
    );
    Reply::empty(status)
        .header("Content-Type", "application/xml")
        .header("x-ms-error-code", code)
        .header("x-ms-request-id", id)
        .with_body(body)
}

/// The file, or the part of it that was asked for.
fn file(request: &Request, path: &str, content: &Bytes) -> Reply {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    let tag: String = digest.as_ref().iter().take(8).map(|b| format!("{b:02X}")).collect();
    let tag = format!("\"0x{tag}\"");
    let dressed = |reply: Reply| {
        reply
            .header("Content-Type", media_type(path))
            .header("Accept-Ranges", "bytes")
            .header("ETag", tag.as_str())
            .header("x-ms-version", VERSION)
            .header("x-ms-blob-type", "BlockBlob")
            .header("x-ms-request-id", guid())
    };
    if request.header("if-match").is_some_and(|wanted| wanted != "*" && wanted != tag) {
        return refused(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.", "");
    }
    let whole = || dressed(Reply::empty(200)).with_body(content.to_vec());
    let current = request.header("if-range").is_none_or(|wanted| wanted == tag);
    let Some(range) = request.header("range").filter(|_| current) else { return whole() };
    let length = content.len();
    match span(range, length) {
        None => whole(),
        Some(Err(())) => refused(416, "InvalidRange", "The range specified is invalid for the current size of the resource.", "")
            .header("Content-Range", format!("bytes */{length}")),
        Some(Ok((first, end))) => dressed(Reply::empty(206))
            .header("Content-Range", format!("bytes {first}-{}/{length}", end.saturating_sub(1)))
            .with_body(content.get(first..end).unwrap_or_default()),
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("zip") => "application/zip",
        Some("gz") => "application/gzip",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

/// The bytes that a `Range` header means, the last excluded. None outside: it is no range of bytes, or of several; then it does not count.
fn span(range: &str, length: usize) -> Option<Result<(usize, usize), ()>> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let span = match (first, last) {
        ("", last) => (length.saturating_sub(last.parse().ok()?), length),
        (first, "") => (first.parse().ok()?, length),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.saturating_add(1).min(length)),
    };
    Some(if span.0 < span.1 { Ok(span) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (range, expected) in [
            ("bytes=0-", Some(Ok((0, 10)))),
            ("bytes=3-5", Some(Ok((3, 6)))),
            ("bytes=3-500", Some(Ok((3, 10)))),
            ("bytes=-4", Some(Ok((6, 10)))),
            ("bytes=-40", Some(Ok((0, 10)))),
            ("bytes=10-", Some(Err(()))),
            ("bytes=5-3", Some(Err(()))),
            ("bytes=x-3", None),
            ("lines=1-2", None),
            ("bytes=1-2,4-5", None),
        ] {
            assert_eq!(span(range, 10), expected, "{range}");
        }
    }
}

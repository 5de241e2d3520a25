//! Requests and answers as handlers see them: whole, in memory, with no server around them.

use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use ring::rand::{SecureRandom, SystemRandom};

use crate::json::Value;

/// A request whose body has come in.
pub(super) struct Request {
    /// `http`, or `https` where it came through TLS.
    pub(super) scheme: &'static str,
    pub(super) method: Method,
    /// Still percent-encoded.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: bytes::Bytes,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The fields of a form body, in their order.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The fields of the query string, in their order.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes()).into_owned().collect()
    }

    /// Scheme and host under which the caller reached us: next links must lead back there.
    pub(super) fn origin(&self, own: &str) -> String {
        let plain = |h: &&str| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
        self.header("host").filter(plain).map_or_else(|| own.to_owned(), |host| format!("{}://{host}", self.scheme))
    }

    /// The value of a cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        let pairs = self.headers.get_all("cookie").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
        pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// Whether a web page of another origin sent this.
    pub(super) fn is_cross_origin(&self, own: &str) -> bool {
        self.header("origin").is_some_and(|o| o != own && o != self.origin(own))
    }
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn empty(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(super) fn json(status: u16, body: &Value) -> Reply {
        Reply::empty(status).header("Content-Type", "application/json; charset=utf-8").with_body(body.to_string())
    }

    /// A page for people. It runs no script, loads nothing, is framed by nobody and posts to nobody but us.
    pub(super) fn html(status: u16, title: &str, body: &str) -> Reply {
        Reply::page(status, title, body, "form-action 'self'")
    }

    /// A page whose policy allows something more.
    pub(super) fn page(status: u16, title: &str, body: &str, allowed: &str) -> Reply {
        let style = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem}\
                     button,input,select{font:inherit;padding:.3rem .8rem;margin:.2rem 0}code{font-size:1.2em}";
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><style>{style}</style><h1>{0}</h1>{body}</html>",
            escape(title)
        );
        Reply::empty(status)
            .header("Content-Type", "text/html; charset=utf-8")
            .header(
                "Content-Security-Policy",
                format!("default-src 'none'; style-src 'unsafe-inline'; {allowed}; frame-ancestors 'none'; base-uri 'none'"),
            )
            .header("X-Content-Type-Options", "nosniff")
            .header("Referrer-Policy", "no-referrer")
            .header("Cache-Control", "no-store")
            .with_body(page)
    }

    pub(super) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(super) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Reply {
        self.body = body.into();
        self
    }

    /// Only if no such header is there yet.
    pub(super) fn default_header(self, name: &str, value: impl Into<String>) -> Reply {
        if self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)) { self } else { self.header(name, value) }
    }
}

/// The value of a field; the last one, if it came twice.
pub(super) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// Percent-decoded text; what is no UTF-8 becomes U+FFFD.
pub(super) fn unescape(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Text inside HTML, attributes included.
pub(super) fn escape(text: &str) -> String {
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

/// Random bytes. Should the system have none, zeros: nothing here guards anything real.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes
}

/// A random GUID.
pub(super) fn guid() -> String {
    guid_of(random())
}

/// A GUID from bytes.
pub(super) fn guid_of(bytes: [u8; 16]) -> String {
    let n = u128::from_be_bytes(bytes) & !(0xf000 << 64) & !(0xc000 << 48) | (0x4000 << 64) | (0x8000 << 48);
    let mut text = format!("{n:032x}");
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

/// The same GUID for the same words.
pub(super) fn guid_for(words: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, words.as_bytes());
    guid_of(digest.as_ref().first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_look_like_guids() {
        let g = guid();
        assert_eq!(g.len(), 36);
        assert_eq!((&g[14..15], g.matches('-').count()), ("4", 4));
        assert!("89ab".contains(&g[19..20]));
        assert_eq!(guid_for("a"), guid_for("a"));
        assert_ne!(guid_for("a"), guid_for("b"));
    }

    #[test]
    fn html_is_escaped() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
    }
}

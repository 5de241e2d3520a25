//! The page for people: what the sandbox is, who is in it, what is asked of it, and a box to ask it something.
//!
//! It is one document with its style and script inside, so that it loads nothing from anywhere, and it is empty: what it shows it asks for
//! under `/_sandbox/` and writes as text, so that nothing in the data can become part of the page. A page of another origin must not reach
//! it, nor may one that has pointed a name of its own at this machine: both are refused here, for all that lies under `/_sandbox/`.

mod environment;
mod live;
mod query;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::json::{Value, object};
use crate::ops;
use crate::ops::model::Operation;

use super::House;
use super::wire::{Reply, Request};

pub use environment::Snippet;
pub(super) use environment::snippets;

/// What is under `/_sandbox/`.
const ROOT: &str = "/_sandbox/";
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The document, and the policy that lets its own style and script run and nothing else.
static DOCUMENT: LazyLock<(String, String)> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes())));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    (include_str!("index.html").replace("/*style*/", STYLE).replace("/*script*/", SCRIPT), policy)
});

/// Whether a person's browser asks for the page.
pub(super) fn is_asked_for(request: &Request) -> bool {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    request.path == "/" && reads && request.header("accept").is_some_and(|types| types.contains("text/html"))
}

/// Whether a request may run for long.
pub(super) fn takes_long(request: &Request) -> bool {
    request.path == "/_sandbox/query"
}

/// Answers what is the page's, and refuses what may not come to `/_sandbox/`.
pub(super) fn answer(house: &House, request: &Request) -> Option<Reply> {
    let own = request.path.strip_prefix(ROOT);
    if own.is_none() && !is_asked_for(request) {
        return None;
    }
    if !is_loopback(request.header("host").unwrap_or_default()) {
        return Some(refused(421, "the sandbox is reached as 127.0.0.1, localhost or [::1] alone"));
    }
    if own.is_some() && (request.is_cross_origin(&house.base) || is_from_elsewhere(request)) {
        return Some(refused(403, "a web page of another origin may not do this"));
    }
    Some(match (request.method.as_str(), own) {
        (_, None) => document(),
        ("GET", Some("page")) => Reply::json(200, &facts(house)),
        ("GET", Some("live")) => live::answer(house, request),
        ("POST", Some("query")) => query::answer(house, request),
        (_, Some("page" | "live" | "query")) => Reply::empty(405),
        _ => return None,
    })
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &object([("error", message.into())]))
}

/// Whether that host is this machine, as its own browser calls it.
fn is_loopback(host: &str) -> bool {
    let has_port = |rest: &str| rest.is_empty() || rest.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        let start = host.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name));
        start.is_some() && host.get(name.len()..).is_some_and(has_port)
    })
}

/// Browsers say where a request comes from even where they send no origin.
fn is_from_elsewhere(request: &Request) -> bool {
    request.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

fn document() -> Reply {
    let (page, policy) = &*DOCUMENT;
    Reply::empty(200)
        .header("Content-Type", "text/html; charset=utf-8")
        .header("Content-Security-Policy", policy.as_str())
        .header("X-Content-Type-Options", "nosniff")
        .header("X-Frame-Options", "DENY")
        .header("Cross-Origin-Opener-Policy", "same-origin")
        .header("Cross-Origin-Resource-Policy", "same-origin")
        .header("Referrer-Policy", "no-referrer")
        .header("Cache-Control", "no-store")
        .with_body(page.as_str())
}

/// What does not change while the sandbox runs.
fn facts(house: &House) -> Value {
    let who = &house.identity;
    let identity = [
        ("Address", house.base.as_str()),
        ("Tenant id", &who.tenant_id),
        ("Domain", &who.domain),
        ("Client id", &who.client_id),
        ("Client secret", &who.client_secret),
        ("Public client id", &who.public_client_id),
        ("User", &who.user),
        ("Password", &who.user_password),
    ];
    let pair = |(name, value): &(&str, &str)| object([("name", (*name).into()), ("value", (*value).into())]);
    let snippet = |s: Snippet| object([("name", s.name.into()), ("label", s.label.into()), ("text", s.text.into())]);
    let samples = query::SAMPLES.iter().map(|(title, text)| object([("title", (*title).into()), ("query", (*text).into())]));
    object([
        ("tenant", who.tenant_name.as_str().into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("identity", Value::Array(identity.iter().map(pair).collect())),
        ("snippets", Value::Array(snippets(house).into_iter().map(snippet).collect())),
        ("samples", Value::Array(samples.collect())),
        ("operations", Value::Array(ops::all().map(operation).collect())),
    ])
}

fn operation(op: &'static Operation) -> Value {
    object([
        ("id", op.id.into()),
        ("service", op.service.name().into()),
        ("method", op.method.name().into()),
        ("path", op.path.into()),
        ("summary", op.summary.into()),
        ("application", op.app_permissions.first().copied().map(Value::from).unwrap_or_default()),
        ("delegated", op.delegated_permissions.first().copied().map(Value::from).unwrap_or_default()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_taken() {
        for good in ["127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:443"] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "127.0.0.1:80@evil",
            "[::1",
            "localhost:x",
            "0.0.0.0",
            "é",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn the_document_holds_all_that_it_needs() {
        let (page, policy) = &*DOCUMENT;
        assert!(page.contains(STYLE) && page.contains(SCRIPT) && !page.contains("/*style*/") && !page.contains("/*script*/"));
        // What stands between the tags is what the policy's hashes are of.
        assert!(page.contains(&format!("<style>{STYLE}</style>")) && page.contains(&format!("<script>{SCRIPT}</script>")));
        assert_eq!(policy.matches("'sha256-").count(), 2);
        assert!(!policy.contains("unsafe"));
        for outside in ["http://", "https://", "//cdn", "@import", "innerHTML", "insertAdjacentHTML", "eval("] {
            assert!(!page.contains(outside), "{outside}");
        }
        for handler in [" onclick=", " onload=", " style="] {
            assert!(!page.contains(handler), "{handler}");
        }
    }
}

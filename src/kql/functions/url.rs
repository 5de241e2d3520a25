//! URLs, taken apart and escaped.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{P, Spec, checked, plain, str_at};
use crate::json;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("url_decode", &[P::Str], Type::String, |a| Value::text(decode(&str_at(a, 0).replace('+', " ")))),
    plain("url_encode", &[P::Str], Type::String, |a| Value::text(encode(str_at(a, 0), "+"))),
    plain("url_encode_component", &[P::Str], Type::String, |a| Value::text(encode(str_at(a, 0), "%20"))),
    plain("parse_url", &[P::Str], Type::Dynamic, |a| parse_url(str_at(a, 0))),
    plain("parseurl", &[P::Str], Type::Dynamic, |a| parse_url(str_at(a, 0))),
    checked("parseurlquery", &[P::Str], Type::Dynamic, parse_query),
    checked("parse_urlquery", &[P::Str], Type::Dynamic, parse_query),
];

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn encode(text: &str, space: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b' ' => out.push_str(space),
            b if b.is_ascii_alphanumeric() || b"-_.!*()".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02x}")),
        }
    }
    out
}

/// Sorted by key; a repeated key holds an array; a pair without a key or a value is dropped; nothing is decoded.
fn query(text: &str) -> json::Value {
    let mut found: BTreeMap<&str, Vec<json::Value>> = BTreeMap::new();
    for (key, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
        if !key.is_empty() && !value.is_empty() {
            found.entry(key).or_default().push(value.into());
        }
    }
    let member = |(key, mut values): (&str, Vec<json::Value>)| {
        let value = if values.len() == 1 { values.remove(0) } else { json::Value::Array(values) };
        (key.to_owned(), value)
    };
    json::Value::Object(found.into_iter().map(member).collect())
}

fn parse_query(args: &[&Value]) -> Answer {
    let text = str_at(args, 0).trim_start_matches('?');
    if text.contains(['%', '+']) {
        return Err(Trouble::Unsupported("parse_urlquery of escaped text".to_owned()));
    }
    Ok(Value::dynamic(json::object([("Query Parameters", query(text))])))
}

/// What has no scheme is no URL and has only empty parts; a user needs a password behind a colon; the path `/` at the end is none.
fn parse_url(text: &str) -> Value {
    let fine = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let (scheme, rest) = text.split_once("://").filter(|(s, _)| fine(s)).unwrap_or_default();
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(r, f)| (r, Some(f)));
    let (rest, parameters) = rest.split_once('?').map_or((rest, None), |(r, p)| (r, Some(p)));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = if path == "/" && fragment.is_none() && parameters.is_none() { "" } else { path };
    let user = authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?, host)));
    let ((user, password), host) = user.unwrap_or((("", ""), authority));
    let (host, port) = match host.rsplit_once(':') {
        Some((h, p)) if p.bytes().all(|b| b.is_ascii_digit()) => (h, p),
        _ => (host, ""),
    };
    Value::dynamic(json::object([
        ("Scheme", scheme.into()),
        ("Host", host.into()),
        ("Port", port.into()),
        ("Path", path.into()),
        ("Username", user.into()),
        ("Password", password.into()),
        ("Query Parameters", query(parameters.unwrap_or_default())),
        ("Fragment", fragment.unwrap_or_default().into()),
    ]))
}

//! URLs, taken apart and escaped.

use super::super::value::{Type, Value};
use super::{P, Spec, plain, str_at};
use crate::json;
use percent_encoding::percent_decode_str;

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("url_decode", &[P::Str], Type::String, |a| Value::text(decode(&str_at(a, 0).replace('+', " ")))),
    plain("url_encode", &[P::Str], Type::String, |a| Value::text(encode(str_at(a, 0), "+"))),
    plain("url_encode_component", &[P::Str], Type::String, |a| Value::text(encode(str_at(a, 0), "%20"))),
    plain("parse_url", &[P::Str], Type::Dynamic, |a| parse_url(str_at(a, 0))),
    plain("parseurl", &[P::Str], Type::Dynamic, |a| parse_url(str_at(a, 0))),
    plain("parseurlquery", &[P::Str], Type::Dynamic, parse_query),
    plain("parse_urlquery", &[P::Str], Type::Dynamic, parse_query),
];

fn parse_query(args: &[&Value]) -> Value {
    Value::dynamic(json::object([("Query Parameters", query(str_at(args, 0).trim_start_matches('?')))]))
}

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

fn query(text: &str) -> json::Value {
    let pairs = text.split('&').filter(|p| !p.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), json::Value::String(decode(value)))
    });
    json::Value::Object(pairs.collect())
}

fn parse_url(text: &str) -> Value {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
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
        ("Query Parameters", query(parameters)),
        ("Fragment", fragment.into()),
    ]))
}

//! Functions on text. Places and lengths count characters, not bytes.

use super::super::compare::to_json;
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Built, Naming, P, Refusal, Site, Spec, at, built, checked, pattern, plain, str_at};
use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use std::sync::Arc;

const S: Type = Type::String;

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("strcat", &[P::Text], S, |a| Value::text(a.iter().map(|v| v.as_str()).collect::<String>())).repeat(1),
    plain("strcat_delim", &[P::Text, P::Text, P::Text], S, |a| {
        let parts: Vec<&str> = a.iter().skip(1).map(|v| v.as_str()).collect();
        Value::text(parts.join(str_at(a, 0)))
    })
    .repeat(1),
    plain("strlen", &[P::Str], Type::Long, |a| Value::Long(str_at(a, 0).chars().count() as i64)).named(Naming::Prefix("strlen")),
    plain("string_size", &[P::Str], Type::Long, |a| Value::Long(str_at(a, 0).len() as i64)).named(Naming::Prefix("string_size")),
    plain("strcmp", &[P::Text, P::Text], Type::Long, |a| Value::Long(str_at(a, 0).as_bytes().cmp(str_at(a, 1).as_bytes()) as i64)),
    checked("strrep", &[P::Text, P::Int, P::Text], S, repeat_text).optional(1),
    plain("tolower", &[P::Text], S, |a| Value::text(str_at(a, 0).to_lowercase())),
    plain("toupper", &[P::Text], S, |a| Value::text(str_at(a, 0).to_uppercase())),
    plain("reverse", &[P::Text], S, |a| Value::text(str_at(a, 0).chars().rev().collect::<String>())),
    plain("substring", &[P::Text, P::Int, P::Int], S, substring).optional(1),
    checked("indexof", &[P::Text, P::Text, P::Int, P::Int, P::Int], Type::Long, index_of).optional(3),
    built("countof", &[P::Str, P::Str, P::Str], Type::Long, count_of).optional(1),
    checked("split", &[P::Text, P::Str, P::Int], Type::Dynamic, split).optional(1),
    built("trim", &[P::Str, P::Str], S, |s| trim(s, true, true)),
    built("trim_start", &[P::Str, P::Str], S, |s| trim(s, true, false)),
    built("trim_end", &[P::Str, P::Str], S, |s| trim(s, false, true)),
    plain("replace_string", &[P::Str, P::Str, P::Str], S, |a| {
        if str_at(a, 1).is_empty() { at(a, 0).clone() } else { Value::text(str_at(a, 0).replace(str_at(a, 1), str_at(a, 2))) }
    }),
    built("replace_regex", &[P::Str, P::Str, P::Str], S, |s| replace(s, 0, 1, 2)),
    built("replace", &[P::Str, P::Str, P::Str], S, |s| replace(s, 2, 0, 1)),
    built("extract", &[P::Str, P::Int, P::Str], S, |s| {
        let regex = pattern(s, 0, str::to_owned)?;
        Ok(Arc::new(move |a: &[&Value]| {
            let group = at(a, 1).as_i64().and_then(|g| usize::try_from(g).ok()).unwrap_or(usize::MAX);
            let regex = regex(at(a, 0))?;
            let found = regex.captures(str_at(a, 2)).and_then(|c| c.get(group).map(|m| Value::text(m.as_str())));
            Ok(found.unwrap_or(Value::Null))
        }))
    }),
    built("extract_all", &[P::Str, P::Any, P::Str], Type::Dynamic, extract_all).optional(1),
    plain("base64_encode_tostring", &[P::Str], S, |a| Value::text(STANDARD.encode(str_at(a, 0)))),
    plain("base64_encodestring", &[P::Str], S, |a| Value::text(STANDARD.encode(str_at(a, 0)))),
    plain("base64_decode_tostring", &[P::Str], S, decode_text),
    plain("base64_decodestring", &[P::Str], S, decode_text),
    plain("base64_decode_toarray", &[P::Str], Type::Dynamic, |a| match STANDARD.decode(str_at(a, 0).trim()) {
        Ok(bytes) => Value::dynamic(json::Value::Array(bytes.into_iter().map(|b| json::Value::Int(i64::from(b))).collect())),
        Err(_) => Value::Null,
    }),
    plain("hash_sha256", &[P::Text], S, |a| hash(&digest::SHA256, str_at(a, 0))),
    plain("hash_sha1", &[P::Text], S, |a| hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, str_at(a, 0))),
    built("parse_command_line", &[P::Text, P::Str], Type::Dynamic, |s| {
        if s.text(1) != Some("windows") {
            return Err(Refusal::Wrong("parse_command_line knows the parser \"windows\" only".to_owned()));
        }
        Ok(Arc::new(|a: &[&Value]| Ok(command_line(str_at(a, 0)))))
    }),
    plain("parse_path", &[P::Str], Type::Dynamic, parse_path),
];

fn hash(algorithm: &'static digest::Algorithm, text: &str) -> Value {
    let bytes = digest::digest(algorithm, text.as_bytes());
    Value::text(bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect::<String>())
}

fn decode_text(args: &[&Value]) -> Value {
    STANDARD.decode(str_at(args, 0).trim()).ok().and_then(|b| String::from_utf8(b).ok()).map_or(Value::Null, Value::text)
}

fn repeat_text(args: &[&Value]) -> Answer {
    let times = at(args, 1).as_i64().unwrap_or(0);
    match usize::try_from(times) {
        Ok(times) if times <= 1024 => Ok(Value::text(vec![str_at(args, 0); times].join(str_at(args, 2)))),
        _ => Err(Trouble::Limit("strrep repeats a text 0 to 1024 times".to_owned())),
    }
}

fn substring(args: &[&Value]) -> Value {
    let text = str_at(args, 0);
    let count = text.chars().count() as i64;
    let start = at(args, 1).as_i64().unwrap_or(0);
    let start = if start < 0 { (count + start).max(0) } else { start };
    let length = args.get(2).and_then(|v| v.as_i64()).unwrap_or(i64::MAX).max(0);
    Value::text(text.chars().skip(start as usize).take(usize::try_from(length).unwrap_or(usize::MAX)).collect::<String>())
}

fn index_of(args: &[&Value]) -> Answer {
    let start = args.get(2).and_then(|v| v.as_i64()).unwrap_or(0);
    if args.len() > 3 || start < 0 {
        return Err(Trouble::Unsupported("indexof with a length, an occurrence or a negative start".to_owned()));
    }
    let text = str_at(args, 0);
    let from = text.char_indices().nth(start as usize).map_or(text.len(), |(i, _)| i);
    let found = text.get(from..).and_then(|rest| rest.find(str_at(args, 1)));
    let place = found.map(|i| text.get(..from + i).unwrap_or_default().chars().count() as i64);
    Ok(Value::Long(place.unwrap_or(-1)))
}

fn count_of(site: &Site<'_>) -> Built {
    match site.text(2).unwrap_or("normal") {
        "normal" => Ok(Arc::new(|a: &[&Value]| {
            let (text, search) = (str_at(a, 0), str_at(a, 1));
            let count = if search.is_empty() {
                0
            } else {
                text.char_indices().filter(|(i, _)| text.get(*i..).is_some_and(|t| t.starts_with(search))).count()
            };
            Ok(Value::Long(count as i64))
        })),
        "regex" => {
            let regex = pattern(site, 1, str::to_owned)?;
            Ok(Arc::new(move |a: &[&Value]| Ok(Value::Long(regex(at(a, 1))?.find_iter(str_at(a, 0)).count() as i64))))
        }
        other => Err(Refusal::Wrong(format!("countof knows no kind '{other}'"))),
    }
}

fn split(args: &[&Value]) -> Answer {
    let (text, delimiter) = (str_at(args, 0), str_at(args, 1));
    let parts: Vec<json::Value> = if delimiter.is_empty() { vec![text.into()] } else { text.split(delimiter).map(Into::into).collect() };
    let Some(wanted) = args.get(2).and_then(|v| v.as_i64()) else {
        return Ok(Value::dynamic(json::Value::Array(parts)));
    };
    match usize::try_from(wanted).ok().and_then(|w| parts.into_iter().nth(w)) {
        Some(part) => Ok(Value::dynamic(json::Value::Array(vec![part]))),
        None => Ok(Value::Null),
    }
}

fn trim(site: &Site<'_>, start: bool, end: bool) -> Built {
    let front = pattern(site, 0, |p| format!("^(?:{p})"))?;
    let back = pattern(site, 0, |p| format!("(?:{p})$"))?;
    Ok(Arc::new(move |a: &[&Value]| {
        let mut text = str_at(a, 1);
        if start {
            let hit = front(at(a, 0))?.find(text).map_or(0, |m| m.end());
            text = text.get(hit..).unwrap_or_default();
        }
        if end {
            let hit = back(at(a, 0))?.find(text).map_or(text.len(), |m| m.start());
            text = text.get(..hit).unwrap_or_default();
        }
        Ok(Value::text(text))
    }))
}

fn replace(site: &Site<'_>, text: usize, regex_at: usize, rewrite: usize) -> Built {
    let regex = pattern(site, regex_at, str::to_owned)?;
    Ok(Arc::new(move |a: &[&Value]| {
        let rewrite = replacement(str_at(a, rewrite));
        Ok(Value::text(regex(at(a, regex_at))?.replace_all(str_at(a, text), rewrite.as_str()).into_owned()))
    }))
}

/// `\1` as the library writes it.
fn replacement(rewrite: &str) -> String {
    let mut out = String::new();
    let mut chars = rewrite.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some(d)) if d.is_ascii_digit() => {
                chars.next();
                out.push_str(&format!("${{{d}}}"));
            }
            ('\\', Some('\\')) => {
                chars.next();
                out.push('\\');
            }
            ('$', _) => out.push_str("$$"),
            _ => out.push(c),
        }
    }
    out
}

fn extract_all(site: &Site<'_>) -> Built {
    let regex = pattern(site, 0, str::to_owned)?;
    let with_groups = site.types.len() == 3;
    if with_groups && site.types.get(1) != Some(&Type::Dynamic) {
        return Err(Refusal::Wrong("extract_all takes the capture groups as a dynamic array".to_owned()));
    }
    if !with_groups && site.types.get(1) != Some(&Type::String) {
        return Err(Refusal::Wrong("extract_all takes a string; convert with tostring()".to_owned()));
    }
    Ok(Arc::new(move |a: &[&Value]| {
        let regex = regex(at(a, 0))?;
        let text = str_at(a, if with_groups { 2 } else { 1 });
        let groups: Vec<usize> = match at(a, 1) {
            Value::Dynamic(d) if with_groups => {
                let asked = d.as_array().unwrap_or_default();
                let numbers: Vec<usize> = asked.iter().filter_map(json::Value::as_i64).filter_map(|g| usize::try_from(g).ok()).collect();
                if numbers.len() != asked.len() || numbers.iter().any(|g| *g >= regex.captures_len()) {
                    return Err(Trouble::Unsupported("capture groups by name or out of range in extract_all".to_owned()));
                }
                numbers
            }
            _ => (1..regex.captures_len()).collect(),
        };
        if groups.is_empty() {
            return Err(Trouble::Unsupported("extract_all with a pattern that has no capture group".to_owned()));
        }
        let group = |c: &regex::Captures<'_>, g: usize| json::Value::String(c.get(g).map_or("", |m| m.as_str()).to_owned());
        let found: Vec<json::Value> = regex
            .captures_iter(text)
            .map(|c| match groups.as_slice() {
                [only] => group(&c, *only),
                many => json::Value::Array(many.iter().map(|g| group(&c, *g)).collect()),
            })
            .collect();
        Ok(if found.is_empty() { Value::Null } else { Value::dynamic(json::Value::Array(found)) })
    }))
}

/// Splits as Windows' C runtime does: quotes group, backslashes count before a quote only.
fn command_line(text: &str) -> Value {
    let mut args: Vec<json::Value> = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let mut slashes = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    slashes += 1;
                }
                let arg = current.get_or_insert_default();
                if chars.peek() == Some(&'"') {
                    arg.push_str(&"\\".repeat(slashes / 2));
                    if slashes % 2 == 1 {
                        chars.next();
                        arg.push('"');
                    }
                } else {
                    arg.push_str(&"\\".repeat(slashes));
                }
            }
            '"' => {
                current.get_or_insert_default();
                if quoted && chars.next_if_eq(&'"').is_some() {
                    current.get_or_insert_default().push('"');
                }
                quoted = !quoted;
            }
            c if c.is_ascii_whitespace() && !quoted => args.extend(current.take().map(json::Value::String)),
            c => current.get_or_insert_default().push(c),
        }
    }
    args.extend(current.take().map(json::Value::String));
    if args.is_empty() { Value::Null } else { Value::dynamic(json::Value::Array(args)) }
}

fn parse_path(args: &[&Value]) -> Value {
    let text = str_at(args, 0);
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(s, r)| (s, r));
    let is_slash = |c: char| c == '\\' || c == '/';
    let root = if rest.get(1..2) == Some(":") { rest.get(..2).unwrap_or_default() } else { "" };
    let (directory, file) = rest.rfind(is_slash).map_or((root, rest.get(root.len()..).unwrap_or_default()), |at| {
        (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default())
    });
    let (file, stream) = file.split_once(':').unwrap_or((file, ""));
    let extension = file.rfind('.').map_or("", |at| file.get(at + 1..).unwrap_or_default());
    let directory_name = directory.rsplit(is_slash).next().filter(|d| *d != root).unwrap_or_default();
    let member = |name: &str, value: &str| (name.to_owned(), json::Value::from(value));
    Value::dynamic(json::Value::Object(
        [
            member("Scheme", scheme),
            member("RootPath", root),
            member("DirectoryPath", directory),
            member("DirectoryName", directory_name),
            member("Filename", file),
            member("Extension", extension),
            member("AlternateDataStreamName", stream),
        ]
        .into_iter()
        .collect(),
    ))
}

/// The JSON of each argument.
pub(super) fn json_of(args: &[&Value]) -> Vec<json::Value> {
    args.iter().map(|v| to_json(v)).collect()
}

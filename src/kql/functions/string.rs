//! Functions on text. Places and lengths count characters, not bytes.

use super::super::compare::{to_json, to_text};
use super::super::scalar::{Answer, Trouble};
use super::super::text::Needle;
use super::super::value::{Type, Value};
use super::{Built, Naming, P, Refusal, Site, Spec, at, built, checked, pattern, plain, search, str_at};
use crate::json;
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
    checked("indexof", &[P::Text, P::Text, P::Int, P::Int, P::Int], Type::Long, search::index_of).optional(3),
    built("indexof_regex", &[P::Text, P::Text, P::Int, P::Int, P::Int], Type::Long, search::index_of_regex).optional(3),
    built("countof", &[P::Str, P::Str, P::Str], Type::Long, count_of).optional(1),
    checked("split", &[P::Text, P::Str, P::Int], Type::Dynamic, split).optional(1).named(Naming::FirstArgument),
    built("trim", &[P::Str, P::Str], S, |s| trim(s, true, true)),
    built("trim_start", &[P::Str, P::Str], S, |s| trim(s, true, false)),
    built("trim_end", &[P::Str, P::Str], S, |s| trim(s, false, true)),
    plain("replace_string", &[P::Str, P::Str, P::Str], S, |a| {
        if str_at(a, 1).is_empty() { at(a, 0).clone() } else { Value::text(str_at(a, 0).replace(str_at(a, 1), str_at(a, 2))) }
    }),
    built("replace_regex", &[P::Str, P::Exact, P::Exact], S, |s| replace(s, 0, 1, 2)),
    built("replace", &[P::Exact, P::Exact, P::Str], S, |s| replace(s, 2, 0, 1)),
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
    plain("translate", &[P::Str, P::Str, P::Str], S, translate),
    checked("replace_strings", &[P::Str, P::Dyn, P::Dyn], S, replace_strings),
    plain("has_any_index", &[P::Str, P::Dyn], Type::Long, has_any_index),
    checked("regex_quote", &[P::Text], S, regex_quote),
    checked("format_bytes", &[P::Num, P::Int, P::Str], S, format_bytes).optional(2).named(Naming::FirstArgument),
];

fn repeat_text(args: &[&Value]) -> Answer {
    let times = at(args, 1).as_i64().unwrap_or(0);
    match usize::try_from(times) {
        Ok(times) => Ok(Value::text(vec![str_at(args, 0); times.min(1024)].join(str_at(args, 2)))),
        Err(_) => Err(Trouble::Unsupported("strrep with a negative count".to_owned())),
    }
}

fn substring(args: &[&Value]) -> Value {
    let text = str_at(args, 0);
    let count = text.chars().count() as i64;
    let start = at(args, 1).as_i64().unwrap_or(0);
    let start = if start < 0 { count.saturating_add(start) } else { start };
    if start < 0 {
        return Value::text("");
    }
    let length = args.get(2).and_then(|v| v.as_i64()).unwrap_or(i64::MAX).max(0);
    Value::text(text.chars().skip(start as usize).take(usize::try_from(length).unwrap_or(usize::MAX)).collect::<String>())
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
                if asked.iter().any(|g| g.as_i64() == Some(0)) {
                    return Err(Trouble::Unsupported("the group 0 in extract_all".to_owned()));
                }
                let place = |g: &json::Value| match g.as_str() {
                    Some(name) => regex.capture_names().position(|n| n == Some(name)),
                    None => g.as_i64().and_then(|g| usize::try_from(g).ok()).filter(|g| *g < regex.captures_len()),
                };
                let found: Vec<usize> = asked.iter().filter_map(place).collect();
                if found.is_empty() { (1..regex.captures_len()).collect() } else { found }
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

/// Each character of the first list becomes the one at its place in the second, or the last there is; with none it is dropped.
fn translate(args: &[&Value]) -> Value {
    let from: Vec<char> = str_at(args, 0).chars().collect();
    let to: Vec<char> = str_at(args, 1).chars().collect();
    let change = |c: char| match from.iter().position(|f| *f == c) {
        Some(place) => to.get(place).or(to.last()).copied(),
        None => Some(c),
    };
    Value::text(str_at(args, 2).chars().filter_map(change).collect::<String>())
}

/// Earlier entries go first; what one of them has taken is not looked at again.
fn replace_strings(args: &[&Value]) -> Answer {
    let array = |at: usize| match args.get(at) {
        Some(Value::Dynamic(d)) => d.as_array(),
        _ => None,
    };
    let (Some(lookups), Some(rewrites)) = (array(1), array(2)) else {
        return Ok(at(args, 0).clone());
    };
    if lookups.len() > rewrites.len() {
        return Err(Trouble::Unsupported("replace_strings with fewer rewrites than lookups".to_owned()));
    }
    let mut parts: Vec<(String, bool)> = vec![(str_at(args, 0).to_owned(), false)];
    for (lookup, rewrite) in lookups.iter().zip(rewrites) {
        let Some(lookup) = lookup.as_str().filter(|l| !l.is_empty()) else {
            continue;
        };
        let mut next = Vec::new();
        for (text, taken) in parts {
            if taken || !text.contains(lookup) {
                next.push((text, taken));
                continue;
            }
            for (place, piece) in text.split(lookup).enumerate() {
                if place > 0 {
                    next.push((rewrite.as_str().unwrap_or(lookup).to_owned(), true));
                }
                next.push((piece.to_owned(), false));
            }
        }
        parts = next;
    }
    Ok(Value::text(parts.into_iter().map(|(text, _)| text).collect::<String>()))
}

fn has_any_index(args: &[&Value]) -> Value {
    let Value::Dynamic(d) = at(args, 1) else {
        return Value::Null;
    };
    let has = |item: &json::Value| !item.is_null() && Needle::new(&to_text(&Value::dynamic(item.clone())), false).has(str_at(args, 0));
    let place = d.as_array().unwrap_or(std::slice::from_ref(d.as_ref())).iter().position(has);
    Value::Long(place.map_or(-1, |p| p as i64))
}

/// Quotes what every dialect quotes; the others differ on the rest of the punctuation.
fn regex_quote(args: &[&Value]) -> Answer {
    let mut out = String::new();
    for c in str_at(args, 0).chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        } else if c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' {
            return Err(Trouble::Unsupported(format!("regex_quote of '{c}'")));
        }
        out.push(c);
    }
    Ok(Value::text(out))
}

fn format_bytes(args: &[&Value]) -> Answer {
    const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let refuse = |what: &str| Err(Trouble::Unsupported(format!("format_bytes {what}")));
    let size = at(args, 0).as_f64().unwrap_or(0.0);
    let digits = args.get(1).and_then(|v| v.as_i64()).unwrap_or(0);
    let (true, Ok(digits)) = (size.is_finite() && size >= 0.0, usize::try_from(digits)) else {
        return refuse("of a negative number");
    };
    let wanted = args.get(2).map_or("", |v| v.as_str());
    let unit = if wanted.is_empty() {
        (0..UNITS.len()).take_while(|u| *u == 0 || size >= 1024f64.powi(*u as i32)).last()
    } else {
        UNITS.iter().position(|u| u.eq_ignore_ascii_case(wanted))
    };
    let Some((unit, name)) = unit.and_then(|u| UNITS.get(u).map(|name| (u, name))) else {
        return refuse("with a unit that it does not know");
    };
    let text = format!("{:.*}", digits.min(15), size / 1024f64.powi(unit as i32));
    if digits > 0 && text.ends_with('0') {
        return refuse("that ends in zeros");
    }
    Ok(Value::text(format!("{text} {name}")))
}

/// The JSON of each argument.
pub(super) fn json_of(args: &[&Value]) -> Vec<json::Value> {
    args.iter().map(|v| to_json(v)).collect()
}

//! What the value of an argument may be: checked, and put into the form that goes out. Pure.

use crate::{
    error::{Error, Result, did_you_mean, listed, nearest},
    json::{Object, Value},
    ops::{
        model::{Entity, Kind, Operation, Param, Place},
        types::{ENTITIES, ENUMS},
    },
};
use jiff::{SignedDuration, Timestamp};
use std::{borrow::Cow, time::SystemTime};

/// The value as it goes out, or what is wrong with it.
pub fn check(op: &Operation, param: &Param, value: &Value) -> Result<Value> {
    let name = param.name;
    let checked = match param.kind {
        Kind::Id => check_id(name, value),
        Kind::Text => match value {
            Value::String(s) if s.trim().is_empty() && (param.required || param.place == Place::Query) => {
                Err(Error::argument(name, if s.is_empty() { "is empty" } else { "is blank" }))
            }
            Value::String(s) if param.wire == "$filter" => crate::filter::check(op, s).map(|()| value.clone()),
            Value::String(_) => Ok(value.clone()),
            other => Err(wrong_type(name, "text", other)),
        },
        Kind::Count => match value {
            Value::Int(i) if *i >= i64::from(param.wire == "$top") => Ok(value.clone()),
            Value::Int(i) => Err(Error::argument(name, format!("{i} is too small; it is {} or more", i64::from(param.wire == "$top")))),
            other => Err(wrong_type(name, "a whole number", other)),
        },
        Kind::Range(from, to) => match value {
            Value::Int(i) if (from..=to).contains(i) => Ok(value.clone()),
            Value::Int(i) => Err(Error::argument(name, format!("{i} is not allowed; it is {from} to {to}"))),
            other => Err(wrong_type(name, "a whole number", other)),
        },
        Kind::Bool => match value {
            Value::Bool(_) => Ok(value.clone()),
            other => Err(wrong_type(name, "True or False", other)),
        },
        Kind::Moment => check_moment(name, value),
        Kind::Texts => list(name, value, "texts", |item| match item.as_str() {
            Some(text) if !text.is_empty() => Ok(item.clone()),
            _ => Err(Error::argument(name, format!("every item is a text that is not empty, not {item}"))),
        }),
        Kind::Ints => list(name, value, "whole numbers", |item| match item {
            Value::Int(_) => Ok(item.clone()),
            other => Err(wrong_type(name, "a list of whole numbers", other)),
        }),
        Kind::Names(members) => check_names(param, members, value),
        Kind::Hash(lengths) => check_hash(name, lengths, value),
        Kind::Ip => check_ip(name, value),
        Kind::Enum(members) | Kind::OpenEnum(members) => {
            let Value::String(s) = value else { return Err(wrong_type(name, "text", value)) };
            match member(members, s) {
                Some(member) => Ok(Value::from(member)),
                None if s.trim().is_empty() => Err(Error::argument(name, format!("is empty; it is {}", listed(members)))),
                None if matches!(param.kind, Kind::Enum(_)) && is_slip(members, s) => {
                    let guess = did_you_mean(s, members.iter().copied());
                    let message = format!("{s:?} is not allowed; it is {}.{guess}", listed(members));
                    Err(Error::argument(name, message).detail("allowed", members.to_vec()))
                }
                None => Ok(value.clone()),
            }
        }
        Kind::Object(ty) => object(name, ty, value),
        Kind::Objects(ty) => list(name, value, "dicts", |item| object(name, ty, item)),
        Kind::Json => match value {
            Value::Object(_) => Ok(value.clone()),
            other => Err(wrong_type(name, "a dict", other)),
        },
        Kind::File => Err(Error::argument(name, "is a file, which goes its own way")),
    }?;
    match (param.most, checked.as_array()) {
        (_, Some([])) if param.required => Err(Error::argument(name, "is an empty list")),
        (Some(most), Some(items)) if items.len() > most => {
            Err(Error::argument(name, format!("has {} items; the service takes {most} at a time", items.len())).detail("most", most as i64))
        }
        _ => Ok(checked),
    }
}

/// Members of enumerations that the declaration does not know: the argument, what was given, what is known. They are passed on.
pub fn unknown_members(op: &Operation, arguments: &Object) -> Vec<(&'static str, String, &'static [&'static str])> {
    let given = |p: &Param| arguments.get(p.name).and_then(Value::as_str);
    let unknown = |p: &Param| match p.kind {
        Kind::Enum(members) | Kind::OpenEnum(members) => {
            let is_new = |s: &&str| member(members, s).is_none() && !(matches!(p.kind, Kind::Enum(_)) && is_slip(members, s));
            given(p).filter(is_new).map(|s| (p.name, s.to_owned(), members))
        }
        _ => None,
    };
    op.params.iter().filter_map(unknown).collect()
}

/// Arguments in which every moment is a point in time: "7d" ago counts from `now`.
pub fn resolve<'a>(op: &Operation, arguments: &'a Object, now: SystemTime) -> Result<Cow<'a, Object>> {
    let mut out = Cow::Borrowed(arguments);
    for param in op.params.iter().filter(|p| p.kind == Kind::Moment) {
        let Some(text) = arguments.get(param.name).and_then(Value::as_str) else { continue };
        if let Some(ago) = ago(text) {
            let now = Timestamp::try_from(now).map_err(|e| Error::argument(param.name, e))?;
            let at = now.checked_sub(ago).map_err(|_| Error::argument(param.name, format!("{text:?} is before all time")))?;
            out.to_mut().insert(param.name.to_owned(), format!("{at:.3}").into());
        }
    }
    Ok(out)
}

/// How long ago, such as `7d`, `-15m`, `now`.
fn ago(text: &str) -> Option<SignedDuration> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Some(SignedDuration::ZERO);
    }
    let text = text.strip_prefix('-').unwrap_or(text).trim_start();
    let unit = match text.chars().last()? {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86_400.0,
        'w' => 604_800.0,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?.trim_end();
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    SignedDuration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

fn check_moment(name: &str, value: &Value) -> Result<Value> {
    let Value::String(text) = value else { return Err(wrong_type(name, "a time", value)) };
    let text = text.trim();
    if ago(text).is_some() {
        return Ok(Value::from(text));
    }
    let date = |t: &str| t.len() == 10 && t.parse::<jiff::civil::Date>().is_ok();
    if date(text) {
        return Ok(Value::from(format!("{text}T00:00:00Z")));
    }
    match text.parse::<Timestamp>() {
        // As it was written: hunting's times have digits that must arrive.
        Ok(_) if text.ends_with('Z') => Ok(Value::from(text)),
        Ok(at) => Ok(Value::from(at.to_string())),
        Err(_) => {
            let form = "ISO 8601 with its zone, such as \"2026-11-01T00:00:00Z\", or how long ago, such as \"7d\"";
            Err(Error::argument(name, format!("{text:?} is no point in time; it is {form}")))
        }
    }
}

fn list(name: &str, value: &Value, of: &str, item: impl Fn(&Value) -> Result<Value>) -> Result<Value> {
    let Some(items) = value.as_array() else { return Err(wrong_type(name, &format!("a list of {of}"), value)) };
    items.iter().map(item).collect::<Result<Vec<_>>>().map(Value::Array)
}

fn member(members: &'static [&'static str], text: &str) -> Option<&'static str> {
    members.iter().find(|m| m.eq_ignore_ascii_case(text.trim())).copied()
}

/// Nearly a member: surely a slip and nothing new.
fn is_slip(members: &'static [&'static str], text: &str) -> bool {
    nearest(text, members.iter().copied()).is_some()
}

/// Names, each known, joined by commas.
fn check_names(param: &Param, members: &'static [&'static str], value: &Value) -> Result<Value> {
    let name = param.name;
    let texts: Vec<&str> = match value {
        Value::String(s) => s.split(',').collect(),
        Value::Array(items) => {
            items.iter().map(|i| i.as_str().ok_or_else(|| wrong_type(name, "a list of texts", i))).collect::<Result<_>>()?
        }
        other => return Err(wrong_type(name, "a name or a list of names", other)),
    };
    let known = |text: &str| {
        let (first, order) = match text.trim().split_once(' ') {
            Some((first, order)) if param.wire == "$orderby" => (first, order.trim().to_ascii_lowercase()),
            _ => (text.trim(), String::new()),
        };
        match member(members, first) {
            Some(found) if order.is_empty() => Ok(found.to_owned()),
            Some(found) if order == "asc" || order == "desc" => Ok(format!("{found} {order}")),
            Some(_) => Err(Error::argument(name, format!("{order:?} is no order; it is \"asc\" or \"desc\""))),
            None => {
                let guess = did_you_mean(first, members.iter().copied());
                let message = format!("{first:?} is not allowed; it is {}.{guess}", listed(members));
                Err(Error::argument(name, message).detail("allowed", members.to_vec()))
            }
        }
    };
    Ok(texts.into_iter().map(known).collect::<Result<Vec<_>>>()?.join(",").into())
}

fn check_hash(name: &str, lengths: &[usize], value: &Value) -> Result<Value> {
    let Value::String(text) = value else { return Err(wrong_type(name, "a hash as text", value)) };
    let text = text.trim();
    let kind = |n: &usize| match n {
        32 => "MD5 (32)",
        40 => "SHA-1 (40)",
        _ => "SHA-256 (64)",
    };
    if lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(Value::from(text));
    }
    let allowed: Vec<&str> = lengths.iter().map(kind).collect();
    let given = match text.len() {
        n @ (32 | 40 | 64) if text.bytes().all(|b| b.is_ascii_hexdigit()) && !lengths.contains(&n) => {
            format!("a {} is not taken here", kind(&n))
        }
        n => format!("{text:?} has {n} characters"),
    };
    Err(Error::argument(name, format!("{given}; it is hexadecimal digits: {}", allowed.join(" or "))).detail("allowed", allowed))
}

fn check_ip(name: &str, value: &Value) -> Result<Value> {
    let Value::String(text) = value else { return Err(wrong_type(name, "an IP address as text", value)) };
    match text.trim().parse::<std::net::IpAddr>() {
        Ok(_) => Ok(Value::from(text.trim())),
        Err(_) if text.contains('/') => Err(Error::argument(name, format!("{text:?} is a range; the service takes single addresses"))),
        Err(_) => Err(Error::argument(name, format!("{text:?} is no IP address"))),
    }
}

/// What a request spells otherwise than answers do: type, property, name in a request. Names in bodies are case-sensitive.
const SENT_AS: &[(&str, &str, &str)] = &[("Indicator", "externalId", "externalID")];

/// An object of a declared type, its keys in the service's spelling whatever spelling they were given in.
fn object(name: &str, ty: &str, value: &Value) -> Result<Value> {
    let Value::Object(members) = value else { return Err(wrong_type(name, "a dict", value)) };
    let Some(entity) = ENTITIES.iter().find(|e| e.name == ty) else { return Ok(value.clone()) };
    let mut out = Object::new();
    for (key, value) in members {
        if value.is_null() {
            continue;
        }
        let Some((wire, ty)) = property(entity, key) else {
            if key.starts_with('@') {
                out.insert(key.clone(), value.clone());
                continue;
            }
            let known: Vec<&str> = properties(entity).map(|(name, _)| name).collect();
            let guess = did_you_mean(key, known.iter().copied());
            return Err(Error::argument(name, format!("{ty} has no {key:?}; it has {}.{guess}", known.join(", "))).detail("allowed", known));
        };
        let sent = SENT_AS.iter().find(|(of, answered, _)| *of == entity.name && *answered == wire).map_or(wire, |(_, _, sent)| *sent);
        out.insert(sent.to_owned(), typed(name, ty, value)?);
    }
    Ok(Value::Object(out))
}

fn typed(name: &str, ty: &str, value: &Value) -> Result<Value> {
    if let Some(inner) = ty.strip_prefix("Collection(").and_then(|t| t.strip_suffix(')')) {
        return list(name, value, "items", |item| typed(name, inner, item));
    }
    if ENTITIES.iter().any(|e| e.name == ty) {
        return object(name, ty, value);
    }
    let members = ENUMS.iter().find(|e| e.name == ty).map(|e| e.members);
    Ok(match (members, value.as_str()) {
        (Some(members), Some(text)) => member(members, text).map_or_else(|| value.clone(), Value::from),
        _ => value.clone(),
    })
}

fn properties(entity: &'static Entity) -> impl Iterator<Item = (&'static str, &'static str)> {
    let base = entity.base.and_then(|b| ENTITIES.iter().find(|e| e.name == b));
    base.into_iter().chain(std::iter::once(entity)).flat_map(|e| e.properties).map(|p| (p.name, p.ty))
}

fn property(entity: &'static Entity, key: &str) -> Option<(&'static str, &'static str)> {
    let plain = |text: &str| text.replace('_', "").to_ascii_lowercase();
    let wanted = plain(key);
    properties(entity).find(|(name, _)| plain(name) == wanted)
}

/// The error for a value of another type.
pub fn wrong_type(name: &str, wanted: &str, value: &Value) -> Error {
    let got = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a dict",
    };
    Error::argument(name, format!("takes {wanted}, not {got}"))
}

fn check_id(name: &str, value: &Value) -> Result<Value> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Int(i) => i.to_string(),
        other => return Err(wrong_type(name, "an id", other)),
    };
    let reason = if text.is_empty() {
        "is empty".to_owned()
    } else if text.trim() != text {
        format!("{text:?} has white space at an end")
    } else if let Some(c) = text.chars().find(|c| "/\\?#%".contains(*c) || c.is_control() || is_invisible(*c)) {
        format!("{text:?} holds {c:?}, which no id has")
    } else if text.chars().all(|c| c == '.') {
        format!("{text:?} is a dot segment, not an id")
    } else if text.len() > 512 {
        format!("is {} bytes long; an id has at most 512", text.len())
    } else {
        return Ok(Value::String(text));
    };
    Err(Error::argument(name, reason))
}

/// Characters that reorder or hide their neighbours.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{json, request::operation};
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn checked(op: &str, name: &str, value: impl Into<Value>) -> Result<Value> {
        let op = operation(op)?;
        let param = op.param(name).ok_or_else(|| Error::argument(name, "is no argument"))?;
        check(op, param, &value.into())
    }

    fn refusal(op: &str, name: &str, value: impl Into<Value>) -> String {
        checked(op, name, value).unwrap_err().to_string()
    }

    fn of(text: &str) -> Value {
        json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_moment_is_sent_with_all_its_digits() {
        let at = |text: &str| checked("alerts.create", "event_time", text).map(|v| v.as_str().unwrap().to_owned());
        assert_eq!(at("2026-01-02T03:04:05.1234567Z").unwrap(), "2026-01-02T03:04:05.1234567Z");
        assert_eq!(at("2026-01-02T03:04:05+02:00").unwrap(), "2026-01-02T01:04:05Z");
        assert_eq!(at("2026-01-02").unwrap(), "2026-01-02T00:00:00Z");
        for bad in ["2026-01-02T03:04:05", "yesterday", "7", "7y", "-", "", "d"] {
            assert!(at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn how_long_ago_counts_from_now() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let op = operation("machines.find_by_ip").unwrap();
        let at = |text: &str| {
            let arguments = Object::from_iter([("timestamp".to_owned(), text.into())]);
            resolve(op, &arguments, now).unwrap().get("timestamp").unwrap().as_str().unwrap().to_owned()
        };
        assert_eq!(at("now"), "2001-09-09T01:46:40.000Z");
        assert_eq!(at("-1d"), "2001-09-08T01:46:40.000Z");
        assert_eq!(at("90m"), "2001-09-09T00:16:40.000Z");
        assert_eq!(at("0.5s"), "2001-09-09T01:46:39.500Z");
        assert_eq!(at("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn hashes_addresses_and_ranges_are_refused_with_what_is_allowed() {
        let sha1 = "a".repeat(40);
        assert!(checked("files.alerts", "sha1", sha1.as_str()).is_ok());
        assert!(refusal("files.alerts", "sha1", "a".repeat(64).as_str()).contains("a SHA-256 (64) is not taken here"));
        assert!(checked("files.get", "hash", "B".repeat(64).as_str()).is_ok());
        assert!(refusal("files.get", "hash", "g".repeat(40).as_str()).contains("SHA-1 (40) or SHA-256 (64)"));
        assert!(refusal("ips.stats", "ip", "10.0.0.0/8").contains("is a range"));
        assert!(checked("ips.stats", "ip", "::1").is_ok());
        assert!(refusal("ips.stats", "hours", Value::Int(721)).contains("it is 1 to 720"));
    }

    #[test]
    fn lists_are_as_long_as_the_service_takes_them() {
        let ids = |n: usize| Value::Array((0..n).map(|i| Value::from(i.to_string())).collect());
        assert!(checked("indicators.delete_batch", "ids", ids(500)).is_ok());
        assert!(refusal("indicators.delete_batch", "ids", ids(501)).contains("has 501 items; the service takes 500"));
        assert!(refusal("indicators.delete_batch", "ids", ids(0)).contains("empty list"));
    }

    #[test]
    fn keys_of_an_object_may_have_pythons_spelling() {
        let item = of(r#"[{"indicator_value":"x","IndicatorType":"filesha1","@odata.type":"y","title":null,"rbac_group_names":["a"]}]"#);
        let sent = checked("indicators.import_batch", "indicators", item).unwrap();
        let wanted = of(r#"[{"indicatorValue":"x","indicatorType":"FileSha1","@odata.type":"y","rbacGroupNames":["a"]}]"#);
        assert_eq!(sent, wanted);
        let wrong = refusal("indicators.import_batch", "indicators", of(r#"[{"indicator_valu":"x"}]"#));
        assert!(wrong.contains("Did you mean \"indicatorValue\"?"), "{wrong}");
        let own = of(r#"[{"external_id":"7"},{"externalId":"7"},{"externalID":"7"}]"#);
        let wanted = of(r#"[{"externalID":"7"},{"externalID":"7"},{"externalID":"7"}]"#);
        assert_eq!(checked("indicators.import_batch", "indicators", own).unwrap(), wanted);
        let nested = of(r#"[{"type":"runscript","params":[{"Key":"args","value":"-x"}]}]"#);
        let wanted = of(r#"[{"type":"RunScript","params":[{"key":"Args","value":"-x"}]}]"#);
        assert_eq!(checked("live_response.start", "commands", nested).unwrap(), wanted);
    }

    #[test]
    fn names_are_joined_and_each_is_known() {
        let op = "graph.detection_rules.list";
        assert_eq!(checked(op, "select", of(r#"["ID","displayname"]"#)).unwrap(), Value::from("id,displayName"));
        assert_eq!(checked(op, "orderby", "createdDateTime desc, id").unwrap(), Value::from("createdDateTime desc,id"));
        assert!(refusal(op, "orderby", "id up").contains("is no order"));
        assert!(refusal(op, "select", "displayNam").contains("Did you mean \"displayName\"?"));
        assert!(refusal("alerts.list", "expand", "evidenc").contains("Did you mean \"evidence\"?"));
    }

    #[test]
    fn a_new_member_passes_and_a_slip_does_not() {
        let arguments = |text: &str| Object::from_iter([("isolation_type".to_owned(), text.into())]);
        let op = operation("machines.isolate").unwrap();
        assert_eq!(checked("machines.isolate", "isolation_type", "Airlock").unwrap(), Value::from("Airlock"));
        assert_eq!(unknown_members(op, &arguments("Airlock")).len(), 1);
        assert!(unknown_members(op, &arguments("Ful")).is_empty() && unknown_members(op, &arguments("full")).is_empty());
        assert!(refusal("machines.isolate", "isolation_type", "Ful").contains("Did you mean"));
    }

    proptest! {
        #[test]
        fn no_text_can_break_a_check(text in any::<String>()) {
            for (op, name) in [("alerts.create", "event_time"), ("files.get", "hash"), ("ips.stats", "ip"), ("machines.isolate", "isolation_type"), ("alerts.list", "expand")] {
                let _ = checked(op, name, text.as_str());
            }
        }

        #[test]
        fn what_is_taken_for_a_moment_can_be_read_again(seconds in 0i64..4_000_000_000, digits in 0u32..10_000_000) {
            let text = format!("{}.{digits:07}Z", Timestamp::from_second(seconds).unwrap().strftime("%Y-%m-%dT%H:%M:%S"));
            let sent = checked("alerts.create", "event_time", text.as_str()).unwrap();
            prop_assert_eq!(sent.as_str(), Some(text.as_str()));
        }
    }
}

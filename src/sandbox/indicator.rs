//! What an indicator may be.

use std::net::IpAddr;

use crate::json::{Object, Value};
use crate::ops;
use crate::ops::model::Kind;

use super::clock;

/// What a request says of an indicator, found good.
pub(super) struct Draft {
    pub(super) members: Object,
    /// When it ends, if that is said.
    pub(super) expires: Option<Option<i64>>,
}

/// One of which nothing is known but who made it.
pub(super) fn blank(id: i64, owner: &str, name: &str, now: i64) -> Object {
    let mut out = Object::new();
    let properties = ops::types::ENTITIES.iter().find(|e| e.name == "Indicator").map_or(&[][..], |e| e.properties);
    for property in properties {
        let empty = if property.ty.starts_with("Collection") { Value::Array(Vec::new()) } else { Value::Null };
        out.insert(property.name.into(), empty);
    }
    let moment = || clock::iso(now).into();
    for (key, value) in [
        ("id", id.to_string().into()),
        ("category", 1i64.into()),
        ("createdBy", owner.into()),
        ("createdByDisplayName", name.into()),
        ("createdBySource", "PublicApi".into()),
        ("creationTimeDateTimeUtc", moment()),
        ("lastUpdateTime", moment()),
        ("lastUpdatedBy", name.into()),
        ("historicalDetection", false.into()),
        ("generateAlert", false.into()),
        ("severity", "Informational".into()),
    ] {
        out.insert(key.into(), value);
    }
    out
}

/// Checks what a request says. `whole`: of a new one; else only what changes is there.
pub(super) fn draft(mut members: Object, whole: bool, now: i64) -> Result<Draft, String> {
    let op = ops::by_id("indicators.upsert").ok_or("the declaration has no indicators")?;
    if let Some(name) = members.keys().find(|k| op.wire(k).is_none() && (whole || k.as_str() != "id")) {
        return Err(format!("'{name}' is no property of an indicator; names are case-sensitive"));
    }
    for param in op.params {
        let given = members.get(param.wire).filter(|v| !v.is_null() && v.as_str() != Some(""));
        let Some(value) = given else {
            if whole && param.required {
                return Err(format!("Parameter {} is missing", param.wire));
            }
            continue;
        };
        if let Kind::Enum(allowed) = param.kind {
            let text = value.as_str().unwrap_or_default();
            let member = allowed.iter().find(|m| m.eq_ignore_ascii_case(text));
            let member = member.ok_or_else(|| format!("'{text}' is no value of {}", param.wire))?;
            members.insert(param.wire.into(), (*member).into());
        }
    }
    // The service takes the one spelling and shows the other.
    if let Some(own) = members.shift_remove("externalID") {
        members.insert("externalId".into(), own);
    }
    let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default();
    if !text("indicatorType").is_empty() || whole {
        check_value(text("indicatorType"), text("indicatorValue"))?;
    }
    let alerts = members.get("generateAlert").and_then(Value::as_bool).unwrap_or_default();
    if text("action") == "Audit" && !alerts {
        return Err("generateAlert must be true for the action Audit".into());
    }
    let expires = match members.get("expirationTime") {
        None => None,
        Some(Value::Null) => Some(None),
        Some(value) => {
            let text = value.as_str().unwrap_or_default();
            let at = clock::parse(text).ok_or_else(|| format!("'{text}' is no point in time"))?;
            if at <= now {
                return Err("expirationTime must lie in the future".into());
            }
            Some(Some(at))
        }
    };
    Ok(Draft { members, expires })
}

/// Whether a value is of its type.
fn check_value(kind: &str, value: &str) -> Result<(), String> {
    let hex = |digits: usize| value.len() == digits && value.bytes().all(|b| b.is_ascii_hexdigit());
    let host = |host: &str| {
        let label = |l: &str| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        host.contains('.') && host.split('.').all(label)
    };
    let good = match kind {
        "FileSha1" | "CertificateThumbprint" => hex(40),
        "FileSha256" => hex(64),
        "FileMd5" => hex(32),
        // One address: ranges are not taken.
        "IpAddress" => value.parse::<IpAddr>().is_ok(),
        "DomainName" => host(value),
        "Url" => {
            let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
            let name = rest.split(['/', '?', '#', ':']).next().unwrap_or_default();
            host(name) || name.parse::<IpAddr>().is_ok()
        }
        _ => false,
    };
    if good { Ok(()) } else { Err(format!("'{value}' is no {kind}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_their_types() {
        for (kind, value, good) in [
            ("IpAddress", "203.0.113.7", true),
            ("IpAddress", "2001:db8::1", true),
            ("IpAddress", "203.0.113.0/24", false),
            ("FileSha1", "3395856ce81f2b7382dee72602f798b642f14140", true),
            ("FileSha256", "3395856ce81f2b7382dee72602f798b642f14140", false),
            ("DomainName", "a-b.example", true),
            ("DomainName", "a b", false),
            ("Url", "https://a.example/x?y=1", true),
            ("Url", "not a url", false),
            ("FileMd5", "xyz", false),
        ] {
            assert_eq!(check_value(kind, value).is_ok(), good, "{kind} {value}");
        }
    }
}

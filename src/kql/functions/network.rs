//! IPv4 addresses and ranges.

use super::super::value::{Type, Value};
use super::{P, Spec, at, plain, str_at};
use crate::json;

const PRIVATE: [(u32, u32); 3] = [(0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16)];

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("parse_ipv4", &[P::Str], Type::Long, |a| cidr(str_at(a, 0)).map_or(Value::Null, |(ip, n)| Value::Long(i64::from(ip & mask(n))))),
    plain("ipv4_is_private", &[P::Str], Type::Bool, |a| {
        cidr(str_at(a, 0)).map_or(Value::Null, |(ip, n)| PRIVATE.iter().any(|(net, p)| n >= *p && ip & mask(*p) == *net).into())
    }),
    plain("ipv4_is_in_range", &[P::Str, P::Str], Type::Bool, |a| in_range(str_at(a, 0), str_at(a, 1)).map_or(Value::Null, Value::Bool)),
    plain("ipv4_is_in_any_range", &[P::Str, P::Any], Type::Bool, in_any_range).repeat(1),
    plain("ipv4_compare", &[P::Str, P::Str, P::Int], Type::Long, |a| compare(a).map_or(Value::Null, Value::Long)).optional(1),
    plain("ipv4_is_match", &[P::Str, P::Str, P::Int], Type::Bool, |a| compare(a).map_or(Value::Null, |c| (c == 0).into())).optional(1),
    plain("has_ipv4", &[P::Str, P::Str], Type::Bool, |a| has_ipv4(str_at(a, 0), str_at(a, 1)).into()),
];

fn mask(prefix: u32) -> u32 {
    if prefix == 0 { 0 } else { u32::MAX << (32 - prefix.min(32)) }
}

fn address(text: &str) -> Option<u32> {
    let mut parts = text.split('.');
    let mut ip = 0u32;
    for _ in 0..4 {
        let part = parts.next()?;
        let plain = !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
        ip = ip << 8 | u32::from(plain.then(|| part.parse::<u8>().ok()).flatten()?);
    }
    parts.next().is_none().then_some(ip)
}

/// An address and its prefix, 32 if none is written.
fn cidr(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip, prefix.parse().ok().filter(|p| *p <= 32)?),
        None => (text, 32),
    };
    Some((address(ip)?, prefix))
}

fn in_range(ip: &str, range: &str) -> Option<bool> {
    let (ip, own) = cidr(ip)?;
    let (net, prefix) = cidr(range)?;
    Some(own >= prefix && ip & mask(prefix) == net & mask(prefix))
}

fn in_any_range(args: &[&Value]) -> Value {
    let ip = str_at(args, 0);
    if cidr(ip).is_none() {
        return Value::Null;
    }
    let hit = args.iter().skip(1).any(|range| match range {
        Value::Dynamic(d) => d.as_array().unwrap_or_default().iter().filter_map(json::Value::as_str).any(|r| in_range(ip, r) == Some(true)),
        other => in_range(ip, other.as_str()) == Some(true),
    });
    hit.into()
}

fn compare(args: &[&Value]) -> Option<i64> {
    let (a, pa) = cidr(str_at(args, 0))?;
    let (b, pb) = cidr(str_at(args, 1))?;
    let asked = if args.len() > 2 { u32::try_from(at(args, 2).as_i64()?).ok().filter(|p| *p <= 32)? } else { 32 };
    let mask = mask(pa.min(pb).min(asked));
    Some((a & mask).cmp(&(b & mask)) as i64)
}

fn has_ipv4(text: &str, ip: &str) -> bool {
    if address(ip).is_none() {
        return false;
    }
    let inside = |c: char| c.is_alphanumeric();
    text.match_indices(ip).any(|(i, m)| {
        let before = text.get(..i).and_then(|t| t.chars().next_back());
        let after = text.get(i + m.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

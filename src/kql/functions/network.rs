//! IPv4 addresses and ranges.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{P, Spec, at, checked, plain, str_at};
use crate::json;

const PRIVATE: [(u32, u32); 3] = [(0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16)];

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("parse_ipv4", &[P::Str], Type::Long, |a| cidr(str_at(a, 0)).map_or(Value::Null, |(ip, n)| long(ip & mask(n)))),
    plain("parse_ipv4_mask", &[P::Str, P::Int], Type::Long, |a| {
        cidr(str_at(a, 0)).zip(asked(a, 1)).map_or(Value::Null, |((ip, n), asked)| long(ip & mask(n.min(asked))))
    }),
    checked("format_ipv4", &[P::Any, P::Int], Type::String, |a| Ok(network(a)?.map_or(Value::Null, |(ip, _)| Value::text(dotted(ip)))))
        .optional(1),
    checked("format_ipv4_mask", &[P::Any, P::Int], Type::String, |a| {
        Ok(network(a)?.map_or(Value::Null, |(ip, n)| Value::text(format!("{}/{n}", dotted(ip)))))
    }),
    plain("ipv4_netmask_suffix", &[P::Str], Type::Long, |a| cidr(str_at(a, 0)).map_or(Value::Null, |(_, n)| long(n))),
    plain("ipv4_range_to_cidr_list", &[P::Str, P::Str], Type::Dynamic, |a| {
        cidr(str_at(a, 0)).zip(cidr(str_at(a, 1))).map_or(Value::Null, |((from, _), (to, _))| blocks(from, to))
    }),
    plain("ipv4_is_private", &[P::Str], Type::Bool, |a| {
        cidr(str_at(a, 0)).map_or(Value::Null, |(ip, n)| PRIVATE.iter().any(|(net, p)| n >= *p && ip & mask(*p) == *net).into())
    }),
    plain("ipv4_is_in_range", &[P::Str, P::Str], Type::Bool, |a| in_range(str_at(a, 0), str_at(a, 1)).map_or(Value::Null, Value::Bool)),
    plain("ipv4_is_in_any_range", &[P::Str, P::Any], Type::Bool, in_any_range).repeat(1),
    plain("ipv4_compare", &[P::Str, P::Str, P::Int], Type::Long, |a| compare(a).map_or(Value::Null, Value::Long)).optional(1),
    plain("ipv4_is_match", &[P::Str, P::Str, P::Int], Type::Bool, |a| compare(a).map_or(Value::Null, |c| (c == 0).into())).optional(1),
    plain("has_ipv4", &[P::Str, P::Str], Type::Bool, |a| any_of(a, whole)),
    plain("has_any_ipv4", &[P::Str, P::Loose], Type::Bool, |a| any_of(a, whole)).repeat(1),
    plain("has_ipv4_prefix", &[P::Str, P::Str], Type::Bool, |a| any_of(a, begins)),
    plain("has_any_ipv4_prefix", &[P::Str, P::Loose], Type::Bool, |a| any_of(a, begins)).repeat(1),
];

fn long(n: u32) -> Value {
    Value::Long(i64::from(n))
}

fn mask(prefix: u32) -> u32 {
    if prefix == 0 { 0 } else { u32::MAX << (32 - prefix.min(32)) }
}

fn dotted(ip: u32) -> String {
    std::net::Ipv4Addr::from(ip).to_string()
}

fn address(text: &str) -> Option<u32> {
    let mut parts = text.split('.');
    let mut ip = 0u32;
    for _ in 0..4 {
        let part = parts.next()?;
        let plain = (part == "0" || !part.starts_with('0')) && (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        ip = ip << 8 | u32::from(plain.then(|| part.parse::<u8>().ok()).flatten()?);
    }
    parts.next().is_none().then_some(ip)
}

/// An address and its prefix, 32 if none is written.
pub(super) fn cidr(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip, prefix.parse().ok().filter(|p| *p <= 32)?),
        None => (text, 32),
    };
    Some((address(ip)?, prefix))
}

/// The prefix in an argument, 32 if it is left out.
fn asked(args: &[&Value], index: usize) -> Option<u32> {
    match args.get(index) {
        None => Some(32),
        Some(value) => u32::try_from(value.as_i64()?).ok().filter(|p| *p <= 32),
    }
}

/// A text or a number as a network address and its prefix.
fn network(args: &[&Value]) -> Result<Option<(u32, u32)>, Trouble> {
    let parsed = match at(args, 0) {
        Value::String(text) => cidr(text),
        Value::Int(_) | Value::Long(_) => at(args, 0).as_i64().and_then(|n| u32::try_from(n).ok()).map(|ip| (ip, 32)),
        Value::Dynamic(d) => match d.as_ref() {
            json::Value::String(text) => cidr(text),
            other => other.as_i64().and_then(|n| u32::try_from(n).ok()).map(|ip| (ip, 32)),
        },
        Value::Null => None,
        _ => return Err(Trouble::Unsupported("an IPv4 address that is neither a text nor a whole number".to_owned())),
    };
    Ok(parsed.zip(asked(args, 1)).map(|((ip, n), asked)| (ip & mask(n.min(asked)), n.min(asked))))
}

fn in_range(ip: &str, range: &str) -> Option<bool> {
    let (ip, own) = cidr(ip)?;
    let (net, prefix) = cidr(range)?;
    Some(own >= prefix && ip & mask(prefix) == net & mask(prefix))
}

/// The texts in arguments that are texts or arrays of them.
pub(super) fn texts<'a>(args: &[&'a Value]) -> impl Iterator<Item = &'a str> {
    args.iter().copied().flat_map(|value| match value {
        Value::Dynamic(d) => d.as_array().unwrap_or(std::slice::from_ref(d.as_ref())).iter().filter_map(json::Value::as_str).collect(),
        other => vec![other.as_str()],
    })
}

fn in_any_range(args: &[&Value]) -> Value {
    let ip = str_at(args, 0);
    if cidr(ip).is_none() {
        return Value::Null;
    }
    texts(args.get(1..).unwrap_or_default()).any(|range| in_range(ip, range) == Some(true)).into()
}

fn compare(args: &[&Value]) -> Option<i64> {
    let (a, pa) = cidr(str_at(args, 0))?;
    let (b, pb) = cidr(str_at(args, 1))?;
    let mask = mask(pa.min(pb).min(asked(args, 2)?));
    Some((a & mask).cmp(&(b & mask)) as i64)
}

/// The fewest blocks that cover a range; none if it runs backwards.
fn blocks(from: u32, to: u32) -> Value {
    let mut blocks = Vec::new();
    let (mut next, to) = (u64::from(from), u64::from(to));
    while next <= to {
        let mut size = 32 - next.trailing_zeros().min(32);
        while next + (1_u64 << (32 - size)) > to + 1 {
            size += 1;
        }
        blocks.push(json::Value::String(format!("{}/{size}", dotted(next as u32))));
        next += 1_u64 << (32 - size);
    }
    Value::dynamic(json::Value::Array(blocks))
}

/// The addresses that stand in a text between characters that are neither letters nor digits.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().filter_map(move |(at, c)| {
        let before = text.get(..at)?.chars().next_back();
        if !c.is_ascii_digit() || before.is_some_and(char::is_alphanumeric) {
            return None;
        }
        let rest = text.get(at..)?;
        let mut end = 0;
        for part in 0..4 {
            let tail = rest.get(end..)?;
            let tail = if part == 0 { tail } else { tail.strip_prefix('.')? };
            end = rest.len() - tail.len() + tail.bytes().take_while(u8::is_ascii_digit).count();
        }
        let after = rest.get(end..)?.chars().next();
        let found = rest.get(..end)?;
        (address(found).is_some() && !after.is_some_and(char::is_alphanumeric)).then_some(found)
    })
}

fn any_of(args: &[&Value], test: fn(&str, &str) -> bool) -> Value {
    let text = str_at(args, 0);
    texts(args.get(1..).unwrap_or_default()).any(|wanted| addresses(text).any(|found| test(found, wanted))).into()
}

fn whole(found: &str, wanted: &str) -> bool {
    address(wanted).is_some() && found == wanted
}

/// A prefix is a whole address, or its first parts with the dot behind them.
fn begins(found: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('.') {
        Some(parts) => {
            let fine = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u8>().is_ok();
            parts.split('.').count() < 4 && parts.split('.').all(fine) && found.starts_with(wanted)
        }
        None => whole(found, wanted),
    }
}

/// The answer of a function that takes addresses of both kinds, where one may be refused.
pub(super) fn settled<T>(parsed: Result<Option<T>, Trouble>, answer: impl FnOnce(T) -> Value) -> Answer {
    Ok(parsed?.map_or(Value::Null, answer))
}

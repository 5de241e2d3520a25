//! IPv6 addresses and ranges, and IPv4 ones as IPv6 sees them.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::network::{cidr, settled, texts};
use super::{P, Spec, checked, str_at};
use std::net::Ipv6Addr;

pub(super) const FUNCTIONS: &[Spec] = &[
    checked("parse_ipv6", &[P::Str], Type::String, |a| settled(canonical(str_at(a, 0)), |(ip, n)| written(ip & mask(n)))),
    checked("parse_ipv6_mask", &[P::Str, P::Int], Type::String, |a| {
        let Some(asked) = asked(a, 1) else {
            return Ok(Value::Null);
        };
        settled(read(str_at(a, 0)), |(ip, n)| written(ip & mask(n.min(asked))))
    }),
    checked("ipv6_compare", &[P::Str, P::Str, P::Int], Type::Long, |a| settled(compare(a), Value::Long)).optional(1),
    checked("ipv6_is_match", &[P::Str, P::Str, P::Int], Type::Bool, |a| settled(compare(a), |c| (c == 0).into())).optional(1),
    checked("ipv6_is_in_range", &[P::Str, P::Str], Type::Bool, |a| settled(in_range(str_at(a, 0), str_at(a, 1)), Value::Bool)),
    checked("ipv6_is_in_any_range", &[P::Str, P::Any], Type::Bool, in_any_range).repeat(1),
];

fn mask(prefix: u32) -> u128 {
    if prefix == 0 { 0 } else { u128::MAX << (128 - prefix.min(128)) }
}

fn written(ip: u128) -> Value {
    let groups = Ipv6Addr::from(ip).segments();
    Value::text(groups.iter().map(|g| format!("{g:04x}")).collect::<Vec<String>>().join(":"))
}

/// An address and its prefix of 128 bits; an address that ends in an IPv4 one counts its prefix as that does.
fn read(text: &str) -> Result<Option<(u128, u32)>, Trouble> {
    let text = text.trim();
    let four = text.strip_prefix("::").filter(|rest| !rest.contains(':')).unwrap_or(text);
    if let Some((ip, prefix)) = cidr(four) {
        return Ok(Some((0xffff_0000_0000 | u128::from(ip), prefix + 96)));
    }
    let (ip, prefix) = match text.split_once('/') {
        Some((ip, prefix)) => (ip, prefix.parse::<u32>().ok()),
        None => (text, Some(128)),
    };
    let ip = ip.split_once('%').map_or(ip, |(ip, _)| ip);
    let prefix = match prefix {
        Some(prefix) if ip.contains('.') && text.contains('/') => Some(prefix).filter(|p| *p <= 32).map(|p| p + 96),
        other => other.filter(|p| *p <= 128),
    };
    Ok(ip.parse::<Ipv6Addr>().ok().map(u128::from).zip(prefix))
}

/// `::1.2.3.4` is documented as the IPv4 address for the functions that compare, but `parse_ipv6` has been seen to leave it as it is.
fn canonical(text: &str) -> Result<Option<(u128, u32)>, Trouble> {
    if text.trim().strip_prefix("::").is_some_and(|rest| !rest.contains(':') && rest.contains('.')) {
        return Err(Trouble::Unsupported("parse_ipv6 of an IPv4 address behind '::'".to_owned()));
    }
    read(text)
}

fn asked(args: &[&Value], index: usize) -> Option<u32> {
    match args.get(index) {
        None => Some(128),
        Some(value) => u32::try_from(value.as_i64()?).ok().filter(|p| *p <= 128),
    }
}

fn compare(args: &[&Value]) -> Result<Option<i64>, Trouble> {
    let (Some((a, pa)), Some((b, pb)), Some(asked)) = (read(str_at(args, 0))?, read(str_at(args, 1))?, asked(args, 2)) else {
        return Ok(None);
    };
    let mask = mask(pa.min(pb).min(asked));
    Ok(Some((a & mask).cmp(&(b & mask)) as i64))
}

fn in_range(ip: &str, range: &str) -> Result<Option<bool>, Trouble> {
    let (Some((ip, own)), Some((net, prefix))) = (read(ip)?, read(range)?) else {
        return Ok(None);
    };
    Ok(Some(own >= prefix && ip & mask(prefix) == net & mask(prefix)))
}

fn in_any_range(args: &[&Value]) -> Answer {
    let ip = str_at(args, 0);
    if read(ip)?.is_none() {
        return Ok(Value::Null);
    }
    for range in texts(args.get(1..).unwrap_or_default()) {
        if in_range(ip, range)? == Some(true) {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

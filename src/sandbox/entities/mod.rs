//! Domains, files, IP addresses and users: what the tenant knows of them.
//!
//! Alerts come from the evidence, everything else from the hunting tables. What nobody has seen is no error but for a file: a list of
//! nothing, a prevalence of 0.

mod domains;
mod files;
mod ips;
pub(super) mod users;

use std::net::IpAddr;

use crate::json::{Value, object};

use super::ask::Found;
use super::clock;
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::{Alert, Entity};
use super::wire::Reply;

pub(super) use domains::host_of;
pub(super) use files::of_alert as files_of_alert;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "domains.alerts" => domains::alerts(call),
        "domains.machines" => domains::machines(call),
        "domains.stats" => domains::stats(call),
        "files.get" => files::get(call),
        "files.alerts" => files::alerts(call),
        "files.machines" => files::machines(call),
        "files.stats" => files::stats(call),
        "ips.alerts" => ips::alerts(call),
        "ips.stats" => ips::stats(call),
        "users.get" => users::get(call),
        "users.alerts" => users::alerts(call),
        "users.machines" => users::machines(call),
        _ => not_yet(call),
    }
}

/// An address in its usual spelling.
pub(super) fn address(text: &str) -> Result<String, Failure> {
    let wrong = || Failure::new(400, "InvalidIpAddress", format!("Invalid IP address: '{text}'"));
    text.parse::<IpAddr>().map(|ip| ip.to_string()).map_err(|_| wrong())
}

/// The alerts that rest on something.
fn alerts_with(call: &Call<'_>, rests: impl Fn(&Alert, &Entity) -> bool) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        let fits = |a: &&Alert| a.is_endpoint() && a.evidence.iter().any(|e| rests(a, &e.entity));
        store.tenant.alerts.iter().rev().filter(fits).map(|a| a.endpoint(false)).collect()
    };
    lists::page(call, "Alerts", items)
}

/// The machines of these ids, in the tenant's order.
fn machines_of(call: &Call<'_>, ids: &[String]) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        store.tenant.machines.iter().filter(|m| ids.iter().any(|id| **id == *m.id)).map(|m| m.endpoint()).collect()
    };
    lists::page(call, "Machines", items)
}

/// The values of a column, each once.
fn distinct(found: &Found, column: &str) -> Vec<String> {
    let mut out: Vec<String> = found.rows().map(|row| row.text(column).to_string()).filter(|text| !text.is_empty()).collect();
    out.sort_unstable();
    out.dedup();
    out
}

/// How far a call looks back, in hours.
fn hours(call: &Call<'_>) -> Result<i64, Failure> {
    match call.query("lookBackHours") {
        None => Ok(720),
        Some(text) => text.parse().ok().filter(|hours| (1..=720).contains(hours)).ok_or_else(|| {
            Failure::new(400, "InvalidInput", format!("Invalid input: lookBackHours is '{text}'; it is a number from 1 to 720."))
        }),
    }
}

/// A statistic: how many machines, since when, until when. The service says the number as text and as a number.
fn prevalence(key: &str, value: &str, machines: usize, span: Option<(i64, i64)>) -> Vec<(&'static str, Value)> {
    let key = if key == "host" { "host" } else { "ipAddress" };
    let moment = |at: Option<i64>| at.map_or(Value::Null, |at| clock::iso(at).into());
    vec![
        (key, value.into()),
        ("orgPrevalence", machines.to_string().into()),
        ("organizationPrevalence", (machines as i64).into()),
        ("orgFirstSeen", moment(span.map(|s| s.0))),
        ("orgLastSeen", moment(span.map(|s| s.1))),
    ]
}

fn collected(members: Vec<(&'static str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
}

/// The earliest `First` and the latest `Last` of the rows.
fn span(found: &Found) -> Option<(i64, i64)> {
    let first = found.rows().filter_map(|r| r.number("First")).min()?;
    let last = found.rows().filter_map(|r| r.number("Last")).max()?;
    Some((first, last))
}

/// The domains and addresses of an alert, each once.
pub(super) fn named_by(alert: &Alert, key: &'static str) -> Vec<Value> {
    let mut out: Vec<String> = Vec::new();
    for evidence in &alert.evidence {
        let name = match (&evidence.entity, key) {
            (Entity::Url(url), "host") => host_of(url).to_owned(),
            (Entity::Ip(ip), "id") => ip.to_string(),
            _ => continue,
        };
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out.into_iter().map(|name| object([(key, name.into())])).collect()
}

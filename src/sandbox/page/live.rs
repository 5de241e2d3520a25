//! What the page asks for again and again: the time, and the requests since it last asked.

use std::collections::BTreeMap;

use crate::json::{Value, object};

use super::super::wire::{Reply, Request, field};
use super::super::{House, RequestRecord, clock, lock};

/// The most requests of one answer: a page shows no more.
const MOST: u64 = 500;

/// Requests are counted from the start of the sandbox: a reset takes those away that were, and counts on. So whoever knows how far it has
/// read misses none, and sees which are gone.
pub(super) fn answer(house: &House, request: &Request) -> Reply {
    let since = field(&request.fields(), "since").map_or(Ok(0), str::parse::<u64>);
    let Ok(since) = since else { return super::refused(400, "since: a number of requests") };
    let log = lock(&house.log);
    let total = log.total();
    let first = total.saturating_sub(log.len() as u64);
    let from = since.clamp(first.max(total.saturating_sub(MOST)), total);
    let new: Vec<Value> = log.iter().skip((from - first) as usize).map(RequestRecord::to_json).collect();
    // Counting looks at all of them: only where there is something new.
    let calls = (since != total).then(|| {
        let mut calls: BTreeMap<&str, i64> = BTreeMap::new();
        log.iter().filter_map(|r| r.operation).for_each(|id| *calls.entry(id).or_default() += 1);
        Value::Object(calls.into_iter().map(|(id, n)| (id.to_owned(), n.into())).collect())
    });
    drop(log);
    let number = |n: u64| Value::from(i64::try_from(n).unwrap_or(i64::MAX));
    Reply::json(
        200,
        &object([
            ("now", clock::iso(house.clock.now()).into()),
            ("first", number(first)),
            ("from", number(from)),
            ("total", number(total)),
            ("requests", Value::Array(new)),
            ("calls", calls.unwrap_or_default()),
        ]),
    )
    .header("Cache-Control", "no-store")
}

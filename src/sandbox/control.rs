//! `/_sandbox/…`: what tests and programs in other languages steer a sandbox with.

use crate::json::{Value, object};
use crate::ops;

use super::wire::{Reply, Request, field};
use super::{House, clock, faults, lock};

/// Answers a request to a path behind `/_sandbox/`.
pub(super) fn answer(house: &House, request: &Request, rest: &str) -> Reply {
    if request.is_cross_origin(&house.base) {
        return Reply::json(403, &object([("error", "a web page of another origin may not do this".into())]));
    }
    let fault_list = || Value::Array(lock(&house.faults).iter().map(faults::Fault::to_json).collect());
    match (request.method.as_str(), rest) {
        ("GET", "health") => Reply::json(
            200,
            &object([
                ("status", "ok".into()),
                ("now", clock::iso(house.clock.now()).into()),
                ("tenant_id", house.identity.tenant_id.as_str().into()),
                ("client_id", house.identity.client_id.as_str().into()),
                ("operations", (ops::all().count() as i64).into()),
            ]),
        ),
        ("POST", "reset") => {
            house.reset();
            Reply::empty(204)
        }
        ("GET", "requests") => Reply::json(200, &Value::Array(lock(&house.log).iter().map(record).collect())),
        ("GET", "faults") => Reply::json(200, &fault_list()),
        ("DELETE", "faults") => {
            lock(&house.faults).clear();
            Reply::empty(204)
        }
        ("POST", "faults") => match faults::parse(&request.body) {
            Ok(new) => {
                lock(&house.faults).extend(new);
                Reply::json(201, &fault_list())
            }
            Err(message) => Reply::json(400, &object([("error", message.into())])),
        },
        ("POST", "advance") => match field(&request.fields(), "seconds").and_then(|s| s.parse::<u32>().ok()) {
            Some(seconds) => {
                house.clock.advance(i64::from(seconds) * clock::SECOND);
                Reply::json(200, &object([("now", clock::iso(house.clock.now()).into())]))
            }
            None => Reply::json(400, &object([("error", "say ?seconds=…".into())])),
        },
        (_, "health" | "reset" | "requests" | "faults" | "advance") => Reply::empty(405),
        _ => Reply::json(404, &object([("error", "the sandbox has health, requests, faults, reset, advance".into())])),
    }
}

pub(super) fn record(r: &super::RequestRecord) -> Value {
    object([
        ("method", r.method.as_str().into()),
        ("path", r.path.as_str().into()),
        ("query", r.query.as_str().into()),
        ("status", i64::from(r.status).into()),
        ("operation", r.operation.map(Value::from).unwrap_or_default()),
        ("user", r.user.clone().into()),
        ("duration_us", i64::try_from(r.duration_us).unwrap_or(i64::MAX).into()),
        ("authorization", r.authorization.into()),
    ])
}

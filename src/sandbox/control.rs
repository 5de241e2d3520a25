//! `/_sandbox/…`: what tests and programs in other languages steer a sandbox with.

use crate::json::{self, Value, object};
use crate::ops;

use super::wire::{Reply, Request, field};
use super::{House, clock, data, faults, lock, part};

/// What there is, for those who ask for something else.
const PATHS: &str = "GET /_sandbox/health; GET, DELETE /_sandbox/requests (?operation=, ?service=, ?since=); GET, POST, DELETE \
                     /_sandbox/faults; DELETE /_sandbox/faults/{id}; GET /_sandbox/presets; GET, POST /_sandbox/clock ({\"advance\": \
                     \"5m\"}, {\"set\": \"2026-11-21T12:00:00Z\"}, {\"freeze\": true}); POST /_sandbox/reset; POST /_sandbox/advance?seconds=; POST /_sandbox/machines, alerts, \
                     incidents, geo, file_profiles, external; POST, DELETE /_sandbox/rows; GET, POST, DELETE /_sandbox/answers; GET, POST \
                     /_sandbox/world";

/// Answers a request to a path behind `/_sandbox/`.
pub(super) fn answer(house: &House, request: &Request, rest: &str) -> Reply {
    if request.is_cross_origin(&house.base) {
        return Reply::json(403, &object([("error", "a web page of another origin may not do this".into())]));
    }
    if let Some(reply) = data::answer(house, request, rest) {
        return reply;
    }
    let plan = |status| Reply::json(status, &lock(&house.faults).to_json());
    match (request.method.as_str(), rest) {
        ("GET", "health") => health(house),
        ("POST", "reset") => {
            house.reset();
            Reply::empty(204)
        }
        ("GET", "requests") => requests(house, request).unwrap_or_else(refused),
        ("DELETE", "requests") => {
            lock(&house.log).clear();
            Reply::empty(204)
        }
        ("GET", "faults") => plan(200),
        ("GET", "presets") => {
            let named = faults::presets().into_iter().map(|(name, about)| (name, about.into()));
            Reply::json(200, &Value::Object(named.collect()))
        }
        ("DELETE", "faults") => {
            lock(&house.faults).clear();
            Reply::empty(204)
        }
        ("POST", "faults") => match faults::parse(&request.body) {
            Ok(new) => {
                let mut planned = lock(&house.faults);
                for fault in new {
                    planned.add(fault);
                }
                drop(planned);
                plan(201)
            }
            Err(wrong) => refused(wrong.to_string()),
        },
        ("GET", "clock") => time(house),
        ("POST", "clock") => match set_clock(house, request) {
            Ok(()) => time(house),
            Err(message) => refused(message),
        },
        ("POST", "advance") => match field(&request.fields(), "seconds").and_then(|s| s.parse::<u32>().ok()) {
            Some(seconds) => {
                house.clock.advance(i64::from(seconds) * clock::SECOND);
                time(house)
            }
            None => refused("say ?seconds=…".to_owned()),
        },
        ("DELETE", path) if path.starts_with("faults/") => {
            let id = path.strip_prefix("faults/").and_then(|id| id.parse().ok());
            match id.filter(|id| lock(&house.faults).remove(*id)) {
                Some(_) => Reply::empty(204),
                None => Reply::json(404, &object([("error", "there is no such fault".into())])),
            }
        }
        (_, "health" | "presets") => Reply::empty(405).header("Allow", "GET"),
        (_, "reset" | "advance") => Reply::empty(405).header("Allow", "POST"),
        (_, "requests") => Reply::empty(405).header("Allow", "GET, DELETE"),
        (_, "faults") => Reply::empty(405).header("Allow", "GET, POST, DELETE"),
        (_, "clock") => Reply::empty(405).header("Allow", "GET, POST"),
        _ => Reply::json(404, &object([("error", format!("the sandbox has no {}; it has {PATHS}", request.path).into())])),
    }
}

fn refused(message: String) -> Reply {
    Reply::json(400, &object([("error", message.into())]))
}

fn health(house: &House) -> Reply {
    let members = [
        ("status", "ok".into()),
        ("now", clock::iso(house.clock.now()).into()),
        ("tenant_id", house.identity.tenant_id.as_str().into()),
        ("client_id", house.identity.client_id.as_str().into()),
        ("operations", (ops::all().count() as i64).into()),
    ];
    Reply::json(200, &object(members))
}

fn time(house: &House) -> Reply {
    Reply::json(200, &object([("now", clock::iso(house.clock.now()).into()), ("frozen", house.clock.is_frozen().into())]))
}

/// The requests that the query string asks for.
fn requests(house: &House, request: &Request) -> Result<Reply, String> {
    let fields = request.fields();
    if let Some((name, _)) = fields.iter().find(|(name, _)| !["operation", "service", "since"].contains(&name.as_str())) {
        return Err(format!("{name}: requests are asked for by operation, service and since"));
    }
    let pattern = field(&fields, "operation").filter(|p| !p.is_empty());
    pattern.map_or(Ok(()), part::known).map_err(|message| format!("operation: {message}"))?;
    let service = field(&fields, "service").filter(|s| !s.is_empty());
    if let Some(name) = service.filter(|name| part::Part::parse(name).is_none()) {
        let names = part::Part::ALL.map(part::Part::name);
        return Err(format!("service: {name:?} is not allowed; it is one of {}", names.join(", ")));
    }
    let since = match field(&fields, "since") {
        None => 0,
        Some(text) => text.parse::<u64>().map_err(|_| "since: must be the number of a request".to_owned())?,
    };
    let log = lock(&house.log);
    let wanted = log.iter().filter(|r| {
        r.number > since
            && pattern.is_none_or(|p| r.operation.is_some_and(|op| part::fits(p, op)))
            && service.is_none_or(|s| r.part.is_some_and(|p| p.name() == s))
    });
    Ok(Reply::json(200, &Value::Array(wanted.map(super::RequestRecord::to_json).collect())))
}

fn set_clock(house: &House, request: &Request) -> Result<(), String> {
    let body = json::parse(&request.body).map_err(|e| e.to_string())?;
    let members = body.as_object().filter(|m| !m.is_empty()).ok_or("say {\"advance\": \"5m\"}, {\"set\": \"…\"} or {\"freeze\": true}")?;
    // All of it is understood before any of it is done.
    let (mut ticks, mut until, mut freeze) = (0, None, None);
    for (name, value) in members {
        match name.as_str() {
            "advance" => ticks = clock::span_of(value).ok_or("advance: must be a time such as \"5m\" or a number of seconds")?,
            "set" => until = Some(value.as_str().and_then(clock::parse).ok_or("set: must be a time such as \"2026-11-21T12:00:00Z\"")?),
            "freeze" => freeze = Some(value.as_bool().ok_or("freeze: must be true or false")?),
            other => return Err(format!("{other}: the clock has advance, set and freeze")),
        }
    }
    if let Some(until) = until {
        house.clock.set(until).map_err(|message| format!("set: {message}"))?;
    }
    if let Some(freeze) = freeze {
        house.clock.freeze(freeze);
    }
    house.clock.advance(ticks);
    Ok(())
}

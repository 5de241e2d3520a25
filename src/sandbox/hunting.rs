//! Advanced hunting in the three shapes in which it is answered.
//!
//! The same rows look different on each endpoint, and the differences are where decoders break: booleans as 0 and 1 under a type `SByte`,
//! nulls as `{}`, dynamics as text here and as annotated objects there. The shapes are those of live captures.

use std::time::Instant;

use crate::json::{self, Object, Value, object};
use crate::ops::model::Service;

use super::clock::{self, DAY, SECOND};
use super::data::{self, Asked, Engine, Lookup, Said};
use super::failure::Failure;
use super::limits;
use super::quirks::{Quirk, Quirks};
use super::router::{Call, not_yet};
use super::wire::Reply;
use super::{House, lock};
use crate::kql::{self, ErrorKind, KqlError, Table, Type, format_datetime, format_timespan};

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "graph.hunting.run" | "hunting.run_xdr" | "hunting.run_endpoint" => run(call, call.text("Query").unwrap_or_default()),
        "hunting.run_endpoint_get" => match call.query("key").filter(|query| !query.trim().is_empty()) {
            Some(query) => run(call, &query),
            None => Err(Failure::new(400, "MissingRequiredParameter", "Parameter key is missing")),
        },
        "graph.hunting.schema" => Ok(known_tables(call)),
        _ => not_yet(call),
    }
}

fn run(call: &Call<'_>, query: &str) -> Result<Reply, Failure> {
    let now = call.now();
    let limits = *lock(&call.house.limits);
    let quirks = call.house.options.quirks;
    let window = window(call.text("Timespan"), now, limits.window())
        .ok_or_else(|| Failure::new(400, "BadRequest", "Timespan is no ISO 8601 duration or interval."))?;
    let started = Instant::now();
    let table = answered(call, query, now, window, started)?;
    let ran = execution_time(call, started);
    limits.check_time(call.op.service, ran)?;
    let body = match call.op.service {
        Service::Graph => graph(call, &table, quirks),
        _ => legacy(&table, ran, quirks),
    };
    let reply = Reply::json(200, &body);
    limits.check_size(call.op.service, reply.body.len())?;
    Ok(reply)
}

/// The tenant's tables with what is beside them. The Endpoint service knows its own tables only.
pub(super) fn lookup(house: &House, devices_only: bool) -> Lookup {
    let mut store = house.store();
    store.publish();
    let (tables, fixtures) = (store.tenant.tables.clone(), store.fixtures.clone());
    Lookup { tables, fixtures, now: house.clock.now(), devices_only }
}

/// Runs a query over all tables, for whoever sits at the sandbox: nobody's permissions, nobody's quota.
pub(super) fn ask(house: &House, query: &str) -> Result<kql::Output, KqlError> {
    let now = house.clock.now();
    let limits = *lock(&house.limits);
    let deadline = limits.deadline(Service::Graph, Instant::now());
    let options = kql::Options { window: Some((now - limits.window(), now)), max_rows: limits.rows, deadline, ..kql::Options::at(now) };
    kql::run(query, &lookup(house, false), &options)
}

/// The rows of what was written down for a query, or else of the engine.
fn answered(call: &Call<'_>, query: &str, now: i64, window: (i64, i64), started: Instant) -> Result<Table, Failure> {
    let said = call.house.store().answers.find(query);
    match said {
        Some(Said::Rows(table)) => return Ok(table),
        Some(Said::Error(status, message)) => return Err(Failure::new(status, "BadRequest", message)),
        None => {}
    }
    let api = match call.op.service {
        Service::Graph => "graph",
        Service::Endpoint => "endpoint",
        _ => "xdr",
    };
    match &call.house.options.engine {
        Engine::Canned => {
            call.house.store().answers.missed(query);
            let message = "No answer is registered for this query, and the sandbox was started with engine=\"canned\".";
            Err(Failure::new(400, "BadRequest", message).header("x-sandbox-unsupported", "canned"))
        }
        Engine::Plugged(engine) => {
            let answer = engine(&Asked { query, now, window, api });
            data::said(&answer).map_err(|(status, message)| Failure::new(status, "BadRequest", message))
        }
        Engine::Builtin => {
            let lookup = lookup(call.house, call.op.service == Service::Endpoint);
            let limits = *lock(&call.house.limits);
            let deadline = limits.deadline(call.op.service, started);
            let options = kql::Options { window: Some(window), max_rows: limits.rows, deadline, ..kql::Options::at(now) };
            kql::run(query, &lookup, &options).map(|output| output.table).map_err(|e| {
                if e.kind == ErrorKind::Stopped {
                    // The time that it had counts as well.
                    execution_time(call, started);
                    return limits::too_slow();
                }
                refusal(&e)
            })
        }
    }
}

/// How long the query ran, which the Endpoint service counts.
fn execution_time(call: &Call<'_>, started: Instant) -> f64 {
    let mut quotas = lock(&call.house.quotas);
    let seconds = quotas.execution_time.unwrap_or_else(|| started.elapsed().as_secs_f64());
    if call.op.service == Service::Endpoint {
        quotas.ran(seconds, call.now());
    }
    seconds
}

/// The tables and functions that a user can hunt in.
fn known_tables(call: &Call<'_>) -> Reply {
    let schema = json::parse(crate::ops::HUNTING_SCHEMA.as_bytes()).unwrap_or_default();
    let column =
        |(name, ty): (&String, &Value)| object([("name", name.as_str().into()), ("dataType", ty.clone()), ("description", "".into())]);
    let table = |(name, columns): (&String, &Value)| {
        let columns = columns.as_object().into_iter().flatten().map(column).collect();
        object([("name", name.as_str().into()), ("description", "".into()), ("columns", Value::Array(columns))])
    };
    let tables = schema.get("tables").and_then(Value::as_object).into_iter().flatten().map(table).collect();
    let functions = object([("builtInFunctions", Value::Array(Vec::new())), ("savedFunctions", Value::Array(Vec::new()))]);
    call.one(200, "microsoft.graph.security.huntingSchema", object([("tables", Value::Array(tables)), ("functions", functions)]))
}

fn refusal(error: &KqlError) -> Failure {
    let failure = Failure::new(400, "BadRequest", error.to_string());
    match &error.missing {
        Some(part) => failure.header("x-sandbox-unsupported", part.as_str()),
        None => failure,
    }
}

/// From and to, in ticks, no further back than anybody can look.
fn window(timespan: Option<&str>, now: i64, most: i64) -> Option<(i64, i64)> {
    let (since, until) = match timespan.map(str::trim).filter(|t| !t.is_empty()) {
        None => (now - most, now),
        Some(text) => match text.split_once('/') {
            None => match duration(text) {
                Some(length) => (now - length, now),
                None => (clock::parse(text)?, now),
            },
            Some((from, to)) => match (duration(from), duration(to)) {
                (Some(length), None) => {
                    let end = clock::parse(to)?;
                    (end.checked_sub(length)?, end)
                }
                (None, Some(length)) => {
                    let start = clock::parse(from)?;
                    (start, start.checked_add(length)?)
                }
                (None, None) => (clock::parse(from)?, clock::parse(to)?),
                (Some(_), Some(_)) => return None,
            },
        },
    };
    if since > until {
        return None;
    }
    Some((since.max(now - most), until.min(now)))
}

/// Ticks of an ISO 8601 duration. A month counts 30 days, a year 365.
fn duration(text: &str) -> Option<i64> {
    let rest = text.strip_prefix(['P', 'p'])?;
    let (days, times) = rest.split_once(['T', 't']).map_or((rest, None), |(d, t)| (d, Some(t)));
    if rest.is_empty() || times == Some("") {
        return None;
    }
    let sum = |part: &str, units: &[(char, i64)]| -> Option<i64> {
        let (mut total, mut number, mut from) = (0f64, String::new(), 0);
        for c in part.chars() {
            if c.is_ascii_digit() || c == '.' {
                number.push(c);
                continue;
            }
            // Units come in their order, each once.
            let at = units.iter().skip(from).position(|(u, _)| u.eq_ignore_ascii_case(&c))? + from;
            let (_, ticks) = units.get(at)?;
            total += number.parse::<f64>().ok()? * (*ticks as f64);
            number.clear();
            from = at + 1;
        }
        (number.is_empty() && total < 1e17).then_some(total as i64)
    };
    let days = sum(days, &[('Y', 365 * DAY), ('M', 30 * DAY), ('W', 7 * DAY), ('D', DAY)])?;
    let times = sum(times.unwrap_or_default(), &[('H', 3600 * SECOND), ('M', 60 * SECOND), ('S', SECOND)])?;
    Some(days + times)
}

fn rows(table: &Table, mut cells: impl FnMut(&mut Object, &str, Type, &kql::Value)) -> Value {
    let row = |at: usize| {
        let mut row = Object::with_capacity(table.columns.len());
        for column in &table.columns {
            let cell = column.cells.get(at);
            cells(&mut row, &column.name, column.ty, cell.as_deref().unwrap_or(&kql::Value::Null));
        }
        Value::Object(row)
    };
    Value::Array((0..table.rows).map(row).collect())
}

fn schema(table: &Table, name: &str, ty: &str, quirks: Quirks) -> Value {
    let numbers = quirks.has(Quirk::BooleansAsNumbers);
    let wire = |own: Type| if own == Type::Bool && !numbers { "Boolean" } else { own.wire_name() };
    Value::Array(table.columns.iter().map(|c| object([(name, (*c.name).into()), (ty, wire(c.ty).into())])).collect())
}

/// A cell that both shapes write alike.
pub(super) fn plain(value: &kql::Value, quirks: Quirks) -> Value {
    match value {
        kql::Value::Null | kql::Value::Dynamic(_) => Value::Null,
        kql::Value::Bool(b) if quirks.has(Quirk::BooleansAsNumbers) => i64::from(*b).into(),
        kql::Value::Bool(b) => (*b).into(),
        kql::Value::Int(i) => i64::from(*i).into(),
        kql::Value::Long(i) => (*i).into(),
        kql::Value::Real(f) => (*f).into(),
        kql::Value::String(s) => (**s).into(),
        kql::Value::DateTime(t) => format_datetime(*t).into(),
        kql::Value::TimeSpan(t) => format_timespan(*t).into(),
    }
}

/// A cell whose dynamic values are text.
fn texts(value: &kql::Value, quirks: Quirks) -> Value {
    match value {
        kql::Value::Dynamic(json) => match &**json {
            Value::Null => Value::Null,
            Value::String(s) => s.as_str().into(),
            json => json.to_string().into(),
        },
        other => plain(other, quirks),
    }
}

/// The Endpoint and XDR services' answer.
fn legacy(table: &Table, seconds: f64, quirks: Quirks) -> Value {
    let results = rows(table, |row, name, _, value| {
        row.insert(name.to_owned(), texts(value, quirks));
    });
    let counts = |hits: i64| object([("hits", hits.into()), ("misses", 0i64.into()), ("total", hits.into())]);
    let stats = object([
        ("ExecutionTime", seconds.into()),
        (
            "resource_usage",
            object([
                ("cache", object([("memory", counts(1)), ("disk", counts(0))])),
                ("cpu", object([("user", "00:00:00".into()), ("kernel", "00:00:00".into()), ("total cpu", "00:00:00".into())])),
                ("memory", object([("peak_per_node", 0i64.into())])),
            ]),
        ),
        (
            "dataset_statistics",
            Value::Array(vec![object([
                ("table_row_count", (table.rows as i64).into()),
                ("table_size", ((table.rows * table.columns.len()) as i64).into()),
            ])]),
        ),
    ]);
    object([("Stats", stats), ("Schema", schema(table, "Name", "Type", quirks)), ("Results", results)])
}

/// Graph's answer.
fn graph(call: &Call<'_>, table: &Table, quirks: Quirks) -> Value {
    let (annotated, numbers) = (quirks.has(Quirk::Annotations), quirks.has(Quirk::BooleansAsNumbers));
    let results = rows(table, |row, name, ty, value| match value {
        kql::Value::Null if quirks.has(Quirk::NullsAsObjects) => {
            row.insert(name.to_owned(), Value::Object(Object::new()));
        }
        kql::Value::Dynamic(json) if annotated => open(row, name, json),
        value if !annotated || matches!(value, kql::Value::Null) => drop(row.insert(name.to_owned(), texts(value, quirks))),
        value => {
            match ty {
                Type::Bool if numbers => drop(row.insert(format!("{name}@odata.type"), "#SByte".into())),
                Type::Long => drop(row.insert(format!("{name}@odata.type"), "#Int64".into())),
                _ => {}
            }
            row.insert(name.to_owned(), plain(value, quirks));
        }
    });
    object([
        ("@odata.context", format!("{}/v1.0/$metadata#microsoft.graph.security.huntingQueryResults", call.origin()).into()),
        ("schema", schema(table, "name", "type", quirks)),
        ("results", results),
    ])
}

/// A dynamic value as a property of an open type: objects are annotated, lists become texts.
fn open(row: &mut Object, name: &str, value: &Value) {
    let value = match value {
        Value::Null => Value::Object(Object::new()),
        Value::Array(items) => {
            row.insert(format!("{name}@odata.type"), "#Collection(String)".into());
            Value::Array(items.iter().map(|i| i.as_str().map_or_else(|| i.to_string().into(), Value::from)).collect())
        }
        Value::Object(members) => {
            let mut annotated = Object::new();
            annotated.insert("@odata.type".into(), "#microsoft.graph.security.dynamicColumnValue".into());
            for (key, value) in members {
                open(&mut annotated, key, value);
            }
            Value::Object(annotated)
        }
        Value::Int(_) => {
            row.insert(format!("{name}@odata.type"), "#Int64".into());
            value.clone()
        }
        other => other.clone(),
    };
    row.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timespans_are_read_in_all_forms() {
        let now = clock::parse("2026-11-21T00:00:00Z").unwrap();
        const WINDOW: i64 = 30 * DAY;
        let at = |t: &str| clock::parse(t).unwrap();
        for (text, expected) in [
            (None, Some((now - WINDOW, now))),
            (Some("P7D"), Some((now - 7 * DAY, now))),
            (Some("P90D"), Some((now - WINDOW, now))),
            (Some("P1DT12H"), Some((now - DAY - DAY / 2, now))),
            (Some("PT30M"), Some((now - 1800 * SECOND, now))),
            (Some("2026-11-20T00:00:00Z"), Some((now - DAY, now))),
            (Some("2026-11-18/2026-11-20"), Some((at("2026-11-18"), at("2026-11-20")))),
            (Some("P2D/2026-11-20T00:00:00Z"), Some((at("2026-11-18"), at("2026-11-20")))),
            (Some("2026-11-18T00:00:00Z/P2D"), Some((at("2026-11-18"), at("2026-11-20")))),
            (Some("2026-11-20/2026-11-18"), None),
            (Some("P"), None),
            (Some("P1"), None),
            (Some("PT"), None),
            (Some("P1H"), None),
            (Some("P1D1Y"), None),
            (Some("P1D/P1D"), None),
            (Some("yesterday"), None),
            (Some("P99999999999999999999D"), None),
        ] {
            assert_eq!(window(text, now, WINDOW), expected, "{text:?}");
        }
    }

    #[test]
    fn dynamics_are_annotated_as_in_live_captures() {
        let mut row = Object::new();
        let value = crate::json::parse(br#"{"raw":{"tags":["a",{"b":1}],"n":0,"flag":true},"none":null}"#).unwrap();
        open(&mut row, "P", &value);
        open(&mut row, "L", &crate::json::parse(b"[]").unwrap());
        assert_eq!(
            Value::Object(row).to_string(),
            r##"{"P":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","raw":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","tags@odata.type":"#Collection(String)","tags":["a","{\"b\":1}"],"n@odata.type":"#Int64","n":0,"flag":true},"none":{}},"L@odata.type":"#Collection(String)","L":[]}"##
        );
    }
}

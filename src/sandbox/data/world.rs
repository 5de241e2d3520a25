//! A world as a file: everything of a tenant that hunting and the services show, in one JSON document.

use super::{Taken, alerts, guess, incidents, machines, objects, rows};
use crate::json::{Object, Value, object};
use crate::kql::Catalog;
use crate::sandbox::House;
use crate::sandbox::clock;
use crate::sandbox::seed::{Kind, Machine, Plan, Tenant, planned};
use crate::sandbox::store::Store;

/// What the document calls itself.
const FORMAT: &str = "xdrkit-world";
const VERSION: i64 = 1;
/// More rows are not written down.
const MOST: usize = 500_000;
const PARTS: [&str; 11] =
    ["format", "version", "now", "tenant", "machines", "alerts", "incidents", "tables", "geo", "file_profiles", "external"];

fn without(value: Value, names: &[&str]) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(k, v)| !names.contains(&k.as_str()) && !v.is_null()).collect())
        }
        other => other,
    }
}

/// The tenant as it is.
pub(super) fn dump(house: &House) -> Taken<Value> {
    let mut store = house.store();
    store.publish();
    let tenant = &store.tenant;
    let evidence = |alert: &crate::sandbox::seed::Alert| {
        let mut shown = without(alert.endpoint(true), &alerts::DERIVED);
        if let Value::Object(members) = &mut shown {
            members.insert("serviceSource".into(), alert.service.pascal().into());
            // What the Endpoint service has no words for stays in the tables.
            let pieces = members.get("evidence").and_then(Value::as_array).unwrap_or_default();
            let known = |e: &&Value| !matches!(e.get("entityType").and_then(Value::as_str), Some("MailMessage" | "CloudApplication"));
            let pieces = pieces.iter().filter(known).map(|e| without(e.clone(), &[])).collect();
            members.insert("evidence".into(), Value::Array(pieces));
        }
        shown
    };
    let incident = |i: &crate::sandbox::seed::Incident| {
        without(i.graph(None, &[]), &["tenantId", "incidentWebUrl", "comments", "summary", "priorityScore"])
    };
    let mut tables = Object::new();
    let mut total = 0;
    for name in tenant.tables.table_names() {
        let Some(table) = tenant.tables.table(&name).filter(|t| t.rows > 0) else { continue };
        total += table.rows;
        if total <= MOST {
            tables.insert(name, rows::shown(&table));
        }
    }
    if total > MOST {
        return Err(format!("world: has {total} rows; at most {MOST} are written down"));
    }
    let mut out = object([
        ("format", FORMAT.into()),
        ("version", VERSION.into()),
        ("now", clock::iso(house.clock.now()).into()),
        ("tenant", object([("name", tenant.name.as_str().into()), ("domain", tenant.domain.as_str().into())])),
        ("machines", Value::Array(tenant.machines.iter().map(|m| without(m.endpoint(), &machines::DERIVED)).collect())),
        ("alerts", Value::Array(tenant.alerts.iter().map(evidence).collect())),
        ("incidents", Value::Array(tenant.incidents.iter().map(incident).collect())),
        ("tables", Value::Object(tables)),
    ]);
    if let Value::Object(members) = &mut out {
        members.extend(store.fixtures.shown().map(|(name, value)| (name.to_owned(), value)));
    }
    Ok(out)
}

/// Moves every time of an object by so many ticks.
fn shifted(members: &Object, by: i64) -> Object {
    let time = |key: &str| ["Time", "Seen", "DateTime"].iter().any(|end| key.ends_with(end));
    let one = |(key, value): (&String, &Value)| {
        let moved = match value {
            Value::String(text) if time(key) => {
                clock::parse(text).map_or_else(|| value.clone(), |t| clock::iso(t.saturating_add(by)).into())
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|i| i.as_object().map_or_else(|| i.clone(), |o| Value::Object(shifted(o, by)))).collect())
            }
            other => other.clone(),
        };
        (key.clone(), moved)
    };
    members.iter().map(one).collect()
}

/// The world of a document, as a store at `now`. `shift`: times are moved so that the document's present is ours.
pub(in crate::sandbox) fn read(world: &Value, now: i64, shift: bool) -> Taken<(Tenant, Value)> {
    let members = world.as_object().ok_or("world: takes a JSON object")?;
    if members.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(format!("world: is no {FORMAT} document: its \"format\" is missing or another"));
    }
    if members.get("version").and_then(Value::as_i64) != Some(VERSION) {
        return Err(format!("world: its \"version\" is not {VERSION}, the only one that this release reads"));
    }
    if let Some(key) = members.keys().find(|k| !PARTS.contains(&k.as_str())) {
        return Err(format!("world: no part {key:?}.{}", guess(key, PARTS)));
    }
    let then = match members.get("now").and_then(Value::as_str) {
        Some(text) => clock::parse(text).ok_or("world.now: takes a time")?,
        None if shift && members.get("tables").is_some() => return Err("world.now: is needed to shift times".to_owned()),
        None => now,
    };
    let by = if shift { now - then } else { 0 };
    let mut tenant = planned(now, &Plan { kind: Kind::Empty, ..Plan::default() });
    let list = |name: &str| {
        members.get(name).filter(|v| !v.is_null()).map_or(Ok(Vec::new()), |v| {
            if v.as_array().is_some_and(|a| a.is_empty()) { Ok(Vec::new()) } else { objects(&format!("world.{name}"), v) }
        })
    };
    let mut all: Vec<Machine> = Vec::new();
    for (at, item) in list("machines")?.into_iter().enumerate() {
        let item = shifted(item, by);
        let own: Object = item.into_iter().filter(|(k, v)| !machines::DERIVED.contains(&k.as_str()) && !v.is_null()).collect();
        all.push(machines::read(&format!("world.machines[{at}]"), &own, at + 1, now)?);
    }
    for (at, item) in list("incidents")?.into_iter().enumerate() {
        let incident = incidents::read(&format!("world.incidents[{at}]"), &shifted(item, by), &tenant, 2101 + at as i64, now)?;
        tenant.incidents.push(incident);
    }
    let no_tables = Object::new();
    let tables = members.get("tables").and_then(Value::as_object).unwrap_or(&no_tables);
    // Rows that the document has are not made up again.
    if tables.contains_key("DeviceInfo") {
        tenant.machines = all;
    } else {
        machines::put(&mut tenant, all);
    }
    let mut raised = Vec::new();
    for (at, item) in list("alerts")?.into_iter().enumerate() {
        let item = shifted(item, by);
        let own: Object = item.into_iter().filter(|(k, v)| !alerts::DERIVED.contains(&k.as_str()) && !v.is_null()).collect();
        raised.push(alerts::read(&format!("world.alerts[{at}]"), &own, &tenant, at + 1, now)?);
    }
    alerts::put(&mut tenant, raised);
    for table in ["AlertInfo", "AlertEvidence"] {
        if tables.contains_key(table) {
            tenant.tables.clear(table);
        }
    }
    for (name, given) in tables {
        fill(&mut tenant, name, given, by).map_err(|e| format!("world.tables.{name}: {e}"))?;
    }
    let beside: Object =
        ["geo", "file_profiles", "external"].into_iter().filter_map(|n| Some((n.to_owned(), members.get(n)?.clone()))).collect();
    tenant.assess();
    Ok((tenant, Value::Object(beside)))
}

fn fill(tenant: &mut Tenant, name: &str, given: &Value, by: i64) -> Taken<()> {
    let said = given.get("columns").and_then(Value::as_object);
    let columns = match (tenant.tables.table(name), said) {
        (Some(table), _) => table.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
        (None, Some(said)) => rows::types(name, said)?,
        (None, None) => return Err("the schema has no such table; its columns are needed with their types".to_owned()),
    };
    let items = given.get("rows").and_then(Value::as_array).ok_or("takes rows")?;
    let names: Vec<&String> = said.map(|s| s.keys().collect()).unwrap_or_default();
    let mut made: Vec<Object> = Vec::with_capacity(items.len());
    for (at, row) in items.iter().enumerate() {
        made.push(match row {
            Value::Object(members) => members.clone(),
            Value::Array(cells) if cells.len() == names.len() => names.iter().map(|n| (*n).clone()).zip(cells.iter().cloned()).collect(),
            Value::Array(cells) => return Err(format!("rows[{at}]: has {} cells, and there are {} columns", cells.len(), names.len())),
            _ => return Err(format!("rows[{at}]: takes an object or a list of cells")),
        });
    }
    let table = rows::table(&columns, &made.iter().collect::<Vec<_>>(), by, None)?;
    tenant.tables.add(name, &table);
    Ok(())
}

/// `{"world": …, "shift": true}`: this world instead of the one that is there. A reset brings that back.
pub(super) fn load(house: &House, given: &Value) -> Taken<Value> {
    let shift = given.get("shift").and_then(Value::as_bool).unwrap_or(true);
    let world = if given.get("format").is_some() { given } else { given.get("world").unwrap_or(&Value::Null) };
    let (tenant, beside) = read(world, house.clock.now(), shift)?;
    let counts = object([
        ("machines", (tenant.machines.len() as i64).into()),
        ("alerts", (tenant.alerts.len() as i64).into()),
        ("incidents", (tenant.incidents.len() as i64).into()),
    ]);
    let mut fresh = Store::new(tenant);
    fresh.fixtures.register(&beside)?;
    *house.store() = fresh;
    Ok(counts)
}

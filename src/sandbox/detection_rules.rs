//! Custom detection rules, in their shape of May 2026: an id of the caller's choice, and a status where there was `isEnabled`.

use super::clock::{self, DAY, SECOND};
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::wire::{Reply, guid_for};
use crate::json::{Object, Value, object};

const SET: &str = "security/rules/detectionRules";

/// The rules, in the order in which they were made, and when.
pub(super) type Rules = Vec<Object>;

/// The rules of a new tenant. `now`: when it was set up; `by`: whose they are.
pub(super) fn seeded(now: i64, by: &str) -> Rules {
    #[rustfmt::skip]
    let seeds = [
        ("encoded-powershell", "Encoded PowerShell from Office", "enabled", "PT1H", 40,
            "DeviceProcessEvents\n| where FileName =~ 'powershell.exe' and ProcessCommandLine has '-enc'\n| where InitiatingProcessFileName in~ ('winword.exe', 'excel.exe')"),
        ("shadow-copies", "Shadow copies are deleted", "enabled", "PT0S", 33,
            "DeviceProcessEvents\n| where ProcessCommandLine has_all ('vssadmin', 'delete', 'shadows')"),
        ("old-curl", "Downloads with curl on servers", "disabled", "PT24H", 12,
            "DeviceProcessEvents\n| where FileName in~ ('curl', 'curl.exe')\n| where DeviceName has '-web-' or DeviceName has '-app-'"),
    ];
    let rule = |(id, name, status, frequency, days, query): (&str, &str, &str, &str, i64, &str)| {
        let mut given = Object::new();
        given.insert("displayName".into(), name.into());
        given.insert("status".into(), status.into());
        given.insert("description".into(), format!("{name}.").into());
        given.insert("queryCondition".into(), object([("queryText", query.into())]));
        given.insert("schedule".into(), object([("frequency", frequency.into())]));
        given.insert("detectionAction".into(), action(name));
        made(id, given, by, now - days * DAY)
    };
    seeds.into_iter().map(rule).collect()
}

fn action(title: &str) -> Value {
    let template = object([
        ("title", title.into()),
        ("description", format!("{title}.").into()),
        ("severity", "medium".into()),
        ("tactics", vec!["execution"].into()),
        ("mitreTechniques", Vec::<&str>::new().into()),
        ("recommendedActions", Value::Null),
        ("entityMappings", Value::Array(vec![object([("entityType", "device".into()), ("columnName", "DeviceId".into())])])),
    ]);
    object([("alertTemplate", template), ("automatedActions", Value::Array(Vec::new())), ("incidentConfiguration", Value::Null)])
}

/// A rule from what a caller said of it.
fn made(id: &str, given: Object, by: &str, now: i64) -> Object {
    let mut rule = Object::new();
    for name in ["id", "displayName", "description", "status", "queryCondition", "schedule", "detectionAction"] {
        rule.insert(name.into(), given.get(name).cloned().unwrap_or_default());
    }
    rule.insert("id".into(), id.into());
    for (name, value) in [("createdBy", Value::from(by)), ("createdDateTime", clock::iso(now).into())] {
        rule.insert(name.into(), value);
    }
    rule.insert("lastModifiedBy".into(), Value::Null);
    rule.insert("lastModifiedDateTime".into(), Value::Null);
    rule.insert("lastRunDetails".into(), Value::Null);
    rule.insert("detectorId".into(), guid_for(&format!("detection rule {id}")).into());
    touch(&mut rule, by, now);
    rule
}

/// Notes who changed a rule, and works out when it runs next.
fn touch(rule: &mut Object, by: &str, now: i64) {
    rule.insert("lastModifiedBy".into(), by.into());
    rule.insert("lastModifiedDateTime".into(), clock::iso(now).into());
    let enabled = rule.get("status").and_then(Value::as_str) == Some("enabled");
    if let Some(Value::Object(query)) = rule.get_mut("queryCondition") {
        query.insert("lastModifiedDateTime".into(), clock::iso(now).into());
    }
    if let Some(Value::Object(schedule)) = rule.get_mut("schedule") {
        let next = if enabled { clock::iso(now + 3600 * SECOND).into() } else { Value::Null };
        schedule.insert("nextRunDateTime".into(), next);
    }
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "graph.detection_rules.list" => {
            let items = call.house.store().rules.iter().cloned().map(Value::Object).collect();
            lists::page(call, SET, items)
        }
        "graph.detection_rules.get" => {
            let store = call.house.store();
            let rule = store.rules.iter().find(|r| is(r, call.id())).cloned().ok_or_else(|| unknown(call))?;
            Ok(call.one(200, SET, Value::Object(rule)))
        }
        "graph.detection_rules.create" => create(call),
        "graph.detection_rules.update" => update(call),
        "graph.detection_rules.delete" => {
            let mut store = call.house.store();
            let at = store.rules.iter().position(|r| is(r, call.id())).ok_or_else(|| unknown(call))?;
            store.rules.remove(at);
            Ok(Reply::empty(204))
        }
        _ => not_yet(call),
    }
}

fn is(rule: &Object, id: &str) -> bool {
    rule.get("id").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(id))
}

fn unknown(call: &Call<'_>) -> Failure {
    Failure::not_found(call.op.service, "Detection rule", call.id())
}

fn bad(message: &str) -> Failure {
    Failure::new(400, "BadRequest", message)
}

/// A rule has a query and a frequency.
fn check(given: &Object) -> Result<(), Failure> {
    let part = |name: &str, inner: &str| match given.get(name) {
        None | Some(Value::Null) => true,
        Some(value) => value.get(inner).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty()),
    };
    if !part("queryCondition", "queryText") {
        return Err(bad("queryCondition must have a queryText."));
    }
    let frequency = given.get("schedule").and_then(|s| s.get("frequency")).and_then(Value::as_str);
    if !part("schedule", "frequency") || frequency.is_some_and(|f| !["PT0S", "PT1H", "PT3H", "PT12H", "PT24H", "P1D"].contains(&f)) {
        return Err(bad("schedule must have a frequency: PT0S, PT1H, PT3H, PT12H or PT24H."));
    }
    Ok(())
}

fn create(call: &Call<'_>) -> Result<Reply, Failure> {
    check(&call.body)?;
    let id = call.text("id").unwrap_or_default();
    let mut store = call.house.store();
    if store.rules.iter().any(|r| is(r, id)) {
        return Err(Failure::new(409, "Conflict", format!("A detection rule with the id {id} exists already.")));
    }
    let rule = made(id, call.body.clone(), call.caller.name(), call.now());
    store.rules.push(rule.clone());
    let place = format!("{}{}/{}", call.origin(), call.op.path, lists::encode(id));
    Ok(call.one(201, SET, Value::Object(rule)).header("Location", place))
}

fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    check(&call.body)?;
    let mut store = call.house.store();
    let rule = store.rules.iter_mut().find(|r| is(r, call.id())).ok_or_else(|| unknown(call))?;
    for (name, value) in &call.body {
        rule.insert(name.clone(), value.clone());
    }
    touch(rule, call.caller.name(), call.now());
    let rule = rule.clone();
    Ok(call.one(200, SET, Value::Object(rule)))
}

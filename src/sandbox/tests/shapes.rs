//! Over the declaration: every property of an entity is in the answer, with its type; null where nothing is known.

use std::collections::BTreeSet;

use crate::ops::model::{Entity, Property, Service};
use crate::ops::types::{ENTITIES, ENUMS};

use super::walk::sample;
use super::*;

/// What is otherwise, and why: where it begins or what is in it.
const OTHERWISE: [(&str, &str); 11] = [
    ("scans.agent.", "one scanner comes in a list of one, as its page shows"),
    ("MtpAlertEvidence/", "an entity of XDR's incidents has the members of its kind alone, as recorded answers do"),
    ("exports.browser_", "the browser extensions' answers begin their names with capitals"),
    ("data_exports.", "an export's workspace is told back as it was given"),
    (
        "graph.alerts.comment.AlertComment/",
        "Graph's comments have createdByDisplayName and createdDateTime; the declaration names the Endpoint service's",
    ),
    ("graph.incidents.comment.AlertComment/", "the same"),
    ("GraphRuleSchedule/period", "superseded by frequency in May 2026"),
    ("GraphIncident/alerts", "a navigation: there with $expand alone"),
    ("AuthParams/", "what authenticates a scan is told back without its secrets, as far as it was given"),
    ("/assignedApplicationId", "the service writes AssignedApplicationId"),
    ("scores.", "the scores of the whole tenant belong to no group, and their pages show none"),
];

fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().find(|e| e.name == name)
}

/// A type's properties with those of its bases.
fn properties(entity: &'static Entity) -> Vec<&'static Property> {
    let above = entity.base.and_then(self::entity).map(properties).unwrap_or_default();
    above.into_iter().chain(entity.properties).collect()
}

/// What does not fit: where, and what stands there.
fn misfits(place: &str, ty: &str, value: &Value, found: &mut BTreeSet<String>) {
    if let Some(of) = ty.strip_prefix("Collection(").and_then(|t| t.strip_suffix(')')) {
        match value {
            Value::Null => {}
            Value::Array(items) => items.iter().for_each(|item| misfits(place, of, item, found)),
            other => drop(found.insert(format!("{place}: {ty}, not {other}"))),
        }
        return;
    }
    if let Some(entity) = entity(ty) {
        match value {
            Value::Null => {}
            Value::Object(members) => {
                // A derived type says which it is.
                let said = members.get("@odata.type").and_then(Value::as_str).and_then(|t| t.rsplit('.').next());
                let derived = said.and_then(|name| ENTITIES.iter().find(|e| e.name.eq_ignore_ascii_case(name))).unwrap_or(entity);
                let place = if place.contains('.') { format!("{place}.{}", derived.name) } else { place.to_owned() };
                for property in properties(derived) {
                    match members.get(property.name) {
                        None => drop(found.insert(format!("{place}/{}: missing ({})", property.name, property.ty))),
                        Some(value) => misfits(&format!("{place}/{}", property.name), property.ty, value, found),
                    }
                }
            }
            other => drop(found.insert(format!("{place}: {ty}, not {other}"))),
        }
        return;
    }
    let text = value.as_str();
    let fits = match ty {
        _ if value.is_null() => true,
        "String" | "Guid" | "Stream" | "TimeOfDay" => text.is_some(),
        "DateTimeOffset" => text.is_some_and(|t| super::super::clock::parse(t).is_some()),
        "Boolean" => value.as_bool().is_some(),
        "Int32" | "Int64" | "Byte" => value.as_i64().is_some(),
        "Double" | "Single" => value.as_f64().is_some(),
        "Object" => true,
        named => ENUMS.iter().any(|e| e.name == named) && text.is_some(),
    };
    if !fits {
        found.insert(format!("{place}: {ty}, not {value}"));
    }
}

#[test]
fn every_property_is_there_with_its_type() {
    let desk = Desk::open();
    let mut found = BTreeSet::new();
    let (mut looked, mut empty) = (0, Vec::new());
    for op in ops::all().filter(|op| !op.app_permissions.is_empty()) {
        let (ty, many) = match op.returns {
            Returns::One(ty) => (ty, false),
            Returns::Many(ty) => (ty, true),
            _ => continue,
        };
        desk.sandbox.reset();
        let (path, body) = sample(&desk, op);
        let place = Service::ALL.iter().position(|s| *s == op.service).unwrap();
        let answer = call(&desk.sandbox, [&desk.endpoint, &desk.xdr, &desk.graph][place], op.method.name(), &path, &body);
        assert!([200, 201].contains(&answer.status), "{}: {answer:?}", op.id);
        let items = if many { answer.items() } else { vec![answer.json()] };
        if items.is_empty() {
            empty.push(op.id);
        }
        looked += 1;
        for item in items {
            misfits(op.id, ty, &item, &mut found);
        }
    }
    assert!(looked > 100, "{looked}");
    for (what, _) in OTHERWISE {
        assert!(found.iter().any(|line| line.contains(what)), "{what} is as declared now");
    }
    let text: Vec<String> = found.into_iter().filter(|line| !OTHERWISE.iter().any(|(what, _)| line.contains(what))).collect();
    assert!(text.is_empty(), "{} misfits; empty: {empty:?}\n{}", text.len(), text.join("\n"));
}

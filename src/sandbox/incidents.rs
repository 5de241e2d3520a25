//! Incidents of Defender XDR, and what a change to an incident does, whichever service it came through.

use crate::json::Value;

use super::alerts;
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::{AlertStatus, Incident, IncidentStatus};
use super::store::{self, Store, Verdict};
use super::wire::Reply;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "incidents.list" | "endpoint_incidents.list" => list(call),
        "incidents.get" | "endpoint_incidents.get" => get(call),
        "incidents.update" => update(call),
        _ => not_yet(call),
    }
}

fn unknown(call: &Call<'_>) -> Failure {
    Failure::not_found(call.op.service, "Incident", call.id())
}

fn render(store: &Store, incident: &Incident) -> Value {
    incident.xdr(&store.alerts_of(incident), &store.tenant.machines)
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        store.tenant.incidents.iter().rev().map(|i| render(&store, i)).collect()
    };
    lists::page(call, "Incidents", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let incident = store.incident(call.id()).ok_or_else(|| unknown(call))?;
    Ok(call.one(200, "Incidents", render(&store, incident)))
}

/// A list of texts out of a body.
pub(super) fn texts(call: &Call<'_>, wire: &str) -> Option<Vec<String>> {
    let items = call.body.get(wire)?.as_array().unwrap_or_default();
    Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What a request changes of an incident.
pub(super) struct Change {
    pub(super) status: Option<IncidentStatus>,
    pub(super) verdict: Verdict,
    pub(super) tags: Option<Vec<String>>,
    pub(super) resolving_comment: Option<String>,
}

/// Changes an incident; false if there is no such incident. Resolving it resolves its open alerts.
pub(super) fn change(store: &mut Store, id: &str, change: Change, by: &str, now: i64) -> bool {
    let Some(incident) = store.incident_mut(id) else { return false };
    let Change { status, verdict, tags, resolving_comment } = change;
    if let Some(status) = status {
        incident.status = status;
    }
    if let Some(assigned_to) = verdict.assigned_to {
        incident.assigned_to = assigned_to;
    }
    if let Some(classification) = verdict.classification {
        incident.classification = classification;
    }
    if let Some(determination) = verdict.determination {
        incident.determination = determination;
    }
    if let Some(tags) = tags {
        incident.tags = tags;
    }
    if resolving_comment.is_some() {
        incident.resolving_comment = resolving_comment;
    }
    store::comment(&mut incident.comments, verdict.comment.as_deref(), by, now);
    incident.last_update = now;
    incident.last_modified_by = Some(by.to_owned());
    if status == Some(IncidentStatus::Resolved) {
        for alert in incident.alerts.clone() {
            let open = store.alert(&alert).is_some_and(|a| a.status != AlertStatus::Resolved);
            if open {
                alerts::change(&mut store.tenant, &alert, Some(AlertStatus::Resolved), Verdict::default(), by, now);
            }
        }
    }
    true
}

fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    let wanted = Change {
        status: alerts::status(call, IncidentStatus::parse)?,
        verdict: alerts::verdict(call)?,
        tags: texts(call, "tags"),
        resolving_comment: None,
    };
    let mut store = call.house.store();
    if !change(&mut store, call.id(), wanted, call.caller.name(), call.now()) {
        return Err(unknown(call));
    }
    let incident = store.incident(call.id()).ok_or_else(|| unknown(call))?;
    Ok(call.one(200, "Incidents", render(&store, incident)))
}

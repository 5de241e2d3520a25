//! Which alerts belong to which incident: merging incidents, and moving alerts from one to another.
//!
//! An incident that was merged away stays there as a signpost: it has no alerts, its status is "redirected", and it says where to.

use super::failure::Failure;
use super::router::Call;
use super::seed::{AlertStatus, Incident, IncidentStatus, Tenant};
use super::store;
use super::wire::Reply;
use crate::json::{Value, object};

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(400, "BadRequest", message)
}

fn answer(call: &Call<'_>, target: i64) -> Reply {
    call.one(200, "microsoft.graph.security.mergeResponse", object([("targetIncidentId", target.to_string().into())]))
}

/// Merges incidents into the oldest of them.
pub(super) fn merge(call: &Call<'_>) -> Result<Reply, Failure> {
    let (now, by) = (call.now(), call.caller.name());
    let mut store = call.house.store();
    let tenant = &mut store.tenant;
    let mut wanted: Vec<i64> = Vec::new();
    for text in call.texts("incidentIds").unwrap_or_default() {
        let found = text.parse().ok().and_then(|id: i64| tenant.incidents.iter().find(|i| i.id == id));
        let incident = found.ok_or_else(|| Failure::not_found(call.op.service, "Incident", &text))?;
        if incident.status == IncidentStatus::Redirected {
            return Err(bad(format!("Incident {text} was merged into another incident already.")));
        }
        if !wanted.contains(&incident.id) {
            wanted.push(incident.id);
        }
    }
    let Some(target) = wanted.iter().copied().min().filter(|_| wanted.len() > 1) else {
        return Err(bad("At least two incidents are needed for a merge."));
    };
    for source in wanted.into_iter().filter(|id| *id != target) {
        for alert in tenant.alerts.iter_mut().filter(|a| a.incident_id == source) {
            alert.incident_id = target;
            alert.last_update = now;
        }
        redirect(tenant, source, target, by, now);
    }
    settle(tenant, target, call.text("incidentComment"), by, now);
    Ok(answer(call, target))
}

/// Moves alerts into an incident, or into a new one.
pub(super) fn move_alerts(call: &Call<'_>) -> Result<Reply, Failure> {
    let (now, by) = (call.now(), call.caller.name());
    let mut store = call.house.store();
    let tenant = &mut store.tenant;
    let ids = call.texts("alertIds").unwrap_or_default();
    if ids.is_empty() {
        return Err(bad("alertIds must not be empty."));
    }
    if let Some(id) = ids.iter().find(|id| !tenant.alerts.iter().any(|a| *a.id == ***id)) {
        return Err(Failure::not_found(call.op.service, "Alert", id));
    }
    let target = match call.text("incidentId").filter(|id| !id.is_empty()) {
        None => found(tenant, &ids, now),
        Some(text) => {
            let incident = text.parse().ok().and_then(|id: i64| tenant.incidents.iter().find(|i| i.id == id));
            let incident = incident.ok_or_else(|| Failure::not_found(call.op.service, "Incident", text))?;
            if incident.status == IncidentStatus::Redirected {
                return Err(bad(format!("Incident {text} was merged into another incident.")));
            }
            incident.id
        }
    };
    let mut sources: Vec<i64> = Vec::new();
    for alert in tenant.alerts.iter_mut().filter(|a| ids.iter().any(|id| *a.id == **id) && a.incident_id != target) {
        sources.push(alert.incident_id);
        alert.incident_id = target;
        alert.last_update = now;
        store::comment(&mut alert.comments, call.text("alertComment"), by, now);
    }
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        if tenant.alerts.iter().any(|a| a.incident_id == source) {
            settle(tenant, source, None, by, now);
        } else {
            redirect(tenant, source, target, by, now);
        }
    }
    settle(tenant, target, None, by, now);
    Ok(answer(call, target))
}

/// Founds an incident for these alerts.
fn found(tenant: &mut Tenant, alerts: &[String], now: i64) -> i64 {
    let id = tenant.incidents.iter().map(|i| i.id).max().unwrap_or_default() + 1;
    let first = tenant.alerts.iter().find(|a| alerts.iter().any(|id| *a.id == **id));
    let name = first.map_or_else(|| "Incident".into(), |a| a.title.clone());
    let description = first.map_or_else(|| "".into(), |a| a.description.clone());
    let incident = Incident::new(id, name, description, tenant.id.as_str().into(), now);
    tenant.incidents.push(incident);
    id
}

/// Makes an incident a signpost.
fn redirect(tenant: &mut Tenant, source: i64, target: i64, by: &str, now: i64) {
    if let Some(incident) = tenant.incidents.iter_mut().find(|i| i.id == source) {
        incident.status = IncidentStatus::Redirected;
        incident.redirect_to = Some(target);
        incident.alerts.clear();
        incident.last_update = now;
        incident.last_modified_by = Some(by.to_owned());
    }
}

/// Sets an incident to what its alerts say.
fn settle(tenant: &mut Tenant, id: i64, comment: Option<&str>, by: &str, now: i64) {
    let own: Vec<_> = tenant.alerts.iter().filter(|a| a.incident_id == id).collect();
    let (ids, worst) = (own.iter().map(|a| a.id.clone()).collect(), own.iter().map(|a| a.severity).max());
    let open = own.iter().any(|a| a.status != AlertStatus::Resolved);
    if let Some(incident) = tenant.incidents.iter_mut().find(|i| i.id == id) {
        incident.alerts = ids;
        incident.severity = worst.unwrap_or(incident.severity);
        if open && incident.status == IncidentStatus::Resolved {
            incident.status = IncidentStatus::Active;
        }
        store::comment(&mut incident.comments, comment, by, now);
        incident.last_update = now;
        incident.last_modified_by = Some(by.to_owned());
    }
}

/// Every comment of the one that was commented on.
pub(super) fn comments(call: &Call<'_>, set: &str, comments: &[super::seed::Comment]) -> Reply {
    let one = |c: &super::seed::Comment| {
        object([
            ("@odata.type", "#microsoft.graph.security.alertComment".into()),
            ("comment", c.text.as_str().into()),
            ("createdByDisplayName", c.by.as_str().into()),
            ("createdDateTime", super::clock::iso(c.at).into()),
        ])
    };
    let body = object([
        ("@odata.context", format!("{}/v1.0/$metadata#{set}('{}')/comments", call.origin(), call.id()).into()),
        ("value", Value::Array(comments.iter().map(one).collect())),
    ]);
    Reply::json(200, &body)
}

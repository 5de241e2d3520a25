//! The same incidents and alerts, as Microsoft Graph shows them.

use crate::json::Value;

use super::failure::Failure;
use super::incidents::{self, Change};
use super::lists;
use super::router::{Call, not_yet};
use super::seed::{Alert, AlertStatus, Incident, IncidentStatus};
use super::store::{Store, Verdict};
use super::wire::Reply;
use super::{alerts, correlation};

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "graph.incidents.list" => incidents(call),
        "graph.incidents.get" => incident(call),
        "graph.incidents.update" => update_incident(call),
        "graph.alerts.list" => alerts(call),
        "graph.alerts.get" => alert(call),
        "graph.alerts.update" => update_alert(call),
        "graph.incidents.comment" => comment_incident(call),
        "graph.incidents.merge" => correlation::merge(call),
        "graph.alerts.comment" => comment_alert(call),
        "graph.alerts.move" => correlation::move_alerts(call),
        _ => not_yet(call),
    }
}

fn unknown(call: &Call<'_>, kind: &str) -> Failure {
    Failure::not_found(call.op.service, kind, call.id())
}

fn render(call: &Call<'_>, store: &Store, incident: &Incident) -> Value {
    let expand = call.options.expand.iter().any(|e| e.eq_ignore_ascii_case("alerts"));
    let own: Option<Vec<&Alert>> = expand.then(|| store.alerts_of(incident));
    incident.graph(own.as_deref(), &store.tenant.machines)
}

fn incidents(call: &Call<'_>) -> Result<Reply, Failure> {
    if call.house.options.expand_fails && !call.options.expand.is_empty() {
        return Err(Failure::new(500, "InternalServerError", "An error has occurred."));
    }
    let items = {
        let store = call.house.store();
        store.tenant.incidents.iter().rev().map(|i| render(call, &store, i)).collect()
    };
    lists::page(call, "security/incidents", items)
}

fn incident(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let incident = store.incident(call.id()).ok_or_else(|| unknown(call, "Incident"))?;
    Ok(call.one(200, "security/incidents", render(call, &store, incident)))
}

fn update_incident(call: &Call<'_>) -> Result<Reply, Failure> {
    let wanted = Change {
        status: alerts::status(call, IncidentStatus::parse)?,
        verdict: alerts::verdict(call)?,
        tags: incidents::texts(call, "customTags"),
        resolving_comment: call.text("resolvingComment").map(str::to_owned),
    };
    let mut store = call.house.store();
    if !incidents::change(&mut store, call.id(), wanted, call.caller.name(), call.now()) {
        return Err(unknown(call, "Incident"));
    }
    let incident = store.incident(call.id()).ok_or_else(|| unknown(call, "Incident"))?;
    Ok(call.one(200, "security/incidents", render(call, &store, incident)))
}

fn comment_incident(call: &Call<'_>) -> Result<Reply, Failure> {
    let verdict = Verdict { comment: call.text("comment").map(str::to_owned), ..Verdict::default() };
    let wanted = Change { status: None, verdict, tags: None, resolving_comment: None };
    let mut store = call.house.store();
    if !incidents::change(&mut store, call.id(), wanted, call.caller.name(), call.now()) {
        return Err(unknown(call, "Incident"));
    }
    let incident = store.incident(call.id()).ok_or_else(|| unknown(call, "Incident"))?;
    Ok(correlation::comments(call, "security/incidents", &incident.comments))
}

fn comment_alert(call: &Call<'_>) -> Result<Reply, Failure> {
    let verdict = Verdict { comment: call.text("comment").map(str::to_owned), ..Verdict::default() };
    let mut store = call.house.store();
    if !alerts::change(&mut store.tenant, call.id(), None, verdict, call.caller.name(), call.now()) {
        return Err(unknown(call, "Alert"));
    }
    let alert = store.alert(call.id()).ok_or_else(|| unknown(call, "Alert"))?;
    Ok(correlation::comments(call, "security/alerts_v2", &alert.comments))
}

fn alerts(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        store.tenant.alerts.iter().rev().map(|a| a.graph(&store.tenant.machines)).collect()
    };
    lists::page(call, "security/alerts_v2", items)
}

fn alert(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let alert = store.alert(call.id()).ok_or_else(|| unknown(call, "Alert"))?;
    Ok(call.one(200, "security/alerts_v2", alert.graph(&store.tenant.machines)))
}

fn update_alert(call: &Call<'_>) -> Result<Reply, Failure> {
    let status = alerts::status(call, AlertStatus::parse)?;
    let verdict = alerts::verdict(call)?;
    let mut store = call.house.store();
    if !alerts::change(&mut store.tenant, call.id(), status, verdict, call.caller.name(), call.now()) {
        return Err(unknown(call, "Alert"));
    }
    let alert = store.alert(call.id()).ok_or_else(|| unknown(call, "Alert"))?;
    Ok(call.one(200, "security/alerts_v2", alert.graph(&store.tenant.machines)))
}

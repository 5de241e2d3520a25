//! Alerts of the Endpoint service, and what a change to an alert does, whichever service it came through.

use crate::ops::model::Service;

use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::{AlertStatus, Classification, Determination, Tenant};
use super::store::{self, Verdict};
use super::wire::Reply;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "alerts.list" => list(call),
        "alerts.get" => get(call),
        "alerts.update" => update(call),
        _ => not_yet(call),
    }
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let evidence = call.options.expand.iter().any(|e| e.eq_ignore_ascii_case("evidence"));
    let items = call.house.store().tenant.alerts.iter().rev().filter(|a| a.is_endpoint()).map(|a| a.endpoint(evidence)).collect();
    lists::page(call, "Alerts", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let alert =
        store.alert(call.id()).filter(|a| a.is_endpoint()).ok_or_else(|| Failure::not_found(call.op.service, "Alert", call.id()))?;
    Ok(call.one(200, "Alerts", alert.endpoint(true)))
}

/// An enumeration's value out of a body; the services refuse what they do not know.
fn spelled<T>(call: &Call<'_>, wire: &str, parse: fn(&str) -> Option<T>) -> Result<Option<Option<T>>, Failure> {
    let Some(value) = call.body.get(wire) else { return Ok(None) };
    let Some(text) = value.as_str() else { return Ok(Some(None)) };
    if ["unknown", "notavailable"].contains(&text.to_ascii_lowercase().as_str()) {
        return Ok(Some(None));
    }
    let code = if call.op.service == Service::Graph { "BadRequest" } else { "InvalidInput" };
    parse(text).map(|v| Some(Some(v))).ok_or_else(|| Failure::new(400, code, format!("Invalid input: '{text}' is no value of {wire}.")))
}

/// A status out of a body.
pub(super) fn status<T>(call: &Call<'_>, parse: fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
    spelled(call, "status", parse).map(Option::flatten)
}

/// What a body says beside the status.
pub(super) fn verdict(call: &Call<'_>) -> Result<Verdict, Failure> {
    Ok(Verdict {
        assigned_to: call.body.get("assignedTo").map(|v| v.as_str().filter(|s| !s.is_empty()).map(str::to_owned)),
        classification: spelled(call, "classification", Classification::parse)?,
        determination: spelled(call, "determination", Determination::parse)?,
        comment: call.text("comment").map(str::to_owned),
    })
}

/// The determinations that go with a classification, as the Endpoint service's page lists them.
fn fits(classification: Classification, determination: Determination) -> bool {
    use Determination as D;
    let allowed: &[Determination] = match classification {
        Classification::TruePositive => {
            &[D::MultiStagedAttack, D::MaliciousUserActivity, D::CompromisedAccount, D::Malware, D::Phishing, D::UnwantedSoftware, D::Other]
        }
        Classification::InformationalExpectedActivity => {
            &[D::SecurityTesting, D::LineOfBusinessApplication, D::ConfirmedActivity, D::Other]
        }
        Classification::FalsePositive => &[D::NotMalicious, D::NotEnoughData, D::Other],
    };
    allowed.contains(&determination)
}

/// Changes an alert; false if there is no such alert.
pub(super) fn change(tenant: &mut Tenant, id: &str, status: Option<AlertStatus>, verdict: Verdict, by: &str, now: i64) -> bool {
    let Some(alert) = tenant.alerts.iter_mut().find(|a| *a.id == *id) else { return false };
    if let Some(status) = status {
        alert.resolved = match (status, alert.resolved) {
            (AlertStatus::Resolved, earlier) => earlier.or(Some(now)),
            _ => None,
        };
        alert.status = status;
    }
    if let Some(assigned_to) = verdict.assigned_to {
        alert.assigned_to = assigned_to;
    }
    if let Some(classification) = verdict.classification {
        alert.classification = classification;
    }
    if let Some(determination) = verdict.determination {
        alert.determination = determination;
    }
    store::comment(&mut alert.comments, verdict.comment.as_deref(), by, now);
    alert.last_update = now;
    // What people see first of an incident is when something last happened in it.
    let incident = alert.incident_id;
    if let Some(incident) = tenant.incidents.iter_mut().find(|i| i.id == incident) {
        incident.last_update = now;
    }
    tenant.assess();
    true
}

fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    let status = status(call, AlertStatus::parse)?;
    let verdict = verdict(call)?;
    let mut store = call.house.store();
    let alert =
        store.alert_mut(call.id()).filter(|a| a.is_endpoint()).ok_or_else(|| Failure::not_found(call.op.service, "Alert", call.id()))?;
    if let Some(Some(determination)) = verdict.determination {
        let classification = verdict.classification.unwrap_or(alert.classification);
        if !classification.is_some_and(|c| fits(c, determination)) {
            let message = format!(
                "Determination {} does not go with classification {}",
                determination.pascal(),
                classification.map_or("Unknown", Classification::pascal)
            );
            return Err(Failure::new(400, "BadRequest", message));
        }
    }
    change(&mut store.tenant, call.id(), status, verdict, call.caller.name(), call.now());
    let alert = store.alert(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Alert", call.id()))?;
    Ok(call.one(200, "Alerts", alert.endpoint(true)))
}

//! Alerts of the Endpoint service, and what a change to an alert does, whichever service it came through.

use crate::json::Value;
use crate::ops::model::Service;

use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::{Alert, AlertStatus, Classification, Determination, Tenant};
use super::store::{self, Store, Verdict};
use super::wire::Reply;
use super::{alert_creation, entities};

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "alerts.list" => list(call),
        "alerts.get" => get(call),
        "alerts.update" => update(call),
        "alerts.update_many" => update_many(call),
        "alerts.create" => alert_creation::create(call),
        "alerts.domains" => related(call, "Domains", |a| entities::named_by(a, "host")),
        "alerts.ips" => related(call, "Ips", |a| entities::named_by(a, "id")),
        "alerts.files" => related(call, "Files", entities::files_of_alert),
        "alerts.machine" => machine(call),
        "alerts.user" => user(call),
        _ => not_yet(call),
    }
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let evidence = call.options.expand.iter().any(|e| e.eq_ignore_ascii_case("evidence"));
    let items = call.house.store().tenant.alerts.iter().rev().filter(|a| a.is_endpoint()).map(|a| a.endpoint(evidence)).collect();
    lists::page(call, "Alerts", items)
}

/// The alert that a call names; other products' alerts are none of the Endpoint service's.
fn named<'s>(call: &Call<'_>, store: &'s Store) -> Result<&'s Alert, Failure> {
    store.alert(call.id()).filter(|a| a.is_endpoint()).ok_or_else(|| Failure::not_found(call.op.service, "Alert", call.id()))
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    Ok(call.one(200, "Alerts", named(call, &store)?.endpoint(true)))
}

fn related(call: &Call<'_>, set: &str, of: impl Fn(&Alert) -> Vec<Value>) -> Result<Reply, Failure> {
    let items = of(named(call, &call.house.store())?);
    lists::page(call, set, items)
}

fn machine(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let id = named(call, &store)?.machines.first();
    let machine = id.and_then(|id| store.machine(id));
    let machine = machine.ok_or_else(|| Failure::new(404, "ResourceNotFound", format!("Alert {} has no machine", call.id())))?;
    Ok(call.one(200, "Machines", machine.endpoint()))
}

fn user(call: &Call<'_>) -> Result<Reply, Failure> {
    let user = named(call, &call.house.store())?.user.clone();
    let user = user.ok_or_else(|| Failure::new(404, "ResourceNotFound", format!("Alert {} has no user", call.id())))?;
    entities::users::of_alert(call, &user)
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

/// Whether a determination goes with the classification, the new one or the one that the alert has.
fn check(verdict: &Verdict, alert: &Alert) -> Result<(), Failure> {
    let Some(Some(determination)) = verdict.determination else { return Ok(()) };
    let classification = verdict.classification.unwrap_or(alert.classification);
    if classification.is_some_and(|c| fits(c, determination)) {
        return Ok(());
    }
    let message = format!(
        "Determination {} does not go with classification {}",
        determination.pascal(),
        classification.map_or("Unknown", Classification::pascal)
    );
    Err(Failure::new(400, "BadRequest", message))
}

fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    let status = status(call, AlertStatus::parse)?;
    let verdict = verdict(call)?;
    let mut store = call.house.store();
    check(&verdict, named(call, &store)?)?;
    change(&mut store.tenant, call.id(), status, verdict, call.caller.name(), call.now());
    Ok(call.one(200, "Alerts", named(call, &store)?.endpoint(true)))
}

/// The answer is empty, whether there were such alerts or not.
fn update_many(call: &Call<'_>) -> Result<Reply, Failure> {
    let status = status(call, AlertStatus::parse)?;
    let verdict = verdict(call)?;
    let ids = call.texts("alertIds").unwrap_or_default();
    if ids.is_empty() {
        return Err(Failure::new(400, "InvalidInput", "Invalid input: alertIds is empty."));
    }
    let mut store = call.house.store();
    let known: Vec<String> = ids.into_iter().filter(|id| store.alert(id).is_some_and(Alert::is_endpoint)).collect();
    for alert in known.iter().filter_map(|id| store.alert(id)) {
        check(&verdict, alert)?;
    }
    for id in &known {
        change(&mut store.tenant, id, status, verdict.clone(), call.caller.name(), call.now());
    }
    Ok(Reply::empty(200))
}

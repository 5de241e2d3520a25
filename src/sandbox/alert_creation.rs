//! An alert made of an event that hunting found.
//!
//! The event is named by machine, time and number, and the time must be exact to the last digit: a client that loses one loses the alert.

use std::sync::Arc;

use super::ask::{self, Row};
use super::clock;
use super::failure::Failure;
use super::investigations::Trigger;
use super::machines::member;
use super::router::Call;
use super::seed::{
    Alert, AlertStatus, DetectionSource, Entity, Evidence, FileFacts, Incident, InvestigationState, Remediation, ServiceSource, Severity,
    UserFacts, Verdict,
};
use super::store::Store;
use super::wire::{Reply, guid_for};

pub(super) fn create(call: &Call<'_>) -> Result<Reply, Failure> {
    let said = |wire: &str| call.text(wire).unwrap_or_default().to_owned();
    let (machine, number, moment) = (said("machineId"), said("reportId"), said("eventTime"));
    let wrong = |wire: &str, text: &str| Failure::new(400, "InvalidInput", format!("Invalid input: '{text}' is no {wire}."));
    let at = clock::parse(&moment).ok_or_else(|| wrong("eventTime", &moment))?;
    let report: i64 = number.trim().parse().map_err(|_| wrong("reportId", &number))?;
    let tables = "DeviceProcessEvents, DeviceNetworkEvents, DeviceFileEvents, DeviceRegistryEvents, DeviceLogonEvents, DeviceImageLoadEvents, \
                  DeviceEvents, DeviceInfo";
    let query = format!(
        "union {tables} | where DeviceId =~ {} and ReportId == {report} and Timestamp == datetime({}) | take 1",
        ask::quoted(&machine),
        crate::kql::format_datetime(at)
    );
    let found = ask::ask(call.house, &query)?;
    let event = found.first().ok_or_else(|| {
        let message = format!("No event with reportId {report} and eventTime {moment} was found on machine {machine}");
        Failure::new(404, "ResourceNotFound", message)
    })?;
    let evidence = evidence(event, call.now());
    let mut store = call.house.store();
    let id = match open_alert(&store, &machine, &said("title")) {
        Some(id) => {
            take_in(&mut store, &id, evidence, at, call.now());
            id
        }
        None => raise(call, &mut store, &machine, evidence, at)?,
    };
    let alert = store.alert(&id).ok_or_else(|| Failure::not_found(call.op.service, "Alert", &id))?;
    Ok(call.one(200, "Alerts", alert.endpoint(true)))
}

/// The open alert of the same title on the same machine.
fn open_alert(store: &Store, machine: &str, title: &str) -> Option<Arc<str>> {
    let same = |a: &&Alert| {
        *a.title == *title && a.status != AlertStatus::Resolved && a.machines.first().is_some_and(|m| m.eq_ignore_ascii_case(machine))
    };
    store.tenant.alerts.iter().find(same).map(|a| a.id.clone())
}

fn take_in(store: &mut Store, id: &str, evidence: Vec<Evidence>, at: i64, now: i64) {
    let Some(alert) = store.alert_mut(id) else { return };
    alert.first_event = alert.first_event.min(at);
    alert.last_event = alert.last_event.max(at);
    alert.last_update = now;
    for piece in evidence {
        if !alert.evidence.iter().any(|e| e.entity == piece.entity) {
            alert.evidence.push(piece);
        }
    }
}

/// What the event shows.
fn evidence(event: Row<'_>, now: i64) -> Vec<Evidence> {
    let mut entities = Vec::new();
    let text = |name: &str| event.text(name);
    let prefix = if text("SHA1").is_empty() { "InitiatingProcess" } else { "" };
    let file = |name: &str| text(&format!("{prefix}{name}"));
    if !file("SHA1").is_empty() {
        entities.push(Entity::File(Arc::new(FileFacts {
            name: file("FileName"),
            folder: file("FolderPath"),
            sha1: file("SHA1"),
            sha256: file("SHA256"),
            md5: file("MD5"),
            size: event.number(&format!("{prefix}FileSize")).unwrap_or_default(),
            publisher: "".into(),
        })));
    }
    let account = |name: &str| {
        let own = text(&format!("Account{name}"));
        if own.is_empty() { text(&format!("InitiatingProcessAccount{name}")) } else { own }
    };
    if !account("Name").is_empty() {
        entities.push(Entity::User(Arc::new(UserFacts {
            account: account("Name"),
            domain: account("Domain"),
            sid: account("Sid"),
            id: account("ObjectId"),
            upn: account("Upn"),
            display: "".into(),
        })));
    }
    if !text("RemoteIP").is_empty() {
        entities.push(Entity::Ip(text("RemoteIP")));
    }
    if !text("RemoteUrl").is_empty() {
        entities.push(Entity::Url(text("RemoteUrl")));
    }
    let piece = |entity| Evidence { created: now, verdict: Verdict::Suspicious, remediation: Remediation::None, entity };
    entities.into_iter().map(piece).collect()
}

/// Makes an alert with an incident of its own, and starts an investigation.
fn raise(call: &Call<'_>, store: &mut Store, machine: &str, evidence: Vec<Evidence>, at: i64) -> Result<Arc<str>, Failure> {
    let now = call.now();
    let machine = store.machine(machine).ok_or_else(|| Failure::not_found(call.op.service, "Machine", machine))?.clone();
    let said = |wire: &str| -> Arc<str> { call.text(wire).unwrap_or_default().into() };
    let severity = Severity::parse(&said("severity")).unwrap_or(Severity::Medium);
    let digest = guid_for(&format!("alert {} {}", machine.id, store.tenant.alerts.len()));
    let hash = i64::from_str_radix(digest.get(..7).unwrap_or_default(), 16).unwrap_or_default();
    let provider: Arc<str> = format!("{now}_{hash}").into();
    let id: Arc<str> = format!("da{provider}").into();
    let incident = store.tenant.incidents.iter().map(|i| i.id).max().unwrap_or_default() + 1;
    let investigation = store.investigations.start(&machine, Trigger::Alert(&id), "", now);
    let user = evidence.iter().find_map(|e| if let Entity::User(user) = &e.entity { Some(user.clone()) } else { None });
    store.tenant.alerts.push(Alert {
        id: id.clone(),
        provider_id: provider,
        incident_id: incident,
        tenant_id: store.tenant.id.as_str().into(),
        investigation_id: Some(investigation),
        investigation_state: InvestigationState::Running,
        severity,
        status: AlertStatus::New,
        classification: None,
        determination: None,
        assigned_to: None,
        service: ServiceSource::Endpoint,
        detection: DetectionSource::Custom,
        detector_id: guid_for("created by reference").into(),
        category: member(call, "category").unwrap_or("SuspiciousActivity"),
        threat_family: "",
        threat_name: "",
        title: said("title"),
        description: said("description"),
        recommended: said("recommendedAction"),
        techniques: &[],
        created: now,
        first_event: at,
        last_event: at,
        last_update: now,
        resolved: None,
        machines: vec![machine.id.clone()],
        machine_name: Some(machine.name.clone()),
        machine_group: Some(machine.group),
        logged_on: machine.logged_on.clone(),
        user,
        comments: Vec::new(),
        evidence,
    });
    let about = Incident::new(incident, said("title"), said("description"), store.tenant.id.as_str().into(), now);
    store.tenant.incidents.push(Incident { severity, alerts: vec![id.clone()], ..about });
    store.tenant.assess();
    Ok(id)
}

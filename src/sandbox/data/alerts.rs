//! Alerts that are added, with the incidents that they are in.

use super::props::Props;
use super::words::{list, word};
use super::{Taken, objects};
use crate::json::{Object, Value, object};
use crate::sandbox::House;
use crate::sandbox::clock::SECOND;
use crate::sandbox::seed::*;
use crate::sandbox::wire::guid_for;
use std::sync::Arc;

/// Properties of the resource that follow from others.
pub(super) const DERIVED: [&str; 7] =
    ["computerDnsName", "rbacGroupName", "aadTenantId", "relatedUser", "loggedOnUsers", "comments", "domains"];

pub(super) fn add(house: &House, given: &Value) -> Taken<Value> {
    let now = house.clock.now();
    let mut store = house.store();
    let mut fresh: Vec<Alert> = Vec::new();
    for (at, members) in objects("alerts", given)?.into_iter().enumerate() {
        let number = store.tenant.alerts.len() + fresh.len() + 1;
        let alert = read(&format!("alerts[{at}]"), members, &store.tenant, number, now)?;
        if store.tenant.alerts.iter().chain(&fresh).any(|a| a.id == alert.id) {
            return Err(format!("alerts[{at}].id: there is an alert {} already", alert.id));
        }
        fresh.push(alert);
    }
    let (ids, incidents) = put(&mut store.tenant, fresh);
    Ok(object([("ids", ids), ("incidents", incidents)]))
}

/// Puts alerts into a tenant, each into its incident, and their rows into the tables. Answers their ids and their incidents' numbers.
pub(super) fn put(tenant: &mut Tenant, alerts: Vec<Alert>) -> (Value, Value) {
    let (mut ids, mut numbers) = (Vec::new(), Vec::new());
    let mut fresh = Vec::new();
    for mut alert in alerts {
        if alert.incident_id == 0 {
            alert.incident_id = tenant.incidents.iter().map(|i| i.id).max().unwrap_or(2100) + 1;
        }
        match tenant.incidents.iter_mut().find(|i| i.id == alert.incident_id) {
            Some(incident) => {
                incident.alerts.push(alert.id.clone());
                incident.severity = incident.severity.max(alert.severity);
                incident.last_update = incident.last_update.max(alert.created);
            }
            None => tenant.incidents.push(incident_of(&alert)),
        }
        ids.push(Value::from(alert.id.as_ref()));
        numbers.push(alert.incident_id.into());
        fresh.push(alert);
    }
    tenant.tables.report(&fresh, &tenant.machines);
    tenant.alerts.extend(fresh);
    tenant.alerts.sort_by_key(|a| a.created);
    tenant.assess();
    (Value::Array(ids), Value::Array(numbers))
}

fn incident_of(alert: &Alert) -> Incident {
    let status = match alert.status {
        AlertStatus::Resolved => IncidentStatus::Resolved,
        AlertStatus::InProgress => IncidentStatus::InProgress,
        AlertStatus::New => IncidentStatus::Active,
    };
    Incident {
        last_update: alert.last_update,
        status,
        severity: alert.severity,
        assigned_to: alert.assigned_to.clone(),
        classification: alert.classification,
        determination: alert.determination,
        alerts: vec![alert.id.clone()],
        ..Incident::new(alert.incident_id, alert.title.clone(), alert.description.clone(), alert.tenant_id.clone(), alert.created)
    }
}

/// An alert of the properties that are given, which are the Endpoint service's. `serviceSource` may be said, too.
pub(super) fn read(place: &str, members: &Object, tenant: &Tenant, number: usize, now: i64) -> Taken<Alert> {
    let props = Props::new(place.to_owned(), members);
    for derived in DERIVED {
        if props.get(derived).is_some() {
            return Err(props.wrong(derived, "follows from other properties and cannot be given"));
        }
    }
    let machine = match props.text("machineId")? {
        None => None,
        Some(id) => {
            let found = tenant.machines.iter().find(|m| m.id.eq_ignore_ascii_case(id) || m.name.eq_ignore_ascii_case(id));
            Some(found.ok_or_else(|| props.wrong("machineId", &format!("there is no machine {id:?}; add it first")))?)
        }
    };
    let created = props.time("alertCreationTime")?.unwrap_or(now - SECOND);
    let last_event = props.time("lastEventTime")?.unwrap_or(created - 60 * SECOND);
    let status = props.one_of("status", "\"New\", \"InProgress\" or \"Resolved\"", AlertStatus::parse)?.unwrap_or(AlertStatus::New);
    let last_update = props.time("lastUpdateTime")?.unwrap_or(created);
    let unset = |text: &str| text.eq_ignore_ascii_case("unknown") || text.eq_ignore_ascii_case("notavailable");
    let classification = props.one_of("classification", "one of the service's classifications", |t| {
        if unset(t) { Some(None) } else { Classification::parse(t).map(Some) }
    })?;
    let determination = props.one_of("determination", "one of the service's determinations", |t| {
        if unset(t) { Some(None) } else { Determination::parse(t).map(Some) }
    })?;
    let evidence = match props.get("evidence") {
        None => Vec::new(),
        Some(items) => {
            let items = objects(&format!("{place}.evidence"), items)?;
            let one = |(at, item): (usize, &&Object)| evidence(&format!("{place}.evidence[{at}]"), item, created);
            items.iter().enumerate().map(one).collect::<Taken<Vec<_>>>()?
        }
    };
    let title = props.shared("title")?.unwrap_or_else(|| "Alert that was added".into());
    let id: Arc<str> =
        props.shared("id")?.unwrap_or_else(|| format!("da{}_1", guid_for(&format!("added alert {number}")).replace('-', "")).into());
    let alert = Alert {
        provider_id: id.clone(),
        incident_id: props.number("incidentId")?.unwrap_or(0),
        tenant_id: tenant.id.as_str().into(),
        investigation_id: props.number("investigationId")?,
        investigation_state: props
            .one_of("investigationState", "one of the service's states", InvestigationState::parse)?
            .unwrap_or(InvestigationState::UnsupportedAlertType),
        severity: props
            .one_of("severity", "\"Informational\", \"Low\", \"Medium\" or \"High\"", Severity::parse)?
            .unwrap_or(Severity::Medium),
        status,
        classification: classification.flatten(),
        determination: determination.flatten(),
        assigned_to: props.text("assignedTo")?.map(str::to_owned),
        service: props.one_of("serviceSource", "one of the service's sources", ServiceSource::parse)?.unwrap_or(ServiceSource::Endpoint),
        detection: props.one_of("detectionSource", "one of the service's sources", DetectionSource::parse)?.unwrap_or(DetectionSource::Edr),
        detector_id: props.shared("detectorId")?.unwrap_or_else(|| guid_for(&format!("detector {title}")).into()),
        category: word(props.text("category")?.unwrap_or("SuspiciousActivity")),
        threat_family: word(props.text("threatFamilyName")?.unwrap_or_default()),
        threat_name: word(props.text("threatName")?.unwrap_or_default()),
        description: props.shared("description")?.unwrap_or_else(|| title.clone()),
        recommended: "".into(),
        techniques: list(&props.texts("mitreTechniques")?.unwrap_or_default()),
        created,
        first_event: props.time("firstEventTime")?.unwrap_or(last_event),
        last_event,
        last_update,
        resolved: props.time("resolvedTime")?.or((status == AlertStatus::Resolved).then_some(last_update)),
        machines: machine.iter().map(|m| m.id.clone()).collect(),
        machine_name: machine.map(|m| m.name.clone()),
        machine_group: machine.map(|m| m.group),
        logged_on: machine.map(|m| m.logged_on.clone()).unwrap_or_default(),
        user: evidence.iter().find_map(|e| if let Entity::User(u) = &e.entity { Some(u.clone()) } else { None }),
        comments: Vec::new(),
        evidence,
        title,
        id,
    };
    props.end()?;
    Ok(alert)
}

/// A piece of evidence as the Endpoint service writes it.
fn evidence(place: &str, members: &Object, created: i64) -> Taken<Evidence> {
    let props = Props::new(place.to_owned(), members);
    let text = |name: &'static str| Ok::<Arc<str>, String>(props.shared(name)?.unwrap_or_else(|| "".into()));
    let file = || {
        Ok::<_, String>(Arc::new(FileFacts {
            name: text("fileName")?,
            folder: text("filePath")?,
            sha1: text("sha1")?,
            sha256: text("sha256")?,
            md5: "".into(),
            size: 0,
            publisher: "".into(),
        }))
    };
    let user = || {
        let account = text("accountName")?;
        Ok::<_, String>(Arc::new(UserFacts {
            domain: text("domainName")?,
            sid: text("userSid")?,
            id: text("aadUserId")?,
            upn: text("userPrincipalName")?,
            display: account.clone(),
            account,
        }))
    };
    let kind = props.text("entityType")?.unwrap_or_default();
    let entity = match kind {
        "Process" => Entity::Process(ProcessFacts {
            file: file()?,
            pid: props.number("processId")?.unwrap_or_default(),
            created: props.time("processCreationTime")?.unwrap_or(created),
            command_line: text("processCommandLine")?,
            parent: Arc::new(FileFacts {
                name: text("parentProcessFileName")?,
                folder: text("parentProcessFilePath")?,
                sha1: "".into(),
                sha256: "".into(),
                md5: "".into(),
                size: 0,
                publisher: "".into(),
            }),
            parent_pid: props.number("parentProcessId")?.unwrap_or_default(),
            parent_created: props.time("parentProcessCreationTime")?.unwrap_or(created),
            user: user()?,
        }),
        "File" => Entity::File(file()?),
        "User" => Entity::User(user()?),
        "Mailbox" => Entity::Mailbox(user()?),
        "Ip" => Entity::Ip(text("ipAddress")?),
        "Url" => Entity::Url(text("url")?),
        "Registry" => Entity::Registry {
            hive: word(&text("registryHive")?),
            key: text("registryKey")?,
            name: text("registryValueName")?,
            data: text("registryValue")?,
        },
        other => {
            let allowed = "\"Process\", \"File\", \"User\", \"Mailbox\", \"Ip\", \"Url\" or \"Registry\"";
            return Err(props.wrong("entityType", &format!("{other:?} is not allowed; it is {allowed}")));
        }
    };
    let created = props.time("evidenceCreationTime")?.unwrap_or(created);
    for known in ["registryValueType", "detectionStatus"] {
        props.get(known);
    }
    props.end()?;
    Ok(Evidence { created, verdict: Verdict::Suspicious, remediation: Remediation::None, entity })
}

//! Alerts from before the story, in any number: a list that is longer than what a service lists at once shows how a client reads on.

use super::Tenant;
use super::entities::*;
use super::random::{DAY, MINUTE};
use crate::sandbox::wire::guid_for;
use std::sync::Arc;

/// So many of them have one moment in common.
const AT_ONCE: usize = 5;

impl Tenant {
    /// Puts so many resolved alerts before what is there, each in an incident of its own; five at a time have the same moment.
    pub(in crate::sandbox) fn add_older_alerts(&mut self, count: usize) {
        let first = self.incidents.iter().map(|i| i.id).min().unwrap_or(1);
        // Numbers go down to the past, but a number is never below one.
        let shift = (count as i64 + 1 - first).max(0);
        for incident in &mut self.incidents {
            incident.id += shift;
        }
        for alert in &mut self.alerts {
            alert.incident_id += shift;
        }
        let base = first + shift - count as i64;
        let machines = self.machines.len().max(1);
        let (mut alerts, mut incidents) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for at in 0..count {
            let Some(machine) = self.machines.get(at % machines) else { return };
            let moment = self.now - 7 * DAY - ((count - 1 - at) / AT_ONCE) as i64 * 10 * MINUTE;
            let (alert, incident) = pair(machine, &self.id, base + at as i64, moment);
            alerts.push(alert);
            incidents.push(incident);
        }
        alerts.append(&mut self.alerts);
        incidents.append(&mut self.incidents);
        (self.alerts, self.incidents) = (alerts, incidents);
    }
}

/// An alert of a machine, and the incident of that number that it is in.
fn pair(machine: &Machine, tenant: &str, number: i64, at: i64) -> (Alert, Incident) {
    let id: Arc<str> = format!("da{}_1", guid_for(&format!("older alert {number}")).replace('-', "")).into();
    let title: Arc<str> = "Unwanted software was prevented".into();
    let alert = Alert {
        id: id.clone(),
        provider_id: id.clone(),
        incident_id: number,
        tenant_id: tenant.into(),
        investigation_id: None,
        investigation_state: InvestigationState::UnsupportedAlertType,
        severity: Severity::Informational,
        status: AlertStatus::Resolved,
        classification: Some(Classification::TruePositive),
        determination: Some(Determination::UnwantedSoftware),
        assigned_to: None,
        service: ServiceSource::Endpoint,
        detection: DetectionSource::Antivirus,
        detector_id: guid_for("unwanted software").into(),
        category: "UnwantedSoftware",
        threat_family: "",
        threat_name: "",
        title: title.clone(),
        description: "The antivirus took away a program that nobody had asked for.".into(),
        recommended: "Nothing is left to do.".into(),
        techniques: &[],
        created: at,
        first_event: at - MINUTE,
        last_event: at - MINUTE,
        last_update: at,
        resolved: Some(at),
        machines: vec![machine.id.clone()],
        machine_name: Some(machine.name.clone()),
        machine_group: Some(machine.group),
        logged_on: machine.logged_on.clone(),
        user: None,
        comments: Vec::new(),
        evidence: Vec::new(),
    };
    let name = format!("{title} on {}", machine.host);
    let incident = Incident {
        status: IncidentStatus::Resolved,
        classification: Some(Classification::TruePositive),
        determination: Some(Determination::UnwantedSoftware),
        alerts: vec![id],
        ..Incident::new(number, name.into(), "One alert on one device.".into(), tenant.into(), at)
    };
    (alert, incident)
}

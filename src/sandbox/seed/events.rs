//! What can happen, one struct a kind of event, and the script that the incidents are written in.

use super::TENANT_ID;
use super::entities::*;
use super::random::{DAY, MINUTE, Random, SECOND};
use super::world::{Image, Process, World};
use std::sync::Arc;

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) at: i64,
    pub(super) process: Arc<Process>,
    pub(super) action: &'static str,
    pub(super) ip: Arc<str>,
    pub(super) port: i64,
    pub(super) url: Arc<str>,
    pub(super) local_port: i64,
}

/// A file made, changed, renamed or deleted.
#[derive(Clone, Debug)]
pub(super) struct FileEvent {
    pub(super) at: i64,
    pub(super) process: Arc<Process>,
    pub(super) action: &'static str,
    pub(super) file: Arc<FileFacts>,
    pub(super) origin: Arc<str>,
    pub(super) previous: Arc<str>,
    /// The share, and the address that it was written from.
    pub(super) share: Option<(Arc<str>, Arc<str>)>,
}

/// A registry value set or deleted.
#[derive(Clone, Debug)]
pub(super) struct RegistryEvent {
    pub(super) at: i64,
    pub(super) process: Arc<Process>,
    pub(super) action: &'static str,
    pub(super) key: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) data: Arc<str>,
    pub(super) previous: Arc<str>,
}

/// A module loaded.
#[derive(Clone, Debug)]
pub(super) struct Load {
    pub(super) at: i64,
    pub(super) process: Arc<Process>,
    pub(super) image: Arc<Image>,
}

/// A logon to a machine.
#[derive(Clone, Debug)]
pub(super) struct Logon {
    pub(super) at: i64,
    pub(super) process: Arc<Process>,
    pub(super) action: &'static str,
    pub(super) kind: &'static str,
    pub(super) user: Arc<UserFacts>,
    pub(super) logon: i64,
    pub(super) admin: bool,
    /// Name and address of the device that it comes from.
    pub(super) remote: Option<(Arc<str>, Arc<str>)>,
    pub(super) protocol: &'static str,
    pub(super) failure: &'static str,
}

/// Anything else that the sensor saw.
#[derive(Clone, Debug)]
pub(super) struct DeviceEvent {
    pub(super) at: i64,
    pub(super) process: Arc<Process>,
    pub(super) action: &'static str,
    /// The process that it was done to.
    pub(super) target: Option<Arc<Process>>,
    /// The file that it is about.
    pub(super) file: Option<Arc<FileFacts>>,
    pub(super) url: Arc<str>,
    /// JSON text.
    pub(super) more: Arc<str>,
}

/// A mail.
#[derive(Clone, Debug)]
pub(super) struct Mail {
    pub(super) facts: MailFacts,
    pub(super) direction: &'static str,
    pub(super) language: &'static str,
    pub(super) files: Vec<Arc<FileFacts>>,
    /// Where it ended when it was moved after delivery, and when.
    pub(super) moved: Option<(&'static str, i64)>,
}

/// A click on a link.
#[derive(Clone, Debug)]
pub(super) struct Click {
    pub(super) at: i64,
    pub(super) user: Arc<UserFacts>,
    pub(super) url: Arc<str>,
    pub(super) message: Arc<str>,
    pub(super) action: &'static str,
    pub(super) workload: &'static str,
    pub(super) ip: Arc<str>,
}

/// A sign-in to the directory or to Entra ID.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    pub(super) at: i64,
    pub(super) user: Arc<UserFacts>,
    pub(super) application: &'static str,
    pub(super) cloud: bool,
    pub(super) failure: &'static str,
    pub(super) ip: Arc<str>,
    pub(super) country: &'static str,
    pub(super) city: &'static str,
    pub(super) device: Option<Arc<Machine>>,
    pub(super) risk: i64,
}

/// Something done in a cloud application.
#[derive(Clone, Debug)]
pub(super) struct CloudEvent {
    pub(super) at: i64,
    pub(super) user: Arc<UserFacts>,
    pub(super) action: &'static str,
    pub(super) application: (&'static str, i64),
    pub(super) ip: Arc<str>,
    pub(super) country: &'static str,
    pub(super) city: &'static str,
    pub(super) object: Arc<str>,
    pub(super) anonymous: bool,
}

/// A question to a domain controller, or a change in the directory.
#[derive(Clone, Debug)]
pub(super) struct DirectoryEvent {
    pub(super) at: i64,
    pub(super) user: Arc<UserFacts>,
    pub(super) machine: Arc<Machine>,
    pub(super) action: &'static str,
    /// What is asked for; empty: a change.
    pub(super) query: &'static str,
    pub(super) target: Arc<str>,
}

/// What happened: all kinds.
#[derive(Clone, Debug, Default)]
pub(super) struct Happened {
    pub(super) processes: Vec<Arc<Process>>,
    pub(super) net: Vec<Net>,
    pub(super) files: Vec<FileEvent>,
    pub(super) registry: Vec<RegistryEvent>,
    pub(super) loads: Vec<Load>,
    pub(super) logons: Vec<Logon>,
    pub(super) device: Vec<DeviceEvent>,
    pub(super) mails: Vec<Mail>,
    pub(super) clicks: Vec<Click>,
    pub(super) sign_ins: Vec<SignIn>,
    pub(super) cloud: Vec<CloudEvent>,
    pub(super) directory: Vec<DirectoryEvent>,
}

/// Who raises alerts: product and sensor.
pub(super) type Source = (ServiceSource, DetectionSource);
pub(super) const EDR: Source = (ServiceSource::Endpoint, DetectionSource::Edr);
pub(super) const AV: Source = (ServiceSource::Endpoint, DetectionSource::Antivirus);
pub(super) const SCREEN: Source = (ServiceSource::Endpoint, DetectionSource::SmartScreen);
pub(super) const OFFICE: Source = (ServiceSource::Office, DetectionSource::Office);
pub(super) const IDENTITY: Source = (ServiceSource::Identity, DetectionSource::Identity);
pub(super) const CLOUD: Source = (ServiceSource::CloudApps, DetectionSource::CloudApps);
pub(super) const ENTRA: Source = (ServiceSource::EntraId, DetectionSource::EntraId);

/// An alert's plain facts; the script adds ids, times and states.
pub(super) struct Draft {
    pub(super) at: i64,
    pub(super) severity: Severity,
    pub(super) source: Source,
    pub(super) category: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) techniques: &'static [&'static str],
    pub(super) threat: &'static str,
    pub(super) machine: Option<Arc<Machine>>,
    pub(super) user: Option<Arc<UserFacts>>,
    pub(super) verdict: Verdict,
    pub(super) remediation: Remediation,
    pub(super) evidence: Vec<Entity>,
}

impl Draft {
    /// An alert with no machine and nothing to rest on yet.
    pub(super) fn new(at: i64, source: Source, severity: Severity, category: &'static str, title: &'static str) -> Self {
        Self {
            at,
            severity,
            source,
            category,
            title,
            description: title,
            techniques: &[],
            threat: "",
            machine: None,
            user: None,
            verdict: Verdict::Suspicious,
            remediation: Remediation::None,
            evidence: Vec::new(),
        }
    }

    /// An alert about a process.
    pub(super) fn on(
        process: &Arc<Process>,
        at: i64,
        source: Source,
        severity: Severity,
        category: &'static str,
        title: &'static str,
    ) -> Self {
        Self {
            machine: Some(process.machine.clone()),
            user: Some(process.user.clone()),
            evidence: vec![Entity::Process(process.facts()), Entity::User(process.user.clone())],
            ..Self::new(at, source, severity, category, title)
        }
    }
}

/// How an incident ended.
pub(super) struct Outcome {
    pub(super) status: IncidentStatus,
    pub(super) verdict: Option<(Classification, Determination)>,
    pub(super) owner: Option<&'static str>,
    pub(super) comment: Option<&'static str>,
    pub(super) tags: &'static [&'static str],
}

/// The intrusion and the everyday incidents, being written.
pub(super) struct Script<'w> {
    pub(super) world: &'w World,
    pub(super) random: Random,
    pub(super) happened: Happened,
    pub(super) alerts: Vec<Alert>,
    pub(super) incidents: Vec<Incident>,
}

/// The number of the first incident.
const FIRST_INCIDENT: i64 = 2101;

impl<'w> Script<'w> {
    pub(super) fn new(world: &'w World, stream: &str) -> Self {
        Self { world, random: Random::new(world.seed, stream), happened: Happened::default(), alerts: Vec::new(), incidents: Vec::new() }
    }

    /// A moment within the second: a process's own comes before those of what it does.
    fn soon(&mut self, at: i64, own: bool) -> i64 {
        at + if own { self.random.range(0, 100_000) } else { self.random.range(100_000, 900_000) }
    }

    /// Starts a program; it inherits everything from its parent.
    pub(super) fn spawn(&mut self, parent: &Arc<Process>, image: &str, at: i64, command: impl Into<Arc<str>>) -> Arc<Process> {
        let image = self.world.image(image);
        let at = self.soon(at, true);
        let process = Process::child(parent, &mut self.random, image, at, command);
        self.add(process)
    }

    /// Records a process that was made elsewhere.
    pub(super) fn add(&mut self, process: Process) -> Arc<Process> {
        let process = Arc::new(process);
        self.happened.processes.push(process.clone());
        process
    }

    pub(super) fn connect(&mut self, process: &Arc<Process>, at: i64, ip: &str, port: i64, url: &str) {
        let (at, local_port) = (self.soon(at, false), self.random.range(49_152, 65_536));
        let process = process.clone();
        self.happened.net.push(Net { at, process, action: "ConnectionSuccess", ip: ip.into(), port, url: url.into(), local_port });
    }

    pub(super) fn write(&mut self, process: &Arc<Process>, at: i64, file: &Arc<FileFacts>, origin: &str) {
        let at = self.soon(at, false);
        self.happened.files.push(FileEvent {
            at,
            process: process.clone(),
            action: "FileCreated",
            file: file.clone(),
            origin: origin.into(),
            previous: "".into(),
            share: None,
        });
    }

    pub(super) fn set(&mut self, process: &Arc<Process>, at: i64, key: &str, name: &str, data: &str) {
        let at = self.soon(at, false);
        self.happened.registry.push(RegistryEvent {
            at,
            process: process.clone(),
            action: "RegistryValueSet",
            key: key.into(),
            name: name.into(),
            data: data.into(),
            previous: "".into(),
        });
    }

    pub(super) fn load(&mut self, process: &Arc<Process>, at: i64, image: Arc<Image>) {
        let at = self.soon(at, false);
        self.happened.loads.push(Load { at, process: process.clone(), image });
    }

    pub(super) fn saw(&mut self, process: &Arc<Process>, at: i64, action: &'static str, more: &str) {
        let at = self.soon(at, false);
        self.happened.device.push(DeviceEvent {
            at,
            process: process.clone(),
            action,
            target: None,
            file: None,
            url: "".into(),
            more: more.into(),
        });
    }

    /// What the antivirus says about a file.
    pub(super) fn detected(&mut self, scanner: &Arc<Process>, at: i64, file: &Arc<FileFacts>, threat: &str, remediated: bool) {
        let at = self.soon(at, false);
        let more = format!(r#"{{"ThreatName":"{threat}","WasRemediated":{remediated},"WasExecutingWhileDetected":false,"Action":2}}"#);
        self.happened.device.push(DeviceEvent {
            at,
            process: scanner.clone(),
            action: "AntivirusDetection",
            target: None,
            file: Some(file.clone()),
            url: "".into(),
            more: more.into(),
        });
    }

    /// Opens an incident; the alerts that follow are its own.
    pub(super) fn incident(&mut self, name: &str, description: &str) {
        let id = FIRST_INCIDENT + self.incidents.len() as i64;
        self.incidents.push(Incident::new(id, name.into(), description.into(), TENANT_ID.into(), 0));
    }

    /// Raises an alert of the incident that is open.
    pub(super) fn alert(&mut self, draft: Draft) {
        let Some(incident) = self.incidents.last_mut() else { return };
        let created = (draft.at + self.random.range(40 * SECOND, 6 * MINUTE)).min(self.world.now - SECOND);
        let random = &mut self.random;
        let endpoint_id = format!("{created}_{}", random.range(-2_000_000_000, 2_000_000_000));
        let id = match draft.source.0 {
            ServiceSource::Endpoint => format!("da{endpoint_id}"),
            ServiceSource::Office => format!("fa{}", random.guid()),
            ServiceSource::Identity => format!("aa{}", random.guid()),
            ServiceSource::CloudApps => format!("ca{}", random.hex(24)),
            ServiceSource::EntraId => format!("ad{}", random.hex(64)),
            ServiceSource::Xdr => format!("ma{endpoint_id}"),
        };
        let id: Arc<str> = id.into();
        let investigated = draft.source.0 == ServiceSource::Endpoint && random.percent(40);
        let evidence = draft.evidence.into_iter().map(|entity| Evidence {
            created,
            verdict: if matches!(entity, Entity::User(_) | Entity::Mailbox(_)) { Verdict::Suspicious } else { draft.verdict },
            remediation: draft.remediation,
            entity,
        });
        let (detector, first_event) = (random.guid(), draft.at - random.range(0, 20 * SECOND));
        self.alerts.push(Alert {
            provider_id: id.get(2..).unwrap_or_default().into(),
            incident_id: incident.id,
            tenant_id: TENANT_ID.into(),
            investigation_id: investigated.then(|| random.range(3000, 3400)),
            investigation_state: if investigated { InvestigationState::PendingApproval } else { InvestigationState::UnsupportedAlertType },
            severity: draft.severity,
            status: AlertStatus::New,
            classification: None,
            determination: None,
            assigned_to: None,
            service: draft.source.0,
            detection: draft.source.1,
            detector_id: detector,
            category: draft.category,
            threat_family: draft.threat,
            threat_name: draft.threat,
            title: draft.title.into(),
            description: draft.description.into(),
            recommended: "1. Validate the alert.\n2. Look at the evidence and scope the incident.\n3. Contain the affected assets and reset the credentials seen on them.".into(),
            techniques: draft.techniques,
            created,
            first_event,
            last_event: draft.at,
            last_update: created + SECOND / 3,
            resolved: None,
            machines: draft.machine.iter().map(|m| m.id.clone()).collect(),
            machine_name: draft.machine.as_ref().map(|m| m.name.clone()),
            machine_group: draft.machine.as_ref().map(|m| m.group),
            logged_on: draft.machine.as_ref().map(|m| m.logged_on.clone()).unwrap_or_default(),
            user: draft.user,
            comments: Vec::new(),
            evidence: evidence.collect(),
            id: id.clone(),
        });
        incident.severity = incident.severity.max(draft.severity);
        incident.created = if incident.alerts.is_empty() { created } else { incident.created };
        incident.last_update = incident.last_update.max((created + 5 * SECOND).min(self.world.now - SECOND));
        incident.alerts.push(id);
    }

    /// Closes the open incident the way it ended.
    pub(super) fn end(&mut self, outcome: Outcome) {
        let Some(incident) = self.incidents.last_mut() else { return };
        let now = self.world.now;
        let touched = outcome.owner.is_some();
        let owner = outcome.owner.map(|o| format!("{o}@{}", super::DOMAIN));
        let at = (incident.last_update + if touched { self.random.range(20 * MINUTE, DAY) } else { 0 }).min(now - 2 * SECOND);
        incident.status = outcome.status;
        incident.last_update = at;
        incident.assigned_to.clone_from(&owner);
        incident.last_modified_by.clone_from(&owner);
        (incident.classification, incident.determination) = outcome.verdict.unzip();
        incident.tags = outcome.tags.iter().map(|t| (*t).to_owned()).collect();
        let done = outcome.status == IncidentStatus::Resolved;
        incident.resolving_comment = outcome.comment.filter(|_| done).map(str::to_owned);
        incident.comments =
            outcome.comment.iter().map(|text| Comment { text: (*text).to_owned(), by: owner.clone().unwrap_or_default(), at }).collect();
        for alert in self.alerts.iter_mut().filter(|a| a.incident_id == incident.id) {
            alert.assigned_to.clone_from(&owner);
            (alert.classification, alert.determination) = outcome.verdict.unzip();
            if touched {
                alert.last_update = at;
                alert.status = if done { AlertStatus::Resolved } else { AlertStatus::InProgress };
            }
            if done {
                alert.resolved = Some(at);
                if alert.investigation_id.is_some() {
                    alert.investigation_state = InvestigationState::SuccessfullyRemediated;
                }
            }
        }
    }
}

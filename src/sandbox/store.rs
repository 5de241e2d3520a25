//! What can change: the seeded tenant, and the actions that were asked of its machines.

use crate::json::{Value, object};

use super::clock;
use super::seed::{Alert, Classification, Comment, Determination, Incident, Machine, Tenant};
use super::wire::guid_for;
use super::{detection_rules, scans};

pub(super) struct Store {
    pub(super) tenant: Tenant,
    pub(super) actions: Vec<Action>,
    pub(super) scans: Vec<scans::Scan>,
    pub(super) rules: detection_rules::Rules,
}

/// How far a machine action has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    InProgress,
    Succeeded,
    Cancelled,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::Pending => "Pending",
            Stage::InProgress => "InProgress",
            Stage::Succeeded => "Succeeded",
            Stage::Cancelled => "Cancelled",
        }
    }

    pub(super) fn is_final(self) -> bool {
        matches!(self, Stage::Succeeded | Stage::Cancelled)
    }
}

/// Something that was asked of a machine.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) scope: String,
    pub(super) machine: String,
    pub(super) machine_name: String,
    pub(super) requestor: String,
    pub(super) comment: String,
    pub(super) stage: Stage,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) cancelled: Option<(String, String, i64)>,
}

impl Action {
    /// Kinds that exclude each other on a machine share a class.
    pub(super) fn class(kind: &str) -> &str {
        if kind == "Unisolate" { "Isolate" } else { kind }
    }

    /// The sandbox has no machines that take their time: each look at an action moves it on.
    pub(super) fn step(&mut self, now: i64) {
        let next = match self.stage {
            Stage::Pending => Stage::InProgress,
            Stage::InProgress => Stage::Succeeded,
            end => end,
        };
        if next != self.stage {
            self.stage = next;
            self.updated = now;
        }
    }

    /// The Endpoint service's `MachineAction`.
    pub(super) fn endpoint(&self) -> Value {
        let (who, why, when) = match &self.cancelled {
            Some((who, why, when)) => (who.as_str().into(), why.as_str().into(), clock::iso(*when).into()),
            None => (Value::Null, Value::Null, Value::Null),
        };
        object([
            ("id", self.id.as_str().into()),
            ("type", self.kind.into()),
            ("title", Value::Null),
            ("requestor", self.requestor.as_str().into()),
            ("requestorComment", self.comment.as_str().into()),
            ("status", self.stage.name().into()),
            ("machineId", self.machine.as_str().into()),
            ("computerDnsName", self.machine_name.as_str().into()),
            ("relatedFileInfo", Value::Null),
            ("creationDateTimeUtc", clock::iso(self.created).into()),
            ("lastUpdateDateTimeUtc", clock::iso(self.updated).into()),
            ("cancellationRequestor", who),
            ("cancellationComment", why),
            ("cancellationDateTimeUtc", when),
            ("errorHResult", 0i64.into()),
            ("scope", if self.scope.is_empty() { Value::Null } else { self.scope.as_str().into() }),
            ("commands", Value::Array(Vec::new())),
            ("troubleshootInfo", Value::Null),
            ("externalId", Value::Null),
            ("requestSource", "PublicApi".into()),
        ])
    }
}

/// What people may say about an alert or an incident, read from a request. `None` outside: not said; inside: taken back.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    pub(super) assigned_to: Option<Option<String>>,
    pub(super) classification: Option<Option<Classification>>,
    pub(super) determination: Option<Option<Determination>>,
    pub(super) comment: Option<String>,
}

impl Store {
    pub(super) fn new(tenant: Tenant) -> Store {
        let analyst = tenant.users.iter().find(|u| u.enabled && u.department.contains("Security")).or_else(|| tenant.users.first());
        let by = analyst.map(|u| u.upn.to_string()).unwrap_or_default();
        let (scans, rules) = (scans::seeded(&tenant, tenant.now, &by), detection_rules::seeded(tenant.now, &by));
        Store { tenant, actions: Vec::new(), scans, rules }
    }

    /// A machine by its id or its DNS name, whatever the letter case.
    pub(super) fn machine(&self, id: &str) -> Option<&Machine> {
        self.tenant.machines.iter().find(|m| m.id.eq_ignore_ascii_case(id) || m.name.eq_ignore_ascii_case(id))
    }

    pub(super) fn machine_mut(&mut self, id: &str) -> Option<&mut Machine> {
        self.tenant.machines.iter_mut().find(|m| m.id.eq_ignore_ascii_case(id) || m.name.eq_ignore_ascii_case(id))
    }

    pub(super) fn alert(&self, id: &str) -> Option<&Alert> {
        self.tenant.alerts.iter().find(|a| *a.id == *id)
    }

    pub(super) fn alert_mut(&mut self, id: &str) -> Option<&mut Alert> {
        self.tenant.alerts.iter_mut().find(|a| *a.id == *id)
    }

    pub(super) fn incident(&self, id: &str) -> Option<&Incident> {
        let id: i64 = id.parse().ok()?;
        self.tenant.incidents.iter().find(|i| i.id == id)
    }

    pub(super) fn incident_mut(&mut self, id: &str) -> Option<&mut Incident> {
        let id: i64 = id.parse().ok()?;
        self.tenant.incidents.iter_mut().find(|i| i.id == id)
    }

    pub(super) fn alerts_of(&self, incident: &Incident) -> Vec<&Alert> {
        self.tenant.alerts.iter().filter(|a| incident.alerts.contains(&a.id)).collect()
    }

    pub(super) fn action_mut(&mut self, id: &str) -> Option<&mut Action> {
        self.actions.iter_mut().find(|a| a.id.eq_ignore_ascii_case(id))
    }

    /// An id for the next action: the same in every run that asks the same things.
    pub(super) fn next_action_id(&self) -> String {
        guid_for(&format!("machine action {} {}", self.tenant.id, self.actions.len()))
    }
}

/// Puts a comment behind the others.
pub(super) fn comment(comments: &mut Vec<Comment>, text: Option<&str>, by: &str, now: i64) {
    if let Some(text) = text.filter(|t| !t.is_empty()) {
        comments.push(Comment { text: text.to_owned(), by: by.to_owned(), at: now });
    }
}

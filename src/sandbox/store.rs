//! What can change: the seeded tenant, and what was made or asked for through the services.

use std::sync::Arc;

use super::data::{Answers, Fixtures};
use super::indicators::Indicators;
use super::investigations::Investigations;
use super::library::Library;
use super::machine_action::{Action, Stage};
use super::seed::{Alert, Classification, Comment, Determination, Incident, Machine, Tenant};
use super::settings::Settings;
use super::wire::guid_for;
use super::{detection_rules, scans};

pub(super) struct Store {
    pub(super) actions: Vec<Action>,
    pub(super) scans: Vec<scans::Scan>,
    pub(super) rules: detection_rules::Rules,
    pub(super) library: Library,
    pub(super) investigations: Investigations,
    pub(super) indicators: Indicators,
    pub(super) settings: Settings,
    /// What machines report after they were changed, and when; in the tables once somebody hunts.
    reports: Vec<(Arc<Machine>, i64)>,
    /// What queries look up beside the tables.
    pub(super) fixtures: Fixtures,
    /// Answers to queries that were written down.
    pub(super) answers: Answers,
    pub(super) tenant: Tenant,
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
        let rules = if tenant.bare { Vec::new() } else { detection_rules::seeded(tenant.now, &by) };
        let scans = if tenant.bare { Vec::new() } else { scans::seeded(&tenant, tenant.now, &by) };
        Store {
            actions: Vec::new(),
            scans,
            rules,
            library: Library::seeded(&tenant),
            investigations: Investigations::seeded(&tenant),
            indicators: Indicators::seeded(&tenant),
            settings: Settings::seeded(&tenant),
            reports: Vec::new(),
            fixtures: Fixtures::seeded(&tenant),
            answers: Answers::default(),
            tenant,
        }
    }

    /// A machine that was changed reports how it is now.
    pub(super) fn changed(&mut self, id: &str, now: i64) {
        if let Some(machine) = self.machine(id) {
            let report = (Arc::new(machine.clone()), now);
            self.reports.push(report);
        }
    }

    /// Puts the reports of changed machines into the tables.
    pub(super) fn publish(&mut self) {
        if !self.reports.is_empty() {
            let reports = std::mem::take(&mut self.reports);
            self.tenant.tables.report_machines(&reports);
        }
    }

    /// Takes in what a world's document has beside the tables.
    pub(super) fn register(&mut self, beside: &crate::json::Value) -> Result<(), String> {
        self.fixtures.register(beside)
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

    pub(super) fn action(&self, id: &str) -> Option<&Action> {
        self.actions.iter().find(|a| a.id.eq_ignore_ascii_case(id))
    }

    /// Moves every action to where it is by now, with what that does to its machine.
    pub(super) fn settle(&mut self, now: i64) {
        let done: Vec<usize> = self.actions.iter_mut().enumerate().filter_map(|(i, a)| a.settle(now).then_some(i)).collect();
        done.into_iter().for_each(|i| self.ended(i));
    }

    /// The same, and a look at one of them.
    pub(super) fn look(&mut self, id: &str, now: i64) {
        self.settle(now);
        let looked = self.actions.iter_mut().position(|a| a.id.eq_ignore_ascii_case(id) && a.look(now));
        looked.into_iter().for_each(|i| self.ended(i));
    }

    /// What an action that has ended well does to its machine.
    fn ended(&mut self, at: usize) {
        let Some(action) = self.actions.get(at).filter(|a| a.kind == "Offboard") else { return };
        let machine = action.machine.clone();
        if let Some(machine) = self.machine_mut(&machine) {
            machine.onboarding = "CanBeOnboarded";
        }
    }

    /// The action that keeps another of that kind from a machine.
    pub(super) fn busy(&self, machine: &str, kind: &str) -> Option<&Action> {
        self.actions.iter().find(|a| a.machine == machine && !a.stage.is_final() && Action::class(a.kind) == Action::class(kind))
    }

    /// Whether the last action of two opposite kinds that a machine has carried out is the first kind.
    pub(super) fn applied(&self, machine: &str, on: &str, off: &str) -> bool {
        let own = |a: &&Action| a.machine == machine && a.stage == Stage::Succeeded && (a.kind == on || a.kind == off);
        self.actions.iter().rev().find(own).is_some_and(|a| a.kind == on)
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

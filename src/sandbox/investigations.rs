//! Automated investigations: those behind the seeded alerts, and those that somebody starts.

use std::sync::Arc;

use crate::json::{Value, object};

use super::clock::{self, SECOND};
use super::failure::Failure;
use super::lists;
use super::router::Call;
use super::seed::{Machine, Tenant};
use super::store::Store;
use super::wire::Reply;

/// How long one runs.
const LENGTH: i64 = 60 * SECOND;

/// Why an investigation was started.
pub(super) enum Trigger<'a> {
    Alert(&'a str),
    Person,
}

struct Investigation {
    id: i64,
    start: i64,
    end: Option<i64>,
    /// As the alert says it; none: this one was started here, and its state follows from time.
    state: Option<&'static str>,
    details: String,
    machine: Arc<str>,
    machine_name: Arc<str>,
    alert: Option<String>,
}

/// All of them, the oldest first.
pub(super) struct Investigations(Vec<Investigation>);

impl Investigations {
    pub(super) fn seeded(tenant: &Tenant) -> Investigations {
        let mut all: Vec<Investigation> = Vec::new();
        for alert in tenant.alerts.iter().filter(|a| a.is_endpoint()) {
            let (Some(id), Some(machine)) = (alert.investigation_id, alert.machines.first()) else { continue };
            if all.iter().any(|i| i.id == id) {
                continue;
            }
            let done = alert.investigation_state != super::seed::InvestigationState::PendingApproval;
            all.push(Investigation {
                id,
                start: alert.created,
                end: done.then_some(alert.last_update),
                state: Some(alert.investigation_state.pascal()),
                details: String::new(),
                machine: machine.clone(),
                machine_name: alert.machine_name.clone().unwrap_or_default(),
                alert: Some(alert.id.to_string()),
            });
        }
        Investigations(all)
    }

    /// Starts one and answers its number.
    pub(super) fn start(&mut self, machine: &Machine, trigger: Trigger<'_>, details: &str, now: i64) -> i64 {
        let id = self.0.iter().map(|i| i.id).max().unwrap_or(3000) + 1;
        self.0.push(Investigation {
            id,
            start: now,
            end: None,
            state: None,
            details: details.to_owned(),
            machine: machine.id.clone(),
            machine_name: machine.name.clone(),
            alert: if let Trigger::Alert(id) = trigger { Some(id.to_owned()) } else { None },
        });
        id
    }

    /// Ends those whose time is over.
    fn settle(&mut self, now: i64) {
        for own in self.0.iter_mut().filter(|i| i.state.is_none() && i.end.is_none() && now - i.start >= LENGTH) {
            own.end = Some(own.start + LENGTH);
        }
    }

    /// By its number, or by the id of the alert that triggered it.
    fn find(&mut self, id: &str) -> Option<&mut Investigation> {
        self.0.iter_mut().find(|i| i.id.to_string() == id || i.alert.as_deref() == Some(id))
    }
}

impl Investigation {
    fn endpoint(&self) -> Value {
        let state = self.state.unwrap_or(if self.end.is_some() { "Benign" } else { "Running" });
        object([
            ("id", self.id.to_string().into()),
            ("startTime", clock::iso(self.start).into()),
            ("endTime", self.end.map_or(Value::Null, |at| clock::iso(at).into())),
            ("state", state.into()),
            ("cancelledBy", Value::Null),
            ("statusDetails", if self.details.is_empty() { Value::Null } else { self.details.as_str().into() }),
            ("machineId", self.machine.as_ref().into()),
            ("computerDnsName", self.machine_name.as_ref().into()),
            ("triggeringAlertId", self.alert.clone().map_or(Value::Null, Value::from)),
        ])
    }
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "investigations.list" => {
            let items = {
                let mut store = call.house.store();
                store.investigations.settle(call.now());
                store.investigations.0.iter().rev().map(Investigation::endpoint).collect()
            };
            lists::page(call, "Investigations", items)
        }
        "investigations.start" => start(call),
        _ => get(call),
    }
}

/// A look is as good as the time that it runs, if it has been looked at before.
fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    store.investigations.settle(now);
    let found = store.investigations.find(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Investigation", call.id()))?;
    let reply = call.one(200, "Investigations", found.endpoint());
    if found.state.is_none() && found.end.is_none() {
        found.end = Some(now);
    }
    Ok(reply)
}

fn start(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    store.investigations.settle(now);
    let Store { investigations, tenant, .. } = &mut *store;
    let named = |m: &&Machine| m.id.eq_ignore_ascii_case(call.id()) || m.name.eq_ignore_ascii_case(call.id());
    let machine = tenant.machines.iter().find(named).ok_or_else(|| Failure::not_found(call.op.service, "Machine", call.id()))?;
    if investigations.0.iter().any(|i| i.machine == machine.id && i.state.is_none() && i.end.is_none()) {
        return Err(Failure::new(400, "ActiveRequestAlreadyExists", "Action is already in progress"));
    }
    let id = investigations.start(machine, Trigger::Person, call.text("Comment").unwrap_or_default(), now);
    let started = investigations.find(&id.to_string()).map(|i| i.endpoint()).unwrap_or_default();
    Ok(call.one(201, "Investigations", started))
}

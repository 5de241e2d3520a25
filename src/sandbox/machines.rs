//! Machines, and what is done to them.

use super::access;
use super::failure::Failure;
use super::lists;
use super::router::Call;
use super::store::{Action, Stage};
use super::wire::Reply;

/// Machines not seen for longer are not listed.
const LISTED_FOR: i64 = 30 * super::clock::DAY;

fn unknown(call: &Call<'_>) -> Failure {
    Failure::not_found(call.op.service, "Machine", call.id())
}

pub(super) fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let oldest = call.house.clock.start() - LISTED_FOR;
    let items = call.house.store().tenant.machines.iter().filter(|m| m.last_seen >= oldest).map(|m| m.endpoint()).collect();
    lists::page(call, "Machines", items)
}

pub(super) fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    store.machine(call.id()).map(|m| call.one(200, "Machines", m.endpoint())).ok_or_else(|| unknown(call))
}

/// Asks something of a machine. One such thing at a time.
pub(super) fn act(call: &Call<'_>, kind: &'static str, scope: &str) -> Result<Reply, Failure> {
    let mut store = call.house.store();
    let (machine, machine_name) = match store.machine(call.id()) {
        Some(m) => (m.id.to_string(), m.name.to_string()),
        None => return Err(unknown(call)),
    };
    let busy = |a: &Action| a.machine == machine && !a.stage.is_final() && Action::class(a.kind) == Action::class(kind);
    if store.actions.iter().any(busy) {
        return Err(Failure::new(400, "ActiveRequestAlreadyExists", "Action is already in progress"));
    }
    let now = call.now();
    let action = Action {
        id: store.next_action_id(),
        kind,
        scope: scope.to_owned(),
        machine,
        machine_name,
        requestor: call.caller.name().to_owned(),
        comment: call.text("Comment").unwrap_or_default().to_owned(),
        stage: Stage::Pending,
        created: now,
        updated: now,
        cancelled: None,
    };
    let reply = call.one(201, "MachineActions", action.endpoint());
    store.actions.push(action);
    Ok(reply)
}

pub(super) fn tag(call: &Call<'_>, add: bool) -> Result<Reply, Failure> {
    let tag = call.text("Value").unwrap_or_default();
    let mut store = call.house.store();
    let machine = store.machine_mut(call.id()).ok_or_else(|| unknown(call))?;
    if !add {
        machine.tags.retain(|t| t != tag);
    } else if !machine.tags.iter().any(|t| t == tag) {
        machine.tags.push(tag.to_owned());
    }
    Ok(call.one(200, "Machines", machine.endpoint()))
}

pub(super) fn actions(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = call.house.store().actions.iter().rev().map(Action::endpoint).collect();
    lists::page(call, "MachineActions", items)
}

pub(super) fn action(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    let action = store.action_mut(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "MachineAction", call.id()))?;
    action.step(now);
    Ok(call.one(200, "MachineActions", action.endpoint()))
}

/// Cancels what has not ended, for whom might have asked for it.
pub(super) fn cancel(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    let action = store.action_mut(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "MachineAction", call.id()))?;
    let needed = match action.kind {
        "RunAntiVirusScan" => "Machine.Scan",
        _ => "Machine.Isolate",
    };
    access::need_any(&call.caller, call.op.service, &[needed])?;
    if action.stage.is_final() {
        return Err(Failure::new(
            400,
            "BadRequest",
            format!("The action cannot be cancelled: it has ended with status {}", action.stage.name()),
        ));
    }
    action.stage = Stage::Cancelled;
    action.updated = now;
    action.cancelled = Some((call.caller.name().to_owned(), call.text("Comment").unwrap_or_default().to_owned(), now));
    Ok(call.one(200, "MachineActions", action.endpoint()))
}

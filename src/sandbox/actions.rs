//! Machine actions: what was asked of machines, and what came of it.

use super::access;
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::store::{Action, Stage};
use super::wire::Reply;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "machine_actions.list" => list(call),
        "machine_actions.get" => get(call),
        "machine_actions.cancel" => cancel(call),
        _ => not_yet(call),
    }
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = call.house.store().actions.iter().rev().map(Action::endpoint).collect();
    lists::page(call, "MachineActions", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    let action = store.action_mut(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "MachineAction", call.id()))?;
    action.step(now);
    Ok(call.one(200, "MachineActions", action.endpoint()))
}

/// Cancels what has not ended, for whom might have asked for it.
fn cancel(call: &Call<'_>) -> Result<Reply, Failure> {
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

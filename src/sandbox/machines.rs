//! Machines, and what is done to them.

use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::store::{Action, Stage};
use super::wire::Reply;
use super::{recommendations, software, vulnerabilities};

/// Machines not seen for longer are not listed.
const LISTED_FOR: i64 = 30 * super::clock::DAY;

fn unknown(call: &Call<'_>) -> Failure {
    Failure::not_found(call.op.service, "Machine", call.id())
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "machines.list" => list(call),
        "machines.get" => get(call),
        "machines.isolate" => act(call, "Isolate", call.text("IsolationType").unwrap_or("Full")),
        "machines.unisolate" => act(call, "Unisolate", ""),
        "machines.scan" => act(call, "RunAntiVirusScan", call.text("ScanType").unwrap_or_default()),
        "machines.add_tag" => tag(call, true),
        "machines.remove_tag" => tag(call, false),
        // Vulnerability management.
        "machines.software" | "machines.missing_kbs" | "machines.firmware" => software::handle(call),
        "machines.vulnerabilities" => vulnerabilities::handle(call),
        "machines.recommendations" => recommendations::handle(call),
        _ => not_yet(call),
    }
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let oldest = call.house.clock.start() - LISTED_FOR;
    let items = call.house.store().tenant.machines.iter().filter(|m| m.last_seen >= oldest).map(|m| m.endpoint()).collect();
    lists::page(call, "Machines", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    store.machine(call.id()).map(|m| call.one(200, "Machines", m.endpoint())).ok_or_else(|| unknown(call))
}

/// Asks something of a machine. One such thing at a time.
fn act(call: &Call<'_>, kind: &'static str, scope: &str) -> Result<Reply, Failure> {
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

fn tag(call: &Call<'_>, add: bool) -> Result<Reply, Failure> {
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

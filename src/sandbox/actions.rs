//! Machine actions: asking for them, and what came of them.

use crate::json::Value;

use super::access;
use super::failure::Failure;
use super::lists;
use super::machine_action::{Action, Command, Stage};
use super::packages;
use super::quirks::Quirk;
use super::router::{Call, not_yet};
use super::seed::Machine;
use super::storage;
use super::store::Store;
use super::wire::Reply;

/// How long the link to a package is good.
const LINK_SECONDS: i64 = 900;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "machine_actions.list" => list(call),
        "machine_actions.get" => get(call),
        "machine_actions.cancel" => cancel(call),
        // A text with quotation marks inside it, as the service writes this one and no other.
        "machine_actions.package_uri" => link(call, "CollectInvestigationPackage").map(|url| {
            let quoted = call.house.options.quirks.has(Quirk::QuotedPackageLink);
            call.value(&if quoted { format!("\"{url}\"") } else { url })
        }),
        "machine_actions.logs_uri" => link(call, "LogsCollection").map(|url| call.value(&url)),
        _ => not_yet(call),
    }
}

fn unknown(call: &Call<'_>) -> Failure {
    Failure::not_found(call.op.service, "MachineAction", call.id())
}

/// What an action is about beside its machine.
#[derive(Default)]
pub(super) struct Wish {
    pub(super) scope: String,
    pub(super) file: Option<String>,
    pub(super) commands: Vec<Command>,
    /// Whether it will fail.
    pub(super) doomed: bool,
}

impl Wish {
    pub(super) fn scope(scope: &str) -> Wish {
        Wish { scope: scope.to_owned(), ..Wish::default() }
    }
}

/// Asks something of the machine that a call names. One such thing at a time.
pub(super) fn ask(call: &Call<'_>, kind: &'static str, wish: Wish) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    store.settle(now);
    let machine = store.machine(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Machine", call.id()))?;
    let windows = machine.os.platform.starts_with("Windows");
    if !windows && needs_windows(kind) {
        let message = format!("{kind} is not supported on {}", machine.os.platform);
        return Err(Failure::new(400, "OsPlatformNotSupported", message));
    }
    if machine.onboarding != "Onboarded" {
        return Err(Failure::new(400, "BadRequest", format!("Machine {} is not onboarded", call.id())));
    }
    let (id, name, reachable) = (machine.id.to_string(), machine.name.to_string(), reports(machine));
    if store.busy(&id, kind).is_some() {
        return Err(Failure::new(400, "ActiveRequestAlreadyExists", "Action is already in progress"));
    }
    let action = Action {
        id: store.next_action_id(),
        kind,
        scope: wish.scope,
        machine: id,
        machine_name: name,
        reachable,
        doomed: wish.doomed,
        requestor: call.caller.name().to_owned(),
        comment: call.text("Comment").unwrap_or_default().to_owned(),
        external_id: call.text("ExternalId").map(str::to_owned),
        file: wish.file,
        commands: wish.commands,
        stage: Stage::Pending,
        created: now,
        updated: now,
        cancelled: None,
    };
    let reply = call.one(201, "MachineActions", action.endpoint(false));
    store.actions.push(action);
    Ok(reply)
}

fn needs_windows(kind: &str) -> bool {
    ["RestrictCodeExecution", "UnrestrictCodeExecution", "Offboard"].contains(&kind)
}

/// Whether the machine's sensor takes orders.
fn reports(machine: &Machine) -> bool {
    use super::seed::Health;
    matches!(machine.health, Health::Active | Health::ImpairedCommunication)
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let mut store = call.house.store();
        store.settle(call.now());
        store.actions.iter().rev().map(|a| a.endpoint(true)).collect()
    };
    lists::page(call, "MachineActions", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let mut store = call.house.store();
    store.look(call.id(), call.now());
    let action = store.action(call.id()).ok_or_else(|| unknown(call))?;
    Ok(call.one(200, "MachineActions", action.endpoint(false)))
}

/// Cancels what has not ended, for whom might have asked for it.
fn cancel(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let mut store = call.house.store();
    store.settle(now);
    let action = store.action_mut(call.id()).ok_or_else(|| unknown(call))?;
    access::need_any(&call.caller, call.op.service, &[Action::permission(action.kind)])?;
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
    Ok(call.one(200, "MachineActions", action.endpoint(false)))
}

/// The link to what an action of that kind collected, once it has.
fn link(call: &Call<'_>, kind: &str) -> Result<String, Failure> {
    let (id, machine) = {
        let mut store = call.house.store();
        store.settle(call.now());
        let action = store.action(call.id()).ok_or_else(|| unknown(call))?;
        if action.kind != kind {
            return Err(Failure::new(400, "BadRequest", format!("The action is no {kind}; it is {}", action.kind)));
        }
        if action.stage != Stage::Succeeded {
            return Err(Failure::new(404, "ResourceNotFound", format!("The package of action {} is not available", action.id)));
        }
        (action.id.clone(), action.machine.clone())
    };
    let what = if kind == "LogsCollection" { "logs" } else { "package" };
    let path = format!("userrequests/{id}/{what}.zip");
    storage::put(call.house, &path, packages::blob(call.house, what, &machine));
    Ok(storage::link(call.house, &path, LINK_SECONDS))
}

/// The actions on the machine that a call names; only the latest of each kind, if so asked.
pub(super) fn of_machine(call: &Call<'_>, latest: bool) -> Result<Reply, Failure> {
    let items = {
        let mut store = call.house.store();
        store.settle(call.now());
        let machine = store.machine(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Machine", call.id()))?.id.to_string();
        let mut kinds: Vec<&str> = Vec::new();
        let own = store.actions.iter().rev().filter(|a| a.machine == machine);
        let mut fresh = |a: &&Action| {
            let new = !kinds.contains(&a.kind);
            kinds.push(a.kind);
            new || !latest
        };
        own.filter(|a| fresh(a)).map(|a| a.endpoint(true)).collect()
    };
    lists::page(call, "MachineActions", items)
}

/// What can be asked of a machine, by the two names that the service has for it: in lists of what is possible, and of an action.
const POSSIBLE: &[(&str, &str)] = &[
    ("FullIsolation", "Isolate"),
    ("SelectiveIsolation", "Isolate"),
    ("Unisolation", "Unisolate"),
    ("RestrictCodeExecution", "RestrictCodeExecution"),
    ("UnrestrictCodeExecution", "UnrestrictCodeExecution"),
    ("RunAntiVirusScan", "RunAntiVirusScan"),
    ("CollectInvestigationPackage", "CollectInvestigationPackage"),
    ("StopAndQuarantineFile", "StopAndQuarantineFile"),
    ("InitiateInvestigation", "InitiateInvestigation"),
    ("LiveResponse", "LiveResponse"),
    ("LogsCollection", "LogsCollection"),
    ("OffBoard", "Offboard"),
];

/// What can be asked of the machine now, and why not the rest.
pub(super) fn available(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let mut store = call.house.store();
        store.settle(call.now());
        let machine = store.machine(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Machine", call.id()))?;
        let render = |(name, kind): &(&str, &str)| {
            let reason = obstacle(&store, machine, kind);
            crate::json::object([
                ("action", (*name).into()),
                ("isAvailable", reason.is_none().into()),
                ("notSupportedReason", reason.map_or(Value::Null, Value::from)),
            ])
        };
        POSSIBLE.iter().map(render).collect()
    };
    lists::page(call, "availableMachineActions", items)
}

fn obstacle(store: &Store, machine: &Machine, kind: &str) -> Option<&'static str> {
    let applied = |on: &str, off: &str| store.applied(&machine.id, on, off);
    if machine.onboarding != "Onboarded" {
        return Some("The device is not onboarded");
    }
    if needs_windows(kind) && !machine.os.platform.starts_with("Windows") {
        return Some("The operating system is not supported");
    }
    if store.busy(&machine.id, kind).is_some() {
        return Some("Action is already in progress");
    }
    match kind {
        "Isolate" if applied("Isolate", "Unisolate") => Some("The device is isolated already"),
        "Unisolate" if !applied("Isolate", "Unisolate") => Some("The device is not isolated"),
        "RestrictCodeExecution" if applied("RestrictCodeExecution", "UnrestrictCodeExecution") => Some("The device is restricted already"),
        "UnrestrictCodeExecution" if !applied("RestrictCodeExecution", "UnrestrictCodeExecution") => Some("The device is not restricted"),
        _ => None,
    }
}

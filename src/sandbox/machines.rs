//! Machines, and what is written down of them.

use crate::json::{Value, object};
use crate::ops::model::Param;

use super::actions::{self, Wish};
use super::clock::{self, DAY, SECOND};
use super::entities::users;
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::Machine;
use super::store::Store;
use super::wire::Reply;
use super::{ask, entities, recommendations, software, vulnerabilities};

/// Machines not seen for longer are not listed.
const LISTED_FOR: i64 = 30 * DAY;
const MINUTE: i64 = 60 * SECOND;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    let plain = |kind| actions::ask(call, kind, Wish::default());
    match call.op.id {
        "machines.list" => list(call),
        "machines.get" => get(call),
        "machines.update" => update(call),
        "machines.set_value" => set_value(call),
        "machines.set_exclusion" => set_exclusion(call),
        "machines.add_tag" => tag(call, true),
        "machines.remove_tag" => tag(call, false),
        "machines.add_tag_to_many" => tag_many(call, true),
        "machines.remove_tag_from_many" => tag_many(call, false),
        "machines.find_by_tag" => find_by_tag(call),
        "machines.find_by_ip" => find_by_ip(call, 15 * MINUTE),
        "machines.find_by_internal_ip" => find_by_ip(call, 16 * MINUTE),
        "machines.untagged" => some(call, |m| m.tags.is_empty()),
        "machines.dlp" => dlp(call),
        "machines.alerts" => lists::page(call, "Alerts", alerts(call)?),
        "machines.count_alerts" => {
            let count = call.options.sift(alerts(call)?).len();
            Ok(Reply::empty(200).header("Content-Type", "text/plain").with_body(count.to_string()))
        }
        "machines.logon_users" => users::of_machine(call),
        "machines.actions" => actions::of_machine(call, false),
        "machines.latest_actions" => actions::of_machine(call, true),
        "machines.available_actions" => actions::available(call),
        "machines.isolate" => actions::ask(call, "Isolate", Wish::scope(call.text("IsolationType").unwrap_or("Full"))),
        "machines.unisolate" => plain("Unisolate"),
        "machines.scan" => actions::ask(call, "RunAntiVirusScan", Wish::scope(call.text("ScanType").unwrap_or_default())),
        "machines.restrict" => plain("RestrictCodeExecution"),
        "machines.unrestrict" => plain("UnrestrictCodeExecution"),
        "machines.collect_package" => plain("CollectInvestigationPackage"),
        "machines.collect_logs" => plain("LogsCollection"),
        "machines.offboard" => plain("Offboard"),
        "machines.quarantine_file" => quarantine(call),
        // Vulnerability management.
        "machines.software" | "machines.missing_kbs" | "machines.firmware" => software::handle(call),
        "machines.vulnerabilities" => vulnerabilities::handle(call),
        "machines.recommendations" => recommendations::handle(call),
        _ => not_yet(call),
    }
}

/// No such machine.
pub(super) fn unknown(call: &Call<'_>) -> Failure {
    Failure::not_found(call.op.service, "Machine", call.id())
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let oldest = call.house.clock.start() - LISTED_FOR;
    some(call, |m| m.last_seen >= oldest)
}

/// Those machines that fit.
fn some(call: &Call<'_>, fits: impl Fn(&Machine) -> bool) -> Result<Reply, Failure> {
    let items = {
        let mut store = call.house.store();
        store.settle(call.now());
        store.tenant.machines.iter().filter(|m| fits(m)).map(|m| m.endpoint()).collect()
    };
    lists::page(call, "Machines", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let mut store = call.house.store();
    store.settle(call.now());
    store.machine(call.id()).map(|m| call.one(200, "Machines", m.endpoint())).ok_or_else(|| unknown(call))
}

/// Changes a machine and answers it.
fn change(call: &Call<'_>, change: impl FnOnce(&mut Machine)) -> Result<Reply, Failure> {
    let mut store = call.house.store();
    let machine = store.machine_mut(call.id()).ok_or_else(|| unknown(call))?;
    change(machine);
    let shown = machine.endpoint();
    store.changed(call.id(), call.now());
    Ok(call.one(200, "Machines", shown))
}

fn retag(machine: &mut Machine, tag: &str, add: bool) {
    if !add {
        machine.tags.retain(|t| t != tag);
    } else if !machine.tags.iter().any(|t| t == tag) {
        machine.tags.push(tag.to_owned());
    }
}

fn tag(call: &Call<'_>, add: bool) -> Result<Reply, Failure> {
    let tag = call.text("Value").unwrap_or_default();
    change(call, |machine| retag(machine, tag, add))
}

/// All or none: one unknown machine, and no tag is changed.
fn tag_many(call: &Call<'_>, add: bool) -> Result<Reply, Failure> {
    let ids = call.texts("MachineIds").unwrap_or_default();
    if ids.is_empty() {
        return Err(Failure::new(400, "InvalidInput", "Invalid input: MachineIds is empty."));
    }
    let tag = call.text("Value").unwrap_or_default();
    let items = {
        let mut store = call.house.store();
        if let Some(id) = ids.iter().find(|id| store.machine(id).is_none()) {
            return Err(Failure::not_found(call.op.service, "Machine", id));
        }
        let mut items = Vec::new();
        for id in &ids {
            if let Some(machine) = store.machine_mut(id) {
                retag(machine, tag, add);
                items.push(machine.endpoint());
            }
            store.changed(id, call.now());
        }
        items
    };
    lists::page(call, "Machines", items)
}

/// The member of an enumeration that a body gives, in its declared spelling.
pub(super) fn member(call: &Call<'_>, wire: &str) -> Option<&'static str> {
    let given = call.text(wire)?;
    call.op.wire(wire).and_then(|p: &Param| p.kind.members().iter().copied().find(|m| *m == given))
}

fn set_value(call: &Call<'_>) -> Result<Reply, Failure> {
    let value = member(call, "DeviceValue").unwrap_or("Normal");
    change(call, |machine| machine.value = value)
}

fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    change(call, |machine| {
        if let Some(tags) = call.texts("machineTags") {
            machine.tags = tags;
        }
        if let Some(value) = member(call, "deviceValue") {
            machine.value = value;
        }
    })
}

fn set_exclusion(call: &Call<'_>) -> Result<Reply, Failure> {
    change(call, |machine| {
        machine.excluded = call.body.get("IsExcluded").and_then(Value::as_bool).unwrap_or_default();
        machine.exclusion = member(call, "ExclusionReason").unwrap_or("Other");
    })
}

fn find_by_tag(call: &Call<'_>) -> Result<Reply, Failure> {
    let Some(tag) = call.query("tag").filter(|t| !t.is_empty()) else {
        return Err(Failure::new(400, "MissingRequiredParameter", "Parameter tag is missing"));
    };
    let begins = call.query("useStartsWithFilter").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    some(call, |m| m.tags.iter().any(|t| *t == tag || begins && t.starts_with(&tag)))
}

/// The machines that had an internal address about a moment of the last 30 days.
fn find_by_ip(call: &Call<'_>, about: i64) -> Result<Reply, Failure> {
    let ip = entities::address(call.in_path("ip"))?;
    let text = call.in_path("timestamp");
    let wrong = |what: &str| Failure::new(400, "InvalidInput", format!("Invalid input: the timestamp '{text}' {what}."));
    let at = clock::parse(text).ok_or_else(|| wrong("is no point in time"))?;
    let now = call.now();
    if at < now - LISTED_FOR || at > now + about {
        return Err(wrong("is not within the last 30 days"));
    }
    some(call, |m| *m.ip == ip && m.first_seen <= at + about && at - about <= m.last_seen)
}

fn dlp(call: &Call<'_>) -> Result<Reply, Failure> {
    let render = |m: &Machine| {
        let status = match (m.os.platform.starts_with("Windows"), m.health.pascal()) {
            (false, _) => "UnsupportedOs",
            (true, "Active") => "Valid",
            (true, _) => "InactiveAV",
        };
        object([
            ("id", m.id.as_ref().into()),
            ("computerDnsName", m.name.as_ref().into()),
            ("healthStatus", m.health.pascal().into()),
            ("configStatus", status.into()),
            ("lastSeen", clock::iso(m.last_seen).into()),
            ("osPlatform", m.os.platform.into()),
            ("version", m.os.version.into()),
        ])
    };
    let items = call.house.store().tenant.machines.iter().map(render).collect();
    lists::page(call, "DlpMachines", items)
}

/// The alerts of the machine that a call names.
fn alerts(call: &Call<'_>) -> Result<Vec<Value>, Failure> {
    let store = call.house.store();
    let machine = store.machine(call.id()).ok_or_else(|| unknown(call))?;
    let own = store.tenant.alerts.iter().rev().filter(|a| a.is_endpoint() && a.machines.contains(&machine.id));
    Ok(own.map(|a| a.endpoint(false)).collect())
}

/// Fails later, as it does in the field, if the machine never had such a file.
fn quarantine(call: &Call<'_>) -> Result<Reply, Failure> {
    let sha1 = call.text("Sha1").unwrap_or_default().to_ascii_lowercase();
    if sha1.len() != 40 || !sha1.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Failure::new(400, "InvalidHashValue", format!("Invalid hash value: '{sha1}' is no SHA-1.")));
    }
    let machine = |store: &Store| store.machine(call.id()).map(|m| m.id.to_string()).ok_or_else(|| unknown(call));
    let id = machine(&call.house.store())?;
    let query = format!(
        "union DeviceFileEvents, DeviceProcessEvents, DeviceImageLoadEvents, DeviceEvents | where DeviceId == {} and SHA1 =~ {} | take 1 \
         | project Timestamp",
        ask::quoted(&id),
        ask::quoted(&sha1)
    );
    let doomed = ask::ask(call.house, &query)?.is_empty();
    actions::ask(call, "StopAndQuarantineFile", Wish { file: Some(sha1), doomed, ..Wish::default() })
}

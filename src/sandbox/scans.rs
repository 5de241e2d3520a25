//! Authenticated scans: definitions that can be made, changed and deleted, the machines that carry them out, and what they found.
//!
//! A scan runs by the sandbox's clock, every so many hours from when it was made. Its passwords come in and are never shown again.

use super::clock::{self, DAY, SECOND};
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::{Machine, Tenant};
use super::wire::{Reply, guid_for};
use crate::json::{Object, Value, object};

const SET: &str = "DeviceAuthenticatedScanDefinitions";
const HOUR: i64 = 3600 * SECOND;
/// Secrets of the ways to sign in.
const SECRETS: &[&str] = &["password", "communityString", "authPassword", "privPassword"];
/// Hosts of the machines that carry out scans.
const SCANNERS: &[&str] = &["lark-app-01", "lark-jump-01"];

/// A scan that was defined.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    id: String,
    created: i64,
    by: String,
    scanner: String,
    /// What the caller said of it, without secrets.
    about: Object,
}

/// The scans of a new tenant. `now`: when it was set up; `by`: whose they are.
pub(super) fn seeded(tenant: &Tenant, now: i64, by: &str) -> Vec<Scan> {
    let seeds = [
        ("Plant network", "Network", "10.20.30.1,10.20.30.2,10.20.30.3", "Ip", "SnmpAuthParams", "AuthPriv"),
        ("Windows servers", "Windows", "lark-fs-01,lark-bkp-01", "Hostname", "WindowsAuthParams", "Kerberos"),
    ];
    let scan = |(at, (name, kind, target, target_type, params, way)): (usize, (&str, &str, &str, &str, &str, &str))| {
        let mut about = Object::new();
        let sign_in = object([
            ("@odata.type", format!("#microsoft.windowsDefenderATP.api.{params}").into()),
            ("type", way.into()),
            ("username", "svc_scan".into()),
        ]);
        for (key, value) in [
            ("scanType", Value::from(kind)),
            ("scanName", name.into()),
            ("isActive", true.into()),
            ("target", target.into()),
            ("intervalInHours", 4i64.into()),
            ("targetType", target_type.into()),
            ("scanAuthenticationParams", sign_in),
        ] {
            about.insert(key.into(), value);
        }
        let scanner = scanners(&tenant.machines).nth(at).map(|m| m.id.to_string()).unwrap_or_default();
        Scan { id: guid_for(&format!("scan {name}")), created: now - 3 * DAY, by: by.to_owned(), scanner, about }
    };
    seeds.into_iter().enumerate().map(scan).collect()
}

fn scanners(machines: &[Machine]) -> impl Iterator<Item = &Machine> {
    SCANNERS.iter().filter_map(|host| machines.iter().find(|m| *m.host == **host))
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "scans.list" => {
            let items = {
                let store = call.house.store();
                store.scans.iter().map(|s| s.render(call, &store.tenant.machines)).collect()
            };
            lists::page(call, SET, items)
        }
        "scans.create" => create(call),
        "scans.update" => update(call),
        "scans.delete_many" => delete(call),
        "scans.agents" => {
            let items = scanners(&call.house.store().tenant.machines).map(|m| agent(call, m)).collect();
            lists::page(call, "DeviceAuthenticatedScanAgents", items)
        }
        "scans.agent" => one_agent(call),
        "scans.history" => history(call),
        "scans.history_of_sessions" => sessions(call),
        _ => not_yet(call),
    }
}

/// A machine that scans. Some of its keys begin with capitals in the service's answers, others do not.
fn agent(call: &Call<'_>, machine: &Machine) -> Value {
    object([
        ("id", format!("{}_{}", call.house.identity.tenant_id, machine.id).into()),
        ("machineId", (*machine.id).into()),
        ("lastSeen", clock::iso(machine.last_seen).into()),
        ("computerDnsName", (*machine.name).into()),
        ("AssignedApplicationId", guid_for("scanner application").into()),
        ("scannerSoftwareVersion", "7.2549.1".into()),
        ("lastCommandExecutionTimestamp", clock::iso(machine.last_seen).into()),
        ("mdeClientVersion", machine.agent.into()),
    ])
}

/// One machine that scans: a list in spite of its context, which says that it is one.
fn one_agent(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let is = |m: &&Machine| m.id.eq_ignore_ascii_case(call.id()) || call.id().ends_with(&format!("_{}", m.id));
    let machine = scanners(&store.tenant.machines).find(is);
    let machine = machine.ok_or_else(|| Failure::not_found(call.op.service, "Scan agent", call.id()))?;
    Ok(call.one(200, "DeviceAuthenticatedScanAgents", object([("value", Value::Array(vec![agent(call, machine)]))])))
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(400, "InvalidInput", message)
}

/// The machine that a body wants to scan with.
fn scanner(call: &Call<'_>, machines: &[Machine]) -> Result<Option<String>, Failure> {
    let Some(wanted) = call.body.get("scannerAgent").filter(|v| !v.is_null()) else { return Ok(None) };
    let id = wanted.get("machineId").or_else(|| wanted.get("id")).and_then(Value::as_str);
    let id = id.ok_or_else(|| invalid("Invalid input: scannerAgent must have a machineId."))?;
    let found = machines.iter().find(|m| m.id.eq_ignore_ascii_case(id) || m.name.eq_ignore_ascii_case(id));
    let machine = found.ok_or_else(|| invalid(format!("Invalid input: there is no scanner agent on machine '{id}'.")))?;
    Ok(Some(machine.id.to_string()))
}

/// What a body says of a scan, without secrets.
fn about(call: &Call<'_>) -> Result<Object, Failure> {
    let mut about = call.body.clone();
    about.shift_remove("scannerAgent");
    if let Some(Value::Object(sign_in)) = about.get_mut("scanAuthenticationParams") {
        let kind = sign_in.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
        if !["WindowsAuthParams", "SnmpAuthParams", "LinuxAuthParams"].iter().any(|k| kind.ends_with(k)) {
            return Err(invalid("Invalid input: scanAuthenticationParams must say its '@odata.type'."));
        }
        sign_in.retain(|name, _| !SECRETS.contains(&name.as_str()));
    }
    if about.get("intervalInHours").and_then(Value::as_i64).is_some_and(|hours| hours < 1) {
        return Err(invalid("Invalid input: intervalInHours must be 1 or more."));
    }
    Ok(about)
}

fn create(call: &Call<'_>) -> Result<Reply, Failure> {
    let about = about(call)?;
    let mut store = call.house.store();
    let scanner = scanner(call, &store.tenant.machines)?.unwrap_or_default();
    let id = guid_for(&format!("scan {} {}", call.now(), store.scans.len()));
    let scan = Scan { id, created: call.now(), by: call.caller.name().to_owned(), scanner, about };
    let reply = call.one(200, SET, scan.render(call, &store.tenant.machines));
    store.scans.push(scan);
    Ok(reply)
}

fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    let about = about(call)?;
    let mut guard = call.house.store();
    let store = &mut *guard;
    let scanner = scanner(call, &store.tenant.machines)?;
    let found = store.scans.iter_mut().find(|s| s.id.eq_ignore_ascii_case(call.id()));
    let scan = found.ok_or_else(|| Failure::not_found(call.op.service, "Scan definition", call.id()))?;
    scan.about.extend(about);
    if let Some(scanner) = scanner {
        scan.scanner = scanner;
    }
    Ok(call.one(200, SET, scan.render(call, &store.tenant.machines)))
}

fn ids(call: &Call<'_>, wire: &str) -> Vec<String> {
    call.texts(wire).unwrap_or_default()
}

fn delete(call: &Call<'_>) -> Result<Reply, Failure> {
    let ids = ids(call, "ScanDefinitionIds");
    let mut store = call.house.store();
    if let Some(id) = ids.iter().find(|id| !store.scans.iter().any(|s| s.id.eq_ignore_ascii_case(id))) {
        return Err(Failure::not_found(call.op.service, "Scan definition", id));
    }
    store.scans.retain(|s| !ids.iter().any(|id| s.id.eq_ignore_ascii_case(id)));
    Ok(Reply::empty(200))
}

fn history(call: &Call<'_>) -> Result<Reply, Failure> {
    let ids = ids(call, "ScanDefinitionIds");
    let items = {
        let store = call.house.store();
        let wanted = store.scans.iter().filter(|s| ids.iter().any(|id| s.id.eq_ignore_ascii_case(id)));
        wanted.flat_map(|s| s.runs(call.now()).map(|run| s.session(call, run)).collect::<Vec<_>>()).collect()
    };
    lists::page(call, "Collection(microsoft.windowsDefenderATP.api.ScanHistory)", items)
}

fn sessions(call: &Call<'_>) -> Result<Reply, Failure> {
    let ids = ids(call, "SessionIds");
    let items = {
        let store = call.house.store();
        let all = store.scans.iter().flat_map(|s| s.runs(call.now()).map(move |run| (s, run)));
        let wanted = all.filter(|(s, run)| ids.iter().any(|id| s.session_id(*run).eq_ignore_ascii_case(id)));
        wanted.map(|(s, run)| s.session(call, run)).collect()
    };
    lists::page(call, "Collection(microsoft.windowsDefenderATP.api.ScanHistory)", items)
}

impl Scan {
    fn is_active(&self) -> bool {
        self.about.get("isActive").and_then(Value::as_bool).unwrap_or(true)
    }

    fn interval(&self) -> i64 {
        self.about.get("intervalInHours").and_then(Value::as_i64).unwrap_or(4).max(1) * HOUR
    }

    /// The numbers of the runs until then, the newest first.
    fn runs(&self, now: i64) -> impl Iterator<Item = i64> + use<> {
        let over = if self.is_active() { (now - self.created).div_euclid(self.interval()) } else { 0 };
        (1..=over).rev()
    }

    fn session_id(&self, run: i64) -> String {
        guid_for(&format!("scan session {} {run}", self.id))
    }

    /// What a run found. The last of several targets cannot be reached in every third run.
    fn session(&self, call: &Call<'_>, run: i64) -> Value {
        let target = self.about.get("target").and_then(Value::as_str).unwrap_or_default();
        let targets: Vec<&str> = target.split(',').map(str::trim).filter(|t| !t.is_empty()).collect();
        let lost = |at: usize| run % 3 == 0 && targets.len() > 1 && at + 1 == targets.len();
        let named = self.about.get("targetType").and_then(Value::as_str) == Some("Hostname");
        let one = |(at, target): (usize, &&str)| {
            object([
                ("scanDuration", format!("00:00:{:02}", 8 + at % 50).into()),
                ("ip", if named { Value::Null } else { (*target).into() }),
                ("hostname", if named { (*target).into() } else { Value::Null }),
                ("scannedDeviceDescription", "Network device".into()),
                ("errorMessage", if lost(at) { "The target cannot be reached.".into() } else { Value::Null }),
                ("scanStatus", if lost(at) { "Failure".into() } else { "Success".into() }),
            ])
        };
        let failed = (0..targets.len()).filter(|at| lost(*at)).count();
        object([
            ("orgId", call.house.identity.tenant_id.as_str().into()),
            ("scanDefinitionId", self.id.as_str().into()),
            ("sessionId", self.session_id(run).into()),
            ("scannerId", self.scanner.as_str().into()),
            ("numberOfSuccessfullyScannedTargets", ((targets.len() - failed) as i64).into()),
            ("numberOfTargets", (targets.len() as i64).into()),
            ("scanStatus", if failed > 0 { "PartialSuccess".into() } else { "Success".into() }),
            ("generalErrorMessage", Value::Null),
            ("scannedTargets", Value::Array(targets.iter().enumerate().map(one).collect())),
        ])
    }

    /// The service's `ScanDefinition`.
    fn render(&self, call: &Call<'_>, machines: &[Machine]) -> Value {
        let part = |name: &str| self.about.get(name).cloned().unwrap_or_default();
        let latest = self.runs(call.now()).next().map_or_else(
            || object([("status", Value::Null), ("failureReason", Value::Null), ("executionDateTime", Value::Null)]),
            |run| {
                let at = clock::iso(self.created + run * self.interval());
                object([("status", "Success".into()), ("failureReason", Value::Null), ("executionDateTime", at.into())])
            },
        );
        let machine = machines.iter().find(|m| *m.id == *self.scanner);
        let scanner = machine.map_or(Value::Null, |m| {
            object([
                ("id", format!("{}_{}", call.house.identity.tenant_id, m.id).into()),
                ("machineId", (*m.id).into()),
                ("machineName", (*m.name).into()),
                ("lastSeen", clock::iso(m.last_seen).into()),
                ("assignedApplicationId", guid_for("scanner application").into()),
                ("scannerSoftwareVersion", "7.2549.1".into()),
                ("lastCommandExecutionTimestamp", clock::iso(m.last_seen).into()),
                ("mdeClientVersion", m.agent.into()),
            ])
        });
        object([
            ("id", self.id.as_str().into()),
            ("scanType", part("scanType")),
            ("scanName", part("scanName")),
            ("isActive", part("isActive")),
            ("scanAuthenticationParams", part("scanAuthenticationParams")),
            ("target", part("target")),
            ("scannerAgent", scanner),
            ("orgId", call.house.identity.tenant_id.as_str().into()),
            ("latestScan", latest),
            ("intervalInHours", part("intervalInHours")),
            ("createdBy", self.by.as_str().into()),
            ("targetType", part("targetType")),
            ("isTroubleshootMode", false.into()),
            ("advancedActiveConfiguration", Value::Null),
        ])
    }
}

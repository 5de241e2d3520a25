//! Device groups, and where events are streamed to.

use crate::json::{Object, Value};
use crate::ops;

use super::clock;
use super::failure::Failure;
use super::lists;
use super::router::Call;
use super::seed::Tenant;
use super::store::Store;
use super::wire::Reply;

/// The objects, as the service shows them.
pub(super) struct Settings {
    groups: Vec<Object>,
    streams: Vec<Object>,
}

/// An object of that type in which everything is null.
fn blank(ty: &str) -> Object {
    let properties = ops::types::ENTITIES.iter().find(|e| e.name == ty).map_or(&[][..], |e| e.properties);
    properties
        .iter()
        .map(|p| (p.name.to_owned(), if p.ty.starts_with("Collection") { Value::Array(Vec::new()) } else { Value::Null }))
        .collect()
}

fn group(id: i64, priority: i64, said: Object, now: i64) -> Object {
    let mut out = blank("DeviceGroup");
    for (key, value) in [
        ("automationLevel", "SemiRequireApprovalForCoreFolders".into()),
        ("isUnassignedDeviceGroup", false.into()),
        ("priority", priority.into()),
        ("deviceCount", 0i64.into()),
    ] {
        out.insert(key.into(), value);
    }
    out.extend(said);
    out.insert("id".into(), id.into());
    out.insert("lastUpdateTime".into(), clock::iso(now).into());
    out
}

fn id_of(group: &Object) -> i64 {
    group.get("id").and_then(Value::as_i64).unwrap_or_default()
}

impl Settings {
    pub(super) fn seeded(tenant: &Tenant) -> Settings {
        let mut groups: Vec<(i64, &str)> = tenant.machines.iter().map(|m| (m.group_id, m.group)).collect();
        groups.sort_unstable();
        groups.dedup();
        let named = |(at, (id, name)): (usize, &(i64, &str))| {
            let said = [("deviceGroupName".to_owned(), Value::from(*name))].into_iter().collect();
            group(*id, at as i64 + 1, said, tenant.now)
        };
        Settings { groups: groups.iter().enumerate().map(named).collect(), streams: Vec::new() }
    }
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    let mut store = call.house.store();
    match call.op.id {
        "device_groups.list" => {
            let items = store.settings.groups.iter().map(|g| counted(&store, g)).collect();
            drop(store);
            lists::page(call, "DeviceGroups", items)
        }
        "device_groups.get" => {
            let found = store.settings.groups.iter().find(|g| id_of(g).to_string() == call.id());
            let group = found.ok_or_else(|| Failure::not_found(call.op.service, "DeviceGroup", call.id()))?;
            Ok(call.one(200, "DeviceGroups", counted(&store, group)))
        }
        "device_groups.add" => add(call, &mut store.settings),
        "device_groups.delete" => delete(call, &mut store.settings),
        "device_groups.replace" => replace(call, &mut store.settings),
        "data_exports.list" => {
            let items = store.settings.streams.iter().cloned().map(Value::Object).collect();
            drop(store);
            lists::page(call, "DataExportSettings", items)
        }
        "data_exports.create" => create(call, &mut store.settings),
        _ => stream(call, &mut store.settings),
    }
}

/// A group with the number of its machines.
fn counted(store: &Store, group: &Object) -> Value {
    let count = store.tenant.machines.iter().filter(|m| m.group_id == id_of(group)).count() as i64;
    let mut group = group.clone();
    group.insert("deviceCount".into(), count.into());
    Value::Object(group)
}

fn given(call: &Call<'_>) -> Result<Vec<Object>, Failure> {
    let given = call.objects("deviceGroups");
    let nameless = |g: &&Object| g.get("deviceGroupName").and_then(Value::as_str).is_none_or(str::is_empty);
    match given.iter().find(nameless) {
        Some(_) => Err(Failure::new(400, "MissingRequiredParameter", "Parameter deviceGroupName is missing")),
        None => Ok(given),
    }
}

fn add(call: &Call<'_>, settings: &mut Settings) -> Result<Reply, Failure> {
    let given = given(call)?;
    let name = |g: &Object| g.get("deviceGroupName").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(twice) = given.iter().find(|g| settings.groups.iter().any(|old| name(old).eq_ignore_ascii_case(&name(g)))) {
        return Err(Failure::new(400, "BadRequest", format!("There is a device group '{}' already", name(twice))));
    }
    for said in given {
        let next = settings.groups.iter().map(id_of).max().unwrap_or(100) + 1;
        let priority = settings.groups.len() as i64 + 1;
        settings.groups.push(group(next, priority, said, call.now()));
    }
    Ok(Reply::empty(200))
}

/// All or nothing.
fn delete(call: &Call<'_>, settings: &mut Settings) -> Result<Reply, Failure> {
    let ids: Vec<i64> = call.body.get("ids").and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_i64).collect();
    if let Some(bad) = ids.iter().find(|id| !settings.groups.iter().any(|g| id_of(g) == **id)) {
        return Err(Failure::not_found(call.op.service, "DeviceGroup", &bad.to_string()));
    }
    settings.groups.retain(|g| !ids.contains(&id_of(g)));
    Ok(Reply::empty(200))
}

/// The counts must fit what is there: they guard against a list that was cut by mistake.
fn replace(call: &Call<'_>, settings: &mut Settings) -> Result<Reply, Failure> {
    let given = given(call)?;
    let known = |g: &Object| settings.groups.iter().any(|old| id_of(old) == id_of(g));
    let additions = given.iter().filter(|g| !known(g)).count() as i64;
    let deletions = settings.groups.iter().filter(|old| !given.iter().any(|g| id_of(g) == id_of(old))).count() as i64;
    for (wire, fact) in [("additionsCount", additions), ("deletionsCount", deletions)] {
        let said = call.body.get(wire).and_then(Value::as_i64).unwrap_or_default();
        if said != fact {
            return Err(Failure::new(400, "InvalidInput", format!("Invalid input: {wire} is {said}, but it would be {fact}.")));
        }
    }
    let mut next = settings.groups.iter().map(id_of).max().unwrap_or(100);
    let mut out = Vec::new();
    for (at, said) in given.into_iter().enumerate() {
        let id = if known(&said) {
            id_of(&said)
        } else {
            next += 1;
            next
        };
        out.push(group(id, at as i64 + 1, said, call.now()));
    }
    settings.groups = out;
    Ok(Reply::empty(200))
}

fn create(call: &Call<'_>, settings: &mut Settings) -> Result<Reply, Failure> {
    let id = call.text("id").unwrap_or_default();
    if settings.streams.iter().any(|s| s.get("id").and_then(Value::as_str) == Some(id)) {
        return Err(Failure::new(400, "BadRequest", format!("There is a data export '{id}' already")));
    }
    let places = ["eventHubProperties", "storageAccountProperties", "workspaceProperties"];
    if places.iter().all(|p| call.body.get(*p).is_none_or(Value::is_null)) {
        return Err(Failure::new(400, "MissingRequiredParameter", format!("One of {} is missing", places.join(", "))));
    }
    let mut out = blank("DataExportSettings");
    out.extend(call.body.clone());
    out.insert("designatedTenantId".into(), call.house.identity.tenant_id.as_str().into());
    settings.streams.push(out.clone());
    Ok(call.one(200, "DataExportSettings", Value::Object(out)))
}

/// Shows one or takes it away.
fn stream(call: &Call<'_>, settings: &mut Settings) -> Result<Reply, Failure> {
    let at = settings.streams.iter().position(|s| s.get("id").and_then(Value::as_str) == Some(call.id()));
    let at = at.ok_or_else(|| Failure::not_found(call.op.service, "DataExportSettings", call.id()))?;
    if call.op.id == "data_exports.delete" {
        settings.streams.remove(at);
        return Ok(Reply::empty(204));
    }
    let found = settings.streams.get(at).cloned().unwrap_or_default();
    Ok(call.one(200, "DataExportSettings", Value::Object(found)))
}

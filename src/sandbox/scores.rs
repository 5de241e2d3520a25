//! Exposure and secure score, and the health of the antivirus.

use super::clock::{self, SECOND};
use super::exports;
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::tvm::{advice, inventory};
use super::wire::Reply;
use crate::json::{Object, Value, object};

/// As many rows of antivirus health as are made at most, however large the exports are.
const HEALTH_MAX: u64 = 25_000;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "scores.exposure" => {
            let score = advice::exposure(call.house.store().tenant.machines.iter());
            Ok(call.one(200, "ExposureScore", object([("time", time(call)), ("score", score.into())])))
        }
        "scores.exposure_by_group" => by_group(call),
        "scores.secure" => {
            let score = advice::secure(&call.house.store().tenant.machines);
            Ok(call.one(200, "ConfigurationScore", object([("time", time(call)), ("score", score.into())])))
        }
        "av_health.list" => health(call),
        "av_health.export_files" => exports::handle(call),
        _ => not_yet(call),
    }
}

/// Scores are worked out every hour.
fn time(call: &Call<'_>) -> Value {
    let now = call.now();
    clock::iso(now - now.rem_euclid(3600 * SECOND)).into()
}

fn by_group(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        let mut groups: Vec<(i64, &str)> = store.tenant.machines.iter().map(|m| (m.group_id, m.group)).collect();
        groups.sort_unstable();
        groups.dedup();
        let one = |(id, name): (i64, &str)| {
            let score = advice::exposure(store.tenant.machines.iter().filter(|m| m.group_id == id));
            object([("time", time(call)), ("score", score.into()), ("rbacGroupName", name.into()), ("rbacGroupId", id.into())])
        };
        groups.into_iter().map(one).collect()
    };
    lists::page(call, "ExposureScore", items)
}

/// The health of all machines, repeated as often as the exports' rows are.
fn health(call: &Call<'_>) -> Result<Reply, Failure> {
    let now = call.now();
    let rows: Vec<Value> = call.house.store().tenant.machines.iter().map(|m| inventory::antivirus(m, now)).collect();
    let wanted = call.house.options.export_rows.map_or(rows.len(), |n| usize::try_from(n.min(HEALTH_MAX)).unwrap_or_default());
    let width = rows.len().max(1);
    let items = (0..wanted).filter_map(|at| Some(repeated(rows.get(at % width)?.clone(), at / width))).collect();
    lists::page(call, "DeviceAvInfo", items)
}

fn repeated(row: Value, round: usize) -> Value {
    let Value::Object(mut members) = row else { return row };
    let rename = |members: &mut Object, key: &str| {
        if let Some(id) = members.get(key).and_then(Value::as_str) {
            let id = format!("{round:08x}{}", id.get(8..).unwrap_or_default());
            members.insert(key.to_owned(), id.into());
        }
    };
    if round > 0 {
        rename(&mut members, "id");
        rename(&mut members, "machineId");
    }
    Value::Object(members)
}

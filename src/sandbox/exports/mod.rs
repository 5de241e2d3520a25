//! Exports of vulnerability management: as pages, and as files behind links.
//!
//! A page's link carries the place where it goes on and the page's size, under a name in lower case; with `$top` there is none. The files
//! lie in the storage, in a folder of their snapshot, by device group.

mod rows;
mod source;

use std::sync::Arc;

use super::clock::{self, DAY};
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::storage::{self, Blob};
use super::tvm::inventory::PERMISSIONS;
use super::wire::{Reply, guid_for};
use super::{House, jwt};
use crate::json::{self, Value, object};
use crate::ops::model::{Kind, Returns};
use rows::Subject;
use source::Source;

const PAGE: usize = 50_000;
const PAGE_MAX: usize = 200_000;
const CHANGES_MAX: i64 = 14 * DAY;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "exports.software_inventory" => pages(call, Subject::Software),
        "exports.software_inventory_files" => files(call, Subject::Software),
        "exports.vulnerabilities" => pages(call, Subject::Vulnerabilities),
        "exports.vulnerabilities_files" => files(call, Subject::Vulnerabilities),
        "exports.vulnerability_changes" => changes(call),
        "exports.secure_configurations" => pages(call, Subject::Configurations),
        "exports.secure_configurations_files" => files(call, Subject::Configurations),
        "exports.non_cpe_software" => pages(call, Subject::UnknownSoftware),
        "exports.non_cpe_software_files" => files(call, Subject::UnknownSoftware),
        "exports.browser_extensions" => pages(call, Subject::Extensions),
        "exports.browser_extensions_files" => files(call, Subject::Extensions),
        "exports.browser_permissions" => permissions(call),
        "exports.certificates" => pages(call, Subject::Certificates),
        "exports.certificates_files" => files(call, Subject::Certificates),
        "exports.firmware" => pages(call, Subject::Firmware),
        "exports.firmware_files" => files(call, Subject::Firmware),
        "exports.baselines" => pages(call, Subject::Baselines),
        "exports.baselines_files" => files(call, Subject::Baselines),
        "exports.information_gathering_files" | "av_health.export_files" => files(call, Subject::Gathered),
        _ => not_yet(call),
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(400, "InvalidInput", message)
}

/// Where a walk stands: the snapshot, and the next row.
fn token(snapshot: i64, next: u64) -> String {
    let place = object([("Snapshot", snapshot.into()), ("ExportNextLine", i64::try_from(next).unwrap_or(i64::MAX).into())]);
    jwt::encode(object([("ExportDefinition", place)]).to_string().as_bytes())
}

fn untoken(token: &str) -> Option<(i64, u64)> {
    let place = json::parse(&jwt::decode(token)?).ok()?.get("ExportDefinition")?.clone();
    let number = |name: &str| place.get(name).and_then(Value::as_i64);
    Some((number("Snapshot")?, u64::try_from(number("ExportNextLine")?).ok()?))
}

fn place(call: &Call<'_>) -> Result<Option<(i64, u64)>, Failure> {
    let given = call.options.skiptoken.as_deref();
    given.map(|t| untoken(t).ok_or_else(|| Failure::new(400, "BadRequest", "Invalid skip token."))).transpose()
}

fn pages(call: &Call<'_>, subject: Subject) -> Result<Reply, Failure> {
    let (snapshot, first) = place(call)?.unwrap_or_else(|| (source::newest(call.house), 0));
    page(call, &Source::new(call.house, subject, snapshot), first)
}

fn page(call: &Call<'_>, source: &Source, first: u64) -> Result<Reply, Failure> {
    let options = &call.options;
    for (name, used) in [("$select", !options.select.is_empty()), ("$orderby", !options.orderby.is_empty()), ("$count", options.count)] {
        if used {
            return Err(Failure::layer(format!("The query parameter '{name}' is not supported.")));
        }
    }
    let asked = match call.query("pageSize") {
        None => None,
        Some(text) => match text.trim().parse::<usize>() {
            Ok(size @ 1..=PAGE_MAX) => Some(size),
            _ => return Err(invalid(format!("Invalid input: pageSize must be from 1 to {PAGE_MAX}; it is '{text}'."))),
        },
    };
    if let Some(top) = options.top.filter(|top| *top > PAGE_MAX) {
        return Err(lists::too_many("Top", PAGE_MAX, top));
    }
    let usual = call.house.options.page_size.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let size = options.top.map_or(asked.unwrap_or(usual), |top| top.min(asked.unwrap_or(top)));
    let end = source.len().min(first.saturating_add(size as u64));

    let Returns::Many(entity) = call.op.returns else { return not_yet(call) };
    let context = format!("{}/api/$metadata#Collection(microsoft.windowsDefenderATP.api.{entity})", call.origin());
    let mut body = format!("{{\"@odata.context\":{},\"value\":[", Value::from(context));
    for number in first..end {
        if number > first {
            body.push(',');
        }
        source.write(number, &mut body);
    }
    body.push(']');
    if end < source.len() && options.top.is_none() {
        let mut query = format!("pagesize={size}");
        if let Some(since) = call.query("sinceTime") {
            query.push_str(&format!("&sinceTime={}", lists::encode(&since)));
        }
        let link = format!("{}{}?{query}&$skiptoken={}", call.origin(), call.request.path, token(source.snapshot, end));
        body.push_str(&format!(",\"@odata.nextLink\":{}", Value::from(link)));
    }
    body.push('}');
    Ok(Reply::empty(200).header("Content-Type", "application/json; charset=utf-8").with_body(body))
}

fn changes(call: &Call<'_>) -> Result<Reply, Failure> {
    let given = call.query("sinceTime").filter(|s| !s.is_empty());
    let given = given.ok_or_else(|| Failure::new(400, "MissingRequiredParameter", "Parameter sinceTime is missing"))?;
    let since = clock::parse(&given).ok_or_else(|| invalid(format!("Invalid input: sinceTime '{given}' is no time.")))?;
    if call.now() - since > CHANGES_MAX {
        return Err(Failure::new(400, "BadRequest", "sinceTime must be within the last 14 days."));
    }
    let first = place(call)?.map_or(0, |(_, next)| next);
    let rows = rows::changes(&call.house.pristine.machines, call.house.clock.start(), since);
    page(call, &Source::of(&rows), first)
}

/// How long the links of this call shall be good, in seconds.
fn lifetime(call: &Call<'_>) -> Result<i64, Failure> {
    let declared = call.op.params.iter().find(|p| p.wire == "sasValidHours").map(|p| p.kind);
    let most = if let Some(Kind::Range(_, most)) = declared { most } else { 1 };
    let hours = match call.query("sasValidHours").filter(|_| declared.is_some()) {
        // The pages that allow a day say three hours, the others one.
        None => return Ok(if most > 6 { 3 * 3600 } else { 3600 }),
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|hours| (1..=most).contains(hours))
            .ok_or_else(|| invalid(format!("Invalid input: sasValidHours must be from 1 to {most}; it is '{text}'.")))?,
    };
    Ok(hours * 3600)
}

fn files(call: &Call<'_>, subject: Subject) -> Result<Reply, Failure> {
    let seconds = lifetime(call)?;
    let source = Arc::new(Source::new(call.house, subject, source::newest(call.house)));
    let mut links: Vec<Value> = Vec::new();
    for group in source.groups() {
        for part in 0..source.parts(group) {
            links.push(file(call.house, subject, &source, group, part, seconds).into());
        }
    }
    let context = format!("{}/api/$metadata#microsoft.windowsDefenderATP.api.ExportFilesResponse", call.origin());
    Ok(Reply::json(
        200,
        &object([
            ("@odata.context", context.into()),
            ("exportFiles", Value::Array(links)),
            ("generatedTime", clock::iso(source.generated).into()),
        ]),
    ))
}

/// A link to one of the files.
fn file(house: &House, subject: Subject, source: &Arc<Source>, group: i64, part: u64, seconds: i64) -> String {
    let (folder, kind, tenant) = (source.folder(), subject.folder(), &house.identity.tenant_id);
    let name = guid_for(&format!("{kind} {folder} {group} {part}"));
    let path = format!("tvmexport/{folder}/{kind}/json/OrgId={tenant}/_RbacGroupId={group}/part-{part:05}-{name}.c000.json.gz");
    let source = Arc::clone(source);
    storage::put(house, &path, Blob::made(move || source.file(group, part)));
    storage::link(house, &path, seconds)
}

/// What the permissions of browser extensions mean: a list in a list, as the service's own example has it.
fn permissions(call: &Call<'_>) -> Result<Reply, Failure> {
    let one = |(id, description, _): &(&str, &str, &str)| {
        object([("key", (*id).into()), ("permissionName", (*id).into()), ("description", (*description).into())])
    };
    lists::nested_page(call, "BrowserPermission", PERMISSIONS.iter().map(one).collect())
}

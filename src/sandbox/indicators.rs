//! Indicators.
//!
//! An indicator belongs to the application that made it, and an application with `Ti.ReadWrite` alone sees no other's. One that has expired
//! is gone. A batch of new ones succeeds even where all of its items fail: each says so for itself.

use indexmap::IndexMap;

use crate::json::{Object, Value, object};

use super::access::Caller;
use super::clock::{self, DAY};
use super::failure::Failure;
use super::indicator::{self, Draft};
use super::lists;
use super::router::Call;
use super::seed::Tenant;
use super::wire::{Reply, guid_for};

/// The most active indicators of a tenant.
const MOST: usize = 15_000;

/// One indicator, as the service shows it.
struct Indicator {
    id: i64,
    /// The application that made it.
    owner: String,
    expires: Option<i64>,
    shown: Object,
}

/// All of them by type and value, the oldest first.
pub(super) struct Indicators {
    all: IndexMap<String, Indicator>,
    next: i64,
}

/// What there is only one indicator of.
fn key(members: &Object) -> String {
    let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    format!("{} {}", text("indicatorType"), text("indicatorValue"))
}

impl Indicators {
    /// A few of another application.
    pub(super) fn seeded(tenant: &Tenant) -> Indicators {
        let owner = guid_for("threat intelligence platform");
        let mut out = Indicators { all: IndexMap::new(), next: 990 };
        if tenant.bare {
            return out;
        }
        let hash = "3395856ce81f2b7382dee72602f798b642f14140";
        for (kind, value, action, days) in [
            ("FileSha1", hash, "BlockAndRemediate", 40),
            ("DomainName", "updates-cdn.example", "Block", 12),
            ("IpAddress", "203.0.113.77", "Audit", 3),
        ] {
            let made = tenant.now - days * DAY;
            let mut draft = Object::new();
            for (key, text) in [
                ("indicatorValue", value),
                ("indicatorType", kind),
                ("action", action),
                ("title", "Known from the threat feed"),
                ("description", "Imported by the threat intelligence platform."),
                ("severity", "High"),
                ("application", "Threat feed"),
            ] {
                draft.insert(key.into(), text.into());
            }
            draft.insert("generateAlert".into(), (action == "Audit").into());
            let expires = made + 180 * DAY;
            draft.insert("expirationTime".into(), clock::iso(expires).into());
            out.put(Draft { members: draft, expires: Some(Some(expires)) }, (&owner, "Threat intelligence platform"), made);
        }
        out
    }

    /// Lets go of what has expired.
    fn settle(&mut self, now: i64) {
        self.all.retain(|_, i| i.expires.is_none_or(|at| at > now));
    }

    /// Makes an indicator or updates the one with the same value and type; answers its number.
    fn put(&mut self, draft: Draft, (owner, name): (&str, &str), now: i64) -> i64 {
        let key = key(&draft.members);
        if let Some(old) = self.all.get_mut(&key) {
            old.change(draft, name, now);
            return old.id;
        }
        self.next += 1;
        let mut new =
            Indicator { id: self.next, owner: owner.to_owned(), expires: None, shown: indicator::blank(self.next, owner, name, now) };
        if let Some(application) = draft.members.get("application") {
            new.shown.insert("application".into(), application.clone());
        }
        new.change(draft, name, now);
        self.all.insert(key, new);
        self.next
    }

    fn sees(caller: &Caller, indicator: &Indicator) -> bool {
        caller.user.is_some() || caller.may("Ti.ReadWrite.All") || indicator.owner == caller.app
    }

    fn seen_mut(&mut self, caller: &Caller, id: &str) -> Option<&mut Indicator> {
        let id: i64 = id.parse().ok()?;
        self.all.values_mut().find(|i| i.id == id && Self::sees(caller, i))
    }
}

impl Indicator {
    /// What is said changes; the application it is from is said once and for all.
    fn change(&mut self, draft: Draft, by: &str, now: i64) {
        if let Some(expires) = draft.expires {
            self.expires = expires;
        }
        for (key, value) in draft.members {
            if key != "application" && key != "id" {
                self.shown.insert(key, value);
            }
        }
        self.shown.insert("lastUpdateTime".into(), clock::iso(now).into());
        self.shown.insert("lastUpdatedBy".into(), by.into());
    }

    fn endpoint(&self) -> Value {
        Value::Object(self.shown.clone())
    }
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    call.house.store().indicators.settle(call.now());
    match call.op.id {
        "indicators.list" => {
            let items = {
                let store = call.house.store();
                store.indicators.all.values().filter(|i| Indicators::sees(&call.caller, i)).map(Indicator::endpoint).collect()
            };
            lists::page(call, "Indicators", items)
        }
        "indicators.get" => {
            let mut store = call.house.store();
            let found = store.indicators.seen_mut(&call.caller, call.id()).ok_or_else(|| unknown(call, call.id()))?;
            Ok(call.one(200, "Indicators", found.endpoint()))
        }
        "indicators.upsert" => upsert(call),
        "indicators.import_batch" => import(call),
        "indicators.update_batch" => update(call),
        "indicators.delete" => delete(call, vec![call.id().to_owned()]),
        _ => delete(call, call.texts("IndicatorIds").unwrap_or_default()),
    }
}

fn unknown(call: &Call<'_>, id: &str) -> Failure {
    Failure::not_found(call.op.service, "Indicator", id)
}

/// Who makes an indicator: the id, and the name for people.
fn maker<'c>(call: &'c Call<'_>) -> (&'c str, &'c str) {
    (&call.caller.app, call.caller.name())
}

/// Puts one in, unless it is wrong, somebody else's, or one too many.
fn put(call: &Call<'_>, members: Object) -> Result<i64, String> {
    let draft = indicator::draft(members, true, call.now())?;
    let mut store = call.house.store();
    let indicators = &mut store.indicators;
    let full = indicators.all.len() >= MOST;
    match indicators.all.get(&key(&draft.members)) {
        Some(old) if !Indicators::sees(&call.caller, old) => Err("An indicator of another application has this value".into()),
        None if full => Err(format!("The number of active indicators exceeds the limit of {MOST}")),
        _ => Ok(indicators.put(draft, maker(call), call.now())),
    }
}

fn upsert(call: &Call<'_>) -> Result<Reply, Failure> {
    let id = put(call, call.body.clone()).map_err(|why| Failure::new(400, "InvalidInput", format!("Invalid input: {why}.")))?;
    let mut store = call.house.store();
    let id = id.to_string();
    let found = store.indicators.seen_mut(&call.caller, &id).ok_or_else(|| unknown(call, &id))?;
    Ok(call.one(200, "Indicators", found.endpoint()))
}

fn import(call: &Call<'_>) -> Result<Reply, Failure> {
    let given = call.objects("Indicators");
    if given.is_empty() {
        return Err(Failure::new(400, "InvalidInput", "Invalid input: Indicators is empty."));
    }
    let result = |members: Object| {
        let value = members.get("indicatorValue").cloned().unwrap_or_default();
        let (id, reason) = match put(call, members) {
            Ok(id) => (id.to_string().into(), Value::Null),
            Err(why) => (Value::Null, why.into()),
        };
        object([("id", id), ("indicator", value), ("isFailed", (!reason.is_null()).into()), ("failureReason", reason)])
    };
    let items = given.into_iter().map(result).collect();
    lists::page(call, "Collection(microsoft.windowsDefenderATP.api.ImportIndicatorResult)", items)
}

/// All or nothing.
fn update(call: &Call<'_>) -> Result<Reply, Failure> {
    let mut drafts = Vec::new();
    for members in call.objects("Indicators") {
        let id = members.get("id").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default();
        let draft = indicator::draft(members, false, call.now());
        drafts.push((id, draft.map_err(|why| Failure::new(400, "InvalidInput", format!("Invalid input: {why}.")))?));
    }
    let items = {
        let mut store = call.house.store();
        for (id, draft) in &drafts {
            let old = store.indicators.seen_mut(&call.caller, id).ok_or_else(|| unknown(call, id))?;
            let changes = |name: &str| draft.members.get(name).is_some_and(|new| old.shown.get(name) != Some(new));
            if changes("indicatorValue") || changes("indicatorType") {
                return Err(Failure::new(
                    400,
                    "InvalidInput",
                    format!("Invalid input: the value and type of indicator {id} cannot change."),
                ));
            }
        }
        let mut items = Vec::new();
        for (id, draft) in drafts {
            if let Some(indicator) = store.indicators.seen_mut(&call.caller, &id) {
                indicator.change(draft, call.caller.name(), call.now());
                items.push(indicator.endpoint());
            }
        }
        items
    };
    lists::page(call, "Indicators", items)
}

/// All or nothing.
fn delete(call: &Call<'_>, ids: Vec<String>) -> Result<Reply, Failure> {
    if ids.is_empty() {
        return Err(Failure::new(400, "InvalidInput", "Invalid input: IndicatorIds is empty."));
    }
    if let Some(bad) = ids.iter().find(|id| id.parse::<i64>().is_err()) {
        return Err(Failure::new(400, "InvalidInput", format!("Invalid input: '{bad}' is no indicator id.")));
    }
    let mut store = call.house.store();
    for id in &ids {
        store.indicators.seen_mut(&call.caller, id).ok_or_else(|| unknown(call, id))?;
    }
    store.indicators.all.retain(|_, i| !ids.contains(&i.id.to_string()));
    Ok(Reply::empty(204))
}

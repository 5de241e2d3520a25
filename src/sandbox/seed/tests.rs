//! The tenant hangs together.

use super::random::{DAY, SECOND};
use super::schema::shapes;
use super::*;
use crate::json;
use crate::kql::Catalog;
use crate::kql::value::{Cells, Table, Type, Value};
use crate::ops::{HUNTING_SCHEMA, types};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// 2025-11-30T05:24:31.1234567Z, a Sunday.
const NOW: i64 = 639_000_770_711_234_567;

fn sample() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| tenant(NOW, 0))
}

fn table(name: &str) -> Arc<Table> {
    sample().tables.table(name).unwrap()
}

fn cells<'t>(table: &'t Table, name: &str) -> &'t [Value] {
    match &table.columns.iter().find(|c| *c.name == *name).unwrap_or_else(|| panic!("no column {name}")).cells {
        Cells::Plain(cells) => cells,
        other => other.iter().map(Cow::into_owned).collect::<Vec<_>>().leak(),
    }
}

fn texts<'t>(table: &'t Table, name: &str) -> Vec<&'t str> {
    let text = |v: &'t Value| match v {
        Value::String(s) => s.as_ref(),
        other => panic!("{name}: {other:?}"),
    };
    cells(table, name).iter().map(text).collect()
}

fn every_table(tenant: &Tenant) -> Vec<(String, Arc<Table>)> {
    tenant.tables.table_names().into_iter().map(|n| (n.clone(), tenant.tables.table(&n).unwrap())).collect()
}

#[test]
fn every_table_of_the_schema_is_there_with_its_columns_in_order() {
    let schema = json::parse(HUNTING_SCHEMA.as_bytes()).unwrap();
    let declared = schema.get("tables").unwrap().as_object().unwrap();
    assert_eq!(sample().tables.table_names(), declared.keys().cloned().collect::<Vec<_>>());
    assert_eq!(declared.len(), 66);
    for (name, columns) in declared {
        let given: Vec<(String, String)> =
            table(name).columns.iter().map(|c| (c.name.to_string(), format!("{:?}", c.ty).to_lowercase())).collect();
        let wanted: Vec<(String, String)> =
            columns.as_object().unwrap().iter().map(|(n, t)| (n.clone(), t.as_str().unwrap().to_owned())).collect();
        assert_eq!(given, wanted, "{name}");
    }
}

#[test]
fn every_cell_is_of_its_columns_type() {
    for (name, table) in every_table(sample()) {
        for column in &table.columns {
            assert_eq!(column.cells.len(), table.rows, "{name}.{}", column.name);
            for cell in column.cells.iter() {
                let fits = matches!(
                    (column.ty, cell.as_ref()),
                    (Type::String | Type::Guid, Value::String(_))
                        | (Type::Bool, Value::Bool(_))
                        | (Type::Int, Value::Int(_))
                        | (Type::Long, Value::Long(_))
                        | (Type::Real, Value::Real(_))
                        | (Type::DateTime, Value::DateTime(_))
                        | (Type::Dynamic, Value::Dynamic(_))
                ) || column.ty != Type::String && *cell == Value::Null;
                assert!(fits, "{name}.{} is {:?} and holds {cell:?}", column.name, column.ty);
            }
        }
    }
}

#[test]
fn there_are_rows_enough() {
    let filled: Vec<(String, usize)> = every_table(sample()).into_iter().map(|(n, t)| (n, t.rows)).filter(|(_, rows)| *rows > 0).collect();
    println!("{filled:#?}");
    assert!(filled.iter().map(|(_, rows)| rows).sum::<usize>() >= 20_000);
    assert!(filled.len() >= 22, "{}", filled.len());
    for name in ["DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents", "DeviceLogonEvents", "EmailEvents", "DeviceEvents"] {
        assert!(filled.iter().any(|(n, rows)| n == name && *rows >= 1000), "{name}");
    }
    let processes = table("DeviceProcessEvents");
    assert!(texts(&processes, "FileName").iter().filter(|f| **f == "powershell.exe").count() >= 300);
}

#[test]
fn everything_happened_in_the_last_thirty_days_and_in_order() {
    for now in [NOW, NOW + 13 * 3600 * SECOND, NOW + 3 * DAY, NOW + 4 * DAY - SECOND, NOW - NOW % DAY, NOW - NOW % DAY - 1] {
        let tenant = tenant(now, 3);
        for (name, table) in every_table(&tenant) {
            for column in table.columns.iter().filter(|c| matches!(c.name.as_ref(), "Timestamp" | "TimeGenerated")) {
                let times: Vec<i64> = column.cells.iter().map(|c| if let Value::DateTime(t) = *c { t } else { panic!() }).collect();
                assert!(times.iter().all(|t| *t < now && *t >= now - 30 * DAY), "{name} at {now}");
                if name != "AlertEvidence" {
                    assert!(times.is_sorted(), "{name}");
                }
            }
        }
        for alert in &tenant.alerts {
            assert!(alert.first_event <= alert.last_event && alert.last_event < alert.created, "{}", alert.title);
            assert!(alert.created <= alert.last_update && alert.last_update < now, "{}", alert.title);
        }
        for incident in &tenant.incidents {
            assert!(incident.created <= incident.last_update && incident.last_update < now, "{}", incident.name);
        }
        // The intrusion is never older than five days, and whole whatever the day of the week.
        let intrusion = tenant.incidents.iter().find(|i| i.name.starts_with("Multi-stage")).unwrap();
        let first = tenant.alerts.iter().filter(|a| a.incident_id == intrusion.id).map(|a| a.first_event).min().unwrap();
        assert!(first > now - 5 * DAY);
        assert_eq!(intrusion.alerts.len(), 27);
    }
}

#[test]
fn alerts_and_incidents_and_evidence_know_each_other() {
    let tenant = sample();
    let ids: HashSet<&str> = tenant.alerts.iter().map(|a| a.id.as_ref()).collect();
    assert_eq!(ids.len(), tenant.alerts.len());
    let info = table("AlertInfo");
    assert_eq!(texts(&info, "AlertId"), tenant.alerts.iter().map(|a| a.id.as_ref()).collect::<Vec<_>>());
    let evidence = table("AlertEvidence");
    let named: HashSet<&str> = texts(&evidence, "AlertId").into_iter().collect();
    assert_eq!(named, ids, "every alert has evidence, and evidence has an alert");
    let numbers: HashSet<i64> = tenant.incidents.iter().map(|i| i.id).collect();
    assert!(tenant.alerts.iter().all(|a| numbers.contains(&a.incident_id)));
    for incident in &tenant.incidents {
        let own: HashSet<&str> = tenant.alerts.iter().filter(|a| a.incident_id == incident.id).map(|a| a.id.as_ref()).collect();
        assert_eq!(incident.alerts.iter().map(|a| a.as_ref()).collect::<HashSet<_>>(), own);
        assert!(!own.is_empty());
        let worst = tenant.alerts.iter().filter(|a| a.incident_id == incident.id).map(|a| a.severity).max();
        assert_eq!(Some(incident.severity), worst);
    }
    assert_eq!(tenant.incidents.len(), 12);
    assert!((55..=65).contains(&tenant.alerts.len()), "{}", tenant.alerts.len());
    for status in [IncidentStatus::Active, IncidentStatus::InProgress, IncidentStatus::Resolved] {
        assert!(tenant.incidents.iter().filter(|i| i.status == status).count() >= 2, "{status:?}");
    }
    assert!(tenant.incidents.iter().filter(|i| i.status == IncidentStatus::Active).count() >= 3);
}

#[test]
fn every_device_in_every_table_is_a_machine() {
    let tenant = sample();
    let machines: HashMap<&str, &str> = tenant.machines.iter().map(|m| (m.id.as_ref(), m.name.as_ref())).collect();
    assert_eq!((tenant.machines.len(), machines.len()), (40, 40));
    let names: HashSet<&str> = machines.values().copied().collect();
    let mut seen = 0;
    for (name, table) in every_table(tenant) {
        let has = |column: &str| table.columns.iter().any(|c| *c.name == *column);
        if has("DeviceId") && table.rows > 0 {
            for (id, device) in texts(&table, "DeviceId").into_iter().zip(texts(&table, "DeviceName")) {
                let none = name == "AlertEvidence" && id.is_empty() && device.is_empty();
                assert!(none || machines.get(id) == Some(&device), "{name}: {id} {device}");
                seen += 1;
            }
        } else if has("DeviceName") && table.rows > 0 {
            assert!(texts(&table, "DeviceName").iter().all(|d| d.is_empty() || names.contains(d)), "{name}");
        }
    }
    assert!(seen > 15_000);
    for machine in &tenant.machines {
        assert!(machine.id.len() == 40 && machine.id.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(machine.users.len(), 2);
        assert!(machine.users[0] != machine.users[1]);
    }
}

/// Device, process id, and creation: what tells a process from all others.
type Key<'t> = (&'t str, i64, i64);

fn keys<'t>(table: &'t Table, prefix: &str) -> Vec<Key<'t>> {
    let devices = texts(table, "DeviceId");
    let ids = cells(table, &format!("{prefix}Id"));
    let times = cells(table, &format!("{prefix}CreationTime"));
    let key = |(device, (id, time)): (&'t str, (&Value, &Value))| match (id, time) {
        (Value::Long(id), Value::DateTime(time)) => (device, *id, *time),
        _ => (device, -1, -1),
    };
    devices.into_iter().zip(ids.iter().zip(times)).map(key).collect()
}

#[test]
fn every_process_behind_an_event_is_an_event_itself() {
    let processes = table("DeviceProcessEvents");
    let own = keys(&processes, "Process");
    let known: HashSet<Key<'_>> = own.iter().copied().collect();
    assert_eq!(known.len(), own.len(), "no two processes are alike");
    for name in [
        "DeviceProcessEvents",
        "DeviceNetworkEvents",
        "DeviceFileEvents",
        "DeviceRegistryEvents",
        "DeviceImageLoadEvents",
        "DeviceLogonEvents",
        "DeviceEvents",
    ] {
        let table = table(name);
        let files = texts(&table, "InitiatingProcessFileName");
        for (key, file) in keys(&table, "InitiatingProcess").into_iter().zip(files) {
            let root = matches!(file, "ntoskrnl.exe" | "systemd" | "launchd");
            assert!(root || known.contains(&key), "{name}: {file} {key:?}");
        }
        // Cause before effect.
        let (start, end) = (cells(&table, "InitiatingProcessCreationTime"), cells(&table, "Timestamp"));
        for (cause, effect) in start.iter().zip(end) {
            let (Value::DateTime(cause), Value::DateTime(effect)) = (cause, effect) else { panic!() };
            assert!(cause <= effect, "{name}");
        }
    }
}

#[test]
fn the_evidence_is_in_the_tables() {
    let processes = table("DeviceProcessEvents");
    let rows: HashMap<Key<'_>, &str> = keys(&processes, "Process").into_iter().zip(texts(&processes, "ProcessCommandLine")).collect();
    let files: HashSet<String> = [("DeviceFileEvents", "SHA256"), ("DeviceProcessEvents", "SHA256"), ("EmailAttachmentInfo", "SHA256")]
        .iter()
        .flat_map(|(t, c)| texts(&table(t), c).into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mails: HashSet<String> = texts(&table("EmailEvents"), "NetworkMessageId").into_iter().map(str::to_owned).collect();
    let addresses: HashSet<String> = [
        "DeviceNetworkEvents:RemoteIP",
        "IdentityLogonEvents:IPAddress",
        "DeviceLogonEvents:RemoteIP",
        "IdentityQueryEvents:IPAddress",
        "DeviceNetworkInfo:IPAddresses",
        "CloudAppEvents:IPAddress",
    ]
    .iter()
    .flat_map(|place| {
        let (t, c) = place.split_once(':').unwrap();
        texts(&table(t), c).into_iter().map(|s| s.split('"').nth(3).unwrap_or(s).to_owned()).collect::<Vec<_>>()
    })
    .collect();
    let mut checked = 0;
    for alert in &sample().alerts {
        for evidence in &alert.evidence {
            let device = alert.machines.first().map(|m| m.as_ref()).unwrap_or_default();
            match &evidence.entity {
                Entity::Process(p) => {
                    let found = alert.machines.iter().any(|m| rows.get(&(m.as_ref(), p.pid, p.created)) == Some(&p.command_line.as_ref()));
                    assert!(found, "{device} {} {}", alert.title, p.command_line);
                }
                Entity::File(f) => assert!(files.contains(f.sha256.as_ref()), "{} {}", alert.title, f.name),
                Entity::Mail(m) => assert!(mails.contains(m.network_message_id.as_ref())),
                Entity::Ip(ip) => assert!(addresses.contains(ip.as_ref()), "{} {ip}", alert.title),
                _ => continue,
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
    let (registry, evidence) = (table("DeviceRegistryEvents"), table("AlertEvidence"));
    let keys: HashSet<&str> = texts(&registry, "RegistryKey").into_iter().collect();
    let named: Vec<&str> = texts(&evidence, "RegistryKey").into_iter().filter(|k| !k.is_empty()).collect();
    assert!(!named.is_empty() && named.iter().all(|k| keys.contains(k)), "{named:?}");
}

#[test]
fn clicks_links_and_attachments_belong_to_mails() {
    let events = table("EmailEvents");
    let mails: HashSet<&str> = texts(&events, "NetworkMessageId").into_iter().collect();
    for name in ["EmailUrlInfo", "EmailAttachmentInfo", "EmailPostDeliveryEvents", "UrlClickEvents"] {
        let table = table(name);
        assert!(table.rows > 0);
        assert!(texts(&table, "NetworkMessageId").iter().all(|m| mails.contains(m)), "{name}");
    }
    let people: HashSet<&str> = sample().users.iter().map(|u| u.upn.as_ref()).collect();
    assert!(texts(&events, "RecipientEmailAddress").iter().all(|r| people.contains(r)));
}

#[test]
fn nasty_values_are_there() {
    let processes = table("DeviceProcessEvents");
    let commands = texts(&processes, "ProcessCommandLine");
    assert!(!texts(&processes, "FileName").contains(&"unknown"), "a program that the catalogue lacks");
    assert!(commands.iter().any(|c| c.contains('\n')));
    assert!(commands.iter().any(|c| c.len() > 8_000));
    assert!(commands.iter().any(|c| c.contains("최종")));
    let mails = table("EmailEvents");
    assert!(texts(&mails, "Subject").iter().any(|s| s.contains("<script>")));
    assert!(texts(&mails, "Subject").contains(&""));
    assert!(cells(&mails, "BulkComplaintLevel").contains(&Value::Null));
    let logons = table("IdentityLogonEvents");
    assert!(cells(&logons, "AdditionalFields").contains(&Value::Null));
}

#[test]
fn equal_seeds_give_equal_rows_in_any_order_of_asking() {
    let (a, b, other) = (tenant(NOW, 7), tenant(NOW, 7), tenant(NOW, 8));
    let mut names = a.tables.table_names();
    let first: HashMap<String, Arc<Table>> = names.iter().map(|n| (n.clone(), a.tables.table(n).unwrap())).collect();
    names.reverse();
    let mut different = 0;
    for name in names {
        let (one, two) = (&first[&name], b.tables.table(&name).unwrap());
        assert!(one.columns.iter().zip(&two.columns).all(|(x, y)| x.cells == y.cells), "{name}");
        let three = other.tables.table(&name).unwrap();
        different += usize::from(one.columns.iter().zip(&three.columns).any(|(x, y)| x.cells != y.cells));
    }
    assert!(different >= 22, "{different}");
    let render = |t: &Tenant| t.alerts.iter().map(|a| a.graph(&t.machines).to_string()).collect::<String>();
    assert_eq!(render(&a), render(&b));
    assert_ne!(render(&a), render(&other));
}

#[test]
fn risk_follows_from_the_open_alerts() {
    let mut tenant = tenant(NOW, 0);
    let high = |t: &Tenant| t.machines.iter().filter(|m| m.risk == Risk::High).count();
    assert!(high(&tenant) >= 2, "{}", high(&tenant));
    assert!(tenant.machines.iter().any(|m| m.risk == Risk::None));
    for alert in &mut tenant.alerts {
        alert.status = AlertStatus::Resolved;
    }
    tenant.assess();
    assert!(tenant.machines.iter().all(|m| m.risk == Risk::None));
}

/// The names of a type's properties, with those of its base.
fn properties(name: &str) -> Vec<&'static str> {
    let entity = types::ENTITIES.iter().find(|e| e.name == name).unwrap_or_else(|| panic!("no type {name}"));
    let base = entity.base.map(properties).unwrap_or_default();
    base.into_iter().chain(entity.properties.iter().map(|p| p.name)).collect()
}

fn type_of(entity: &str, property: &str) -> Option<&'static str> {
    let entity = types::ENTITIES.iter().find(|e| e.name == entity)?;
    entity.properties.iter().find(|p| p.name == property).map(|p| p.ty).or_else(|| entity.base.and_then(|b| type_of(b, property)))
}

/// Every member is declared, and every value is one of its type, all the way down.
fn conforms(name: &str, value: &json::Value) {
    let kind = value.get("@odata.type").and_then(json::Value::as_str).map(|t| {
        let short = t.rsplit('.').next().unwrap();
        format!("Graph{}{}", short[..1].to_uppercase(), &short[1..])
    });
    let name = kind.as_deref().unwrap_or(name);
    for (key, member) in value.as_object().unwrap_or_else(|| panic!("{name}: {value}")) {
        if key == "@odata.type" || member.is_null() {
            continue;
        }
        let ty = type_of(name, key).unwrap_or_else(|| panic!("{name} has no {key}"));
        let inner = ty.trim_start_matches("Collection(").trim_end_matches(')');
        if ty == inner {
            conforms_one(inner, member, key);
        } else {
            member.as_array().unwrap_or_else(|| panic!("{name}.{key}")).iter().for_each(|m| conforms_one(inner, m, key));
        }
    }
}

fn conforms_one(ty: &str, value: &json::Value, key: &str) {
    if let Some(list) = types::ENUMS.iter().find(|e| e.name == ty) {
        assert!(list.members.contains(&value.as_str().unwrap()), "{key}: {value} is no {ty}");
    } else if types::ENTITIES.iter().any(|e| e.name == ty) {
        conforms(ty, value);
    } else {
        let fits = match ty {
            "String" | "Guid" => value.as_str().is_some(),
            "DateTimeOffset" => value.as_str().is_some_and(|s| s.len() >= 20 && s.ends_with('Z')),
            "Boolean" => value.as_bool().is_some(),
            _ => value.as_f64().is_some(),
        };
        assert!(fits, "{key}: {value} is no {ty}");
    }
}

fn has_all(name: &str, value: &json::Value, but: &[&str]) {
    for property in properties(name) {
        assert!(but.contains(&property) || value.get(property).is_some(), "{name} lacks {property}");
    }
}

#[test]
fn what_is_rendered_is_what_the_services_declare() {
    let tenant = sample();
    let alerts: Vec<&Alert> = tenant.alerts.iter().collect();
    for machine in &tenant.machines {
        conforms("Machine", &machine.endpoint());
        has_all("Machine", &machine.endpoint(), &[]);
        has_all("MtpDevice", &machine.xdr(), &[]);
    }
    for alert in &tenant.alerts {
        conforms("Alert", &alert.endpoint(true));
        has_all("Alert", &alert.endpoint(false), &[]);
        for evidence in alert.endpoint(true).get("evidence").unwrap().as_array().unwrap() {
            has_all("AlertEvidence", evidence, &[]);
        }
        assert_eq!(alert.endpoint(false).get("evidence"), Some(&json::Value::Array(Vec::new())));
        has_all("MtpAlert", &alert.xdr(&tenant.machines), &[]);
        has_all("GraphAlert", &alert.graph(&tenant.machines), &[]);
        for evidence in alert.graph(&tenant.machines).get("evidence").unwrap().as_array().unwrap() {
            assert!(evidence.get("@odata.type").is_some());
        }
    }
    for incident in &tenant.incidents {
        let xdr = incident.xdr(&alerts, &tenant.machines);
        conforms("Incident", &xdr);
        has_all("Incident", &xdr, &[]);
        assert_eq!(xdr.get("alerts").unwrap().as_array().unwrap().len(), incident.alerts.len());
        let graph = incident.graph(Some(&alerts), &tenant.machines);
        conforms("GraphIncident", &graph);
        has_all("GraphIncident", &graph, &[]);
        assert!(incident.graph(None, &tenant.machines).get("alerts").is_none());
    }
}

#[test]
fn spellings_lead_back() {
    for (text, wanted) in [
        ("compromisedAccount", Determination::CompromisedAccount),
        ("CompromisedUser", Determination::CompromisedAccount),
        ("InsufficientData", Determination::NotEnoughData),
        ("notEnoughDataToValidate", Determination::NotEnoughData),
        ("Clean", Determination::NotMalicious),
    ] {
        assert_eq!(Determination::parse(text), Some(wanted), "{text}");
    }
    assert_eq!(IncidentStatus::parse("active"), Some(IncidentStatus::Active));
    assert_eq!(AlertStatus::parse("Hidden"), None);
    assert_eq!(Classification::TruePositive.camel(), "truePositive");
}

#[test]
fn the_schema_knows_every_type_of_its_columns() {
    assert_eq!(shapes().len(), 66);
    assert_eq!(shapes().iter().map(|(_, columns)| columns.len()).sum::<usize>(), 1626);
}

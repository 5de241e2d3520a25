//! Worlds: how much there is in each, and that it hangs together.

use super::super::clock;
use super::*;
use crate::kql::{self, Catalog, Value as Cell};
use crate::sandbox::seed::{self, Kind, Plan};
use std::collections::HashMap;

const NOW: i64 = 639_000_770_711_234_567;

fn ask(tenant: &seed::Tenant, query: &str) -> kql::Table {
    kql::run(query, &tenant.tables, &kql::Options { max_rows: 1_000_000, ..kql::Options::at(tenant.now) })
        .unwrap_or_else(|e| panic!("{query}: {e}"))
        .table
}

fn number(tenant: &seed::Tenant, query: &str) -> i64 {
    ask(tenant, query).columns[0].cells.get(0).and_then(|c| c.as_i64()).unwrap()
}

fn large() -> seed::Tenant {
    seed::planned(NOW, &Plan { kind: Kind::Large, machines: Some(300), ..Plan::default() })
}

#[test]
fn machines_beside_the_storys_own_change_nothing_of_it() {
    let plain = seed::tenant(NOW, 3);
    let more = seed::planned(NOW, &Plan { seed: 3, machines: Some(100), ..Plan::default() });
    assert_eq!((plain.machines.len(), more.machines.len()), (40, 100));
    let ids = |t: &seed::Tenant| t.machines.iter().take(40).map(|m| m.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&plain), ids(&more));
    let alerts = |t: &seed::Tenant| t.alerts.iter().map(|a| a.graph(&t.machines[..40]).to_string()).collect::<Vec<_>>();
    assert_eq!(alerts(&plain), alerts(&more));
    let names: std::collections::HashSet<_> = more.machines.iter().map(|m| m.name.clone()).collect();
    assert_eq!(names.len(), 100);
    // They have an everyday life.
    assert_eq!(number(&more, "DeviceProcessEvents | summarize dcount(DeviceId)"), 100);
    assert_eq!(number(&more, "DeviceInfo | summarize dcount(DeviceId)"), 100);
    let less = seed::planned(NOW, &Plan { days: 3, ..Plan::default() });
    let (many, few) = (number(&plain, "DeviceProcessEvents | count"), number(&less, "DeviceProcessEvents | count"));
    assert!(few * 4 < many, "{few} {many}");
    assert_eq!(less.alerts.len(), plain.alerts.len());
}

#[test]
fn an_empty_world_has_every_table_and_nothing_in_it() {
    let tenant = seed::planned(NOW, &Plan { kind: Kind::Empty, ..Plan::default() });
    for name in tenant.tables.table_names() {
        let table = tenant.tables.table(&name).unwrap();
        assert!(table.rows == 0 && !table.columns.is_empty(), "{name}: {}", table.rows);
    }
    assert!(tenant.machines.is_empty() && tenant.alerts.is_empty() && tenant.incidents.is_empty());
    assert_eq!(tenant.users.len(), 1);
}

#[test]
fn a_large_world_has_a_million_rows_in_order_that_hang_together() {
    let tenant = large();
    let tables = [
        "DeviceProcessEvents",
        "DeviceNetworkEvents",
        "DeviceFileEvents",
        "DeviceRegistryEvents",
        "DeviceImageLoadEvents",
        "DeviceLogonEvents",
        "DeviceEvents",
        "EmailEvents",
    ];
    let total: usize = tables.iter().map(|name| tenant.tables.table(name).unwrap().rows).sum();
    assert_eq!(total, 1_000_000);
    for name in tables {
        let lazy = tenant.tables.lazy(name).unwrap();
        let column = tenant.tables.table(name).unwrap().columns.iter().position(|c| *c.name == *"Timestamp").unwrap();
        let times: Vec<i64> = lazy.cells(column).iter().map(|c| c.as_i64().unwrap()).collect();
        assert!(times.is_sorted(), "{name}");
        assert!(times[0] >= NOW - 30 * clock::DAY && *times.last().unwrap() < NOW, "{name}");
    }
    // The needle is in the hay.
    let story = "DeviceProcessEvents | where ProcessCommandLine has_all ('vssadmin', 'delete', 'shadows') | count";
    assert_eq!(number(&tenant, story), number(&seed::tenant(NOW, 0), story));
    // Every cause is a row, and before its effect.
    let processes = ask(&tenant, "DeviceProcessEvents | project DeviceId, ProcessId, ProcessCreationTime");
    let key = |t: &kql::Table, row: usize, at: [usize; 3]| {
        let text = |c: usize| if let Some(Cell::String(s)) = t.columns[c].cells.get(row).as_deref() { s.clone() } else { panic!() };
        (text(at[0]), t.columns[at[1]].cells.get(row).and_then(|c| c.as_i64()), t.columns[at[2]].cells.get(row).and_then(|c| c.as_i64()))
    };
    let known: HashMap<_, usize> = (0..processes.rows).map(|row| (key(&processes, row, [0, 1, 2]), row)).collect();
    assert!(known.len() > 299_000, "{}", known.len());
    for name in ["DeviceProcessEvents", "DeviceNetworkEvents", "DeviceLogonEvents"] {
        let query = format!(
            "{name} | where InitiatingProcessFileName !in ('ntoskrnl.exe', 'systemd', 'launchd') \
             | project DeviceId, InitiatingProcessId, InitiatingProcessCreationTime, Timestamp"
        );
        let events = ask(&tenant, &query);
        assert!(events.rows > 30_000, "{name}");
        for row in (0..events.rows).step_by(7) {
            let cause = key(&events, row, [0, 1, 2]);
            assert!(known.contains_key(&cause), "{name} {cause:?}");
            assert!(cause.2 <= events.columns[3].cells.get(row).and_then(|c| c.as_i64()), "{name}");
        }
    }
    let machines: std::collections::HashSet<_> = tenant.machines.iter().map(|m| m.id.clone()).collect();
    let seen = ask(&tenant, "DeviceNetworkEvents | distinct DeviceId");
    assert!(seen.rows > 250);
    assert!((0..seen.rows).all(|row| matches!(seen.columns[0].cells.get(row).as_deref(), Some(Cell::String(id)) if machines.contains(id))));
}

#[test]
fn cells_of_few_rows_are_those_of_the_column() {
    let (one, two) = (large(), large());
    for (name, column) in [("DeviceNetworkEvents", 3), ("DeviceProcessEvents", 20), ("EmailEvents", 2)] {
        let (one, two) = (one.tables.lazy(name).unwrap(), two.tables.lazy(name).unwrap());
        let rows = [0, 17, 4095, 4096, 30_000];
        let few = one.few(column, &rows).unwrap();
        let all = two.cells(column);
        assert!(rows.iter().zip(&few).all(|(row, cell)| all.get(*row).as_deref() == Some(cell)), "{name}");
    }
}

#[test]
fn combinations_that_make_no_sense_are_refused() {
    for (plan, argument) in [
        (Plan { machines: Some(39), ..Plan::default() }, "machines"),
        (Plan { machines: Some(5000), ..Plan::default() }, "machines"),
        (Plan { kind: Kind::Empty, machines: Some(50), ..Plan::default() }, "machines"),
        (Plan { kind: Kind::Large, machines: Some(50), ..Plan::default() }, "machines"),
        (Plan { days: 0, ..Plan::default() }, "days"),
        (Plan { days: 31, ..Plan::default() }, "days"),
    ] {
        assert_eq!(plan.refusal().map(|r| r.0), Some(argument), "{plan:?}");
    }
    assert!(Plan { days: 1, machines: Some(40), ..Plan::default() }.refusal().is_none());
    let wrong = Options { days: 31, ..Options::default() };
    assert!(Sandbox::start(wrong).err().unwrap().to_string().starts_with("days: 31"));
}

#[test]
fn queries_look_up_what_was_registered_and_nothing_else() {
    use crate::json;
    use crate::kql::Outside;
    let sandbox = Sandbox::start(Options { now: Some(NOW), ..Options::default() }).unwrap();
    let put = |action: &str, text: &str| sandbox.inlet().apply(action, &json::parse(text.as_bytes()).unwrap());
    put("geo", r#"{"203.0.113.0/24":{"country":"Norway"},"203.0.113.7":{"country":"Chile"},"2001:db8::/32":{"country":"Peru"}}"#).unwrap();
    put("external", r#"{"https://x.example/a.csv":"1,2\n"}"#).unwrap();
    put("file_profiles", r#"[{"SHA1":"AB12","GlobalPrevalence":5}]"#).unwrap();
    let outside =
        |sandbox: &Sandbox| -> std::sync::Arc<dyn Outside> { super::super::hunting::lookup(&sandbox.house, false).outside().unwrap() };
    let beside = outside(&sandbox);
    let country = |ip: &str| beside.geo(ip).and_then(|p| p.get("country").and_then(|c| c.as_str().map(str::to_owned)));
    assert_eq!(country("203.0.113.9").as_deref(), Some("Norway"));
    assert_eq!(country("203.0.113.7").as_deref(), Some("Chile"), "the narrowest network");
    assert_eq!(country("2001:db8::1").as_deref(), Some("Peru"));
    assert_eq!(country("198.51.100.77").as_deref(), Some("Moldova"), "the story's");
    assert_eq!((country("8.8.8.8"), country("no address")), (None, None));
    assert_eq!(beside.external("https://x.example/a.csv").as_deref(), Some("1,2\n"));
    assert!(beside.external("https://x.example/b.csv").is_none());
    assert_eq!(beside.file_profile("ab12").unwrap().get("GlobalPrevalence").unwrap().as_i64(), Some(5));
    assert!(beside.file_profile("cd34").is_none());
    let tenant = seed::tenant(NOW, 0);
    let machine = tenant.machines.iter().find(|m| *m.host == *"lark-dc-01").unwrap();
    let devices = beside.devices_of(&machine.ip, machine.last_seen + 1).unwrap();
    let ids: Vec<&str> = devices.as_array().unwrap().iter().filter_map(|d| d.get("DeviceId")?.as_str()).collect();
    assert_eq!(ids, [machine.id.as_ref()]);
    sandbox.reset();
    assert!(outside(&sandbox).external("https://x.example/a.csv").is_none());
    assert!(outside(&sandbox).geo("198.51.100.77").is_some());
}

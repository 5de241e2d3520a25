//! What collections bring back from machines: zip archives with what the tables know of the machine.

use super::seed::Tables;
use super::storage::Blob;
use super::{House, ask, clock, zip};

/// The lists in an investigation package: the file, its columns, the query behind the machine's own rows.
const LISTS: &[(&str, &[&str], &str)] = &[
    (
        "Processes/Processes.csv",
        &["ProcessId", "FileName", "AccountName", "ProcessCommandLine"],
        "DeviceProcessEvents | where DeviceId == $ | top 200 by Timestamp desc",
    ),
    (
        "Network Connections/ActiveNetConnections.txt",
        &["LocalIP", "RemoteIP", "RemoteUrl", "InitiatingProcessFileName"],
        "DeviceNetworkEvents | where DeviceId == $ | top 200 by Timestamp desc",
    ),
    (
        "Security event log/Logons.csv",
        &["AccountName", "LogonType", "ActionType", "RemoteIP"],
        "DeviceLogonEvents | where DeviceId == $ | top 200 by Timestamp desc",
    ),
];

/// The archive of a machine: `package` or `logs`. It is made when it is fetched.
pub(super) fn blob(house: &House, what: &'static str, machine: &str) -> Blob {
    let store = house.store();
    let found = store.machine(machine).map(|m| (m.name.to_string(), m.os.platform, m.agent, m.last_seen));
    let (tables, now, machine) = (store.tenant.tables.clone(), house.clock.now(), machine.to_owned());
    let (name, platform, agent, seen) = found.unwrap_or_default();
    let summary = format!("Device: {name}\r\nOS: {platform}\r\nSensor: {agent}\r\nLast seen: {}\r\n", clock::iso(seen));
    let mut files = vec![("Forensics Collection Summary.txt".to_owned(), summary.into_bytes())];
    if what == "logs" {
        files.push(("SenseLogs/sense.log".to_owned(), format!("{agent} started on {name}\r\n").into_bytes()));
        return Blob::made(move || zip::archive(&files));
    }
    Blob::made(move || {
        let lists = LISTS.iter().map(|list| (list.0.to_owned(), rows(&tables, now, &machine, list).into_bytes()));
        zip::archive(&files.iter().cloned().chain(lists).collect::<Vec<_>>())
    })
}

fn rows(tables: &Tables, now: i64, machine: &str, (_, columns, query): &(&str, &[&str], &str)) -> String {
    let found = ask::ask_at(tables, now, &query.replace('$', &ask::quoted(machine)));
    let mut text = format!("{}\r\n", columns.join(","));
    for row in found.iter().flat_map(|found| found.rows()) {
        let cell = |column: &&str| {
            let value = row.number(column).map_or_else(|| row.text(column).to_string(), |n| n.to_string());
            format!("\"{}\"", value.replace('"', "\"\""))
        };
        text.push_str(&columns.iter().map(cell).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text
}

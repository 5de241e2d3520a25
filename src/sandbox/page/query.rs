//! The page's box for queries: the sandbox's own engine and tables, with nobody signed in and nobody's quota.

use std::time::Instant;

use crate::json::{self, Value, object};
use crate::kql::{self, KqlError};

use super::super::wire::{Reply, Request};
use super::super::{House, Quirks, hunting};

/// The most rows that are sent; how many there are is said.
const SHOWN: usize = 1000;

/// What there is to see, with a title.
pub(super) const SAMPLES: [(&str, &str); 6] = [
    (
        "Encoded PowerShell",
        "DeviceProcessEvents\n| where FileName =~ \"powershell.exe\" and ProcessCommandLine has \"-Enc\"\n\
         | project Timestamp, DeviceName, AccountName, InitiatingProcessFileName, ProcessCommandLine\n| sort by Timestamp asc",
    ),
    (
        "Clicks on links in mail",
        "UrlClickEvents\n| join kind=inner EmailEvents on NetworkMessageId\n\
         | project Timestamp, AccountUpn, Subject, SenderFromAddress, Url, ActionType",
    ),
    (
        "Connections out of the network",
        "DeviceNetworkEvents\n| where RemoteIPType == \"Public\"\n\
         | summarize Connections = count(), First = min(Timestamp), Last = max(Timestamp) by DeviceName, RemoteIP, RemoteUrl\n\
         | top 20 by Connections desc",
    ),
    (
        "Alerts with their evidence",
        "AlertInfo\n| join kind=inner AlertEvidence on AlertId\n\
         | summarize Devices = make_set(DeviceName), Evidence = count() by AlertId, Title, Severity\n| sort by Evidence desc",
    ),
    ("Machines", "DeviceInfo\n| summarize arg_max(Timestamp, *) by DeviceId\n| project DeviceName, OSPlatform, OSVersion, ExposureLevel"),
    ("Rows an hour", "DeviceEvents\n| summarize Rows = count() by bin(Timestamp, 1h), ActionType\n| sort by Timestamp asc"),
];

pub(super) fn answer(house: &House, request: &Request) -> Reply {
    // A form of another page could send this body under another type without being asked whether it may.
    let is_json = request.header("content-type").is_some_and(|t| t.to_ascii_lowercase().starts_with("application/json"));
    let body = json::parse(&request.body).unwrap_or_default();
    let Some(query) = body.get("query").and_then(Value::as_str).filter(|_| is_json) else {
        return super::refused(400, "say {\"query\": \"…\"} as application/json");
    };
    let started = Instant::now();
    match hunting::ask(house, query) {
        Ok(output) => Reply::json(200, &rows(&output, started)),
        Err(error) => Reply::json(400, &trouble(query, &error)),
    }
}

fn rows(output: &kql::Output, started: Instant) -> Value {
    let table = &output.table;
    let row = |at: usize| Value::Array(table.columns.iter().map(|c| c.cells.get(at).as_deref().map(cell).unwrap_or_default()).collect());
    let column = |c: &kql::Column| object([("name", (*c.name).into()), ("type", c.ty.name().into())]);
    object([
        ("columns", Value::Array(table.columns.iter().map(column).collect())),
        ("rows", Value::Array((0..table.rows.min(SHOWN)).map(row).collect())),
        ("total", (table.rows as i64).into()),
        ("truncated", output.truncated.into()),
        ("ms", (started.elapsed().as_secs_f64() * 1000.0).into()),
    ])
}

/// Every cell is a text or nothing: a script reads no whole number beyond 2^53.
fn cell(value: &kql::Value) -> Value {
    match value {
        kql::Value::Bool(b) => b.to_string().into(),
        kql::Value::Dynamic(json) => match &**json {
            Value::Null => Value::Null,
            json => json.to_string().into(),
        },
        other => match hunting::plain(other, Quirks::default()) {
            text @ (Value::Null | Value::String(_)) => text,
            number => number.to_string().into(),
        },
    }
}

/// Where it is, in the units of a script's texts.
fn trouble(query: &str, error: &KqlError) -> Value {
    let units = |at: usize| query.char_indices().take_while(|(i, _)| *i < at).map(|(_, c)| c.len_utf16() as i64).sum::<i64>();
    object([
        ("error", error.message.as_str().into()),
        ("line", (error.line as i64).into()),
        ("column", (error.column as i64).into()),
        ("start", units(error.start).into()),
        ("end", units(error.end).into()),
        ("unsupported", error.missing.clone().into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::super::{Options, Sandbox};
    use super::*;

    #[test]
    fn every_sample_finds_something() {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        for (title, query) in SAMPLES {
            let output = hunting::ask(&sandbox.house, query).unwrap_or_else(|e| panic!("{title}: {e}"));
            assert!(output.table.rows > 0, "{title}");
        }
    }

    #[test]
    fn cells_are_texts_and_troubles_have_their_place() {
        let sandbox = Sandbox::start(Options::default()).unwrap();
        let query = "print a = 9007199254740993, b = true, c = dynamic({\"k\":[1]}), d = '', e = int(null), f = 1h";
        let output = hunting::ask(&sandbox.house, query).unwrap();
        let answer = rows(&output, Instant::now());
        assert_eq!(answer.get("rows").unwrap().to_string(), r#"[["9007199254740993","true","{\"k\":[1]}","",null,"01:00:00"]]"#);
        let query = "print a = '𝄞' | where b == 1";
        let said = trouble(query, &hunting::ask(&sandbox.house, query).unwrap_err());
        let start = said.get("start").and_then(Value::as_i64).unwrap() as usize;
        assert_eq!(query.encode_utf16().nth(start), Some(u16::from(b'b')), "{said}");
    }
}

//! Rows as columns: what fits, and what becomes of the rest.

use super::*;
use crate::{json, ops};
use arrow_array::Array;

fn frame(id: &str, rows: &str) -> Frame {
    let mut frame = Frame::new(ops::by_id(id).unwrap());
    frame.extend(json::parse(rows.as_bytes()).unwrap().as_array().unwrap().to_vec());
    frame
}

fn column(frame: &Frame, name: &str, same: bool) -> Column {
    frame.columns(same).into_iter().find(|c| c.name == name).unwrap()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[test]
fn columns_have_the_declared_types_whatever_the_keys_case() {
    let f = frame(
        "exports.browser_extensions",
        r#"[{"DeviceId":"d","RbacGroupId":7,"InstallationTime":"2026-01-02T03:04:05.1234567Z","IsActivated":true,"Permissions":[{"Id":"p"}]},{}]"#,
    );
    assert_eq!(column(&f, "deviceId", false).cells, [text("d"), Cell::Null]);
    assert_eq!(column(&f, "rbacGroupId", false).cells, [Cell::Int(7), Cell::Null]);
    assert_eq!(column(&f, "isActivated", false).cells, [Cell::Bool(true), Cell::Null]);
    assert_eq!(column(&f, "permissions", false).cells, [text(r#"[{"Id":"p"}]"#), Cell::Null]);
    let batch = f.batch(false).unwrap();
    assert_eq!(batch.column_by_name("installationTime").unwrap().data_type().to_string(), "Timestamp(ns, \"UTC\")");
    assert_eq!(f.batch(true).unwrap().column_by_name("installationTime").unwrap().data_type().to_string(), "Timestamp(µs, \"UTC\")");
    assert_eq!(batch.schema().fields().last().unwrap().name(), "permissions");
    assert!(
        frame("machines.list", r#"[{"machineTags":["a",null]}]"#)
            .batch(false)
            .unwrap()
            .column_by_name("machineTags")
            .unwrap()
            .data_type()
            .is_nested()
    );
}

#[test]
fn times_without_a_zone_are_utc_and_the_year_one_is_nothing() {
    let f = frame(
        "exports.software_inventory",
        r#"[{"softwareFirstSeenTimestamp":"2020-12-30 14:17:26.0"},{"softwareFirstSeenTimestamp":"0001-01-01T00:00:00Z"},{"softwareFirstSeenTimestamp":"2020-12-30"}]"#,
    );
    let at = |t: &str| Cell::Time(t.parse::<civil::DateTime>().unwrap());
    assert_eq!(column(&f, "softwareFirstSeenTimestamp", false).cells, [at("2020-12-30T14:17:26"), Cell::Null, at("2020-12-30")]);
    let f = frame("machines.list", r#"[{"lastSeen":"9999-12-31T23:59:59.9999999Z"},{"lastSeen":"2026-01-01T01:00:00+01:00"}]"#);
    assert_eq!(column(&f, "lastSeen", false).cells, [at("9999-12-31T23:59:59.9999999"), at("2026-01-01T00:00:00")]);
    assert_eq!(f.batch(false).unwrap().column_by_name("lastSeen").unwrap().data_type().to_string(), "Timestamp(µs, \"UTC\")");
}

#[test]
fn truth_as_text_is_truth() {
    let f = frame("av_health.list", r#"[{"avIsEngineUpToDate":"True"},{"avIsEngineUpToDate":"false"},{"avIsEngineUpToDate":"Unknown"}]"#);
    assert_eq!(column(&f, "avIsEngineUpToDate", false).cells, [Cell::Bool(true), Cell::Bool(false), Cell::Null]);
}

#[test]
fn what_does_not_fit_is_kept() {
    let rows = r#"[{"rbacGroupId":"seven","id":"a"},{"rbacGroupId":7,"x":{"y":1},"ID":"b","Id":"c"}]"#;
    let f = frame("machines.list", rows);
    assert_eq!(column(&f, "rbacGroupId", false).cells, [text("seven"), text("7")]);
    assert_eq!(column(&f, MORE, false).cells, [Cell::Null, text(r#"{"x":{"y":1},"Id":"c"}"#)]);
    assert_eq!(column(&f, "rbacGroupId", true).cells, [Cell::Null, Cell::Int(7)]);
    assert_eq!(column(&f, MORE, true).cells[0], text(r#"{"rbacGroupId":"seven"}"#));
    assert!(frame("machines.list", "[{}]").columns(false).iter().all(|c| c.name != MORE));
    let csv = f.csv(true);
    let heading = csv.lines().next().unwrap();
    assert!(heading.starts_with("id,") && heading.ends_with(",_more"), "{heading}");
    assert!(csv.lines().nth(1).unwrap().starts_with("a,") && csv.contains(r#""{""x"":{""y"":1},""Id"":""c""}""#), "{csv}");
    assert_eq!(f.ndjson(), "{\"rbacGroupId\":\"seven\",\"id\":\"a\"}\n{\"rbacGroupId\":7,\"x\":{\"y\":1},\"ID\":\"b\",\"Id\":\"c\"}\n");
}

#[test]
fn every_list_has_columns() {
    for op in ops::all().filter(|op| matches!(op.returns, Returns::Many(_))) {
        let batch = Frame::new(op).batch(true).unwrap();
        assert!(batch.num_columns() > 1 && batch.num_rows() == 0, "{}", op.id);
    }
}

//! Rows as columns: what fits, and what becomes of the rest.

use super::*;
use crate::{
    files::Format,
    json::{self, Value},
    ops::{self, model::Returns},
};
use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Int64Type, TimestampMicrosecondType, TimestampNanosecondType},
};
use proptest::prelude::*;
use std::sync::Arc;

fn frame(id: &str, rows: &str) -> Frame {
    let mut frame = Frame::new(ops::by_id(id).unwrap());
    frame.extend(values(rows));
    frame
}

fn values(rows: &str) -> Vec<Value> {
    json::parse(rows.as_bytes()).unwrap().as_array().unwrap().to_vec()
}

fn export(entity: Option<&str>, rows: &[&str]) -> RecordBatch {
    let mut columns = Columns::new(Arc::new(Layout::of_export(entity)));
    rows.iter().for_each(|r| columns.add(&json::parse(r.as_bytes()).unwrap()));
    columns.take().unwrap()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    batch.column_by_name(column).unwrap().as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect()
}

fn text(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    texts(batch, column).get(row).cloned().flatten()
}

fn ty(batch: &RecordBatch, column: &str) -> String {
    batch.column_by_name(column).unwrap().data_type().to_string()
}

#[test]
fn columns_have_the_declared_types_whatever_the_keys_case() {
    let f = frame(
        "exports.browser_extensions",
        r#"[{"DeviceId":"d","RbacGroupId":7,"InstallationTime":"2026-01-02T03:04:05.1234567Z","IsActivated":true,"Permissions":[{"Id":"p"}]},{}]"#,
    );
    let batch = f.batch(false).unwrap();
    assert_eq!(texts(&batch, "deviceId"), [Some("d".to_owned()), None]);
    assert_eq!(batch.column_by_name("rbacGroupId").unwrap().as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(7), None]);
    assert_eq!(batch.column_by_name("isActivated").unwrap().as_boolean().iter().collect::<Vec<_>>(), [Some(true), None]);
    assert_eq!(texts(&batch, "permissions"), [Some(r#"[{"Id":"p"}]"#.to_owned()), None]);
    assert_eq!(ty(&batch, "installationTime"), "Timestamp(ns, \"UTC\")");
    assert_eq!(batch.schema().fields().last().unwrap().name(), "permissions", "nothing is more");
    let same = f.batch(true).unwrap();
    assert_eq!(
        (ty(&same, "installationTime").as_str(), same.schema().fields().last().unwrap().name().as_str()),
        ("Timestamp(ns, \"UTC\")", MORE)
    );
    let tags = frame("machines.list", r#"[{"machineTags":["a",null]}]"#).batch(false).unwrap();
    assert!(tags.column_by_name("machineTags").unwrap().data_type().is_nested());
}

#[test]
fn times_without_a_zone_are_utc_and_the_year_one_is_nothing() {
    let f = frame(
        "exports.software_inventory",
        r#"[{"softwareFirstSeenTimestamp":"2020-12-30 14:17:26.0"},{"softwareFirstSeenTimestamp":"0001-01-01T00:00:00Z"},{"softwareFirstSeenTimestamp":"2020-12-30"},
            {"softwareFirstSeenTimestamp":"2026-11-21T00:00:00.1234567Z"},{"softwareFirstSeenTimestamp":"2026-11-21T02:00:00+02:00"}]"#,
    );
    let batch = f.batch(false).unwrap();
    let times = batch.column_by_name("softwareFirstSeenTimestamp").unwrap().as_primitive::<TimestampNanosecondType>();
    let at = |seconds: i64, rest: i64| Some(seconds * 1_000_000_000 + rest);
    assert_eq!(
        times.iter().collect::<Vec<_>>(),
        [at(1_609_337_846, 0), None, at(1_609_286_400, 0), at(1_795_219_200, 123_456_700), at(1_795_219_200, 0)]
    );
}

#[test]
fn the_end_of_the_year_9999_is_kept() {
    let rows = r#"[{"lastSeen":"9999-12-31T23:59:59.9999999Z"},{"lastSeen":"2026-01-01T01:00:00+01:00"}]"#;
    let alone = frame("machines.list", rows).batch(false).unwrap();
    let times = alone.column_by_name("lastSeen").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.iter().collect::<Vec<_>>(), [Some(253_402_300_799_999_999), Some(1_767_225_600_000_000)]);
    let same = frame("machines.list", rows).batch(true).unwrap();
    assert!(same.column_by_name("lastSeen").unwrap().is_null(0) && same.column_by_name("lastSeen").unwrap().is_valid(1));
    assert_eq!(texts(&same, MORE), [Some(r#"{"lastSeen":"9999-12-31T23:59:59.9999999Z"}"#.to_owned()), None]);
}

#[test]
fn truth_as_text_is_truth() {
    let rows = r#"[{"avIsEngineUpToDate":"True"},{"avIsEngineUpToDate":"false"},{"avIsEngineUpToDate":"Unknown"}]"#;
    let batch = frame("av_health.list", rows).batch(false).unwrap();
    assert_eq!(
        batch.column_by_name("avIsEngineUpToDate").unwrap().as_boolean().iter().collect::<Vec<_>>(),
        [Some(true), Some(false), None]
    );
}

#[test]
fn what_does_not_fit_is_kept() {
    let f = frame("machines.list", r#"[{"rbacGroupId":"seven","id":"a"},{"rbacGroupId":7,"x":{"y":1},"ID":"b","Id":"c"}]"#);
    let alone = f.batch(false).unwrap();
    assert_eq!(texts(&alone, "rbacGroupId"), [Some("seven".to_owned()), Some("7".to_owned())]);
    assert_eq!(texts(&alone, MORE), [None, Some(r#"{"x":{"y":1},"Id":"c"}"#.to_owned())]);
    let same = f.batch(true).unwrap();
    assert_eq!(same.column_by_name("rbacGroupId").unwrap().as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [None, Some(7)]);
    assert_eq!(text(&same, MORE, 0).as_deref(), Some(r#"{"rbacGroupId":"seven"}"#));
    assert!(frame("machines.list", "[{}]").batch(false).unwrap().column_by_name(MORE).is_none());
}

#[test]
fn the_files_of_an_export_never_change_a_type() {
    let rows = [
        r#"{"DeviceId":"d","rbacGroupId":"9","numberOfWeaknesses":3,"diskPaths":["a","b"],"softwareFirstSeenTimestamp":"2020-12-30 14:17:26.0"}"#,
        r#"{"numberOfWeaknesses":"many","diskPaths":"a","endOfSupportDate":7,"softwareFirstSeenTimestamp":"soon","new":{"x":1}}"#,
        r#"{"softwareFirstSeenTimestamp":"0001-01-01T00:00:00Z","deviceId":"d","DEVICEID":"e"}"#,
        "{}",
    ];
    let batch = export(Some("AssetSoftware"), &rows);
    assert_eq!(batch.schema(), Layout::of_export(Some("AssetSoftware")).schema());
    assert_eq!((batch.num_rows(), text(&batch, "deviceId", 0).as_deref()), (4, Some("d")));
    let times = batch.column_by_name("softwareFirstSeenTimestamp").unwrap().as_primitive::<TimestampNanosecondType>();
    assert_eq!(times.value(0), 1_609_337_846_000_000_000);
    assert!(times.is_null(1) && times.is_null(2));
    assert_eq!(text(&batch, MORE, 0), None);
    let more = r#"{"numberOfWeaknesses":"many","diskPaths":"a","endOfSupportDate":7,"softwareFirstSeenTimestamp":"soon","new":{"x":1}}"#;
    assert_eq!(text(&batch, MORE, 1).as_deref(), Some(more));
    assert_eq!(text(&batch, MORE, 2).as_deref(), Some(r#"{"DEVICEID":"e"}"#));
    let paths = batch.column_by_name("diskPaths").unwrap().as_list::<i32>();
    assert_eq!((paths.value(0).len(), paths.is_null(1)), (2, true));
}

#[test]
fn gathered_information_is_json_whether_it_came_as_text_or_not() {
    let batch = export(None, &[r#"{"DeviceGatheredInfo":{"AvMode":"0"}}"#, r#"{"DeviceGatheredInfo":"{\"AvMode\":\"0\"}"}"#]);
    assert_eq!(texts(&batch, "deviceGatheredInfo"), vec![Some(r#"{"AvMode":"0"}"#.to_owned()); 2]);
}

#[test]
fn every_list_and_every_export_has_columns_and_both_have_the_same() {
    for op in ops::all().filter(|op| matches!(op.returns, Returns::Many(_))) {
        let batch = Frame::new(op).batch(true).unwrap();
        assert!(batch.num_columns() > 1 && batch.num_rows() == 0, "{}", op.id);
        assert!(Frame::new(op).batch(false).unwrap().num_columns() + 1 == batch.num_columns(), "{}", op.id);
    }
    for catalog in crate::exports::catalog() {
        let schema = Layout::of_export(catalog.entity).schema();
        assert!(schema.column_with_name("deviceId").is_some(), "{}", catalog.name);
    }
    let list = ops::by_id("exports.software_inventory").unwrap();
    assert_eq!(Layout::of_operation(list).schema(), Layout::of_export(Some("AssetSoftware")).schema());
    assert_eq!(Layout::of_export(Some("DeltaAssetVulnerability")).schema().field(0).name(), "id");
}

#[test]
fn a_list_becomes_a_file_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    let op = ops::by_id("machines.list").unwrap();
    let pages = [r#"[{"rbacGroupId":"seven","id":"a"}]"#, r#"[{"rbacGroupId":7,"x":{"y":1},"ID":"b","Id":"c"}]"#].map(values);
    let written = |format| {
        let mut file = ListFile::create(&path, format, op).unwrap();
        pages.iter().for_each(|p| file.add(p).unwrap());
        file.keep().unwrap();
    };
    written(Format::Csv);
    let csv = std::fs::read_to_string(&path).unwrap();
    let heading = csv.lines().next().unwrap();
    assert!(heading.starts_with("id,") && heading.ends_with(",_more"), "{heading}");
    assert!(csv.lines().nth(1).unwrap().starts_with("a,") && csv.contains(r#""{""x"":{""y"":1},""Id"":""c""}""#), "{csv}");
    written(Format::Ndjson);
    let lines = "{\"rbacGroupId\":\"seven\",\"id\":\"a\"}\n{\"rbacGroupId\":7,\"x\":{\"y\":1},\"ID\":\"b\",\"Id\":\"c\"}\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lines);
    written(Format::Parquet);
    let read = crate::files::read_parquet(&path).unwrap();
    assert_eq!(read.schema, Layout::of_operation(op).schema());
    assert_eq!(read.batches.iter().map(|b| texts(b, "id")).collect::<Vec<_>>().concat(), [Some("a".to_owned()), Some("b".to_owned())]);
    let mut dropped = ListFile::create(&path, Format::Csv, op).unwrap();
    dropped.add(&pages[0]).unwrap();
    drop(dropped);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "what was not kept is gone");
    assert!(crate::files::read_parquet(&path).is_ok(), "and the old file is as it was");
}

/// A row of an export as a service or somebody worse may write it.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "deviceId",
        "DeviceId",
        "DEVICEID",
        "rbacGroupId",
        "numberOfWeaknesses",
        "diskPaths",
        "softwareFirstSeenTimestamp",
        "endOfSupportDate",
        "new",
        "dev\\u0069ceId",
        "osPlatform",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "7",
            "-0",
            "1.5",
            "1e3",
            "123456789012345678901",
            "\"9\"",
            "\"09\"",
            "\"\"",
            "\"a\\\"b\\u00e4\\ud800\"",
            "[]",
            "{}",
            "[\"a\",null]",
            "[1, 2]",
            " { \"x\" : [ 1 ] } ",
            "\"2020-12-30 14:17:26.0\"",
            "\"2026-11-21T00:00:00.1234567Z\"",
            "\"2026-11-21T02:00:00+02:00\"",
            "\"2020-12-30\"",
            "\"0001-01-01T00:00:00Z\"",
            "\"9999-12-31T23:59:59.9999999Z\"",
            "\"soon\"",
            "nul",
            "[1",
            "01",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9 äöü]{0,12}".prop_map(|t| format!("\"{t}\"")),
    ];
    let space = prop::sample::select(vec!["", "", "", " ", "\t"]);
    prop::collection::vec((key, value, space), 0..8).prop_map(|members| {
        let members: Vec<String> =
            members.iter().map(|(key, value, space)| format!("{space}\"{key}\"{space}:{space}{value}{space}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    /// The short way gives what the long way gives, whatever stands in the lines.
    #[test]
    fn a_line_is_the_same_row_as_its_value(lines in prop::collection::vec(line(), 0..20)) {
        let layout = Arc::new(Layout::of_export(Some("AssetSoftware")));
        let (mut short, mut long) = (Columns::new(layout.clone()), Columns::new(layout));
        for line in &lines {
            match json::parse(line.as_bytes()) {
                Ok(row) => {
                    long.add(&row);
                    prop_assert!(short.line(line.as_bytes()).is_ok(), "{line}");
                }
                Err(e) => prop_assert_eq!(short.line(line.as_bytes()), Err(e), "{}", line),
            }
        }
        prop_assert_eq!(short.take().unwrap(), long.take().unwrap());
    }
}

#[test]
fn the_usual_line_takes_the_short_way() {
    let mut columns = Columns::new(Arc::new(Layout::of_export(Some("AssetSoftware"))));
    let usual = br#"{"deviceId":"d","numberOfWeaknesses":3,"diskPaths":["a","b"],"softwareFirstSeenTimestamp":"2020-12-30 14:17:26.0","endOfSupportDate":null}"#;
    for _ in 0..3 {
        assert!(columns.goes_short(usual));
    }
    assert!(!columns.goes_short(br#"{"deviceId":"d","new":1}"#), "what is not declared is for the general reader");
}

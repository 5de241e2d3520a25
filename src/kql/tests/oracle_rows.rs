//! The rows that the engine answers, beside those of an independent engine: on the cases of `tests/oracle/rows.jsonl.gz` both gave the same.
//! See `tests/oracle/README.md`.

use super::Tables;
use crate::json::{self, Value as Json};
use crate::kql::{Column, Options, Table, Type, Value, parse_datetime, parse_timespan, run};
use std::io::Read as _;
use std::sync::Arc;

const ROWS: &[u8] = include_bytes!("../../../tests/oracle/rows.jsonl.gz");

fn value(ty: Type, cell: &Json) -> Value {
    match (ty, cell) {
        (Type::String, _) => super::s(cell.as_str().unwrap_or_default()),
        (_, Json::Null) => Value::Null,
        (Type::Bool, _) => Value::Bool(cell.as_bool().unwrap()),
        (Type::Int, _) => Value::Int(i32::try_from(cell.as_i64().unwrap()).unwrap()),
        (Type::Long, _) => Value::Long(cell.as_i64().unwrap()),
        (Type::Real | Type::Decimal, _) => Value::Real(cell.as_f64().unwrap()),
        (Type::DateTime, _) => Value::DateTime(parse_datetime(cell.as_str().unwrap()).unwrap()),
        (Type::TimeSpan, _) => Value::TimeSpan(parse_timespan(cell.as_str().unwrap()).unwrap()),
        (Type::Dynamic, _) => Value::Dynamic(Arc::new(cell.clone())),
        (Type::Guid, _) => super::s(cell.as_str().unwrap()),
    }
}

/// Numbers, texts and JSON as they are; times and timespans as ticks; twelve digits of a real.
fn plain(cell: &Value) -> Json {
    match cell {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Real(r) => Json::String(format!("{r:.11e}")),
        Value::String(s) => Json::String(s.to_string()),
        Value::Dynamic(d) => (**d).clone(),
        whole => Json::Int(whole.as_i64().unwrap()),
    }
}

fn array(json: &Json) -> &[Json] {
    json.as_array().unwrap()
}

fn table(json: &Json) -> Table {
    let rows = array(json.get("rows").unwrap());
    let column = |(at, head): (usize, &Json)| {
        let ty = Type::parse(array(head)[1].as_str().unwrap()).unwrap();
        super::column(array(head)[0].as_str().unwrap(), ty, rows.iter().map(|row| value(ty, &array(row)[at])).collect())
    };
    Table { columns: array(json.get("columns").unwrap()).iter().enumerate().map(column).collect(), rows: rows.len() }
}

/// The columns and rows, or why there are none.
fn answer(case: &Json) -> Json {
    let mut tables = Tables::default();
    for (name, rows) in case.get("tables").and_then(Json::as_object).unwrap() {
        tables.0.insert(name.clone(), Arc::new(table(rows)));
    }
    let now = parse_datetime(case.get("now").and_then(Json::as_str).unwrap()).unwrap();
    match run(case.get("query").and_then(Json::as_str).unwrap(), &tables, &Options::at(now)) {
        Err(error) => json::object([("error", Json::from(error.to_string()))]),
        Ok(output) => {
            let head = |c: &Column| Json::Array(vec![Json::from(&*c.name), Json::from(c.ty.name())]);
            let row = |r: usize| Json::Array(output.table.columns.iter().map(|c| plain(&c.cells.get(r).unwrap())).collect());
            let columns = Json::Array(output.table.columns.iter().map(head).collect());
            json::object([("columns", columns), ("rows", Json::Array((0..output.table.rows).map(row).collect()))])
        }
    }
}

fn text(json: &Json) -> String {
    let mut text = String::new();
    json.write(&mut text);
    text
}

fn lines(row: &Json, ordered: bool) -> Vec<String> {
    let mut lines: Vec<String> = array(row.get("rows").unwrap()).iter().map(text).collect();
    if !ordered {
        lines.sort();
    }
    lines
}

#[test]
fn the_engine_answers_the_rows_of_an_independent_engine() {
    let mut golden = String::new();
    flate2::read::GzDecoder::new(ROWS).read_to_string(&mut golden).unwrap();
    let (mut cases, mut rows, mut wrong) = (0, 0, String::new());
    for line in golden.lines() {
        let case = json::parse(line.as_bytes()).unwrap();
        let (found, expected) = (answer(&case), case.get("answer").unwrap());
        let ordered = case.get("ordered").and_then(Json::as_bool).unwrap();
        cases += 1;
        rows += array(expected.get("rows").unwrap()).len();
        if found.get("error").is_some()
            || found.get("columns") != expected.get("columns")
            || lines(&found, ordered) != lines(expected, ordered)
        {
            wrong += &format!("\n## {}\n{}\n   not\n{}", text(case.get("query").unwrap()), text(&found), text(expected));
        }
    }
    assert!(wrong.is_empty(), "other rows than both engines gave (tests/oracle/rows-verdicts.md):{wrong}");
    assert!(cases > 250 && rows > 2_500, "the golden file became small: {cases} cases, {rows} rows");
}

/// For `tests/oracle/rows.py`: answers the cases of a file, line by line.
#[test]
#[ignore = "used by make oracle"]
fn answers() {
    let cases = std::fs::read_to_string(std::env::var("XDRKIT_ROWS_CASES").unwrap()).unwrap();
    let found: String = cases.lines().map(|line| text(&answer(&json::parse(line.as_bytes()).unwrap())) + "\n").collect();
    std::fs::write(std::env::var("XDRKIT_ROWS_ANSWERS").unwrap(), found).unwrap();
}

//! Hand-checked queries, by theme.

mod bounds;
mod broken;
mod functions_data;
mod functions_numbers;
mod functions_text;
pub(super) mod grammar;
mod joins;
mod language;
mod operators;
mod oracle;
mod oracle_rows;
mod outside;
mod parts;
mod plugins;
mod print;
mod print_operators;
mod printing;
mod properties;
mod quickly;
mod scalars;
mod search;
mod series;
mod signatures;
mod summarize;

use super::*;
use std::collections::HashMap;

#[derive(Default)]
struct Tables(HashMap<String, Arc<Table>>);

impl Catalog for Tables {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.0.get(name).cloned()
    }
    fn table_names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

fn now() -> i64 {
    parse_datetime("2026-11-21T12:00:00Z").unwrap()
}

fn column(name: &str, ty: Type, cells: Vec<Value>) -> Column {
    Column { name: name.into(), ty, cells: cells.into() }
}

fn s(text: &str) -> Value {
    Value::String(text.into())
}

fn tables() -> Tables {
    let time = |t: &str| Value::DateTime(parse_datetime(t).unwrap());
    let processes = Table {
        columns: vec![
            column("Timestamp", Type::DateTime, vec![time("2026-11-20"), time("2026-11-21"), time("2026-11-01")]),
            column("DeviceName", Type::String, vec![s("alpha"), s("beta"), s("Alpha")]),
            column("FileName", Type::String, vec![s("cmd.exe"), s("powershell.exe"), s("cmd.exe")]),
            column("ProcessId", Type::Long, vec![Value::Long(1), Value::Long(2), Value::Null]),
            column("AdditionalFields", Type::Dynamic, vec![Value::Null, Value::Null, Value::Null]),
        ],
        rows: 3,
    };
    let empty = Table { columns: vec![column("Timestamp", Type::DateTime, vec![]), column("DeviceName", Type::String, vec![])], rows: 0 };
    let mut tables = Tables::default();
    tables.0.insert("DeviceProcessEvents".into(), Arc::new(processes));
    tables.0.insert("DeviceEvents".into(), Arc::new(empty));
    tables
}

fn try_run(query: &str) -> Result<Output, KqlError> {
    run(query, &tables(), &Options::at(now()))
}

fn ok(query: &str) -> Output {
    try_run(query).unwrap_or_else(|e| panic!("{query}\n{e} {:?}", e.kind))
}

fn err(query: &str) -> KqlError {
    match try_run(query) {
        Err(e) => e,
        Ok(o) => panic!("{query}\nanswered {}", show(&o)),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        other => compare::to_text(other).to_string(),
    }
}

/// `name:type,... | cell,cell | ...`
fn show(output: &Output) -> String {
    let head: Vec<String> = output.table.columns.iter().map(|c| format!("{}:{}", c.name, c.ty.name())).collect();
    let row = |r: usize| output.table.columns.iter().map(|c| cell(&c.cells.get(r).unwrap())).collect::<Vec<_>>().join(",");
    let rows: Vec<String> = (0..output.table.rows).map(row).collect();
    std::iter::once(head.join(",")).chain(rows).collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(query: &str, expected: &str) {
    assert_eq!(show(&ok(query)), expected, "{query}");
}

/// The one value of `print x = ...`.
#[track_caller]
fn value(expr: &str, expected: &str) {
    let output = ok(&format!("print x = {expr}"));
    assert_eq!(cell(&output.table.columns[0].cells.get(0).unwrap()), expected, "{expr}");
}

/// Each expression has the value beside it.
#[track_caller]
fn all(table: &[(&str, &str)]) {
    for (expr, expected) in table {
        value(expr, expected);
    }
}

/// Each is refused by name.
#[track_caller]
fn missing(exprs: &[&str]) {
    for expr in exprs {
        let e = err(&format!("print {expr}"));
        assert_eq!(e.kind, ErrorKind::Unsupported, "{expr}: {e}");
    }
}

//! From a hunting answer's bytes to rows with one meaning.
//!
//! The three endpoints say the same in three ways: capital or small keys, booleans as 0 and 1 (`SByte`), null as `{}`, dynamic values as JSON text or
//! as objects full of `@odata.type`. The response's own schema decides what a value means; what does not fit it is kept as text and never
//! dropped. Dynamic values come out as compact JSON text on all three.

use crate::{
    error::{Error, Kind, Result},
    json::{self, Object, Value},
};
use std::sync::Arc;

/// The service caps a result at this many rows.
pub const ROW_CAP: usize = 100_000;

/// What a column holds, by the response's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// `SByte`, `Boolean`
    Bool,
    /// `Int16`, `Int32`, `Byte`, `UInt16`
    Int,
    /// `Int64`, `UInt32`, `UInt64`
    Long,
    /// `Double`, `Single`
    Double,
    /// `Decimal`: exact, so kept as text in columns.
    Decimal,
    /// `DateTime`: ISO 8601 text, UTC, up to seven digits of fraction.
    DateTime,
    /// `TimeSpan`: text.
    TimeSpan,
    /// `Guid`: text.
    Guid,
    /// `Object`: JSON text.
    Dynamic,
    /// `String`, and whatever is new.
    Text,
}

impl WireType {
    fn from_name(name: &str) -> WireType {
        // Some answers write the type with its .NET namespace.
        match name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase().as_str() {
            "sbyte" | "boolean" | "bool" => WireType::Bool,
            "int16" | "int32" | "byte" | "uint16" | "int" => WireType::Int,
            "int64" | "uint32" | "uint64" | "long" => WireType::Long,
            "double" | "single" | "real" => WireType::Double,
            "decimal" | "sqldecimal" => WireType::Decimal,
            "datetime" | "datetimeoffset" => WireType::DateTime,
            "timespan" => WireType::TimeSpan,
            "guid" => WireType::Guid,
            "object" | "dynamic" => WireType::Dynamic,
            _ => WireType::Text,
        }
    }
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of 64 bits.
    Int(i64),
    /// A larger one: its digits.
    BigInt(Box<str>),
    /// A float.
    Float(f64),
    /// Text, also of dates, ids and dynamic values.
    Text(Arc<str>),
}

/// A column's name and type.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// Its type in the response's own word.
    pub wire: Arc<str>,
    /// What that means.
    pub ty: WireType,
}

/// A decoded result.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns, in the schema's order.
    pub columns: Vec<Column>,
    /// The rows; each has a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// What the older endpoints tell about the run.
    pub stats: Option<Value>,
    /// Why there may be more than this, if so.
    pub truncated: Option<String>,
}

/// Decodes the body of an answer.
pub fn decode(body: &[u8]) -> Result<Table> {
    let answer = json::parse(body).map_err(|e| bad(format!("the hunting answer is no JSON: {e}")).detail("offset", e.offset as i64))?;
    let Some(results) = answer.get_ignore_case("results").and_then(Value::as_array) else {
        return Err(bad("the hunting answer has no results"));
    };
    let mut columns = Vec::new();
    for column in answer.get_ignore_case("schema").and_then(Value::as_array).unwrap_or_default() {
        let text = |key: &str| column.get_ignore_case(key).and_then(Value::as_str);
        let (Some(name), ty) = (text("name"), text("type").unwrap_or("String")) else {
            return Err(bad("a column of the hunting answer has no name"));
        };
        columns.push(Column { name: name.into(), wire: ty.into(), ty: WireType::from_name(ty) });
    }
    let mut rows: Vec<Vec<Cell>> = Vec::with_capacity(results.len());
    let mut shared = Shared::default();
    for row in results {
        let Some(row) = row.as_object() else { return Err(bad("a row of the hunting answer is no object")) };
        add_undeclared(row, &mut columns);
        rows.push(columns.iter().map(|c| cell(row.get(&*c.name), c.ty, row, c, &mut shared)).collect());
    }
    for row in &mut rows {
        row.resize(columns.len(), Cell::Null);
    }
    let truncated = (rows.len() >= ROW_CAP).then(|| format!("the service returns at most {ROW_CAP} rows"));
    Ok(Table { columns, rows, stats: answer.get_ignore_case("stats").cloned(), truncated })
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::BadResponse, message)
}

fn is_annotation(key: &str) -> bool {
    key.contains("@odata.") || key.contains("@OData.")
}

/// A key that the schema does not name is a column of its own: nothing is dropped.
fn add_undeclared(row: &Object, columns: &mut Vec<Column>) {
    // The usual row has exactly the schema's keys.
    if row.len() == columns.len() && row.keys().zip(columns.iter()).all(|(k, c)| **k == *c.name) {
        return;
    }
    for (key, value) in row {
        if !is_annotation(key) && !columns.iter().any(|c| *c.name == **key) {
            let (wire, ty) = match value {
                Value::Bool(_) => ("Boolean", WireType::Bool),
                Value::Int(_) | Value::BigInt(_) => ("Int64", WireType::Long),
                Value::Float(_) => ("Double", WireType::Double),
                Value::Array(_) | Value::Object(_) => ("Object", WireType::Dynamic),
                _ => ("String", WireType::Text),
            };
            columns.push(Column { name: key.as_str().into(), wire: wire.into(), ty });
        }
    }
}

/// The service repeats most values in most rows: a text that was just seen is shared.
#[derive(Default)]
struct Shared {
    recent: std::collections::HashMap<String, Arc<str>>,
}

impl Shared {
    fn text(&mut self, text: &str) -> Cell {
        if let Some(known) = self.recent.get(text) {
            return Cell::Text(known.clone());
        }
        if self.recent.len() >= 4096 {
            self.recent.clear();
        }
        let new: Arc<str> = text.into();
        self.recent.insert(text.to_owned(), new.clone());
        Cell::Text(new)
    }
}

fn cell(value: Option<&Value>, ty: WireType, row: &Object, column: &Column, shared: &mut Shared) -> Cell {
    let Some(value) = value else { return Cell::Null };
    match (ty, value) {
        (_, Value::Null) => Cell::Null,
        (_, Value::Object(o)) if o.is_empty() && ty != WireType::Dynamic => Cell::Null,
        // An empty bag and a null look the same on Graph; a null is by far the commoner.
        (WireType::Dynamic, Value::Object(o)) if o.is_empty() => Cell::Null,
        (WireType::Dynamic, value) => dynamic(value, row, column, shared),
        (WireType::Bool, Value::Int(i @ (0 | 1))) => Cell::Bool(*i == 1),
        (WireType::Bool, Value::String(s)) if s.eq_ignore_ascii_case("true") || s.eq_ignore_ascii_case("false") => {
            Cell::Bool(s.eq_ignore_ascii_case("true"))
        }
        (WireType::Double, Value::Int(i)) => Cell::Float(*i as f64),
        (WireType::Double, Value::String(s)) => s.parse().map_or_else(|_| shared.text(s), Cell::Float),
        // OData writes 64-bit integers as text where a reader might round them.
        (WireType::Int | WireType::Long, Value::String(s)) => match json::parse(s.as_bytes()) {
            Ok(Value::Int(i)) => Cell::Int(i),
            Ok(Value::BigInt(digits)) => Cell::BigInt(digits),
            _ => shared.text(s),
        },
        (_, Value::Bool(b)) => Cell::Bool(*b),
        (_, Value::Int(i)) => Cell::Int(*i),
        (_, Value::BigInt(digits)) => Cell::BigInt(digits.clone()),
        (_, Value::Float(f)) => Cell::Float(*f),
        (_, Value::String(s)) => shared.text(s),
        (_, Value::Array(_) | Value::Object(_)) => shared.text(&plain(value).to_string()),
    }
}

/// A dynamic value as compact JSON text: from text, from an object with annotations, or from a collection of encoded texts.
fn dynamic(value: &Value, row: &Object, column: &Column, shared: &mut Shared) -> Cell {
    let companion = || row.get(&format!("{}@odata.type", column.name)).and_then(Value::as_str);
    let plain = match value {
        // The older endpoints send JSON text; what does not parse is text that the query made.
        Value::String(s) => match json::parse(s.as_bytes()) {
            Ok(parsed) => parsed,
            Err(_) => return shared.text(s),
        },
        Value::Array(items) if companion() == Some("#Collection(String)") => Value::Array(
            items.iter().map(|i| i.as_str().and_then(|s| json::parse(s.as_bytes()).ok()).unwrap_or_else(|| plain(i))).collect(),
        ),
        other => plain(other),
    };
    shared.text(&plain.to_string())
}

/// Without annotations, all the way down.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(o) => Value::Object(o.iter().filter(|(k, _)| !is_annotation(k)).map(|(k, v)| (k.clone(), plain(v))).collect()),
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(body: &str) -> Vec<(String, Cell)> {
        let table = decode(body.as_bytes()).unwrap();
        table.columns.iter().map(|c| c.name.to_string()).zip(table.rows[0].clone()).collect()
    }

    fn text(s: &str) -> Cell {
        Cell::Text(s.into())
    }

    #[test]
    fn the_three_endpoints_mean_the_same() {
        let old = r#"{"Stats":{"ExecutionTime":0.1},"Schema":[{"Name":"T","Type":"DateTime"},{"Name":"B","Type":"SByte"},{"Name":"N","Type":"Int64"},{"Name":"D","Type":"Object"},{"Name":"L","Type":"Object"}],
            "Results":[{"T":"2026-11-01T00:00:00.1234567Z","B":1,"N":null,"D":"{\"a\": 1}","L":"[\"x\", 2]"}]}"#;
        let graph = r##"{"@odata.context":"c","schema":[{"name":"T","type":"DateTime"},{"name":"B","type":"SByte"},{"name":"N","type":"Int64"},{"name":"D","type":"Object"},{"name":"L","type":"Object"}],
            "results":[{"T":"2026-11-01T00:00:00.1234567Z","B@odata.type":"#SByte","B":1,"N":{},"D":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","a":1},"L@odata.type":"#Collection(String)","L":["\"x\"","2"]}]}"##;
        assert_eq!(row(old), row(graph));
        assert_eq!(row(old)[1].1, Cell::Bool(true));
        assert_eq!(
            (row(old)[2].1.clone(), row(old)[3].1.clone(), row(old)[4].1.clone()),
            (Cell::Null, text(r#"{"a":1}"#), text(r#"["x",2]"#))
        );
        assert!(decode(old.as_bytes()).unwrap().stats.is_some());
    }

    #[test]
    fn nothing_is_dropped_that_the_schema_does_not_name() {
        let table = decode(br#"{"schema":[{"Name":"A","Type":"String"}],"results":[{"A":"1"},{"X":5,"A":"2"},{}]}"#).unwrap();
        assert_eq!(table.columns.iter().map(|c| &*c.name).collect::<Vec<_>>(), ["A", "X"]);
        assert_eq!(table.rows, [vec![text("1"), Cell::Null], vec![text("2"), Cell::Int(5)], vec![Cell::Null, Cell::Null]]);
    }

    #[test]
    fn values_that_do_not_fit_their_type_are_kept() {
        let body = r#"{"Schema":[{"Name":"I","Type":"Int64"},{"Name":"F","Type":"Double"},{"Name":"B","Type":"SByte"},{"Name":"J","Type":"Int64"}],
            "Results":[{"I":"12x","F":"NaN","B":7,"J":"9223372036854775808"}]}"#;
        let cells: Vec<Cell> = row(body).into_iter().map(|c| c.1).collect();
        assert_eq!((&cells[0], &cells[2], &cells[3]), (&text("12x"), &Cell::Int(7), &Cell::BigInt("9223372036854775808".into())));
        assert!(matches!(cells[1], Cell::Float(f) if f.is_nan()));
    }

    #[test]
    fn what_is_no_hunting_answer_is_an_error_that_says_where() {
        for bad in ["", "[]", "{}", r#"{"results":[1]}"#, r#"{"schema":[{}],"results":[]}"#, r#"{"results":[{"a":"x"#] {
            assert_eq!(decode(bad.as_bytes()).unwrap_err().kind(), Kind::BadResponse, "{bad}");
        }
    }

    #[test]
    fn a_full_result_says_that_there_may_be_more() {
        let rows = vec!["{\"A\":1}"; ROW_CAP].join(",");
        let body = format!(r#"{{"schema":[{{"name":"A","type":"Int32"}}],"results":[{rows}]}}"#);
        assert!(decode(body.as_bytes()).unwrap().truncated.is_some());
    }
}

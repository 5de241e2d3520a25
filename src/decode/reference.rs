//! The rules of decoding once more, slow and obvious, over a whole value tree. For the tests alone.
//!
//! | what comes | what it becomes |
//! |---|---|
//! | `null`, `{}`, a missing key | null |
//! | a key that comes twice in a row | its last value |
//! | a key that the schema does not name | a column of its own, of the type of its first value |
//! | `x@odata.type` and its like | nothing, but `#Collection(String)`: the items of `x` are JSON in texts |
//! | a value of its column's type | that |
//! | numbers in texts, where numbers are due; `NaN`, `Infinity`; `0` and `1` where truth is due | the number, the truth |
//! | moments, up to seven digits, with or without a zone | UTC, without zeros at the end |
//! | anything else in a typed column | kept as it is, beside the column |
//! | what is nested, where text is due or nothing fits | its compact JSON text |
//! | half surrogates, bytes that are no UTF-8 | U+FFFD |

use super::time;
use crate::{
    json::{self, Object, Value},
    table::WireType,
};

/// A cell, as a row of a result shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A number that is too large: its digits.
    Big(String),
    Text(String),
}

pub(super) type Answer = (Vec<(String, WireType)>, Vec<Vec<Cell>>);

/// `None` is what is no hunting answer.
pub(super) fn decode(body: &[u8]) -> Option<Answer> {
    let answer = json::parse(body).ok()?;
    let results = answer.get_ignore_case("results")?.as_array()?;
    let mut columns: Vec<(String, WireType)> = Vec::new();
    for column in answer.get_ignore_case("schema").and_then(Value::as_array).unwrap_or_default() {
        let text = |key: &str| column.get_ignore_case(key).and_then(Value::as_str);
        columns.push((text("name")?.to_owned(), WireType::from_name(text("type").unwrap_or("String"))));
    }
    let rows: Vec<&Object> = results.iter().map(Value::as_object).collect::<Option<_>>()?;
    for row in &rows {
        for (key, value) in *row {
            if !is_annotation(key) && !columns.iter().any(|c| c.0 == *key) {
                columns.push((key.clone(), type_of(value)));
            }
        }
    }
    let cells = rows.iter().map(|row| columns.iter().map(|(name, ty)| cell(row, name, *ty)).collect()).collect();
    Some((columns, cells))
}

fn is_annotation(key: &str) -> bool {
    key.contains("@odata.") || key.contains("@OData.")
}

fn type_of(value: &Value) -> WireType {
    match value {
        Value::Bool(_) => WireType::Bool,
        Value::Int(_) | Value::BigInt(_) => WireType::Long,
        Value::Float(_) => WireType::Double,
        Value::Array(_) | Value::Object(_) => WireType::Dynamic,
        Value::Null | Value::String(_) => WireType::Text,
    }
}

fn cell(row: &Object, name: &str, ty: WireType) -> Cell {
    let value = row.get(name).unwrap_or(&Value::Null);
    let encoded = row.get(&format!("{name}@odata.type")).and_then(Value::as_str) == Some("#Collection(String)");
    match (ty, value) {
        (_, Value::Null) => Cell::Null,
        (_, Value::Object(o)) if o.is_empty() => Cell::Null,
        (WireType::Dynamic, Value::String(s)) => {
            Cell::Text(json::parse(s.as_bytes()).map_or_else(|_| s.clone(), |v| plain(&v, false).to_string()))
        }
        (WireType::Dynamic, value) => Cell::Text(plain(value, encoded).to_string()),
        (_, value @ (Value::Array(_) | Value::Object(_))) => Cell::Text(plain(value, encoded).to_string()),
        (WireType::Bool, Value::Int(i @ (0 | 1))) => Cell::Bool(*i == 1),
        (WireType::Bool, Value::String(s)) if s.eq_ignore_ascii_case("true") => Cell::Bool(true),
        (WireType::Bool, Value::String(s)) if s.eq_ignore_ascii_case("false") => Cell::Bool(false),
        (WireType::Double, Value::Int(i)) => Cell::Float(*i as f64),
        (WireType::Double, Value::BigInt(digits)) => {
            digits.parse().ok().filter(|f: &f64| f.is_finite()).map_or_else(|| Cell::Big(digits.to_string()), Cell::Float)
        }
        (WireType::Double, Value::String(s)) => match s.as_str() {
            "NaN" => Cell::Float(f64::NAN),
            "Infinity" | "+Infinity" | "INF" => Cell::Float(f64::INFINITY),
            "-Infinity" | "-INF" => Cell::Float(f64::NEG_INFINITY),
            s => number(s).and_then(|v| v.as_f64()).filter(|f| f.is_finite()).map_or_else(|| Cell::Text(s.to_owned()), Cell::Float),
        },
        (WireType::Long, Value::String(s)) => match number(s) {
            Some(Value::Int(i)) => Cell::Int(i),
            _ => Cell::Text(s.clone()),
        },
        (WireType::Int, Value::String(s)) => match number(s) {
            Some(Value::Int(i)) if i32::try_from(i).is_ok() => Cell::Int(i),
            _ => Cell::Text(s.clone()),
        },
        (WireType::DateTime, Value::String(s)) => match time::moment(s.as_bytes()) {
            Some(ticks) => {
                let mut text = String::new();
                time::write_moment(ticks, &mut text);
                Cell::Text(text)
            }
            None => Cell::Text(s.clone()),
        },
        (_, Value::Bool(b)) => Cell::Bool(*b),
        (_, Value::Int(i)) => Cell::Int(*i),
        (_, Value::BigInt(digits)) => Cell::Big(digits.to_string()),
        (_, Value::Float(f)) => Cell::Float(*f),
        (_, Value::String(s)) => Cell::Text(s.clone()),
    }
}

/// A text that is a number as JSON writes them, with nothing around it.
fn number(text: &str) -> Option<Value> {
    json::parse(text.as_bytes()).ok().filter(|v| v.as_f64().is_some() && text.trim() == text)
}

/// Without annotations, all the way down.
fn plain(value: &Value, encoded: bool) -> Value {
    match value {
        Value::Object(members) => {
            let is_encoded = |key: &str| members.get(&format!("{key}@odata.type")).and_then(Value::as_str) == Some("#Collection(String)");
            Value::Object(members.iter().filter(|(k, _)| !is_annotation(k)).map(|(k, v)| (k.clone(), plain(v, is_encoded(k)))).collect())
        }
        Value::Array(items) if encoded => Value::Array(
            items
                .iter()
                .map(|i| i.as_str().and_then(|s| json::parse(s.as_bytes()).ok()).map_or_else(|| plain(i, false), |v| plain(&v, false)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|i| plain(i, false)).collect()),
        other => other.clone(),
    }
}

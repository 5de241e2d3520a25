//! Rows of a declared type as typed Arrow columns.
//!
//! The columns are the type's properties, always all of them and in the order of the declaration; a key is matched whatever its letter case.
//! What does not fit is never lost: the whole column becomes text, or, where every page has to have the same columns, the value goes into
//! `_more`, as do keys that the declaration does not know. Objects inside of rows are JSON text.

#[cfg(test)]
mod tests;

use crate::{
    error::{Error, Kind, Result},
    json::{Object, Value},
    ops::{
        model::{Entity, Operation, Returns},
        types::ENTITIES,
    },
};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
    builder::{Int64Builder, ListBuilder, StringBuilder},
};
use arrow_schema::{Field, Schema};
use jiff::{Timestamp, civil, tz::TimeZone};
use std::sync::Arc;

/// The column of what fits no other.
pub const MORE: &str = "_more";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text, and JSON text.
    Text,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A point in time.
    Time,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Ints,
}

impl Type {
    /// The word that Python uses.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Text => "text",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::Time => "datetime",
            Type::Texts | Type::Ints => "object",
        }
    }

    /// The type of a property, by its declared type and by its name: exports declare times as texts, and antivirus health truth values.
    fn of(name: &str, ty: &str) -> Type {
        let name = name.to_ascii_lowercase();
        match ty {
            "Boolean" => Type::Bool,
            "Int16" | "Int32" | "Int64" | "Byte" => Type::Int,
            "Double" | "Single" => Type::Float,
            "DateTimeOffset" => Type::Time,
            "String" if name.starts_with("avis") && name.ends_with("uptodate") => Type::Bool,
            "String" if ["timestamp", "timeoffset", "date"].iter().any(|end| name.ends_with(end)) => Type::Time,
            "Collection(Int32)" | "Collection(Int64)" => Type::Ints,
            _ => match ty.strip_prefix("Collection(").and_then(|t| t.strip_suffix(')')) {
                Some(inner) if inner != "Object" && !ENTITIES.iter().any(|e| e.name == inner) => Type::Texts,
                _ => Type::Text,
            },
        }
    }
}

/// A value in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// Text.
    Text(String),
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A point in time, in UTC. Services write the end of the year 9999, which is past what timestamps here reach.
    Time(civil::DateTime),
    /// A list of texts.
    Texts(Vec<Option<String>>),
    /// A list of whole numbers.
    Ints(Vec<Option<i64>>),
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub ty: Type,
    /// Its values.
    pub cells: Vec<Cell>,
}

/// Rows of an operation's answer.
#[derive(Clone, Debug)]
pub struct Frame {
    properties: Vec<(&'static str, Type)>,
    rows: Vec<Value>,
}

impl Frame {
    /// No rows of what an operation answers.
    pub fn new(op: &Operation) -> Frame {
        let entity = match op.returns {
            Returns::Many(ty) | Returns::One(ty) => ENTITIES.iter().find(|e| e.name == ty),
            _ => None,
        };
        let properties = entity.map_or_else(|| vec![("value", Type::Text)], |e| properties(e).collect());
        Frame { properties, rows: Vec::new() }
    }

    /// Adds rows.
    pub fn extend(&mut self, rows: Vec<Value>) {
        self.rows.extend(rows);
    }

    /// The rows as the service sent them.
    pub fn rows(&self) -> &[Value] {
        &self.rows
    }

    /// All columns. With `same` they do not depend on the rows.
    pub fn columns(&self, same: bool) -> Vec<Column> {
        let mut cells: Vec<Vec<&Value>> = vec![Vec::with_capacity(self.rows.len()); self.properties.len()];
        let mut more: Vec<Object> = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            more.push(self.sort(row, &mut cells));
        }
        let mut columns: Vec<Column> = Vec::with_capacity(self.properties.len() + 1);
        for ((name, ty), values) in self.properties.iter().zip(cells) {
            let typed: Option<Vec<Cell>> = values.iter().map(|v| cell(*ty, v)).collect();
            let (ty, cells) = match typed {
                Some(cells) => (*ty, cells),
                None if !same => (Type::Text, values.iter().map(|v| as_text(v)).collect()),
                None => {
                    for (value, more) in values.iter().zip(&mut more).filter(|(v, _)| cell(*ty, v).is_none()) {
                        more.insert((*name).to_owned(), (*value).clone());
                    }
                    (*ty, values.iter().map(|v| cell(*ty, v).unwrap_or(Cell::Null)).collect())
                }
            };
            columns.push(Column { name: (*name).to_owned(), ty, cells });
        }
        if same || more.iter().any(|m| !m.is_empty()) {
            let cells =
                more.into_iter().map(|m| if m.is_empty() { Cell::Null } else { Cell::Text(Value::Object(m).to_string()) }).collect();
            columns.push(Column { name: MORE.to_owned(), ty: Type::Text, cells });
        }
        columns
    }

    /// Puts a row's members into their columns; gives those that have none.
    fn sort<'r>(&self, row: &'r Value, cells: &mut [Vec<&'r Value>]) -> Object {
        let mut more = Object::new();
        let filled = cells.first().map_or(0, Vec::len) + 1;
        match row {
            Value::Object(members) => {
                for (key, value) in members {
                    let place = self.properties.iter().position(|(name, _)| name.eq_ignore_ascii_case(key));
                    match place.and_then(|i| cells.get_mut(i)).filter(|column| column.len() < filled) {
                        Some(column) => column.push(value),
                        None => drop(more.insert(key.clone(), value.clone())),
                    }
                }
            }
            other => match cells {
                [only] => only.push(other),
                _ => drop(more.insert("value".to_owned(), other.clone())),
            },
        }
        for column in cells.iter_mut().filter(|column| column.len() < filled) {
            column.push(&Value::Null);
        }
        more
    }

    /// All columns as Arrow.
    pub fn batch(&self, same: bool) -> Result<RecordBatch> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for column in self.columns(same) {
            let array = array(&column, same);
            fields.push(Field::new(column.name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|e| Error::new(Kind::Internal, e.to_string()))
    }

    /// The rows as JSON, one a line.
    pub fn ndjson(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            row.write(&mut out);
            out.push('\n');
        }
        out
    }

    /// The rows as comma-separated values after RFC 4180, as the service sent them; with `heading` the names go first.
    pub fn csv(&self, heading: bool) -> String {
        let mut out = String::new();
        if heading {
            let names: Vec<String> = self.properties.iter().map(|(name, _)| *name).chain([MORE]).map(field).collect();
            out.push_str(&names.join(","));
            out.push_str("\r\n");
        }
        for row in &self.rows {
            let mut cells: Vec<Vec<&Value>> = vec![Vec::with_capacity(1); self.properties.len()];
            let more = self.sort(row, &mut cells);
            for value in cells.iter().flatten() {
                match value {
                    Value::Null => {}
                    Value::String(text) => out.push_str(&field(text)),
                    Value::Array(_) | Value::Object(_) => out.push_str(&field(&value.to_string())),
                    other => other.write(&mut out),
                }
                out.push(',');
            }
            if !more.is_empty() {
                out.push_str(&field(&Value::Object(more).to_string()));
            }
            out.push_str("\r\n");
        }
        out
    }
}

fn properties(entity: &'static Entity) -> Box<dyn Iterator<Item = (&'static str, Type)>> {
    let own = entity.properties.iter().map(|p| (p.name, Type::of(p.name, p.ty)));
    match entity.base.and_then(|base| ENTITIES.iter().find(|e| e.name == base)) {
        Some(base) => Box::new(properties(base).chain(own)),
        None => Box::new(own),
    }
}

fn field(text: &str) -> String {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// A value in a type, or `None` where it does not fit.
fn cell(ty: Type, value: &Value) -> Option<Cell> {
    Some(match (ty, value) {
        (_, Value::Null) => Cell::Null,
        (Type::Text, value) => as_text(value),
        (Type::Bool, Value::Bool(b)) => Cell::Bool(*b),
        (Type::Bool, Value::String(s)) => match s.to_ascii_lowercase().as_str() {
            "true" => Cell::Bool(true),
            "false" => Cell::Bool(false),
            "unknown" | "" => Cell::Null,
            _ => return None,
        },
        (Type::Int, Value::Int(i)) => Cell::Int(*i),
        (Type::Float, number) => Cell::Float(number.as_f64()?),
        (Type::Time, Value::String(s)) => time(s)?,
        (Type::Texts, Value::Array(items)) => Cell::Texts(
            items.iter().map(|i| if i.is_null() { Some(None) } else { i.as_str().map(|s| Some(s.to_owned())) }).collect::<Option<_>>()?,
        ),
        (Type::Ints, Value::Array(items)) => {
            Cell::Ints(items.iter().map(|i| if i.is_null() { Some(None) } else { i.as_i64().map(Some) }).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn as_text(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::String(s) => Cell::Text(s.clone()),
        other => Cell::Text(other.to_string()),
    }
}

/// A moment; without a zone it is UTC, and the year 1 stands for nothing.
fn time(text: &str) -> Option<Cell> {
    let text = text.trim();
    if text.is_empty() || text.starts_with("0001-01-01") {
        return Some(Cell::Null);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Cell::Time(at.to_zoned(TimeZone::UTC).datetime()));
    }
    text.strip_suffix('Z').unwrap_or(text).parse().ok().map(Cell::Time)
}

fn array(column: &Column, same: bool) -> ArrayRef {
    let cells = column.cells.iter();
    match column.ty {
        Type::Text => Arc::new(cells.map(|c| if let Cell::Text(t) = c { Some(t.as_str()) } else { None }).collect::<StringArray>()),
        Type::Bool => Arc::new(cells.map(|c| if let Cell::Bool(b) = c { Some(*b) } else { None }).collect::<BooleanArray>()),
        Type::Int => Arc::new(cells.map(|c| if let Cell::Int(i) = c { Some(*i) } else { None }).collect::<Int64Array>()),
        Type::Float => Arc::new(cells.map(|c| if let Cell::Float(f) = c { Some(*f) } else { None }).collect::<Float64Array>()),
        Type::Time => times(cells.map(|c| if let Cell::Time(t) = c { Some(*t) } else { None }).collect(), same),
        Type::Texts => {
            let mut list = ListBuilder::new(StringBuilder::new());
            for cell in cells {
                match cell {
                    Cell::Texts(items) => list.append_value(items.iter().map(Option::as_deref)),
                    _ => list.append_null(),
                }
            }
            Arc::new(list.finish()) as Arc<ListArray>
        }
        Type::Ints => {
            let mut list = ListBuilder::new(Int64Builder::new());
            for cell in cells {
                match cell {
                    Cell::Ints(items) => list.append_value(items.iter().copied()),
                    _ => list.append_null(),
                }
            }
            Arc::new(list.finish()) as Arc<ListArray>
        }
    }
}

/// Nanoseconds keep all digits and reach from 1677 to 2262; a column that reaches further, such as to the year 9999, has microseconds. Where
/// columns must not depend on their rows, it is microseconds.
fn times(times: Vec<Option<civil::DateTime>>, same: bool) -> ArrayRef {
    let since = |t: civil::DateTime| t.duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_nanos();
    let nanoseconds: Option<Vec<Option<i64>>> =
        times.iter().map(|t| t.map_or(Some(None), |t| i64::try_from(since(t)).ok().map(Some))).collect();
    match nanoseconds {
        Some(values) if !same => Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC")),
        _ => {
            let values = times.into_iter().map(|t| t.and_then(|t| i64::try_from(since(t).div_euclid(1000)).ok()));
            Arc::new(TimestampMicrosecondArray::from_iter(values).with_timezone("UTC"))
        }
    }
}

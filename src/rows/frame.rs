//! Items of a list that are held together.

use super::{
    columns::Columns,
    layout::{Keys, Layout, MORE},
};
use crate::{
    error::Result,
    files::quoted,
    json::{Object, Value},
    ops::model::Operation,
};
use arrow_array::RecordBatch;
use std::sync::Arc;

/// Rows of an operation's answer.
#[derive(Clone, Debug)]
pub struct Frame {
    layout: Arc<Layout>,
    rows: Vec<Value>,
}

impl Frame {
    /// No rows of what an operation answers.
    pub fn new(op: &Operation) -> Frame {
        Frame { layout: Arc::new(Layout::of_operation(op)), rows: Vec::new() }
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
    pub fn batch(&self, same: bool) -> Result<RecordBatch> {
        if !same {
            return Columns::of(&self.layout, &self.rows);
        }
        let mut columns = Columns::new(self.layout.clone());
        self.rows.iter().for_each(|row| columns.add(row));
        columns.take()
    }
}

/// Rows as JSON as the service sent them, one a line.
pub(super) fn ndjson(rows: &[Value], out: &mut String) {
    for row in rows {
        row.write(out);
        out.push('\n');
    }
}

/// The names of the columns as a heading after RFC 4180.
pub(super) fn heading(layout: &Layout, out: &mut String) {
    for (name, _) in &layout.columns {
        quoted(name, out);
        out.push(',');
    }
    out.push_str(MORE);
    out.push_str("\r\n");
}

/// Rows as fields, as the service sent them.
pub(super) fn csv(layout: &Layout, keys: &mut Keys, rows: &[Value], out: &mut String) {
    for row in rows {
        let mut fields: Vec<Option<&Value>> = vec![None; layout.columns.len()];
        let mut more = Object::new();
        let mut put = |key: &str, value| match keys.column(layout, key).and_then(|i| fields.get_mut(i)).filter(|f| f.is_none()) {
            Some(field) => *field = Some(value),
            None => drop(more.insert(key.to_owned(), value.clone())),
        };
        match row {
            Value::Object(members) => members.iter().for_each(|(key, value)| put(key, value)),
            other => put("value", other),
        }
        for field in fields {
            match field {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => quoted(text, out),
                Some(value @ (Value::Array(_) | Value::Object(_))) => quoted(&value.to_string(), out),
                Some(other) => other.write(out),
            }
            out.push(',');
        }
        if !more.is_empty() {
            quoted(&Value::Object(more).to_string(), out);
        }
        out.push_str("\r\n");
    }
}

//! The real columns of the hunting tables, and tables built column by column from rows of events.

use crate::json;
use crate::kql::value::{Cells, Column, Table, Type, Value};
use crate::ops::HUNTING_SCHEMA;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// A table's name, and its columns in order.
pub(super) type Shape = (Arc<str>, Vec<(Arc<str>, Type)>);

/// All tables of the schema, in its order.
pub(super) fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let schema = json::parse(HUNTING_SCHEMA.as_bytes()).unwrap_or_default();
        let tables = schema.get("tables").and_then(json::Value::as_object);
        tables.into_iter().flatten().map(|(name, columns)| (name.as_str().into(), columns_of(columns))).collect()
    })
}

fn columns_of(columns: &json::Value) -> Vec<(Arc<str>, Type)> {
    let members = columns.as_object().into_iter().flatten();
    members.map(|(name, ty)| (name.as_str().into(), type_of(ty.as_str().unwrap_or_default()))).collect()
}

fn type_of(name: &str) -> Type {
    match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "long" => Type::Long,
        "real" => Type::Real,
        "datetime" => Type::DateTime,
        "guid" => Type::Guid,
        "dynamic" => Type::Dynamic,
        _ => Type::String,
    }
}

/// One table in the making. A column that nothing was put into is empty text, or null.
pub(super) struct Sheet<'r, R> {
    rows: &'r [R],
    columns: Vec<Column>,
    /// The only column that is filled, if it is one.
    only: Option<usize>,
    #[cfg(test)]
    strangers: Vec<String>,
}

impl<'r, R> Sheet<'r, R> {
    pub(super) fn new(shape: &Shape, rows: &'r [R]) -> Self {
        let columns = shape.1.iter().map(|(name, ty)| Column { name: name.clone(), ty: *ty, cells: Cells::new() }).collect();
        Self {
            rows,
            columns,
            only: None,
            #[cfg(test)]
            strangers: Vec::new(),
        }
    }

    /// A table of rows.
    pub(super) fn of(shape: &Shape, rows: &'r [R], fill: impl FnOnce(&mut Self)) -> Table {
        let mut sheet = Sheet::new(shape, rows);
        fill(&mut sheet);
        sheet.finish()
    }

    /// One column of rows; none where nothing was put into it.
    pub(super) fn column(shape: &Shape, rows: &'r [R], column: usize, fill: impl FnOnce(&mut Self)) -> Vec<Value> {
        let mut sheet = Sheet { only: Some(column), ..Sheet::new(shape, rows) };
        fill(&mut sheet);
        match sheet.columns.into_iter().nth(column).map(|c| c.cells) {
            Some(Cells::Plain(cells)) => cells,
            other => other.iter().flat_map(|cells| cells.iter().map(Cow::into_owned).collect::<Vec<_>>()).collect(),
        }
    }

    fn fill(&mut self, name: &str, cells: impl FnOnce() -> Vec<Value>) {
        match self.columns.iter_mut().enumerate().find(|(_, c)| *c.name == *name) {
            Some((at, _)) if self.only.is_some_and(|only| only != at) => {}
            Some((_, column)) => column.cells = cells().into(),
            #[cfg(test)]
            None => self.strangers.push(name.to_owned()),
            #[cfg(not(test))]
            None => {}
        }
    }

    /// Whether the table has such a column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|c| *c.name == *name)
    }

    /// Any value.
    pub(super) fn put(&mut self, name: &str, cell: impl FnMut(&'r R) -> Value) -> &mut Self {
        let rows = self.rows;
        self.fill(name, || rows.iter().map(cell).collect());
        self
    }

    /// Text that the row shares.
    pub(super) fn text(&mut self, name: &str, mut cell: impl FnMut(&'r R) -> &'r Arc<str>) -> &mut Self {
        self.put(name, |r| Value::String(cell(r).clone()))
    }

    /// One of a few fixed words; each is stored once.
    pub(super) fn word(&mut self, name: &str, mut cell: impl FnMut(&'r R) -> &'static str) -> &mut Self {
        let mut known: Vec<(&'static str, Value)> = Vec::new();
        self.put(name, move |r| {
            let word = cell(r);
            if let Some((_, value)) = known.iter().find(|(w, _)| std::ptr::eq(*w, word)) {
                return value.clone();
            }
            let value = Value::String(word.into());
            known.push((word, value.clone()));
            value
        })
    }

    /// The same in every row.
    pub(super) fn same(&mut self, name: &str, value: Value) -> &mut Self {
        let rows = self.rows.len();
        self.fill(name, || vec![value; rows]);
        self
    }

    pub(super) fn long(&mut self, name: &str, mut cell: impl FnMut(&'r R) -> i64) -> &mut Self {
        self.put(name, |r| Value::Long(cell(r)))
    }

    pub(super) fn int(&mut self, name: &str, mut cell: impl FnMut(&'r R) -> i64) -> &mut Self {
        self.put(name, |r| i32::try_from(cell(r)).map_or(Value::Null, Value::Int))
    }

    pub(super) fn flag(&mut self, name: &str, mut cell: impl FnMut(&'r R) -> bool) -> &mut Self {
        self.put(name, |r| Value::Bool(cell(r)))
    }

    /// Ticks.
    pub(super) fn time(&mut self, name: &str, mut cell: impl FnMut(&'r R) -> i64) -> &mut Self {
        self.put(name, |r| Value::DateTime(cell(r)))
    }

    pub(super) fn finish(self) -> Table {
        #[cfg(test)]
        assert!(self.strangers.is_empty(), "no such columns: {:?}", self.strangers);
        let rows = self.rows.len();
        let empty = Value::String("".into());
        let columns = self.columns.into_iter().map(|mut column| {
            if column.cells.len() != rows {
                let blank = if column.ty == Type::String { empty.clone() } else { Value::Null };
                column.cells = Cells::same(blank, rows);
            }
            column
        });
        Table { columns: columns.collect(), rows }
    }
}

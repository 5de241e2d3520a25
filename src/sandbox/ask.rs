//! The sandbox's own questions to its hunting tables.
//!
//! What the service says of a file, a domain or a person must be what hunting finds of it. So nothing about them is kept twice: it is
//! asked for, in the language in which a hunter would ask.

use std::borrow::Cow;
use std::sync::Arc;

use super::House;
use super::failure::Failure;
use super::seed::Tables;
use crate::kql::{self, Table, Value};

/// The rows of an answer.
pub(super) struct Found(Table);

/// One row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    at: usize,
}

/// Asks the tenant's tables.
pub(super) fn ask(house: &House, query: &str) -> Result<Found, Failure> {
    let tables = house.store().tenant.tables.clone();
    ask_at(&tables, house.clock.now(), query)
}

/// The same without the house, for what is made later.
pub(super) fn ask_at(tables: &Tables, now: i64, query: &str) -> Result<Found, Failure> {
    let answer = kql::run(query, tables, &kql::Options::at(now));
    answer.map(|output| Found(output.table)).map_err(|e| Failure::new(500, "InternalServerError", format!("{e} in {query}")))
}

/// A text as the language writes it.
pub(super) fn quoted(text: &str) -> String {
    let escaped: String = text.chars().flat_map(|c| ['\\', '"'].contains(&c).then_some('\\').into_iter().chain([c])).collect();
    format!("\"{}\"", escaped.replace(['\n', '\r'], " "))
}

impl Found {
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.0.rows).map(|at| Row { table: &self.0, at })
    }

    pub(super) fn first(&self) -> Option<Row<'_>> {
        self.rows().next()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.rows == 0
    }
}

impl Row<'_> {
    fn cell(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.table.columns.iter().find(|c| *c.name == *name)?.cells.get(self.at)
    }

    /// A text; empty if there is none.
    pub(super) fn text(&self, name: &str) -> Arc<str> {
        match self.cell(name).as_deref() {
            Some(Value::String(text)) => text.clone(),
            _ => "".into(),
        }
    }

    /// A number, or ticks.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match *self.cell(name)? {
            Value::Int(n) => Some(i64::from(n)),
            Value::Long(n) | Value::DateTime(n) => Some(n),
            _ => None,
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        match self.cell(name).as_deref() {
            Some(Value::Dynamic(json)) => {
                json.as_array().unwrap_or_default().iter().filter_map(|v| v.as_str()).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_quoted() {
        assert_eq!(super::quoted("a\"b\\c\nd"), r#""a\"b\\c d""#);
    }
}

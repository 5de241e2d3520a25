//! What a query computes with: the language's scalar types, one cell, one column, one table.

use crate::json;
use std::sync::Arc;

/// The language's scalar types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `bool`
    Bool,
    /// `int`: 32 bits
    Int,
    /// `long`: 64 bits
    Long,
    /// `real`
    Real,
    /// `decimal`
    Decimal,
    /// `string`
    String,
    /// `datetime`: ticks of 100 ns since 0001-01-01T00:00:00Z
    DateTime,
    /// `timespan`: ticks of 100 ns
    TimeSpan,
    /// `guid`
    Guid,
    /// `dynamic`
    Dynamic,
}

/// One cell. Strings are never null in the language: an absent string is the empty one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The null of any type but string.
    Null,
    /// `bool`
    Bool(bool),
    /// `int`
    Int(i32),
    /// `long`
    Long(i64),
    /// `real` and `decimal`
    Real(f64),
    /// `string` and `guid` (lower case)
    String(Arc<str>),
    /// Ticks since year 1, UTC.
    DateTime(i64),
    /// Ticks.
    TimeSpan(i64),
    /// `dynamic`
    Dynamic(Arc<json::Value>),
}

/// A named, typed column with its cells.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name, case-sensitive.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// One cell a row; every cell is of `ty` or null.
    pub cells: Vec<Value>,
}

/// Columns of equal length.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// How many rows (a table without columns may have rows).
    pub rows: usize,
}

//! What a query computes with: the language's scalar types, one cell, one column, one table.

pub use super::cells::Cells;
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
    pub cells: Cells,
}

/// Columns of equal length.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// How many rows (a table without columns may have rows).
    pub rows: usize,
}

impl Type {
    /// The names that a query may write, for suggestions.
    pub const NAMES: [&'static str; 10] = ["bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"];

    /// The type of a name in a query, aliases included.
    pub fn parse(name: &str) -> Option<Type> {
        Some(match name {
            "bool" | "boolean" => Type::Bool,
            "int" => Type::Int,
            "long" => Type::Long,
            "real" | "double" => Type::Real,
            "decimal" => Type::Decimal,
            "string" => Type::String,
            "datetime" | "date" => Type::DateTime,
            "timespan" | "time" => Type::TimeSpan,
            "guid" | "uuid" | "uniqueid" => Type::Guid,
            "dynamic" => Type::Dynamic,
            _ => return None,
        })
    }

    /// The name that a query writes.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Long => "long",
            Type::Real => "real",
            Type::Decimal => "decimal",
            Type::String => "string",
            Type::DateTime => "datetime",
            Type::TimeSpan => "timespan",
            Type::Guid => "guid",
            Type::Dynamic => "dynamic",
        }
    }

    /// The name in the service's answers (`Schema[].Type`).
    pub fn wire_name(self) -> &'static str {
        match self {
            Type::Bool => "SByte",
            Type::Int => "Int32",
            Type::Long => "Int64",
            Type::Real => "Double",
            Type::Decimal => "SqlDecimal",
            Type::String => "String",
            Type::DateTime => "DateTime",
            Type::TimeSpan => "TimeSpan",
            Type::Guid => "Guid",
            Type::Dynamic => "Object",
        }
    }

    /// The name that `getschema` shows as `DataType`.
    pub(super) fn net_name(self) -> String {
        match self {
            Type::Decimal => "System.Data.SqlTypes.SqlDecimal".to_owned(),
            other => format!("System.{}", other.wire_name()),
        }
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self, Type::Int | Type::Long)
    }

    pub(super) fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Long | Type::Real)
    }
}

static NULL: Value = Value::Null;
static EMPTY: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| Value::String("".into()));

impl Value {
    /// What an absent value of a type is: null, or the empty string.
    pub(super) fn absent(ty: Type) -> &'static Value {
        if ty == Type::String { &EMPTY } else { &NULL }
    }

    pub(super) fn text(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    pub(super) fn dynamic(value: json::Value) -> Value {
        if value.is_null() { Value::Null } else { Value::Dynamic(Arc::new(value)) }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Value::String(s) => s,
            _ => "",
        }
    }

    /// A whole number, or ticks.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(i64::from(*i)),
            Value::Long(i) | Value::DateTime(i) | Value::TimeSpan(i) => Some(*i),
            _ => None,
        }
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Real(r) => Some(*r),
            other => other.as_i64().map(|i| i as f64),
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}

//! One value of a column as text, for the formats that are text.

use super::{
    kind::Kind,
    text::{moment, moment_of_microseconds, span},
};
use crate::json::{Value, write_string};
use arrow_array::{
    Array, ArrayRef, BooleanArray, ListArray, PrimitiveArray, StringArray, StringViewArray,
    cast::AsArray,
    types::{DurationNanosecondType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType},
};
use std::{fmt::Write, io};

/// A column as what it is.
pub(crate) enum Cells<'a> {
    Bool(&'a BooleanArray),
    Int(&'a PrimitiveArray<Int32Type>),
    Long(&'a PrimitiveArray<Int64Type>),
    Double(&'a PrimitiveArray<Float64Type>),
    Text(&'a StringArray),
    View(&'a StringViewArray),
    Nanoseconds(&'a PrimitiveArray<TimestampNanosecondType>),
    Microseconds(&'a PrimitiveArray<TimestampMicrosecondType>),
    Span(&'a PrimitiveArray<DurationNanosecondType>),
    Texts(&'a ListArray),
    Longs(&'a ListArray),
}

impl<'a> Cells<'a> {
    pub(crate) fn of(array: &'a ArrayRef) -> io::Result<Cells<'a>> {
        let unknown = || io::Error::other(format!("columns of type {} cannot be written", array.data_type()));
        Ok(match Kind::of(array.data_type()).ok_or_else(unknown)? {
            Kind::Bool => Cells::Bool(array.as_boolean()),
            Kind::Int => Cells::Int(array.as_primitive()),
            Kind::Long => Cells::Long(array.as_primitive()),
            Kind::Double => Cells::Double(array.as_primitive()),
            Kind::Text => Cells::Text(array.as_string()),
            Kind::View => Cells::View(array.as_string_view()),
            Kind::Nanoseconds => Cells::Nanoseconds(array.as_primitive()),
            Kind::Microseconds => Cells::Microseconds(array.as_primitive()),
            Kind::Span => Cells::Span(array.as_primitive()),
            Kind::Texts => Cells::Texts(array.as_list()),
            Kind::Longs => Cells::Longs(array.as_list()),
        })
    }

    fn nulls(&self) -> &dyn Array {
        match self {
            Cells::Bool(a) => *a,
            Cells::Int(a) => *a,
            Cells::Long(a) => *a,
            Cells::Double(a) => *a,
            Cells::Text(a) => *a,
            Cells::View(a) => *a,
            Cells::Nanoseconds(a) => *a,
            Cells::Microseconds(a) => *a,
            Cells::Span(a) => *a,
            Cells::Texts(a) | Cells::Longs(a) => *a,
        }
    }

    /// As JSON: numbers and truth values as such, moments and spans as texts.
    pub(crate) fn json(&self, row: usize, out: &mut String) {
        if self.nulls().is_null(row) {
            return out.push_str("null");
        }
        match self {
            Cells::Text(a) => write_string(a.value(row), out),
            Cells::View(a) => write_string(a.value(row), out),
            Cells::Double(a) => Value::Float(a.value(row)).write(out),
            Cells::Nanoseconds(_) | Cells::Microseconds(_) | Cells::Span(_) => {
                out.push('"');
                self.plain(row, out);
                out.push('"');
            }
            _ => self.plain(row, out),
        }
    }

    /// As a field of RFC 4180: nothing for null, `""` for a text that is empty, lists as JSON.
    pub(super) fn field(&self, row: usize, out: &mut String) {
        if self.nulls().is_null(row) {
            return;
        }
        match self {
            Cells::Text(a) => quoted(a.value(row), out),
            Cells::View(a) => quoted(a.value(row), out),
            Cells::Texts(_) | Cells::Longs(_) => {
                let mut list = String::new();
                self.plain(row, &mut list);
                quoted(&list, out);
            }
            _ => self.plain(row, out),
        }
    }

    fn plain(&self, row: usize, out: &mut String) {
        match self {
            Cells::Bool(a) => out.push_str(if a.value(row) { "true" } else { "false" }),
            Cells::Int(a) => show(a.value(row), out),
            Cells::Long(a) => show(a.value(row), out),
            Cells::Double(a) => match a.value(row) {
                f if f.is_nan() => out.push_str("NaN"),
                f if f.is_infinite() => out.push_str(if f > 0.0 { "Infinity" } else { "-Infinity" }),
                f => show(f, out),
            },
            Cells::Text(a) => out.push_str(a.value(row)),
            Cells::View(a) => out.push_str(a.value(row)),
            Cells::Nanoseconds(a) => moment(a.value(row), out),
            Cells::Microseconds(a) => moment_of_microseconds(a.value(row), out),
            Cells::Span(a) => span(a.value(row), out),
            Cells::Texts(a) => {
                let items = a.value(row);
                list(items.as_string::<i32>().iter(), out, write_string);
            }
            Cells::Longs(a) => {
                let items = a.value(row);
                list(items.as_primitive::<Int64Type>().iter(), out, show);
            }
        }
    }
}

/// A field's text, in quotes where it needs them.
pub(crate) fn quoted(text: &str, out: &mut String) {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        return out.push_str(text);
    }
    out.push('"');
    for (i, part) in text.split('"').enumerate() {
        if i > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

fn show(value: impl std::fmt::Display, out: &mut String) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok());
}

fn list<T>(items: impl Iterator<Item = Option<T>>, out: &mut String, each: impl Fn(T, &mut String)) {
    out.push('[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        match item {
            Some(item) => each(item, out),
            None => out.push_str("null"),
        }
    }
    out.push(']');
}

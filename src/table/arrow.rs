//! What is kept, as Arrow that other libraries read, and back.

use super::{Chunk, Column, Odd, Table, WireType};
use crate::{
    decode::{
        column::Builder,
        scan::{self, Raw, Token},
        time,
    },
    error::{Error, Kind, Result},
    json::{self, Value},
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DurationNanosecondArray, Float64Array, Int32Array, Int64Array, LargeStringArray, PrimitiveArray,
    RecordBatch, RecordBatchOptions, StringArray, StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    builder::StringViewBuilder,
    cast::AsArray,
    types::{ArrowPrimitiveType, Int64Type},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

/// In which form texts leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Texts {
    /// As they are kept: nothing is copied.
    #[default]
    View,
    /// With offsets of 32 bits, which every library reads; of 64 where a column is too long.
    Plain,
}

/// The form in which a column leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Same,
    Nanoseconds,
    Microseconds,
    Span,
    Text,
}

const UTC: &str = "UTC";

impl Table {
    /// The rows as batches of one schema. A column with a cell that does not fit its type is text as a whole.
    pub fn batches(&self, texts: Texts) -> Result<Vec<RecordBatch>> {
        let forms = self.forms();
        let schema = self.schema(&forms, texts);
        let mut batches = Vec::with_capacity(self.chunks.len().max(1));
        let none =
            [Chunk { rows: 0, arrays: self.columns.iter().map(|c| nulls(c.ty, 0)).collect(), odd: vec![Vec::new(); self.columns.len()] }];
        let chunks: &[Chunk] = if self.chunks.is_empty() { &none } else { &self.chunks };
        for chunk in chunks {
            let mut arrays = Vec::with_capacity(self.columns.len());
            for (((column, form), array), odd) in self.columns.iter().zip(&forms).zip(&chunk.arrays).zip(&chunk.odd) {
                arrays.push(leave(column.ty, *form, array, odd, texts));
            }
            let options = RecordBatchOptions::new().with_row_count(Some(chunk.rows));
            let batch = RecordBatch::try_new_with_options(schema.clone(), arrays, &options);
            batches.push(batch.map_err(|e| Error::new(Kind::Internal, e.to_string()))?);
        }
        Ok(batches)
    }

    /// The schema of [`Table::batches`].
    pub fn arrow_schema(&self, texts: Texts) -> SchemaRef {
        self.schema(&self.forms(), texts)
    }

    fn schema(&self, forms: &[Form], texts: Texts) -> SchemaRef {
        let fields = self.columns.iter().zip(forms).map(|(c, form)| Field::new(&*c.name, data_type(c.ty, *form, texts), true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn forms(&self) -> Vec<Form> {
        (0..self.columns.len()).map(|i| self.form(i)).collect()
    }

    fn form(&self, i: usize) -> Form {
        let Some(column) = self.columns.get(i) else { return Form::Same };
        let is_odd = self.chunks.iter().any(|c| c.odd.get(i).is_some_and(|odd| !odd.is_empty()));
        let fits = |ticks: i64| ticks.checked_mul(100).is_some();
        let all_fit = || {
            self.chunks
                .iter()
                .filter_map(|c| c.arrays.get(i)?.as_primitive_opt::<Int64Type>())
                .all(|array| array.iter().flatten().all(fits))
        };
        match column.ty {
            ty if ty.is_text() => Form::Same,
            _ if is_odd => Form::Text,
            WireType::DateTime if all_fit() => Form::Nanoseconds,
            WireType::DateTime => Form::Microseconds,
            WireType::TimeSpan if all_fit() => Form::Span,
            WireType::TimeSpan => Form::Text,
            _ => Form::Same,
        }
    }

    /// From batches of one schema, such as [`Table::batches`] gives; `wires` are the types in the service's words.
    pub fn from_batches(schema: &Schema, batches: &[RecordBatch], wires: Option<&[String]>) -> Result<Table> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (i, field) in schema.fields().iter().enumerate() {
            let wire = match wires.and_then(|w| w.get(i)) {
                Some(wire) => wire.as_str(),
                None => wire_of(field.data_type()).ok_or_else(|| {
                    Error::argument(
                        "table",
                        format!("column {:?} has the type {}, which is not known here", field.name(), field.data_type()),
                    )
                })?,
            };
            columns.push(Column { name: field.name().as_str().into(), wire: wire.into(), ty: WireType::from_name(wire) });
        }
        let mut chunks = Vec::with_capacity(batches.len());
        for batch in batches.iter().filter(|b| b.num_rows() > 0) {
            let mut chunk = Chunk { rows: batch.num_rows(), ..Chunk::default() };
            for (column, array) in columns.iter().zip(batch.columns()) {
                let (array, odd) = enter(column.ty, array).ok_or_else(|| {
                    Error::new(Kind::Internal, format!("column {:?} of type {} holds {}", column.name, column.wire, array.data_type()))
                })?;
                chunk.arrays.push(array);
                chunk.odd.push(odd);
            }
            chunks.push(chunk);
        }
        Ok(Table::new(columns, chunks))
    }
}

fn wire_of(ty: &DataType) -> Option<&'static str> {
    Some(match ty {
        DataType::Boolean => "SByte",
        DataType::Int32 => "Int32",
        DataType::Int64 => "Int64",
        DataType::Float64 => "Double",
        DataType::Timestamp(TimeUnit::Nanosecond | TimeUnit::Microsecond, _) => "DateTime",
        DataType::Duration(TimeUnit::Nanosecond) => "TimeSpan",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "String",
        _ => return None,
    })
}

fn data_type(ty: WireType, form: Form, texts: Texts) -> DataType {
    match (form, ty) {
        (Form::Nanoseconds, _) => DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())),
        (Form::Microseconds, _) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        (Form::Span, _) => DataType::Duration(TimeUnit::Nanosecond),
        (Form::Same, WireType::Bool) => DataType::Boolean,
        (Form::Same, WireType::Int) => DataType::Int32,
        (Form::Same, WireType::Long) => DataType::Int64,
        (Form::Same, WireType::Double) => DataType::Float64,
        _ if texts == Texts::View => DataType::Utf8View,
        _ => DataType::LargeUtf8,
    }
}

/// Nothing but nulls.
pub(super) fn nulls(ty: WireType, rows: usize) -> ArrayRef {
    match ty {
        WireType::Bool => Arc::new(BooleanArray::new_null(rows)),
        WireType::Int => Arc::new(Int32Array::new_null(rows)),
        WireType::Long | WireType::DateTime | WireType::TimeSpan => Arc::new(Int64Array::new_null(rows)),
        WireType::Double => Arc::new(Float64Array::new_null(rows)),
        WireType::Text | WireType::Guid | WireType::Decimal | WireType::Dynamic => Arc::new(StringViewArray::new_null(rows)),
    }
}

fn leave(ty: WireType, form: Form, array: &ArrayRef, odd: &[Odd], texts: Texts) -> ArrayRef {
    let ticks = |scale: fn(i64) -> i64| {
        array.as_primitive_opt::<Int64Type>().map(|a| a.unary::<_, Int64Type>(scale)).unwrap_or_else(|| Int64Array::new_null(array.len()))
    };
    match form {
        Form::Same if ty.is_text() => text_form(array.clone(), texts),
        Form::Same => array.clone(),
        Form::Nanoseconds => {
            Arc::new(retyped(ticks(|t| t.wrapping_mul(100)), |v, n| TimestampNanosecondArray::new(v, n).with_timezone(UTC)))
        }
        Form::Microseconds => {
            Arc::new(retyped(ticks(|t| t.div_euclid(10)), |v, n| TimestampMicrosecondArray::new(v, n).with_timezone(UTC)))
        }
        Form::Span => Arc::new(retyped(ticks(|t| t.wrapping_mul(100)), DurationNanosecondArray::new)),
        Form::Text => text_form(as_text(ty, array, odd), texts),
    }
}

fn retyped<T: ArrowPrimitiveType<Native = i64>>(
    array: Int64Array,
    make: impl FnOnce(arrow_buffer::ScalarBuffer<i64>, Option<arrow_buffer::NullBuffer>) -> PrimitiveArray<T>,
) -> PrimitiveArray<T> {
    let (_, values, nulls) = array.into_parts();
    make(values, nulls)
}

fn text_form(array: ArrayRef, texts: Texts) -> ArrayRef {
    match (texts, array.as_string_view_opt()) {
        (Texts::Plain, Some(views)) => Arc::new(views.iter().collect::<LargeStringArray>()),
        _ => array,
    }
}

/// A column as texts, with what did not fit in its places.
pub(super) fn as_text(ty: WireType, array: &ArrayRef, odd: &[Odd]) -> ArrayRef {
    if ty.is_text() {
        return array.clone();
    }
    let mut out = StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        text.clear();
        if write_any(ty, array, odd, row, &mut text) {
            out.append_value(&text);
        } else {
            out.append_null();
        }
    }
    Arc::new(out.finish())
}

/// Appends a cell's text, as the service would write it; false for null.
pub(crate) fn write_cell(ty: WireType, array: &ArrayRef, row: usize, out: &mut String) -> bool {
    use std::fmt::Write;
    if row >= array.len() || array.is_null(row) {
        return false;
    }
    match ty {
        WireType::Bool => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        WireType::Int => drop(write!(out, "{}", array.as_primitive::<arrow_array::types::Int32Type>().value(row))),
        WireType::Long => drop(write!(out, "{}", array.as_primitive::<Int64Type>().value(row))),
        WireType::Double => drop(write!(out, "{}", array.as_primitive::<arrow_array::types::Float64Type>().value(row))),
        WireType::DateTime => time::write_moment(array.as_primitive::<Int64Type>().value(row), out),
        WireType::TimeSpan => time::write_span(array.as_primitive::<Int64Type>().value(row), out),
        WireType::Text | WireType::Guid | WireType::Decimal | WireType::Dynamic => out.push_str(array.as_string_view().value(row)),
    }
    true
}

/// Appends the text of a cell, also of one that did not fit; false for null.
pub(crate) fn write_any(ty: WireType, array: &ArrayRef, odd: &[Odd], row: usize, out: &mut String) -> bool {
    match odd.binary_search_by_key(&row, |o| o.row as usize) {
        Ok(i) => {
            let json = odd.get(i).map_or("", |o| &*o.json);
            match json::parse(json.as_bytes()) {
                Ok(Value::String(inside)) => out.push_str(&inside),
                _ => out.push_str(json),
            }
            true
        }
        Err(_) => write_cell(ty, array, row, out),
    }
}

/// An array of another library, or of a file, in the form in which it is kept.
fn enter(ty: WireType, array: &ArrayRef) -> Option<(ArrayRef, Vec<Odd>)> {
    let plain = |array: ArrayRef| Some((array, Vec::new()));
    let texts: Option<StringViewArray> = match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().clone()),
        DataType::Utf8 => Some(array.as_any().downcast_ref::<StringArray>()?.iter().collect()),
        DataType::LargeUtf8 => Some(array.as_any().downcast_ref::<LargeStringArray>()?.iter().collect()),
        _ => None,
    };
    let scaled = |scale: fn(i64) -> i64| -> Option<ArrayRef> {
        let data = array.to_data().into_builder().data_type(DataType::Int64).build().ok()?;
        Some(Arc::new(Int64Array::from(data).unary::<_, Int64Type>(scale)))
    };
    match (ty, array.data_type(), texts) {
        (ty, _, Some(texts)) if ty.is_text() => plain(Arc::new(texts)),
        // A column that left as text because of a cell that did not fit.
        (ty, _, Some(texts)) => {
            let mut column = Builder::new(ty, 0);
            for text in &texts {
                match text {
                    None => column.push_null(),
                    Some(text) if scan::is_number(text.as_bytes()) => column.push(Token::Number(text.as_bytes()), false).ok()?,
                    Some(text) => {
                        let quoted = Value::from(text).to_string();
                        let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
                        column.push(Token::Text(Raw { bytes: inside.as_bytes(), escaped: inside.contains('\\') }), false).ok()?;
                    }
                }
            }
            Some(column.take())
        }
        (WireType::Bool, DataType::Boolean, _)
        | (WireType::Int, DataType::Int32, _)
        | (WireType::Long, DataType::Int64, _)
        | (WireType::Double, DataType::Float64, _) => plain(array.clone()),
        (WireType::DateTime, DataType::Timestamp(TimeUnit::Nanosecond, _), _)
        | (WireType::TimeSpan, DataType::Duration(TimeUnit::Nanosecond), _) => plain(scaled(|n| n.div_euclid(100))?),
        (WireType::DateTime, DataType::Timestamp(TimeUnit::Microsecond, _), _) => plain(scaled(|n| n.wrapping_mul(10))?),
        _ => None,
    }
}

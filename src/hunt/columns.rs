//! Typed Arrow columns of a result.
//!
//! A column takes its type from the schema. If one cell does not fit it (the services are not strict), the whole column becomes text rather
//! than lose that cell.

use super::decode::{Cell, Column, Table, WireType};
use crate::error::{Error, Kind, Result};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray,
};
use arrow_schema::{Field, Schema};
use jiff::Timestamp;
use std::sync::Arc;

/// All rows as one batch.
pub fn batch(table: &Table) -> Result<RecordBatch> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (i, column) in table.columns.iter().enumerate() {
        let array = array(table, i, column);
        fields.push(Field::new(&*column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(table.rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|e| Error::new(Kind::Internal, e.to_string()))
}

fn cells(table: &Table, i: usize) -> impl Iterator<Item = &Cell> {
    table.rows.iter().map(move |row| row.get(i).unwrap_or(&Cell::Null))
}

/// `None` inside for null; `None` outside when a cell does not fit.
fn all<'t, T>(table: &'t Table, i: usize, fit: impl Fn(&'t Cell) -> Option<T>) -> Option<Vec<Option<T>>> {
    cells(table, i).map(|c| if matches!(c, Cell::Null) { Some(None) } else { fit(c).map(Some) }).collect()
}

fn array(table: &Table, i: usize, column: &Column) -> ArrayRef {
    let typed: Option<ArrayRef> = match column.ty {
        WireType::Bool => {
            all(table, i, |c| if let Cell::Bool(b) = c { Some(*b) } else { None }).map(|v| Arc::new(BooleanArray::from(v)) as ArrayRef)
        }
        WireType::Int => all(table, i, |c| if let Cell::Int(n) = c { i32::try_from(*n).ok() } else { None })
            .map(|v| Arc::new(Int32Array::from(v)) as ArrayRef),
        WireType::Long => {
            all(table, i, |c| if let Cell::Int(n) = c { Some(*n) } else { None }).map(|v| Arc::new(Int64Array::from(v)) as ArrayRef)
        }
        WireType::Double => {
            all(table, i, |c| if let Cell::Float(f) = c { Some(*f) } else { None }).map(|v| Arc::new(Float64Array::from(v)) as ArrayRef)
        }
        WireType::DateTime => instants(table, i),
        WireType::Text | WireType::Guid | WireType::Dynamic | WireType::Decimal | WireType::TimeSpan => None,
    };
    typed.unwrap_or_else(|| Arc::new(texts(table, i)))
}

/// Nanoseconds keep all seven digits; they reach from 1677 to 2262, so that a column with the year 1 gets microseconds.
fn instants(table: &Table, i: usize) -> Option<ArrayRef> {
    let instants = all(table, i, |c| if let Cell::Text(t) = c { t.parse::<Timestamp>().ok() } else { None })?;
    let nanoseconds: Option<Vec<_>> =
        instants.iter().map(|t| t.map_or(Some(None), |t| i64::try_from(t.as_nanosecond()).ok().map(Some))).collect();
    Some(match nanoseconds {
        Some(values) => Arc::new(TimestampNanosecondArray::from(values).with_timezone("UTC")),
        None => {
            Arc::new(TimestampMicrosecondArray::from_iter(instants.into_iter().map(|t| t.map(|t| t.as_microsecond()))).with_timezone("UTC"))
        }
    })
}

fn texts(table: &Table, i: usize) -> StringArray {
    cells(table, i)
        .map(|c| match c {
            Cell::Null => None,
            Cell::Bool(b) => Some(b.to_string()),
            Cell::Int(n) => Some(n.to_string()),
            Cell::BigInt(digits) => Some(digits.to_string()),
            Cell::Float(f) => Some(f.to_string()),
            Cell::Text(t) => Some(t.to_string()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunt::decode::decode;
    use arrow_schema::DataType;

    fn types(body: &str) -> Vec<String> {
        batch(&decode(body.as_bytes()).unwrap()).unwrap().schema().fields().iter().map(|f| f.data_type().to_string()).collect()
    }

    #[test]
    fn columns_have_the_schemas_types() {
        let body = r#"{"Schema":[{"Name":"T","Type":"DateTime"},{"Name":"B","Type":"SByte"},{"Name":"I","Type":"Int32"},{"Name":"L","Type":"Int64"},{"Name":"F","Type":"Double"},{"Name":"S","Type":"String"}],
            "Results":[{"T":"2026-11-01T00:00:00.1234567Z","B":1,"I":1,"L":2,"F":1.5,"S":"x"},{"T":null,"B":null,"I":null,"L":null,"F":null,"S":null}]}"#;
        assert_eq!(types(body), ["Timestamp(ns, \"UTC\")", "Boolean", "Int32", "Int64", "Float64", "Utf8"]);
    }

    #[test]
    fn a_column_with_a_misfit_becomes_text_and_loses_nothing() {
        let table = decode(br#"{"Schema":[{"Name":"I","Type":"Int64"}],"Results":[{"I":1},{"I":"x"},{"I":null}]}"#).unwrap();
        let batch = batch(&table).unwrap();
        assert_eq!(batch.column(0).data_type(), &DataType::Utf8);
        assert_eq!(batch.column(0).as_ref(), &StringArray::from(vec![Some("1"), Some("x"), None]) as &dyn arrow_array::Array);
    }

    #[test]
    fn the_year_one_is_kept() {
        let body = r#"{"Schema":[{"Name":"T","Type":"DateTime"}],"Results":[{"T":"0001-01-01T00:00:00Z"}]}"#;
        assert_eq!(types(body), ["Timestamp(µs, \"UTC\")"]);
    }

    #[test]
    fn rows_without_columns_keep_their_count() {
        let table = Table { rows: vec![vec![], vec![]], ..Table::default() };
        assert_eq!(batch(&table).unwrap().num_rows(), 2);
    }
}

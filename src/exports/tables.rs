//! Parquet, from columns as Arrow knows them.
//!
//! The crate has a bridge from Arrow of its own, for every type there is; that bridge is 2 MB of a wheel. An export has six types, and they are
//! written here.

use super::columns::ELEMENT;
use crate::files::Summed;
use arrow_array::{
    Array, ArrayRef, RecordBatch, StringArray,
    cast::AsArray,
    types::{Float64Type, Int64Type, TimestampNanosecondType},
};
use arrow_schema::{DataType, Schema};
use bytes::Bytes;
use parquet::{
    basic::Compression,
    data_type::{self as physical, ByteArray},
    errors::{ParquetError, Result},
    file::{
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::parser::parse_message_type,
};
use std::sync::Arc;

/// Rows of a row group: what is held until it is written. Less if they are long.
const GROUP_ROWS: usize = 64 << 10;
const GROUP_BYTES: usize = 16 << 20;

/// A file that is being written.
pub(super) struct ParquetFile {
    writer: SerializedFileWriter<Summed>,
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl ParquetFile {
    /// Begins a file.
    pub(super) fn create(out: Summed, schema: &Schema) -> Result<ParquetFile> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("xdrkit ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let message = Arc::new(parse_message_type(&message(schema))?);
        let writer = SerializedFileWriter::new(out, message, Arc::new(properties))?;
        Ok(ParquetFile { writer, waiting: Vec::new(), rows: 0, bytes: 0 })
    }

    /// Adds rows.
    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        self.waiting.push(batch);
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes what waits, and the end of the file.
    pub(super) fn finish(mut self) -> Result<Summed> {
        self.flush()?;
        self.writer.into_inner()
    }

    fn flush(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        (self.rows, self.bytes) = (0, 0);
        let Some(first) = batches.first() else { return Ok(()) };
        let mut group = self.writer.next_row_group()?;
        for i in 0..first.num_columns() {
            let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
            for batch in &batches {
                put(&mut column, batch.column(i))?;
            }
            column.close()?;
        }
        group.close().map(drop)
    }
}

/// The schema in Parquet's own words.
fn message(schema: &Schema) -> String {
    let field = |name: &str, ty: &DataType| match ty {
        DataType::Int64 => format!("optional int64 {name};"),
        DataType::Float64 => format!("optional double {name};"),
        DataType::Boolean => format!("optional boolean {name};"),
        DataType::Timestamp(..) => format!("optional int64 {name} (TIMESTAMP(NANOS,true));"),
        DataType::List(_) => {
            format!("optional group {name} (LIST) {{ repeated group list {{ optional binary {ELEMENT} (STRING); }} }}")
        }
        _ => format!("optional binary {name} (STRING);"),
    };
    let fields: Vec<String> = schema.fields().iter().map(|f| field(f.name(), f.data_type())).collect();
    format!("message rows {{ {} }}", fields.join(" "))
}

fn put(column: &mut SerializedColumnWriter<'_>, array: &ArrayRef) -> Result<()> {
    let there: Vec<i16> = (0..array.len()).map(|i| i16::from(!array.is_null(i))).collect();
    let written = match array.data_type() {
        DataType::Int64 => {
            let values: Vec<i64> = array.as_primitive::<Int64Type>().iter().flatten().collect();
            column.typed::<physical::Int64Type>().write_batch(&values, Some(&there), None)
        }
        DataType::Timestamp(..) => {
            let values: Vec<i64> = array.as_primitive::<TimestampNanosecondType>().iter().flatten().collect();
            column.typed::<physical::Int64Type>().write_batch(&values, Some(&there), None)
        }
        DataType::Float64 => {
            let values: Vec<f64> = array.as_primitive::<Float64Type>().iter().flatten().collect();
            column.typed::<physical::DoubleType>().write_batch(&values, Some(&there), None)
        }
        DataType::Boolean => {
            let values: Vec<bool> = array.as_boolean().iter().flatten().collect();
            column.typed::<physical::BoolType>().write_batch(&values, Some(&there), None)
        }
        DataType::List(_) => return put_texts(column, array),
        _ => {
            let texts = Texts::new(array.as_string());
            let values: Vec<ByteArray> = (0..array.len()).filter_map(|i| texts.get(i)).collect();
            column.typed::<physical::ByteArrayType>().write_batch(&values, Some(&there), None)
        }
    };
    written.map(drop)
}

/// Lists of texts. A level says how much of "list, item, text" is there, another whether a value goes on with the list before it.
fn put_texts(column: &mut SerializedColumnWriter<'_>, array: &ArrayRef) -> Result<()> {
    let lists = array.as_list::<i32>();
    let offsets = lists.value_offsets();
    let texts = Texts::new(lists.values().as_string());
    let (mut there, mut goes_on, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (i, (from, to)) in offsets.iter().zip(offsets.iter().skip(1)).enumerate() {
        let items = usize::try_from(*from).unwrap_or(0)..usize::try_from(*to).unwrap_or(0);
        if lists.is_null(i) || items.is_empty() {
            there.push(i16::from(!lists.is_null(i)));
            goes_on.push(0);
            continue;
        }
        for item in items.clone() {
            let text = texts.get(item);
            there.push(if text.is_some() { 3 } else { 2 });
            goes_on.push(i16::from(item > items.start));
            values.extend(text);
        }
    }
    column.typed::<physical::ByteArrayType>().write_batch(&values, Some(&there), Some(&goes_on)).map(drop)
}

/// Texts as views of one copy of their bytes: a copy for each list would be the whole batch each time.
struct Texts<'a> {
    array: &'a StringArray,
    all: Bytes,
}

impl<'a> Texts<'a> {
    fn new(array: &'a StringArray) -> Texts<'a> {
        Texts { array, all: Bytes::copy_from_slice(array.value_data()) }
    }

    fn get(&self, i: usize) -> Option<ByteArray> {
        let offsets = self.array.value_offsets();
        let offset = |i: usize| usize::try_from(*offsets.get(i)?).ok();
        let range = offset(i)?..offset(i + 1)?;
        (!self.array.is_null(i) && range.end <= self.all.len()).then(|| ByteArray::from(self.all.slice(range)))
    }
}

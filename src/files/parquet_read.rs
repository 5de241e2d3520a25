//! Parquet files of ours, read back as they were written.
//!
//! Only ours: what the columns were, how many rows there are and the digest of everything stand in the file, so that a damaged one is known
//! before any of it is believed. A file of somebody else's is refused; polars, pyarrow and DuckDB read those.

use super::{
    kind::Kind,
    parquet::{OURS, VERSION},
    whole::hex,
};
use crate::{
    error::{self, Error},
    json::{self, Value},
};
use arrow_array::{
    ArrayRef, BooleanArray, DurationNanosecondArray, Float64Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions,
    TimestampMicrosecondArray, TimestampNanosecondArray,
    builder::{Int64Builder, ListBuilder, StringBuilder, StringViewBuilder},
};
use arrow_schema::{Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::{
    column::reader::ColumnReaderImpl,
    data_type::{self as physical, ByteArray, DataType},
    file::{
        metadata::{ParquetMetaData, ParquetMetaDataReader},
        serialized_reader::SerializedPageReader,
    },
};
use ring::digest;
use std::{fmt::Display, panic, path::Path, sync::Arc};

/// What a file held.
#[derive(Clone, Debug)]
pub struct Read {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
    /// What was kept beside them.
    pub about: Value,
}

/// Reads a file that [`super::Sink::Parquet`] wrote.
pub fn read_parquet(path: &Path) -> error::Result<Read> {
    let bytes = std::fs::read(path).map_err(|e| Error::file(path, &e))?;
    let whole = Bytes::from(bytes);
    // What comes from a disk may be anything, and the crate's readers are not ours.
    let read = panic::catch_unwind(|| read(&whole)).unwrap_or_else(|_| Err(damaged("it cannot be read")));
    read.map_err(|why| Error::file(path, &std::io::Error::new(std::io::ErrorKind::InvalidData, why)))
}

type Result<T> = std::result::Result<T, String>;

fn damaged(why: impl Display) -> String {
    format!("the file is damaged: {why}")
}

/// What the file says of itself.
struct Said {
    rows: u64,
    kinds: Vec<Kind>,
    schema: SchemaRef,
    about: Value,
}

fn read(file: &Bytes) -> Result<Read> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file).map_err(|e| format!("this is no whole Parquet file: {e}"))?;
    let Said { rows, kinds, schema, about } = said(file, &metadata)?;
    let columns = metadata.file_metadata().schema_descr();
    let mut batches = Vec::with_capacity(metadata.num_row_groups());
    for group in metadata.row_groups() {
        let rows = usize::try_from(group.num_rows()).map_err(damaged)?;
        let mut arrays = Vec::with_capacity(kinds.len());
        for ((i, kind), chunk) in kinds.iter().enumerate().zip(group.columns()) {
            let pages = || SerializedPageReader::new(Arc::new(file.clone()), chunk, rows, None).map_err(damaged);
            arrays.push(Chunk { rows, pages: &pages, column: columns.column(i) }.array(*kind)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        batches.push(RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(damaged)?);
    }
    if kinds.is_empty() && rows > 0 {
        let options = RecordBatchOptions::new().with_row_count(usize::try_from(rows).ok());
        batches.push(RecordBatch::try_new_with_options(schema.clone(), Vec::new(), &options).map_err(damaged)?);
    }
    if batches.iter().map(|b| b.num_rows() as u64).sum::<u64>() != rows {
        return Err(damaged("rows are missing"));
    }
    Ok(Read { schema, batches, about })
}

fn said(file: &Bytes, metadata: &ParquetMetaData) -> Result<Said> {
    let foreign = || "the file was not written by xdrkit; read it with polars, pyarrow or DuckDB".to_owned();
    let ours = metadata.file_metadata().key_value_metadata().into_iter().flatten().find(|kv| kv.key == OURS);
    let ours = ours.and_then(|kv| kv.value.as_deref()).ok_or_else(foreign)?;
    let ours = json::parse(ours.as_bytes()).map_err(damaged)?;
    match ours.get("version").and_then(Value::as_i64) {
        Some(VERSION) => {}
        Some(other) if other > VERSION => return Err("the file was written by a newer xdrkit".to_owned()),
        _ => return Err(damaged("it has no version")),
    }
    let number = |key: &str| ours.get(key).and_then(Value::as_i64).and_then(|n| u64::try_from(n).ok()).ok_or_else(|| damaged(key));
    let (rows, bytes) = (number("rows")?, number("bytes")?);
    let columns = ours.get("columns").ok_or_else(|| damaged("it has no columns"))?;
    let about = ours.get("about").and_then(Value::as_str);
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(usize::try_from(bytes).ok().and_then(|n| file.get(..n)).ok_or_else(|| damaged("it is cut off"))?);
    digest.update(columns.to_string().as_bytes());
    digest.update(about.unwrap_or_default().as_bytes());
    if ours.get("sha256").and_then(Value::as_str) != Some(&hex(digest.finish().as_ref())) {
        return Err(damaged("it is not what was written"));
    }
    let about = about.map_or(Ok(Value::Null), |text| json::parse(text.as_bytes())).map_err(damaged)?;
    let (mut kinds, mut fields) = (Vec::new(), Vec::new());
    for (i, column) in columns.as_array().unwrap_or_default().iter().enumerate() {
        let text = |i: usize| column.as_array().and_then(|c| c.get(i)).and_then(Value::as_str);
        let (Some(name), Some(kind)) = (text(0), text(1).and_then(Kind::from_word)) else { return Err(damaged("a column is unknown")) };
        let descriptor = metadata.file_metadata().schema_descr().columns().get(i).cloned();
        if descriptor.and_then(|d| d.path().parts().first().cloned()).as_deref() != Some(name) {
            return Err(damaged("its columns are others"));
        }
        fields.push(Field::new(name, kind.arrow(), true));
        kinds.push(kind);
    }
    Ok(Said { rows, kinds, schema: Arc::new(Schema::new(fields)), about })
}

/// One column of one row group.
struct Chunk<'a> {
    rows: usize,
    pages: &'a dyn Fn() -> Result<SerializedPageReader<Bytes>>,
    column: parquet::schema::types::ColumnDescPtr,
}

impl Chunk<'_> {
    fn array(&self, kind: Kind) -> Result<ArrayRef> {
        Ok(match kind {
            Kind::Bool => Arc::new(self.flat::<physical::BoolType>()?.collect::<BooleanArray>()),
            Kind::Int => Arc::new(self.flat::<physical::Int32Type>()?.collect::<Int32Array>()),
            Kind::Long => Arc::new(self.flat::<physical::Int64Type>()?.collect::<Int64Array>()),
            Kind::Double => Arc::new(self.flat::<physical::DoubleType>()?.collect::<Float64Array>()),
            Kind::Nanoseconds => Arc::new(self.flat::<physical::Int64Type>()?.collect::<TimestampNanosecondArray>().with_timezone("UTC")),
            Kind::Microseconds => Arc::new(self.flat::<physical::Int64Type>()?.collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
            Kind::Span => Arc::new(self.flat::<physical::Int64Type>()?.collect::<DurationNanosecondArray>()),
            Kind::Text => {
                let mut builder = StringBuilder::new();
                for text in self.flat::<physical::ByteArrayType>()? {
                    builder.append_option(text.as_ref().map(utf8).transpose()?);
                }
                Arc::new(builder.finish())
            }
            Kind::View => {
                let mut builder = StringViewBuilder::new().with_deduplicate_strings();
                for text in self.flat::<physical::ByteArrayType>()? {
                    builder.append_option(text.as_ref().map(utf8).transpose()?);
                }
                Arc::new(builder.finish())
            }
            Kind::Texts => {
                let mut builder = ListBuilder::new(StringBuilder::new()).with_field(element(kind));
                self.lists::<physical::ByteArrayType>(&mut |item| {
                    match item {
                        Item::Value(text) => builder.values().append_value(utf8(&text)?),
                        Item::Null => builder.values().append_null(),
                        Item::End(there) => builder.append(there),
                    }
                    Ok(())
                })?;
                Arc::new(builder.finish())
            }
            Kind::Longs => {
                let mut builder = ListBuilder::new(Int64Builder::new()).with_field(element(kind));
                self.lists::<physical::Int64Type>(&mut |item| {
                    match item {
                        Item::Value(value) => builder.values().append_value(value),
                        Item::Null => builder.values().append_null(),
                        Item::End(there) => builder.append(there),
                    }
                    Ok(())
                })?;
                Arc::new(builder.finish())
            }
        })
    }

    fn levels<T: DataType>(&self, depth: i16) -> Result<Levels<T::T>> {
        let (deep, repeats) = (self.column.max_def_level(), self.column.max_rep_level());
        if self.column.physical_type() != T::get_physical_type() || deep != depth || repeats != i16::from(depth > 1) {
            return Err(damaged("a column has another type"));
        }
        let mut reader = ColumnReaderImpl::<T>::new(self.column.clone(), Box::new((self.pages)()?));
        let (mut values, mut there, mut goes_on) = (Vec::new(), Vec::new(), Vec::new());
        let (rows, ..) = reader.read_records(self.rows, Some(&mut there), Some(&mut goes_on), &mut values).map_err(damaged)?;
        if rows != self.rows {
            return Err(damaged("values are missing"));
        }
        Ok((values, there, goes_on))
    }

    fn flat<T: DataType>(&self) -> Result<impl Iterator<Item = Option<T::T>>> {
        let (values, there, _) = self.levels::<T>(1)?;
        let mut values = values.into_iter();
        Ok(there.into_iter().map(move |there| if there == 1 { values.next() } else { None }))
    }

    fn lists<T: DataType>(&self, each: &mut dyn FnMut(Item<T::T>) -> Result<()>) -> Result<()> {
        let (values, there, goes_on) = self.levels::<T>(3)?;
        let mut values = values.into_iter();
        let mut open = None;
        for (there, goes_on) in there.into_iter().zip(goes_on) {
            if goes_on == 0 {
                open.map_or(Ok(()), |open| each(Item::End(open)))?;
            }
            open = Some(there > 0);
            match there {
                3 => each(values.next().map_or(Item::Null, Item::Value))?,
                2 => each(Item::Null)?,
                _ => {}
            }
        }
        open.map_or(Ok(()), |open| each(Item::End(open)))
    }
}

/// Values, how much of each is there, and whether it goes on with the list before it.
type Levels<T> = (Vec<T>, Vec<i16>, Vec<i16>);

enum Item<T> {
    Value(T),
    Null,
    /// The list ends; whether it was one.
    End(bool),
}

fn element(kind: Kind) -> Arc<Field> {
    match kind.arrow() {
        arrow_schema::DataType::List(field) => field,
        other => Arc::new(Field::new(super::ELEMENT, other, true)),
    }
}

fn utf8(bytes: &ByteArray) -> Result<&str> {
    bytes.as_utf8().map_err(damaged)
}

//! Parquet, from columns as Arrow knows them.
//!
//! The crate has a bridge from Arrow of its own, for every type there is; that bridge is 2 MB of a wheel. We have eleven types, and they are
//! written here. A span is an INT64 of nanoseconds: Parquet has no word for it, but the schema in Arrow's words goes along, by which polars
//! and pyarrow know it again.
//!
//! What is needed to read a file back as it was, and to know that it is whole, stands in its metadata under [`OURS`].

use super::{
    kind::{ELEMENT, Kind},
    whole::hex,
};
use crate::json::{Value, object};
use arrow_array::{
    Array, ArrayRef, PrimitiveArray, RecordBatch,
    cast::AsArray,
    types::{
        ArrowPrimitiveType, DurationNanosecondType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType,
    },
};
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteOptions};
use arrow_schema::{Field, Schema};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use parquet::{
    basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{self as physical, ByteArray},
    errors::{ParquetError, Result},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::Type,
};
use ring::digest;
use std::{
    io::{self, Write},
    sync::Arc,
};

/// Where we keep what only we know.
pub(super) const OURS: &str = "xdrkit";
/// How what we keep there is laid out.
pub(super) const VERSION: i64 = 1;

/// Rows of a row group: what is held until it is written. Less if they are long.
const GROUP_ROWS: usize = 64 << 10;
const GROUP_BYTES: usize = 16 << 20;

/// A file that is being written.
pub struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<Digested<W>>,
    kinds: Vec<Kind>,
    names: Vec<String>,
    about: Option<String>,
    waiting: Vec<RecordBatch>,
    held: usize,
    bytes: usize,
    rows: u64,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(super) fn new(out: W, schema: &Schema, about: Option<&Value>) -> io::Result<ParquetFile<W>> {
        let kinds = schema.fields().iter().map(|f| {
            Kind::of(f.data_type()).ok_or_else(|| io::Error::other(format!("columns of type {} cannot be written", f.data_type())))
        });
        let kinds: Vec<Kind> = kinds.collect::<io::Result<_>>()?;
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by(concat!("xdrkit ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new("ARROW:schema".to_owned(), in_arrows_words(schema, &kinds))]))
            .build();
        let out = Digested { out, digest: digest::Context::new(&digest::SHA256) };
        let writer = SerializedFileWriter::new(out, Arc::new(root(schema, &kinds)?), Arc::new(properties))?;
        Ok(ParquetFile { writer, kinds, names, about: about.map(Value::to_string), waiting: Vec::new(), held: 0, bytes: 0, rows: 0 })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let each = (weight(batch) / batch.num_rows().max(1)).max(1);
        let mut from = 0;
        while from < batch.num_rows() {
            let room = (GROUP_ROWS - self.held).min(GROUP_BYTES.saturating_sub(self.bytes) / each).max(1);
            let piece = batch.slice(from, room.min(batch.num_rows() - from));
            from += piece.num_rows();
            self.held += piece.num_rows();
            self.bytes += piece.num_rows() * each;
            self.waiting.push(piece);
            if self.held >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Writes what waits, and the end of the file.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.writer.flush()?;
        let columns: Vec<Value> =
            self.names.iter().zip(&self.kinds).map(|(name, kind)| Value::Array(vec![name.as_str().into(), kind.word().into()])).collect();
        let columns = Value::Array(columns);
        let mut digest = self.writer.inner().digest.clone();
        digest.update(columns.to_string().as_bytes());
        digest.update(self.about.as_deref().unwrap_or_default().as_bytes());
        let ours = object([
            ("version", VERSION.into()),
            ("rows", i64::try_from(self.rows).map_err(io::Error::other)?.into()),
            ("bytes", i64::try_from(self.writer.bytes_written()).map_err(io::Error::other)?.into()),
            ("sha256", hex(digest.finish().as_ref()).into()),
            ("columns", columns),
            ("about", self.about.take().into()),
        ]);
        self.writer.append_key_value_metadata(KeyValue::new(OURS.to_owned(), ours.to_string()));
        Ok(self.writer.into_inner()?.out)
    }

    fn flush(&mut self) -> io::Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        self.rows += self.held as u64;
        (self.held, self.bytes) = (0, 0);
        if batches.is_empty() || self.kinds.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (i, kind) in self.kinds.iter().enumerate() {
            let mut column = group.next_column()?.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
            for batch in &batches {
                put(&mut column, *kind, batch.column(i))?;
            }
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

/// What goes through is summed up on the way.
struct Digested<W> {
    out: W,
    digest: digest::Context,
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.out.write(data)?;
        self.digest.update(data.get(..n).unwrap_or_default());
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The bytes of the values. What the arrays hold is no measure: slices share their buffers.
fn weight(batch: &RecordBatch) -> usize {
    let span = |offsets: &[i32]| match (offsets.first(), offsets.last()) {
        (Some(from), Some(to)) => usize::try_from(to - from).unwrap_or(0),
        _ => 0,
    };
    let column = |array: &ArrayRef| match Kind::of(array.data_type()) {
        Some(Kind::Text) => span(array.as_string::<i32>().value_offsets()),
        Some(Kind::View) => array.as_string_view().lengths().map(|n| n as usize).sum(),
        Some(Kind::Texts) => {
            let lists = array.as_list::<i32>();
            lists.iter().flatten().map(|l| span(l.as_string::<i32>().value_offsets())).sum()
        }
        Some(Kind::Longs) => 8 * span(array.as_list::<i32>().value_offsets()),
        _ => 8 * array.len(),
    };
    batch.columns().iter().map(column).sum()
}

fn root(schema: &Schema, kinds: &[Kind]) -> Result<Type> {
    let fields = schema.fields().iter().zip(kinds).map(|(field, kind)| Ok(Arc::new(column(field, *kind)?)));
    Type::group_type_builder("rows").with_fields(fields.collect::<Result<_>>()?).build()
}

fn column(field: &Field, kind: Kind) -> Result<Type> {
    let name = field.name();
    let optional = |ty: Physical| Type::primitive_type_builder(name, ty).with_repetition(Repetition::OPTIONAL);
    let time = |unit| optional(Physical::INT64).with_logical_type(Some(LogicalType::timestamp(true, unit))).build();
    let list = |item: Type| {
        let repeated = Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![Arc::new(item)]).build()?;
        Type::group_type_builder(name)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(ConvertedType::LIST)
            .with_logical_type(Some(LogicalType::List))
            .with_fields(vec![Arc::new(repeated)])
            .build()
    };
    let item = |ty: Physical| Type::primitive_type_builder(ELEMENT, ty).with_repetition(Repetition::OPTIONAL);
    match kind {
        Kind::Bool => optional(Physical::BOOLEAN).build(),
        Kind::Int => optional(Physical::INT32).build(),
        Kind::Long | Kind::Span => optional(Physical::INT64).build(),
        Kind::Double => optional(Physical::DOUBLE).build(),
        Kind::Text | Kind::View => {
            optional(Physical::BYTE_ARRAY).with_converted_type(ConvertedType::UTF8).with_logical_type(Some(LogicalType::String)).build()
        }
        Kind::Nanoseconds => time(TimeUnit::NANOS),
        Kind::Microseconds => time(TimeUnit::MICROS),
        Kind::Texts => {
            list(item(Physical::BYTE_ARRAY).with_converted_type(ConvertedType::UTF8).with_logical_type(Some(LogicalType::String)).build()?)
        }
        Kind::Longs => list(item(Physical::INT64).build()?),
    }
}

/// The schema as Arrow's own writers leave it. Views are texts there: older readers do not know them.
fn in_arrows_words(schema: &Schema, kinds: &[Kind]) -> String {
    let text = |kind| if kind == Kind::View { Kind::Text } else { kind };
    let fields: Vec<Field> = schema.fields().iter().zip(kinds).map(|(f, kind)| Field::new(f.name(), text(*kind).arrow(), true)).collect();
    let options = IpcWriteOptions::default();
    let message = IpcDataGenerator::default()
        .schema_to_bytes_with_dictionary_tracker(&Schema::new(fields), &mut DictionaryTracker::new(true), &options)
        .ipc_message;
    let length = u32::try_from(message.len()).unwrap_or_default().to_le_bytes();
    BASE64_STANDARD.encode([&[0xff; 4], length.as_slice(), &message].concat())
}

fn put(column: &mut SerializedColumnWriter<'_>, kind: Kind, array: &ArrayRef) -> Result<()> {
    match kind {
        Kind::Bool => {
            let values: Vec<bool> = array.as_boolean().iter().flatten().collect();
            column.typed::<physical::BoolType>().write_batch(&values, Some(&there(array)), None)?;
        }
        Kind::Int => {
            let values = values::<Int32Type>(array.as_primitive());
            column.typed::<physical::Int32Type>().write_batch(&values, Some(&there(array)), None)?;
        }
        Kind::Double => {
            let values = values::<Float64Type>(array.as_primitive());
            column.typed::<physical::DoubleType>().write_batch(&values, Some(&there(array)), None)?;
        }
        Kind::Long | Kind::Nanoseconds | Kind::Microseconds | Kind::Span => {
            let values = match kind {
                Kind::Nanoseconds => values::<TimestampNanosecondType>(array.as_primitive()),
                Kind::Microseconds => values::<TimestampMicrosecondType>(array.as_primitive()),
                Kind::Span => values::<DurationNanosecondType>(array.as_primitive()),
                _ => values::<Int64Type>(array.as_primitive()),
            };
            column.typed::<physical::Int64Type>().write_batch(&values, Some(&there(array)), None)?;
        }
        Kind::Text | Kind::View => {
            let texts = Texts::of(array);
            let values: Vec<ByteArray> = (0..array.len()).filter_map(|i| texts.get(i)).collect();
            column.typed::<physical::ByteArrayType>().write_batch(&values, Some(&there(array)), None)?;
        }
        Kind::Texts => {
            let lists = Lists::of(array);
            let texts = Texts::of(array.as_list::<i32>().values());
            let values: Vec<ByteArray> = lists.items.iter().filter_map(|i| texts.get(*i)).collect();
            column.typed::<physical::ByteArrayType>().write_batch(&values, Some(&lists.there), Some(&lists.goes_on))?;
        }
        Kind::Longs => {
            let lists = Lists::of(array);
            let all = array.as_list::<i32>().values().as_primitive::<Int64Type>();
            let values: Vec<i64> = lists.items.iter().filter(|i| all.is_valid(**i)).map(|i| all.value(*i)).collect();
            column.typed::<physical::Int64Type>().write_batch(&values, Some(&lists.there), Some(&lists.goes_on))?;
        }
    }
    Ok(())
}

fn there(array: &ArrayRef) -> Vec<i16> {
    if array.null_count() == 0 { vec![1; array.len()] } else { (0..array.len()).map(|i| i16::from(array.is_valid(i))).collect() }
}

fn values<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> Vec<T::Native> {
    if array.null_count() == 0 { array.values().to_vec() } else { array.iter().flatten().collect() }
}

/// Lists as Parquet sees them: a level says how much of "list, item, value" is there, another whether a value goes on with the list before it.
struct Lists {
    there: Vec<i16>,
    goes_on: Vec<i16>,
    /// Where the values stand, those that are null too.
    items: Vec<usize>,
}

impl Lists {
    fn of(array: &ArrayRef) -> Lists {
        let lists = array.as_list::<i32>();
        let offsets = lists.value_offsets();
        let mut all = Lists { there: Vec::new(), goes_on: Vec::new(), items: Vec::new() };
        for (i, (from, to)) in offsets.iter().zip(offsets.iter().skip(1)).enumerate() {
            let items = usize::try_from(*from).unwrap_or(0)..usize::try_from(*to).unwrap_or(0);
            if lists.is_null(i) || items.is_empty() {
                all.there.push(i16::from(lists.is_valid(i)));
                all.goes_on.push(0);
                continue;
            }
            for item in items.clone() {
                all.there.push(if lists.values().is_valid(item) { 3 } else { 2 });
                all.goes_on.push(i16::from(item > items.start));
                all.items.push(item);
            }
        }
        all
    }
}

/// Texts as views of the bytes where they lie: no text is copied on its way.
enum Texts<'a> {
    Text(&'a arrow_array::StringArray, Bytes),
    View(&'a arrow_array::StringViewArray, Bytes, Vec<Bytes>),
}

impl<'a> Texts<'a> {
    fn of(array: &'a ArrayRef) -> Texts<'a> {
        match array.as_string_opt::<i32>() {
            Some(texts) => Texts::Text(texts, Bytes::from_owner(texts.values().clone())),
            None => {
                let views = array.as_string_view();
                let blocks = views.data_buffers().iter().map(|b| Bytes::from_owner(b.clone())).collect();
                Texts::View(views, Bytes::from_owner(views.views().inner().clone()), blocks)
            }
        }
    }

    fn get(&self, i: usize) -> Option<ByteArray> {
        match self {
            Texts::Text(array, all) => {
                let offset = |i: usize| usize::try_from(*array.value_offsets().get(i)?).ok();
                let range = offset(i)?..offset(i + 1)?;
                (array.is_valid(i) && range.end <= all.len()).then(|| ByteArray::from(all.slice(range)))
            }
            Texts::View(array, views, blocks) => {
                // A view: its length, then the text itself if it has at most twelve bytes, else four of them, the block and the place there.
                let view = array.views().get(i).filter(|_| array.is_valid(i))?.to_le_bytes();
                let word = |at: usize| Some(u32::from_le_bytes(view.get(at..at + 4)?.try_into().ok()?) as usize);
                let length = word(0)?;
                let (from, start) = if length <= 12 { (views, 16 * i + 4) } else { (blocks.get(word(8)?)?, word(12)?) };
                (start + length <= from.len()).then(|| ByteArray::from(from.slice(start..start + length)))
            }
        }
    }
}

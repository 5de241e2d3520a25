//! Rows on their way into columns.

use super::layout::{Keys, Layout, Type, element};
use crate::{
    error::{Error, Kind, Result},
    json::{Object, Value},
};
use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{
        BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
    },
};
use arrow_schema::DataType;
use jiff::{Timestamp, civil, tz::TimeZone};
use std::sync::Arc;

/// Columns that are being filled.
pub struct Columns {
    layout: Arc<Layout>,
    builders: Vec<Builder>,
    more: StringBuilder,
    keys: Keys,
    /// The row that each column was last filled for.
    filled: Vec<usize>,
    /// Whether something did not fit a column.
    misfits: Vec<bool>,
    rows: usize,
}

enum Builder {
    Text(StringBuilder),
    Json(StringBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Time(TimestampNanosecondBuilder),
    FarTime(TimestampMicrosecondBuilder),
    Texts(ListBuilder<StringBuilder>),
    Ints(ListBuilder<Int64Builder>),
}

impl Columns {
    /// No rows yet.
    pub fn new(layout: Arc<Layout>) -> Columns {
        let builders: Vec<_> = layout.columns.iter().map(|(_, ty)| Builder::new(*ty)).collect();
        let (filled, misfits) = (vec![0; builders.len()], vec![false; builders.len()]);
        Columns { layout, builders, more: StringBuilder::new(), keys: Keys::default(), filled, misfits, rows: 0 }
    }

    /// How many rows are held.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row.
    pub fn add(&mut self, row: &Value) {
        self.rows += 1;
        let mut more = Object::new();
        match row {
            Value::Object(members) => members.iter().for_each(|(key, value)| self.member(key, value, &mut more)),
            other => self.member("value", other, &mut more),
        }
        for (builder, filled) in self.builders.iter_mut().zip(&self.filled) {
            if *filled < self.rows {
                builder.add(&Value::Null);
            }
        }
        self.more.append_option((!more.is_empty()).then(|| Value::Object(more).to_string()));
    }

    fn member(&mut self, key: &str, value: &Value, more: &mut Object) {
        let column = self.keys.column(&self.layout, key);
        let place = column.and_then(|i| Some((self.builders.get_mut(i)?, self.filled.get_mut(i)?, self.misfits.get_mut(i)?)));
        let fits = place.is_some_and(|(builder, filled, misfit)| {
            if *filled >= self.rows {
                // The same key in another letter case.
                return false;
            }
            let fits = builder.add(value);
            *misfit |= !fits;
            *filled = if fits { self.rows } else { *filled };
            fits
        });
        if !fits {
            more.insert(key.to_owned(), value.clone());
        }
    }

    /// The rows so far as one batch; the next row begins another.
    pub fn take(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        self.filled.fill(0);
        self.misfits.fill(false);
        let mut arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        arrays.push(Arc::new(self.more.finish()));
        RecordBatch::try_new(self.layout.schema(), arrays).map_err(|e| Error::new(Kind::Internal, e.to_string()))
    }

    /// Rows as one table that stands alone: columns in which something does not fit become text, and [`super::MORE`] is there if it holds anything.
    pub fn of(layout: &Layout, rows: &[Value]) -> Result<RecordBatch> {
        let mut layout = layout.clone();
        loop {
            let mut columns = Columns::new(Arc::new(layout.clone()));
            rows.iter().for_each(|row| columns.add(row));
            let misfits = std::mem::take(&mut columns.misfits);
            if misfits.contains(&true) {
                let widened = layout.columns.iter().zip(misfits).map(|((name, ty), misfit)| (*name, if misfit { ty.wider() } else { *ty }));
                layout = Layout::new(widened.collect());
                continue;
            }
            let batch = columns.take()?;
            let more = batch.num_columns() - 1;
            if batch.column(more).null_count() < rows.len() {
                return Ok(batch);
            }
            let kept: Vec<usize> = (0..more).collect();
            return batch.project(&kept).map_err(|e| Error::new(Kind::Internal, e.to_string()));
        }
    }
}

impl Builder {
    fn new(ty: Type) -> Builder {
        match ty {
            Type::Text => Builder::Text(StringBuilder::new()),
            Type::Json => Builder::Json(StringBuilder::new()),
            Type::Bool => Builder::Bool(BooleanBuilder::new()),
            Type::Int => Builder::Int(Int64Builder::new()),
            Type::Float => Builder::Float(Float64Builder::new()),
            Type::Time => Builder::Time(TimestampNanosecondBuilder::new().with_timezone("UTC")),
            Type::FarTime => Builder::FarTime(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Type::Texts => Builder::Texts(ListBuilder::new(StringBuilder::new()).with_field(element(DataType::Utf8))),
            Type::Ints => Builder::Ints(ListBuilder::new(Int64Builder::new()).with_field(element(DataType::Int64))),
        }
    }

    /// Adds a value, if it fits.
    fn add(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Builder::Text(b), Value::String(s)) => b.append_value(s),
            // Objects come as they are here, and as text there.
            (Builder::Json(b), Value::String(s)) if s.starts_with(['{', '[']) => b.append_value(s),
            (Builder::Text(b) | Builder::Json(b), Value::Null) => b.append_null(),
            (Builder::Text(b) | Builder::Json(b), other) => b.append_value(other.to_string()),
            (Builder::Bool(b), Value::Null) => b.append_null(),
            (Builder::Bool(b), value) => return truth(value).map(|v| b.append_option(v)).is_some(),
            (Builder::Int(b), Value::Null) => b.append_null(),
            (Builder::Int(b), value) => return whole(value).map(|n| b.append_value(n)).is_some(),
            (Builder::Float(b), Value::Null) => b.append_null(),
            (Builder::Float(b), value) => return number(value).map(|n| b.append_value(n)).is_some(),
            (Builder::Time(b), Value::Null) => b.append_null(),
            (Builder::Time(b), value) => {
                let Some(time) = value.as_str().and_then(moment) else { return false };
                let Ok(time) = time.map(|t| i64::try_from(nanoseconds(t))).transpose() else { return false };
                b.append_option(time);
            }
            (Builder::FarTime(b), Value::Null) => b.append_null(),
            (Builder::FarTime(b), value) => {
                let time = value.as_str().and_then(moment);
                return time.map(|t| b.append_option(t.and_then(|t| i64::try_from(nanoseconds(t).div_euclid(1000)).ok()))).is_some();
            }
            (Builder::Texts(b), Value::Null) => b.append_null(),
            (Builder::Texts(b), Value::Array(items)) if items.iter().all(|i| matches!(i, Value::String(_) | Value::Null)) => {
                b.append_value(items.iter().map(Value::as_str));
            }
            (Builder::Ints(b), Value::Null) => b.append_null(),
            (Builder::Ints(b), Value::Array(items)) if items.iter().all(|i| matches!(i, Value::Int(_) | Value::Null)) => {
                b.append_value(items.iter().map(Value::as_i64));
            }
            (Builder::Texts(_) | Builder::Ints(_), _) => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(b) | Builder::Json(b) => Arc::new(b.finish()),
            Builder::Bool(b) => Arc::new(b.finish()),
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Float(b) => Arc::new(b.finish()),
            Builder::Time(b) => Arc::new(b.finish()),
            Builder::FarTime(b) => Arc::new(b.finish()),
            Builder::Texts(b) => Arc::new(b.finish()),
            Builder::Ints(b) => Arc::new(b.finish()),
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::String(s) => s.parse().ok().filter(|n: &i64| n.to_string() == **s),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    const EXACT: i64 = 1 << 53;
    match value {
        Value::Float(f) => Some(*f),
        Value::Int(n) if (-EXACT..=EXACT).contains(n) => Some(*n as f64),
        _ => None,
    }
}

/// `None` inside for what says that nobody knows.
fn truth(value: &Value) -> Option<Option<bool>> {
    match value {
        Value::Bool(b) => Some(Some(*b)),
        Value::String(s) => match s.to_ascii_lowercase().as_str() {
            "true" => Some(Some(true)),
            "false" => Some(Some(false)),
            "unknown" | "" => Some(None),
            _ => None,
        },
        _ => None,
    }
}

/// A moment in UTC. Without a zone it is UTC; an empty text and the year 1 mean that there is none.
fn moment(text: &str) -> Option<Option<civil::DateTime>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with("0001-01-01") {
        return Some(None);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Some(at.to_zoned(TimeZone::UTC).datetime()));
    }
    text.strip_suffix('Z').unwrap_or(text).parse().ok().map(Some)
}

fn nanoseconds(at: civil::DateTime) -> i128 {
    at.duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_nanos()
}

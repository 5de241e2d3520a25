//! Rows on their way into columns.

use super::layout::{Keys, Layout, Type, element};
use crate::{
    decode::{
        scan::{Cursor, Token, unescape},
        time,
    },
    error::{Error, Kind, Result},
    json::{self, JsonError, Object, Value},
};
use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{
        BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, TimestampMicrosecondBuilder, TimestampNanosecondBuilder,
    },
};
use arrow_schema::DataType;
use jiff::{Timestamp, civil, tz::TimeZone};
use std::{borrow::Cow, sync::Arc};

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
    /// The keys of a row as they stand, with quotation marks and colon, in their usual order.
    expected: Vec<(Box<[u8]>, usize)>,
    rows: usize,
}

/// A value on its way into a column.
enum Cell<'a> {
    Text(Cow<'a, str>),
    Other(Cow<'a, Value>),
}

impl<'a> Cell<'a> {
    fn of(value: &'a Value) -> Cell<'a> {
        if let Value::String(text) = value { Cell::Text(text.into()) } else { Cell::Other(Cow::Borrowed(value)) }
    }

    /// What was found in a text; `None` where the general reader has to look at it.
    fn read(token: Token<'a>) -> Option<Cell<'a>> {
        Some(match token {
            Token::Text(raw) if !raw.escaped => Cell::Text(std::str::from_utf8(raw.bytes).ok()?.into()),
            Token::Text(raw) => {
                let mut text = String::new();
                unescape(raw, &mut text).ok()?;
                Cell::Text(text.into())
            }
            Token::Null => Cell::Other(Cow::Owned(Value::Null)),
            Token::Bool(truth) => Cell::Other(Cow::Owned(Value::Bool(truth))),
            Token::Number(bytes) | Token::Nested(bytes) => Cell::Other(Cow::Owned(json::parse(bytes).ok()?)),
        })
    }

    fn into_value(self) -> Value {
        match self {
            Cell::Text(text) => Value::String(text.into_owned()),
            Cell::Other(value) => value.into_owned(),
        }
    }
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
        Columns { layout, builders, more: StringBuilder::new(), keys: Keys::default(), filled, misfits, expected: Vec::new(), rows: 0 }
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
        let mut more = Object::new();
        self.rows += 1;
        match row {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                let column = self.keys.column(&self.layout, key);
                self.put(column, key, Cell::of(value), &mut more);
            }),
            other => {
                let column = self.keys.column(&self.layout, "value");
                self.put(column, "value", Cell::of(other), &mut more);
            }
        }
        self.end_row(more);
    }

    /// Adds a row from its text, a JSON object.
    pub fn line(&mut self, text: &[u8]) -> std::result::Result<(), JsonError> {
        let Some(cells) = self.cells(text) else {
            self.add(&json::parse(text)?);
            return Ok(());
        };
        let mut more = Object::new();
        self.rows += 1;
        for (column, key, cell) in cells {
            self.put(Some(column), key, cell, &mut more);
        }
        self.end_row(more);
        Ok(())
    }

    /// The cells of a row that has nothing unusual, in one pass and without a tree; `None` where the general reader has to look at it.
    fn cells<'t>(&mut self, text: &'t [u8]) -> Option<Vec<(usize, &'t str, Cell<'t>)>> {
        let mut cursor = Cursor::new(text);
        let mut cells = Vec::with_capacity(self.builders.len());
        let mut seen = 0u128;
        cursor.expect(b'{', "").ok()?;
        loop {
            cursor.space();
            let rest = cursor.rest();
            let (column, key) = match self.expected.get(cells.len()) {
                Some((expected, column)) if rest.starts_with(expected) => {
                    cursor.skip(expected.len());
                    (*column, rest.get(1..expected.len() - 2)?)
                }
                known => {
                    let new = known.is_none();
                    let raw = cursor.text("").ok().filter(|raw| !raw.escaped)?;
                    cursor.expect(b':', "").ok()?;
                    let column = self.keys.column(&self.layout, std::str::from_utf8(raw.bytes).ok()?)?;
                    let tight = rest.get(..raw.bytes.len() + 3).filter(|key| key.ends_with(b":"));
                    if let Some(key) = tight.filter(|_| new) {
                        self.expected.push((key.into(), column));
                    }
                    (column, raw.bytes)
                }
            };
            // A key that comes twice has rules of its own.
            let bit = 1u128.checked_shl(u32::try_from(column).ok()?)?;
            if seen & bit != 0 {
                return None;
            }
            seen |= bit;
            cells.push((column, std::str::from_utf8(key).ok()?, Cell::read(cursor.value().ok()?)?));
            match cursor.solid().ok()? {
                b',' => cursor.skip(1),
                b'}' => break,
                _ => return None,
            }
        }
        cursor.skip(1);
        cursor.space();
        cursor.rest().is_empty().then_some(cells)
    }

    #[cfg(test)]
    pub(super) fn goes_short(&mut self, text: &[u8]) -> bool {
        self.cells(text).is_some()
    }

    fn put(&mut self, column: Option<usize>, key: &str, cell: Cell<'_>, more: &mut Object) {
        let place = column.and_then(|i| Some((self.builders.get_mut(i)?, self.filled.get_mut(i)?, self.misfits.get_mut(i)?)));
        let fits = place.is_some_and(|(builder, filled, misfit)| {
            if *filled >= self.rows {
                // The same key in another letter case.
                return false;
            }
            let fits = match &cell {
                Cell::Text(text) => builder.add_text(text),
                Cell::Other(value) => builder.add(value),
            };
            *misfit |= !fits;
            *filled = if fits { self.rows } else { *filled };
            fits
        });
        if !fits {
            more.insert(key.to_owned(), cell.into_value());
        }
    }

    fn end_row(&mut self, more: Object) {
        for (builder, filled) in self.builders.iter_mut().zip(&self.filled) {
            if *filled < self.rows {
                builder.add(&Value::Null);
            }
        }
        self.more.append_option((!more.is_empty()).then(|| Value::Object(more).to_string()));
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

    /// Adds a text, if it fits.
    fn add_text(&mut self, text: &str) -> bool {
        match self {
            Builder::Text(b) => b.append_value(text),
            // Objects come as they are here, and as text there.
            Builder::Json(b) if text.starts_with(['{', '[']) => b.append_value(text),
            Builder::Json(b) => b.append_value(Value::from(text).to_string()),
            Builder::Bool(b) => return truth(text).map(|v| b.append_option(v)).is_some(),
            Builder::Int(b) => {
                let whole = text.parse().ok().filter(|n: &i64| n.to_string() == text);
                return whole.map(|n| b.append_value(n)).is_some();
            }
            Builder::Time(b) => {
                let Some(Ok(time)) = moment(text).map(|t| t.map(i64::try_from).transpose()) else { return false };
                b.append_option(time);
            }
            Builder::FarTime(b) => {
                let Some(Ok(time)) = moment(text).map(|t| t.map(|ns| i64::try_from(ns.div_euclid(1000))).transpose()) else { return false };
                b.append_option(time);
            }
            Builder::Float(_) | Builder::Texts(_) | Builder::Ints(_) => return false,
        }
        true
    }

    /// Adds a value, if it fits.
    fn add(&mut self, value: &Value) -> bool {
        match (self, value) {
            (builder, Value::String(text)) => return builder.add_text(text),
            (builder, Value::Null) => builder.add_null(),
            (Builder::Text(b) | Builder::Json(b), other) => b.append_value(other.to_string()),
            (Builder::Bool(b), Value::Bool(truth)) => b.append_value(*truth),
            (Builder::Int(b), Value::Int(n)) => b.append_value(*n),
            (Builder::Float(b), value) => return number(value).map(|n| b.append_value(n)).is_some(),
            (Builder::Texts(b), Value::Array(items)) if items.iter().all(|i| matches!(i, Value::String(_) | Value::Null)) => {
                b.append_value(items.iter().map(Value::as_str));
            }
            (Builder::Ints(b), Value::Array(items)) if items.iter().all(|i| matches!(i, Value::Int(_) | Value::Null)) => {
                b.append_value(items.iter().map(Value::as_i64));
            }
            _ => return false,
        }
        true
    }

    fn add_null(&mut self) {
        match self {
            Builder::Text(b) | Builder::Json(b) => b.append_null(),
            Builder::Bool(b) => b.append_null(),
            Builder::Int(b) => b.append_null(),
            Builder::Float(b) => b.append_null(),
            Builder::Time(b) => b.append_null(),
            Builder::FarTime(b) => b.append_null(),
            Builder::Texts(b) => b.append_null(),
            Builder::Ints(b) => b.append_null(),
        }
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

fn number(value: &Value) -> Option<f64> {
    const EXACT: i64 = 1 << 53;
    match value {
        Value::Float(f) => Some(*f),
        Value::Int(n) if (-EXACT..=EXACT).contains(n) => Some(*n as f64),
        _ => None,
    }
}

/// `None` inside for what says that nobody knows.
fn truth(text: &str) -> Option<Option<bool>> {
    match text {
        "" => Some(None),
        _ if text.eq_ignore_ascii_case("true") => Some(Some(true)),
        _ if text.eq_ignore_ascii_case("false") => Some(Some(false)),
        _ if text.eq_ignore_ascii_case("unknown") => Some(None),
        _ => None,
    }
}

/// A moment in nanoseconds since 1970. Without a zone it is UTC; an empty text and the year 1 mean that there is none.
fn moment(text: &str) -> Option<Option<i128>> {
    let text = text.trim();
    if text.is_empty() || text.starts_with("0001-01-01") {
        return Some(None);
    }
    if let Some(ticks) = time::moment(text.as_bytes()) {
        return Some(Some(i128::from(ticks) * 100));
    }
    // What the services write seldom: other forms of ISO 8601.
    let at = match text.parse::<Timestamp>() {
        Ok(at) => at.to_zoned(TimeZone::UTC).datetime(),
        Err(_) => text.strip_suffix('Z').unwrap_or(text).parse().ok()?,
    };
    Some(Some(at.duration_since(civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_nanos()))
}

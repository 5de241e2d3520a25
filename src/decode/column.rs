//! One column while its cells arrive.
//!
//! A cell that does not fit the column's type is put aside as it stands (`odd`): dicts give it back as it came, and Arrow columns that
//! hold one become text.

use super::{
    dynamic::{compact, compact_inside},
    scan::{Raw, Token, unescape},
    text::TextBuilder,
    time,
};
use crate::{
    json::write_string,
    table::{Odd, WireType},
};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder};
use std::sync::Arc;

type Fits = Result<bool, (usize, &'static str)>;

#[derive(Debug)]
pub(crate) struct Builder {
    ty: WireType,
    cells: Cells,
    nulls: NullBufferBuilder,
    odd: Vec<Odd>,
    scratch: String,
}

#[derive(Debug)]
enum Cells {
    Text(TextBuilder),
    Bool(BooleanBufferBuilder),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Double(Vec<f64>),
}

impl Builder {
    /// An empty column whose first `rows` cells are null.
    pub(crate) fn new(ty: WireType, rows: usize) -> Builder {
        let cells = match ty {
            WireType::Bool => Cells::Bool(BooleanBufferBuilder::new(0)),
            WireType::Int => Cells::Int(Vec::new()),
            WireType::Long | WireType::DateTime | WireType::TimeSpan => Cells::Long(Vec::new()),
            WireType::Double => Cells::Double(Vec::new()),
            WireType::Text | WireType::Guid | WireType::Decimal | WireType::Dynamic => Cells::Text(TextBuilder::new()),
        };
        let mut new = Builder { ty, cells, nulls: NullBufferBuilder::new(0), odd: Vec::new(), scratch: String::new() };
        for _ in 0..rows {
            new.push_null();
        }
        new
    }

    pub(crate) fn len(&self) -> usize {
        self.nulls.len()
    }

    pub(crate) fn push_null(&mut self) {
        match &mut self.cells {
            Cells::Text(texts) => texts.push_empty(),
            Cells::Bool(bits) => bits.append(false),
            Cells::Int(values) => values.push(0),
            Cells::Long(values) => values.push(0),
            Cells::Double(values) => values.push(0.0),
        }
        self.nulls.append_null();
    }

    /// Forgets all rows past these.
    pub(crate) fn truncate(&mut self, rows: usize) {
        match &mut self.cells {
            Cells::Text(texts) => texts.truncate(rows),
            Cells::Bool(bits) => bits.truncate(rows),
            Cells::Int(values) => values.truncate(rows),
            Cells::Long(values) => values.truncate(rows),
            Cells::Double(values) => values.truncate(rows),
        }
        self.nulls.truncate(rows);
        while self.odd.last().is_some_and(|odd| odd.row as usize >= rows) {
            self.odd.pop();
        }
    }

    /// Appends a cell. `encoded` says that a list holds JSON in texts. An error is a text that is none, counted from the token's first byte.
    pub(crate) fn push(&mut self, token: Token<'_>, encoded: bool) -> Result<(), (usize, &'static str)> {
        // Graph says null with an empty object.
        let empty = |nested: &[u8]| nested.strip_prefix(b"{").and_then(|n| n.strip_suffix(b"}")).is_some_and(|n| n.trim_ascii().is_empty());
        match token {
            Token::Null => self.push_null(),
            Token::Nested(nested) if empty(nested) => self.push_null(),
            token => {
                let fits = match &mut self.cells {
                    Cells::Text(texts) => match (self.ty, token) {
                        (WireType::Dynamic, token) => dynamic(token, encoded, texts, &mut self.scratch)?,
                        (_, Token::Text(raw)) => {
                            texts.push_raw(raw)?;
                            true
                        }
                        (_, token) => {
                            self.scratch.clear();
                            compact(token, encoded, &mut self.scratch)?;
                            texts.push_bytes(self.scratch.as_bytes());
                            if !matches!(token, Token::Nested(_)) {
                                self.odd.push(Odd { row: self.nulls.len() as u32, json: self.scratch.as_str().into() });
                            }
                            true
                        }
                    },
                    Cells::Bool(bits) => boolean(token).map(|b| bits.append(b)).is_some(),
                    Cells::Int(values) => integer(token).and_then(|n| i32::try_from(n).ok()).map(|n| values.push(n)).is_some(),
                    Cells::Long(values) => match (self.ty, token) {
                        (WireType::Long, token) => integer(token).map(|n| values.push(n)).is_some(),
                        (WireType::DateTime, Token::Text(raw)) => time::moment(raw.bytes).map(|t| values.push(t)).is_some(),
                        (WireType::TimeSpan, Token::Text(raw)) => time::span(raw.bytes).map(|t| values.push(t)).is_some(),
                        _ => false,
                    },
                    Cells::Double(values) => double(token).map(|f| values.push(f)).is_some(),
                };
                if fits {
                    self.nulls.append_non_null();
                } else {
                    self.put_aside(token, encoded)?;
                }
            }
        }
        Ok(())
    }

    fn put_aside(&mut self, token: Token<'_>, encoded: bool) -> Result<(), (usize, &'static str)> {
        let mut json = String::new();
        match token {
            // What is nested is told as text, like a dynamic value.
            Token::Nested(_) => {
                let mut inside = String::new();
                compact(token, encoded, &mut inside)?;
                write_string(&inside, &mut json);
            }
            token => compact(token, encoded, &mut json)?,
        }
        self.push_null();
        self.odd.push(Odd { row: self.nulls.len() as u32 - 1, json: json.into() });
        Ok(())
    }

    /// The column so far; the next begins with nothing.
    pub(crate) fn take(&mut self) -> (ArrayRef, Vec<Odd>) {
        let nulls = self.nulls.finish();
        let array: ArrayRef = match &mut self.cells {
            Cells::Text(texts) => Arc::new(texts.take(nulls)),
            Cells::Bool(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Cells::Int(values) => Arc::new(Int32Array::new(fitted(values).into(), nulls)),
            Cells::Long(values) => Arc::new(Int64Array::new(fitted(values).into(), nulls)),
            Cells::Double(values) => Arc::new(Float64Array::new(fitted(values).into(), nulls)),
        };
        (array, std::mem::take(&mut self.odd))
    }
}

fn fitted<T>(values: &mut Vec<T>) -> Vec<T> {
    let capacity = values.len();
    let mut values = std::mem::replace(values, Vec::with_capacity(capacity));
    values.shrink_to_fit();
    values
}

fn dynamic(token: Token<'_>, encoded: bool, texts: &mut TextBuilder, scratch: &mut String) -> Fits {
    scratch.clear();
    match token {
        // The older endpoints send JSON text; what does not parse is text that the query made.
        Token::Text(raw) => {
            let mut inside = String::new();
            unescape(raw, &mut inside)?;
            if !compact_inside(&inside, scratch) {
                scratch.push_str(&inside);
            }
        }
        token => compact(token, encoded, scratch)?,
    }
    texts.push_bytes(scratch.as_bytes());
    Ok(true)
}

fn boolean(token: Token<'_>) -> Option<bool> {
    match token {
        Token::Bool(b) => Some(b),
        Token::Number(digits) => match digits_of(digits)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Token::Text(Raw { bytes, .. }) if bytes.eq_ignore_ascii_case(b"true") => Some(true),
        Token::Text(Raw { bytes, .. }) if bytes.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}

/// OData writes integers of 64 bits as text where a reader might round them.
fn integer(token: Token<'_>) -> Option<i64> {
    match token {
        Token::Number(digits) => digits_of(digits),
        Token::Text(raw) if super::scan::is_number(raw.bytes) => digits_of(raw.bytes),
        _ => None,
    }
}

fn digits_of(digits: &[u8]) -> Option<i64> {
    let (negative, digits) = digits.strip_prefix(b"-").map_or((false, digits), |rest| (true, rest));
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut sum = 0i64;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|d| *d < 10)?;
        let more = i64::from(digit);
        sum = sum.checked_mul(10)?;
        sum = if negative { sum.checked_sub(more)? } else { sum.checked_add(more)? };
    }
    Some(sum)
}

fn double(token: Token<'_>) -> Option<f64> {
    match token {
        Token::Number(digits) => finite(digits),
        Token::Text(Raw { bytes, .. }) => match bytes {
            b"NaN" => Some(f64::NAN),
            b"Infinity" | b"INF" | b"+Infinity" => Some(f64::INFINITY),
            b"-Infinity" | b"-INF" => Some(f64::NEG_INFINITY),
            bytes if super::scan::is_number(bytes) => finite(bytes),
            _ => None,
        },
        _ => None,
    }
}

/// A number whose size a float can say.
fn finite(digits: &[u8]) -> Option<f64> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|f: &f64| f.is_finite())
}

//! Rows in typed columns: what hunting found, in the form in which it is kept.
//!
//! Columns are Arrow arrays in chunks. Moments and spans are kept as ticks of 100 ns, since nanoseconds do not reach over the calendar; a cell
//! that did not fit its column is null there and stands beside it as it came. [`Table::batches`] makes of it what other libraries read.

mod arrow;
mod foreign;
#[cfg(test)]
mod tests;

pub use arrow::Texts;
pub(crate) use arrow::write_any;
#[cfg(any(test, fuzzing, feature = "python"))]
pub(crate) use arrow::write_cell;
pub use foreign::taken;

use arrow_array::ArrayRef;
use std::sync::Arc;

/// What a column holds, by the response's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireType {
    /// `SByte`, `Boolean`
    Bool,
    /// `Int16`, `Int32`, `Byte`, `UInt16`
    Int,
    /// `Int64`, `UInt32`, `UInt64`
    Long,
    /// `Double`, `Single`
    Double,
    /// `Decimal`: exact, so kept as text.
    Decimal,
    /// `DateTime`: in the array, ticks of 100 ns since 1970.
    DateTime,
    /// `TimeSpan`: in the array, ticks of 100 ns.
    TimeSpan,
    /// `Guid`: text.
    Guid,
    /// `Object`: compact JSON text.
    Dynamic,
    /// `String`, and whatever is new.
    Text,
}

impl WireType {
    /// The meaning of a service's word.
    pub fn from_name(name: &str) -> WireType {
        // Some answers write the type with its .NET namespace.
        match name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase().as_str() {
            "sbyte" | "boolean" | "bool" => WireType::Bool,
            "int16" | "int32" | "byte" | "uint16" | "int" => WireType::Int,
            "int64" | "uint32" | "uint64" | "long" => WireType::Long,
            "double" | "single" | "real" => WireType::Double,
            "decimal" | "sqldecimal" => WireType::Decimal,
            "datetime" | "datetimeoffset" => WireType::DateTime,
            "timespan" => WireType::TimeSpan,
            "guid" => WireType::Guid,
            "object" | "dynamic" => WireType::Dynamic,
            _ => WireType::Text,
        }
    }

    /// Whether the array holds texts.
    pub fn is_text(self) -> bool {
        matches!(self, WireType::Text | WireType::Guid | WireType::Decimal | WireType::Dynamic)
    }
}

/// A column's name and type.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: Arc<str>,
    /// Its type in the response's own word.
    pub wire: Arc<str>,
    /// What that means.
    pub ty: WireType,
}

/// A cell that did not fit its column's type: its row in the chunk, and JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Odd {
    /// The row.
    pub row: u32,
    /// The value.
    pub json: Box<str>,
}

/// Some rows.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// How many.
    pub rows: usize,
    /// A column each. There may be fewer than the table has: those that came later are null here.
    pub arrays: Vec<ArrayRef>,
    /// The cells that did not fit, for each array, by rising rows.
    pub odd: Vec<Vec<Odd>>,
}

/// Rows in columns.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    chunks: Vec<Chunk>,
    rows: usize,
}

impl Table {
    /// From chunks whose arrays are the first of these columns, in the forms that [`WireType`] tells.
    pub(crate) fn new(columns: Vec<Column>, mut chunks: Vec<Chunk>) -> Table {
        for chunk in &mut chunks {
            for column in columns.iter().skip(chunk.arrays.len()) {
                chunk.arrays.push(arrow::nulls(column.ty, chunk.rows));
            }
            chunk.odd.resize(columns.len(), Vec::new());
        }
        let rows = chunks.iter().map(|c| c.rows).sum();
        Table { columns, chunks, rows }
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, in pieces; every piece has an array for every column.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The chunk that holds a row, and the row's number in it.
    pub fn find(&self, mut row: usize) -> Option<(&Chunk, usize)> {
        for chunk in &self.chunks {
            if row < chunk.rows {
                return Some((chunk, row));
            }
            row -= chunk.rows;
        }
        None
    }

    /// The cells of a row as texts.
    pub fn texts(&self, row: usize) -> Vec<Option<String>> {
        let Some((chunk, row)) = self.find(row) else { return Vec::new() };
        let parts = self.columns.iter().zip(&chunk.arrays).zip(&chunk.odd);
        parts
            .map(|((column, array), odd)| {
                let mut text = String::new();
                arrow::write_any(column.ty, array, odd, row, &mut text).then_some(text)
            })
            .collect()
    }

    /// Some of the rows; nothing is copied.
    pub fn slice(&self, start: usize, length: usize) -> Table {
        let (mut skip, mut left) = (start, length);
        let mut chunks = Vec::new();
        for chunk in &self.chunks {
            let from = skip.min(chunk.rows);
            let count = (chunk.rows - from).min(left);
            skip -= from;
            left -= count;
            if count > 0 {
                let rows = from as u32..(from + count) as u32;
                let cut = |odd: &Vec<Odd>| {
                    odd.iter().filter(|o| rows.contains(&o.row)).map(|o| Odd { row: o.row - rows.start, json: o.json.clone() }).collect()
                };
                let arrays = chunk.arrays.iter().map(|a| a.slice(from, count)).collect();
                chunks.push(Chunk { rows: count, arrays, odd: chunk.odd.iter().map(cut).collect() });
            }
        }
        Table::new(self.columns.clone(), chunks)
    }

    /// All rows of several tables, one after the other. Columns are those of all of them by name, in the order in which they come; where tables
    /// do not agree on a type, the column is text.
    pub fn concat(tables: &[Table]) -> Table {
        let mut columns: Vec<Column> = Vec::new();
        for column in tables.iter().flat_map(|t| &t.columns) {
            match columns.iter_mut().find(|c| c.name == column.name) {
                None => columns.push(column.clone()),
                Some(known) if known.ty != column.ty => *known = Column { wire: "String".into(), ty: WireType::Text, ..column.clone() },
                Some(_) => {}
            }
        }
        let mut chunks = Vec::new();
        for table in tables {
            let places: Vec<Option<usize>> = columns.iter().map(|c| table.columns.iter().position(|own| own.name == c.name)).collect();
            for chunk in &table.chunks {
                let mut whole = Chunk { rows: chunk.rows, ..Chunk::default() };
                for (column, place) in columns.iter().zip(&places) {
                    let found = place.and_then(|i| Some((table.columns.get(i)?, chunk.arrays.get(i)?, chunk.odd.get(i)?)));
                    let (array, odd) = match found {
                        None => (arrow::nulls(column.ty, chunk.rows), Vec::new()),
                        Some((own, array, odd)) if own.ty == column.ty => (array.clone(), odd.clone()),
                        Some((own, array, odd)) => (arrow::as_text(own.ty, array, odd), odd.clone()),
                    };
                    whole.arrays.push(array);
                    whole.odd.push(odd);
                }
                chunks.push(whole);
            }
        }
        Table::new(columns, chunks)
    }
}

//! From the bytes of an answer to columns, while they arrive.
//!
//! One pass: a row goes from the body into typed columns without anything in between. The three hunting endpoints say the same in three ways
//! (capital or small keys, booleans as 0 and 1, null as `{}`, dynamic values as JSON text or as objects full of `@odata.type`); the response's
//! own schema decides what a value means. What does not fit it is kept and never dropped. The rules stand in `reference.rs`, where a slow and
//! obvious decoder says the same again for the tests to compare.
//!
//! Pieces of the body may end anywhere. A row that is not here as a whole leaves nothing behind and is read again when there is more.

#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a difference is to be seen")]
pub mod agree;
pub(crate) mod column;
pub(crate) mod dynamic;
#[cfg(any(test, fuzzing))]
mod reference;
pub(crate) mod rows;
pub(crate) mod scan;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod time;

use crate::{
    error::{Error, Kind, Result},
    json::{self, Object, Value},
    table::{Chunk, Column, Table, WireType},
};
use rows::{CHUNK, Rows};
use scan::{Cursor, Scan, Stop};

/// What an answer holds.
#[derive(Debug)]
pub struct Decoded {
    /// The rows.
    pub table: Table,
    /// The members beside the rows and the schema, such as `Stats`, as they were spelt.
    pub members: Object,
    /// How many bytes it was.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Before the first brace.
    Start,
    /// Before a key, or the end.
    Key,
    /// In the list of rows.
    Rows,
    /// Behind the last brace.
    End,
}

/// Decodes a body piece by piece.
#[derive(Debug)]
pub struct Decoder {
    /// The key of the rows, in small letters.
    key: &'static str,
    state: State,
    first: bool,
    /// What has come and is not read yet.
    rest: Vec<u8>,
    /// How many bytes were read before `rest`.
    read: u64,
    /// Below this length of `rest` there is no use in trying again.
    wanted: usize,
    rows: Option<Rows>,
    schema: Option<Vec<Column>>,
    /// Rows that came before their schema, as they stand.
    waiting: Option<(u64, Vec<u8>)>,
    chunks: Vec<Chunk>,
    count: usize,
    members: Object,
    chunk: usize,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::hunting()
    }
}

impl Decoder {
    /// For the answer of a hunting query.
    pub fn hunting() -> Decoder {
        Decoder {
            key: "results",
            state: State::Start,
            first: true,
            rest: Vec::new(),
            read: 0,
            wanted: 0,
            rows: None,
            schema: None,
            waiting: None,
            chunks: Vec::new(),
            count: 0,
            members: Object::new(),
            chunk: CHUNK,
        }
    }

    /// How many rows a chunk has, for whoever takes chunks while the rest arrives.
    #[must_use]
    pub fn chunked(mut self, rows: usize) -> Decoder {
        self.set_chunk(rows);
        self
    }

    /// The same, from the next chunk on.
    pub fn set_chunk(&mut self, rows: usize) {
        self.chunk = rows.max(1);
        if let Some(rows) = &mut self.rows {
            rows.set_chunk(self.chunk);
        }
    }

    /// Rows so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What was not read, and where in the body it begins: all that is left of an answer that is no JSON.
    pub fn unread(&mut self) -> (u64, Vec<u8>) {
        match self.waiting.take() {
            Some((at, mut bytes)) => {
                bytes.append(&mut self.rest);
                (at, bytes)
            }
            None => (self.read, std::mem::take(&mut self.rest)),
        }
    }

    /// The rows so far.
    pub fn so_far(&mut self) -> Table {
        let columns = self.columns();
        if let Some(chunk) = self.rows.as_mut().and_then(|rows| rows.take(true)) {
            self.chunks.push(chunk);
        }
        Table::new(columns, std::mem::take(&mut self.chunks))
    }

    /// Rows that are complete, for whoever does not want to wait for the rest.
    pub fn ready(&mut self) -> Option<Table> {
        if self.chunks.is_empty() {
            return None;
        }
        Some(Table::new(self.columns(), std::mem::take(&mut self.chunks)))
    }

    fn columns(&self) -> Vec<Column> {
        self.rows.as_ref().map_or_else(|| self.schema.clone().unwrap_or_default(), |rows| rows.columns().to_vec())
    }

    /// Takes a piece of the body.
    pub fn push(&mut self, piece: &[u8]) -> Result<()> {
        if self.rest.is_empty() {
            // Most of a piece is read where it lies; only the row that it cuts is kept.
            let (used, read) = self.read_from(piece, false);
            self.rest.extend_from_slice(piece.get(used..).unwrap_or_default());
            read?;
        } else {
            self.rest.extend_from_slice(piece);
            if self.rest.len() < self.wanted {
                return Ok(());
            }
            self.read_rest(false)?;
        }
        // A long value is tried again when there is twice as much of it: else it would be read over and over.
        self.wanted = if self.rest.len() < 1 << 16 { 0 } else { self.rest.len() * 2 };
        Ok(())
    }

    fn read_rest(&mut self, last: bool) -> Result<()> {
        let mut rest = std::mem::take(&mut self.rest);
        let (used, read) = self.read_from(&rest, last);
        rest.drain(..used);
        self.rest = rest;
        read
    }

    /// The end of the body.
    pub fn finish(mut self) -> std::result::Result<Decoded, Box<(Error, Decoder)>> {
        match self.end() {
            Ok(()) => {
                let bytes = self.read;
                let table = self.so_far();
                Ok(Decoded { table, members: self.members, bytes })
            }
            Err(e) => Err(Box::new((e, self))),
        }
    }

    fn end(&mut self) -> Result<()> {
        self.read_rest(true)?;
        if self.state != State::End {
            return Err(self.wrong(self.rest.len(), "unexpected end"));
        }
        if let Some((at, bytes)) = self.waiting.take() {
            let read = std::mem::replace(&mut self.read, at);
            self.begin_rows();
            let mut cursor = Cursor::new(&bytes);
            self.state = State::Rows;
            let done = self.rows_from(&mut cursor);
            if let Err(stop) = done {
                let error = self.stopped(stop, bytes.len());
                self.waiting = Some((at, bytes));
                return Err(error);
            }
            (self.read, self.state) = (read, State::End);
        }
        if self.rows.is_none() {
            return Err(Error::new(Kind::BadResponse, format!("the answer has no {}", self.key)));
        }
        Ok(())
    }

    /// Reads what it can; says how many bytes those were.
    fn read_from(&mut self, bytes: &[u8], last: bool) -> (usize, Result<()>) {
        let mut cursor = Cursor::new(bytes);
        let mut used = 0;
        let read = loop {
            match self.step(&mut cursor) {
                Ok(true) => used = cursor.at(),
                Ok(false) => {
                    used = cursor.at();
                    break Ok(());
                }
                Err(Stop::More) if last && self.state != State::End => break Err(self.stopped(Stop::More, bytes.len())),
                Err(Stop::More) => break Ok(()),
                Err(stop) => break Err(self.stopped(stop, bytes.len())),
            }
        };
        self.read += used as u64;
        (used, read)
    }

    fn stopped(&self, stop: Stop, length: usize) -> Error {
        match stop {
            Stop::Bad(at, message) => self.wrong(at, message),
            Stop::More => self.wrong(length, "unexpected end"),
        }
    }

    fn wrong(&self, at: usize, message: &str) -> Error {
        let offset = self.read + at as u64;
        let row = if self.state == State::Rows { format!(", in row {}", self.count + 1) } else { String::new() };
        Error::new(Kind::BadResponse, format!("the answer is no JSON: {message} at byte {offset}{row}"))
            .detail("offset", i64::try_from(offset).unwrap_or(i64::MAX))
            .detail("rows", self.count as i64)
    }

    /// One step; false when nothing is left to do.
    fn step(&mut self, cursor: &mut Cursor<'_>) -> Scan<bool> {
        match self.state {
            State::Start => {
                if self.read == 0 && cursor.at() == 0 {
                    mark(cursor)?;
                }
                if cursor.solid()? != b'{' {
                    return cursor.bad("the answer is no object");
                }
                cursor.skip(1);
                self.state = State::Key;
                Ok(true)
            }
            State::Key => self.member(cursor),
            State::Rows => {
                let done = self.one_row(cursor)?;
                if done {
                    self.state = State::Key;
                    self.first = false;
                }
                Ok(true)
            }
            State::End => {
                cursor.space();
                if cursor.rest().is_empty() { Ok(false) } else { cursor.bad("unexpected text behind the value") }
            }
        }
    }

    fn member(&mut self, cursor: &mut Cursor<'_>) -> Scan<bool> {
        if cursor.solid()? == b'}' {
            cursor.skip(1);
            self.state = State::End;
            return Ok(true);
        }
        if !self.first {
            cursor.expect(b',', "expected a comma or a brace")?;
            cursor.space();
        }
        let raw = cursor.text("expected a key")?;
        cursor.expect(b':', "expected a colon")?;
        let name = String::from_utf8_lossy(raw.bytes).into_owned();
        let is_rows = name.eq_ignore_ascii_case(self.key);
        if is_rows && self.rows.is_none() && self.waiting.is_none() && cursor.solid()? == b'[' {
            if self.schema.is_some() {
                cursor.skip(1);
                self.begin_rows();
                self.state = State::Rows;
                self.first = true;
                return Ok(true);
            }
            let from = cursor.at();
            let bytes = match cursor.value()? {
                scan::Token::Nested(bytes) => bytes,
                _ => return cursor.bad("expected a list of rows"),
            };
            self.waiting = Some((self.read + from as u64, bytes.to_vec()));
            self.first = false;
            return Ok(true);
        }
        if is_rows {
            return cursor.bad("the rows are no list, or come twice");
        }
        let from = cursor.clone();
        cursor.value()?;
        let value = from.rest().get(..cursor.at() - from.at()).unwrap_or_default();
        let value = json::parse(value).map_err(|e| Stop::Bad(from.at() + e.offset, e.message))?;
        if name.eq_ignore_ascii_case("schema") {
            match columns(&value) {
                Some(columns) => self.schema = Some(columns),
                None => return from.bad("a column of the answer has no name"),
            }
        } else {
            self.members.insert(name, value);
        }
        self.first = false;
        Ok(true)
    }

    fn begin_rows(&mut self) {
        self.rows = Some(Rows::new(self.schema.clone().unwrap_or_default(), self.chunk));
    }

    /// A row, or the end of the list, which is told by true.
    fn one_row(&mut self, cursor: &mut Cursor<'_>) -> Scan<bool> {
        if cursor.solid()? == b']' {
            cursor.skip(1);
            return Ok(true);
        }
        if !self.first {
            cursor.expect(b',', "expected a comma or a bracket")?;
        }
        let Some(rows) = &mut self.rows else { return cursor.bad("rows without a list") };
        rows.row(cursor)?;
        self.first = false;
        self.count += 1;
        if let Some(chunk) = rows.take(false) {
            self.chunks.push(chunk);
        }
        Ok(false)
    }

    /// A whole list of rows.
    fn rows_from(&mut self, cursor: &mut Cursor<'_>) -> Scan<()> {
        self.first = true;
        cursor.skip(1);
        while !self.one_row(cursor)? {}
        Ok(())
    }
}

/// Passes over a byte order mark.
fn mark(cursor: &mut Cursor<'_>) -> Scan<()> {
    let mark = b"\xef\xbb\xbf";
    let rest = cursor.rest();
    if rest.starts_with(mark) {
        cursor.skip(mark.len());
    } else if rest.len() < mark.len() && mark.starts_with(rest) {
        return Err(Stop::More);
    }
    Ok(())
}

fn columns(schema: &Value) -> Option<Vec<Column>> {
    let column = |column: &Value| {
        let text = |key: &str| column.get_ignore_case(key).and_then(Value::as_str);
        let wire = text("type").unwrap_or("String");
        Some(Column { name: text("name")?.into(), wire: wire.into(), ty: WireType::from_name(wire) })
    };
    schema.as_array()?.iter().map(column).collect()
}

//! Rows of objects into columns.
//!
//! The service writes the same keys in the same order in every row. So the keys of the row before are expected, byte for byte; only where they
//! differ is a key read and looked up.

use super::{
    column::Builder,
    dynamic::{is_annotation, pass_over, says_encoded},
    scan::{Cursor, Scan, Stop, Token, unescape},
};
use crate::table::{Chunk, Column, WireType};
use std::collections::HashMap;

/// Rows of a chunk: small enough that nothing has to grow for long, large enough that whoever reads them does not notice.
pub(crate) const CHUNK: usize = 8192;
/// Keys that are expected; who sends more different ones is no service.
const MAX_EXPECTED: usize = 4096;

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Column(usize),
    /// It tells about the column of that number, if there is one.
    Annotation(Option<usize>),
    /// The same, with the value that stands in `text`: whether that says that the column's list is encoded.
    Told(Option<usize>, bool),
}

#[derive(Debug)]
struct Expected {
    /// The key as it stands, with its quotation marks and the colon; of an annotation also the value, which seldom changes.
    text: Box<[u8]>,
    target: Target,
}

/// Columns while rows arrive.
#[derive(Debug)]
pub(crate) struct Rows {
    columns: Vec<Column>,
    builders: Vec<Builder>,
    by_name: HashMap<String, usize>,
    expected: Vec<Expected>,
    /// The key that the last annotation is about, if it is of no column yet.
    announced: Option<String>,
    rows: usize,
    chunk: usize,
}

impl Rows {
    pub(crate) fn new(columns: Vec<Column>, chunk: usize) -> Rows {
        let builders = columns.iter().map(|c| Builder::new(c.ty, 0)).collect();
        let mut by_name = HashMap::new();
        for (i, column) in columns.iter().enumerate() {
            by_name.entry(column.name.to_string()).or_insert(i);
        }
        Rows { columns, builders, by_name, expected: Vec::new(), announced: None, rows: 0, chunk }
    }

    /// How many rows the next chunks have.
    pub(crate) fn set_chunk(&mut self, rows: usize) {
        self.chunk = rows.max(1);
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Reads a row. If its bytes end too early, or are no JSON, it leaves nothing behind.
    pub(crate) fn row(&mut self, cursor: &mut Cursor<'_>) -> Scan<()> {
        let read = self.members(cursor);
        match read {
            Ok(filled) => {
                self.rows += 1;
                if filled < self.builders.len() {
                    for builder in self.builders.iter_mut().filter(|b| b.len() < self.rows) {
                        builder.push_null();
                    }
                }
            }
            Err(_) => {
                for builder in self.builders.iter_mut().filter(|b| b.len() > self.rows) {
                    builder.truncate(self.rows);
                }
            }
        }
        read.map(|_| ())
    }

    /// A full chunk, or with `all` what there is.
    pub(crate) fn take(&mut self, all: bool) -> Option<Chunk> {
        if self.rows == 0 || (self.rows < self.chunk && !all) {
            return None;
        }
        let rows = std::mem::take(&mut self.rows);
        let (arrays, odd) = self.builders.iter_mut().map(Builder::take).unzip();
        Some(Chunk { rows, arrays, odd })
    }

    fn members(&mut self, cursor: &mut Cursor<'_>) -> Scan<usize> {
        if cursor.solid()? != b'{' {
            return cursor.bad("a row is no object");
        }
        cursor.skip(1);
        let (mut filled, mut at) = (0, 0);
        let mut encoded = None;
        let mut first = true;
        loop {
            let target = match self.expected.get(at) {
                // The usual row: a comma or the brace, then at once the key of the row before.
                Some(expected) if cursor.rest().starts_with(&expected.text) => {
                    cursor.skip(expected.text.len());
                    at += 1;
                    expected.target
                }
                _ => {
                    if first && cursor.solid()? == b'}' {
                        break;
                    }
                    let (target, next) = self.key(cursor, at)?;
                    at = next;
                    target
                }
            };
            first = false;
            match target {
                Target::Told(about, is_encoded) => encoded = about.filter(|_| is_encoded),
                Target::Annotation(about) => {
                    cursor.space();
                    let from = cursor.at();
                    let token = cursor.value()?;
                    pass_over(token).map_err(|(offset, message)| Stop::Bad(from + offset, message))?;
                    let is_encoded = says_encoded(&token);
                    encoded = about.filter(|_| is_encoded);
                    self.announced = self.announced.take().filter(|_| is_encoded);
                }
                Target::Column(i) => {
                    cursor.space();
                    let from = cursor.at();
                    let token = cursor.value()?;
                    let announced = self.announced.take();
                    let is_announced = announced.is_some_and(|name| self.columns.get(i).is_some_and(|c| *c.name == *name));
                    filled += self
                        .cell(i, token, encoded == Some(i) || is_announced)
                        .map_err(|(offset, message)| Stop::Bad(from + offset, message))?
                }
            }
            match cursor.solid()? {
                b',' => cursor.skip(1),
                b'}' => break,
                _ => return cursor.bad("expected a comma or a brace"),
            }
        }
        cursor.skip(1);
        Ok(filled)
    }

    /// Fills a cell; says how many are filled that were not.
    fn cell(&mut self, i: usize, token: Token<'_>, encoded: bool) -> Result<usize, (usize, &'static str)> {
        let Some(builder) = self.builders.get_mut(i) else { return Ok(0) };
        // Of a key that comes twice the last value counts.
        let again = builder.len() > self.rows;
        if again {
            builder.truncate(self.rows);
        }
        builder.push(token, encoded)?;
        Ok(usize::from(!again))
    }

    /// Reads a key that was not expected here, and expects it from now on.
    fn key(&mut self, cursor: &mut Cursor<'_>, at: usize) -> Scan<(Target, usize)> {
        cursor.space();
        let from = cursor.rest();
        let raw = cursor.text("expected a key")?;
        let mut name = String::new();
        let start = cursor.at();
        unescape(raw, &mut name).map_err(|(offset, message)| Stop::Bad(start - raw.bytes.len() - 1 + offset, message))?;
        let tight = cursor.peek()? == b':';
        cursor.expect(b':', "expected a colon")?;
        let text = from.get(..raw.bytes.len() + 3).filter(|_| tight);
        if let Some(text) = text
            && let Some(ahead) = self.expected.iter().skip(at).position(|e| e.text.starts_with(text))
        {
            let next = at + ahead;
            let target = match self.expected.get(next).map(|e| e.target) {
                Some(Target::Told(about, _)) => Target::Annotation(about),
                Some(target) => target,
                None => Target::Annotation(None),
            };
            return Ok((target, next + 1));
        }
        // The value is looked at for its type, and read by the caller.
        let mut beyond = cursor.clone();
        let ahead = beyond.value()?;
        let target = self.target(name, ahead);
        let (text, expected) = match (target, ahead, text) {
            (Target::Annotation(about), Token::Text(value), Some(text)) if beyond.at() == cursor.at() + value.bytes.len() + 2 => {
                (from.get(..text.len() + value.bytes.len() + 2), Target::Told(about, says_encoded(&ahead)))
            }
            _ => (text, target),
        };
        match text {
            // Of a column that is not there yet, it is looked at again.
            Some(_) if target == Target::Annotation(None) => Ok((target, at)),
            Some(text) if self.expected.len() < MAX_EXPECTED => {
                self.expected.insert(at.min(self.expected.len()), Expected { text: text.into(), target: expected });
                Ok((target, at + 1))
            }
            _ => Ok((target, at)),
        }
    }

    fn target(&mut self, name: String, value: Token<'_>) -> Target {
        if let Some(i) = self.by_name.get(&name) {
            return Target::Column(*i);
        }
        if is_annotation(name.as_bytes()) {
            let about = name.strip_suffix("@odata.type");
            let known = about.and_then(|about| self.by_name.get(about).copied());
            self.announced = about.filter(|_| known.is_none()).map(str::to_owned);
            return Target::Annotation(known);
        }
        let i = self.add(&name, value);
        self.by_name.insert(name, i);
        Target::Column(i)
    }

    /// A key that the schema does not name is a column of its own: nothing is dropped.
    fn add(&mut self, name: &str, value: Token<'_>) -> usize {
        let (wire, ty) = match value {
            Token::Bool(_) => ("Boolean", WireType::Bool),
            Token::Number(digits) if digits.iter().all(|b| b.is_ascii_digit() || *b == b'-') => ("Int64", WireType::Long),
            Token::Number(_) => ("Double", WireType::Double),
            Token::Nested(_) => ("Object", WireType::Dynamic),
            Token::Null | Token::Text(_) => ("String", WireType::Text),
        };
        self.columns.push(Column { name: name.into(), wire: wire.into(), ty });
        self.builders.push(Builder::new(ty, self.rows));
        self.builders.len() - 1
    }
}

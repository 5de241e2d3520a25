//! What a refused query is told.
//!
//! The engine fails closed: a query that it cannot run exactly is refused with the place and, when the engine is what lacks something,
//! the name of the missing part, so that a reader can tell "the sandbox cannot" from "the query is wrong".

use std::fmt;

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The text is no query.
    Syntax,
    /// A name, a type or a count of arguments is wrong.
    Semantic,
    /// The query may be right; this engine lacks a part that it needs.
    Unsupported,
    /// The query asks for more rows, depth or memory than the engine grants.
    Limit,
    /// The caller stopped the query, or its time was over.
    Stopped,
    /// The engine itself failed.
    Fault,
}

/// Why and where a query was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KqlError {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// One sentence for a person.
    pub message: String,
    /// Byte offset of the trouble.
    pub start: usize,
    /// Byte offset behind the trouble.
    pub end: usize,
    /// Line of `start`, from 1.
    pub line: usize,
    /// Character of `start` in its line, from 1.
    pub column: usize,
    /// The part that the engine lacks, when the kind is [`ErrorKind::Unsupported`].
    pub missing: Option<String>,
}

impl fmt::Display for KqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl std::error::Error for KqlError {}

/// A range of bytes of the query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end.max(self.start) }
    }
}

/// Boxed, so that the good way through the evaluator stays small.
pub(super) type Fail = Box<KqlError>;
pub(super) type Try<T> = Result<T, Fail>;

fn fail(kind: ErrorKind, span: Span, message: String, missing: Option<String>) -> Fail {
    Box::new(KqlError { kind, message, start: span.start, end: span.end, line: 1, column: 1, missing })
}

pub(super) fn syntax(span: Span, message: impl Into<String>) -> Fail {
    fail(ErrorKind::Syntax, span, message.into(), None)
}

pub(super) fn semantic(span: Span, message: impl Into<String>) -> Fail {
    fail(ErrorKind::Semantic, span, message.into(), None)
}

pub(super) fn unsupported(span: Span, part: impl Into<String>) -> Fail {
    let part = part.into();
    fail(ErrorKind::Unsupported, span, format!("the query engine of xdrkit does not support {part}"), Some(part))
}

pub(super) fn limit(span: Span, message: impl Into<String>) -> Fail {
    fail(ErrorKind::Limit, span, message.into(), None)
}

pub(super) fn fault(message: impl Into<String>) -> Fail {
    fail(ErrorKind::Fault, Span::default(), message.into(), None)
}

pub(super) fn stopped(message: impl Into<String>) -> Fail {
    fail(ErrorKind::Stopped, Span::default(), message.into(), None)
}

impl KqlError {
    /// Fills line and column from the offsets.
    pub(super) fn locate(mut self, query: &str) -> KqlError {
        let mut start = self.start.min(query.len());
        while !query.is_char_boundary(start) {
            start -= 1;
        }
        let before = query.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        self.line = before.matches('\n').count() + 1;
        self.column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        self
    }
}

/// The known name nearest to a mistyped one, if it is near.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    // Of two letters one is half a name.
    let length = wanted.chars().count();
    let allowed = if length < 3 { 0 } else { length / 3 };
    known
        .into_iter()
        .map(|k| (distance(&wanted, &k.to_lowercase()), k))
        .filter(|(d, _)| *d <= allowed)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

pub(super) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |k| format!(". Did you mean '{k}'?"))
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, cb) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(ca != *cb)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or(0)
}

//! Whether a query's window may be cut in pieces whose rows are put behind each other.
//!
//! That is right for operators that look at one row at a time, and wrong for all whose meaning is over the whole window; where those can be made
//! right by one more query over the pieces' rows, that query is given.

use super::{
    reads::{self, Scan},
    schema::Schema,
};
use crate::kql::{self, KqlError, Type, place};
use std::sync::Arc;

/// What cutting its window would do to a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The pieces' rows together are the answer.
    Safe,
    /// They are, once they are sorted again by this operator.
    Ordered(String),
    /// They are not.
    Unsafe(Unsafe),
}

/// Why the pieces' rows together are not the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsafe {
    /// The operator or function to blame.
    pub operator: String,
    /// Where it stands, from 1.
    pub line: usize,
    /// Its first character, from 1.
    pub column: usize,
    /// What is wrong with it.
    pub why: String,
    /// The operators that make the answer out of the pieces' rows, if there are any.
    pub merge: Option<String>,
}

/// What a query reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Reads {
    /// The bundled tables that it names, each once, in the order of the text.
    pub tables: Vec<String>,
    /// Whether its window may be cut.
    pub verdict: Verdict,
    /// Every operator and function that stands in the way, in the order of the text.
    pub operators: Vec<String>,
}

/// What a query reads, and whether its window may be cut.
pub fn reads(query: &str) -> Reads {
    let blame = |at: usize, operator: &str, why: String, merge: Option<String>| {
        let (line, column) = place(query, at);
        Verdict::Unsafe(Unsafe { operator: operator.to_owned(), line, column, why, merge })
    };
    let scan = match reads::scan(query) {
        Ok(scan) => scan,
        Err(error) => {
            return Reads { tables: Vec::new(), verdict: blame(error.start, "", error.message.clone(), None), operators: Vec::new() };
        }
    };
    let mut tables: Vec<String> = Vec::new();
    for source in &scan.sources {
        if !tables.iter().any(|t| t == source.name) {
            tables.push(source.name.to_owned());
        }
    }
    let verdict = match (scan.troubles.first(), &scan.order) {
        (Some(trouble), _) => blame(trouble.at, &trouble.operator, trouble.why.clone(), merge(query, &scan)),
        (None, _) if !scan.windowed => {
            let why = "the query reads no table that a window limits, so every piece would answer the same rows";
            blame(0, "", why.to_owned(), None)
        }
        (None, Some(order)) => Verdict::Ordered(order.text.to_owned()),
        (None, None) => Verdict::Safe,
    };
    let operators = scan.troubles.iter().map(|t| t.operator.clone()).collect();
    Reads { tables, verdict, operators }
}

/// The name under which the pieces' rows are read.
const RESULT: &str = "Result";

type Columns = Vec<(Arc<str>, Type)>;

/// The operators that make the answer out of the pieces' rows.
///
/// They are given only if the last operator but for sorting is what is wrong, and if the engine finds that they make the query's own columns.
fn merge(query: &str, scan: &Scan<'_>) -> Option<String> {
    let [trouble] = scan.troubles.as_slice() else { return None };
    let parts = scan.parts(scan.main, "|");
    let at = parts.iter().position(|(a, _)| scan.start(*a) == trouble.at)?;
    let (part, behind) = (parts.get(at)?, parts.get(at + 1..)?);
    let columns: Columns = kql::describe(query, Schema::bundled()).ok()?;
    let text = |(a, b): &(usize, usize)| query.get(scan.start(*a)..scan.end(b.saturating_sub(1)));
    let mut made = match trouble.operator.as_str() {
        "count" => {
            let name = quoted(&columns.first()?.0);
            format!("summarize {name} = sum({name})")
        }
        "distinct" => "distinct *".to_owned(),
        "top" | "take" | "limit" => text(part)?.to_owned(),
        "summarize" => summarize(scan, *part, &columns)?,
        _ => return None,
    };
    for part in behind {
        match scan.text(part.0) {
            "render" => {}
            "sort" | "order" => made = format!("{made} | {}", text(part)?),
            _ => return None,
        }
    }
    (answers(&made, &columns).ok()? == columns).then_some(made)
}

/// The columns that operators make of rows with these columns.
fn answers(operators: &str, columns: &Columns) -> Result<Columns, KqlError> {
    let mut rows = Schema::default();
    rows.add(RESULT, columns.iter().map(|(name, ty)| (&**name, *ty)));
    kql::describe(&format!("{RESULT} | {operators}"), &rows)
}

/// A column's name as a query writes it.
pub(super) fn quoted(name: &str) -> String {
    let plain =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}

/// `summarize` once more, over the pieces' rows.
fn summarize(scan: &Scan<'_>, (from, to): (usize, usize), columns: &Columns) -> Option<String> {
    let by = scan.parts_at((from, to), "by").first().copied();
    let aggregates = scan.parts((from + 1, by.unwrap_or(to)), ",");
    let keys = by.map_or(0, |by| scan.parts((by + 1, to), ",").len());
    let (key_columns, rest) = columns.split_at_checked(keys)?;
    let grouped: Vec<String> = key_columns.iter().map(|(name, _)| quoted(name)).collect();
    let again = match aggregates.as_slice() {
        [(a, b)] if a == b => String::new(),
        [(a, b)] if matches!(scan.text(*a), "arg_max" | "arg_min") => {
            let arguments = scan.parts((a + 2, b - 1), ",");
            let alone = arguments.iter().all(|(a, b)| *b == a + 1);
            let compared = arguments.first().map(|(a, _)| scan.text(*a))?;
            if !alone || scan.partner(a + 1) + 1 != *b || key_columns.iter().any(|(name, _)| **name == *compared) {
                return None;
            }
            let names: Vec<&str> = arguments.iter().map(|(a, _)| scan.text(*a)).collect();
            format!("{}({})", scan.text(*a), names.join(", "))
        }
        many if many.len() == rest.len() => {
            let one = |((a, b), (name, _)): (&(usize, usize), &(Arc<str>, Type))| {
                let name = quoted(name);
                Some(format!("{name} = {}({name})", scan.again(*a, *b)?))
            };
            many.iter().zip(rest).map(one).collect::<Option<Vec<String>>>()?.join(", ")
        }
        _ => return None,
    };
    let by = if grouped.is_empty() { String::new() } else { format!(" by {}", grouped.join(", ")) };
    Some(format!("summarize {again}{by}").replace("  ", " "))
}

impl Scan<'_> {
    /// The aggregate that puts the pieces of one aggregate together.
    fn again(&self, from: usize, to: usize) -> Option<&'static str> {
        let call = from + if self.text(from + 1) == "=" { 2 } else { 0 };
        if self.text(call + 1) != "(" || self.partner(call + 1) + 1 != to {
            return None;
        }
        let arguments = self.parts((call + 2, to - 1), ",").len();
        match (self.text(call), arguments) {
            ("count" | "countif" | "sum" | "sumif", _) => Some("sum"),
            ("min" | "minif", _) => Some("min"),
            ("max" | "maxif", _) => Some("max"),
            ("take_any" | "any", 1) => Some("take_any"),
            ("make_set", 1) | ("make_set_if", 2) => Some("make_set"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

//! Answers to queries that somebody wrote down, and engines that somebody plugs in.
//!
//! A test of a playbook may want one answer to one query and no engine at all. What is written down is asked first, whatever the engine.

use super::rows;
use super::{Taken, guess, objects};
use crate::json::{Object, Value, object};
use crate::kql::{Column, Table};
use crate::sandbox::House;
use regex::Regex;

/// Which queries an answer is for.
#[derive(Clone, Debug)]
enum Fits {
    /// This text, but for white space.
    Query(String),
    Contains(String),
    Match(Regex),
}

/// What is answered.
#[derive(Clone, Debug)]
pub(in crate::sandbox) enum Said {
    Rows(Table),
    /// Status and message.
    Error(u16, String),
}

#[derive(Clone, Debug)]
struct Answer {
    fits: Fits,
    shown: String,
    said: Said,
    used: u32,
}

/// Those that were registered, and the queries that none was for though an engine needed one.
#[derive(Clone, Debug, Default)]
pub(in crate::sandbox) struct Answers {
    all: Vec<Answer>,
    unmatched: Vec<String>,
}

fn squeezed(query: &str) -> String {
    query.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Answers {
    /// The answer for a query: of several, the one that was registered last.
    pub(in crate::sandbox) fn find(&mut self, query: &str) -> Option<Said> {
        let fits = |answer: &&mut Answer| match &answer.fits {
            Fits::Query(text) => *text == squeezed(query),
            Fits::Contains(text) => query.contains(text.as_str()),
            Fits::Match(regex) => regex.is_match(query),
        };
        let found = self.all.iter_mut().rev().find(fits)?;
        found.used += 1;
        Some(found.said.clone())
    }

    /// Remembers a query that had no answer.
    pub(in crate::sandbox) fn missed(&mut self, query: &str) {
        self.unmatched.push(query.to_owned());
    }
}

/// `{"query" | "contains" | "match": …, "rows": […], "columns": {…} | "error": …, "status": …}`, or a list of them.
pub(super) fn add(house: &House, given: &Value) -> Taken<Value> {
    let items = objects("answers", given)?.into_iter().enumerate().map(|(at, item)| read(at, item)).collect::<Taken<Vec<_>>>()?;
    house.store().answers.all.extend(items);
    Ok(Value::Null)
}

fn read(at: usize, item: &Object) -> Taken<Answer> {
    const NAMES: [&str; 7] = ["query", "contains", "match", "rows", "columns", "error", "status"];
    if let Some(key) = item.keys().find(|k| !NAMES.contains(&k.as_str())) {
        return Err(format!("answers[{at}]: no member {key:?}.{}", guess(key, NAMES)));
    }
    let there = |name: &str| item.get(name).filter(|v| !v.is_null());
    let text = |name: &str| there(name).map(|v| v.as_str().ok_or_else(|| format!("{name}: takes a text"))).transpose();
    let (fits, shown) = match (text("query")?, text("contains")?, text("match")?) {
        (Some(query), None, None) => (Fits::Query(squeezed(query)), query),
        (None, Some(part), None) if !part.is_empty() => (Fits::Contains(part.to_owned()), part),
        (None, None, Some(pattern)) => {
            (Fits::Match(Regex::new(pattern).map_err(|e| format!("match: no regular expression: {e}"))?), pattern)
        }
        _ => return Err("query: give one of query, contains and match".to_owned()),
    };
    let status = there("status").map(|s| s.as_i64().and_then(|s| u16::try_from(s).ok()).filter(|s| (400..600).contains(s)));
    let said = match (there("rows"), text("error")?) {
        (Some(_), Some(_)) => return Err("error: give rows or an error, not both".to_owned()),
        (Some(_), None) if status.is_some() => return Err("status: rows are answered with 200".to_owned()),
        (Some(rows), None) => Said::Rows(answered(rows, there("columns"))?),
        (None, error) => {
            let status = status.unwrap_or(error.map(|_| 400)).ok_or("status: takes 400 to 599")?;
            Said::Error(status, error.unwrap_or("The sandbox was told to refuse this query.").to_owned())
        }
    };
    Ok(Answer { fits, shown: shown.to_owned(), said, used: 0 })
}

/// A table of rows; types as they are said, or as the values are.
pub(super) fn answered(rows: &Value, columns: Option<&Value>) -> Taken<Table> {
    let rows = match rows {
        Value::Array(items) if items.is_empty() => Vec::new(),
        rows => objects("rows", rows)?,
    };
    let columns = match columns.and_then(Value::as_object) {
        Some(columns) => rows::types("Result", columns)?,
        None => rows::inferred(&rows),
    };
    let table = rows::table(&columns, &rows, 0, None)?;
    Ok(Table { columns: table.columns.into_iter().map(|c| Column { name: c.name.clone(), ..c }).collect(), rows: table.rows })
}

/// What was registered and how often it was used, and what nothing was registered for.
pub(super) fn used(house: &House) -> Value {
    let store = house.store();
    let kind = |a: &Answer| match a.fits {
        Fits::Query(_) => "query",
        Fits::Contains(_) => "contains",
        Fits::Match(_) => "match",
    };
    let one = |a: &Answer| object([(kind(a), a.shown.as_str().into()), ("used", i64::from(a.used).into())]);
    object([
        ("answers", Value::Array(store.answers.all.iter().map(one).collect())),
        ("unmatched", Value::Array(store.answers.unmatched.iter().map(|q| q.as_str().into()).collect())),
    ])
}

pub(super) fn clear(house: &House) -> Value {
    house.store().answers = Answers::default();
    Value::Null
}

//! What a query reads, and where, found from its tokens.
//!
//! Two things are done to queries from outside: a condition is written into each table, and a window is cut in pieces whose rows are put together
//! again. Both need every table that the text names, and the second also what each operator makes of rows that come piece by piece. The
//! query is not parsed for it, only its brackets, pipes and statements are: so operators that the engine lacks are still judged. Whatever is not
//! understood is trouble, never passed over.

mod operators;
mod order;
mod tokens;

pub(super) use order::Order;

use super::schema::{self, Schema, TIME};
use crate::kql::{KqlError, Token, TokenKind, tokens};

/// The most brackets in brackets.
const MAX_DEPTH: usize = 100;

/// A table that the query names, where it stands for its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'q> {
    pub(super) name: &'q str,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it has a `Timestamp`, so that a window limits it.
    pub(super) timed: bool,
}

/// What stands in the way.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// Byte offset.
    pub(super) at: usize,
    pub(super) operator: String,
    pub(super) why: String,
    /// Whether tables are hidden, so that nothing can be written into them either.
    pub(super) hides: bool,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Scan<'q> {
    pub(super) tokens: Vec<Token<'q>>,
    pub(super) sources: Vec<Source<'q>>,
    /// In the order of the text.
    pub(super) troubles: Vec<Trouble>,
    /// Whether the answer's rows come from a table with a `Timestamp`.
    pub(super) windowed: bool,
    pub(super) order: Option<Order<'q>>,
    /// The tokens of the statement that answers.
    pub(super) main: (usize, usize),
}

/// Reads a query.
pub(super) fn scan(query: &str) -> Result<Scan<'_>, KqlError> {
    let mut scanner = Scanner { query, tokens: tokens(query)?, ..Scanner::default() };
    let end = scanner.tokens.len();
    let answer = scanner.statements(0, end);
    let Scanner { tokens, mut sources, mut troubles, main, .. } = scanner;
    sources.sort_by_key(|s| s.start);
    sources.dedup_by_key(|s| s.start);
    troubles.sort_by_key(|t| t.at);
    Ok(Scan { tokens, sources, troubles, windowed: answer.windowed, order: answer.order, main })
}

/// The rows of a part of the query.
#[derive(Clone, Debug, Default)]
struct Rows<'q> {
    /// Whether a window limits them: other rows are the same in every piece.
    windowed: bool,
    order: Option<Order<'q>>,
    /// The token of a name that nobody knows.
    unknown: Option<usize>,
}

#[derive(Clone, Debug)]
enum Bound<'q> {
    Rows(Rows<'q>),
    /// A function, what it answers, and whether it takes tables.
    Function(Rows<'q>, bool),
}

/// What an expression names on its way.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// The token of rows that a window limits.
    windowed: Option<usize>,
    /// The token of a function that looks at other rows.
    neighbours: Option<usize>,
}

impl Seen {
    fn and(self, other: Seen) -> Seen {
        Seen { windowed: self.windowed.or(other.windowed), neighbours: self.neighbours.or(other.neighbours) }
    }
}

#[derive(Default)]
struct Scanner<'q> {
    query: &'q str,
    tokens: Vec<Token<'q>>,
    sources: Vec<Source<'q>>,
    troubles: Vec<Trouble>,
    names: Vec<(&'q str, Bound<'q>)>,
    depth: usize,
    main: (usize, usize),
}

/// Calls that answer tables which the text does not name.
const HIDING_CALLS: &[&str] = &["table", "database", "cluster", "workspace", "app", "resource", "external_table", "materialized_view"];

/// Operators that stand where a table stands and read more than the text names.
const HIDING_SOURCES: &[&str] = &["search", "find", "evaluate", "graph", "macro"];

impl<'q> Scanner<'q> {
    fn token(&self, at: usize) -> Option<Token<'q>> {
        self.tokens.get(at).copied()
    }

    fn is_sign(&self, at: usize, sign: &str) -> bool {
        self.token(at).is_some_and(|t| t.is_sign(sign))
    }

    fn is_word(&self, at: usize) -> bool {
        self.token(at).is_some_and(|t| t.kind == TokenKind::Word)
    }

    fn text(&self, at: usize) -> &'q str {
        self.token(at).map_or("", |t| t.text)
    }

    /// A token's partner, or itself.
    fn partner(&self, at: usize) -> usize {
        self.token(at).map_or(at, |t| t.partner.max(at))
    }

    fn trouble(&mut self, at: usize, operator: &str, why: impl Into<String>) {
        let at = self.token(at).map_or(self.query.len(), |t| t.start);
        self.troubles.push(Trouble { at, operator: operator.to_owned(), why: why.into(), hides: false });
    }

    fn hidden(&mut self, at: usize, operator: &str, why: impl Into<String>) {
        self.trouble(at, operator, why);
        if let Some(last) = self.troubles.last_mut() {
            last.hides = true;
        }
    }

    /// The parts between a sign, outside of brackets.
    fn split(&self, from: usize, to: usize, sign: &str) -> Vec<(usize, usize)> {
        let (mut parts, mut start, mut at) = (Vec::new(), from, from);
        while at < to {
            if self.is_sign(at, sign) {
                parts.push((start, at));
                start = at + 1;
            }
            at = self.partner(at) + 1;
        }
        parts.push((start, to));
        parts
    }

    fn bound(&self, name: &str) -> Option<&Bound<'q>> {
        self.names.iter().rev().find(|(n, _)| *n == name).map(|(_, b)| b)
    }

    /// Statements and the one that answers.
    fn statements(&mut self, from: usize, to: usize) -> Rows<'q> {
        let parts: Vec<_> = self.split(from, to, ";").into_iter().filter(|(a, b)| a < b).collect();
        let mut answer = Rows::default();
        let last = parts.len().saturating_sub(1);
        for (index, (a, b)) in parts.into_iter().enumerate() {
            let named = self.is_word(a + 1) && self.is_sign(a + 2, "=");
            if self.token(a).is_some_and(|t| t.is_word("let")) && named {
                let name = self.text(a + 1);
                let value = self.let_value(a + 3, b);
                self.names.push((name, value));
            } else if self.is_word(a) && self.is_word(a + 1) && matches!(self.text(a), "set" | "declare" | "alias" | "restrict" | "pattern")
            {
                self.hidden(a, self.text(a), "the statement changes what the query reads");
            } else {
                if index < last {
                    self.hidden(a, self.text(a), "there is more than one statement that answers");
                }
                self.main = (a, b);
                answer = self.region(a, b);
                self.settle(&answer);
            }
        }
        answer
    }

    fn let_value(&mut self, from: usize, to: usize) -> Bound<'q> {
        let from = from + usize::from(self.token(from).is_some_and(|t| t.is_word("view")));
        let close = self.partner(from);
        if !(self.is_sign(from, "(") && self.is_sign(close + 1, "{")) {
            return Bound::Rows(self.region(from, to));
        }
        let known = self.names.len();
        let mut takes_tables = false;
        for (a, b) in self.split(from + 1, close, ",").into_iter().filter(|(a, b)| a < b) {
            let table = b > a + 2 && self.is_sign(a + 2, "(");
            takes_tables |= table;
            self.names.push((self.text(a), Bound::Rows(Rows { windowed: table, ..Rows::default() })));
        }
        let main = self.main;
        let body = self.deeper(close + 1, |s| s.statements(close + 2, s.partner(close + 1)));
        self.main = main;
        self.names.truncate(known);
        Bound::Function(body, takes_tables)
    }

    fn deeper(&mut self, at: usize, read: impl FnOnce(&mut Self) -> Rows<'q>) -> Rows<'q> {
        if self.depth == MAX_DEPTH {
            self.hidden(at, "(", format!("there are more than {MAX_DEPTH} levels of brackets"));
            return Rows::default();
        }
        self.depth += 1;
        let rows = read(self);
        self.depth -= 1;
        rows
    }

    /// A name that stands for rows must be known.
    fn settle(&mut self, rows: &Rows<'q>) {
        if let Some(at) = rows.unknown {
            let name = self.text(at);
            self.hidden(at, name, format!("no table named {name:?} is known, so nobody can say what a window does to it"));
        }
    }

    /// A pipeline, or an expression.
    fn region(&mut self, from: usize, to: usize) -> Rows<'q> {
        self.deeper(from, |s| {
            let parts = s.split(from, to, "|");
            let piped = parts.len() > 1;
            let mut rows = Rows::default();
            for (index, (a, b)) in parts.into_iter().enumerate() {
                if index == 0 {
                    rows = s.source(a, b, piped);
                    if piped {
                        s.settle(&rows);
                    }
                } else {
                    rows = s.operator(rows, a, b);
                }
            }
            rows
        })
    }

    fn source(&mut self, from: usize, to: usize, piped: bool) -> Rows<'q> {
        let first = self.text(from);
        let is_plain = self.is_word(from) && self.token(from).is_some_and(|t| !t.quoted);
        if from >= to {
            self.hidden(from, "|", "there is no table before it");
            return Rows::default();
        }
        if self.is_word(from) && to == from + 1 {
            return self.name(from);
        }
        if self.is_sign(from, "(") && self.partner(from) + 1 == to {
            return self.region(from + 1, to - 1);
        }
        let next_begins = matches!(self.token(from + 1), Some(t) if t.kind != TokenKind::Sign || matches!(t.text, "(" | "-" | "*"));
        if is_plain && next_begins {
            match first {
                "union" => return self.union(from, to, None),
                "print" | "range" => {
                    self.fixed(from, from + 1, to);
                    return Rows::default();
                }
                "datatable" | "externaldata" => return Rows::default(),
                word if HIDING_SOURCES.contains(&word) && !self.is_sign(from + 1, "(") => {
                    self.fixed(from, from + 1, to);
                    self.hidden(from, word, format!("{word:?} reads tables that cannot be seen from the query's text"));
                    return Rows { windowed: true, ..Rows::default() };
                }
                _ => {}
            }
        }
        if is_plain && self.is_sign(from + 1, "(") && self.partner(from + 1) + 1 == to {
            return self.call(from);
        }
        let begins_with_operator = is_plain && operators::is_operator(first);
        self.fixed(from, from, to);
        if piped && !begins_with_operator {
            self.hidden(from, first, "what stands before the first pipe is no table that can be seen from the query's text");
        }
        Rows::default()
    }

    /// An expression whose value must not depend on the window.
    fn fixed(&mut self, operator: usize, from: usize, to: usize) {
        let seen = self.expression(from, to);
        if seen.windowed.is_some() {
            self.trouble(operator, self.text(operator), "it takes values out of rows of the whole window");
        }
    }

    fn name(&mut self, at: usize) -> Rows<'q> {
        let name = self.text(at);
        match self.bound(name) {
            Some(Bound::Rows(rows) | Bound::Function(rows, _)) => return rows.clone(),
            None => {}
        }
        let Some(token) = self.token(at).filter(|_| Schema::bundled().has(name)) else {
            return Rows { unknown: Some(at), ..Rows::default() };
        };
        let timed = Schema::bundled().column(name, TIME).is_some();
        self.sources.push(Source { name, start: token.start, end: token.end, timed });
        Rows { windowed: timed, ..Rows::default() }
    }

    /// A call that stands where a table stands.
    fn call(&mut self, at: usize) -> Rows<'q> {
        let (name, open, close) = (self.text(at), at + 1, self.partner(at + 1));
        match (self.bound(name).cloned(), name) {
            (Some(Bound::Function(rows, takes_tables)), _) => {
                let seen = self.arguments(open + 1, close);
                if takes_tables && seen.windowed.is_none() {
                    self.trouble(at, name, "a function is given a table that the window does not limit");
                } else if !takes_tables && seen.windowed.is_some() {
                    self.trouble(at, name, "it takes values out of rows of the whole window");
                }
                rows
            }
            (_, "materialize") => self.region(open + 1, close),
            (_, "toscalar") => {
                let rows = self.region(open + 1, close);
                if rows.windowed {
                    self.trouble(at, name, "it takes one value out of the rows of the whole window");
                }
                Rows::default()
            }
            (_, hiding) if HIDING_CALLS.contains(&hiding) => {
                self.hidden(at, name, format!("\"{name}(…)\" reads tables that cannot be seen from the query's text"));
                Rows { windowed: true, ..Rows::default() }
            }
            _ => {
                self.fixed(at, at, close + 1);
                Rows { unknown: Some(at), ..Rows::default() }
            }
        }
    }

    /// Looks through an expression for the tables that it names.
    fn expression(&mut self, from: usize, to: usize) -> Seen {
        let mut seen = Seen::default();
        let mut at = from;
        while at < to {
            if self.is_word(at) && !(at > from && self.is_sign(at - 1, ".")) {
                seen = seen.and(self.mention(at));
            } else if self.is_sign(at, "(") {
                self.check_list(at);
                seen = seen.and(self.arguments(at + 1, self.partner(at)));
            } else if self.is_sign(at, "[") || self.is_sign(at, "{") {
                seen = seen.and(self.nested(at + 1, self.partner(at)));
            }
            at = self.partner(at) + 1;
        }
        seen
    }

    fn nested(&mut self, from: usize, to: usize) -> Seen {
        let mut seen = Seen::default();
        self.deeper(from, |s| {
            seen = s.expression(from, to);
            Rows::default()
        });
        seen
    }

    /// A word in an expression.
    fn mention(&mut self, at: usize) -> Seen {
        let name = self.text(at);
        let called = self.is_sign(at + 1, "(");
        let mut seen = Seen::default();
        match self.bound(name) {
            Some(Bound::Rows(rows) | Bound::Function(rows, _)) if rows.windowed && !self.is_sign(at + 1, "=") => seen.windowed = Some(at),
            Some(_) => {}
            None if called && HIDING_CALLS.contains(&name) => {
                self.hidden(at, name, format!("\"{name}(…)\" reads tables that cannot be seen from the query's text"));
            }
            None if called && (name.starts_with("row_") || matches!(name, "prev" | "next") || name.starts_with("cursor_")) => {
                seen.neighbours = Some(at);
            }
            None => {}
        }
        seen
    }

    /// `in (Name)`: the name must be known, for it may be a table.
    fn check_list(&mut self, open: usize) {
        let before = open.checked_sub(1).map_or("", |b| self.text(b));
        let alone = self.partner(open) == open + 2 && self.is_word(open + 1);
        if !(alone && matches!(before, "in" | "~" | "has_any" | "has_all")) {
            return;
        }
        let name = self.text(open + 1);
        let made_here = (0..self.tokens.len()).any(|at| self.text(at) == name && self.is_sign(at + 1, "="));
        if self.bound(name).is_none() && !Schema::bundled().has(name) && !schema::is_column(name) && !made_here {
            self.settle(&Rows { unknown: Some(open + 1), ..Rows::default() });
        }
    }

    /// What stands between round brackets: a pipeline, or expressions and tables with commas between them.
    fn arguments(&mut self, from: usize, to: usize) -> Seen {
        let parts = self.split(from, to, "|");
        let whole =
            self.is_word(from) && to > from + 1 && matches!(self.text(from), "union" | "print" | "range" | "datatable" | "search" | "find");
        let mut seen = Seen::default();
        if parts.len() == 1 && !whole {
            for (a, b) in self.split(from, to, ",") {
                seen = seen.and(self.argument(a, b));
            }
            return seen;
        }
        let mut start = from;
        if let (false, Some((a, b))) = (whole, parts.first().copied()) {
            let mut items = self.split(a, b, ",");
            start = items.pop().map_or(from, |(a, _)| a);
            for (a, b) in items {
                seen = seen.and(self.argument(a, b));
            }
        }
        let rows = self.region(start, to);
        if rows.windowed {
            seen.windowed = seen.windowed.or(Some(start));
        }
        seen
    }

    fn argument(&mut self, from: usize, to: usize) -> Seen {
        let is_name = to == from + 1 && self.is_word(from);
        if is_name {
            let rows = self.name(from);
            return Seen { windowed: rows.windowed.then_some(from), neighbours: None };
        }
        self.nested(from, to)
    }
}

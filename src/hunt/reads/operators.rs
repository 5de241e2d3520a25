//! What each operator makes of rows that come piece by piece.

use super::{Rows, Scanner, Seen};

/// Operators that look at one row at a time.
const ROW_WISE: &[&str] = &[
    "where",
    "filter",
    "extend",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "parse",
    "parse-where",
    "parse-kv",
    "mv-expand",
    "mvexpand",
    "mv-apply",
    "render",
];

/// Joins that answer for each left row alone.
const ROW_WISE_JOINS: &[&str] = &["inner", "leftouter", "leftsemi", "leftanti", "anti", "leftantisemi"];

/// Whether a part of a query that begins with this word is an operator and no source.
pub(super) fn is_operator(word: &str) -> bool {
    word == "as"
        || ROW_WISE.contains(&word)
        || ["summarize", "take", "limit", "top", "sort", "order", "count", "distinct", "sample", "serialize", "mv", "make", "scan", "step"]
            .contains(&word)
}

fn why(operator: &str) -> &'static str {
    match operator {
        "summarize" | "make-series" | "reduce" | "top-nested" | "top-hitters" | "facet" => "it puts rows of the whole window together",
        "distinct" => "the same row may come in several pieces",
        "count" => "it counts the rows of the whole window",
        "top" => "it takes the first rows of the whole window",
        "take" | "limit" => "it takes so many rows of the whole window, and every piece would give as many",
        "sample" | "sample-distinct" => "it draws from the rows of the whole window",
        "serialize" | "scan" => "it depends on rows before and behind",
        "getschema" => "every piece would answer the same rows",
        "search" | "find" => "it may read tables that cannot be seen from the query's text",
        "evaluate" | "invoke" => "what the function makes of rows that come piece by piece is not known",
        "partition" | "fork" => "it runs a query of its own over the whole window",
        _ => "what it makes of rows that come piece by piece is not known",
    }
}

impl<'q> Scanner<'q> {
    /// One operator behind a pipe.
    pub(super) fn operator(&mut self, rows: Rows<'q>, from: usize, to: usize) -> Rows<'q> {
        let mut args = from + 1;
        let touches = |s: &Self, at: usize| matches!((s.token(at - 1), s.token(at)), (Some(a), Some(b)) if a.end == b.start);
        while args + 1 < to && self.is_sign(args, "-") && self.is_word(args + 1) && touches(self, args) && touches(self, args + 1) {
            args += 2;
        }
        let span = self.token(from).zip(self.token(args - 1));
        let name = span.and_then(|(a, b)| self.query.get(a.start..b.end)).unwrap_or_default();
        match name {
            _ if from >= to || !self.is_word(from) => {
                self.hidden(from, "|", "no operator stands behind it");
                rows
            }
            "sort" | "order" => {
                self.row_wise(&rows, name, from, args, to);
                let order = rows.windowed.then(|| self.order_of(from, to));
                Rows { order, ..rows }
            }
            "union" => self.union(from, to, Some(rows)),
            "join" | "lookup" => self.join(rows, name, from, to),
            "as" => {
                let given = to.saturating_sub(1).max(args);
                self.names.push((self.text(given), super::Bound::Rows(rows.clone())));
                rows
            }
            _ if ROW_WISE.contains(&name) => {
                self.row_wise(&rows, name, from, args, to);
                let lost = rows.order.as_ref().filter(|o| !self.keeps(o, name, args, to)).map(|o| o.at);
                if let Some(sort) = lost {
                    let why = format!("behind {name:?} the rows cannot be sorted again; put it last");
                    self.trouble(sort, self.text(sort), why);
                }
                Rows { order: rows.order.filter(|_| lost.is_none()), ..rows }
            }
            _ => {
                if name == "invoke" && self.bound(self.text(args)).is_none() && self.text(args) != "FileProfile" {
                    self.hidden(from, name, "the function may read tables that cannot be seen from the query's text");
                }
                let seen = self.expression(args, to);
                if rows.windowed {
                    self.trouble(from, name, why(name));
                }
                self.judge(&Rows::default(), seen, name, from);
                Rows { order: None, ..rows }
            }
        }
    }

    fn row_wise(&mut self, rows: &Rows<'q>, name: &str, from: usize, args: usize, to: usize) {
        let seen = self.expression(args, to);
        // What an array's elements make of each other stays in their row.
        let seen = Seen { neighbours: seen.neighbours.filter(|_| name != "mv-apply"), ..seen };
        self.judge(rows, seen, name, from);
    }

    fn judge(&mut self, rows: &Rows<'q>, seen: Seen, name: &str, from: usize) {
        if let Some(at) = seen.windowed {
            let read = self.text(at);
            self.trouble(from, name, format!("it looks into rows of the whole window ({read})"));
        }
        if let (Some(at), true) = (seen.neighbours, rows.windowed) {
            let function = self.text(at);
            self.trouble(at, function, "it depends on rows before and behind");
        }
    }

    /// Passes over `kind=inner`, `hint.strategy=shuffle`, `isfuzzy=true`; gives the `kind`.
    fn options(&mut self, mut at: usize, to: usize) -> (usize, Option<&'q str>) {
        let mut kind = None;
        while at + 2 < to && self.is_word(at) && (self.is_sign(at + 1, "=") || self.is_sign(at + 1, ".")) {
            let name = self.text(at);
            let value = if self.is_sign(at + 1, ".") { at + 4 } else { at + 2 };
            match name {
                "kind" => kind = Some(self.text(value)),
                "withsource" | "with_source" => self.hidden(at, name, "it shows names that are no table's once a condition stands in it"),
                _ => {}
            }
            at = value + 1;
        }
        (at, kind)
    }

    /// A table, a pipeline in brackets or a call, at `at`; and what comes behind it.
    fn operand(&mut self, at: usize, to: usize) -> (Rows<'q>, usize) {
        let called = self.is_word(at) && self.is_sign(at + 1, "(");
        let end = if called { self.partner(at + 1) + 1 } else { self.partner(at) + 1 };
        let rows = self.source_at(at, end.min(to));
        self.settle(&rows);
        (rows, end)
    }

    fn source_at(&mut self, from: usize, to: usize) -> Rows<'q> {
        self.deeper(from, |s| s.source(from, to, true))
    }

    pub(super) fn union(&mut self, from: usize, to: usize, first: Option<Rows<'q>>) -> Rows<'q> {
        let (start, _) = self.options(from + 1, to);
        let mut all: Vec<(usize, Rows<'q>)> = first.into_iter().map(|rows| (from, rows)).collect();
        for (a, b) in self.split(start, to, ",") {
            if self.is_sign(a, "*") || (self.is_sign(a + 1, "*") && b > a + 1) {
                let pattern = self.token(a).zip(self.token(b.saturating_sub(1))).and_then(|(x, y)| self.query.get(x.start..y.end));
                let pattern = pattern.unwrap_or("*");
                self.hidden(a, "union", format!("{pattern:?} stands for tables that cannot be seen from the query's text"));
                continue;
            }
            let (rows, end) = self.operand(a, b);
            if end < b {
                self.hidden(end, "union", "what stands behind the table is not understood");
            }
            all.push((a, rows));
        }
        let windowed = all.iter().any(|(_, rows)| rows.windowed);
        let same = all.iter().find(|(_, rows)| windowed && !rows.windowed && rows.unknown.is_none()).map(|(at, _)| *at);
        if let Some(at) = same {
            self.trouble(at, "union", "rows that the window does not limit would come with every piece");
        }
        Rows { windowed, ..Rows::default() }
    }

    fn join(&mut self, left: Rows<'q>, name: &str, from: usize, to: usize) -> Rows<'q> {
        let (at, kind) = self.options(from + 1, to);
        let (right, behind) = self.operand(at, to);
        let seen = self.expression(behind, to);
        self.judge(&left, seen, name, from);
        let row_wise = name == "lookup" || kind.is_some_and(|k| ROW_WISE_JOINS.contains(&k));
        if right.windowed {
            self.trouble(from, name, "a row and its match may come in different pieces");
        } else if left.windowed && !row_wise {
            let kind = kind.unwrap_or("innerunique");
            self.trouble(from, name, format!("kind={kind} looks at all rows of the window together"));
        }
        Rows { windowed: left.windowed || right.windowed, ..Rows::default() }
    }
}

//! Where the cursor stands.

use super::super::lexer::{Tok, Token, lex};
use super::super::value::Type;
use super::super::{Catalog, Options, bind, parser};
use super::words;
use std::sync::Arc;

/// What may stand there.
pub(super) enum Expects {
    Nothing,
    /// The beginning of a pipeline.
    Source,
    /// A table, or parameters of the operator.
    Table(&'static [&'static str]),
    Operator,
    Words(&'static [&'static str]),
    Type,
    Columns,
    Value,
    /// Columns of both sides of a join.
    Common,
    /// Columns of one side: of the right one, if so.
    Side(bool),
    /// An operator behind a value, or these words.
    Infix(&'static [&'static str]),
}

/// A bracket that is open, or the whole text; token numbers.
struct Frame {
    open: Option<usize>,
    statement: usize,
    /// Behind the last `|` of the statement.
    segment: usize,
}

pub(super) struct Place<'q> {
    text: &'q str,
    tokens: Vec<Token>,
    frames: Vec<Frame>,
    /// The frame whose pipeline the cursor is in.
    home: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) expects: Expects,
}

impl<'q> Place<'q> {
    /// None inside of a text, a comment, or what no query can have.
    pub(super) fn find(head: &'q str) -> Option<Place<'q>> {
        let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let mut start = head.trim_end_matches(in_word).len();
        // `project-a`: an operator's name goes on behind its hyphen.
        let hyphened = head.trim_end_matches(|c: char| in_word(c) || c == '-');
        if hyphened.trim_end().ends_with('|') {
            start = hyphened.len();
        }
        let before = head.get(..start)?;
        // A character that no query has is an error where it stands, but not in a comment or a text.
        let probe = lex(&format!("{before}\u{1}")).err()?;
        if probe.start != before.len() {
            return None;
        }
        let mut tokens = lex(before).ok()?;
        tokens.pop();
        let mut frames = vec![Frame { open: None, statement: 0, segment: 0 }];
        for (at, token) in tokens.iter().enumerate() {
            match token.tok {
                Tok::Sign("(" | "[" | "{") => frames.push(Frame { open: Some(at), statement: at + 1, segment: at + 1 }),
                Tok::Sign(")" | "]" | "}") if frames.len() > 1 => drop(frames.pop()),
                Tok::Sign("|") => frames.last_mut()?.segment = at + 1,
                Tok::Sign(";") => {
                    let frame = frames.last_mut()?;
                    (frame.statement, frame.segment) = (at + 1, at + 1);
                }
                _ => {}
            }
        }
        let mut place = Place { text: before, tokens, frames, home: 0, start, end: head.len(), expects: Expects::Nothing };
        place.home = place.home();
        place.expects = place.expected();
        Some(place)
    }

    fn tok(&self, at: usize) -> Option<&Tok> {
        self.tokens.get(at).map(|t| &t.tok)
    }

    fn word(&self, at: usize) -> &'q str {
        let token = self.tokens.get(at).filter(|t| t.tok == Tok::Ident);
        token.and_then(|t| self.text.get(t.span.start..t.span.end)).unwrap_or_default()
    }

    fn is_sign(&self, at: usize, sign: &str) -> bool {
        matches!(self.tok(at), Some(Tok::Sign(s)) if *s == sign)
    }

    fn offset(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(self.text.len(), |t| t.span.start)
    }

    /// Whether a bracket holds a pipeline of its own.
    fn holds_pipeline(&self, frame: &Frame) -> bool {
        let Some(open) = frame.open else { return true };
        if self.is_sign(open, "{") || frame.segment > frame.statement {
            return true;
        }
        let Some(before) = open.checked_sub(1) else { return true };
        let behind_value = open >= 2 && self.is_sign(open - 2, "=") && matches!(self.word(before), "inner" | "outer") || {
            words::JOIN_KINDS.contains(&self.word(before)) && self.is_sign(before.saturating_sub(1), "=")
        };
        let words = ["join", "lookup", "union", "toscalar", "materialize", "on"];
        behind_value || words.contains(&self.word(before)) || self.is_sign(before, ";") || self.is_sign(before, "|")
    }

    fn home(&self) -> usize {
        (0..self.frames.len()).rev().find(|at| self.frames.get(*at).is_some_and(|f| self.holds_pipeline(f))).unwrap_or(0)
    }

    fn frame(&self) -> Option<&Frame> {
        self.frames.get(self.home)
    }

    /// The first word of the operator that the cursor is in, and whether it stands behind a `|`.
    fn operator(&self) -> (&'q str, bool) {
        let Some(frame) = self.frame() else { return ("", false) };
        let piped = frame.segment > frame.statement;
        let mut at = frame.segment;
        if !piped && self.word(at) == "let" {
            at += 3;
        }
        (self.word(at), piped)
    }

    fn expected(&self) -> Expects {
        let Some(frame) = self.frame() else { return Expects::Nothing };
        let count = self.tokens.len();
        let (head, piped) = self.operator();
        let innermost = self.home + 1 == self.frames.len();
        if count == frame.segment {
            let applies = frame.open.and_then(|o| o.checked_sub(1)).is_some_and(|on| self.word(on) == "on");
            return if piped || applies { Expects::Operator } else { Expects::Source };
        }
        let Some(last) = count.checked_sub(1) else { return Expects::Source };
        let word = self.word(last);
        let value_before = matches!(self.tok(last), Some(Tok::Literal(..)) | Some(Tok::Sign(")" | "]")))
            || (self.tok(last) == Some(&Tok::Ident) && !words::OPENING.contains(&word));
        if self.is_sign(last, ".") {
            return match self.word(last.saturating_sub(1)) {
                "$left" => Expects::Side(false),
                "$right" => Expects::Side(true),
                _ => Expects::Nothing,
            };
        }
        if self.is_sign(last, ":") || (self.is_sign(last, "(") && self.word(last.saturating_sub(1)) == "typeof") {
            return Expects::Type;
        }
        if !piped && self.word(frame.segment) == "let" && count == frame.segment + 3 && innermost {
            return Expects::Source;
        }
        if !piped && self.word(frame.segment) == "let" && count < frame.segment + 3 {
            return Expects::Nothing;
        }
        if !innermost {
            return if value_before { Expects::Infix(&[]) } else { Expects::Value };
        }
        self.in_operator(head, last, word, value_before)
    }

    /// Behind an operator's name, outside of brackets.
    fn in_operator(&self, head: &str, last: usize, word: &str, value_before: bool) -> Expects {
        let has = |wanted: &str| {
            let from = self.frame().map_or(0, |f| f.segment);
            let depth = |at: usize| (from..at).map(|i| i32::from(self.is_sign(i, "(")) - i32::from(self.is_sign(i, ")"))).sum::<i32>();
            (from..=last).any(|at| self.word(at) == wanted && depth(at) == 0)
        };
        let after_is = self.is_sign(last, "=");
        match head {
            "join" | "lookup" if after_is && self.word(last.saturating_sub(1)) == "kind" => Expects::Words(&words::JOIN_KINDS),
            "join" | "lookup" if has("on") && (word == "on" || self.is_sign(last, ",")) => Expects::Common,
            "join" | "lookup" if has("on") => Expects::Words(&["and"]),
            "join" | "lookup" if self.is_sign(last, ")") => Expects::Words(&["on"]),
            "join" | "lookup" if word == head || words::JOIN_KINDS.contains(&word) => Expects::Table(&["kind=", "hint.strategy="]),
            "join" | "lookup" => Expects::Words(&["on"]),
            "union" if after_is && self.word(last.saturating_sub(1)) == "isfuzzy" => Expects::Words(&["true", "false"]),
            "union" if after_is && self.word(last.saturating_sub(1)) == "kind" => Expects::Words(&["inner", "outer"]),
            "union" if word == "union" || self.is_sign(last, ",") => Expects::Table(&["kind=", "isfuzzy=", "withsource="]),
            "union" => Expects::Table(&[]),
            "render" if word == "render" => Expects::Words(&words::CHARTS),
            "render" | "count" | "getschema" | "as" | "consume" | "print" if value_before && head != "print" => match head {
                "count" if word == "count" => Expects::Words(&["as"]),
                _ => Expects::Nothing,
            },
            "project" if value_before && self.hyphened() => Expects::Nothing,
            "project" if self.hyphened() => Expects::Columns,
            "sort" | "order" | "top" if !has("by") && (word == head || value_before) => Expects::Words(&["by"]),
            "sort" | "order" | "top" if value_before => Expects::Infix(&["asc", "desc", "nulls first", "nulls last"]),
            "summarize" if value_before && !has("by") => Expects::Infix(&["by"]),
            "parse" if value_before && !has("with") => Expects::Words(&["with"]),
            "parse" if has("with") => Expects::Nothing,
            "mv" if value_before => Expects::Words(&["to typeof(", "limit", "on"]),
            "invoke" if word == "invoke" => Expects::Words(&super::super::coverage::INVOKED),
            "evaluate" if word == "evaluate" => Expects::Words(&super::super::coverage::PLUGINS),
            _ if value_before => Expects::Infix(&[]),
            _ => Expects::Value,
        }
    }

    /// `project-away` and its like, which take bare columns.
    fn hyphened(&self) -> bool {
        self.frame().is_some_and(|f| self.is_sign(f.segment + 1, "-") && self.word(f.segment + 2) != "by")
    }

    /// Whether comparisons make sense here.
    pub(super) fn compares(&self) -> bool {
        !matches!(self.operator().0, "sort" | "order" | "top")
    }

    /// Whether aggregates may stand here.
    pub(super) fn aggregates(&self) -> bool {
        let (head, piped) = self.operator();
        let Some(frame) = self.frame() else { return false };
        let by = (frame.segment..self.tokens.len()).any(|at| self.word(at) == "by");
        piped && !by && (matches!(head, "summarize" | "make") || (head == "top" && self.is_sign(frame.segment + 1, "-")))
    }

    /// The name before the cursor.
    pub(super) fn before_cursor(&self) -> Option<&'q str> {
        self.tokens.len().checked_sub(1).map(|at| self.word(at)).filter(|w| !w.is_empty())
    }

    /// The statements before a frame's, in all that is around it.
    fn lets(&self, home: usize) -> String {
        let mut text = String::new();
        for frame in self.frames.iter().take(home + 1) {
            if let Some(open) = frame.open {
                if !self.is_sign(open, "{") {
                    continue;
                }
                text.push_str(&self.parameters(open));
            }
            let from = frame.open.map_or(0, |open| open + 1);
            text.push_str(self.text.get(self.offset(from)..self.offset(frame.statement)).unwrap_or_default());
        }
        text
    }

    /// A function's parameters as statements.
    fn parameters(&self, body: usize) -> String {
        let mut at = body;
        let mut open = 0;
        while let Some(before) = at.checked_sub(1) {
            at = before;
            open += i32::from(self.is_sign(at, ")")) - i32::from(self.is_sign(at, "("));
            if open <= 0 {
                break;
            }
        }
        let mut text = String::new();
        while at + 2 < body {
            at += 1;
            if !self.is_sign(at + 1, ":") {
                continue;
            }
            let name = self.word(at);
            if self.is_sign(at + 2, "(") {
                let end = (at..body).find(|i| self.is_sign(*i, ")")).unwrap_or(body);
                let columns = self.text.get(self.offset(at + 2)..self.offset(end)).unwrap_or_default();
                if !columns.contains('*') {
                    text.push_str(&format!("let {name} = datatable{columns})[];"));
                }
                at = end;
            } else {
                let value = match self.word(at + 2) {
                    "string" => "''".to_owned(),
                    ty => format!("{ty}(null)"),
                };
                text.push_str(&format!("let {name} = {value};"));
            }
        }
        text
    }

    /// The names that `let` made before the cursor.
    pub(super) fn names(&self, catalog: &dyn Catalog) -> Vec<(Arc<str>, bind::Named)> {
        let text = format!("{} print 1", self.lets(self.home));
        let options = Options::at(0);
        let found = parser::parse(&text).and_then(|query| bind::Binder::new(catalog, &options).scope(&query));
        found.unwrap_or_default()
    }

    /// The columns before the operator that the cursor is in.
    pub(super) fn fields(&self, catalog: &dyn Catalog) -> Vec<(Arc<str>, Type)> {
        let Some(frame) = self.frame().filter(|f| f.segment > f.statement) else { return Vec::new() };
        let from = frame.statement + if self.word(frame.statement) == "let" { 3 } else { 0 };
        self.columns(from, frame.segment - 1, catalog)
    }

    /// The columns of one side of the join that the cursor is in.
    pub(super) fn side(&self, right: bool, catalog: &dyn Catalog) -> Vec<(Arc<str>, Type)> {
        if !right {
            return self.fields(catalog);
        }
        let Some(frame) = self.frame() else { return Vec::new() };
        let on = (frame.segment..self.tokens.len()).rev().find(|at| self.word(*at) == "on").unwrap_or(frame.segment);
        let parameter = (frame.segment..on).rev().find(|at| self.is_sign(*at, "=") && self.word(at.saturating_sub(1)) == "kind");
        self.columns(parameter.map_or(frame.segment + 1, |at| at + 2), on, catalog)
    }

    /// The columns of the pipeline between two tokens; operators that are wrong, and change no columns, are passed over.
    fn columns(&self, from: usize, to: usize, catalog: &dyn Catalog) -> Vec<(Arc<str>, Type)> {
        let lets = self.lets(self.home);
        let mut text = format!("{lets}{}", self.text.get(self.offset(from)..self.offset(to)).unwrap_or_default());
        let options = Options::at(0);
        for _ in 0..8 {
            let found = parser::parse(&text).and_then(|query| bind::Binder::new(catalog, &options).query(&query));
            let error = match found {
                Ok(relation) => return relation.fields.into_iter().map(|f| (f.name, f.ty)).collect(),
                Err(error) => error,
            };
            let Some((start, end)) = harmless(&text, error.start) else { break };
            text.replace_range(start..end, &" ".repeat(end - start));
        }
        Vec::new()
    }
}

/// The bytes of the operator at an offset with its `|`, if the columns stay what they are without it.
fn harmless(text: &str, at: usize) -> Option<(usize, usize)> {
    let tokens = super::super::tokens(text).ok()?;
    let (mut start, mut end, mut i) = (None, text.len(), 0);
    while let Some(token) = tokens.get(i) {
        if token.is_sign("|") {
            if token.start > at {
                end = token.start;
                break;
            }
            start = Some(i);
        } else if token.is_sign(";") {
            start = None;
        }
        i = token.partner.max(i) + 1;
    }
    let bar = start?;
    let word = tokens.get(bar + 1)?;
    let known = ["where", "filter", "sort", "order", "take", "limit", "top", "render", "serialize"];
    known.iter().any(|k| word.is_word(k)).then(|| tokens.get(bar).map(|t| (t.start, end))).flatten()
}

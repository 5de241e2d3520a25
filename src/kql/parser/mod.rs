//! Tokens to the syntax tree, by recursive descent.
//!
//! What the grammar of the language knows and this engine does not is refused here by name; what neither knows is a syntax error.

mod expr;
mod more;
mod operators;
mod search;
mod source;

use super::ast::*;

use super::error::{Span, Try, did_you_mean, limit, syntax, unsupported};

use super::lexer::{Tok, Token, lex};
use super::value::{Type, Value};

use std::sync::Arc;

/// How many expressions may be open at once.
const MAX_DEPTH: usize = 100;

/// Operators of the language that this engine refuses by name.
pub(super) const REFUSED_OPERATORS: [&str; 13] = [
    "assert-schema",
    "parse-kv",
    "reduce",
    "facet",
    "fork",
    "make-graph",
    "graph-match",
    "graph-to-table",
    "graph-merge",
    "graph-shortest-paths",
    "graph-mark-components",
    "execute-and-cache",
    "macro-expand",
];

pub(super) const OPERATORS: [&str; 43] = [
    "where",
    "filter",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "project-by-names",
    "extend",
    "summarize",
    "distinct",
    "take",
    "limit",
    "sample",
    "sample-distinct",
    "top",
    "top-nested",
    "top-hitters",
    "sort",
    "order",
    "count",
    "consume",
    "union",
    "join",
    "lookup",
    "mv-expand",
    "mvexpand",
    "mv-apply",
    "mvapply",
    "make-series",
    "parse",
    "parse-where",
    "partition",
    "scan",
    "search",
    "invoke",
    "evaluate",
    "render",
    "as",
    "serialize",
    "getschema",
    "find",
    "externaldata",
];

pub(super) fn parse(text: &str) -> Try<Query> {
    let mut parser = Parser { text, tokens: lex(text)?, at: 0, depth: 0, searching: false };
    let query = parser.query()?;
    Ok(query)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// In the predicate of `search`, where `column:'text'` seeks.
    searching: bool,
}

static END: Token = Token { tok: Tok::End, span: Span { start: 0, end: 0 } };

impl<'a> Parser<'a> {
    fn peek(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).or(self.tokens.last()).unwrap_or(&END)
    }

    fn span(&self) -> Span {
        self.peek(0).span
    }

    fn last_span(&self) -> Span {
        self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(Span::default(), |t| t.span)
    }

    fn text_of(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    fn is_sign(&self, ahead: usize, sign: &str) -> bool {
        matches!(&self.peek(ahead).tok, Tok::Sign(s) if *s == sign)
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        let token = self.peek(ahead);
        token.tok == Tok::Ident && self.text_of(token.span) == word
    }

    fn is_ident(&self, ahead: usize) -> bool {
        self.peek(ahead).tok == Tok::Ident
    }

    /// Whether the token ahead touches the one before it.
    fn touches(&self, ahead: usize) -> bool {
        ahead > 0 && self.peek(ahead - 1).span.end == self.peek(ahead).span.start
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let hit = self.is_sign(0, sign);
        self.at += usize::from(hit);
        hit
    }

    fn take_word(&mut self, word: &str) -> bool {
        let hit = self.is_word(0, word);
        self.at += usize::from(hit);
        hit
    }

    fn found(&self) -> String {
        match self.peek(0).tok {
            Tok::End => "the query ends".to_owned(),
            _ => format!("found '{}'", self.text_of(self.span())),
        }
    }

    fn expected<T>(&self, what: &str) -> Try<T> {
        Err(syntax(self.span(), format!("expected {what}, {}", self.found())))
    }

    fn need_sign(&mut self, sign: &str) -> Try<()> {
        if self.take_sign(sign) { Ok(()) } else { self.expected(&format!("'{sign}'")) }
    }

    fn need_word(&mut self, word: &str) -> Try<()> {
        if self.take_word(word) { Ok(()) } else { self.expected(&format!("'{word}'")) }
    }

    fn name(&mut self) -> Try<Name> {
        let span = self.span();
        if self.is_ident(0) {
            self.at += 1;
            return Ok(Name { text: self.text_of(span).into(), span });
        }
        if let (true, Tok::Literal(Value::String(s), _), true) = (self.is_sign(0, "["), &self.peek(1).tok, self.is_sign(2, "]")) {
            let text = s.clone();
            self.at += 3;
            return Ok(Name { text, span: span.to(self.last_span()) });
        }
        self.expected("a name")
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Try<T>) -> Try<T> {
        if self.depth == MAX_DEPTH {
            return Err(limit(self.span(), format!("more than {MAX_DEPTH} levels of nesting")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn query(&mut self) -> Try<Query> {
        let lets = self.lets()?;
        let body = self.pipeline()?;
        self.take_sign(";");
        if self.peek(0).tok == Tok::End {
            return Ok(Query { lets, body });
        }
        let before_statement = self.tokens.get(self.at.saturating_sub(1)).is_some_and(|t| t.tok == Tok::Sign(";"));
        if before_statement {
            return Err(unsupported(self.span(), "more than one tabular statement"));
        }
        self.expected("'|' or the end of the query")
    }

    fn lets(&mut self) -> Try<Vec<Let>> {
        let mut lets = Vec::new();
        loop {
            if self.is_word(0, "declare") && self.is_word(1, "query_parameters") {
                lets.extend(self.query_parameters()?);
                self.need_sign(";")?;
                continue;
            }
            for statement in ["set", "declare", "alias", "restrict", "pattern"] {
                if self.is_word(0, statement) && self.is_ident(1) {
                    return Err(unsupported(self.span(), format!("the '{statement}' statement")));
                }
            }
            if !(self.is_word(0, "let") && (self.is_ident(1) || self.is_sign(1, "["))) {
                return Ok(lets);
            }
            self.at += 1;
            let name = self.name()?;
            self.need_sign("=")?;
            let value = if self.lambda_ahead() { LetValue::Lambda(Arc::new(self.lambda()?)) } else { LetValue::Pipeline(self.pipeline()?) };
            lets.push(Let { name, value });
            if !self.is_sign(0, ";") {
                return self.expected("';' behind the let statement");
            }
            self.at += 1;
        }
    }

    fn lambda_ahead(&self) -> bool {
        let mut ahead = usize::from(self.is_word(0, "view"));
        if !self.is_sign(ahead, "(") {
            return false;
        }
        let mut open = 0usize;
        loop {
            match self.peek(ahead).tok {
                Tok::Sign("(") => open += 1,
                Tok::Sign(")") => open -= 1,
                Tok::End => return false,
                _ => {}
            }
            ahead += 1;
            if open == 0 {
                return self.is_sign(ahead, "{");
            }
        }
    }

    fn lambda(&mut self) -> Try<Lambda> {
        self.take_word("view");
        self.need_sign("(")?;
        let mut params = Vec::new();
        while !self.take_sign(")") {
            if !params.is_empty() {
                self.need_sign(",")?;
            }
            let name = self.name()?;
            self.need_sign(":")?;
            let kind = if self.take_sign("(") { ParamKind::Table(self.table_columns()?) } else { ParamKind::Scalar(self.type_name()?) };
            let default = if self.take_sign("=") { Some(self.expr()?) } else { None };
            params.push(Param { name, kind, default });
        }
        self.need_sign("{")?;
        let (lets, body) = self.deeper(|p| Ok((p.lets()?, p.pipeline()?)))?;
        self.take_sign(";");
        self.need_sign("}")?;
        Ok(Lambda { params, lets, body })
    }

    fn table_columns(&mut self) -> Try<Vec<(Name, Type)>> {
        let mut columns = Vec::new();
        if self.take_sign("*") {
            self.need_sign(")")?;
            return Ok(columns);
        }
        while !self.take_sign(")") {
            if !columns.is_empty() {
                self.need_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            let name = self.name()?;
            self.need_sign(":")?;
            columns.push((name, self.type_name()?));
        }
        Ok(columns)
    }

    fn type_name(&mut self) -> Try<Type> {
        let span = self.span();
        if !self.is_ident(0) {
            return self.expected("a type");
        }
        self.at += 1;
        let text = self.text_of(span);
        Type::parse(text).ok_or_else(|| syntax(span, format!("'{text}' is no type{}", did_you_mean(text, Type::NAMES))))
    }

    fn pipeline(&mut self) -> Try<Pipeline> {
        self.deeper(Self::pipeline_here)
    }

    fn pipeline_here(&mut self) -> Try<Pipeline> {
        let start = self.span();
        let source = self.source()?;
        let mut ops = Vec::new();
        while self.take_sign("|") {
            ops.push(self.operator()?);
        }
        Ok(Pipeline { source, ops, span: start.to(self.last_span()) })
    }

    /// An expression, or a pipeline that an expression begins.
    fn pipeline_or_expr(&mut self) -> Try<Expr> {
        let pipeline = self.pipeline()?;
        match pipeline {
            Pipeline { source: Source::Expr(expr), ops, .. } if ops.is_empty() => Ok(expr),
            pipeline => Ok(Expr { span: pipeline.span, kind: ExprKind::Query(Box::new(pipeline)) }),
        }
    }

    fn source(&mut self) -> Try<Source> {
        let starts_operand =
            |p: &Self| matches!(p.peek(1).tok, Tok::Ident | Tok::Literal(..)) || ["(", "[", "-"].iter().any(|s| p.is_sign(1, s));
        if self.is_word(0, "print") && (starts_operand(self) || self.is_sign(1, "+")) {
            self.at += 1;
            return Ok(Source::Print(self.named_list()?));
        }
        if self.is_word(0, "range") && self.is_ident(1) && self.is_word(2, "from") {
            self.at += 1;
            let column = self.name()?;
            self.need_word("from")?;
            let from = self.expr()?;
            self.need_word("to")?;
            let to = self.expr()?;
            self.need_word("step")?;
            let step = self.expr()?;
            return Ok(Source::Range { column, from, to, step });
        }
        if self.is_word(0, "union") && (starts_operand(self) || self.is_sign(1, "*")) {
            self.at += 1;
            return Ok(Source::Union(self.union()?));
        }
        if self.is_word(0, "datatable") && self.is_sign(1, "(") {
            return self.datatable();
        }
        if (self.is_word(0, "externaldata") || self.is_word(0, "external_data")) && self.is_sign(1, "(") {
            return self.external();
        }
        let begins = |p: &Self| {
            (matches!(p.peek(1).tok, Tok::Ident | Tok::Literal(..)) && !p.is_infix(1)) || ["*", "(", "["].iter().any(|s| p.is_sign(1, s))
        };
        if self.is_word(0, "search") && begins(self) {
            self.at += 1;
            return Ok(Source::Search(self.search()?));
        }
        if self.is_word(0, "find") && begins(self) {
            self.at += 1;
            return Ok(Source::Find(self.find()?));
        }
        self.elsewhere()?;
        if self.is_word(0, "evaluate") && self.is_ident(1) && !self.is_infix(1) {
            return Err(unsupported(self.span(), "'evaluate' without an input"));
        }
        Ok(Source::Expr(self.expr()?))
    }

    /// Tables of other places are refused where a table can stand.
    fn elsewhere(&self) -> Try<()> {
        match ["cluster", "database", "workspace"].iter().find(|w| self.is_word(0, w) && self.is_sign(1, "(")) {
            Some(word) => Err(unsupported(self.span(), format!("tables of another place: {word}()"))),
            None => Ok(()),
        }
    }

    fn is_infix(&self, ahead: usize) -> bool {
        ["and", "or", "has", "contains", "startswith", "endswith", "matches", "between", "has_any", "has_all"]
            .iter()
            .any(|w| self.is_word(ahead, w))
    }
}

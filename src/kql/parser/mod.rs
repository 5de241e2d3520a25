//! Tokens to the syntax tree, by recursive descent.
//!
//! What the grammar of the language knows and this engine does not is refused here by name; what neither knows is a syntax error.

use super::ast::*;
use super::datetime::format_datetime_full;
use super::error::{Span, Try, did_you_mean, limit, syntax, unsupported};
use super::lexer::{Tok, Token, lex};
use super::value::{Type, Value};
use crate::json;
use std::sync::Arc;

/// How many expressions may be open at once.
const MAX_DEPTH: usize = 100;

/// Operators of the language that this engine refuses by name.
const REFUSED_OPERATORS: [&str; 26] = [
    "invoke",
    "evaluate",
    "make-series",
    "mv-apply",
    "search",
    "find",
    "top-nested",
    "top-hitters",
    "partition",
    "scan",
    "sample",
    "sample-distinct",
    "reduce",
    "consume",
    "facet",
    "fork",
    "parse-kv",
    "make-graph",
    "graph-match",
    "graph-to-table",
    "graph-merge",
    "graph-shortest-paths",
    "graph-mark-components",
    "execute-and-cache",
    "macro-expand",
    "assert-schema",
];

pub(super) const OPERATORS: [&str; 28] = [
    "where",
    "filter",
    "project",
    "project-away",
    "project-keep",
    "project-rename",
    "project-reorder",
    "extend",
    "summarize",
    "distinct",
    "take",
    "limit",
    "top",
    "sort",
    "order",
    "count",
    "union",
    "join",
    "lookup",
    "mv-expand",
    "mvexpand",
    "parse",
    "parse-where",
    "render",
    "as",
    "serialize",
    "getschema",
    "project-by-names",
];

pub(super) fn parse(text: &str) -> Try<Query> {
    let mut parser = Parser { text, tokens: lex(text)?, at: 0, depth: 0 };
    let query = parser.query()?;
    Ok(query)
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
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
        while self.take_sign(";") {}
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
            while self.take_sign(";") {}
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
        while self.take_sign(";") {}
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
        let starts_operand = |p: &Self| matches!(p.peek(1).tok, Tok::Ident | Tok::Literal(..)) || p.is_sign(1, "(") || p.is_sign(1, "-");
        if self.is_word(0, "print") && (starts_operand(self) || self.is_sign(1, "[")) {
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
        if self.is_word(0, "externaldata") && self.is_sign(1, "(") {
            return Err(unsupported(self.span(), "externaldata"));
        }
        for word in ["search", "find", "evaluate"] {
            if self.is_word(0, word) && matches!(self.peek(1).tok, Tok::Ident | Tok::Literal(..)) && !self.is_infix(1) {
                return Err(unsupported(self.span(), format!("the operator '{word}'")));
            }
        }
        Ok(Source::Expr(self.expr()?))
    }

    fn is_infix(&self, ahead: usize) -> bool {
        ["and", "or", "has", "contains", "startswith", "endswith", "matches", "between", "has_any", "has_all"]
            .iter()
            .any(|w| self.is_word(ahead, w))
    }

    fn datatable(&mut self) -> Try<Source> {
        self.at += 2;
        let columns = self.table_columns()?;
        self.need_sign("[")?;
        let mut cells = Vec::new();
        while !self.take_sign("]") {
            if !cells.is_empty() {
                self.need_sign(",")?;
                if self.take_sign("]") {
                    break;
                }
            }
            cells.push(self.expr()?);
        }
        Ok(Source::DataTable { columns, cells })
    }

    fn union(&mut self) -> Try<Union> {
        let mut union = Union { inner: false, fuzzy: false, source_column: None, parts: Vec::new() };
        while self.is_ident(0) && (self.is_sign(1, "=") || self.is_sign(1, ".")) {
            let span = self.span();
            let key = self.text_of(span);
            if key == "hint" {
                self.hint()?;
                continue;
            }
            self.at += 2;
            match key {
                "kind" => {
                    let kind = self.name()?;
                    union.inner = match kind.text.as_ref() {
                        "inner" => true,
                        "outer" => false,
                        other => return Err(syntax(kind.span, format!("'{other}' is no kind of union"))),
                    };
                }
                "isfuzzy" => union.fuzzy = self.flag()?,
                "withsource" | "with_source" => union.source_column = Some(self.name()?),
                _ => return Err(syntax(span, format!("'{key}' is no parameter of union"))),
            }
        }
        loop {
            union.parts.push(self.union_part()?);
            if !self.take_sign(",") {
                return Ok(union);
            }
        }
    }

    fn union_part(&mut self) -> Try<UnionPart> {
        let wildcard = self.is_sign(0, "*") || (self.is_ident(0) && self.is_sign(1, "*") && self.touches(1));
        if wildcard {
            let pattern = self.pattern()?;
            return Ok(UnionPart::Wildcard(Name { text: pattern.text, span: pattern.span }));
        }
        let start = self.span();
        let expr = self.deeper(Self::postfix)?;
        match expr.kind {
            ExprKind::Query(pipeline) => Ok(UnionPart::Pipeline(*pipeline)),
            _ => Ok(UnionPart::Pipeline(Pipeline { source: Source::Expr(expr), ops: Vec::new(), span: start.to(self.last_span()) })),
        }
    }

    fn hint(&mut self) -> Try<()> {
        self.at += 1;
        self.need_sign(".")?;
        self.name()?;
        self.need_sign("=")?;
        if matches!(self.peek(0).tok, Tok::Ident | Tok::Literal(..)) {
            self.at += 1;
            return Ok(());
        }
        self.expected("the hint's value")
    }

    fn flag(&mut self) -> Try<bool> {
        let span = self.span();
        let text = self.text_of(span).to_owned();
        self.at += 1;
        match text.as_str() {
            "true" | "True" | "1" => Ok(true),
            "false" | "False" | "0" => Ok(false),
            _ => Err(syntax(span, "expected true or false")),
        }
    }

    fn operator_name(&mut self) -> Try<Name> {
        let mut span = self.span();
        if !self.is_ident(0) {
            return self.expected("an operator");
        }
        self.at += 1;
        let hyphenated = ["project", "mv", "parse", "make", "top", "sample", "graph", "execute", "macro", "assert"];
        if hyphenated.contains(&self.text_of(span)) {
            while self.is_sign(0, "-") && self.is_ident(1) && self.touches(1) && self.last_span().end == self.span().start {
                self.at += 2;
                span = span.to(self.last_span());
            }
        }
        Ok(Name { text: self.text_of(span).into(), span })
    }

    fn operator(&mut self) -> Try<Operator> {
        let name = self.operator_name()?;
        let kind = self.operator_kind(&name)?;
        Ok(Operator { kind, span: name.span.to(self.last_span()) })
    }

    fn operator_kind(&mut self, name: &Name) -> Try<OperatorKind> {
        Ok(match name.text.as_ref() {
            "where" | "filter" => OperatorKind::Where(self.expr()?),
            "project" => OperatorKind::Project(if self.at_end() { Vec::new() } else { self.named_list()? }),
            "project-away" => OperatorKind::ProjectAway(self.patterns()?),
            "project-keep" => OperatorKind::ProjectKeep(self.patterns()?),
            "project-rename" => {
                let renames = self.list(|p| {
                    let new = p.name()?;
                    p.need_sign("=")?;
                    Ok((new, p.name()?))
                })?;
                OperatorKind::ProjectRename(renames)
            }
            "project-reorder" => OperatorKind::ProjectReorder(self.patterns()?),
            "extend" => OperatorKind::Extend(self.named_list()?),
            "summarize" => self.summarize()?,
            "distinct" if self.take_sign("*") => OperatorKind::DistinctAll,
            "distinct" => OperatorKind::Distinct(self.named_list()?),
            "take" | "limit" => OperatorKind::Take(self.expr()?),
            "top" => {
                let count = self.expr()?;
                self.need_word("by")?;
                OperatorKind::Top { count, by: self.order()? }
            }
            "sort" | "order" => {
                self.need_word("by")?;
                OperatorKind::Sort(self.list(Self::order)?)
            }
            "count" => OperatorKind::Count(if self.take_word("as") { Some(self.name()?) } else { None }),
            "union" => OperatorKind::Union(self.union()?),
            "join" => self.join(false)?,
            "lookup" => self.join(true)?,
            "mv-expand" => self.mv_expand(None)?,
            "mvexpand" => self.mv_expand(Some(128))?,
            "parse" => self.parse_operator(false)?,
            "parse-where" => self.parse_operator(true)?,
            "render" => self.render()?,
            "as" => OperatorKind::As(self.name()?),
            "serialize" => OperatorKind::Serialize(if self.at_end() { Vec::new() } else { self.named_list()? }),
            "getschema" => OperatorKind::GetSchema,
            other if REFUSED_OPERATORS.contains(&other) => return Err(unsupported(name.span, format!("the operator '{other}'"))),
            other => {
                let hint = did_you_mean(other, OPERATORS.iter().copied().chain(REFUSED_OPERATORS));
                return Err(syntax(name.span, format!("'{other}' is no operator{hint}")));
            }
        })
    }

    fn at_end(&self) -> bool {
        matches!(self.peek(0).tok, Tok::End | Tok::Sign("|" | ")" | ";" | "}" | ","))
    }

    fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Try<T>) -> Try<Vec<T>> {
        let mut items = vec![read(self)?];
        while self.take_sign(",") {
            items.push(read(self)?);
        }
        Ok(items)
    }

    fn named_list(&mut self) -> Try<Vec<Named>> {
        self.list(Self::named)
    }

    fn named(&mut self) -> Try<Named> {
        let bracketed = self.is_sign(0, "[")
            && matches!(self.peek(1).tok, Tok::Literal(Value::String(_), _))
            && self.is_sign(2, "]")
            && self.is_sign(3, "=");
        if (self.is_ident(0) && self.is_sign(1, "=")) || bracketed {
            let name = self.name()?;
            self.need_sign("=")?;
            return Ok(Named { names: vec![name], expr: self.expr()? });
        }
        if let Some(len) = self.tuple_ahead() {
            self.at += 1;
            let names = self.list(Self::name)?;
            debug_assert_eq!(names.len(), len);
            self.need_sign(")")?;
            self.need_sign("=")?;
            return Ok(Named { names, expr: self.expr()? });
        }
        Ok(Named { names: Vec::new(), expr: self.expr()? })
    }

    /// How many names stand in `(a, b) =`, if that comes next.
    fn tuple_ahead(&self) -> Option<usize> {
        if !self.is_sign(0, "(") {
            return None;
        }
        let mut ahead = 1;
        loop {
            if !self.is_ident(ahead) {
                return None;
            }
            if self.is_sign(ahead + 1, ")") {
                return self.is_sign(ahead + 2, "=").then_some(ahead.div_ceil(2));
            }
            if !self.is_sign(ahead + 1, ",") {
                return None;
            }
            ahead += 2;
        }
    }

    fn patterns(&mut self) -> Try<Vec<Pattern>> {
        self.list(Self::pattern)
    }

    /// A name in which `*` may stand: touching tokens.
    fn pattern(&mut self) -> Try<Pattern> {
        let mut span = self.span();
        let mut pattern = if self.is_sign(0, "[") {
            let name = self.name()?;
            Pattern { text: name.text, span: name.span, order: Reorder::Asked }
        } else {
            if !(self.is_ident(0) || self.is_sign(0, "*")) {
                return self.expected("a column name");
            }
            self.at += 1;
            while (self.is_ident(0) || self.is_sign(0, "*")) && self.last_span().end == self.span().start {
                self.at += 1;
            }
            span = span.to(self.last_span());
            Pattern { text: self.text_of(span).into(), span, order: Reorder::Asked }
        };
        if self.take_word("asc") {
            pattern.order = Reorder::Ascending;
        } else if self.take_word("desc") {
            pattern.order = Reorder::Descending;
        }
        Ok(pattern)
    }

    fn summarize(&mut self) -> Try<OperatorKind> {
        while self.is_word(0, "hint") && self.is_sign(1, ".") {
            self.hint()?;
        }
        let aggregates = if self.is_word(0, "by") || self.at_end() { Vec::new() } else { self.named_list()? };
        let by = if self.take_word("by") { self.named_list()? } else { Vec::new() };
        if aggregates.is_empty() && by.is_empty() {
            return self.expected("an aggregate");
        }
        Ok(OperatorKind::Summarize { aggregates, by })
    }

    fn order(&mut self) -> Try<Order> {
        let expr = self.expr()?;
        let ascending = self.take_word("asc");
        if !ascending {
            self.take_word("desc");
        }
        let nulls_first = if self.take_word("nulls") {
            let first = self.take_word("first");
            if !first {
                self.need_word("last")?;
            }
            Some(first)
        } else {
            None
        };
        Ok(Order { expr, ascending, nulls_first })
    }

    fn join(&mut self, lookup: bool) -> Try<OperatorKind> {
        let mut kind = if lookup { JoinKind::LeftOuter } else { JoinKind::InnerUnique };
        while self.is_ident(0) && (self.is_sign(1, "=") || (self.is_word(0, "hint") && self.is_sign(1, "."))) {
            if self.is_word(0, "hint") {
                self.hint()?;
                continue;
            }
            self.need_word("kind")?;
            self.need_sign("=")?;
            let name = self.name()?;
            kind = match name.text.as_ref() {
                "inner" => JoinKind::Inner,
                "leftouter" => JoinKind::LeftOuter,
                "innerunique" if !lookup => JoinKind::InnerUnique,
                "rightouter" if !lookup => JoinKind::RightOuter,
                "fullouter" if !lookup => JoinKind::FullOuter,
                "leftanti" | "anti" | "leftantisemi" if !lookup => JoinKind::LeftAnti,
                "leftsemi" if !lookup => JoinKind::LeftSemi,
                "rightanti" | "rightantisemi" if !lookup => JoinKind::RightAnti,
                "rightsemi" if !lookup => JoinKind::RightSemi,
                other => return Err(syntax(name.span, format!("'{other}' is no kind of {}", if lookup { "lookup" } else { "join" }))),
            };
        }
        let start = self.span();
        let right = self.deeper(Self::postfix)?;
        let right = match right.kind {
            ExprKind::Query(pipeline) => *pipeline,
            _ => Pipeline { source: Source::Expr(right), ops: Vec::new(), span: start.to(self.last_span()) },
        };
        if self.is_word(0, "where") {
            return Err(unsupported(self.span(), "join with a where clause"));
        }
        self.need_word("on")?;
        let on = self.list(Self::expr)?;
        Ok(OperatorKind::Join { kind, right: Box::new(right), on, lookup })
    }

    fn mv_expand(&mut self, most: Option<i64>) -> Try<OperatorKind> {
        let mut index = None;
        while self.is_ident(0) && self.is_sign(1, "=") {
            let span = self.span();
            match self.text_of(span) {
                "kind" | "bagexpansion" => {
                    self.at += 2;
                    let kind = self.name()?;
                    if kind.text.as_ref() != "bag" {
                        return Err(unsupported(kind.span, format!("mv-expand kind={}", kind.text)));
                    }
                }
                "with_itemindex" => {
                    self.at += 2;
                    index = Some(self.name()?);
                }
                _ => break,
            }
        }
        let items = self.list(|p| {
            let named = p.named()?;
            let ty = if p.take_word("to") {
                p.need_word("typeof")?;
                p.need_sign("(")?;
                let ty = p.type_name()?;
                p.need_sign(")")?;
                Some(ty)
            } else {
                None
            };
            if named.names.len() > 1 {
                return Err(syntax(named.expr.span, "mv-expand takes one name an expression"));
            }
            Ok(Expansion { name: named.names.into_iter().next(), expr: named.expr, ty })
        })?;
        let span = self.span();
        let default = most.map(|most| Expr { kind: ExprKind::Literal(Value::Long(most), Type::Long), span });
        let limit = if self.take_word("limit") { Some(self.expr()?) } else { default };
        Ok(OperatorKind::MvExpand { items, index, limit })
    }

    fn parse_operator(&mut self, filter: bool) -> Try<OperatorKind> {
        let mut relaxed = false;
        if self.is_word(0, "kind") && self.is_sign(1, "=") {
            self.at += 2;
            let kind = self.name()?;
            relaxed = match kind.text.as_ref() {
                "simple" => false,
                "relaxed" => true,
                "regex" => return Err(unsupported(kind.span, "parse kind=regex")),
                other => return Err(syntax(kind.span, format!("'{other}' is no kind of parse"))),
            };
        }
        let value = self.expr()?;
        self.need_word("with")?;
        let mut pieces = Vec::new();
        while !self.at_end() {
            let span = self.span();
            if self.take_sign("*") {
                pieces.push(ParsePiece::Star);
            } else if let Tok::Literal(Value::String(s), _) = &self.peek(0).tok {
                pieces.push(ParsePiece::Text(s.to_string()));
                self.at += 1;
            } else if self.is_ident(0) || self.is_sign(0, "[") {
                let name = self.name()?;
                let ty = if self.take_sign(":") { self.type_name()? } else { Type::String };
                if matches!(pieces.last(), Some(ParsePiece::Column(..))) {
                    return Err(syntax(span, "two columns need a text between them"));
                }
                pieces.push(ParsePiece::Column(name, ty));
            } else {
                return self.expected("a text, a column or '*'");
            }
        }
        if pieces.is_empty() {
            return self.expected("a pattern");
        }
        Ok(OperatorKind::Parse { value, pieces, relaxed, filter })
    }

    fn render(&mut self) -> Try<OperatorKind> {
        let kind = self.name()?;
        if self.take_word("with") {
            self.need_sign("(")?;
            let mut open = 1usize;
            while open > 0 {
                match self.peek(0).tok {
                    Tok::Sign("(") => open += 1,
                    Tok::Sign(")") => open -= 1,
                    Tok::End => return self.expected("')'"),
                    _ => {}
                }
                self.at += 1;
            }
        } else {
            while self.is_ident(0) && self.is_sign(1, "=") {
                self.at += 2;
                self.postfix()?;
            }
        }
        Ok(OperatorKind::Render(kind.text.to_string()))
    }

    fn expr(&mut self) -> Try<Expr> {
        self.deeper(Self::or_expr)
    }

    fn or_expr(&mut self) -> Try<Expr> {
        self.chain("or", Self::and_expr, ExprKind::Or)
    }

    fn and_expr(&mut self) -> Try<Expr> {
        self.chain("and", Self::comparison, ExprKind::And)
    }

    fn chain(&mut self, word: &str, read: fn(&mut Self) -> Try<Expr>, make: fn(Vec<Expr>) -> ExprKind) -> Try<Expr> {
        let first = read(self)?;
        if !self.is_word(0, word) {
            return Ok(first);
        }
        let start = first.span;
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(read(self)?);
        }
        Ok(Expr { kind: make(parts), span: start.to(self.last_span()) })
    }

    fn comparison(&mut self) -> Try<Expr> {
        let mut left = self.additive()?;
        let mut links = 0;
        loop {
            let start = left.span;
            let Some(kind) = self.comparison_behind(&left)? else {
                return Ok(left);
            };
            links += 1;
            if links > MAX_DEPTH {
                return Err(limit(self.span(), "too many comparisons in one chain"));
            }
            left = Expr { kind, span: start.to(self.last_span()) };
        }
    }

    fn comparison_behind(&mut self, left: &Expr) -> Try<Option<ExprKind>> {
        let boxed = || Box::new(left.clone());
        if let Tok::Sign(sign) = self.peek(0).tok {
            let cmp = match sign {
                "==" => Some(Cmp::Eq),
                "!=" | "<>" => Some(Cmp::Ne),
                "<" => Some(Cmp::Lt),
                "<=" => Some(Cmp::Le),
                ">" => Some(Cmp::Gt),
                ">=" => Some(Cmp::Ge),
                _ => None,
            };
            if let Some(cmp) = cmp {
                self.at += 1;
                return Ok(Some(ExprKind::Compare(cmp, boxed(), Box::new(self.additive()?))));
            }
            if sign == "=~" || sign == "!~" {
                self.at += 1;
                let op = TextOp { how: TextHow::Equal, case_sensitive: false, negated: sign == "!~" };
                return Ok(Some(ExprKind::Text(op, boxed(), Box::new(self.additive()?))));
            }
        }
        let negated = self.is_sign(0, "!") && self.is_ident(1) && self.touches(1);
        let ahead = usize::from(negated);
        if !self.is_ident(ahead) {
            return Ok(None);
        }
        let word_span = self.peek(ahead).span;
        let word = self.text_of(word_span);
        match word {
            "in" => {
                self.at += ahead + 1;
                let tilde = self.is_sign(0, "~") && self.last_span().end == self.span().start;
                self.at += usize::from(tilde);
                let list = self.in_list()?;
                return Ok(Some(ExprKind::In { value: boxed(), list, case_sensitive: !tilde, negated }));
            }
            "has_any" | "has_all" if !negated => {
                self.at += 1;
                let list = if self.is_sign(0, "(") { self.in_list()? } else { vec![self.additive()?] };
                return Ok(Some(ExprKind::HasList { value: boxed(), list, all: word == "has_all" }));
            }
            "between" => {
                self.at += ahead + 1;
                self.need_sign("(")?;
                let low = Box::new(self.additive()?);
                self.need_sign("..")?;
                let high = Box::new(self.additive()?);
                self.need_sign(")")?;
                return Ok(Some(ExprKind::Between { value: boxed(), low, high, negated }));
            }
            "matches" if !negated && self.is_word(1, "regex") => {
                self.at += 2;
                let op = TextOp { how: TextHow::Regex, case_sensitive: true, negated };
                return Ok(Some(ExprKind::Text(op, boxed(), Box::new(self.additive()?))));
            }
            "like" | "notlike" | "has_any_index" => return Err(unsupported(word_span, format!("the operator '{word}'"))),
            _ => {}
        }
        let (stem, case_sensitive) = word.strip_suffix("_cs").map_or((word, false), |stem| (stem, true));
        let (stem, not) = match stem {
            "notcontains" => ("contains", true),
            other => (other, false),
        };
        let how = match stem {
            "contains" => TextHow::Contains,
            "startswith" => TextHow::StartsWith,
            "endswith" => TextHow::EndsWith,
            "has" => TextHow::Has,
            "hasprefix" => TextHow::HasPrefix,
            "hassuffix" => TextHow::HasSuffix,
            _ if negated => return Err(syntax(word_span, format!("'!{word}' is no operator"))),
            _ => return Ok(None),
        };
        self.at += ahead + 1;
        let op = TextOp { how, case_sensitive, negated: negated || not };
        Ok(Some(ExprKind::Text(op, boxed(), Box::new(self.additive()?))))
    }

    fn in_list(&mut self) -> Try<Vec<Expr>> {
        self.need_sign("(")?;
        let mut list = Vec::new();
        while !self.take_sign(")") {
            if !list.is_empty() {
                self.need_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            list.push(self.pipeline_or_expr()?);
        }
        if list.is_empty() {
            return Err(syntax(self.last_span(), "the list is empty"));
        }
        Ok(list)
    }

    fn additive(&mut self) -> Try<Expr> {
        self.arithmetic(&[("+", Arith::Add), ("-", Arith::Sub)], Self::multiplicative)
    }

    fn multiplicative(&mut self) -> Try<Expr> {
        self.arithmetic(&[("*", Arith::Mul), ("/", Arith::Div), ("%", Arith::Mod)], Self::unary)
    }

    fn arithmetic(&mut self, signs: &[(&str, Arith)], read: fn(&mut Self) -> Try<Expr>) -> Try<Expr> {
        let mut left = read(self)?;
        let mut links = 0;
        while let Some((_, op)) = signs.iter().find(|(s, _)| self.is_sign(0, s)) {
            self.at += 1;
            links += 1;
            if links > MAX_DEPTH {
                return Err(limit(self.span(), format!("more than {MAX_DEPTH} terms in one chain")));
            }
            let right = read(self)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Arith(*op, Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Try<Expr> {
        let start = self.span();
        if self.take_sign("-") {
            let inner = self.deeper(Self::unary)?;
            return Ok(Expr { span: start.to(inner.span), kind: ExprKind::Negate(Box::new(inner)) });
        }
        if self.take_sign("+") {
            return self.deeper(Self::unary);
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Try<Expr> {
        let mut expr = self.primary()?;
        let mut links = 0;
        loop {
            if self.is_sign(0, ".") && (self.is_ident(1) || self.is_sign(1, "[")) {
                self.at += 1;
                if self.is_ident(0) {
                    let name = self.name()?;
                    let span = expr.span.to(name.span);
                    expr = Expr { kind: ExprKind::Path(Box::new(expr), name), span };
                    links += 1;
                    continue;
                }
            }
            if self.is_sign(0, "[") {
                self.at += 1;
                let index = self.expr()?;
                self.need_sign("]")?;
                let span = expr.span.to(self.last_span());
                expr = Expr { kind: ExprKind::Index(Box::new(expr), Box::new(index)), span };
                links += 1;
                if links > MAX_DEPTH {
                    return Err(limit(span, "too long a path"));
                }
                continue;
            }
            if links > MAX_DEPTH {
                return Err(limit(expr.span, "too long a path"));
            }
            return Ok(expr);
        }
    }

    fn primary(&mut self) -> Try<Expr> {
        let start = self.span();
        match self.peek(0).tok.clone() {
            Tok::Literal(value, ty) => {
                self.at += 1;
                let mut text = match (value, ty) {
                    (Value::String(s), Type::String) => s,
                    (value, ty) => return Ok(Expr { kind: ExprKind::Literal(value, ty), span: start }),
                };
                while let Tok::Literal(Value::String(more), Type::String) = &self.peek(0).tok {
                    text = format!("{text}{more}").into();
                    self.at += 1;
                }
                Ok(Expr { kind: ExprKind::Literal(Value::String(text), Type::String), span: start.to(self.last_span()) })
            }
            Tok::Sign("(") => {
                self.at += 1;
                let inner = self.pipeline_or_expr()?;
                self.need_sign(")")?;
                let span = start.to(self.last_span());
                Ok(match inner.kind {
                    ExprKind::Query(_) => Expr { kind: inner.kind, span },
                    _ => Expr { kind: ExprKind::Parens(Box::new(inner)), span },
                })
            }
            Tok::Sign("*") => {
                self.at += 1;
                Ok(Expr { kind: ExprKind::Star, span: start })
            }
            Tok::Sign("[") => {
                let name = self.name()?;
                Ok(Expr { kind: ExprKind::Name(name.text), span: name.span })
            }
            Tok::Ident => self.word_expr(),
            _ => self.expected("an expression"),
        }
    }

    fn word_expr(&mut self) -> Try<Expr> {
        let name = self.name()?;
        if !self.is_sign(0, "(") {
            let kind = match name.text.as_ref() {
                "true" | "True" | "TRUE" => ExprKind::Literal(Value::Bool(true), Type::Bool),
                "false" | "False" | "FALSE" => ExprKind::Literal(Value::Bool(false), Type::Bool),
                _ => ExprKind::Name(name.text),
            };
            return Ok(Expr { kind, span: name.span });
        }
        match name.text.as_ref() {
            "dynamic" => {
                self.at += 1;
                let value = self.dynamic()?;
                self.need_sign(")")?;
                return Ok(Expr { kind: ExprKind::Dynamic(value), span: name.span.to(self.last_span()) });
            }
            "typeof" => {
                self.at += 1;
                let ty = self.type_name()?;
                self.need_sign(")")?;
                return Ok(Expr { kind: ExprKind::TypeOf(ty), span: name.span.to(self.last_span()) });
            }
            "bool" | "boolean" | "int" | "long" | "real" | "double" | "decimal" => return self.typed_literal(&name),
            _ => {}
        }
        self.at += 1;
        let mut args = Vec::new();
        while !self.take_sign(")") {
            if !args.is_empty() {
                self.need_sign(",")?;
            }
            let named = self.is_ident(0) && self.is_sign(1, "=");
            let arg_name = if named { Some(self.name()?) } else { None };
            self.at += usize::from(named);
            args.push(Arg { name: arg_name, expr: self.pipeline_or_expr()? });
        }
        let span = name.span.to(self.last_span());
        Ok(Expr { kind: ExprKind::Call(name, args), span })
    }

    /// `long(5)`, `bool(true)`, `real(nan)`, `int(null)`.
    fn typed_literal(&mut self, name: &Name) -> Try<Expr> {
        let ty = Type::parse(&name.text).unwrap_or(Type::Long);
        if ty == Type::Decimal {
            return Err(unsupported(name.span, "the type decimal"));
        }
        self.at += 1;
        let negative = self.take_sign("-");
        if !negative {
            self.take_sign("+");
        }
        let token = self.peek(0).clone();
        self.at += 1;
        let word = self.text_of(token.span).to_lowercase();
        let sign = if negative { -1 } else { 1 };
        let value = match (ty, &token.tok) {
            (_, Tok::Ident) if word == "null" => Some(Value::Null),
            (Type::Bool, Tok::Ident) if word == "true" || word == "false" => Some(Value::Bool(word == "true")),
            (Type::Bool, Tok::Literal(Value::Long(n), _)) => Some(Value::Bool(*n != 0)),
            (Type::Int, Tok::Literal(Value::Long(n), _)) => i32::try_from(sign * n).ok().map(Value::Int),
            (Type::Long, Tok::Literal(Value::Long(n), _)) => Some(Value::Long(sign * n)),
            (Type::Real, Tok::Literal(Value::Long(n), _)) => Some(Value::Real(sign as f64 * *n as f64)),
            (Type::Real, Tok::Literal(Value::Real(n), _)) => Some(Value::Real(sign as f64 * n)),
            (Type::Real, Tok::Ident) if word == "nan" => Some(Value::Real(f64::NAN)),
            (Type::Real, Tok::Ident) if word == "inf" => Some(Value::Real(sign as f64 * f64::INFINITY)),
            _ => None,
        };
        let span = name.span.to(self.last_span());
        let value = value.ok_or_else(|| syntax(span, format!("no {} literal; to convert a value use to{}()", ty.name(), ty.name())))?;
        self.need_sign(")")?;
        Ok(Expr { kind: ExprKind::Literal(value, ty), span: name.span.to(self.last_span()) })
    }

    fn dynamic(&mut self) -> Try<json::Value> {
        self.deeper(Self::dynamic_here)
    }

    fn dynamic_here(&mut self) -> Try<json::Value> {
        let negative = self.take_sign("-");
        let sign = if negative { -1 } else { 1 };
        let token = self.peek(0).clone();
        self.at += 1;
        let value = match token.tok {
            Tok::Literal(Value::String(s), _) if !negative => json::Value::String(s.to_string()),
            Tok::Literal(Value::Long(n), _) => json::Value::Int(sign * n),
            Tok::Literal(Value::Real(n), _) => json::Value::Float(sign as f64 * n),
            Tok::Literal(Value::DateTime(t), _) if !negative => json::Value::String(format_datetime_full(t)),
            Tok::Ident if !negative => match self.text_of(token.span) {
                "null" => json::Value::Null,
                "true" => json::Value::Bool(true),
                "false" => json::Value::Bool(false),
                other => return Err(syntax(token.span, format!("'{other}' cannot stand in a dynamic literal"))),
            },
            Tok::Sign("[") if !negative => {
                let mut items = Vec::new();
                while !self.take_sign("]") {
                    if !items.is_empty() {
                        self.need_sign(",")?;
                    }
                    items.push(self.dynamic()?);
                }
                json::Value::Array(items)
            }
            Tok::Sign("{") if !negative => {
                let mut object = json::Object::new();
                while !self.take_sign("}") {
                    if !object.is_empty() {
                        self.need_sign(",")?;
                    }
                    let Tok::Literal(Value::String(key), Type::String) = self.peek(0).tok.clone() else {
                        return self.expected("a key");
                    };
                    self.at += 1;
                    self.need_sign(":")?;
                    let value = self.dynamic()?;
                    object.insert(key.to_string(), value);
                }
                json::Value::Object(object)
            }
            _ => return Err(syntax(token.span, "malformed dynamic literal")),
        };
        Ok(value)
    }
}

//! Operators with a grammar of their own: series, sub-queries, searches, plugins.

use super::super::ast::*;
use super::super::error::{Try, syntax, unsupported};
use super::super::lexer::Tok;
use super::super::value::{Type, Value};
use super::Parser;
use super::operators::Expansions;
use std::sync::Arc;

impl Parser<'_> {
    /// `hint.x = y` as often as it stands here.
    pub(super) fn hints(&mut self) -> Try<()> {
        while self.is_word(0, "hint") && self.is_sign(1, ".") {
            self.hint()?;
        }
        Ok(())
    }

    /// `name = value` as often as it stands here, for keys that the caller knows.
    fn keyed(&mut self, keys: &[&str]) -> Try<Option<(Name, Name)>> {
        let known = self.is_ident(0) && self.is_sign(1, "=") && keys.contains(&self.text_of(self.span()));
        if !known {
            return Ok(None);
        }
        let key = self.name()?;
        self.need_sign("=")?;
        Ok(Some((key, self.name()?)))
    }

    /// `(name = value, …)`
    pub(super) fn properties(&mut self) -> Try<Vec<(Name, Expr)>> {
        self.need_sign("(")?;
        let mut found = Vec::new();
        while !self.take_sign(")") {
            if !found.is_empty() {
                self.need_sign(",")?;
                if self.take_sign(")") {
                    break;
                }
            }
            let name = self.name()?;
            self.need_sign("=")?;
            found.push((name, self.expr()?));
        }
        Ok(found)
    }

    pub(super) fn external(&mut self) -> Try<Source> {
        self.at += 2;
        let columns = self.table_columns()?;
        self.need_sign("[")?;
        let mut urls = Vec::new();
        while !self.take_sign("]") {
            if !urls.is_empty() {
                self.need_sign(",")?;
                if self.take_sign("]") {
                    break;
                }
            }
            urls.push(self.expr()?);
        }
        let with = if self.take_word("with") { self.properties()? } else { Vec::new() };
        Ok(Source::External(External { columns, urls, with }))
    }

    pub(super) fn query_parameters(&mut self) -> Try<Vec<Let>> {
        self.at += 2;
        self.need_sign("(")?;
        let mut lets = Vec::new();
        while !self.take_sign(")") {
            if !lets.is_empty() {
                self.need_sign(",")?;
            }
            let name = self.name()?;
            self.need_sign(":")?;
            let ty = self.type_name()?;
            if !self.take_sign("=") {
                return Err(unsupported(name.span, format!("the query parameter '{}' without a default value", name.text)));
            }
            let value = self.expr()?;
            let fits = matches!(&value.kind, ExprKind::Literal(_, t) if *t == ty || (t.is_integer() && ty.is_number()))
                || (matches!(value.kind, ExprKind::Dynamic(_)) && ty == Type::Dynamic);
            if !fits {
                return Err(syntax(value.span, format!("the default value of '{}' must be a {} literal", name.text, ty.name())));
            }
            let span = value.span;
            let source = Source::Expr(value);
            lets.push(Let { name, value: LetValue::Pipeline(Pipeline { source, ops: Vec::new(), span }) });
        }
        if !self.is_sign(0, ";") {
            return self.expected("';' behind the statement");
        }
        Ok(lets)
    }

    pub(super) fn invoke(&mut self) -> Try<OperatorKind> {
        let function = self.name()?;
        self.need_sign("(")?;
        Ok(OperatorKind::Invoke { function, args: self.call_args()? })
    }

    pub(super) fn evaluate(&mut self) -> Try<OperatorKind> {
        self.hints()?;
        let plugin = self.name()?;
        self.need_sign("(")?;
        let args = self.call_args()?;
        let schema = if self.take_sign(":") {
            self.need_sign("(")?;
            let star = self.is_sign(0, "*") && self.is_sign(1, ",");
            self.at += if star { 2 } else { 0 };
            Some(OutputSchema { star, columns: self.table_columns()? })
        } else {
            None
        };
        Ok(OperatorKind::Evaluate { plugin, args, schema })
    }

    pub(super) fn mv_apply(&mut self) -> Try<OperatorKind> {
        let Expansions { items, index, limit, arrays } = self.expansions(None)?;
        if arrays {
            return Err(syntax(self.last_span(), "mv-apply has no kind=array"));
        }
        self.need_word("on")?;
        self.need_sign("(")?;
        let ops = self.sub_operators(")")?;
        Ok(OperatorKind::MvApply { items, index, limit, ops })
    }

    /// Operators without a source, up to a closing sign.
    fn sub_operators(&mut self, close: &str) -> Try<Vec<Operator>> {
        let ops = self.deeper(|p| {
            p.take_sign("|");
            let mut ops = vec![p.operator()?];
            while p.take_sign("|") {
                ops.push(p.operator()?);
            }
            Ok(ops)
        })?;
        self.need_sign(close)?;
        Ok(ops)
    }

    pub(super) fn make_series(&mut self) -> Try<OperatorKind> {
        self.hints()?;
        let mut nonempty = false;
        if let Some((_, kind)) = self.keyed(&["kind"])? {
            nonempty = kind.text.as_ref() == "nonempty";
            if !nonempty {
                return Err(syntax(kind.span, format!("'{}' is no kind of make-series", kind.text)));
            }
        }
        self.hints()?;
        let series = self.list(|p| {
            let named = p.named()?;
            let default = p.is_word(0, "default") && p.is_sign(1, "=");
            p.at += if default { 2 } else { 0 };
            Ok((named, if default { Some(p.expr()?) } else { None }))
        })?;
        self.need_word("on")?;
        // Not a whole expression: `in` begins the range.
        let axis = if self.is_ident(0) && self.is_sign(1, "=") {
            let name = self.name()?;
            self.need_sign("=")?;
            Named { names: vec![name], expr: self.additive()? }
        } else {
            Named { names: Vec::new(), expr: self.additive()? }
        };
        let (from, to, step, in_range) = if self.take_word("in") {
            self.need_word("range")?;
            self.need_sign("(")?;
            let from = self.expr()?;
            self.need_sign(",")?;
            let to = self.expr()?;
            self.need_sign(",")?;
            let step = self.expr()?;
            self.need_sign(")")?;
            (Some(from), Some(to), step, true)
        } else {
            let from = if self.take_word("from") { Some(self.expr()?) } else { None };
            let to = if self.take_word("to") { Some(self.expr()?) } else { None };
            self.need_word("step")?;
            (from, to, self.expr()?, false)
        };
        let by = if self.take_word("by") { self.named_list()? } else { Vec::new() };
        Ok(OperatorKind::MakeSeries(MakeSeries { nonempty, series, axis, from, to, step, in_range, by }))
    }

    pub(super) fn top_nested(&mut self) -> Try<OperatorKind> {
        let mut levels = vec![self.top_level()?];
        while self.is_sign(0, ",") {
            self.at += 1;
            let name = self.operator_name()?;
            if name.text.as_ref() != "top-nested" {
                return Err(syntax(name.span, "expected 'top-nested'"));
            }
            levels.push(self.top_level()?);
        }
        Ok(OperatorKind::TopNested(levels))
    }

    fn top_level(&mut self) -> Try<TopLevel> {
        let count = if self.is_word(0, "of") { None } else { Some(self.expr()?) };
        self.need_word("of")?;
        let of = self.named()?;
        let mut others = None;
        if self.take_word("with") {
            self.need_word("others")?;
            self.need_sign("=")?;
            others = Some(self.expr()?);
        }
        self.need_word("by")?;
        let by = self.named()?;
        let ascending = self.take_word("asc");
        if !ascending {
            self.take_word("desc");
        }
        Ok(TopLevel { count, of, others, by, ascending })
    }

    pub(super) fn top_hitters(&mut self) -> Try<OperatorKind> {
        let count = self.expr()?;
        self.need_word("of")?;
        let of = self.named()?;
        let by = if self.take_word("by") { Some(self.expr()?) } else { None };
        Ok(OperatorKind::TopHitters { count, of, by })
    }

    pub(super) fn partition(&mut self) -> Try<OperatorKind> {
        let mut native = false;
        while self.is_word(0, "hint") && self.is_sign(1, ".") {
            if self.is_word(2, "strategy") && self.is_sign(3, "=") {
                native = match self.text_of(self.peek(4).span) {
                    "native" | "shuffle" => true,
                    "legacy" => false,
                    other => return Err(syntax(self.peek(4).span, format!("'{other}' is no strategy of partition"))),
                };
            }
            self.hint()?;
        }
        self.need_word("by")?;
        let by = self.name()?;
        let sub = if self.take_sign("{") {
            self.pipeline()?;
            self.need_sign("}")?;
            SubQuery::Braces
        } else {
            self.need_sign("(")?;
            SubQuery::Ops(self.sub_operators(")")?)
        };
        Ok(OperatorKind::Partition { by, sub, native })
    }

    pub(super) fn scan(&mut self) -> Try<OperatorKind> {
        let match_id = self.keyed(&["with_match_id"])?.map(|(_, name)| name);
        let mut declared = Vec::new();
        if self.take_word("declare") {
            self.need_sign("(")?;
            while !self.take_sign(")") {
                if !declared.is_empty() {
                    self.need_sign(",")?;
                }
                let name = self.name()?;
                self.need_sign(":")?;
                let ty = self.type_name()?;
                let default = if self.take_sign("=") { Some(self.expr()?) } else { None };
                declared.push((name, ty, default));
            }
        }
        self.need_word("with")?;
        self.need_sign("(")?;
        let mut steps = Vec::new();
        while !self.take_sign(")") {
            self.need_word("step")?;
            let name = self.name()?;
            let mut emit = Emit::All;
            if let Some((_, how)) = self.keyed(&["output"])? {
                emit = match how.text.as_ref() {
                    "all" => Emit::All,
                    "last" => Emit::Last,
                    "none" => Emit::None,
                    other => return Err(syntax(how.span, format!("'{other}' is no output of a step: all, last or none"))),
                };
            }
            self.need_sign(":")?;
            let condition = self.expr()?;
            let mut set = Vec::new();
            if self.take_sign("=>") {
                set = self.list(|p| {
                    let name = p.name()?;
                    p.need_sign("=")?;
                    Ok((name, p.expr()?))
                })?;
            }
            self.need_sign(";")?;
            steps.push(Step { name, emit, condition, set });
        }
        if steps.is_empty() {
            return Err(syntax(self.last_span(), "scan needs a step"));
        }
        Ok(OperatorKind::Scan(Scan { match_id, declared, steps }))
    }

    pub(super) fn consume(&mut self) -> Try<OperatorKind> {
        if self.is_word(0, "decodeblocks") && self.is_sign(1, "=") {
            self.at += 2;
            self.flag()?;
        }
        Ok(OperatorKind::Consume)
    }

    /// `in (tables)`
    fn search_tables(&mut self) -> Try<Vec<UnionPart>> {
        if !(self.is_word(0, "in") && self.is_sign(1, "(")) {
            return Ok(Vec::new());
        }
        self.at += 2;
        let tables = self.list(Self::union_part)?;
        self.need_sign(")")?;
        Ok(tables)
    }

    pub(super) fn search(&mut self) -> Try<Search> {
        let mut case_sensitive = false;
        if let Some((_, kind)) = self.keyed(&["kind"])? {
            case_sensitive = match kind.text.as_ref() {
                "default" | "case_insensitive" => false,
                "case_sensitive" => true,
                other => return Err(syntax(kind.span, format!("'{other}' is no kind of search"))),
            };
        }
        let tables = self.search_tables()?;
        if self.is_sign(0, "*") && matches!(self.peek(1).tok, Tok::End | Tok::Sign("|" | ")" | ";")) {
            self.at += 1;
            return Ok(Search { tables, predicate: None });
        }
        let predicate = self.sought_expr()?;
        let predicate = Some(sought(predicate, case_sensitive)?);
        Ok(Search { tables, predicate })
    }

    fn sought_expr(&mut self) -> Try<Expr> {
        let before = std::mem::replace(&mut self.searching, true);
        let predicate = self.expr();
        self.searching = before;
        predicate
    }

    pub(super) fn find(&mut self) -> Try<Find> {
        let mut source_column = None;
        while let Some((key, name)) = self.keyed(&["withsource", "with_source", "datascope"])? {
            if key.text.as_ref() == "datascope" {
                return Err(unsupported(key.span, "find datascope"));
            }
            source_column = Some(name);
        }
        let tables = self.search_tables()?;
        if !tables.is_empty() && !self.is_word(0, "where") {
            return self.expected("'where'");
        }
        self.take_word("where");
        let predicate = self.sought_expr()?;
        let predicate = sought(predicate, false)?;
        let mut project = None;
        if self.is_word(0, "project") {
            let name = self.operator_name()?;
            match name.text.as_ref() {
                "project-smart" => {}
                "project" => {
                    project = Some(self.list(|p| {
                        if p.is_word(0, "pack") || (p.is_word(0, "pack_all") && p.is_sign(1, "(")) || p.is_sign(0, "*") {
                            return Err(unsupported(p.span(), "packing the columns that find leaves out"));
                        }
                        let name = p.name()?;
                        let ty = if p.take_sign(":") { Some(p.type_name()?) } else { None };
                        Ok((name, ty))
                    })?);
                }
                other => return Err(syntax(name.span, format!("'{other}' cannot stand behind find"))),
            }
        }
        Ok(Find { source_column, tables, predicate, project })
    }
}

/// Puts operators in place of the texts that stand alone in the predicate of `search` and `find`.
fn sought(expr: Expr, case_sensitive: bool) -> Try<Expr> {
    let span = expr.span;
    let all = |parts: Vec<Expr>| parts.into_iter().map(|p| sought(p, case_sensitive)).collect::<Try<Vec<Expr>>>();
    let kind = match expr.kind {
        ExprKind::Literal(Value::String(text), Type::String) => {
            return term(Expr { kind: ExprKind::Star, span }, &text, span, case_sensitive);
        }
        ExprKind::And(parts) => ExprKind::And(all(parts)?),
        ExprKind::Or(parts) => ExprKind::Or(all(parts)?),
        ExprKind::Parens(inner) => ExprKind::Parens(Box::new(sought(*inner, case_sensitive)?)),
        ExprKind::Call(name, args) if name.text.as_ref() == "not" && args.len() == 1 => {
            let args = args.into_iter().map(|a| Ok(Arg { expr: sought(a.expr, case_sensitive)?, ..a })).collect::<Try<Vec<Arg>>>()?;
            ExprKind::Call(name, args)
        }
        ExprKind::Text(op, left, right) if case_sensitive => ExprKind::Text(TextOp { case_sensitive: true, ..op }, left, right),
        other => other,
    };
    Ok(Expr { kind, span })
}

/// How a text is sought: as a term, or where its `*` say.
pub(super) fn term(column: Expr, text: &Arc<str>, span: super::Span, case_sensitive: bool) -> Try<Expr> {
    let inner = text.trim_matches('*');
    if inner.is_empty() {
        return Err(unsupported(span, "searching for a text of nothing but '*'"));
    }
    let (how, text) = match (text.starts_with('*'), text.ends_with('*')) {
        _ if inner.contains('*') => return Err(unsupported(span, "'*' in the middle of a text that is searched for")),
        (false, false) => (TextHow::Has, text.as_ref()),
        (true, false) => (TextHow::HasSuffix, inner),
        (false, true) => (TextHow::HasPrefix, inner),
        (true, true) => (TextHow::Contains, inner),
    };
    let op = TextOp { how, case_sensitive, negated: false };
    let text = Expr { kind: ExprKind::Literal(Value::text(text), Type::String), span };
    Ok(Expr { kind: ExprKind::Text(op, Box::new(column), Box::new(text)), span })
}

//! `search` and `find`, in whose predicates a text that stands alone is sought in every column.

use super::super::ast::*;
use super::super::error::{Span, Try, syntax, unsupported};
use super::super::lexer::Tok;
use super::super::value::{Type, Value};
use super::Parser;
use std::sync::Arc;

impl Parser<'_> {
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
pub(super) fn term(column: Expr, text: &Arc<str>, span: Span, case_sensitive: bool) -> Try<Expr> {
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

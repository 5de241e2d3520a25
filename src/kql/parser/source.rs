//! What a pipeline begins with, when it is more than a name.

use super::super::ast::*;
use super::super::error::{Try, syntax};
use super::super::lexer::Tok;
use super::Parser;

impl Parser<'_> {
    pub(super) fn datatable(&mut self) -> Try<Source> {
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

    pub(super) fn union(&mut self) -> Try<Union> {
        let mut union = Union { inner: false, fuzzy: false, source_column: None, parts: Vec::new() };
        while self.is_ident(0) && (self.is_sign(1, "=") || self.is_sign(1, ".")) {
            let span = self.span();
            let key = self.text_of(span);
            if key == "hint" {
                self.hint(&["auto", "distributed", "local", "inner"])?;
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

    pub(super) fn union_part(&mut self) -> Try<UnionPart> {
        let wildcard = self.is_sign(0, "*") || (self.is_ident(0) && self.is_sign(1, "*") && self.touches(1));
        if wildcard {
            let pattern = self.pattern()?;
            return Ok(UnionPart::Wildcard(Name { text: pattern.text, span: pattern.span }));
        }
        let start = self.span();
        self.elsewhere()?;
        let expr = self.deeper(Self::postfix)?;
        match expr.kind {
            ExprKind::Query(pipeline) => Ok(UnionPart::Pipeline(*pipeline)),
            _ => Ok(UnionPart::Pipeline(Pipeline { source: Source::Expr(expr), ops: Vec::new(), span: start.to(self.last_span()) })),
        }
    }

    /// A hint changes no answer, but one that there is not is a mistake.
    pub(super) fn hint(&mut self, strategies: &[&str]) -> Try<()> {
        const HINTS: [&str; 9] = [
            "strategy",
            "shufflekey",
            "num_partitions",
            "remote",
            "concurrency",
            "spread",
            "progressive_top",
            "materialized",
            "pass_filters",
        ];
        self.at += 1;
        self.need_sign(".")?;
        let hint = self.name()?;
        if !HINTS.contains(&hint.text.as_ref()) {
            return Err(syntax(hint.span, format!("'{}' is no hint", hint.text)));
        }
        self.need_sign("=")?;
        if hint.text.as_ref() == "strategy" && !strategies.contains(&self.text_of(self.span())) {
            return self.expected("a strategy of this operator");
        }
        if matches!(self.peek(0).tok, Tok::Ident | Tok::Literal(..)) {
            self.at += 1;
            return Ok(());
        }
        self.expected("the hint's value")
    }

    pub(super) fn flag(&mut self) -> Try<bool> {
        let span = self.span();
        let text = self.text_of(span).to_owned();
        self.at += 1;
        match text.as_str() {
            "true" | "True" | "1" => Ok(true),
            "false" | "False" | "0" => Ok(false),
            _ => Err(syntax(span, "expected true or false")),
        }
    }
}

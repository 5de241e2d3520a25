//! The operators behind a pipe.

use super::super::ast::*;
use super::super::error::{Try, did_you_mean, syntax, unsupported};
use super::super::lexer::Tok;
use super::super::value::{Type, Value};
use super::{OPERATORS, Parser, REFUSED_OPERATORS};

impl Parser<'_> {
    pub(super) fn operator_name(&mut self) -> Try<Name> {
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

    pub(super) fn operator(&mut self) -> Try<Operator> {
        let name = self.operator_name()?;
        let kind = self.operator_kind(&name)?;
        Ok(Operator { kind, span: name.span.to(self.last_span()) })
    }

    pub(super) fn operator_kind(&mut self, name: &Name) -> Try<OperatorKind> {
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
            "mv-apply" | "mvapply" => self.mv_apply()?,
            "make-series" => self.make_series()?,
            "invoke" => self.invoke()?,
            "evaluate" => self.evaluate()?,
            "search" => OperatorKind::Search(self.search()?),
            "top-nested" => self.top_nested()?,
            "top-hitters" => self.top_hitters()?,
            "partition" => self.partition()?,
            "scan" => self.scan()?,
            "sample" => OperatorKind::Sample(self.expr()?),
            "sample-distinct" => {
                let count = self.expr()?;
                self.need_word("of")?;
                OperatorKind::SampleDistinct { count, of: self.expr()? }
            }
            "consume" => self.consume()?,
            "project-by-names" => OperatorKind::ProjectByNames(self.list(Self::expr)?),
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

    pub(super) fn at_end(&self) -> bool {
        matches!(self.peek(0).tok, Tok::End | Tok::Sign("|" | ")" | ";" | "}" | ","))
    }

    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Try<T>) -> Try<Vec<T>> {
        let mut items = vec![read(self)?];
        while self.take_sign(",") {
            items.push(read(self)?);
        }
        Ok(items)
    }

    pub(super) fn named_list(&mut self) -> Try<Vec<Named>> {
        self.list(Self::named)
    }

    pub(super) fn named(&mut self) -> Try<Named> {
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
    pub(super) fn tuple_ahead(&self) -> Option<usize> {
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

    pub(super) fn patterns(&mut self) -> Try<Vec<Pattern>> {
        self.list(Self::pattern)
    }

    /// A name in which `*` may stand: touching tokens.
    pub(super) fn pattern(&mut self) -> Try<Pattern> {
        let mut span = self.span();
        let mut pattern = if self.is_sign(0, "[") {
            let name = self.name()?;
            Pattern { text: name.text, span: name.span, order: Reorder::Asked }
        } else {
            if !(self.is_ident(0) || self.is_sign(0, "*")) {
                return self.expected("a column name");
            }
            self.at += 1;
            // `*1` is the columns that a join has renamed.
            let goes_on = |p: &Self| p.is_ident(0) || p.is_sign(0, "*") || matches!(p.peek(0).tok, Tok::Literal(Value::Long(_), _));
            while goes_on(self) && self.last_span().end == self.span().start {
                self.at += 1;
            }
            span = span.to(self.last_span());
            Pattern { text: self.text_of(span).into(), span, order: Reorder::Asked }
        };
        if self.take_word("asc") {
            pattern.order = Reorder::Ascending;
        } else if self.take_word("desc") {
            pattern.order = Reorder::Descending;
        } else if self.is_word(0, "granny") && self.is_sign(1, "-") {
            return Err(unsupported(self.span(), "the order granny-asc and granny-desc of columns"));
        }
        Ok(pattern)
    }

    pub(super) fn summarize(&mut self) -> Try<OperatorKind> {
        while self.is_word(0, "hint") && self.is_sign(1, ".") {
            self.hint(&["shuffle"])?;
        }
        let aggregates = if self.is_word(0, "by") || self.at_end() { Vec::new() } else { self.named_list()? };
        let by = if self.take_word("by") { self.named_list()? } else { Vec::new() };
        if aggregates.is_empty() && by.is_empty() {
            return self.expected("an aggregate");
        }
        Ok(OperatorKind::Summarize { aggregates, by })
    }

    pub(super) fn order(&mut self) -> Try<Order> {
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

    pub(super) fn join(&mut self, lookup: bool) -> Try<OperatorKind> {
        let mut kind = if lookup { JoinKind::LeftOuter } else { JoinKind::InnerUnique };
        while self.is_ident(0) && (self.is_sign(1, "=") || (self.is_word(0, "hint") && self.is_sign(1, "."))) {
            if self.is_word(0, "hint") {
                self.hint(&["auto", "broadcast", "centralized", "shuffle"])?;
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
        self.elsewhere()?;
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

    pub(super) fn mv_expand(&mut self, most: Option<i64>) -> Try<OperatorKind> {
        let Expansions { items, index, limit, arrays } = self.expansions(most)?;
        Ok(OperatorKind::MvExpand { items, index, limit, arrays })
    }

    /// What `mv-expand` and `mv-apply` have in common.
    pub(super) fn expansions(&mut self, most: Option<i64>) -> Try<Expansions> {
        let mut index = None;
        let mut arrays = false;
        while self.is_ident(0) && self.is_sign(1, "=") {
            let span = self.span();
            match self.text_of(span) {
                "kind" | "bagexpansion" => {
                    self.at += 2;
                    let kind = self.name()?;
                    arrays = match kind.text.as_ref() {
                        "bag" => false,
                        "array" => true,
                        other => return Err(syntax(kind.span, format!("'{other}' is no kind of mv-expand"))),
                    };
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
        Ok(Expansions { items, index, limit, arrays })
    }

    pub(super) fn parse_operator(&mut self, filter: bool) -> Try<OperatorKind> {
        let mut how = ParseHow::Simple;
        while self.is_ident(0) && self.is_sign(1, "=") {
            let span = self.span();
            match self.text_of(span) {
                "kind" => {
                    self.at += 2;
                    let kind = self.name()?;
                    how = match kind.text.as_ref() {
                        "simple" => ParseHow::Simple,
                        "relaxed" => ParseHow::Relaxed,
                        "regex" => ParseHow::Regex(String::new()),
                        other => return Err(syntax(kind.span, format!("'{other}' is no kind of parse"))),
                    };
                }
                "flags" => {
                    self.at += 2;
                    let flags = self.name()?;
                    if !matches!(how, ParseHow::Regex(_)) {
                        return Err(syntax(span, "flags stand behind kind=regex only"));
                    }
                    how = ParseHow::Regex(flags.text.to_string());
                }
                _ => break,
            }
        }
        let value = self.expr()?;
        self.need_word("with")?;
        let mut pieces = Vec::new();
        while !self.at_end() {
            let span = self.span();
            if self.take_sign("*") {
                match pieces.last() {
                    Some(ParsePiece::Star) => return Err(syntax(span, "a text must stand between two '*'")),
                    Some(ParsePiece::Column(_, Type::String)) => {
                        return Err(syntax(span, "a '*' right behind a string column: where the column ends is not said"));
                    }
                    _ => {}
                }
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
        Ok(OperatorKind::Parse { value, pieces, how, filter })
    }

    pub(super) fn render(&mut self) -> Try<OperatorKind> {
        let kind = self.name()?;
        if !CHARTS.contains(&kind.text.as_ref()) {
            let hint = did_you_mean(&kind.text, CHARTS);
            return Err(syntax(kind.span, format!("'{}' is no kind of chart{hint}", kind.text)));
        }
        if self.take_word("with") {
            self.need_sign("(")?;
            while !self.take_sign(")") {
                self.chart_property()?;
                if !self.is_sign(0, ")") {
                    self.need_sign(",")?;
                    self.no_end_of_list()?;
                }
            }
        } else {
            while self.is_ident(0) && self.is_sign(1, "=") {
                self.chart_property()?;
            }
        }
        Ok(OperatorKind::Render(kind.text.to_string()))
    }

    /// `name = value`, where the value of some names is a list of columns.
    fn chart_property(&mut self) -> Try<()> {
        let name = self.name()?;
        if !CHART_PROPERTIES.contains(&name.text.as_ref()) {
            let hint = did_you_mean(&name.text, CHART_PROPERTIES);
            return Err(syntax(name.span, format!("'{}' is no property of a chart{hint}", name.text)));
        }
        self.need_sign("=")?;
        self.additive()?;
        let many = matches!(name.text.as_ref(), "ycolumns" | "series" | "anomalycolumns");
        while many && self.is_sign(0, ",") && (self.is_ident(1) || self.is_sign(1, "[")) && !self.is_sign(2, "=") {
            self.at += 1;
            self.name()?;
        }
        Ok(())
    }

    /// Behind a comma something must stand.
    pub(super) fn no_end_of_list(&mut self) -> Try<()> {
        if self.is_sign(0, ")") { self.expected("another one behind the comma") } else { Ok(()) }
    }
}

/// The head of `mv-expand` and `mv-apply`.
pub(super) struct Expansions {
    pub(super) items: Vec<Expansion>,
    pub(super) index: Option<Name>,
    pub(super) limit: Option<Expr>,
    pub(super) arrays: bool,
}

const CHARTS: [&str; 19] = [
    "table",
    "list",
    "barchart",
    "piechart",
    "ladderchart",
    "timechart",
    "linechart",
    "anomalychart",
    "pivotchart",
    "areachart",
    "stackedareachart",
    "scatterchart",
    "timepivot",
    "columnchart",
    "timeline",
    "card",
    "treemap",
    "plotly",
    "graph",
];

const CHART_PROPERTIES: [&str; 17] = [
    "kind",
    "title",
    "accumulate",
    "legend",
    "series",
    "xaxis",
    "xcolumn",
    "xtitle",
    "yaxis",
    "ycolumns",
    "ysplit",
    "ytitle",
    "ymin",
    "ymax",
    "xmin",
    "xmax",
    "anomalycolumns",
];

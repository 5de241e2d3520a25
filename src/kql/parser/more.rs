//! Operators with a grammar of their own: series, sub-queries, searches, plugins.

use super::super::ast::*;
use super::super::error::{Try, syntax, unsupported};
use super::super::value::Type;
use super::Parser;
use super::operators::Expansions;

impl Parser<'_> {
    /// `hint.x = y` as often as it stands here.
    pub(super) fn hints(&mut self) -> Try<()> {
        while self.is_word(0, "hint") && self.is_sign(1, ".") {
            self.hint(&["shuffle"])?;
        }
        Ok(())
    }

    /// `name = value` as often as it stands here, for keys that the caller knows.
    pub(super) fn keyed(&mut self, keys: &[&str]) -> Try<Option<(Name, Name)>> {
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
            self.hint(&["native", "shuffle", "legacy"])?;
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
}

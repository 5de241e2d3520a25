//! Calls: the few functions that need to know where they stand, and the table of all others.

use super::super::ast::{Arg, Expr, ExprKind, Name};
use super::super::error::{Span, Try, did_you_mean, semantic, unsupported};
use super::super::functions::{self, P};
use super::super::scalar::{Kernel, Scalar, ScalarQuery};
use super::super::value::{Type, Value};
use super::{Binder, Binding, Bound, Env, Site, summarize};
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// Functions that are no lines of a table, for suggestions.
pub(in super::super) const SPECIAL: &[&str] = &[
    "iff",
    "iif",
    "case",
    "coalesce",
    "now",
    "ago",
    "min_of",
    "max_of",
    "toscalar",
    "materialize",
    "pack_all",
    "column_ifexists",
    "ingestion_time",
    "row_number",
    "prev",
    "next",
    "extract",
    "not",
    "table",
    "columnifexists",
    "bag_pack_columns",
    "row_cumsum",
    "row_rank_dense",
    "row_rank_min",
    "row_window_session",
    "rand",
    "new_guid",
    "geo_info_from_ip_address",
];

impl Binder<'_> {
    pub(super) fn call(&mut self, name: &Name, args: &[Arg], span: Span, site: Site<'_>) -> Try<Bound> {
        if let Some(Binding::Function(lambda, env)) = site.env.find(&name.text).cloned() {
            return match self.call_lambda(&lambda, &env, args, span, Some(site), site.env)? {
                Binding::Scalar(bound, _) => Ok(bound),
                _ => Err(semantic(span, format!("'{}' answers a table; take one value of it with toscalar()", name.text))),
            };
        }
        if summarize::is_aggregate(&name.text) {
            return match site.aggregates {
                Some((found, inner)) => self.aggregate_column(name, args, span, found, Site { fields: inner, aggregates: None, ..site }),
                None if functions::is_refused(&name.text) => Err(unsupported(name.span, format!("the function '{}'", name.text))),
                None => Err(semantic(span, format!("the aggregate '{}' can stand in summarize only", name.text))),
            };
        }
        if let Some(arg) = args.iter().find_map(|a| a.name.as_ref()) {
            return Err(semantic(arg.span, "arguments have no names here"));
        }
        let exprs: Vec<&Expr> = args.iter().map(|a| &a.expr).collect();
        match (name.text.as_ref(), exprs.as_slice()) {
            ("iff" | "iif", [condition, then, otherwise]) => self.choose(&[condition, then, otherwise], span, site),
            ("case", many) if many.len() >= 3 && many.len() % 2 == 1 => self.choose(many, span, site),
            ("coalesce", many) if many.len() >= 2 => self.coalesce(many, span, site),
            ("now", []) => Ok(self.moment(0)),
            ("now" | "ago", [offset]) => {
                let offset = self.scalar(offset, site)?;
                if offset.ty != Type::TimeSpan {
                    return Err(semantic(span, format!("{} takes a timespan, not a {}", name.text, offset.ty.name())));
                }
                let op = if name.text.as_ref() == "now" { super::super::ast::Arith::Add } else { super::super::ast::Arith::Sub };
                let now = self.moment(0);
                self.arithmetic(op, now, offset, span)
            }
            ("min_of" | "max_of", many) if many.len() >= 2 => {
                let wanted = if name.text.as_ref() == "min_of" { Ordering::Less } else { Ordering::Greater };
                self.extreme(many, wanted, span, site)
            }
            ("toscalar", [query]) => self.one_value(query, span, site),
            ("materialize", [inner]) if self.relation_of(inner, site.env)?.is_none() => self.scalar(inner, site),
            ("pack_all", []) => self.pack_all(false, span, site),
            ("pack_all", [ignore]) => match self.scalar(ignore, site)?.constant() {
                Some(Value::Bool(ignore)) => self.pack_all(*ignore, span, site),
                _ => Err(unsupported(ignore.span, "pack_all() whose argument is no constant bool")),
            },
            ("bag_pack_columns", many) if !many.is_empty() => self.pack_columns(many, span, site),
            ("geo_info_from_ip_address", [address]) => self.geo_info(address, span, site),
            ("column_ifexists" | "columnifexists", [column, default]) => {
                let wanted = self.scalar(column, site)?;
                let Some(Value::String(wanted)) = wanted.constant() else {
                    return Err(semantic(column.span, "the column's name must be a constant string"));
                };
                let at = site.fields.iter().position(|f| f.name == *wanted);
                match at.and_then(|at| site.fields.get(at).map(|f| (at, f.ty))) {
                    Some((at, ty)) => Ok(Bound::leaf(Scalar::Column(at), ty)),
                    None => self.scalar(default, site),
                }
            }
            ("ingestion_time", []) => match site.fields.iter().position(|f| f.name.as_ref() == "Timestamp" && f.ty == Type::DateTime) {
                Some(at) => Ok(Bound::leaf(Scalar::Column(at), Type::DateTime)),
                None => Err(unsupported(span, "ingestion_time() of a table without a Timestamp")),
            },
            ("row_number", many) if many.len() <= 1 => {
                self.need_order(site, &name.text, span)?;
                let first = match many.first() {
                    Some(first) => self.whole(first, site)?,
                    None => 1,
                };
                Ok(Bound::leaf(Scalar::RowNumber(first), Type::Long))
            }
            ("row_number", [_, _]) => self.window(&name.text, &exprs, span, site),
            ("row_cumsum" | "row_rank_dense" | "row_rank_min", [_] | [_, _]) => self.window(&name.text, &exprs, span, site),
            ("row_window_session", [_, _, _] | [_, _, _, _]) => self.window(&name.text, &exprs, span, site),
            ("rand", [] | [_]) | ("new_guid", []) => self.chance(&name.text, &exprs, span, site),
            ("prev" | "next", [value]) => self.neighbour(&name.text, value, 1, None, span, site),
            ("prev" | "next", [value, offset]) => {
                let offset = self.whole(offset, site)?;
                self.neighbour(&name.text, value, offset, None, span, site)
            }
            ("prev" | "next", [value, offset, default]) => {
                let offset = self.whole(offset, site)?;
                self.neighbour(&name.text, value, offset, Some(default), span, site)
            }
            ("extract_json" | "extractjson", [path, text, ty]) => {
                let ExprKind::TypeOf(ty) = ty.kind else {
                    return Err(semantic(ty.span, "expected typeof(...)"));
                };
                let found = self.call(name, &[plain(path), plain(text)], span, site)?;
                if ty == Type::Dynamic {
                    return Err(unsupported(span, format!("{} to a dynamic; use parse_json() with a path", name.text)));
                }
                self.cast(found, ty, span)
            }
            ("extract", [regex, group, text, ty]) => {
                let ExprKind::TypeOf(ty) = ty.kind else {
                    return Err(semantic(ty.span, "expected typeof(...)"));
                };
                let found = self.call(name, &[plain(regex), plain(group), plain(text)], span, site)?;
                self.cast(found, ty, span)
            }
            _ => self.table_function(name, &exprs, span, site),
        }
    }

    fn moment(&self, offset: i64) -> Bound {
        Bound::leaf(Scalar::Const(Value::DateTime(self.options.now.saturating_add(offset))), Type::DateTime)
    }

    fn table_function(&mut self, name: &Name, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        let Some(spec) = functions::find(&name.text) else {
            if SPECIAL.contains(&name.text.as_ref()) {
                return Err(semantic(span, format!("'{}' does not take {} arguments", name.text, exprs.len())));
            }
            if functions::is_refused(&name.text) {
                return Err(unsupported(name.span, format!("the function '{}'", name.text)));
            }
            let mut known: Vec<&str> = functions::names().chain(SPECIAL.iter().copied()).collect();
            known.extend(site.env.names());
            return Err(semantic(name.span, format!("no function named '{}'{}", name.text, did_you_mean(&name.text, known))));
        };
        if !spec.accepts(exprs.len()) {
            return Err(semantic(span, format!("'{}' does not take {} arguments", name.text, exprs.len())));
        }
        let mut args = Vec::new();
        for (at, expr) in exprs.iter().enumerate() {
            let bound = self.scalar(expr, site)?;
            let param = spec.param(at);
            let fits = param.takes(bound.ty) || (param == P::Dyn && bound.constant().is_some_and(Value::is_null));
            if !fits {
                let message = format!("argument {} of '{}' must be {}, not a {}", at + 1, name.text, param.name(), bound.ty.name());
                return Err(semantic(expr.span, message));
            }
            if functions::must_be_constant(&name.text, at, bound.ty) && reads_rows(&bound.scalar) && !given(expr, site.env) {
                let message = format!("argument {} of '{}' must be a constant", at + 1, name.text);
                return Err(semantic(expr.span, message));
            }
            args.push(if param.is_text() { self.cast(bound, Type::String, expr.span)? } else { bound });
        }
        let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
        let bins = matches!(name.text.as_ref(), "bin" | "floor");
        if bins && !binnable(&types) {
            return Err(semantic(span, format!("'{}' cannot round a {} to a {}", name.text, type_at(&types, 0), type_at(&types, 1))));
        }
        let consts: Vec<Option<Value>> = args.iter().map(|a| a.constant().cloned()).collect();
        let function = spec.build(&functions::Site { consts: &consts, types: &types }, span)?;
        self.apply_known(bins.then_some(Kernel::Bin), function, args, spec.return_type(&types), span)
    }

    fn one_value(&mut self, query: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        let Some(relation) = self.relation_of(query, site.env)? else {
            return self.scalar(query, Site { fields: &[], ..site });
        };
        self.sub_query(span)?;
        self.constant_rows(&relation.plan, span)?;
        let Some(field) = relation.fields.first() else {
            return Err(semantic(span, "the table has no columns"));
        };
        let query = ScalarQuery { plan: relation.plan.clone(), ty: field.ty, answer: OnceLock::new() };
        Ok(Bound::leaf(Scalar::Query(Arc::new(query)), field.ty))
    }

    pub(super) fn need_order(&self, site: Site<'_>, name: &str, span: Span) -> Try<()> {
        if site.serialized { Ok(()) } else { Err(semantic(span, format!("{name}() needs rows in order: put sort or serialize before it"))) }
    }

    fn neighbour(&mut self, name: &str, value: &Expr, offset: i64, default: Option<&Expr>, span: Span, site: Site<'_>) -> Try<Bound> {
        self.need_order(site, name, span)?;
        let value = self.scalar(value, site)?;
        let ty = value.ty;
        let default = match default {
            Some(default) => {
                let default_span = default.span;
                let default = self.scalar(default, site)?;
                if default.ty != ty {
                    return Err(unsupported(default_span, format!("{name}() of a {} with a default of another type", ty.name())));
                }
                default
            }
            None => Bound::leaf(Scalar::Const(Value::absent(ty).clone()), ty),
        };
        let offset = if name == "prev" { offset.saturating_neg() } else { offset };
        self.tree(vec![value, default], ty, span, |mut parts| {
            let default = Box::new(parts.pop().unwrap_or(Scalar::Const(Value::Null)));
            Scalar::Neighbour(Box::new(parts.pop().unwrap_or(Scalar::Const(Value::Null))), offset, default)
        })
    }

    /// A constant whole number.
    pub(super) fn whole(&mut self, expr: &Expr, site: Site<'_>) -> Try<i64> {
        let bound = self.scalar(expr, Site { fields: &[], ..site })?;
        match bound.constant() {
            Some(value @ (Value::Long(_) | Value::Int(_))) => Ok(value.as_i64().unwrap_or(0)),
            Some(_) => Err(semantic(expr.span, format!("expected a whole number, not a {}", bound.ty.name()))),
            None => Err(unsupported(expr.span, "a count that is no constant")),
        }
    }
}

fn plain(expr: &Expr) -> Arg {
    Arg { name: None, expr: expr.clone() }
}

/// Whether an expression is the name of a scalar that `let` or a parameter made: the service takes it for a constant.
fn given(expr: &Expr, env: &Env) -> bool {
    matches!(&expr.kind, ExprKind::Name(name) if matches!(env.find(name), Some(Binding::Scalar(..))))
}

fn reads_rows(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Const(_) | Scalar::Query(_) => false,
        Scalar::Column(_) | Scalar::RowNumber(_) | Scalar::Neighbour(..) => true,
        Scalar::Apply(_, parts, ..) | Scalar::And(parts) | Scalar::Or(parts) | Scalar::Coalesce(parts) => parts.iter().any(reads_rows),
        Scalar::Case(arms, otherwise) => arms.iter().any(|(c, v)| reads_rows(c) || reads_rows(v)) || reads_rows(otherwise),
        Scalar::InQuery(value, _) => reads_rows(value),
    }
}

fn type_at(types: &[Type], at: usize) -> &'static str {
    types.get(at).map_or("?", |t| t.name())
}

fn binnable(types: &[Type]) -> bool {
    match types {
        [a, b] if a.is_number() && b.is_number() => true,
        [Type::DateTime | Type::TimeSpan, Type::TimeSpan] => true,
        _ => false,
    }
}

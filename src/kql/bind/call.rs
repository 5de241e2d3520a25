//! Calls: the few functions that need to know where they stand, functions that `let` made, and the table of all others.

use super::super::ast::{self, Arg, Expr, ExprKind, Lambda, Name, ParamKind};
use super::super::error::{Span, Try, did_you_mean, semantic, unsupported};
use super::super::functions::{self, P};
use super::super::scalar::{Function, Kernel, Scalar, ScalarQuery};
use super::super::value::{Type, Value};
use super::{Binder, Binding, Bound, Env, Relation, Site, summarize};
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

    /// `case(c1, v1, c2, v2, ..., otherwise)`
    fn choose(&mut self, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        let mut spans = Vec::new();
        for pair in exprs.chunks(2) {
            match pair {
                [condition, value] => {
                    conditions.push(self.condition(condition, site)?);
                    values.push(self.scalar(value, site)?);
                    spans.push(value.span);
                }
                [otherwise] => {
                    values.push(self.scalar(otherwise, site)?);
                    spans.push(otherwise.span);
                }
                _ => {}
            }
        }
        let (values, ty) = self.common(values, &spans)?;
        let count = conditions.len();
        let parts: Vec<Bound> = conditions.into_iter().chain(values).collect();
        self.tree(parts, ty, span, |mut parts| {
            let mut values = parts.split_off(count);
            let otherwise = Box::new(values.pop().unwrap_or(Scalar::Const(Value::Null)));
            Scalar::Case(parts.into_iter().zip(values).collect(), otherwise)
        })
    }

    fn coalesce(&mut self, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        let mut values = Vec::new();
        for expr in exprs {
            values.push(self.scalar(expr, site)?);
        }
        let spans: Vec<Span> = exprs.iter().map(|e| e.span).collect();
        let (values, ty) = self.common(values, &spans)?;
        self.tree(values, ty, span, Scalar::Coalesce)
    }

    /// All values as the one type that holds them.
    fn common(&mut self, values: Vec<Bound>, spans: &[Span]) -> Try<(Vec<Bound>, Type)> {
        let span = spans.last().copied().unwrap_or_default();
        let mut ty: Option<Type> = None;
        for value in &values {
            ty = Some(match ty {
                None => value.ty,
                Some(t) if t == value.ty => t,
                Some(t) if t.is_number() && value.ty.is_number() => {
                    if t == Type::Real || value.ty == Type::Real {
                        Type::Real
                    } else {
                        Type::Long
                    }
                }
                Some(t) if t == Type::Dynamic || value.ty == Type::Dynamic => {
                    let other = if t == Type::Dynamic { value.ty } else { t };
                    return Err(unsupported(span, format!("a choice between a dynamic and a {}; convert one of them", other.name())));
                }
                Some(t) => return Err(super::types_differ(span, "no choice between", t, value.ty)),
            });
        }
        let ty = ty.unwrap_or(Type::Dynamic);
        let mut cast = Vec::new();
        for (value, span) in values.into_iter().zip(spans) {
            cast.push(self.cast(value, ty, *span)?);
        }
        Ok((cast, ty))
    }

    fn extreme(&mut self, exprs: &[&Expr], wanted: Ordering, span: Span, site: Site<'_>) -> Try<Bound> {
        let mut values = Vec::new();
        for expr in exprs {
            values.push(self.scalar(expr, site)?);
        }
        let spans: Vec<Span> = exprs.iter().map(|e| e.span).collect();
        let (values, ty) = self.common(values, &spans)?;
        if !(ty.is_number() || matches!(ty, Type::DateTime | Type::TimeSpan)) {
            return Err(unsupported(span, format!("min_of and max_of of a {}", ty.name())));
        }
        let pick: Function = Arc::new(move |a: &[&Value]| {
            let mut best = Value::Null;
            for value in a {
                if best.is_null() || super::super::compare::order(value, &best) == Some(wanted) {
                    best = (*value).clone();
                }
            }
            Ok(best)
        });
        self.apply(pick, values, ty, span)
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

    fn pack_all(&mut self, ignore_absent: bool, span: Span, site: Site<'_>) -> Try<Bound> {
        let names: Vec<Arc<str>> = site.fields.iter().map(|f| f.name.clone()).collect();
        let columns = site.fields.iter().enumerate().map(|(at, f)| Bound::leaf(Scalar::Column(at), f.ty)).collect();
        self.pack(names, columns, ignore_absent, span)
    }

    /// `bag_pack_columns`: columns under their own names.
    fn pack_columns(&mut self, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for expr in exprs {
            let ExprKind::Name(name) = &expr.kind else {
                return Err(unsupported(expr.span, "bag_pack_columns() of what is no column"));
            };
            names.push(name.clone());
            columns.push(self.scalar(expr, site)?);
        }
        self.pack(names, columns, false, span)
    }

    fn pack(&mut self, names: Vec<Arc<str>>, columns: Vec<Bound>, ignore_absent: bool, span: Span) -> Try<Bound> {
        let absent = |v: &Value| v.is_null() || matches!(v, Value::String(s) if s.is_empty());
        let pack: Function = Arc::new(move |a: &[&Value]| {
            let kept = names.iter().zip(a).filter(|(_, v)| !(ignore_absent && absent(v)));
            let members = kept.map(|(n, v)| (n.to_string(), super::super::compare::to_json(v)));
            Ok(Value::dynamic(crate::json::Value::Object(members.collect())))
        });
        self.tree(columns, Type::Dynamic, span, |columns| Scalar::Apply(pack, columns, span, None))
    }

    /// Where an address is, from what is registered; an address that is not is nowhere.
    fn geo_info(&mut self, address: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        let bound = self.scalar(address, site)?;
        if !matches!(bound.ty, Type::String | Type::Dynamic) {
            let message = format!("argument 1 of 'geo_info_from_ip_address' must be a string, not a {}", bound.ty.name());
            return Err(semantic(address.span, message));
        }
        let Some(outside) = self.catalog.outside() else {
            return Err(unsupported(span, "the function 'geo_info_from_ip_address' without registered places"));
        };
        let text = self.cast(bound, Type::String, address.span)?;
        let find: Function = Arc::new(move |a: &[&Value]| {
            let place = a.first().and_then(|v| outside.geo(v.as_str().trim()));
            Ok(place.map_or(Value::Null, |place| if place.is_null() { Value::Null } else { Value::Dynamic(place) }))
        });
        self.apply(find, vec![text], Type::Dynamic, span)
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

    /// Puts arguments in place of a function's parameters and binds its body.
    pub(super) fn call_lambda(
        &mut self,
        lambda: &Lambda,
        env: &Env,
        args: &[Arg],
        span: Span,
        site: Option<Site<'_>>,
        outer: &Env,
    ) -> Try<Binding> {
        self.step(span)?;
        self.enter(span)?;
        let mut inner = env.clone();
        if args.len() > lambda.params.len() {
            return Err(semantic(span, format!("the function takes {} arguments, not {}", lambda.params.len(), args.len())));
        }
        for (at, param) in lambda.params.iter().enumerate() {
            let named = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == param.name.text));
            let arg = named.or_else(|| args.get(at).filter(|a| a.name.is_none())).map(|a| &a.expr);
            let binding = match (&param.kind, arg) {
                (ParamKind::Scalar(ty), arg) => {
                    let Some(expr) = arg.or(param.default.as_ref()) else {
                        return Err(semantic(span, format!("the argument '{}' is missing", param.name.text)));
                    };
                    let place = site.unwrap_or(Site { fields: &[], env: outer, serialized: false, aggregates: None });
                    let bound = self.scalar(expr, place)?;
                    let fits =
                        bound.ty == *ty || (bound.ty.is_number() && ty.is_number()) || *ty == Type::Dynamic || bound.ty == Type::Dynamic;
                    if !fits {
                        let message = format!("the argument '{}' must be a {}, not a {}", param.name.text, ty.name(), bound.ty.name());
                        return Err(semantic(expr.span, message));
                    }
                    Binding::Scalar(self.cast(bound, *ty, expr.span)?, self.tables)
                }
                (ParamKind::Table(columns), Some(expr)) => {
                    let Some(relation) = self.relation_of(expr, outer)? else {
                        return Err(semantic(expr.span, format!("the argument '{}' must be a table", param.name.text)));
                    };
                    for (column, ty) in columns {
                        if !relation.fields.iter().any(|f| f.name == column.text && f.ty == *ty) {
                            return Err(semantic(expr.span, format!("the table lacks the column '{}' of type {}", column.text, ty.name())));
                        }
                    }
                    Binding::Table(self.share(relation))
                }
                (ParamKind::Table(_), None) => return Err(semantic(span, format!("the argument '{}' is missing", param.name.text))),
            };
            inner = inner.with(&param.name.text, binding);
        }
        let inner = self.lets(&lambda.lets, &inner)?;
        let result = self.value(&lambda.body, &inner);
        self.leave();
        result
    }

    /// The table that an expression names or makes; none if it is a scalar.
    pub(super) fn relation_of(&mut self, expr: &Expr, env: &Env) -> Try<Option<Relation>> {
        match &expr.kind {
            ExprKind::Query(pipeline) => self.pipeline(pipeline, env).map(Some),
            ExprKind::Parens(inner) => self.relation_of(inner, env),
            ExprKind::Name(name) => match env.find(name) {
                Some(Binding::Table(relation)) => Ok(Some(relation.clone())),
                Some(Binding::Function(lambda, inner)) if lambda.params.is_empty() => {
                    let (lambda, inner) = (lambda.clone(), inner.clone());
                    match self.call_lambda(&lambda, &inner, &[], expr.span, None, env)? {
                        Binding::Table(relation) => Ok(Some(relation)),
                        _ => Ok(None),
                    }
                }
                Some(_) => Ok(None),
                None => Ok(self.table(name)),
            },
            ExprKind::Call(name, args) => match (env.find(&name.text).cloned(), name.text.as_ref(), args.as_slice()) {
                (Some(Binding::Function(lambda, inner)), ..) => {
                    if !self.makes_table(&lambda, &inner) {
                        return Ok(None);
                    }
                    match self.call_lambda(&lambda, &inner, args, expr.span, None, env)? {
                        Binding::Table(relation) => Ok(Some(relation)),
                        _ => Ok(None),
                    }
                }
                (_, "materialize", [inner]) => Ok(self.relation_of(&inner.expr, env)?.map(|r| self.share(r))),
                (_, "table", [inner]) => match &inner.expr.kind {
                    ExprKind::Literal(Value::String(name), _) => match self.table(name) {
                        Some(relation) => Ok(Some(relation)),
                        None => Err(self.no_table(name, inner.expr.span, env)),
                    },
                    _ => Err(unsupported(inner.expr.span, "table() of what is no string literal")),
                },
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// Whether a function answers a table, by the look of its body.
    fn makes_table(&self, lambda: &Lambda, env: &Env) -> bool {
        let (ast::Source::Expr(body), true) = (&lambda.body.source, lambda.body.ops.is_empty()) else {
            return true;
        };
        let mut body = body;
        loop {
            match &body.kind {
                ExprKind::Parens(inner) => body = inner,
                ExprKind::Query(_) => return true,
                ExprKind::Call(name, _) => {
                    return match env.find(&name.text) {
                        Some(Binding::Function(lambda, env)) => self.makes_table(lambda, env),
                        _ => matches!(name.text.as_ref(), "materialize" | "table"),
                    };
                }
                ExprKind::Name(name) => {
                    if let Some(own) = lambda.lets.iter().rev().find(|l| l.name.text == *name) {
                        match &own.value {
                            ast::LetValue::Lambda(_) => return false,
                            ast::LetValue::Pipeline(p) => match (&p.source, p.ops.is_empty()) {
                                (ast::Source::Expr(e), true) if !matches!(&e.kind, ExprKind::Name(n) if n == name) => body = e,
                                _ => return true,
                            },
                        }
                        continue;
                    }
                    if let Some(param) = lambda.params.iter().find(|p| p.name.text == *name) {
                        return matches!(param.kind, ParamKind::Table(_));
                    }
                    return match env.find(name) {
                        Some(Binding::Table(_)) => true,
                        Some(_) => false,
                        None => self.table(name).is_some(),
                    };
                }
                _ => return false,
            }
        }
    }
}

fn plain(expr: &Expr) -> Arg {
    Arg { name: None, expr: expr.clone() }
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

//! The query's own functions: their parameters, their bodies, and whether they answer a table.

use super::super::ast::{self, Arg, Expr, ExprKind, Lambda, ParamKind};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::value::{Type, Value};
use super::{Binder, Binding, Env, Relation, Site};

impl Binder<'_> {
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

//! One of several values: `iff`, `case`, `coalesce`, `min_of` and `max_of`, and the one type that holds them all.

use super::super::ast::Expr;
use super::super::error::{Span, Try, unsupported};
use super::super::scalar::{Function, Scalar};
use super::super::value::{Type, Value};
use super::{Binder, Bound, Site};
use std::cmp::Ordering;
use std::sync::Arc;

impl Binder<'_> {
    /// `case(c1, v1, c2, v2, ..., otherwise)`
    pub(super) fn choose(&mut self, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
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

    pub(super) fn coalesce(&mut self, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
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

    pub(super) fn extreme(&mut self, exprs: &[&Expr], wanted: Ordering, span: Span, site: Site<'_>) -> Try<Bound> {
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
}

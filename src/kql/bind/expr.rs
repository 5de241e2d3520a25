//! Scalar expressions.

use super::super::ast::{Arith, Expr, ExprKind, Name};
use super::super::compare::{convert, from_json};
use super::super::datetime::in_range;
use super::super::error::{Span, Try, did_you_mean, semantic, syntax, unsupported};
use super::super::scalar::{Function, Scalar, Trouble};
use super::super::value::{Type, Value};
use super::{Binder, Binding, Bound, Site, types_differ};
use crate::json;
use std::sync::Arc;

fn bool_of(bound: Bound, span: Span) -> Try<Bound> {
    match bound.ty {
        Type::Bool => Ok(bound),
        Type::Dynamic => Err(semantic(span, "a condition must be a bool, not a dynamic: use tobool()")),
        other => Err(semantic(span, format!("a condition must be a bool, not a {}", other.name()))),
    }
}

impl Binder<'_> {
    pub(super) fn scalar(&mut self, expr: &Expr, site: Site<'_>) -> Try<Bound> {
        self.step(expr.span)?;
        match &expr.kind {
            ExprKind::Literal(value, ty) => Ok(Bound::leaf(Scalar::Const(literal(value, *ty)), *ty)),
            ExprKind::Dynamic(value) => Ok(Bound::leaf(Scalar::Const(Value::dynamic(value.clone())), Type::Dynamic)),
            ExprKind::Name(name) => self.name(name, expr.span, site),
            ExprKind::Parens(inner) => self.scalar(inner, site),
            ExprKind::TypeOf(_) => Err(syntax(expr.span, "typeof() cannot stand here")),
            ExprKind::Star => Err(unsupported(expr.span, "'*' in this place")),
            ExprKind::Path(left, name) => {
                if matches!(&left.kind, ExprKind::Name(n) if n.starts_with('$')) {
                    return Err(semantic(expr.span, "$left and $right stand in the conditions of a join only"));
                }
                self.path(left, name, expr.span, site)
            }
            ExprKind::Index(left, index) => self.index(left, index, expr.span, site),
            ExprKind::Call(name, args) => self.call(name, args, expr.span, site),
            ExprKind::Negate(inner) => self.negate(inner, expr.span, site),
            ExprKind::Arith(op, left, right) => {
                let (left, right) = (self.scalar(left, site)?, self.scalar(right, site)?);
                self.arithmetic(*op, left, right, expr.span)
            }
            ExprKind::And(parts) => self.logic(parts, expr.span, site, Scalar::And),
            ExprKind::Or(parts) => self.logic(parts, expr.span, site, Scalar::Or),
            ExprKind::Compare(op, left, right) => {
                let (left, right) = (self.scalar(left, site)?, self.scalar(right, site)?);
                self.compare(*op, left, right, expr.span)
            }
            ExprKind::Text(op, left, right) if matches!(left.kind, ExprKind::Star) => self.anywhere(*op, right, expr.span, site),
            ExprKind::Text(op, left, right) => self.text_test(*op, left, right, expr.span, site),
            ExprKind::In { value, list, case_sensitive, negated } => self.in_list(value, list, *case_sensitive, *negated, expr.span, site),
            ExprKind::HasList { value, list, all } => self.has_list(value, list, *all, expr.span, site),
            ExprKind::Between { value, low, high, negated } => self.between(value, low, high, *negated, expr.span, site),
            ExprKind::Query(_) => Err(semantic(expr.span, "a table cannot stand here; take one value of it with toscalar()")),
        }
    }

    fn name(&mut self, name: &Arc<str>, span: Span, site: Site<'_>) -> Try<Bound> {
        if let Some(at) = site.fields.iter().position(|f| f.name == *name) {
            let ty = site.fields.get(at).map_or(Type::Dynamic, |f| f.ty);
            return Ok(Bound::leaf(Scalar::Column(at), ty));
        }
        match site.env.find(name) {
            Some(Binding::Scalar(bound, tables)) if *tables != self.tables && bound.scalar.reads_row() => {
                return Err(unsupported(span, "a sub-query that depends on the row around it"));
            }
            Some(Binding::Scalar(bound, _)) => return Ok(bound.clone()),
            Some(Binding::Table(_)) => return Err(semantic(span, format!("'{name}' is a table, not a scalar; use toscalar()"))),
            Some(Binding::Function(..)) => return Err(semantic(span, format!("'{name}' is a function; call it with parentheses"))),
            None => {}
        }
        if site.aggregates.is_some_and(|(_, inner)| inner.iter().any(|f| f.name == *name)) {
            return Err(semantic(span, format!("the column '{name}' must stand inside an aggregate or behind 'by'")));
        }
        let known = site.fields.iter().map(|f| f.name.as_ref()).chain(site.env.names());
        Err(semantic(span, format!("no column or scalar named '{name}'{}", did_you_mean(name, known))))
    }

    fn path(&mut self, left: &Expr, name: &Name, span: Span, site: Site<'_>) -> Try<Bound> {
        let left = self.scalar(left, site)?;
        if left.ty != Type::Dynamic {
            return Err(semantic(span, format!("a {} has no member '{}'; use parse_json() on JSON text", left.ty.name(), name.text)));
        }
        let key = name.text.clone();
        let get: Function = Arc::new(move |a: &[&Value]| {
            Ok(match a {
                [Value::Dynamic(d)] => d.get(&key).map_or(Value::Null, |v| Value::dynamic(v.clone())),
                _ => Value::Null,
            })
        });
        self.apply(get, vec![left], Type::Dynamic, span)
    }

    fn index(&mut self, left: &Expr, index: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        let (left, index) = (self.scalar(left, site)?, self.scalar(index, site)?);
        if left.ty != Type::Dynamic {
            return Err(semantic(span, format!("a {} has no elements; use parse_json() on JSON text", left.ty.name())));
        }
        if !(index.ty.is_integer() || matches!(index.ty, Type::String | Type::Dynamic)) {
            return Err(semantic(span, format!("an index is an integer or a string, not a {}", index.ty.name())));
        }
        let get: Function = Arc::new(|a: &[&Value]| {
            let [Value::Dynamic(d), index] = a else {
                return Ok(Value::Null);
            };
            let index = match index {
                Value::Dynamic(i) => from_json(i),
                other => (*other).clone(),
            };
            let found = match (d.as_ref(), &index) {
                (json::Value::Object(bag), Value::String(key)) => bag.get(key.as_ref()),
                (json::Value::Array(items), number) => number.as_i64().and_then(|n| {
                    let n = if n < 0 { n.checked_add(items.len() as i64)? } else { n };
                    items.get(usize::try_from(n).ok()?)
                }),
                _ => None,
            };
            Ok(found.map_or(Value::Null, |v| Value::dynamic(v.clone())))
        });
        self.apply(get, vec![left, index], Type::Dynamic, span)
    }

    fn negate(&mut self, inner: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        let inner = self.scalar(inner, site)?;
        let ty = inner.ty;
        if !(ty.is_number() || ty == Type::TimeSpan) {
            return Err(semantic(span, format!("a {} cannot be negated", ty.name())));
        }
        let negate: Function = Arc::new(|a: &[&Value]| {
            let overflow = || Trouble::Unsupported("integer overflow".to_owned());
            Ok(match a {
                [Value::Int(n)] => Value::Int(n.checked_neg().ok_or_else(overflow)?),
                [Value::Long(n)] => Value::Long(n.checked_neg().ok_or_else(overflow)?),
                [Value::TimeSpan(n)] => Value::TimeSpan(n.checked_neg().ok_or_else(overflow)?),
                [Value::Real(r)] => Value::Real(-r),
                _ => Value::Null,
            })
        });
        self.apply(negate, vec![inner], ty, span)
    }

    fn logic(&mut self, parts: &[Expr], span: Span, site: Site<'_>, make: fn(Vec<Scalar>) -> Scalar) -> Try<Bound> {
        let mut bound = Vec::new();
        for part in parts {
            let side = self.scalar(part, site)?;
            bound.push(if side.ty == Type::Dynamic { self.cast(side, Type::Bool, part.span)? } else { bool_of(side, part.span)? });
        }
        self.tree(bound, Type::Bool, span, make)
    }

    /// An expression that must be a bool.
    pub(super) fn condition(&mut self, expr: &Expr, site: Site<'_>) -> Try<Bound> {
        let bound = self.scalar(expr, site)?;
        bool_of(bound, expr.span)
    }

    /// A value as another type, by the rules of the `to...()` functions.
    pub(super) fn cast(&mut self, bound: Bound, ty: Type, span: Span) -> Try<Bound> {
        if bound.ty == ty {
            return Ok(bound);
        }
        let cast: Function = Arc::new(move |a: &[&Value]| Ok(a.first().map_or(Value::Null, |v| convert(v, ty))));
        self.apply(cast, vec![bound], ty, span)
    }

    pub(super) fn arithmetic(&mut self, op: Arith, left: Bound, right: Bound, span: Span) -> Try<Bound> {
        let wrong = || types_differ(span, "no arithmetic on", left.ty, right.ty);
        let (l, r) = (left.ty, right.ty);
        if l == Type::Dynamic || r == Type::Dynamic {
            return Err(unsupported(span, "arithmetic on a dynamic without tolong(), todouble() or the like"));
        }
        let times = |t: Type| matches!(t, Type::DateTime | Type::TimeSpan);
        let ty = match op {
            _ if l.is_number() && r.is_number() => {
                if l == Type::Real || r == Type::Real {
                    Type::Real
                } else {
                    Type::Long
                }
            }
            Arith::Add if l == Type::TimeSpan && r == Type::TimeSpan => Type::TimeSpan,
            Arith::Add if times(l) && times(r) && l != r => Type::DateTime,
            Arith::Sub if times(l) && l == r => Type::TimeSpan,
            Arith::Sub if l == Type::DateTime && r == Type::TimeSpan => Type::DateTime,
            Arith::Mul if (l == Type::TimeSpan && r.is_number()) || (l.is_number() && r == Type::TimeSpan) => Type::TimeSpan,
            Arith::Div if l == Type::TimeSpan && r == Type::TimeSpan => Type::Real,
            Arith::Div if l == Type::TimeSpan && r.is_number() => Type::TimeSpan,
            Arith::Mod if times(l) && r == Type::TimeSpan => Type::TimeSpan,
            _ => return Err(wrong()),
        };
        let compute: Function = Arc::new(move |a: &[&Value]| match a {
            [x, y] if !x.is_null() && !y.is_null() => compute(op, x, y, ty),
            _ => Ok(Value::Null),
        });
        self.apply(compute, vec![left, right], ty, span)
    }
}

fn literal(value: &Value, ty: Type) -> Value {
    if value.is_null() { Value::absent(ty).clone() } else { value.clone() }
}

fn compute(op: Arith, x: &Value, y: &Value, ty: Type) -> Result<Value, Trouble> {
    let real = matches!(x, Value::Real(_)) || matches!(y, Value::Real(_)) || (ty == Type::Real);
    if real {
        let (Some(a), Some(b)) = (x.as_f64(), y.as_f64()) else {
            return Ok(Value::Null);
        };
        let result = match op {
            Arith::Add => a + b,
            Arith::Sub => a - b,
            Arith::Mul => a * b,
            Arith::Div => a / b,
            Arith::Mod => a.rem_euclid(b),
        };
        return Ok(match ty {
            Type::TimeSpan if result.abs() < 9.2e18 => Value::TimeSpan(result.round() as i64),
            Type::TimeSpan => Value::Null,
            _ => Value::Real(result),
        });
    }
    let (Some(a), Some(b)) = (x.as_i64(), y.as_i64()) else {
        return Ok(Value::Null);
    };
    if b == 0 && matches!(op, Arith::Div | Arith::Mod) {
        return Ok(Value::Null);
    }
    let result = match op {
        Arith::Add => a.checked_add(b),
        Arith::Sub => a.checked_sub(b),
        Arith::Mul => a.checked_mul(b),
        Arith::Div => a.checked_div(b),
        Arith::Mod => a.checked_rem_euclid(b),
    };
    match (result, ty) {
        (None, Type::Long) => Err(Trouble::Unsupported("integer overflow".to_owned())),
        (None, _) => Ok(Value::Null),
        (Some(n), Type::DateTime) => Ok(in_range(n).map_or(Value::Null, Value::DateTime)),
        (Some(n), Type::TimeSpan) => Ok(Value::TimeSpan(n)),
        (Some(n), _) => Ok(Value::Long(n)),
    }
}

//! Comparisons, string operators and membership.
//!
//! Where the types of the sides differ, the rules are decided here, once, and refused where they are not certain: a constant text
//! against a number, a bool or a GUID is read as that type; a dynamic is compared as the type of the other side.

use super::super::aggregate::{Aggregate, Func};
use super::super::ast::{Cmp, Expr, ExprKind, TextHow, TextOp};
use super::super::compare::{Key, convert, equal, from_json, key, ordered, to_text, unequal};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::functions::{Refusal, compile};
use super::super::plan::{Op, Plan, query_set};
use super::super::scalar::{Function, Kernel, Scalar, ScalarQuery, Trouble};
use super::super::text::{Needle, equal_ignoring_case, fold};
use super::super::value::{Type, Value};
use super::{Binder, Bound, Site, types_differ};
use crate::json;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

fn key_exact(value: &Value) -> Key {
    key(value, false)
}

fn key_real(value: &Value) -> Key {
    key(value, true)
}

fn key_folded(value: &Value) -> Key {
    Key::Text(fold(value.as_str()).into())
}

fn is_time(ty: Type) -> bool {
    matches!(ty, Type::DateTime | Type::TimeSpan)
}

/// What a list is tested for.
enum Member {
    Constant(Value, Type),
    /// An array that only the row knows.
    Array(Bound),
    One(Bound),
    Query(Plan, Type),
}

impl Binder<'_> {
    pub(super) fn compare(&mut self, op: Cmp, left: Bound, right: Bound, span: Span) -> Try<Bound> {
        let equality = matches!(op, Cmp::Eq | Cmp::Ne);
        let (left, right) = self.align(left, right, equality, span)?;
        let orderable = left.ty.is_number() || matches!(left.ty, Type::DateTime | Type::TimeSpan | Type::Dynamic);
        if !equality && !orderable {
            return Err(types_differ(span, "no order among", left.ty, right.ty));
        }
        let test: fn(&Value, &Value) -> Value = match op {
            Cmp::Eq => equal,
            Cmp::Ne => unequal,
            Cmp::Lt => |a, b| ordered(a, b, Ordering::is_lt),
            Cmp::Le => |a, b| ordered(a, b, Ordering::is_le),
            Cmp::Gt => |a, b| ordered(a, b, Ordering::is_gt),
            Cmp::Ge => |a, b| ordered(a, b, Ordering::is_ge),
        };
        let dynamic = left.ty == Type::Dynamic;
        let function: Function = Arc::new(move |a: &[&Value]| {
            let [x, y] = a else {
                return Ok(Value::Null);
            };
            if !dynamic {
                return Ok(test(x, y));
            }
            let (x, y) = (loosen(x), loosen(y));
            if matches!(x, Value::Dynamic(_)) || matches!(y, Value::Dynamic(_)) {
                return Err(Trouble::Unsupported("comparing arrays or property bags".to_owned()));
            }
            Ok(test(&x, &y))
        });
        let kernel = (!dynamic).then_some(Kernel::Compare(op));
        self.apply_known(kernel, function, vec![left, right], Type::Bool, span)
    }

    /// Brings both sides to one type, or to two kinds of numbers.
    fn align(&mut self, left: Bound, right: Bound, equality: bool, span: Span) -> Try<(Bound, Bound)> {
        let (l, r) = (left.ty, right.ty);
        if l == r || (l.is_number() && r.is_number()) {
            return Ok((left, right));
        }
        // What is written there is known when the row is read only, and then an order may not exist.
        if !equality && (l == Type::Dynamic && is_time(r) || r == Type::Dynamic && is_time(l)) {
            return Err(types_differ(span, "no order among", l, r));
        }
        if l == Type::Dynamic {
            let ty = if r.is_number() { Type::Dynamic } else { r };
            return if ty == Type::Dynamic {
                Ok((left, self.cast(right, Type::Dynamic, span)?))
            } else {
                Ok((self.meet(left, ty, span)?, right))
            };
        }
        if r == Type::Dynamic {
            let (right, left) = self.align(right, left, equality, span)?;
            return Ok((left, right));
        }
        if !equality {
            return Err(types_differ(span, "no order among", l, r));
        }
        for (text, other, swap) in [(&left, &right, true), (&right, &left, false)] {
            let reads = matches!(other.ty, Type::Bool | Type::Int | Type::Long | Type::Real | Type::Guid);
            if text.ty == Type::String && reads {
                let read = self.read_constant(text, other.ty, span)?;
                let other = other.clone();
                return Ok(if swap { (read, other) } else { (other, read) });
            }
        }
        if l == Type::Bool && r.is_integer() {
            return Ok((self.cast(left, Type::Long, span)?, self.as_flag(right, span)?));
        }
        if r == Type::Bool && l.is_integer() {
            return Ok((self.as_flag(left, span)?, self.cast(right, Type::Long, span)?));
        }
        Err(types_differ(span, "cannot compare", l, r))
    }

    /// A dynamic as the type that it is compared with; a value of another kind stays unequal.
    fn meet(&mut self, bound: Bound, ty: Type, span: Span) -> Try<Bound> {
        let cast: Function = Arc::new(move |a: &[&Value]| {
            let Some(Value::Dynamic(d)) = a.first() else {
                return Ok(Value::absent(ty).clone());
            };
            Ok(match (d.as_ref(), ty) {
                (_, Type::String) => Value::String(to_text(&Value::Dynamic(d.clone()))),
                (json::Value::Bool(b), Type::Bool) => Value::Bool(*b),
                (json::Value::Int(n), Type::Bool) => Value::Bool(*n != 0),
                (json::Value::String(_), _) => convert(&Value::Dynamic(d.clone()), ty),
                _ => Value::Null,
            })
        });
        self.apply(cast, vec![bound], ty, span)
    }

    fn as_flag(&mut self, number: Bound, span: Span) -> Try<Bound> {
        match number.constant() {
            Some(value) => Ok(Bound::leaf(Scalar::Const(convert(&convert(value, Type::Bool), Type::Long)), Type::Long)),
            None => self.cast(number, Type::Long, span),
        }
    }

    /// A constant text as a number, a bool or a GUID.
    fn read_constant(&mut self, text: &Bound, ty: Type, span: Span) -> Try<Bound> {
        let Some(value) = text.constant() else {
            return Err(unsupported(span, format!("comparing a {} with a text that is no constant; convert one of them", ty.name())));
        };
        let read = convert(value, if ty == Type::Int { Type::Long } else { ty });
        if read.is_null() {
            return Err(unsupported(span, format!("comparing a {} with the text '{}'", ty.name(), value.as_str())));
        }
        Ok(Bound::leaf(Scalar::Const(read), if ty == Type::Int { Type::Long } else { ty }))
    }

    fn as_text(&mut self, bound: Bound, span: Span) -> Try<Bound> {
        match bound.ty {
            Type::String => Ok(bound),
            Type::Dynamic => self.cast(bound, Type::String, span),
            other => Err(semantic(span, format!("a string operator needs a string, not a {}; use tostring()", other.name()))),
        }
    }

    pub(super) fn text_test(&mut self, op: TextOp, left: &Expr, right: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        if matches!(left.kind, ExprKind::Star) {
            return Err(unsupported(span, "searching all columns with '*'"));
        }
        let (left, right) = (self.scalar(left, site)?, self.scalar(right, site)?);
        if right.ty == Type::Dynamic
            && right.constant().is_some()
            && matches!(op.how, TextHow::Has | TextHow::HasPrefix | TextHow::HasSuffix)
        {
            return Err(semantic(span, "'has' takes one text; for a list use has_any or has_all"));
        }
        let (left, right) = (self.as_text(left, span)?, self.as_text(right, span)?);
        let negated = op.negated;
        let Some(pattern) = right.constant().map(|v| v.as_str().to_owned()) else {
            let function: Function = Arc::new(move |a: &[&Value]| {
                let [hay, pattern] = a else {
                    return Ok(Value::Null);
                };
                let test = tester(op, pattern.as_str()).map_err(|refusal| match refusal {
                    Refusal::Wrong(message) | Refusal::Missing(message) => Trouble::Unsupported(message),
                })?;
                Ok((test(hay.as_str()) != negated).into())
            });
            return self.apply(function, vec![left, right], Type::Bool, span);
        };
        let test = tester(op, &pattern).map_err(|refusal| match refusal {
            Refusal::Wrong(message) => semantic(span, message),
            Refusal::Missing(part) => unsupported(span, part),
        })?;
        let function: Function = Arc::new(move |a: &[&Value]| Ok((a.first().is_some_and(|v| test(v.as_str())) != negated).into()));
        self.apply(function, vec![left], Type::Bool, span)
    }

    /// The members of a list: constants, with dynamic arrays laid out flat, and what only a row or a sub-query knows.
    fn members(&mut self, list: &[Expr], site: Site<'_>) -> Try<Vec<Member>> {
        let mut members = Vec::new();
        for item in list {
            if let Some(relation) = self.relation_of(item, site.env)? {
                if site.fields.iter().any(|f| matches!(&item.kind, ExprKind::Name(n) if *n == f.name)) {
                    return Err(semantic(item.span, "the name is both a column and a table"));
                }
                self.sub_query(item.span)?;
                self.constant_rows(&relation.plan, item.span)?;
                let ty = relation.fields.first().map_or(Type::Dynamic, |f| f.ty);
                members.push(Member::Query(relation.plan, ty));
                continue;
            }
            let bound = self.scalar(item, site)?;
            match (bound.constant(), bound.ty) {
                (Some(Value::Dynamic(d)), _) if d.as_array().is_some() => {
                    members.extend(d.as_array().unwrap_or_default().iter().filter(|i| !i.is_null()).map(|i| {
                        let value = from_json(i);
                        let ty = type_of(&value);
                        Member::Constant(value, ty)
                    }));
                }
                (Some(Value::Dynamic(d)), _) => {
                    let value = from_json(d);
                    let ty = type_of(&value);
                    members.push(Member::Constant(value, ty));
                }
                (Some(value), ty) => members.push(Member::Constant(value.clone(), ty)),
                (None, Type::Dynamic) => members.push(Member::Array(bound)),
                (None, _) => members.push(Member::One(bound)),
            }
        }
        Ok(members)
    }

    pub(super) fn in_list(&mut self, value: &Expr, list: &[Expr], exact: bool, negated: bool, span: Span, site: Site<'_>) -> Try<Bound> {
        if matches!(value.kind, ExprKind::Star) {
            return Err(unsupported(span, "searching all columns with '*'"));
        }
        let value = self.scalar(value, site)?;
        let members = self.members(list, site)?;
        let value = self.settle(value, &members, span)?;
        let folded = !exact && value.ty == Type::String;
        if !exact && value.ty != Type::String {
            return Err(semantic(span, format!("in~ needs a string, not a {}", value.ty.name())));
        }
        let mut keys = HashSet::new();
        let mut tests = Vec::new();
        let real = value.ty == Type::Real
            || members.iter().any(|m| matches!(m, Member::Constant(Value::Real(_), _) | Member::Query(_, Type::Real)));
        let make_key = if folded {
            key_folded
        } else if real {
            key_real
        } else {
            key_exact
        };
        for member in members {
            match member {
                Member::Constant(constant, ty) => {
                    if constant.is_null() {
                        continue;
                    }
                    let constant = if ty == value.ty || (ty.is_number() && value.ty.is_number()) {
                        constant
                    } else if ty == Type::String && value.ty != Type::String && !matches!(value.ty, Type::DateTime | Type::TimeSpan) {
                        let bound = self.read_constant(&Bound::leaf(Scalar::Const(constant), Type::String), value.ty, span)?;
                        bound.constant().cloned().unwrap_or(Value::Null)
                    } else if value.ty == Type::Bool && ty.is_integer() {
                        convert(&constant, Type::Bool)
                    } else {
                        return Err(types_differ(span, "'in' cannot compare", value.ty, ty));
                    };
                    keys.insert(make_key(&constant));
                }
                Member::Query(plan, ty) => {
                    if !(ty == value.ty || ty == Type::Dynamic || (ty.is_number() && value.ty.is_number())) {
                        return Err(types_differ(span, "'in' cannot compare", value.ty, ty));
                    }
                    let set = query_set(plan, make_key);
                    tests.push(self.tree(vec![value.clone()], Type::Bool, span, |mut parts| {
                        Scalar::InQuery(Box::new(parts.pop().unwrap_or(Scalar::Const(Value::Null))), set)
                    })?);
                }
                Member::Array(array) => {
                    let function: Function = Arc::new(move |a: &[&Value]| {
                        let [value, Value::Dynamic(d)] = a else {
                            return Ok(Value::Bool(false));
                        };
                        let wanted = make_key(value);
                        let one = std::slice::from_ref(d.as_ref());
                        let items = d.as_array().unwrap_or(one);
                        Ok((!value.is_null() && items.iter().any(|i| !i.is_null() && make_key(&from_json(i)) == wanted)).into())
                    });
                    tests.push(self.apply(function, vec![value.clone(), array], Type::Bool, span)?);
                }
                Member::One(one) => {
                    if folded {
                        let function: Function = Arc::new(|a: &[&Value]| match a {
                            [x, y] => Ok(equal_ignoring_case(x.as_str(), y.as_str()).into()),
                            _ => Ok(Value::Null),
                        });
                        let one = self.as_text(one, span)?;
                        tests.push(self.apply(function, vec![value.clone(), one], Type::Bool, span)?);
                    } else {
                        tests.push(self.compare(Cmp::Eq, value.clone(), one, span)?);
                    }
                }
            }
        }
        if !keys.is_empty() || tests.is_empty() {
            let function: Function =
                Arc::new(move |a: &[&Value]| Ok(a.first().is_some_and(|v| !v.is_null() && keys.contains(&make_key(v))).into()));
            tests.push(self.apply(function, vec![value], Type::Bool, span)?);
        }
        let any = self.tree(tests, Type::Bool, span, Scalar::Or)?;
        if !negated {
            return Ok(any);
        }
        let negate: Function = Arc::new(|a: &[&Value]| Ok((a.first() != Some(&&Value::Bool(true))).into()));
        self.tree(vec![any], Type::Bool, span, |parts| Scalar::Apply(negate, parts, span, None))
    }

    /// A dynamic on the left of `in` becomes the one type that the list has.
    fn settle(&mut self, value: Bound, members: &[Member], span: Span) -> Try<Bound> {
        if value.ty != Type::Dynamic {
            return Ok(value);
        }
        let types: Vec<Type> = members
            .iter()
            .map(|m| match m {
                Member::Constant(_, ty) | Member::Query(_, ty) => *ty,
                Member::One(bound) | Member::Array(bound) => bound.ty,
            })
            .collect();
        if types.iter().all(|t| *t == Type::String) {
            return self.meet(value, Type::String, span);
        }
        if types.iter().all(|t| t.is_number()) {
            let number: Function =
                Arc::new(|a: &[&Value]| Ok(a.first().map_or(Value::Null, |v| loosen(v)).as_f64().map_or(Value::Null, Value::Real)));
            return self.apply(number, vec![value], Type::Real, span);
        }
        Err(unsupported(span, "'in' on a dynamic with a list of mixed or dynamic types; convert with tostring()"))
    }

    pub(super) fn has_list(&mut self, value: &Expr, list: &[Expr], all: bool, span: Span, site: Site<'_>) -> Try<Bound> {
        if matches!(value.kind, ExprKind::Star) {
            return Err(unsupported(span, "searching all columns with '*'"));
        }
        let value = self.scalar(value, site)?;
        let value = self.as_text(value, span)?;
        let mut needles = Vec::new();
        let mut tests = Vec::new();
        for member in self.members(list, site)? {
            let array = match member {
                Member::Constant(Value::Null, _) => continue,
                Member::Constant(constant, _) => {
                    needles.push(Needle::new(&to_text(&constant), false));
                    continue;
                }
                Member::Array(array) => array,
                Member::One(one) if one.ty == Type::String => self.cast(one, Type::Dynamic, span)?,
                Member::One(one) => return Err(semantic(span, format!("has_any looks for strings, not for a {}", one.ty.name()))),
                Member::Query(plan, ty) if matches!(ty, Type::String | Type::Dynamic) => self.gather(plan, ty, span),
                Member::Query(_, ty) => return Err(semantic(span, format!("has_any looks for strings, not for a {}", ty.name()))),
            };
            let function: Function = Arc::new(move |a: &[&Value]| {
                let [hay, Value::Dynamic(d)] = a else {
                    return Ok(Value::Bool(all));
                };
                let one = std::slice::from_ref(d.as_ref());
                let mut items = d.as_array().unwrap_or(one).iter().filter(|i| !i.is_null());
                let hit = |i: &json::Value| Needle::new(&to_text(&Value::dynamic(i.clone())), false).has(hay.as_str());
                Ok(if all { items.all(hit) } else { items.any(hit) }.into())
            });
            tests.push(self.apply(function, vec![value.clone(), array], Type::Bool, span)?);
        }
        if !needles.is_empty() || tests.is_empty() {
            let function: Function = Arc::new(move |a: &[&Value]| {
                let hay = a.first().map_or("", |v| v.as_str());
                Ok(if all { needles.iter().all(|n| n.has(hay)) } else { needles.iter().any(|n| n.has(hay)) }.into())
            });
            tests.push(self.apply(function, vec![value], Type::Bool, span)?);
        }
        self.tree(tests, Type::Bool, span, if all { Scalar::And } else { Scalar::Or })
    }

    /// The first column of a sub-query as one array.
    fn gather(&mut self, plan: Plan, ty: Type, span: Span) -> Bound {
        let collect = Aggregate {
            func: Func::List { distinct: false, nulls: false },
            value: Some(Scalar::Column(0)),
            second: None,
            when: None,
            outputs: Vec::new(),
            ty: Type::Dynamic,
            most: usize::MAX,
            percentiles: Vec::new(),
            span,
        };
        let mut ops = Vec::new();
        if ty == Type::Dynamic {
            ops.push(Op::Expand(super::super::plan::Expand {
                items: vec![(Scalar::Column(0), Type::Dynamic)],
                index: false,
                limit: usize::MAX,
                arrays: false,
            }));
            ops.push(Op::Map(vec![(Scalar::Column(1), Type::Dynamic)]));
        }
        ops.push(Op::Summarize { by: Vec::new(), aggregates: vec![collect] });
        let plan = Plan::Pipe(Box::new(plan), ops);
        let query = ScalarQuery { plan, ty: Type::Dynamic, answer: OnceLock::new() };
        Bound::leaf(Scalar::Query(Arc::new(query)), Type::Dynamic)
    }

    pub(super) fn between(&mut self, value: &Expr, low: &Expr, high: &Expr, negated: bool, span: Span, site: Site<'_>) -> Try<Bound> {
        let value = self.scalar(value, site)?;
        let (low, mut high) = (self.scalar(low, site)?, self.scalar(high, site)?);
        if value.ty == Type::DateTime && low.ty == Type::DateTime && high.ty == Type::TimeSpan {
            high = self.arithmetic(super::super::ast::Arith::Add, low.clone(), high, span)?;
        }
        if [value.ty, low.ty, high.ty].iter().all(|ty| *ty == Type::Dynamic) {
            return Err(semantic(span, "no order among dynamics: convert them"));
        }
        let (above, below) = if negated { (Cmp::Lt, Cmp::Gt) } else { (Cmp::Ge, Cmp::Le) };
        let parts = vec![self.compare(above, value.clone(), low, span)?, self.compare(below, value, high, span)?];
        self.tree(parts, Type::Bool, span, if negated { Scalar::Or } else { Scalar::And })
    }
}

fn loosen(value: &Value) -> Value {
    match value {
        Value::Dynamic(d) => from_json(d),
        other => other.clone(),
    }
}

fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Long(_) => Type::Long,
        Value::Real(_) => Type::Real,
        Value::String(_) => Type::String,
        Value::DateTime(_) => Type::DateTime,
        Value::TimeSpan(_) => Type::TimeSpan,
        Value::Dynamic(_) | Value::Null => Type::Dynamic,
    }
}

type Tester = Box<dyn Fn(&str) -> bool + Send + Sync>;

fn tester(op: TextOp, pattern: &str) -> Result<Tester, Refusal> {
    if op.how == TextHow::Regex {
        let regex = compile(pattern)?;
        return Ok(Box::new(move |hay| regex.is_match(hay)));
    }
    let needle = Needle::new(pattern, op.case_sensitive);
    Ok(match op.how {
        TextHow::Equal => Box::new(move |hay| needle.equals(hay)),
        TextHow::Contains => Box::new(move |hay| needle.within(hay)),
        TextHow::StartsWith => Box::new(move |hay| needle.starts(hay)),
        TextHow::EndsWith => Box::new(move |hay| needle.ends(hay)),
        TextHow::HasPrefix => Box::new(move |hay| needle.has_prefix(hay)),
        TextHow::HasSuffix => Box::new(move |hay| needle.has_suffix(hay)),
        TextHow::Has | TextHow::Regex => Box::new(move |hay| needle.has(hay)),
    })
}

/// Whether the rules let two columns meet in a join, and whether they meet as reals.
pub(super) fn joinable(left: Type, right: Type) -> Option<bool> {
    ((left == right && left != Type::Dynamic) || (left.is_integer() && right.is_integer())).then_some(false)
}

/// The values that a sort knows how to order.
pub(super) fn sortable(ty: Type) -> bool {
    !matches!(ty, Type::Dynamic)
}

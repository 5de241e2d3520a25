//! `summarize`: which aggregates there are, what they are called and what columns they make.

use super::super::aggregate::{Aggregate, Bits, Func};
use super::super::ast::{Arg, Expr, ExprKind, Name, Named};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::plan::Op;
use super::super::scalar::Scalar;
use super::super::value::{Type, Value};
use super::name::{self, Namer};
use super::{Binder, Bound, Env, Field, Relation, Site};
use std::cell::RefCell;
use std::sync::Arc;

/// Name, what it computes, whether a predicate comes with it, the prefix of its column (empty: the argument's own name).
const AGGREGATES: &[(&str, Func, bool, &str)] = &[
    ("count", Func::Count, false, "count"),
    ("countif", Func::Count, true, "countif"),
    ("sum", Func::Sum, false, "sum"),
    ("sumif", Func::Sum, true, "sumif"),
    ("avg", Func::Avg, false, "avg"),
    ("avgif", Func::Avg, true, "avgif"),
    ("min", Func::Min, false, "min"),
    ("minif", Func::Min, true, "minif"),
    ("max", Func::Max, false, "max"),
    ("maxif", Func::Max, true, "maxif"),
    ("dcount", Func::DCount, false, "dcount"),
    ("dcountif", Func::DCount, true, "dcountif"),
    ("count_distinct", Func::DCount, false, "count_distinct"),
    ("count_distinctif", Func::DCount, true, "count_distinctif"),
    ("make_set", SET, false, "set"),
    ("makeset", SET, false, "set"),
    ("make_set_if", SET, true, "set"),
    ("make_list", LIST, false, "list"),
    ("makelist", LIST, false, "list"),
    ("make_list_if", LIST, true, "list"),
    ("make_list_with_nulls", Func::List { distinct: false, nulls: true }, false, "list"),
    ("arg_max", Func::ArgMax, false, "max"),
    ("arg_min", Func::ArgMin, false, "min"),
    ("argmax", Func::ArgMax, false, "max"),
    ("argmin", Func::ArgMin, false, "min"),
    ("take_any", Func::Any, false, ""),
    ("take_anyif", Func::Any, true, ""),
    ("any", Func::Any, false, "any"),
    ("anyif", Func::Any, true, "anyif"),
    ("percentile", Func::Percentile { weighted: false, array: false }, false, "percentile"),
    ("percentiles", Func::Percentile { weighted: false, array: false }, false, "percentiles"),
    ("percentiles_array", Func::Percentile { weighted: false, array: true }, false, "percentiles"),
    ("percentilew", Func::Percentile { weighted: true, array: false }, false, "percentile"),
    ("percentilesw", Func::Percentile { weighted: true, array: false }, false, "percentiles"),
    ("percentilesw_array", Func::Percentile { weighted: true, array: true }, false, "percentiles"),
    ("binary_all_and", Func::Bits(Bits::And), false, ""),
    ("binary_all_or", Func::Bits(Bits::Or), false, ""),
    ("binary_all_xor", Func::Bits(Bits::Xor), false, ""),
    ("covariance", Func::Covariance { population: false }, false, "covariance"),
    ("covarianceif", Func::Covariance { population: false }, true, "covarianceif"),
    ("covariancep", Func::Covariance { population: true }, false, "covariancep"),
    ("covariancepif", Func::Covariance { population: true }, true, "covariancepif"),
    ("stdev", Func::Stdev { population: false }, false, "stdev"),
    ("stdevif", Func::Stdev { population: false }, true, "stdevif"),
    ("stdevp", Func::Stdev { population: true }, false, "stdevp"),
    ("variance", Func::Variance { population: false }, false, "variance"),
    ("varianceif", Func::Variance { population: false }, true, "varianceif"),
    ("variancep", Func::Variance { population: true }, false, "variancep"),
    ("variancepif", Func::Variance { population: true }, true, "variancepif"),
    ("make_bag", Func::Bag, false, "bag"),
    ("make_bag_if", Func::Bag, true, "bag"),
    ("make_dictionary", Func::Bag, false, "dictionary"),
    ("stdevpif", Func::Stdev { population: true }, true, "stdevpif"),
];

const SET: Func = Func::List { distinct: true, nulls: false };
const LIST: Func = Func::List { distinct: false, nulls: false };

const REFUSED: [&str; 7] = ["hll", "hll_if", "hll_merge", "tdigest", "tdigest_merge", "merge_tdigest", "buildschema"];

/// The most members of a list or a set without a size of its own.
const MAX_MEMBERS: usize = 1 << 20;

/// The same for `makeset` and `makelist`, the older names.
const LEGACY_MEMBERS: usize = 128;

/// An aggregate found inside an expression.
pub(super) struct Found {
    aggregate: Aggregate,
    /// The columns that it names itself, for functions that answer several.
    names: Vec<String>,
    span: Span,
}

pub(in super::super) fn names() -> impl Iterator<Item = &'static str> {
    AGGREGATES.iter().map(|a| a.0)
}

pub(in super::super) fn refused() -> impl Iterator<Item = &'static str> {
    REFUSED.into_iter()
}

fn lookup(name: &str) -> Option<&'static (&'static str, Func, bool, &'static str)> {
    AGGREGATES.iter().find(|a| a.0 == name)
}

pub(super) fn is_aggregate(name: &str) -> bool {
    lookup(name).is_some() || REFUSED.contains(&name)
}

/// The prefix of an aggregate's column.
pub(super) fn prefix(name: &str) -> Option<&'static str> {
    lookup(name).map(|a| a.3)
}

impl Binder<'_> {
    /// An aggregate in an expression: a column that grouping will make.
    pub(super) fn aggregate_column(
        &mut self,
        name: &Name,
        args: &[Arg],
        span: Span,
        found: &RefCell<Vec<Found>>,
        site: Site<'_>,
    ) -> Try<Bound> {
        let new = self.aggregate(name, args, span, site, &[])?;
        let types = new.aggregate.types();
        let [ty] = types.as_slice() else {
            return Err(semantic(span, format!("'{}' makes several columns and cannot be part of an expression", name.text)));
        };
        let at: usize = found.borrow().iter().map(|f| f.aggregate.types().len()).sum();
        found.borrow_mut().push(new);
        Ok(Bound::leaf(Scalar::Column(site.fields.len() + at), *ty))
    }

    fn aggregate(&mut self, name: &Name, args: &[Arg], span: Span, site: Site<'_>, by: &[Field]) -> Try<Found> {
        let Some((_, func, predicate, prefix)) = lookup(&name.text) else {
            return Err(unsupported(name.span, format!("the aggregate '{}'", name.text)));
        };
        let wrong_count = || semantic(span, format!("'{}' does not take {} arguments", name.text, args.len()));
        let mut aggregate = Aggregate {
            func: *func,
            value: None,
            second: None,
            when: None,
            outputs: Vec::new(),
            ty: Type::Long,
            most: MAX_MEMBERS,
            percentiles: Vec::new(),
            span,
        };
        let mut exprs: Vec<&Arg> = args.iter().collect();
        if *predicate {
            let at = match func {
                Func::Count => 0,
                Func::Covariance { .. } => 2,
                _ => 1,
            };
            if exprs.len() <= at {
                return Err(wrong_count());
            }
            if exprs.len() > at + 1 && matches!(name.text.as_ref(), "take_anyif" | "anyif" | "count_distinctif") {
                return Err(wrong_count());
            }
            let condition = exprs.remove(at);
            aggregate.when = Some(self.condition(&condition.expr, site)?.scalar);
        }
        if *func == Func::Count {
            return match exprs.as_slice() {
                [] => Ok(Found { aggregate, names: Vec::new(), span }),
                [condition] => {
                    aggregate.when = Some(self.condition(&condition.expr, site)?.scalar);
                    Ok(Found { aggregate, names: Vec::new(), span })
                }
                _ => Err(wrong_count()),
            };
        }
        let Some((first, mut rest)) = exprs.split_first() else {
            return Err(wrong_count());
        };
        if *func == Func::Any && *predicate && !rest.is_empty() {
            return Err(wrong_count());
        }
        if matches!(func, Func::ArgMax | Func::ArgMin | Func::Any) {
            let mut found = self.chooser(aggregate, prefix, first, rest, span, site, by)?;
            // The older names call their columns otherwise.
            if let ("argmax" | "argmin", Some(key)) = (name.text.as_ref(), name::of(&first.expr)) {
                for (at, column) in found.names.iter_mut().enumerate() {
                    let own = format!("{prefix}_{key}");
                    if at == 0 {
                        *column = own;
                    } else if !column.starts_with(&own) {
                        *column = format!("{own}_{column}");
                    }
                }
            }
            return Ok(found);
        }
        let value = self.scalar(&first.expr, site)?;
        let ty = value.ty;
        aggregate.value = Some(value.scalar);
        if matches!(func, Func::Covariance { .. } | Func::Percentile { weighted: true, .. }) {
            let Some((second, others)) = rest.split_first() else {
                return Err(wrong_count());
            };
            let bound = self.scalar(&second.expr, site)?;
            let fits = if matches!(func, Func::Covariance { .. }) { bound.ty.is_number() } else { bound.ty.is_integer() };
            if !fits {
                return Err(semantic(second.expr.span, format!("'{}' takes no {} here", name.text, bound.ty.name())));
            }
            aggregate.second = Some(bound.scalar);
            rest = others;
        }
        let summable = ty.is_number() || ty == Type::TimeSpan;
        let refuse = |what: &str| Err(semantic(first.expr.span, format!("'{}' takes {what}, not a {}", name.text, ty.name())));
        let mut names = Vec::new();
        match func {
            Func::Sum if !summable => return refuse("a number or a timespan"),
            Func::Sum => aggregate.ty = if ty == Type::Int { Type::Long } else { ty },
            Func::Avg if !(summable || ty == Type::DateTime) => return refuse("a number, a timespan or a datetime"),
            Func::Avg => aggregate.ty = if ty.is_number() { Type::Real } else { ty },
            Func::Min | Func::Max if matches!(ty, Type::Dynamic | Type::Guid) => return refuse("a value that has an order"),
            Func::Min | Func::Max => aggregate.ty = ty,
            Func::List { .. } | Func::Bag => {
                if *func == Func::Bag && ty != Type::Dynamic {
                    return refuse("a dynamic");
                }
                aggregate.ty = Type::Dynamic;
                if name.text.starts_with("makeset") || name.text.starts_with("makelist") {
                    aggregate.most = LEGACY_MEMBERS;
                }
                if let [most] = rest {
                    aggregate.most = usize::try_from(self.whole(&most.expr, site)?).unwrap_or(0).min(MAX_MEMBERS);
                }
            }
            Func::Percentile { array, .. } => {
                if !(summable || ty == Type::DateTime) {
                    return refuse("a number, a timespan or a datetime");
                }
                aggregate.ty = if ty == Type::Int { Type::Long } else { ty };
                let own = name::of(&first.expr).unwrap_or_default();
                for percent in self.percents(rest, *array, site)? {
                    names.push(format!("percentile_{own}_{}", percent.to_string().replace('.', "_")));
                    aggregate.percentiles.push(percent);
                }
                if *array {
                    names = vec![format!("percentiles_{own}")];
                }
            }
            Func::DCount if ty == Type::Dynamic && name.text.starts_with("count_distinct") => {
                return refuse("a value that is not dynamic");
            }
            Func::Bits(_) if !ty.is_integer() => return refuse("a whole number"),
            Func::Bits(_) => aggregate.ty = ty,
            Func::Covariance { .. } if !ty.is_number() => return refuse("a number"),
            Func::Covariance { .. } => aggregate.ty = Type::Real,
            Func::Stdev { .. } | Func::Variance { .. } if !ty.is_number() => return refuse("a number"),
            Func::Stdev { .. } | Func::Variance { .. } => aggregate.ty = Type::Real,
            _ => {}
        }
        if let (Func::DCount, [accuracy, ..]) = (func, rest) {
            let bound = self.scalar(&accuracy.expr, site)?;
            if !bound.ty.is_integer() {
                return Err(semantic(accuracy.expr.span, format!("the accuracy of '{}' is a whole number from 0 to 4", name.text)));
            }
        }
        let most_args = match func {
            Func::DCount if name.text.starts_with("count_distinct") => 0,
            Func::DCount | Func::List { .. } | Func::Bag => 1,
            Func::Percentile { .. } if prefix.ends_with('s') => usize::MAX,
            Func::Percentile { .. } => 1,
            _ => 0,
        };
        if rest.len() > most_args || (matches!(func, Func::Percentile { .. }) && rest.is_empty()) {
            return Err(wrong_count());
        }
        Ok(Found { aggregate, names, span })
    }

    /// The percents that are asked for, as numbers or, for the array forms, as one array of them.
    fn percents(&mut self, exprs: &[&Arg], array: bool, site: Site<'_>) -> Try<Vec<f64>> {
        let mut percents = Vec::new();
        for arg in exprs {
            let bound = self.scalar(&arg.expr, Site { fields: &[], ..site })?;
            let numbers: Option<Vec<f64>> = match bound.constant() {
                Some(Value::Dynamic(d)) if array && exprs.len() == 1 => {
                    d.as_array().and_then(|items| items.iter().map(crate::json::Value::as_f64).collect())
                }
                Some(value) => value.as_f64().map(|p| vec![p]),
                None => None,
            };
            match numbers {
                Some(numbers) if !numbers.is_empty() && numbers.iter().all(|p| (0.0..=100.0).contains(p)) => percents.extend(numbers),
                _ => return Err(semantic(arg.expr.span, "a percentile is a constant from 0 to 100")),
            }
        }
        Ok(percents)
    }

    /// `arg_max`, `arg_min` and `take_any`: the columns of one row.
    #[allow(clippy::too_many_arguments)]
    fn chooser(
        &mut self,
        mut aggregate: Aggregate,
        prefix: &str,
        first: &Arg,
        rest: &[&Arg],
        span: Span,
        site: Site<'_>,
        by: &[Field],
    ) -> Try<Found> {
        let any = aggregate.func == Func::Any;
        let mut names = Vec::new();
        let mut shown: Vec<Arc<str>> = by.iter().map(|f| f.name.clone()).collect();
        let all = std::iter::once(first).chain(rest.iter().copied());
        for (at, arg) in all.enumerate() {
            if matches!(arg.expr.kind, ExprKind::Star) {
                if at == 0 && !any {
                    return Err(semantic(arg.expr.span, "'*' cannot be compared"));
                }
                for (column, field) in site.fields.iter().enumerate() {
                    if !shown.contains(&field.name) {
                        aggregate.outputs.push((Scalar::Column(column), field.ty));
                        names.push(field.name.to_string());
                        shown.push(field.name.clone());
                    }
                }
                continue;
            }
            let value = self.scalar(&arg.expr, site)?;
            if at == 0 && !any && matches!(value.ty, Type::Dynamic | Type::Guid) {
                return Err(semantic(arg.expr.span, format!("a {} has no order; convert it", value.ty.name())));
            }
            if at == 0 {
                aggregate.value = Some(value.scalar.clone());
            }
            let own = arg.name.as_ref().map(|n| n.text.to_string()).or_else(|| name::of(&arg.expr));
            let own = match own {
                Some(own) if prefix == "any" && rest.is_empty() => format!("any_{own}"),
                Some(own) if prefix == "anyif" => format!("anyif_{own}"),
                Some(own) => own,
                None if any => format!("any_arg{at}"),
                None if at == 0 => format!("{prefix}_"),
                None => format!("{prefix}_{}_arg{at}", name::of(&first.expr).unwrap_or_default()).replace("__", "_"),
            };
            shown.push(own.as_str().into());
            aggregate.outputs.push((value.scalar, value.ty));
            names.push(own);
        }
        if any && matches!(first.expr.kind, ExprKind::Star) {
            aggregate.value = Some(Scalar::Const(Value::Bool(true)));
        }
        Ok(Found { aggregate, names, span })
    }

    pub(super) fn summarize(&mut self, input: Relation, aggregates: &[Named], by: &[Named], env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let mut namer = Namer::new([]);
        let mut fields = Vec::new();
        let mut keys = Vec::new();
        for item in by {
            let bound = self.scalar(&item.expr, site)?;
            if bound.ty == Type::Dynamic {
                return Err(semantic(item.expr.span, "rows cannot be grouped by a dynamic; convert it, for example with tostring()"));
            }
            let name = grouped_name(item, &mut namer)?;
            fields.push(Field { name, ty: bound.ty });
            keys.push((bound.scalar, bound.ty));
        }
        let found = RefCell::new(Vec::new());
        let mut outputs: Vec<(Scalar, Type)> = fields.iter().enumerate().map(|(at, f)| (Scalar::Column(at), f.ty)).collect();
        let grouped = fields.clone();
        for item in aggregates {
            if let Some((name, args)) = several(&item.expr) {
                let at: usize = found.borrow().iter().map(|f: &Found| f.aggregate.types().len()).sum();
                let new = self.aggregate(name, args, item.expr.span, site, &grouped)?;
                if item.names.len() > new.names.len() {
                    return Err(semantic(new.span, format!("{} names for {} columns", item.names.len(), new.names.len())));
                }
                for (offset, (own, ty)) in new.names.iter().zip(new.aggregate.types()).enumerate() {
                    let name = match item.names.get(offset) {
                        Some(given) => give(given, &mut namer)?,
                        None => namer.suffixed(own),
                    };
                    fields.push(Field { name, ty });
                    outputs.push((Scalar::Column(keys.len() + at + offset), ty));
                }
                found.borrow_mut().push(new);
                continue;
            }
            let outer = Site { fields: &[], env, serialized: false, aggregates: Some((&found, &input.fields)) };
            let before = found.borrow().len();
            let bound = self.scalar(&item.expr, outer)?;
            if found.borrow().len() == before {
                return Err(semantic(item.expr.span, "expected an aggregate, for example count()"));
            }
            let name = grouped_name(item, &mut namer)?;
            fields.push(Field { name, ty: bound.ty });
            outputs.push((shift(&bound.scalar, input.fields.len(), keys.len()), bound.ty));
        }
        let aggregates = found.into_inner().into_iter().map(|f| f.aggregate).collect();
        let ops = vec![Op::Summarize { by: keys, aggregates }, Op::Map(outputs)];
        Ok(self.piped(input, ops, fields, false))
    }
}

fn give(name: &Name, namer: &mut Namer) -> Try<Arc<str>> {
    namer.give(&name.text).ok_or_else(|| semantic(name.span, format!("two columns are named '{}'", name.text)))
}

fn grouped_name(item: &Named, namer: &mut Namer) -> Try<Arc<str>> {
    match (item.names.as_slice(), &item.expr.kind) {
        ([], ExprKind::Name(name)) => give(&Name { text: name.clone(), span: item.expr.span }, namer),
        ([], _) => Ok(namer.fresh(name::of(&item.expr))),
        ([name], _) => give(name, namer),
        _ => Err(unsupported(item.expr.span, "several names for one value")),
    }
}

/// An aggregate that may make several columns, standing alone.
fn several(expr: &Expr) -> Option<(&Name, &[Arg])> {
    match &expr.kind {
        ExprKind::Call(name, args)
            if matches!(lookup(&name.text)?.1, Func::ArgMax | Func::ArgMin | Func::Any | Func::Percentile { .. }) =>
        {
            Some((name, args))
        }
        ExprKind::Parens(inner) => several(inner),
        _ => None,
    }
}

/// Moves the aggregates' columns from behind the input's columns to behind the keys.
fn shift(scalar: &Scalar, from: usize, to: usize) -> Scalar {
    let all = |parts: &[Scalar]| parts.iter().map(|p| shift(p, from, to)).collect();
    match scalar {
        Scalar::Column(at) => Scalar::Column(at.saturating_sub(from).saturating_add(to)),
        Scalar::Apply(function, args, span, kernel) => Scalar::Apply(function.clone(), all(args), *span, *kernel),
        Scalar::And(parts) => Scalar::And(all(parts)),
        Scalar::Or(parts) => Scalar::Or(all(parts)),
        Scalar::Coalesce(parts) => Scalar::Coalesce(all(parts)),
        Scalar::Case(arms, otherwise) => {
            Scalar::Case(arms.iter().map(|(c, v)| (shift(c, from, to), shift(v, from, to))).collect(), Box::new(shift(otherwise, from, to)))
        }
        Scalar::InQuery(value, set) => Scalar::InQuery(Box::new(shift(value, from, to)), set.clone()),
        Scalar::Neighbour(value, offset, default) => {
            Scalar::Neighbour(Box::new(shift(value, from, to)), *offset, Box::new(shift(default, from, to)))
        }
        Scalar::Const(_) | Scalar::Query(_) | Scalar::RowNumber(_) => scalar.clone(),
    }
}

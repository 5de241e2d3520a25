//! Numerical arrays as series: element by element, gaps filled, filtered, described.
//!
//! What the language documents without the formula (outliers, decomposition, periods) is refused.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Naming, P, Spec, at, checked, plain};
use crate::json;

const D: Type = Type::Dynamic;
const REAL: Type = Type::Real;
const FIRST: Naming = Naming::FirstArgument;
const PAIR: &[P] = &[P::Any, P::Any];
const ONE: &[P] = &[P::Dyn];

pub(super) const FUNCTIONS: &[Spec] = &[
    checked("series_add", PAIR, D, |a| pairs(a, |x, y| Ok(number(x, y, i64::checked_add, |x, y| x + y)))),
    checked("series_subtract", PAIR, D, |a| pairs(a, |x, y| Ok(number(x, y, i64::checked_sub, |x, y| x - y)))),
    checked("series_multiply", PAIR, D, |a| pairs(a, |x, y| Ok(number(x, y, i64::checked_mul, |x, y| x * y)))),
    checked("series_divide", PAIR, D, |a| pairs(a, |x, y| Ok(real(x, y, |x, y| x / y)))),
    checked("series_pow", PAIR, D, |a| pairs(a, |x, y| Ok(real(x, y, f64::powf)))),
    checked("series_greater", PAIR, D, |a| pairs(a, |x, y| Ok(test(x, y, |x, y| x > y)))),
    checked("series_greater_equals", PAIR, D, |a| pairs(a, |x, y| Ok(test(x, y, |x, y| x >= y)))),
    checked("series_less", PAIR, D, |a| pairs(a, |x, y| Ok(test(x, y, |x, y| x < y)))),
    checked("series_less_equals", PAIR, D, |a| pairs(a, |x, y| Ok(test(x, y, |x, y| x <= y)))),
    checked("series_equals", PAIR, D, |a| pairs(a, |x, y| Ok(test(x, y, |x, y| x == y)))),
    checked("series_not_equals", PAIR, D, |a| pairs(a, |x, y| Ok(test(x, y, |x, y| x != y)))),
    checked("series_abs", ONE, D, |a| {
        each(a, |v| match v {
            json::Value::Int(n) => n.checked_abs().map(json::Value::Int),
            other => other.as_f64().map(|r| json::Value::Float(r.abs())),
        })
    }),
    checked("series_exp", ONE, D, |a| reals(a, f64::exp)),
    checked("series_log", ONE, D, |a| reals(a, f64::ln)),
    checked("series_sin", ONE, D, |a| reals(a, f64::sin)),
    checked("series_cos", ONE, D, |a| reals(a, f64::cos)),
    checked("series_tan", ONE, D, |a| reals(a, f64::tan)),
    checked("series_asin", ONE, D, |a| reals(a, f64::asin)),
    checked("series_acos", ONE, D, |a| reals(a, f64::acos)),
    checked("series_atan", ONE, D, |a| reals(a, f64::atan)),
    plain("series_sum", ONE, REAL, |a| numbers(a, 0).map_or(Value::Null, |n| Value::Real(n.iter().sum()))),
    plain("series_product", ONE, REAL, |a| numbers(a, 0).map_or(Value::Null, |n| Value::Real(n.iter().product()))),
    plain("series_magnitude", ONE, REAL, |a| numbers(a, 0).map_or(Value::Null, |n| Value::Real(dot(&n, &n).sqrt()))),
    plain("series_dot_product", PAIR, REAL, dot_product),
    checked("series_cosine_similarity", &[P::Dyn, P::Dyn], REAL, |a| both(a, |x, y| Some(dot(x, y) / (dot(x, x) * dot(y, y)).sqrt()))),
    checked("series_pearson_correlation", &[P::Dyn, P::Dyn], REAL, |a| both(a, correlation)),
    plain("series_fill_const", &[P::Dyn, P::Num, P::Any], D, |a| fill(a, 2, |items, holes| constant(items, holes, at(a, 1))))
        .optional(1)
        .named(FIRST),
    plain("series_fill_forward", &[P::Dyn, P::Any], D, |a| fill(a, 1, |items, holes| forward(items, holes))).optional(1).named(FIRST),
    plain("series_fill_backward", &[P::Dyn, P::Any], D, |a| {
        fill(a, 1, |items, holes| {
            items.reverse();
            holes.reverse();
            forward(items, holes);
            items.reverse();
        })
    })
    .optional(1)
    .named(FIRST),
    plain("series_fill_linear", &[P::Dyn, P::Any, P::Bool, P::Any], D, |a| fill(a, 1, |items, holes| linear(items, holes, a)))
        .optional(3)
        .named(FIRST),
    checked("series_iir", &[P::Dyn, P::Dyn, P::Dyn], D, iir).named(FIRST),
    checked("series_fir", &[P::Dyn, P::Dyn, P::Bool, P::Bool], D, fir).optional(2).named(FIRST),
    checked("series_stats_dynamic", &[P::Dyn, P::Bool], D, stats).optional(1),
    checked("series_fit_line_dynamic", ONE, D, fit_line),
];

fn array<'a>(args: &[&'a Value], index: usize) -> Option<&'a [json::Value]> {
    match args.get(index) {
        Some(Value::Dynamic(d)) => d.as_array(),
        _ => None,
    }
}

/// All elements, if all are numbers.
fn numbers(args: &[&Value], index: usize) -> Option<Vec<f64>> {
    array(args, index)?.iter().map(json::Value::as_f64).collect()
}

fn unclear(what: &str) -> Trouble {
    Trouble::Unsupported(format!("{what} in a series"))
}

/// JSON has no infinities.
fn list(items: Vec<json::Value>) -> Answer {
    if items.iter().any(|i| matches!(i, json::Value::Float(f) if !f.is_finite())) {
        return Err(unclear("an element that is not finite"));
    }
    Ok(Value::dynamic(json::Value::Array(items)))
}

fn float(items: impl IntoIterator<Item = f64>) -> Answer {
    list(items.into_iter().map(json::Value::Float).collect())
}

/// Joins two arrays, or an array and one number; what lacks a partner or is no number becomes null.
fn pairs(args: &[&Value], join: fn(&json::Value, &json::Value) -> Result<Option<json::Value>, Trouble>) -> Answer {
    let one = |index: usize| args.get(index).map_or(json::Value::Null, |v| super::super::compare::to_json(v));
    let (left, right) = (array(args, 0), array(args, 1));
    let length = match (left, right) {
        (Some(x), Some(y)) => x.len().max(y.len()),
        (Some(x), None) | (None, Some(x)) => x.len(),
        (None, None) => return Ok(Value::Null),
    };
    let (x_one, y_one) = (one(0), one(1));
    let pick = |items: Option<&[json::Value]>, single: &json::Value, place: usize| match items {
        Some(items) => items.get(place).cloned().unwrap_or_default(),
        None => single.clone(),
    };
    let mut out = Vec::with_capacity(length);
    for place in 0..length {
        out.push(join(&pick(left, &x_one, place), &pick(right, &y_one, place))?.unwrap_or_default());
    }
    list(out)
}

fn real(x: &json::Value, y: &json::Value, of: fn(f64, f64) -> f64) -> Option<json::Value> {
    Some(json::Value::Float(of(x.as_f64()?, y.as_f64()?)))
}

fn number(x: &json::Value, y: &json::Value, whole: fn(i64, i64) -> Option<i64>, of: fn(f64, f64) -> f64) -> Option<json::Value> {
    match (x, y) {
        (json::Value::Int(x), json::Value::Int(y)) => whole(*x, *y).map(json::Value::Int).or(Some(json::Value::Float(f64::NAN))),
        _ => real(x, y, of),
    }
}

fn test(x: &json::Value, y: &json::Value, of: fn(f64, f64) -> bool) -> Option<json::Value> {
    Some(json::Value::Bool(of(x.as_f64()?, y.as_f64()?)))
}

fn each(args: &[&Value], of: impl Fn(&json::Value) -> Option<json::Value>) -> Answer {
    match array(args, 0) {
        Some(items) => list(items.iter().map(|i| of(i).unwrap_or_default()).collect()),
        None => Ok(Value::Null),
    }
}

fn reals(args: &[&Value], of: fn(f64) -> f64) -> Answer {
    each(args, |v| v.as_f64().map(|r| json::Value::Float(of(r))))
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

/// The longer series is cut; one number stands for as many as there are in the other; what is no number is passed over.
fn dot_product(args: &[&Value]) -> Value {
    let side = |index: usize| match args.get(index) {
        Some(Value::Dynamic(d)) => d.as_array().map(|items| items.iter().map(json::Value::as_f64).collect::<Vec<Option<f64>>>()),
        _ => None,
    };
    let one = |index: usize, length: usize| args.get(index).and_then(|v| v.as_f64()).map(|n| vec![Some(n); length]);
    let (x, y) = match (side(0), side(1)) {
        (Some(x), Some(y)) => (x, y),
        (Some(x), None) => match one(1, x.len()) {
            Some(y) => (x, y),
            None => return Value::Null,
        },
        (None, Some(y)) => match one(0, y.len()) {
            Some(x) => (x, y),
            None => return Value::Null,
        },
        (None, None) => return Value::Null,
    };
    if x.is_empty() || y.is_empty() {
        return Value::Null;
    }
    Value::Real(x.iter().zip(&y).filter_map(|(a, b)| Some((*a)? * (*b)?)).sum())
}

/// Two series of one length, into one number.
fn both(args: &[&Value], of: impl Fn(&[f64], &[f64]) -> Option<f64>) -> Answer {
    let (Some(x), Some(y)) = (numbers(args, 0), numbers(args, 1)) else {
        return Ok(Value::Null);
    };
    if x.len() != y.len() {
        return Err(unclear("another length than the first has"));
    }
    of(&x, &y).filter(|r| r.is_finite()).map(Value::Real).ok_or_else(|| unclear("a result that is not finite"))
}

fn mean(items: &[f64]) -> f64 {
    items.iter().sum::<f64>() / items.len() as f64
}

fn correlation(x: &[f64], y: &[f64]) -> Option<f64> {
    let away = |items: &[f64]| items.iter().map(|i| i - mean(items)).collect::<Vec<f64>>();
    let (x, y) = (away(x), away(y));
    Some(dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt())
}

/// Where the elements equal the placeholder, or are null if there is none.
fn fill(args: &[&Value], placeholder: usize, with: impl Fn(&mut [json::Value], &mut [bool])) -> Value {
    let Some(items) = array(args, 0) else {
        return Value::Null;
    };
    let wanted = args.get(placeholder).and_then(|v| v.as_f64());
    let mut holes: Vec<bool> = items.iter().map(|i| wanted.map_or(i.is_null(), |w| i.as_f64() == Some(w))).collect();
    let mut items = items.to_vec();
    with(&mut items, &mut holes);
    Value::dynamic(json::Value::Array(items))
}

fn constant(items: &mut [json::Value], holes: &[bool], value: &Value) {
    let value = super::super::compare::to_json(value);
    for (item, _) in items.iter_mut().zip(holes).filter(|(_, hole)| **hole) {
        *item = value.clone();
    }
}

fn forward(items: &mut [json::Value], holes: &[bool]) {
    let mut last = None;
    for (item, hole) in items.iter_mut().zip(holes.iter()) {
        match (&last, hole) {
            (Some(value), true) => *item = json::Value::clone(value),
            (None, true) => {}
            (_, false) => last = Some(item.clone()),
        }
    }
}

/// Between two values on a straight line, at the edges the nearest value; whole numbers stay whole.
fn linear(items: &mut [json::Value], holes: &[bool], args: &[&Value]) {
    let known: Vec<(usize, f64)> =
        items.iter().zip(holes).enumerate().filter(|(_, (_, hole))| !**hole).filter_map(|(at, (v, _))| Some((at, v.as_f64()?))).collect();
    if known.is_empty() {
        return constant(items, holes, args.get(3).copied().unwrap_or(&Value::Real(0.0)));
    }
    let whole = items.iter().zip(holes).all(|(item, hole)| *hole || matches!(item, json::Value::Int(_)));
    let edges = args.get(2) != Some(&&Value::Bool(false));
    for (place, (item, _)) in items.iter_mut().zip(holes).enumerate().filter(|(_, (_, hole))| **hole) {
        let before = known.iter().rev().find(|(at, _)| *at < place);
        let after = known.iter().find(|(at, _)| *at > place);
        let value = match (before, after) {
            (Some((from, x)), Some((to, y))) => x + (y - x) * (place - from) as f64 / (to - from) as f64,
            (Some((_, x)), None) | (None, Some((_, x))) if edges => *x,
            _ => continue,
        };
        *item = if whole { json::Value::Int(value.trunc() as i64) } else { json::Value::Float(value) };
    }
}

/// What a recursive filter makes of a series; before its start there is nothing.
fn filtered(series: &[f64], forward: &[f64], back: &[f64]) -> Vec<f64> {
    let scale = back.first().copied().unwrap_or(1.0);
    let mut out: Vec<f64> = Vec::with_capacity(series.len());
    for place in 0..series.len() {
        let term = |coefficients: &[f64], values: &[f64], skip: usize| -> f64 {
            let reach = coefficients.iter().enumerate().skip(skip);
            reach.filter_map(|(lag, c)| Some(c * values.get(place.checked_sub(lag)?)?)).sum()
        };
        out.push((term(forward, series, 0) - term(back, &out, 1)) / scale);
    }
    out
}

fn iir(args: &[&Value]) -> Answer {
    let (Some(series), Some(forward), Some(back)) = (numbers(args, 0), numbers(args, 1), numbers(args, 2)) else {
        return Ok(Value::Null);
    };
    if series.len().saturating_mul(forward.len() + back.len()) > 10_000_000 {
        return Err(Trouble::Limit("series_iir over so many elements".to_owned()));
    }
    float(filtered(&series, &forward, &back))
}

/// Normalized unless a coefficient is negative or the caller says no.
fn fir(args: &[&Value]) -> Answer {
    let (Some(series), Some(filter)) = (numbers(args, 0), numbers(args, 1)) else {
        return Ok(Value::Null);
    };
    if series.len().saturating_mul(filter.len()) > 10_000_000 {
        return Err(Trouble::Limit("series_fir over so many elements".to_owned()));
    }
    if args.get(3) == Some(&&Value::Bool(true)) {
        return Err(unclear("a centred filter"));
    }
    let negative = filter.iter().any(|c| *c < 0.0);
    let normalize = match args.get(2) {
        Some(Value::Bool(true)) if negative => return Ok(Value::Null),
        Some(asked) => **asked == Value::Bool(true),
        None => !negative,
    };
    let scale = if normalize { filter.iter().sum() } else { 1.0 };
    float(filtered(&series, &filter, &[scale]))
}

fn stats(args: &[&Value]) -> Answer {
    let Some(items) = array(args, 0) else {
        return Ok(Value::Null);
    };
    let ignore = args.get(1) == Some(&&Value::Bool(true));
    let known: Vec<(usize, f64)> = items.iter().enumerate().filter_map(|(at, i)| Some((at, i.as_f64()?))).collect();
    if known.len() < 2 || (ignore && known.len() < items.len()) || (known.len() < items.len() && !ignore) {
        return Err(unclear("an element that is no number, or fewer than two of them,"));
    }
    let values: Vec<f64> = known.iter().map(|(_, v)| *v).collect();
    let average = mean(&values);
    let variance = values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0);
    let first = |better: fn(f64, f64) -> bool| {
        known.iter().copied().reduce(|best, next| if better(next.1, best.1) { next } else { best }).unwrap_or((0, 0.0))
    };
    let (least, greatest) = (first(|a, b| a < b), first(|a, b| a > b));
    let float = json::Value::Float;
    Ok(Value::dynamic(json::object([
        ("min", float(least.1)),
        ("min_idx", json::Value::Int(least.0 as i64)),
        ("max", float(greatest.1)),
        ("max_idx", json::Value::Int(greatest.0 as i64)),
        ("avg", float(average)),
        ("stdev", float(variance.sqrt())),
        ("variance", float(variance)),
        ("sum", float(values.iter().sum())),
        ("len", json::Value::Int(items.len() as i64)),
    ])))
}

/// The line of least squares over the elements' places, of which the first is 1.
fn fit_line(args: &[&Value]) -> Answer {
    let Some(values) = numbers(args, 0) else {
        return Ok(Value::Null);
    };
    let places: Vec<f64> = (1..=values.len()).map(|p| p as f64).collect();
    let (x_mean, y_mean) = (mean(&places), mean(&values));
    let spread: f64 = places.iter().map(|x| (x - x_mean).powi(2)).sum();
    let slope = places.iter().zip(&values).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>() / spread;
    let start = y_mean - slope * x_mean;
    let line: Vec<f64> = places.iter().map(|x| start + slope * x).collect();
    let below = values.len() as f64 - 1.0;
    let variance = values.iter().map(|y| (y - y_mean).powi(2)).sum::<f64>() / below;
    let rest = values.iter().zip(&line).map(|(y, l)| (y - l).powi(2)).sum::<f64>() / below;
    let found = [1.0 - rest / variance, slope, variance, rest, start];
    if found.iter().any(|f| !f.is_finite()) {
        return Err(unclear("too little to fit a line through"));
    }
    let names = ["rsquare", "slope", "variance", "rvariance", "interception"];
    let mut out: json::Object = names.into_iter().zip(found).map(|(n, v)| (n.to_owned(), json::Value::Float(v))).collect();
    out.insert("line_fit".to_owned(), json::Value::Array(line.into_iter().map(json::Value::Float).collect()));
    Ok(Value::dynamic(json::Value::Object(out)))
}

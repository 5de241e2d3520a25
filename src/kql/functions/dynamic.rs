//! Arrays and property bags.

use super::super::compare::{from_json, to_json};
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::string::json_of;
use super::{Naming, P, Refusal, Spec, at, built, checked, plain, str_at};
use crate::json;
use std::sync::Arc;

const D: Type = Type::Dynamic;
/// The most elements that `range` and `repeat` make.
const MAX_ARRAY: i64 = 1 << 20;

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("array_length", &[P::Dyn], Type::Long, |a| array(at(a, 0)).map_or(Value::Null, |i| Value::Long(i.len() as i64))),
    plain("arraylength", &[P::Dyn], Type::Long, |a| array(at(a, 0)).map_or(Value::Null, |i| Value::Long(i.len() as i64))),
    plain("pack_array", &[P::Any], D, |a| list(json_of(a))).repeat(1),
    plain("bag_pack", &[P::Str, P::Any], D, pack).repeat(2),
    plain("pack", &[P::Str, P::Any], D, pack).repeat(2),
    plain("pack_dictionary", &[P::Str, P::Any], D, pack).repeat(2),
    plain("strcat_array", &[P::Dyn, P::Text], Type::String, join),
    plain("array_strcat", &[P::Dyn, P::Text], Type::String, join),
    plain("set_has_element", &[P::Dyn, P::Any], Type::Bool, |a| {
        array(at(a, 0)).map_or(Value::Null, |items| items.contains(&to_json(at(a, 1))).into())
    }),
    plain("array_concat", &[P::Dyn], D, |a| list(a.iter().filter_map(|v| array(v)).flatten().cloned().collect())).repeat(1),
    plain("array_slice", &[P::Dyn, P::Int, P::Int], D, slice),
    plain("array_reverse", &[P::Dyn], D, |a| array(at(a, 0)).map_or(Value::Null, |i| list(i.iter().rev().cloned().collect()))),
    checked("array_sum", &[P::Dyn], Type::Real, sum),
    plain("bag_keys", &[P::Dyn], D, |a| bag(at(a, 0)).map_or(Value::Null, |b| list(b.keys().map(|k| k.as_str().into()).collect()))),
    plain("bag_merge", &[P::Dyn, P::Dyn], D, |a| {
        let mut out = json::Object::new();
        for (key, value) in a.iter().filter_map(|v| bag(v)).flatten() {
            out.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Value::dynamic(json::Value::Object(out))
    })
    .repeat(1),
    plain("set_union", &[P::Dyn, P::Dyn], D, |a| list(unique(a.iter().filter_map(|v| array(v)).flatten().cloned()))).repeat(1),
    plain("set_intersect", &[P::Dyn, P::Dyn], D, |a| set(a, |item, rest| rest.iter().all(|r| r.contains(item)))).repeat(1),
    plain("set_difference", &[P::Dyn, P::Dyn], D, |a| set(a, |item, rest| !rest.iter().any(|r| r.contains(item)))).repeat(1),
    plain("zip", &[P::Dyn, P::Dyn], D, zip).repeat(1),
    checked("range", &[P::Summable, P::Summable, P::Summable], D, range).optional(1),
    checked("repeat", &[P::Any, P::Int], D, |a| match at(a, 1).as_i64() {
        Some(n) if n > MAX_ARRAY => Err(Trouble::Limit(format!("an array of more than {MAX_ARRAY} elements"))),
        Some(n) => Ok(list(vec![to_json(at(a, 0)); usize::try_from(n).unwrap_or(0)])),
        None => Ok(Value::Null),
    })
    .named(Naming::Prefix("repeat")),
    built("gettype", &[P::Any], Type::String, |site| {
        let declared = site.types.first().copied().unwrap_or(Type::Dynamic);
        if declared == Type::Decimal {
            return Err(Refusal::Missing("the type decimal".to_owned()));
        }
        Ok(Arc::new(move |a: &[&Value]| Ok(Value::text(type_of(at(a, 0), declared)))))
    })
    .named(Naming::Prefix("type")),
];

fn array(value: &Value) -> Option<&[json::Value]> {
    match value {
        Value::Dynamic(d) => d.as_array(),
        _ => None,
    }
}

fn bag(value: &Value) -> Option<&json::Object> {
    match value {
        Value::Dynamic(d) => d.as_object(),
        _ => None,
    }
}

fn list(items: Vec<json::Value>) -> Value {
    Value::dynamic(json::Value::Array(items))
}

fn pack(args: &[&Value]) -> Value {
    let mut out = json::Object::new();
    for pair in args.chunks(2) {
        if let [key, value] = pair {
            out.insert(key.as_str().to_owned(), to_json(value));
        }
    }
    Value::dynamic(json::Value::Object(out))
}

fn join(args: &[&Value]) -> Value {
    let Some(items) = array(at(args, 0)) else {
        return Value::String(super::super::compare::to_text(at(args, 0)));
    };
    let texts: Vec<Arc<str>> = items.iter().map(|i| super::super::compare::to_text(&Value::dynamic(i.clone()))).collect();
    Value::text(texts.join(str_at(args, 1)))
}

fn slice(args: &[&Value]) -> Value {
    let Some(items) = array(at(args, 0)) else {
        return Value::Null;
    };
    let place = |i: usize| {
        let n = at(args, i).as_i64().unwrap_or(0);
        if n < 0 { (items.len() as i64).saturating_add(n).max(0) } else { n }
    };
    let (from, to) = (place(1), place(2).saturating_add(1));
    list(items.iter().enumerate().filter(|(i, _)| (*i as i64) >= from && (*i as i64) < to).map(|(_, v)| v.clone()).collect())
}

fn sum(args: &[&Value]) -> Answer {
    let Some(items) = array(at(args, 0)) else {
        return Ok(Value::Null);
    };
    let numbers: Option<Vec<f64>> = items.iter().map(json::Value::as_f64).collect();
    Ok(numbers.map_or(Value::Null, |n| Value::Real(n.iter().sum())))
}

fn unique(items: impl Iterator<Item = json::Value>) -> Vec<json::Value> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|i| seen.insert(i.to_string())).collect()
}

fn set(args: &[&Value], keep: impl Fn(&json::Value, &[&[json::Value]]) -> bool) -> Value {
    let Some(first) = array(at(args, 0)) else {
        return Value::Null;
    };
    let rest: Vec<&[json::Value]> = args.iter().skip(1).filter_map(|v| array(v)).collect();
    list(unique(first.iter().filter(|i| keep(i, &rest)).cloned()))
}

fn zip(args: &[&Value]) -> Value {
    let arrays: Vec<&[json::Value]> = args.iter().map(|v| array(v).unwrap_or_default()).collect();
    let longest = arrays.iter().map(|a| a.len()).max().unwrap_or(0);
    let row = |i: usize| json::Value::Array(arrays.iter().map(|a| a.get(i).cloned().unwrap_or_default()).collect());
    list((0..longest).map(row).collect())
}

fn range(args: &[&Value]) -> Answer {
    let (start, stop) = (at(args, 0), at(args, 1));
    let too_long = || Err(Trouble::Limit(format!("an array of more than {MAX_ARRAY} elements")));
    if args.iter().any(|v| matches!(v, Value::Real(_))) {
        let step = args.get(2).map_or(Some(1.0), |v| v.as_f64());
        let (Some(from), Some(to), Some(step)) = (start.as_f64(), stop.as_f64(), step) else {
            return Ok(Value::Null);
        };
        let count = (to - from) / step;
        if count.is_nan() || step == 0.0 {
            return Ok(Value::Null);
        }
        if count > MAX_ARRAY as f64 {
            return too_long();
        }
        return Ok(list(
            (0..=count.floor().max(-1.0) as i64).map(|i| json::Value::Float(from + i as f64 * step)).filter(|_| count >= 0.0).collect(),
        ));
    }
    let default = if matches!(start, Value::DateTime(_) | Value::TimeSpan(_)) { super::super::datetime::HOUR } else { 1 };
    let (Some(from), Some(to), Some(step)) = (start.as_i64(), stop.as_i64(), args.get(2).map_or(Some(default), |v| v.as_i64())) else {
        return Ok(Value::Null);
    };
    if step == 0 {
        return Ok(Value::Null);
    }
    let count = (i128::from(to) - i128::from(from)) / i128::from(step);
    if count > i128::from(MAX_ARRAY) {
        return too_long();
    }
    if (step > 0) != (to >= from) && to != from {
        return Ok(list(Vec::new()));
    }
    let make = |i: i64| {
        let n = from + i * step;
        match start {
            Value::DateTime(_) => to_json(&Value::DateTime(n)),
            Value::TimeSpan(_) => to_json(&Value::TimeSpan(n)),
            _ => json::Value::Int(n),
        }
    };
    Ok(list((0..=count as i64).map(make).collect()))
}

fn type_of(value: &Value, declared: Type) -> &'static str {
    match (value, declared) {
        (Value::Dynamic(d), _) => match d.as_ref() {
            json::Value::Array(_) => "array",
            json::Value::Object(_) => "dictionary",
            other => match from_json(other) {
                Value::Bool(_) => "bool",
                Value::Long(_) => "long",
                Value::Real(_) => "double",
                Value::Null => "null",
                _ => "string",
            },
        },
        (Value::Null, Type::Dynamic) => "null",
        (_, Type::Real) => "real",
        (_, ty) => ty.name(),
    }
}

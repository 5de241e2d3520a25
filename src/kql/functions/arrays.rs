//! Arrays, element by element: sorting, turning, splitting, comparing as sets.

use super::super::compare::to_text;
use super::super::datetime::{parse_datetime, parse_timespan};
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Built, Naming, P, Refusal, Site, Spec, at, built, checked, plain};
use crate::json;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

const D: Type = Type::Dynamic;

pub(super) const FUNCTIONS: &[Spec] = &[
    checked("array_index_of", &[P::Dyn, P::Any, P::Int, P::Int, P::Int], Type::Long, index_of).optional(3),
    plain("array_iff", &[P::Dyn, P::Any, P::Any], D, choose),
    plain("array_iif", &[P::Dyn, P::Any, P::Any], D, choose),
    plain("array_rotate_left", &[P::Dyn, P::Int], D, |a| rotate(a, 1)),
    plain("array_rotate_right", &[P::Dyn, P::Int], D, |a| rotate(a, -1)),
    checked("array_shift_left", &[P::Dyn, P::Int, P::Any], D, |a| shift(a, 1)).optional(1),
    checked("array_shift_right", &[P::Dyn, P::Int, P::Any], D, |a| shift(a, -1)).optional(1),
    checked("array_split", &[P::Dyn, P::Whole], D, split),
    built("array_sort_asc", &[P::Dyn, P::Any], D, |s| sorted(s, false)).repeat(1).optional(1).named(Naming::Suffix("sorted")),
    built("array_sort_desc", &[P::Dyn, P::Any], D, |s| sorted(s, true)).repeat(1).optional(1).named(Naming::Suffix("sorted")),
    plain("bag_zip", &[P::Dyn, P::Dyn], D, zip),
    plain("set_equals", &[P::Dyn, P::Dyn], Type::Bool, |a| sets(a).map_or(Value::Null, |(x, y)| (x == y).into())),
    checked("jaccard_index", &[P::Dyn, P::Dyn], D, jaccard),
    plain("dynamic_to_json", &[P::Any], Type::String, |a| match at(a, 0) {
        Value::Dynamic(d) if d.as_array().is_some() || d.as_object().is_some() => Value::text(canonical(d)),
        other => Value::String(to_text(other)),
    }),
];

fn array<'a>(args: &[&'a Value], index: usize) -> Option<&'a [json::Value]> {
    match args.get(index) {
        Some(Value::Dynamic(d)) => d.as_array(),
        _ => None,
    }
}

fn list(items: Vec<json::Value>) -> Value {
    Value::dynamic(json::Value::Array(items))
}

fn number(args: &[&Value], index: usize, default: i64) -> i64 {
    args.get(index).map_or(default, |v| v.as_i64().unwrap_or(0))
}

fn index_of(args: &[&Value]) -> Answer {
    let Some(items) = array(args, 0) else {
        return Ok(Value::Null);
    };
    let wanted = super::super::compare::to_json(at(args, 1));
    let (start, length, occurrence) = (number(args, 2, 0), number(args, 3, -1), number(args, 4, 1));
    if length < -1 || occurrence < 0 {
        return Ok(Value::Null);
    }
    let start = if start < 0 { start.saturating_add(items.len() as i64) } else { start };
    let (Ok(start), Some(skip)) = (usize::try_from(start), usize::try_from(occurrence).ok().and_then(|o| o.checked_sub(1))) else {
        return Err(Trouble::Unsupported("array_index_of from before the array, or of the occurrence 0".to_owned()));
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let hit = items.iter().enumerate().skip(start).take(length).filter(|(_, item)| **item == wanted).nth(skip);
    Ok(Value::Long(hit.map_or(-1, |(place, _)| place as i64)))
}

/// `iff` for each element; a condition that is neither a bool nor a number makes null.
fn choose(args: &[&Value]) -> Value {
    let Some(conditions) = array(args, 0) else {
        return Value::Null;
    };
    let pick = |index: usize, place: usize| match (array(args, index), args.get(index)) {
        (Some(items), _) => items.get(place).cloned().unwrap_or_default(),
        (None, value) => value.map_or(json::Value::Null, |v| super::super::compare::to_json(v)),
    };
    let one = |(place, condition): (usize, &json::Value)| {
        let holds = condition.as_bool().or_else(|| condition.as_f64().map(|n| n != 0.0));
        holds.map_or(json::Value::Null, |holds| pick(if holds { 1 } else { 2 }, place))
    };
    list(conditions.iter().enumerate().map(one).collect())
}

fn rotate(args: &[&Value], sign: i128) -> Value {
    let Some(items) = array(args, 0) else {
        return Value::Null;
    };
    let mut items = items.to_vec();
    if !items.is_empty() {
        let by = (i128::from(number(args, 1, 0)) * sign).rem_euclid(items.len() as i128);
        items.rotate_left(by as usize);
    }
    list(items)
}

fn shift(args: &[&Value], sign: i128) -> Answer {
    let Some(items) = array(args, 0) else {
        return Ok(Value::Null);
    };
    let filler = match args.get(2) {
        Some(value) => super::super::compare::to_json(value),
        None if items.iter().any(|i| i.as_str().is_some()) => {
            return Err(Trouble::Unsupported("shifting an array of texts without a default value".to_owned()));
        }
        None => json::Value::Null,
    };
    let by = i128::from(number(args, 1, 0)) * sign;
    let from = |place: usize| usize::try_from(place as i128 + by).ok().and_then(|p| items.get(p));
    Ok(list((0..items.len()).map(|place| from(place).unwrap_or(&filler).clone()).collect()))
}

fn split(args: &[&Value]) -> Answer {
    let Some(items) = array(args, 0) else {
        return Ok(Value::Null);
    };
    let places: Option<Vec<i64>> = match (array(args, 1), args.get(1)) {
        (Some(places), _) => places.iter().map(json::Value::as_i64).collect(),
        (None, Some(Value::Dynamic(d))) => d.as_i64().map(|n| vec![n]),
        (None, place) => place.and_then(|p| p.as_i64()).map(|n| vec![n]),
    };
    let unclear = || Trouble::Unsupported("array_split at places that are no whole numbers in order inside the array".to_owned());
    let mut from = 0;
    let mut parts = Vec::new();
    for place in places.ok_or_else(unclear)? {
        let place = if place < 0 { place.saturating_add(items.len() as i64) } else { place };
        let place = usize::try_from(place).map_err(|_| unclear())?;
        parts.push(json::Value::Array(items.get(from..place).ok_or_else(unclear)?.to_vec()));
        from = place;
    }
    parts.push(json::Value::Array(items.get(from..).unwrap_or_default().to_vec()));
    Ok(list(parts))
}

fn sorted(site: &Site<'_>, descending: bool) -> Built {
    match site.types {
        [_] | [_, Type::Bool] => {}
        [_, Type::Dynamic, ..] => return Err(Refusal::Missing("sorting several arrays at once".to_owned())),
        _ => return Err(Refusal::Wrong("behind the arrays only a bool may follow: whether nulls go last".to_owned())),
    }
    Ok(Arc::new(move |a: &[&Value]| {
        let Some(items) = array(a, 0) else {
            return Ok(Value::Null);
        };
        sort(items, descending, a.get(1) != Some(&&Value::Bool(false)))
    }))
}

/// Numbers come before texts and these before one value of another kind, as documented for the ascending order.
fn sort(items: &[json::Value], descending: bool, nulls_last: bool) -> Answer {
    let (mut nulls, mut rest): (Vec<json::Value>, Vec<json::Value>) = items.iter().cloned().partition(json::Value::is_null);
    let kind = |v: &json::Value| match v {
        json::Value::Int(_) | json::Value::Float(_) | json::Value::BigInt(_) => 1,
        json::Value::String(_) => 2,
        json::Value::Bool(_) => 3,
        _ => 4,
    };
    let has = |k: i32| rest.iter().filter(|v| kind(v) == k).count();
    let others = has(3) + has(4);
    let mixed = rest.first().is_some_and(|first| has(kind(first)) < rest.len());
    let is_time = |v: &json::Value| v.as_str().is_some_and(|s| parse_datetime(s).is_some() || parse_timespan(s).is_some());
    if (has(4) > 0 && rest.len() > 1 && (descending || others > 1))
        || (mixed && (descending || others > 1 || rest.iter().any(is_time)))
        || rest.iter().any(|v| matches!(v, json::Value::Float(f) if f.is_nan()))
    {
        return Err(Trouble::Unsupported("sorting an array of mixed types".to_owned()));
    }
    let compare = |a: &json::Value, b: &json::Value| {
        kind(a).cmp(&kind(b)).then_with(|| match (a, b) {
            (json::Value::Int(x), json::Value::Int(y)) => x.cmp(y),
            (json::Value::String(x), json::Value::String(y)) => x.cmp(y),
            (json::Value::Bool(x), json::Value::Bool(y)) => x.cmp(y),
            _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        })
    };
    rest.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
    Ok(list(if nulls_last {
        rest.extend(nulls);
        rest
    } else {
        nulls.extend(rest);
        nulls
    }))
}

/// Keys from one array, values from another; keys that are no texts are passed over.
fn zip(args: &[&Value]) -> Value {
    let Some(keys) = array(args, 0) else {
        return Value::Null;
    };
    let values = array(args, 1).unwrap_or_default();
    let member =
        |(place, key): (usize, &json::Value)| key.as_str().map(|key| (key.to_owned(), values.get(place).cloned().unwrap_or_default()));
    Value::dynamic(json::Value::Object(keys.iter().enumerate().filter_map(member).collect()))
}

fn sets(args: &[&Value]) -> Option<(HashSet<String>, HashSet<String>)> {
    let set = |items: &[json::Value]| items.iter().map(json::Value::to_string).collect();
    Some((set(array(args, 0)?), set(array(args, 1)?)))
}

fn jaccard(args: &[&Value]) -> Answer {
    let Some((x, y)) = sets(args) else {
        return Ok(Value::Null);
    };
    let all = x.union(&y).count();
    if all == 0 {
        return Err(Trouble::Unsupported("jaccard_index of two empty sets".to_owned()));
    }
    Ok(Value::dynamic(json::Value::Float(x.intersection(&y).count() as f64 / all as f64)))
}

/// JSON with the members of each bag in the order of their names.
fn canonical(value: &json::Value) -> String {
    match value {
        json::Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<String>>().join(",")),
        json::Value::Object(bag) => {
            let mut members: Vec<(&String, &json::Value)> = bag.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            let member = |(name, value): (&String, &json::Value)| {
                let mut out = String::new();
                json::write_string(name, &mut out);
                format!("{out}:{}", canonical(value))
            };
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<String>>().join(","))
        }
        other => other.to_string(),
    }
}

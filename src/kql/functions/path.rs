//! JSON paths (`$.a['b'][0]`), and the functions that follow them into text and property bags.

use super::super::compare::to_text;
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Built, P, Refusal, Site, Spec, at, built, checked, str_at};
use crate::json;
use std::sync::Arc;

const D: Type = Type::Dynamic;

pub(super) const FUNCTIONS: &[Spec] = &[
    built("extract_json", &[P::Str, P::Str], Type::String, extract),
    built("extractjson", &[P::Str, P::Str], Type::String, extract),
    checked("bag_has_key", &[P::Dyn, P::Str], Type::Bool, has_key),
    checked("bag_set_key", &[P::Dyn, P::Str, P::Any], D, set_key),
    checked("bag_remove_keys", &[P::Dyn, P::Dyn], D, remove_keys),
];

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Member(String),
    Element(usize),
}

/// The steps of a path; nothing for wildcards, slices and what else the language does not document.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, tail) = after.split_at_checked(end)?;
            if name.is_empty() || name.contains(['*', ']', '\'', '"', '?', '@']) {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            rest = tail;
            continue;
        }
        let inside = rest.strip_prefix('[')?;
        let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'));
        if let Some(quote) = quote {
            let (name, tail) = inside.get(1..)?.split_once(quote)?;
            rest = tail.strip_prefix(']')?;
            if name.contains('\\') {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
        } else {
            let (number, tail) = inside.split_once(']')?;
            rest = tail;
            if !number.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            steps.push(Step::Element(number.parse().ok()?));
        }
    }
    Some(steps)
}

fn unknown_path(path: &str) -> String {
    format!("the JSON path '{}'", path.chars().take(80).collect::<String>())
}

fn read(path: &str) -> Result<Vec<Step>, Trouble> {
    steps(path).ok_or_else(|| Trouble::Unsupported(unknown_path(path)))
}

fn find<'v>(root: &'v json::Value, steps: &[Step]) -> Option<&'v json::Value> {
    steps.iter().try_fold(root, |value, step| match step {
        Step::Member(name) => value.as_object()?.get(name),
        Step::Element(index) => value.as_array()?.get(*index),
    })
}

fn extract(site: &Site<'_>) -> Built {
    let fixed = match site.text(0) {
        Some(path) => Some(steps(path).ok_or_else(|| Refusal::Missing(unknown_path(path)))?),
        None => None,
    };
    Ok(Arc::new(move |a: &[&Value]| {
        let by_row;
        let steps = match &fixed {
            Some(steps) => steps,
            None => {
                by_row = read(str_at(a, 0))?;
                &by_row
            }
        };
        let found = json::parse(str_at(a, 1).as_bytes()).ok().and_then(|root| find(&root, steps).cloned());
        Ok(found.map_or(Value::Null, |value| Value::String(to_text(&Value::dynamic(value)))))
    }))
}

/// A key as it stands, or the way of a path; array elements are not reached this way.
fn members(key: &str) -> Result<Vec<Step>, Trouble> {
    if !key.starts_with('$') {
        return Ok(vec![Step::Member(key.to_owned())]);
    }
    let steps = read(key)?;
    if steps.is_empty() || steps.iter().any(|s| matches!(s, Step::Element(_))) {
        return Err(Trouble::Unsupported(unknown_path(key)));
    }
    Ok(steps)
}

fn bag<'a>(args: &[&'a Value]) -> Option<&'a json::Value> {
    match at(args, 0) {
        Value::Dynamic(d) if d.as_object().is_some() => Some(d),
        _ => None,
    }
}

fn has_key(args: &[&Value]) -> Answer {
    let steps = members(str_at(args, 1))?;
    Ok(bag(args).map_or(Value::Null, |bag| find(bag, &steps).is_some().into()))
}

fn set_key(args: &[&Value]) -> Answer {
    let steps = members(str_at(args, 1))?;
    let Some(bag) = bag(args) else {
        return Ok(Value::Null);
    };
    let mut out = bag.clone();
    let mut place = &mut out;
    for step in &steps {
        let (Step::Member(name), json::Value::Object(object)) = (step, place) else {
            return Err(Trouble::Unsupported("bag_set_key below a value that is no property bag".to_owned()));
        };
        place = object.entry(name.clone()).or_insert_with(|| json::Value::Object(json::Object::new()));
    }
    *place = super::super::compare::to_json(at(args, 2));
    Ok(Value::dynamic(out))
}

fn remove_keys(args: &[&Value]) -> Answer {
    let (Some(bag), Value::Dynamic(keys)) = (bag(args), at(args, 1)) else {
        return Ok(Value::Null);
    };
    let Some(keys) = keys.as_array() else {
        return Ok(Value::Null);
    };
    let mut out = bag.clone();
    for key in keys.iter().filter_map(json::Value::as_str) {
        let mut steps = members(key)?;
        let Some(Step::Member(last)) = steps.pop() else {
            continue;
        };
        let mut place = Some(&mut out);
        for step in &steps {
            place = match (step, place) {
                (Step::Member(name), Some(json::Value::Object(object))) => object.get_mut(name),
                _ => None,
            };
        }
        if let Some(json::Value::Object(object)) = place {
            object.shift_remove(&last);
        }
    }
    Ok(Value::dynamic(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_or_refused_whole() {
        let member = |s: &str| Step::Member(s.to_owned());
        assert_eq!(steps("$"), Some(vec![]));
        assert_eq!(steps("$.a.b[2]['c d'][\"e\"]"), Some(vec![member("a"), member("b"), Step::Element(2), member("c d"), member("e")]));
        for wrong in ["", "a", "$a", "$.", "$..a", "$.*", "$[*]", "$[-1]", "$[1:2]", "$['a'", "$['a]", "$[0", "$.a['b\\'c']"] {
            assert_eq!(steps(wrong), None, "{wrong}");
        }
    }
}

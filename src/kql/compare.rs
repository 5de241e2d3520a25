//! Equality, order, conversion: where the language's rules about nulls and mixed types live.

use super::datetime::{format_datetime_full, format_timespan, parse_datetime, parse_timespan};
use super::lexer::parse_guid;
use super::value::{Type, Value};
use crate::json;
use std::cmp::Ordering;
use std::sync::Arc;

/// The order of two values of one type (or two numbers); nothing for null, NaN and types that have no order.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(x), Value::Bool(y)) => Some(x.cmp(y)),
        (Value::String(x), Value::String(y)) => Some(x.as_bytes().cmp(y.as_bytes())),
        (Value::DateTime(x), Value::DateTime(y)) | (Value::TimeSpan(x), Value::TimeSpan(y)) => Some(x.cmp(y)),
        (Value::Real(_), _) | (_, Value::Real(_)) => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => x.partial_cmp(&y),
            _ => None,
        },
        (Value::Int(_) | Value::Long(_), Value::Int(_) | Value::Long(_)) => Some(a.as_i64().cmp(&b.as_i64())),
        _ => None,
    }
}

/// `==` with the language's nulls: two nulls give null, one null gives false.
pub(super) fn equal(a: &Value, b: &Value) -> Value {
    match (a.is_null(), b.is_null()) {
        (true, true) => Value::Null,
        (false, false) => Value::Bool(order(a, b) == Some(Ordering::Equal)),
        _ => Value::Bool(false),
    }
}

/// `!=` with the language's nulls.
pub(super) fn unequal(a: &Value, b: &Value) -> Value {
    match equal(a, b) {
        Value::Bool(same) => Value::Bool(!same),
        other => other,
    }
}

pub(super) fn ordered(a: &Value, b: &Value, wanted: impl Fn(Ordering) -> bool) -> Value {
    if a.is_null() || b.is_null() {
        return Value::Null;
    }
    Value::Bool(order(a, b).is_some_and(wanted))
}

/// A total order for sorting one column ascending with nulls first: null, NaN, then the values.
pub(super) fn sort_order(a: &Value, b: &Value) -> Ordering {
    let rank = |v: &Value| match v {
        Value::Null => 0,
        Value::Real(r) if r.is_nan() => 1,
        _ => 2,
    };
    order(a, b).unwrap_or_else(|| rank(a).cmp(&rank(b)))
}

/// Whether a value sorts with the nulls.
pub(super) fn sorts_as_null(v: &Value) -> bool {
    matches!(v, Value::Null) || matches!(v, Value::Real(r) if r.is_nan())
}

/// A value as a key of a hash table: equal keys are one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Null,
    Bool(bool),
    Number(i64),
    Real(u64),
    Text(Arc<str>),
    Json(String),
}

/// A column's key; `as_real` makes integers and reals meet.
pub(super) fn key(value: &Value, as_real: bool) -> Key {
    match value {
        Value::Null => Key::Null,
        Value::Bool(b) => Key::Bool(*b),
        Value::String(s) => Key::Text(s.clone()),
        Value::Dynamic(d) => Key::Json(d.to_string()),
        Value::Real(r) if r.is_nan() => Key::Real(f64::NAN.to_bits()),
        Value::Real(r) => Key::Real((r + 0.0).to_bits()),
        Value::Int(_) | Value::Long(_) if as_real => Key::Real((value.as_f64().unwrap_or(0.0) + 0.0).to_bits()),
        other => other.as_i64().map_or(Key::Null, Key::Number),
    }
}

/// `tostring`: never null.
pub(super) fn to_text(value: &Value) -> Arc<str> {
    match value {
        Value::Null => "".into(),
        Value::Bool(b) => if *b { "true" } else { "false" }.into(),
        Value::Int(i) => i.to_string().into(),
        Value::Long(i) => i.to_string().into(),
        Value::Real(r) => real_text(*r).into(),
        Value::String(s) => s.clone(),
        Value::DateTime(t) => format_datetime_full(*t).into(),
        Value::TimeSpan(t) => format_timespan(*t).into(),
        Value::Dynamic(d) => match d.as_ref() {
            json::Value::String(s) => s.as_str().into(),
            json::Value::Bool(b) => if *b { "true" } else { "false" }.into(),
            json::Value::Float(f) => real_text(*f).into(),
            other => other.to_string().into(),
        },
    }
}

fn real_text(r: f64) -> String {
    if r.is_nan() {
        "NaN".to_owned()
    } else if r.is_infinite() {
        if r > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if r != 0.0 && (r.abs() >= 1e15 || r.abs() < 1e-5) {
        let text = format!("{r:E}");
        text.split_once('E').map_or(text.clone(), |(m, e)| {
            let (sign, digits) = e.strip_prefix('-').map_or(("+", e), |d| ("-", d));
            format!("{m}E{sign}{digits:0>2}")
        })
    } else if r == r.trunc() {
        format!("{r:.1}")
    } else {
        r.to_string()
    }
}

/// A value inside a dynamic: what `pack`, `make_set` and their like hold.
pub(super) fn to_json(value: &Value) -> json::Value {
    match value {
        Value::Null => json::Value::Null,
        Value::Bool(b) => json::Value::Bool(*b),
        Value::Int(i) => json::Value::Int(i64::from(*i)),
        Value::Long(i) => json::Value::Int(*i),
        Value::Real(r) => json::Value::Float(*r),
        Value::Dynamic(d) => d.as_ref().clone(),
        other => json::Value::String(to_text(other).to_string()),
    }
}

pub(super) fn from_json(value: &json::Value) -> Value {
    match value {
        json::Value::Null => Value::Null,
        json::Value::Bool(b) => Value::Bool(*b),
        json::Value::Int(i) => Value::Long(*i),
        json::Value::Float(f) => Value::Real(*f),
        json::Value::BigInt(s) => s.parse().map_or(Value::Null, Value::Real),
        json::Value::String(s) => Value::text(s.as_str()),
        other => Value::Dynamic(Arc::new(other.clone())),
    }
}

/// The `to...()` functions: a value as another type, or null when it cannot be.
pub(super) fn convert(value: &Value, ty: Type) -> Value {
    let unwrapped;
    let value = match value {
        Value::Dynamic(d) if ty != Type::Dynamic && ty != Type::String => {
            unwrapped = from_json(d);
            &unwrapped
        }
        other => other,
    };
    match ty {
        Type::String => match value {
            Value::Bool(b) => Value::text(if *b { "True" } else { "False" }),
            other => Value::String(to_text(other)),
        },
        Type::Bool => match value {
            Value::Bool(b) => Value::Bool(*b),
            Value::Real(r) => Value::Bool(*r != 0.0),
            Value::Int(_) | Value::Long(_) => Value::Bool(value.as_i64() != Some(0)),
            Value::String(s) => match s.trim().to_ascii_lowercase().as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                number => number.parse::<i64>().map_or(Value::Null, |n| Value::Bool(n != 0)),
            },
            _ => Value::Null,
        },
        Type::Int => to_int(value).map_or(Value::Null, Value::Int),
        Type::Long => to_long(value).map_or(Value::Null, Value::Long),
        Type::Real | Type::Decimal => to_real(value).map_or(Value::Null, Value::Real),
        Type::DateTime => match value {
            Value::DateTime(t) => Value::DateTime(*t),
            Value::String(s) => parse_datetime(s).map_or(Value::Null, Value::DateTime),
            _ => Value::Null,
        },
        Type::TimeSpan => match value {
            Value::TimeSpan(t) => Value::TimeSpan(*t),
            Value::String(s) => parse_timespan(s).map_or(Value::Null, Value::TimeSpan),
            _ => Value::Null,
        },
        Type::Guid => parse_guid(value.as_str()).map_or(Value::Null, Value::text),
        Type::Dynamic => match value {
            Value::Dynamic(_) | Value::Null => value.clone(),
            other => Value::dynamic(to_json(other)),
        },
    }
}

/// A whole number wraps to 32 bits, a real stays at the nearest bound, a text that does not fit is none: as the service does it.
fn to_int(value: &Value) -> Option<i32> {
    match value {
        Value::Real(r) => (!r.is_nan()).then_some(*r as i32),
        Value::String(_) => to_long(value).and_then(|n| i32::try_from(n).ok()),
        other => to_long(other).map(|n| n as i32),
    }
}

fn to_long(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(b) => Some(i64::from(*b)),
        Value::Int(_) | Value::Long(_) | Value::DateTime(_) | Value::TimeSpan(_) => value.as_i64(),
        Value::Real(r) => (!r.is_nan()).then_some(*r as i64),
        Value::String(s) => {
            let s = s.trim();
            let hex = s.strip_prefix("0x").or_else(|| s.strip_prefix("0X"));
            if let Some(hex) = hex {
                return u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
            }
            let plain = s.strip_prefix(['+', '-']).unwrap_or(s);
            plain.starts_with(|c: char| c.is_ascii_digit()).then(|| s.parse().ok()).flatten()
        }
        _ => None,
    }
}

fn to_real(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::Real(_) | Value::Int(_) | Value::Long(_) => value.as_f64(),
        Value::TimeSpan(t) => Some(*t as f64),
        Value::String(s) => {
            let s = s.trim();
            match s.to_ascii_lowercase().as_str() {
                "nan" => Some(f64::NAN),
                "inf" | "+inf" | "infinity" => Some(f64::INFINITY),
                "-inf" | "-infinity" => Some(f64::NEG_INFINITY),
                _ => s.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')).then(|| s.parse().ok()).flatten(),
            }
        }
        _ => None,
    }
}

/// `parse_json`: text that is no JSON is kept as a string.
pub(super) fn parse_json(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match json::parse(text.as_bytes()) {
        Ok(value) => Value::dynamic(value),
        Err(_) => Value::dynamic(json::Value::String(text.to_owned())),
    }
}

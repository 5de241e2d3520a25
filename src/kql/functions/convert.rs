//! Conversions and tests for absence.

use super::super::compare::{convert, parse_json, to_text};
use super::super::datetime::looks_like_a_date;
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Naming, P, Spec, at, checked, plain};
use crate::json;

const FIRST: Naming = Naming::FirstArgument;

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("tostring", &[P::Any], Type::String, |a| convert(at(a, 0), Type::String)).named(FIRST),
    plain("tobool", &[P::Any], Type::Bool, |a| convert(at(a, 0), Type::Bool)).named(FIRST),
    plain("toboolean", &[P::Any], Type::Bool, |a| convert(at(a, 0), Type::Bool)).named(FIRST),
    plain("toint", &[P::Any], Type::Int, |a| convert(at(a, 0), Type::Int)).named(FIRST),
    plain("tolong", &[P::Any], Type::Long, |a| convert(at(a, 0), Type::Long)).named(FIRST),
    plain("toreal", &[P::Any], Type::Real, |a| convert(at(a, 0), Type::Real)).named(FIRST),
    plain("todouble", &[P::Any], Type::Real, |a| convert(at(a, 0), Type::Real)).named(FIRST),
    checked("todatetime", &[P::Any], Type::DateTime, to_datetime).named(FIRST),
    plain("totimespan", &[P::Any], Type::TimeSpan, |a| convert(at(a, 0), Type::TimeSpan)).named(FIRST),
    plain("totime", &[P::Any], Type::TimeSpan, |a| convert(at(a, 0), Type::TimeSpan)).named(FIRST),
    plain("toguid", &[P::Str], Type::Guid, |a| convert(at(a, 0), Type::Guid)).named(FIRST),
    plain("parse_json", &[P::Loose], Type::Dynamic, to_dynamic).named(FIRST),
    plain("parsejson", &[P::Loose], Type::Dynamic, to_dynamic).named(FIRST),
    plain("todynamic", &[P::Loose], Type::Dynamic, to_dynamic).named(FIRST),
    plain("isnull", &[P::Any], Type::Bool, |a| at(a, 0).is_null().into()),
    plain("isnotnull", &[P::Any], Type::Bool, |a| (!at(a, 0).is_null()).into()),
    plain("notnull", &[P::Any], Type::Bool, |a| (!at(a, 0).is_null()).into()),
    plain("isempty", &[P::Any], Type::Bool, |a| is_empty(at(a, 0)).into()),
    plain("isnotempty", &[P::Any], Type::Bool, |a| (!is_empty(at(a, 0))).into()),
    plain("notempty", &[P::Any], Type::Bool, |a| (!is_empty(at(a, 0))).into()),
    plain("not", &[P::Bool], Type::Bool, |a| (at(a, 0) == &Value::Bool(false)).into()),
];

/// The engine reads ISO 8601 and RFC 822. The service reads more, so that a date of another shape is refused rather than called null.
fn to_datetime(args: &[&Value]) -> Answer {
    let converted = convert(at(args, 0), Type::DateTime);
    let text = to_text(at(args, 0));
    if converted.is_null() && looks_like_a_date(&text) {
        return Err(Trouble::Unsupported(format!("the date format of '{}'", text.chars().take(40).collect::<String>())));
    }
    Ok(converted)
}

fn to_dynamic(args: &[&Value]) -> Value {
    match at(args, 0) {
        Value::String(s) => parse_json(s),
        other => convert(other, Type::Dynamic),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.is_empty(),
        Value::Dynamic(d) => matches!(d.as_ref(), json::Value::String(s) if s.is_empty()),
        _ => false,
    }
}

//! Conversions and tests for absence.

use super::super::compare::{convert, parse_json};
use super::super::value::{Type, Value};
use super::{Naming, P, Spec, at, plain};
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
    plain("todatetime", &[P::Any], Type::DateTime, |a| convert(at(a, 0), Type::DateTime)).named(FIRST),
    plain("totimespan", &[P::Any], Type::TimeSpan, |a| convert(at(a, 0), Type::TimeSpan)).named(FIRST),
    plain("totime", &[P::Any], Type::TimeSpan, |a| convert(at(a, 0), Type::TimeSpan)).named(FIRST),
    plain("toguid", &[P::Str], Type::Guid, |a| convert(at(a, 0), Type::Guid)).named(FIRST),
    plain("parse_json", &[P::Any], Type::Dynamic, to_dynamic).named(FIRST),
    plain("parsejson", &[P::Any], Type::Dynamic, to_dynamic).named(FIRST),
    plain("todynamic", &[P::Any], Type::Dynamic, to_dynamic).named(FIRST),
    plain("isnull", &[P::Any], Type::Bool, |a| at(a, 0).is_null().into()),
    plain("isnotnull", &[P::Any], Type::Bool, |a| (!at(a, 0).is_null()).into()),
    plain("notnull", &[P::Any], Type::Bool, |a| (!at(a, 0).is_null()).into()),
    plain("isempty", &[P::Any], Type::Bool, |a| is_empty(at(a, 0)).into()),
    plain("isnotempty", &[P::Any], Type::Bool, |a| (!is_empty(at(a, 0))).into()),
    plain("notempty", &[P::Any], Type::Bool, |a| (!is_empty(at(a, 0))).into()),
    plain("not", &[P::Bool], Type::Bool, |a| (at(a, 0) == &Value::Bool(false)).into()),
];

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

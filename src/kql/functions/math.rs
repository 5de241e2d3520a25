//! Arithmetic functions.

use super::super::datetime::in_range;
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Body, Built, Naming, P, Refusal, Ret, Site, Spec, at, built, plain, spec};
use std::sync::Arc;

const REAL: Type = Type::Real;
const N: &[P] = &[P::Num];
const FIRST: Naming = Naming::FirstArgument;

pub(super) const FUNCTIONS: &[Spec] = &[
    spec("bin", &[P::Summable, P::Summable], Ret::Wider, Body::Checked(bin)).named(FIRST),
    spec("floor", &[P::Summable, P::Summable], Ret::Wider, Body::Checked(bin)).named(FIRST),
    spec("abs", &[P::Amount], Ret::FirstLong, Body::Checked(abs)).named(FIRST),
    spec("ceiling", N, Ret::First, Body::Plain(|a| keep(at(a, 0), f64::ceil))).named(FIRST),
    spec("round", &[P::Num, P::Int], Ret::First, Body::Plain(round)).optional(1).named(FIRST),
    plain("sign", N, REAL, |a| map(a, |r| if r == 0.0 { 0.0 } else { r.signum() })),
    plain("sqrt", N, REAL, |a| map(a, |r| if r < 0.0 { f64::NAN } else { r.sqrt() })).named(FIRST),
    plain("pow", &[P::Num, P::Num], REAL, |a| real(a).zip(at(a, 1).as_f64()).map_or(Value::Null, |(x, y)| Value::Real(x.powf(y))))
        .named(FIRST),
    plain("exp", N, REAL, |a| map(a, f64::exp)).named(FIRST),
    plain("exp2", N, REAL, |a| map(a, f64::exp2)).named(FIRST),
    plain("exp10", N, REAL, |a| map(a, |r| 10f64.powf(r))).named(FIRST),
    plain("log", N, REAL, |a| log(a, f64::ln)).named(FIRST),
    plain("log2", N, REAL, |a| log(a, f64::log2)).named(FIRST),
    plain("log10", N, REAL, |a| log(a, f64::log10)).named(FIRST),
    plain("sin", N, REAL, |a| map(a, f64::sin)).named(FIRST),
    plain("cos", N, REAL, |a| map(a, f64::cos)).named(FIRST),
    plain("tan", N, REAL, |a| map(a, f64::tan)).named(FIRST),
    plain("asin", N, REAL, |a| map(a, f64::asin)).named(FIRST),
    plain("acos", N, REAL, |a| map(a, f64::acos)).named(FIRST),
    plain("atan", N, REAL, |a| map(a, f64::atan)).named(FIRST),
    plain("atan2", &[P::Num, P::Num], REAL, |a| real(a).zip(at(a, 1).as_f64()).map_or(Value::Null, |(y, x)| Value::Real(y.atan2(x))))
        .named(FIRST),
    plain("cot", N, REAL, |a| map(a, |r| 1.0 / r.tan())),
    plain("degrees", N, REAL, |a| map(a, |r| 180.0 / std::f64::consts::PI * r)),
    plain("radians", N, REAL, |a| map(a, |r| std::f64::consts::PI / 180.0 * r)),
    spec("bin_at", &[P::Summable, P::Summable, P::Summable], Ret::First, Body::Build(bin_at)).named(FIRST),
    built("around", &[P::Summable, P::Summable, P::Summable], Type::Bool, around),
    built("assert", &[P::Bool, P::Str], Type::Bool, |site| match (site.consts, site.text(1)) {
        ([Some(Value::Bool(true)), ..], Some(_)) => Ok(Arc::new(|_: &[&Value]| Ok(true.into()))),
        ([Some(Value::Bool(false)), ..], Some(message)) => Err(Refusal::Wrong(format!("assert() has failed with message: '{message}'"))),
        _ => Err(Refusal::Wrong("assert() needs a constant condition and a string literal".to_owned())),
    }),
    plain("bitset_count_ones", &[P::Int], Type::Long, |a| {
        at(a, 0).as_i64().map_or(Value::Null, |n| Value::Long(i64::from(n.count_ones())))
    })
    .named(FIRST),
    plain("pi", &[], REAL, |_| Value::Real(std::f64::consts::PI)),
    plain("isnan", N, Type::Bool, |a| real(a).map_or(Value::Null, |r| r.is_nan().into())),
    plain("isinf", N, Type::Bool, |a| real(a).map_or(Value::Null, |r| r.is_infinite().into())),
    plain("isfinite", N, Type::Bool, |a| real(a).map_or(Value::Null, |r| r.is_finite().into())),
    plain("binary_and", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x & y)).named(FIRST),
    plain("binary_or", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x | y)).named(FIRST),
    plain("binary_xor", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x ^ y)).named(FIRST),
    plain("binary_not", &[P::Int], Type::Long, |a| at(a, 0).as_i64().map_or(Value::Null, |x| Value::Long(!x))).named(FIRST),
    plain("binary_shift_left", &[P::Int, P::Int], Type::Long, |a| shifted(a, |x, y| x.wrapping_shl(y))).named(FIRST),
    plain("binary_shift_right", &[P::Int, P::Int], Type::Long, |a| shifted(a, |x, y| x.wrapping_shr(y))).named(FIRST),
];

fn real(args: &[&Value]) -> Option<f64> {
    at(args, 0).as_f64()
}

fn map(args: &[&Value], f: impl Fn(f64) -> f64) -> Value {
    real(args).map_or(Value::Null, |r| Value::Real(f(r)))
}

/// Logarithms of what is not positive are null, as documented.
fn log(args: &[&Value], f: impl Fn(f64) -> f64) -> Value {
    match real(args) {
        Some(r) if r > 0.0 || r.is_nan() => Value::Real(f(r)),
        _ => Value::Null,
    }
}

fn bits(args: &[&Value], f: impl Fn(i64, i64) -> i64) -> Value {
    at(args, 0).as_i64().zip(at(args, 1).as_i64()).map_or(Value::Null, |(x, y)| Value::Long(f(x, y)))
}

/// By the count modulo 64; a negative one gives null, as documented.
fn shifted(args: &[&Value], f: impl Fn(i64, u32) -> i64) -> Value {
    let count = at(args, 1).as_i64().and_then(|n| u32::try_from(n.rem_euclid(64)).ok().filter(|_| n >= 0));
    at(args, 0).as_i64().zip(count).map_or(Value::Null, |(x, n)| Value::Long(f(x, n)))
}

fn keep(value: &Value, f: impl Fn(f64) -> f64) -> Value {
    match value {
        Value::Real(r) => Value::Real(f(*r)),
        other => other.clone(),
    }
}

fn round(args: &[&Value]) -> Value {
    let digits = args.get(1).and_then(|v| v.as_i64()).unwrap_or(0).clamp(-300, 300) as i32;
    let scale = 10f64.powi(digits);
    keep(at(args, 0), |r| {
        let rounded = (r * scale).round() / scale;
        if rounded.is_finite() { rounded } else { r }
    })
}

/// A multiple of the bin's size away from a fixed point, at or below the value.
fn bin_at(site: &Site<'_>) -> Built {
    let fits = match site.types {
        [a, b, c] if a.is_number() && b.is_number() && c.is_number() => {
            let kind = |t: &Type| *t == Type::Real;
            if kind(a) != kind(b) || kind(b) != kind(c) {
                return Err(Refusal::Missing("bin_at of integers and reals together".to_owned()));
            }
            true
        }
        [Type::TimeSpan, Type::TimeSpan, Type::TimeSpan] | [Type::DateTime, Type::TimeSpan, Type::DateTime] => true,
        _ => false,
    };
    if !fits {
        return Err(Refusal::Wrong("bin_at takes a value, a size and a fixed point of the value's type".to_owned()));
    }
    Ok(Arc::new(|a: &[&Value]| {
        let (value, size, fixed) = (at(a, 0), at(a, 1), at(a, 2));
        if let (Value::Real(v), Value::Real(s), Value::Real(f)) = (value, size, fixed) {
            return Ok(if *s > 0.0 { Value::Real(((v - f) / s).floor() * s + f) } else { Value::Null });
        }
        let (Some(v), Some(s), Some(f)) = (value.as_i64(), size.as_i64().filter(|s| *s > 0), fixed.as_i64()) else {
            return Ok(Value::Null);
        };
        let (v, s, f) = (i128::from(v), i128::from(s), i128::from(f));
        let Ok(binned) = i64::try_from((v - f).div_euclid(s) * s + f) else {
            return Ok(Value::Null);
        };
        Ok(match value {
            Value::Int(_) => i32::try_from(binned).map_or(Value::Null, Value::Int),
            Value::TimeSpan(_) => Value::TimeSpan(binned),
            Value::DateTime(_) => in_range(binned).map_or(Value::Null, Value::DateTime),
            _ => Value::Long(binned),
        })
    }))
}

/// Whether a value is no further from a centre than a distance.
fn around(site: &Site<'_>) -> Built {
    match site.types {
        [a, b, c] if a.is_number() && b.is_number() && c.is_number() => {}
        [Type::DateTime, Type::DateTime, Type::TimeSpan] | [Type::TimeSpan, Type::TimeSpan, Type::TimeSpan] => {}
        _ => return Err(Refusal::Missing("around() of these types".to_owned())),
    }
    Ok(Arc::new(|a: &[&Value]| {
        let (value, centre, delta) = (at(a, 0), at(a, 1), at(a, 2));
        if let (Some(v), Some(c), Some(d)) = (value.as_i64(), centre.as_i64(), delta.as_i64()) {
            let (v, c, d) = (i128::from(v), i128::from(c), i128::from(d));
            return Ok((v >= c - d && v <= c + d).into());
        }
        let parts = value.as_f64().zip(centre.as_f64()).zip(delta.as_f64());
        Ok(parts.map_or(Value::Null, |((v, c), d)| (v >= c - d && v <= c + d).into()))
    }))
}

fn abs(args: &[&Value]) -> Answer {
    Ok(match at(args, 0) {
        Value::Real(r) => Value::Real(r.abs()),
        Value::Int(i) => Value::Long(i64::from(*i).abs()),
        Value::Long(i) => i.checked_abs().map_or(Value::Null, Value::Long),
        Value::TimeSpan(t) => t.checked_abs().map_or(Value::Null, Value::TimeSpan),
        _ => return Err(Trouble::Unsupported("abs of a datetime".to_owned())),
    })
}

/// Rounds down to a multiple; a bin that is not positive gives null.
fn bin(args: &[&Value]) -> Answer {
    let (value, size) = (at(args, 0), at(args, 1));
    if let (Value::Real(_), _) | (_, Value::Real(_)) = (value, size) {
        let (Some(v), Some(s)) = (value.as_f64(), size.as_f64()) else {
            return Ok(Value::Null);
        };
        let binned = (v / s).floor() * s;
        return Ok(match value {
            _ if s <= 0.0 => Value::Null,
            _ => Value::Real(binned),
        });
    }
    let (Some(v), Some(s)) = (value.as_i64(), size.as_i64().filter(|s| *s > 0)) else {
        return Ok(Value::Null);
    };
    let binned = v.div_euclid(s).checked_mul(s);
    Ok(match (value, binned) {
        (Value::Int(_), Some(b)) if matches!(size, Value::Long(_)) => Value::Long(b),
        (Value::Int(_), Some(b)) => i32::try_from(b).map_or(Value::Null, Value::Int),
        (Value::Long(_), Some(b)) => Value::Long(b),
        (Value::TimeSpan(_), Some(b)) => Value::TimeSpan(b),
        (Value::DateTime(_), Some(b)) => in_range(b).map_or(Value::Null, Value::DateTime),
        _ => Value::Null,
    })
}

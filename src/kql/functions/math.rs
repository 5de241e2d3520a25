//! Arithmetic functions.

use super::super::datetime::in_range;
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Body, Naming, P, Ret, Spec, at, plain, spec};

const REAL: Type = Type::Real;
const N: &[P] = &[P::Num];
const FIRST: Naming = Naming::FirstArgument;

pub(super) const FUNCTIONS: &[Spec] = &[
    spec("bin", &[P::Summable, P::Summable], Ret::First, Body::Checked(bin)).named(FIRST),
    spec("floor", &[P::Summable, P::Summable], Ret::First, Body::Checked(bin)).named(FIRST),
    spec("abs", &[P::Summable], Ret::FirstLong, Body::Checked(abs)).named(FIRST),
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
    plain("pi", &[], REAL, |_| Value::Real(std::f64::consts::PI)),
    plain("isnan", N, Type::Bool, |a| real(a).map_or(Value::Null, |r| r.is_nan().into())),
    plain("isinf", N, Type::Bool, |a| real(a).map_or(Value::Null, |r| r.is_infinite().into())),
    plain("isfinite", N, Type::Bool, |a| real(a).map_or(Value::Null, |r| r.is_finite().into())),
    plain("binary_and", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x & y)).named(FIRST),
    plain("binary_or", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x | y)).named(FIRST),
    plain("binary_xor", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x ^ y)).named(FIRST),
    plain("binary_not", &[P::Int], Type::Long, |a| at(a, 0).as_i64().map_or(Value::Null, |x| Value::Long(!x))).named(FIRST),
    plain("binary_shift_left", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x.wrapping_shl(y as u32))).named(FIRST),
    plain("binary_shift_right", &[P::Int, P::Int], Type::Long, |a| bits(a, |x, y| x.wrapping_shr(y as u32))).named(FIRST),
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
            Value::Real(_) => Value::Real(binned),
            _ => return Err(Trouble::Unsupported("bin of an integer by a real".to_owned())),
        });
    }
    let (Some(v), Some(s)) = (value.as_i64(), size.as_i64().filter(|s| *s > 0)) else {
        return Ok(Value::Null);
    };
    let binned = v.div_euclid(s).checked_mul(s);
    Ok(match (value, binned) {
        (Value::Int(_), Some(b)) => i32::try_from(b).map_or(Value::Null, Value::Int),
        (Value::Long(_), Some(b)) => Value::Long(b),
        (Value::TimeSpan(_), Some(b)) => Value::TimeSpan(b),
        (Value::DateTime(_), Some(b)) => in_range(b).map_or(Value::Null, Value::DateTime),
        _ => Value::Null,
    })
}

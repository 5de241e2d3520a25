//! Aggregates: what `summarize` keeps for each group, and the grouping itself.
//!
//! Groups and the members of sets come out in the order in which they were first seen, and `dcount` counts exactly, so that an answer
//! is the same on every run.

use super::compare::{Key, convert, key, order, sort_order, to_json};
use super::error::{Span, Try, semantic, unsupported};
use super::exec::Run;
use super::scalar::{Batch, Row, Scalar};
use super::value::{Type, Value};
use crate::json;
use std::cmp::Ordering;
use std::collections::HashSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Func {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    DCount,
    List {
        distinct: bool,
        nulls: bool,
    },
    /// The row where the first argument is greatest or least.
    ArgMax,
    ArgMin,
    /// The first row whose first argument is neither null nor empty.
    Any,
    /// With a weight for each value, or without; one array of all, or a column for each.
    Percentile {
        weighted: bool,
        array: bool,
    },
    Bits(Bits),
    Covariance {
        population: bool,
    },
    Variance {
        population: bool,
    },
    Stdev {
        population: bool,
    },
    Bag,
}

/// What joins whole numbers bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bits {
    And,
    Or,
    Xor,
}

#[derive(Clone)]
pub(super) struct Aggregate {
    pub(super) func: Func,
    pub(super) value: Option<Scalar>,
    /// The weight of a percentile, the other variable of a covariance.
    pub(super) second: Option<Scalar>,
    pub(super) when: Option<Scalar>,
    /// What the chosen row answers, for functions that choose one; else one column of the aggregate's type.
    pub(super) outputs: Vec<(Scalar, Type)>,
    pub(super) ty: Type,
    /// The most members of a list, a set or a bag.
    pub(super) most: usize,
    pub(super) percentiles: Vec<f64>,
    pub(super) span: Span,
}

pub(super) enum State {
    Count(i64),
    Whole(i128),
    Real(f64),
    Mean { count: i64, sum: f64, whole: i128 },
    Best(Option<Value>),
    Keys(HashSet<Key>),
    List(Vec<json::Value>, HashSet<String>),
    Chosen { best: Option<Value>, row: Option<usize> },
    All(Vec<(Value, i64)>),
    Bits(Option<i64>),
    Pairs { count: f64, means: [f64; 2], product: f64 },
    Moments { count: f64, mean: f64, m2: f64 },
    Bag(json::Object),
}

impl Aggregate {
    pub(super) fn types(&self) -> Vec<Type> {
        match self.func {
            Func::ArgMax | Func::ArgMin | Func::Any => self.outputs.iter().map(|(_, ty)| *ty).collect(),
            Func::Percentile { array: false, .. } => self.percentiles.iter().map(|_| self.ty).collect(),
            Func::Percentile { array: true, .. } => vec![Type::Dynamic],
            _ => vec![self.ty],
        }
    }

    pub(super) fn state(&self) -> State {
        match self.func {
            Func::Count => State::Count(0),
            Func::Sum if self.ty == Type::Real => State::Real(0.0),
            Func::Sum => State::Whole(0),
            Func::Avg => State::Mean { count: 0, sum: 0.0, whole: 0 },
            Func::Min | Func::Max => State::Best(None),
            Func::DCount => State::Keys(HashSet::new()),
            Func::List { .. } => State::List(Vec::new(), HashSet::new()),
            Func::ArgMax | Func::ArgMin | Func::Any => State::Chosen { best: None, row: None },
            Func::Percentile { .. } => State::All(Vec::new()),
            Func::Bits(_) => State::Bits(None),
            Func::Covariance { .. } => State::Pairs { count: 0.0, means: [0.0; 2], product: 0.0 },
            Func::Variance { .. } | Func::Stdev { .. } => State::Moments { count: 0.0, mean: 0.0, m2: 0.0 },
            Func::Bag => State::Bag(json::Object::new()),
        }
    }

    /// Adds a row; whether the condition holds is asked, or known to be so.
    pub(super) fn add(&self, state: &mut State, at: Row<'_>, ask: bool) -> Try<()> {
        if ask
            && let Some(when) = &self.when
            && !when.holds(at)?
        {
            return Ok(());
        }
        let value = match &self.value {
            Some(value) => Some(value.eval(at)?),
            None => None,
        };
        let value = value.as_deref().unwrap_or(Value::absent(Type::Long));
        match state {
            State::Count(count) => *count += 1,
            State::Whole(sum) => *sum += value.as_i64().map_or(0, i128::from),
            State::Real(sum) => *sum += value.as_f64().unwrap_or(0.0),
            State::Mean { count, sum, whole } => {
                if let Some(number) = value.as_f64() {
                    *count += 1;
                    *sum += number;
                    *whole += value.as_i64().map_or(0, i128::from);
                }
            }
            State::Best(best) => {
                let wanted = if self.func == Func::Max { Ordering::Greater } else { Ordering::Less };
                if wanted == Ordering::Less && *value == Value::text("") {
                    return Err(unsupported(self.span, "the least of texts among which one is empty"));
                }
                let better = match best.as_ref() {
                    None => !value.is_null(),
                    Some(old) => order(value, old) == Some(wanted),
                };
                if better {
                    *best = Some(value.clone());
                }
            }
            State::Keys(keys) => {
                if !value.is_null() && keys.insert(key(value, false)) {
                    at.run.charge(1)?;
                }
            }
            State::List(items, seen) => {
                let Func::List { distinct, nulls } = self.func else {
                    return Ok(());
                };
                if items.len() >= self.most || (value.is_null() && !nulls) {
                    return Ok(());
                }
                let item = to_json(value);
                let flat = match item {
                    json::Value::Array(items) if distinct => items,
                    one => vec![one],
                };
                for item in flat {
                    if items.len() < self.most && (!distinct || seen.insert(item.to_string())) {
                        at.run.charge(1)?;
                        items.push(item);
                    }
                }
            }
            State::Chosen { best, row } => {
                if self.func == Func::ArgMin && *value == Value::text("") {
                    return Err(unsupported(self.span, "the least of texts among which one is empty"));
                }
                let better = match (self.func, best.as_ref()) {
                    (Func::Any, Some(_)) => false,
                    (Func::Any, None) => !value.is_null() && *value != Value::text(""),
                    (_, None) => !value.is_null(),
                    (Func::ArgMax, Some(old)) => order(value, old) == Some(Ordering::Greater),
                    (_, Some(old)) => order(value, old) == Some(Ordering::Less),
                };
                if better {
                    *best = Some(value.clone());
                }
                if better || row.is_none() {
                    *row = Some(at.row);
                }
            }
            State::All(values) => {
                let weight = match &self.second {
                    Some(weight) => weight.eval(at)?.as_i64(),
                    None => Some(1),
                };
                if weight.is_some_and(|w| w < 0) {
                    return Err(unsupported(self.span, "a percentile with a negative weight"));
                }
                if let Some(weight) = weight.filter(|w| *w > 0 && !value.is_null()) {
                    at.run.charge(1)?;
                    values.push((value.clone(), weight));
                }
            }
            State::Bits(bits) => {
                if let (Some(number), Func::Bits(how)) = (value.as_i64(), self.func) {
                    *bits = Some(match (*bits, how) {
                        (None, _) => number,
                        (Some(old), Bits::And) => old & number,
                        (Some(old), Bits::Or) => old | number,
                        (Some(old), Bits::Xor) => old ^ number,
                    });
                }
            }
            State::Pairs { count, means: [x_mean, y_mean], product } => {
                let second = match &self.second {
                    Some(second) => second.eval(at)?.as_f64(),
                    None => None,
                };
                if let (Some(x), Some(y)) = (value.as_f64(), second) {
                    *count += 1.0;
                    let from_x = x - *x_mean;
                    *x_mean += from_x / *count;
                    *y_mean += (y - *y_mean) / *count;
                    *product += from_x * (y - *y_mean);
                }
            }
            State::Moments { count, mean, m2 } => {
                if let Some(number) = value.as_f64() {
                    *count += 1.0;
                    let delta = number - *mean;
                    *mean += delta / *count;
                    *m2 += delta * (number - *mean);
                }
            }
            State::Bag(bag) => {
                if let Value::Dynamic(d) = value {
                    for (key, member) in d.as_object().into_iter().flatten() {
                        if bag.len() < self.most || bag.contains_key(key) {
                            bag.entry(key.clone()).or_insert_with(|| member.clone());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn finish(&self, state: State, batch: &Batch, run: &Run) -> Try<Vec<Value>> {
        Ok(vec![match state {
            State::Count(count) => Value::Long(count),
            State::Whole(sum) => match (i64::try_from(sum), self.ty) {
                (Err(_), _) => return Err(semantic(self.span, "the sum does not fit 64 bits")),
                (Ok(sum), Type::TimeSpan) => Value::TimeSpan(sum),
                (Ok(sum), _) => Value::Long(sum),
            },
            State::Real(sum) => Value::Real(sum),
            State::Mean { count: 0, .. } => {
                if self.ty == Type::Real {
                    Value::Real(f64::NAN)
                } else {
                    Value::Null
                }
            }
            State::Mean { count, sum, whole } => match self.ty {
                Type::Real => Value::Real(sum / count as f64),
                ty => tick_value((whole / i128::from(count)) as i64, ty),
            },
            State::Best(best) => best.unwrap_or_else(|| Value::absent(self.ty).clone()),
            State::Keys(keys) => Value::Long(keys.len() as i64),
            State::List(items, _) => Value::dynamic(json::Value::Array(items)),
            State::Chosen { row: Some(row), .. } => {
                return self.outputs.iter().map(|(value, _)| Ok(value.eval(Row { batch, row, run })?.into_owned())).collect();
            }
            State::Chosen { row: None, .. } => return Ok(self.outputs.iter().map(|(_, ty)| Value::absent(*ty).clone()).collect()),
            State::All(mut values) => {
                values.sort_by(|(a, _), (b, _)| sort_order(a, b));
                let found = self.percentiles.iter().map(|p| percentile(&values, *p, self.ty));
                if let Func::Percentile { array: true, .. } = self.func {
                    return Ok(vec![Value::dynamic(json::Value::Array(found.map(|v| to_json(&v)).collect()))]);
                }
                return Ok(found.collect());
            }
            State::Bits(None) => return Err(unsupported(self.span, "binary_all_* of no number at all")),
            State::Bits(Some(bits)) => match (self.ty, i32::try_from(bits)) {
                (Type::Int, Ok(bits)) => Value::Int(bits),
                _ => Value::Long(bits),
            },
            State::Pairs { count, product, .. } => {
                let below = if self.func == (Func::Covariance { population: true }) { count } else { count - 1.0 };
                if below <= 0.0 {
                    return Err(unsupported(self.span, "the covariance of fewer than two pairs"));
                }
                Value::Real(product / below)
            }
            State::Moments { count, m2, .. } => {
                let (population, root) = match self.func {
                    Func::Variance { population } => (population, false),
                    Func::Stdev { population } => (population, true),
                    _ => (false, false),
                };
                let below = if population { count } else { count - 1.0 };
                // Of one value or none it is 0, unlike the average, which is NaN of none.
                let variance = if below <= 0.0 { 0.0 } else { m2 / below };
                Value::Real(if root { variance.sqrt() } else { variance })
            }
            State::Bag(bag) => Value::dynamic(json::Value::Object(bag)),
        }])
    }
}

fn tick_value(ticks: i64, ty: Type) -> Value {
    if ty == Type::DateTime { Value::DateTime(ticks) } else { Value::TimeSpan(ticks) }
}

/// Nearest rank, where a value counts as often as it weighs.
fn percentile(sorted: &[(Value, i64)], percent: f64, ty: Type) -> Value {
    let total: i128 = sorted.iter().map(|(_, weight)| i128::from(*weight)).sum();
    let rank = (percent / 100.0 * total as f64).ceil().max(1.0) as i128;
    let mut seen = 0;
    let hit = sorted.iter().find(|(_, weight)| {
        seen += i128::from(*weight);
        seen >= rank
    });
    hit.or(sorted.last()).map_or(Value::Null, |(v, _)| convert_kept(v, ty))
}

fn convert_kept(value: &Value, ty: Type) -> Value {
    match (value, ty) {
        (Value::Int(_), Type::Long) => convert(value, Type::Long),
        (other, _) => other.clone(),
    }
}

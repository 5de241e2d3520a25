//! Functions over rows in order that carry something from row to row: running sums, ranks, sessions.

use super::super::compare::key;
use super::super::error::{Span, Try, unsupported};
use super::super::plan::Step;
use super::super::scalar::{Batch, Col, Row, Scalar};
use super::super::value::{Type, Value};
use super::Run;

/// What is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Carry {
    /// The row's number, from a first one on.
    Number(i64),
    Sum,
    DenseRank,
    MinRank,
    /// The moment at which the row's session began.
    Session,
}

/// One column that is made in front of the operator that reads it.
#[derive(Clone)]
pub(in super::super) struct Window {
    pub(in super::super) carry: Carry,
    pub(in super::super) args: Vec<Scalar>,
    /// Where it holds, the rows begin anew.
    pub(in super::super) restart: Option<Scalar>,
    pub(in super::super) ty: Type,
    pub(in super::super) span: Span,
}

/// Appends its columns, each of which may read those before it.
pub(in super::super) struct Windows(pub(in super::super) Vec<Window>);

impl Step for Windows {
    fn run(&self, mut batch: Batch, run: &Run) -> Try<Batch> {
        for window in &self.0 {
            run.charge(batch.rows.saturating_mul(window.args.len() + 1))?;
            let cells = window.cells(&batch, run)?;
            batch.cols.push(Col::own(cells, window.ty));
        }
        Ok(batch)
    }
}

impl Window {
    fn cells(&self, batch: &Batch, run: &Run) -> Try<Vec<Value>> {
        let mut cells = Vec::with_capacity(batch.rows);
        let mut state: Option<State> = None;
        for row in 0..batch.rows {
            let at = Row { batch, row, run };
            if let Some(restart) = &self.restart
                && restart.holds(at)?
            {
                state = None;
            }
            let args: Vec<Value> = self.args.iter().map(|a| Ok(a.eval(at)?.into_owned())).collect::<Try<_>>()?;
            let (next, cell) = self.next(state, &args)?;
            state = next;
            cells.push(cell);
        }
        Ok(cells)
    }

    fn next(&self, before: Option<State>, args: &[Value]) -> Try<(Option<State>, Value)> {
        let value = args.first().unwrap_or(Value::absent(Type::Long));
        match self.carry {
            Carry::Number(first) => {
                let number = before.map_or(first, |b| b.number.saturating_add(1));
                Ok((Some(State { number, ..State::default() }), Value::Long(number)))
            }
            Carry::Sum => self.sum(before, value),
            Carry::DenseRank | Carry::MinRank => {
                let State { number, rank, last } = before.clone().unwrap_or_default();
                let same = before.is_some() && key(&last, false) == key(value, false);
                let rank = match (same, self.carry) {
                    (true, _) => rank,
                    (false, Carry::DenseRank) => rank + 1,
                    (false, _) => number + 1,
                };
                Ok((Some(State { number: number + 1, rank, last: value.clone() }), Value::Long(rank)))
            }
            Carry::Session => Ok(session(before, args)),
        }
    }

    fn sum(&self, before: Option<State>, value: &Value) -> Try<(Option<State>, Value)> {
        let sum = match (before.map(|b| b.last), value) {
            (_, Value::Null) => return Err(unsupported(self.span, "row_cumsum() over a null")),
            (None, value) => value.clone(),
            (Some(Value::Real(sum)), Value::Real(value)) => Value::Real(sum + value),
            (Some(Value::Int(sum)), Value::Int(value)) => sum.checked_add(*value).map_or(Value::Null, Value::Int),
            (Some(sum), value) => {
                let sum = sum.as_i64().zip(value.as_i64()).and_then(|(s, v)| s.checked_add(v));
                sum.map_or(Value::Null, |n| if self.ty == Type::TimeSpan { Value::TimeSpan(n) } else { Value::Long(n) })
            }
        };
        if sum.is_null() {
            return Err(unsupported(self.span, "a row_cumsum() that does not fit its type"));
        }
        Ok((Some(State { last: sum.clone(), ..State::default() }), sum))
    }
}

#[derive(Clone, Debug)]
struct State {
    number: i64,
    rank: i64,
    /// The value, sum or session start of the row before.
    last: Value,
}

impl Default for State {
    fn default() -> State {
        State { number: 0, rank: 0, last: Value::Null }
    }
}

/// A session ends where a moment is too far from its start or from the moment before; `number` keeps the moment before.
fn session(before: Option<State>, args: &[Value]) -> (Option<State>, Value) {
    let [Value::DateTime(moment), Value::TimeSpan(from_first), Value::TimeSpan(from_last)] = args else {
        return (None, Value::Null);
    };
    let within = |since: i64, most: i64| moment.checked_sub(since).is_some_and(|gap| gap < most);
    let start = match before {
        Some(State { number, last: Value::DateTime(start), .. }) if within(start, *from_first) && within(number, *from_last) => start,
        _ => *moment,
    };
    (Some(State { number: *moment, rank: 0, last: Value::DateTime(start) }), Value::DateTime(start))
}

//! Conditions and columns for many rows at once.
//!
//! An expression that reads one dictionary column is asked once a value, and not once a row; a conjunction asks its second part only
//! about the rows that the first one left open. The answers are those of [`Scalar::eval`], row by row: where an evaluation fails here,
//! the caller asks again in that way, so that it is the same failure as well.

use super::super::cells::{Cells, Maker};
use super::super::error::Try;
use super::super::scalar::{Batch, Col, Row, Scalar};
use super::super::value::{Type, Value};
use super::{Run, bare};
use std::sync::Arc;

/// What a condition says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Truth {
    No,
    Yes,
    Unknown,
    /// Not asked yet.
    Open,
}

impl Truth {
    fn of(value: &Value) -> Truth {
        match value {
            Value::Bool(true) => Truth::Yes,
            Value::Null => Truth::Unknown,
            _ => Truth::No,
        }
    }
}

/// The rows among `rows` for which a condition holds.
pub(in super::super) fn holding(condition: &Scalar, batch: &Batch, rows: Vec<u32>, run: &Run) -> Try<Vec<u32>> {
    let truths = truths(condition, batch, &rows, run)?;
    let mut truths = truths.iter();
    let mut rows = rows;
    rows.retain(|_| truths.next() == Some(&Truth::Yes));
    Ok(rows)
}

fn truths(condition: &Scalar, batch: &Batch, rows: &[u32], run: &Run) -> Try<Vec<Truth>> {
    match condition {
        Scalar::And(parts) => decide(parts, batch, rows, Truth::No, run),
        Scalar::Or(parts) => decide(parts, batch, rows, Truth::Yes, run),
        _ => match (bare::compared(condition, batch, rows, run), lift(condition, batch, rows)) {
            (Some(truths), _) => truths,
            (None, Some(lifted)) => lifted.truths(condition, batch, rows, run),
            (None, None) => {
                let truth = |row: &u32| {
                    run.tick()?;
                    Ok(Truth::of(condition.eval(Row { batch, row: *row as usize, run })?.as_ref()))
                };
                rows.iter().map(truth).collect()
            }
        },
    }
}

/// Three-valued `or` (decided by yes) and `and` (by no): each part is asked about the rows that are not decided.
fn decide(parts: &[Scalar], batch: &Batch, rows: &[u32], by: Truth, run: &Run) -> Try<Vec<Truth>> {
    let otherwise = if by == Truth::No { Truth::Yes } else { Truth::No };
    let mut all = vec![otherwise; rows.len()];
    let mut open: Vec<u32> = (0..rows.len() as u32).collect();
    let mut left = rows.to_vec();
    for part in parts {
        let part = truths(part, batch, &left, run)?;
        for (at, truth) in open.iter().zip(&part) {
            if let Some(known) = all.get_mut(*at as usize)
                && *truth != otherwise
            {
                *known = *truth;
            }
        }
        let undecided = || part.iter().map(|truth| *truth != by);
        let (mut of_open, mut of_left) = (undecided(), undecided());
        open.retain(|_| of_open.next() == Some(true));
        left.retain(|_| of_left.next() == Some(true));
    }
    Ok(all)
}

/// A column by whose values an expression can be asked.
struct Lifted<'b> {
    column: &'b Col,
    codes: &'b Arc<Vec<u32>>,
    values: usize,
}

/// The one dictionary column that an expression reads, if there are fewer values than rows.
fn lift<'b>(scalar: &Scalar, batch: &'b Batch, rows: &[u32]) -> Option<Lifted<'b>> {
    let column = batch.cols.get(scalar.only_column()?)?;
    let Cells::Dict { values, codes } = column.cells() else { return None };
    (values.len() < rows.len()).then_some(Lifted { column, codes, values: values.len() })
}

impl Lifted<'_> {
    /// The number of a row's value; the number behind the last one stands for null.
    #[inline]
    fn code(&self, row: u32) -> usize {
        let code = self.column.at(row as usize).and_then(|at| self.codes.get(at));
        code.map_or(self.values, |code| self.values.min(*code as usize))
    }

    fn truths(&self, condition: &Scalar, batch: &Batch, rows: &[u32], run: &Run) -> Try<Vec<Truth>> {
        let mut known = vec![Truth::Open; self.values + 1];
        let mut truths = Vec::with_capacity(rows.len());
        for row in rows {
            let code = self.code(*row);
            let mut truth = known.get(code).copied().unwrap_or(Truth::Open);
            if truth == Truth::Open {
                run.tick()?;
                truth = Truth::of(condition.eval(Row { batch, row: *row as usize, run })?.as_ref());
                if let Some(known) = known.get_mut(code) {
                    *known = truth;
                }
            }
            truths.push(truth);
        }
        Ok(truths)
    }

    fn column(&self, scalar: &Scalar, batch: &Batch, rows: &[u32], ty: Type, run: &Run) -> Try<Col> {
        let mut known = vec![false; self.values + 1];
        let mut values = vec![Value::Null; self.values + 1];
        let mut codes = Vec::with_capacity(rows.len());
        for row in rows {
            let code = self.code(*row);
            if let (Some(known), Some(value)) = (known.get_mut(code), values.get_mut(code))
                && !*known
            {
                run.tick()?;
                *value = scalar.eval(Row { batch, row: *row as usize, run })?.into_owned();
                *known = true;
            }
            codes.push(code as u32);
        }
        Ok(Col::made(Cells::dict(values, codes), ty))
    }
}

/// Every value of the column that an expression makes of a batch.
pub(in super::super) fn column(scalar: &Scalar, batch: &Batch, ty: Type, run: &Run) -> Try<Col> {
    if let Some(bins) = bare::binned(scalar, batch, ty, run) {
        return bins;
    }
    let rows: Vec<u32> = (0..batch.rows as u32).collect();
    if let Some(lifted) = lift(scalar, batch, &rows) {
        return lifted.column(scalar, batch, &rows, ty, run);
    }
    let mut made = Maker::new(ty, batch.rows);
    for row in 0..batch.rows {
        run.tick()?;
        let value = scalar.eval(Row { batch, row, run })?.into_owned();
        run.hold(Maker::size(&value))?;
        made.push(value);
    }
    Ok(Col::made(made.done(), ty))
}

//! `summarize`: rows into groups, and each aggregate over all groups at once.
//!
//! Counts, sums, extremes and distinct counts run over the bare cells of a column; what else there is goes row by row, and skips the
//! rows that cannot change a set.

use super::super::aggregate::{Aggregate, Func, State};
use super::super::cells::{Cells, Maker};
use super::super::compare::to_json;
use super::super::error::Try;
use super::super::scalar::{Batch, Col, Row, Scalar};
use super::super::value::{Type, Value};
use super::Run;
use super::groups::{Groups, Index, Meeting, NONE, Seen, groups};
use super::vector;
use crate::json;

impl Run {
    pub(super) fn summarize(&self, batch: &Batch, by: &[(Scalar, Type)], aggregates: &[Aggregate]) -> Try<Batch> {
        let keys = by.iter().map(|(value, ty)| value.column(batch, *ty, self)).collect::<Try<Vec<Col>>>()?;
        let all = if by.is_empty() { Groups::one(batch.rows) } else { groups(&keys, batch.rows, self)? };
        self.charge(all.count.saturating_mul(by.len() + aggregates.len()))?;
        let firsts = if by.is_empty() { Vec::new() } else { all.firsts() };
        let mut cols = Batch { cols: keys, rows: batch.rows }.select(firsts).cols;
        for aggregate in aggregates {
            let made = self.quickly(|| self.fold(aggregate, batch, &all), || self.fold_plainly(aggregate, batch, &all))?;
            cols.extend(made.into_iter().zip(aggregate.types()).map(|(cells, ty)| Col::made(cells, ty)));
        }
        Ok(Batch { cols, rows: all.count })
    }

    fn fold_plainly(&self, aggregate: &Aggregate, batch: &Batch, all: &Groups) -> Try<Vec<Cells>> {
        let mut states: Vec<_> = (0..all.count).map(|_| aggregate.state()).collect();
        for (row, group) in all.of.iter().enumerate() {
            self.tick()?;
            if let Some(state) = states.get_mut(*group as usize) {
                aggregate.add(state, Row { batch, row, run: self }, true)?;
            }
        }
        self.finished(aggregate, states, batch)
    }

    fn finished(&self, aggregate: &Aggregate, states: Vec<State>, batch: &Batch) -> Try<Vec<Cells>> {
        let mut made: Vec<Maker> = aggregate.types().into_iter().map(|ty| Maker::new(ty, states.len())).collect();
        for state in states {
            self.tick()?;
            let values = aggregate.finish(state, batch, self)?;
            made.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        Ok(made.into_iter().map(Maker::done).collect())
    }

    fn fold(&self, aggregate: &Aggregate, batch: &Batch, all: &Groups) -> Try<Vec<Cells>> {
        let every = (0..batch.rows as u32).collect();
        let rows = match &aggregate.when {
            None => every,
            Some(when) => vector::holding(when, batch, every, self)?,
        };
        let own;
        let column = match &aggregate.value {
            Some(Scalar::Column(at)) => batch.cols.get(*at),
            // Asked about the rows alone for which the condition holds.
            Some(value) if aggregate.when.is_none() && !matches!(value, Scalar::Const(_)) => {
                own = vector::column(value, batch, aggregate.ty, self)?;
                Some(&own)
            }
            _ => None,
        };
        if aggregate.func == Func::Count {
            return Ok(vec![counts(&rows, all)]);
        }
        let Some(column) = column else { return self.fold_rows(aggregate, batch, &rows, all) };
        match (aggregate.func, column.cells()) {
            (Func::Min | Func::Max, Cells::Whole { ty, .. }) if *ty == aggregate.ty => {
                Ok(vec![self.extremes(aggregate, column, &rows, all)?])
            }
            (Func::Sum | Func::Avg, Cells::Whole { ty, numbers, nulls }) if *ty != Type::Int => {
                let cell = |at: usize| numbers.get(at).filter(|_| !nulls.has(at)).map(|n| (*n as f64, i128::from(*n)));
                self.added(aggregate, column, cell, &rows, batch, all)
            }
            (Func::Sum | Func::Avg, Cells::Real { numbers, nulls }) => {
                let cell = |at: usize| numbers.get(at).filter(|_| !nulls.has(at)).map(|n| (*n, 0));
                self.added(aggregate, column, cell, &rows, batch, all)
            }
            (Func::DCount, _) => Ok(vec![self.distinct(column, &rows, batch, all)?]),
            (Func::List { distinct: true, nulls }, cells) if are_texts(cells) => {
                self.sets(column, (aggregate.most, nulls), &rows, batch, all).map(|sets| vec![sets])
            }
            _ => self.fold_rows(aggregate, batch, &rows, all),
        }
    }

    /// Row by row, for rows that are known to count.
    fn fold_rows(&self, aggregate: &Aggregate, batch: &Batch, rows: &[u32], all: &Groups) -> Try<Vec<Cells>> {
        let mut states: Vec<_> = (0..all.count).map(|_| aggregate.state()).collect();
        for row in rows {
            self.tick()?;
            let row = *row as usize;
            if let Some(state) = all.of.get(row).and_then(|group| states.get_mut(*group as usize)) {
                aggregate.add(state, Row { batch, row, run: self }, false)?;
            }
        }
        self.finished(aggregate, states, batch)
    }

    /// The least or greatest whole number of each group.
    fn extremes(&self, aggregate: &Aggregate, column: &Col, rows: &[u32], all: &Groups) -> Try<Cells> {
        let Cells::Whole { ty, numbers, nulls } = column.cells() else { return Ok(Cells::new()) };
        let greatest = aggregate.func == Func::Max;
        let mut best: Vec<Option<i64>> = vec![None; all.count];
        for row in rows {
            self.tick()?;
            let best = all.of.get(*row as usize).and_then(|group| best.get_mut(*group as usize));
            let cell = column.at(*row as usize).and_then(|at| numbers.get(at).filter(|_| !nulls.has(at)));
            if let (Some(best), Some(cell)) = (best, cell) {
                *best = Some(best.map_or(*cell, |old| if greatest { old.max(*cell) } else { old.min(*cell) }));
            }
        }
        Ok(Cells::optional(*ty, best.into_iter()))
    }

    /// Sums and means: each group's numbers are added in their order, as the rows would do it.
    fn added(
        &self,
        aggregate: &Aggregate,
        column: &Col,
        cell: impl Fn(usize) -> Option<(f64, i128)>,
        rows: &[u32],
        batch: &Batch,
        all: &Groups,
    ) -> Try<Vec<Cells>> {
        let mut sums = vec![(0i64, 0f64, 0i128); all.count];
        for row in rows {
            self.tick()?;
            let sum = all.of.get(*row as usize).and_then(|group| sums.get_mut(*group as usize));
            let cell = column.at(*row as usize).and_then(&cell);
            if let (Some((count, real, whole)), Some((as_real, as_whole))) = (sum, cell) {
                *count += 1;
                *real += as_real;
                *whole += as_whole;
            }
        }
        let state = |(count, sum, whole)| match (aggregate.func, aggregate.ty) {
            (Func::Avg, _) => State::Mean { count, sum, whole },
            (_, Type::Real) => State::Real(sum),
            _ => State::Whole(whole),
        };
        self.finished(aggregate, sums.into_iter().map(state).collect(), batch)
    }

    /// How many different cells each group has that are not null.
    fn distinct(&self, column: &Col, rows: &[u32], batch: &Batch, all: &Groups) -> Try<Cells> {
        let values = Index::default().number(column, batch.rows, Meeting::Distinct, self)?;
        let mut seen = Seen::new(all.count, values.count);
        let mut counts = vec![0i64; all.count];
        for row in rows {
            self.tick()?;
            let group = all.of.get(*row as usize).copied().unwrap_or(NONE);
            if seen.is_new(group, values.of.get(*row as usize).copied().unwrap_or(NONE)) {
                self.charge(1)?;
                counts.get_mut(group as usize).into_iter().for_each(|count| *count += 1);
            }
        }
        Ok(Cells::whole(Type::Long, counts))
    }

    /// The sets of each group's texts, each text once and in the order in which they were first seen.
    fn sets(&self, column: &Col, (most, nulls): (usize, bool), rows: &[u32], batch: &Batch, all: &Groups) -> Try<Cells> {
        let values = Index::default().number(column, batch.rows, Meeting::Group, self)?;
        let mut seen = Seen::new(all.count, values.count);
        let mut sets: Vec<Vec<json::Value>> = vec![Vec::new(); all.count];
        for row in rows {
            self.tick()?;
            let group = all.of.get(*row as usize).copied().unwrap_or(NONE);
            let Some(set) = sets.get_mut(group as usize).filter(|set| set.len() < most) else { continue };
            if seen.is_new(group, values.of.get(*row as usize).copied().unwrap_or(NONE)) {
                let value = column.get(*row as usize);
                if !value.is_null() || nulls {
                    self.charge(1)?;
                    set.push(to_json(&value));
                }
            }
        }
        Ok(sets.into_iter().map(|set| Value::dynamic(json::Value::Array(set))).collect())
    }
}

/// How many of the rows are in each group.
fn counts(rows: &[u32], all: &Groups) -> Cells {
    let mut counts = vec![0i64; all.count];
    for row in rows {
        let count = all.of.get(*row as usize).and_then(|group| counts.get_mut(*group as usize));
        count.into_iter().for_each(|count| *count += 1);
    }
    Cells::whole(Type::Long, counts)
}

/// Whether equal cells are written alike: of numbers, 0.0 and -0.0 are not.
fn are_texts(cells: &Cells) -> bool {
    matches!(cells, Cells::Dict { values, .. } if values.iter().all(|v| matches!(v, Value::String(_) | Value::Null)))
}

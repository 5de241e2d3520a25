//! `scan`: a table of states, one a step, that the records pass by.

use super::super::error::Try;
use super::super::plan::Step;
use super::super::scalar::{Batch, Col, Row, Scalar};
use super::super::value::{Type, Value};
use super::Run;

pub(in super::super) struct ScanStep {
    /// Whether the records that match are shown.
    pub(in super::super) emit: bool,
    pub(in super::super) condition: Scalar,
    /// Declared columns and what they become.
    pub(in super::super) set: Vec<(usize, Scalar)>,
}

pub(in super::super) struct Scan {
    pub(in super::super) steps: Vec<ScanStep>,
    pub(in super::super) defaults: Vec<Value>,
    /// The types of what conditions see: the record, and for each step a record with the declared columns.
    pub(in super::super) types: Vec<Type>,
    pub(in super::super) made: Vec<Type>,
    pub(in super::super) match_id: bool,
}

/// What a sequence has seen so far: the last record of each step up to this one, with the declared columns.
struct State {
    records: Vec<Option<Vec<Value>>>,
    id: i64,
}

impl Scan {
    /// The record beside a state, as a batch of one row.
    fn beside(&self, record: &[Value], state: Option<&State>) -> Batch {
        let width = record.len();
        let mut cells: Vec<Value> = record.to_vec();
        for step in 0..self.steps.len() {
            match state.and_then(|s| s.records.get(step)).and_then(Option::as_ref) {
                Some(kept) => cells.extend(kept.iter().cloned()),
                None => {
                    let absent = self.types.iter().take(width).map(|ty| Value::absent(*ty).clone());
                    cells.extend(absent.chain(self.defaults.iter().cloned()));
                }
            }
        }
        Batch { cols: cells.into_iter().zip(&self.types).map(|(cell, ty)| Col::own(vec![cell], *ty)).collect(), rows: 1 }
    }

    /// The record with the declared columns as the step sets them, if it matches.
    fn matched(&self, step: &ScanStep, record: &[Value], state: Option<&State>, run: &Run) -> Try<Option<Vec<Value>>> {
        let batch = self.beside(record, state);
        let at = Row { batch: &batch, row: 0, run };
        if !step.condition.holds(at)? {
            return Ok(None);
        }
        let mut out = record.to_vec();
        let first = out.len();
        out.extend(self.defaults.iter().cloned());
        for (column, value) in &step.set {
            let value = value.eval(at)?.into_owned();
            if let Some(cell) = out.get_mut(first + column) {
                *cell = value;
            }
        }
        Ok(Some(out))
    }
}

impl Step for Scan {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let width = batch.cols.len();
        let mut states: Vec<Option<State>> = self.steps.iter().map(|_| None).collect();
        let mut next_id = 0;
        let mut rows: Vec<u32> = Vec::new();
        let mut made: Vec<Vec<Value>> = vec![Vec::new(); self.made.len()];
        let mut ids = Vec::new();
        for row in 0..batch.rows {
            run.charge(self.steps.len().saturating_mul(self.types.len()))?;
            let record: Vec<Value> = batch.cols.iter().map(|c| c.get(row).into_owned()).collect();
            for (at, step) in self.steps.iter().enumerate().rev() {
                let before = at.checked_sub(1).and_then(|before| states.get(before)).and_then(Option::as_ref);
                let promoted = match before {
                    Some(state) => self.matched(step, &record, Some(state), run)?,
                    None => None,
                };
                let own = states.get(at).and_then(Option::as_ref);
                let found = match (promoted, own) {
                    (Some(found), _) => {
                        let state = at.checked_sub(1).and_then(|before| states.get_mut(before)).and_then(Option::take);
                        if let Some(slot) = states.get_mut(at) {
                            *slot = state;
                        }
                        Some(found)
                    }
                    (None, None) if at > 0 => None,
                    (None, state) => self.matched(step, &record, state, run)?,
                };
                let Some(found) = found else {
                    continue;
                };
                let Some(slot) = states.get_mut(at) else {
                    continue;
                };
                let state = slot.get_or_insert_with(|| {
                    next_id += 1;
                    State { records: Vec::new(), id: next_id - 1 }
                });
                state.records.resize(at + 1, None);
                if step.emit {
                    rows.push(row as u32);
                    made.iter_mut().zip(found.iter().skip(width)).for_each(|(column, cell)| column.push(cell.clone()));
                    ids.push(Value::Long(state.id));
                }
                if let Some(kept) = state.records.get_mut(at) {
                    *kept = Some(found);
                }
            }
        }
        let mut out = batch.select(rows);
        out.cols.extend(made.into_iter().zip(&self.made).map(|(cells, ty)| Col::own(cells, *ty)));
        if self.match_id {
            out.cols.push(Col::own(ids, Type::Long));
        }
        Ok(out)
    }
}

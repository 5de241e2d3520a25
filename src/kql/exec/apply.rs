//! Sub-queries over parts of the rows: `mv-apply` and `partition`.

use super::super::compare::key;
use super::super::error::{Span, Try, limit};
use super::super::plan::{Expand, Plan, Slot, Step};
use super::super::scalar::{Batch, Scalar};
use super::super::value::Type;
use super::Run;
use std::collections::HashMap;
use std::sync::Arc;

/// `mv-apply`: a record without elements has no rows, so it goes.
pub(in super::super) struct Apply {
    pub(in super::super) expand: Expand,
    /// The columns that the sub-query sees.
    pub(in super::super) values: Vec<(Scalar, Type)>,
    pub(in super::super) slot: Arc<Slot>,
    pub(in super::super) plan: Plan,
    pub(in super::super) types: Vec<Type>,
}

impl Step for Apply {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let (expanded, rows) = run.expand(&batch, &self.expand)?;
        let seen = run.map(&expanded, &self.values)?;
        let mut parts = Vec::new();
        let mut records = Vec::new();
        let mut at = 0u32;
        for group in rows.chunk_by(|a, b| a == b) {
            let end = at + group.len() as u32;
            run.charge(group.len() + self.types.len())?;
            self.slot.fill(seen.select((at..end).collect()));
            let part = run.rows(&self.plan)?;
            records.extend(std::iter::repeat_n(group.first().copied().unwrap_or(0), part.rows));
            parts.push(part);
            at = end;
        }
        self.slot.fill(Batch::default());
        let mut out = batch.select(records);
        out.cols.extend(run.stack(parts, &self.types)?.cols);
        Ok(out)
    }

    fn varies(&self) -> bool {
        false
    }
}

/// `partition`: parts in the order in which their keys are first seen.
pub(in super::super) struct Partition {
    pub(in super::super) by: usize,
    pub(in super::super) slot: Arc<Slot>,
    pub(in super::super) plan: Plan,
    pub(in super::super) types: Vec<Type>,
    pub(in super::super) most: usize,
    pub(in super::super) span: Span,
}

impl Step for Partition {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut known = HashMap::new();
        if let Some(column) = batch.cols.get(self.by) {
            for row in 0..batch.rows {
                let at = *known.entry(key(&column.get(row), false)).or_insert(groups.len());
                match groups.get_mut(at) {
                    Some(group) => group.push(row as u32),
                    None => groups.push(vec![row as u32]),
                }
            }
        }
        if groups.len() > self.most {
            let message = format!("partition takes {} values of its column; use hint.strategy=native for more", self.most);
            return Err(limit(self.span, message));
        }
        let mut parts = Vec::new();
        for group in groups {
            run.charge(group.len() + self.types.len())?;
            self.slot.fill(batch.select(group));
            parts.push(run.rows(&self.plan)?);
        }
        self.slot.fill(Batch::default());
        run.stack(parts, &self.types)
    }
}

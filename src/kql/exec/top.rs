//! `top-nested`: the best groups, and in each the best groups of the next level.

use super::super::compare::{key, sort_order, sorts_as_null};
use super::super::error::Try;
use super::super::plan::{Plan, Slot, Step};
use super::super::scalar::{Batch, Col, Scalar};
use super::super::value::{Type, Value};
use super::Run;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

pub(in super::super) struct TopLevel {
    pub(in super::super) of: (Scalar, Type),
    /// Where the rows of a group go, and the aggregate over them.
    pub(in super::super) slot: Arc<Slot>,
    pub(in super::super) plan: Plan,
    pub(in super::super) count: usize,
    /// What the rest is called, if it is shown.
    pub(in super::super) others: Option<Value>,
    pub(in super::super) ascending: bool,
}

pub(in super::super) struct TopNested {
    pub(in super::super) levels: Vec<TopLevel>,
    pub(in super::super) types: Vec<Type>,
}

/// A group: its value, its aggregate and its rows.
type Group = (Value, Value, Vec<u32>);

impl TopLevel {
    fn total(&self, rows: Batch, run: &Run) -> Try<Value> {
        run.charge(rows.rows + 1)?;
        self.slot.fill(rows);
        let total = run.rows(&self.plan)?;
        self.slot.fill(Batch::default());
        Ok(total.cols.first().map_or(Value::Null, |c| c.get(0).into_owned()))
    }

    /// The best groups, and the rows of the others.
    fn groups(&self, batch: &Batch, run: &Run) -> Try<(Vec<Group>, Vec<u32>)> {
        let column = self.of.0.column(batch, self.of.1, run)?;
        let mut known = HashMap::new();
        let mut groups: Vec<(Value, Vec<u32>)> = Vec::new();
        for row in 0..batch.rows {
            let value = column.get(row);
            let at = *known.entry(key(&value, false)).or_insert(groups.len());
            match groups.get_mut(at) {
                Some((_, rows)) => rows.push(row as u32),
                None => groups.push((value.into_owned(), vec![row as u32])),
            }
        }
        let mut ranked = Vec::new();
        for (value, rows) in groups {
            let total = self.total(batch.select(rows.clone()), run)?;
            ranked.push((value, total, rows));
        }
        ranked.sort_by(|(_, a, _), (_, b, _)| match (sorts_as_null(a), sorts_as_null(b)) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ if self.ascending => sort_order(a, b),
            _ => sort_order(b, a),
        });
        let rest = ranked.split_off(self.count.min(ranked.len()));
        let mut rest: Vec<u32> = rest.into_iter().flat_map(|(_, _, rows)| rows).collect();
        rest.sort_unstable();
        Ok((ranked, rest))
    }
}

impl TopNested {
    fn descend(&self, at: usize, batch: &Batch, head: &mut Vec<Value>, run: &Run, made: &mut [Vec<Value>]) -> Try<()> {
        let Some(level) = self.levels.get(at) else {
            run.charge(head.len())?;
            made.iter_mut().zip(head.iter()).for_each(|(column, cell)| column.push(cell.clone()));
            return Ok(());
        };
        let (groups, rest) = level.groups(batch, run)?;
        for (value, total, rows) in groups {
            head.extend([value, total]);
            self.descend(at + 1, &batch.select(rows), head, run, made)?;
            head.truncate(2 * at);
        }
        if let (Some(others), false) = (&level.others, rest.is_empty()) {
            head.extend([others.clone(), level.total(batch.select(rest), run)?]);
            self.descend(at + 1, &Batch::default(), head, run, made)?;
            head.truncate(2 * at);
        }
        Ok(())
    }
}

impl Step for TopNested {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let mut made: Vec<Vec<Value>> = self.types.iter().map(|_| Vec::new()).collect();
        self.descend(0, &batch, &mut Vec::new(), run, &mut made)?;
        let rows = made.first().map_or(0, Vec::len);
        Ok(Batch { cols: made.into_iter().zip(&self.types).map(|(cells, ty)| Col::own(cells, *ty)).collect(), rows })
    }
}

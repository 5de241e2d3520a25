//! `sort` and `top`: what a row is sorted by is made a number first, so that comparing two rows is comparing two numbers.

use super::super::cells::Cells;
use super::super::compare::{sort_order, sorts_as_null};
use super::super::error::Try;
use super::super::plan::SortKey;
use super::super::scalar::{Batch, Col};
use super::super::value::Value;
use super::Run;
use std::cmp::Ordering;

/// How many rows are put in order between two looks whether to go on.
const LOOK: u32 = 1 << 16;

/// The first and the last number that no cell has.
const BELOW: u64 = 0;
const ABOVE: u64 = u64::MAX;

/// One key of all rows: less comes first.
enum Ranks {
    Numbers(Vec<u64>),
    Cells(Col),
}

fn ranks(col: Col, key: &SortKey, rows: usize, run: &Run) -> Try<Ranks> {
    let turned = |number: u64| if key.ascending { number } else { !number };
    let null = if key.nulls_first { BELOW } else { ABOVE };
    let numbers = match col.cells() {
        Cells::Whole { numbers, nulls, .. } => {
            let extreme = |n: &i64| *n == i64::MIN || *n == i64::MAX;
            if numbers.iter().any(extreme) {
                return Ok(Ranks::Cells(col));
            }
            let rank = |row: usize| {
                let cell = col.at(row).and_then(|at| numbers.get(at).filter(|_| !nulls.has(at)));
                cell.map_or(null, |n| turned(n.cast_unsigned() ^ (1 << 63)))
            };
            (0..rows).map(rank).collect()
        }
        Cells::Dict { values, codes } if values.len() < rows => {
            let absent = col.absent();
            let of = |code: usize| values.get(code).filter(|v| !v.is_null()).unwrap_or(absent);
            let mut order: Vec<usize> = (0..=values.len()).collect();
            order.sort_by(|a, b| sort_order(of(*a), of(*b)));
            run.tick()?;
            let mut rank_of = vec![0u64; values.len() + 1];
            let (mut rank, mut last) = (0, None);
            for code in order {
                if last.is_some_and(|last: usize| sort_order(of(last), of(code)) != Ordering::Equal) {
                    rank += 1;
                }
                last = Some(code);
                // Null and NaN keep their order among themselves, in front of or behind all others.
                let value = of(code);
                let number = match (sorts_as_null(value), key.nulls_first) {
                    (true, true) => u64::from(!value.is_null()),
                    (true, false) => ABOVE - u64::from(!value.is_null()),
                    (false, _) => turned((1 << 62) + rank),
                };
                rank_of.get_mut(code).into_iter().for_each(|slot| *slot = number);
            }
            let rank = |row: usize| {
                let code = col.at(row).and_then(|at| codes.get(at)).map_or(values.len(), |c| values.len().min(*c as usize));
                rank_of.get(code).copied().unwrap_or(null)
            };
            (0..rows).map(rank).collect()
        }
        _ => return Ok(Ranks::Cells(col)),
    };
    Ok(Ranks::Numbers(numbers))
}

/// The order of two cells, with the nulls where the query wants them.
fn compare(x: &Value, y: &Value, key: &SortKey) -> Ordering {
    let nulls = (sorts_as_null(x), sorts_as_null(y));
    match nulls {
        (true, true) if key.nulls_first => sort_order(x, y),
        (true, true) => sort_order(y, x),
        (false, false) if key.ascending => sort_order(x, y),
        (false, false) => sort_order(y, x),
        (x_null, _) if x_null == key.nulls_first => Ordering::Less,
        _ => Ordering::Greater,
    }
}

impl Run {
    pub(super) fn sort(&self, batch: &Batch, keys: &[SortKey], count: Option<usize>) -> Try<Batch> {
        let mut columns = Vec::new();
        for key in keys {
            let col = key.value.column(batch, key.ty, self)?;
            let ranks = if self.is_plain() { Ranks::Cells(col) } else { ranks(col, key, batch.rows, self)? };
            columns.push((ranks, key));
        }
        let order = |a: &u32, b: &u32| {
            for (ranks, key) in &columns {
                let order = match ranks {
                    Ranks::Numbers(ranks) => ranks.get(*a as usize).cmp(&ranks.get(*b as usize)),
                    Ranks::Cells(col) => compare(&col.get(*a as usize), &col.get(*b as usize), key),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.cmp(b)
        };
        let mut rows: Vec<u32> = (0..batch.rows as u32).collect();
        if let Some(count) = count.filter(|count| *count < rows.len()) {
            rows = self.foremost(rows, count, &order)?;
        }
        let rows = self.ordered(rows, &order)?;
        Ok(batch.select(rows))
    }

    /// The rows that come first, in any order.
    fn foremost(&self, rows: Vec<u32>, count: usize, order: &impl Fn(&u32, &u32) -> Ordering) -> Try<Vec<u32>> {
        let mut best: Vec<u32> = Vec::new();
        for piece in rows.chunks((LOOK as usize).max(count)) {
            self.tick()?;
            best.extend_from_slice(piece);
            if count < best.len() {
                best.select_nth_unstable_by(count, order);
                best.truncate(count);
            }
        }
        Ok(best)
    }

    /// Sorted piece by piece, and the pieces merged, with a look in between whether to go on.
    fn ordered(&self, mut rows: Vec<u32>, order: &impl Fn(&u32, &u32) -> Ordering) -> Try<Vec<u32>> {
        let mut runs: Vec<Vec<u32>> = Vec::new();
        for piece in rows.chunks_mut(LOOK as usize) {
            self.tick()?;
            piece.sort_unstable_by(order);
            runs.push(piece.to_vec());
        }
        while runs.len() > 1 {
            let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
            let mut pairs = runs.into_iter();
            while let Some(one) = pairs.next() {
                merged.push(match pairs.next() {
                    Some(other) => self.merged(&one, &other, order)?,
                    None => one,
                });
            }
            runs = merged;
        }
        Ok(runs.pop().unwrap_or_default())
    }

    fn merged(&self, one: &[u32], other: &[u32], order: &impl Fn(&u32, &u32) -> Ordering) -> Try<Vec<u32>> {
        let mut both = Vec::with_capacity(one.len() + other.len());
        let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
        while let (Some(a), Some(b)) = (one.peek(), other.peek()) {
            self.tick()?;
            both.extend(if order(a, b).is_le() { one.next() } else { other.next() });
        }
        both.extend(one.chain(other));
        Ok(both)
    }
}

//! `join`: the rows of two tables whose keys are equal.

use super::super::ast::JoinKind;
use super::super::error::Try;
use super::super::plan::Join;
use super::super::scalar::{Batch, Col, NO_ROW};
use super::Run;
use super::groups::{self, Groups, Index, Meeting, NONE, Pairs};
use std::collections::HashMap;

/// The right rows by the number of their key.
struct Rows {
    /// Where a key's rows begin; one more than there are keys.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Rows {
    fn new(keys: &Groups) -> Rows {
        let mut starts = vec![0u32; keys.count + 1];
        for key in &keys.of {
            if let Some(start) = starts.get_mut(*key as usize + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut rows = vec![0; sum as usize];
        for (row, key) in keys.of.iter().enumerate().filter(|(_, key)| **key != NONE) {
            if let Some(at) = next.get_mut(*key as usize) {
                if let Some(slot) = rows.get_mut(*at as usize) {
                    *slot = row as u32;
                }
                *at += 1;
            }
        }
        Rows { starts, rows }
    }

    fn of(&self, key: u32) -> &[u32] {
        let bounds = self.starts.get(key as usize).zip(self.starts.get((key as usize).saturating_add(1)));
        bounds.and_then(|(from, to)| self.rows.get(*from as usize..*to as usize)).unwrap_or_default()
    }
}

/// The numbers of the keys of both sides: equal keys have one number, and what meets nothing has none.
fn keys(left: &Batch, right: &Batch, join: &Join, run: &Run) -> Try<(Vec<u32>, Groups)> {
    let real = join.on.first().is_some_and(|(_, _, real)| *real);
    if run.is_plain() && join.on.iter().all(|(_, _, other)| *other == real) {
        let side = |batch: &Batch, on: fn(&(usize, usize, bool)) -> usize| -> Vec<Col> {
            join.on.iter().filter_map(|columns| batch.cols.get(on(columns)).cloned()).collect()
        };
        let (mut known, meeting) = (HashMap::new(), Meeting::Join { real });
        let right = groups::plainly(&side(right, |on| on.1), right.rows, meeting, &mut known, false, run)?;
        let left = groups::plainly(&side(left, |on| on.0), left.rows, meeting, &mut known, true, run)?;
        return Ok((left.of, right));
    }
    let mut both: Option<(Vec<u32>, Groups)> = None;
    for (on_left, on_right, real) in &join.on {
        let (Some(on_left), Some(on_right)) = (left.cols.get(*on_left), right.cols.get(*on_right)) else { continue };
        let meeting = Meeting::Join { real: *real };
        let mut index = Index::default();
        let of_right = index.number(on_right, right.rows, meeting, run)?;
        index.close();
        let of_left = index.number(on_left, left.rows, meeting, run)?;
        both = Some(match both {
            None => (of_left.of, of_right),
            Some((left, right)) => {
                let mut pairs = Pairs::new(right.count, of_right.count);
                let right = pairs.number(&right.of, &of_right, run)?;
                pairs.close();
                (pairs.number(&left, &of_left, run)?.of, right)
            }
        });
    }
    Ok(both.unwrap_or_else(|| (vec![0; left.rows], Groups::one(right.rows))))
}

impl Run {
    pub(super) fn join(&self, left: &Batch, join: &Join) -> Try<Batch> {
        let right = self.rows(&join.right)?;
        self.charge(right.rows)?;
        let (left_keys, right_keys) = keys(left, &right, join, self)?;
        let index = Rows::new(&right_keys);
        let kind = join.kind;
        if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
            let wanted = kind == JoinKind::LeftSemi;
            let rows = left_keys.iter().enumerate().filter(|(_, key)| index.of(**key).is_empty() != wanted);
            return Ok(left.select(rows.map(|(row, _)| row as u32).collect()));
        }
        if matches!(kind, JoinKind::RightSemi | JoinKind::RightAnti) {
            let wanted = kind == JoinKind::RightSemi;
            let mut met = vec![false; right_keys.count];
            left_keys.iter().for_each(|key| met.get_mut(*key as usize).into_iter().for_each(|met| *met = true));
            let hit = |key: u32| met.get(key as usize).copied().unwrap_or(false);
            let rows = right_keys.of.iter().enumerate().filter(|(_, key)| hit(**key) == wanted);
            return Ok(right.select(rows.map(|(row, _)| row as u32).collect()));
        }
        let width = left.cols.len() + right.cols.len();
        let (mut from_left, mut from_right) = (Vec::new(), Vec::new());
        let mut matched = vec![false; right.rows];
        let mut seen = vec![false; right_keys.count];
        for (row, key) in left_keys.iter().enumerate() {
            let hits = index.of(*key);
            if kind == JoinKind::InnerUnique
                && let Some(seen) = seen.get_mut(*key as usize)
                && std::mem::replace(seen, true)
            {
                continue;
            }
            self.charge(hits.len().saturating_mul(width))?;
            self.hold(hits.len().saturating_mul(16))?;
            for hit in hits {
                from_left.push(row as u32);
                from_right.push(*hit);
                if let Some(mark) = matched.get_mut(*hit as usize) {
                    *mark = true;
                }
            }
            if hits.is_empty() && matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter) {
                from_left.push(row as u32);
                from_right.push(NO_ROW);
            }
        }
        if matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter) {
            for (row, _) in matched.iter().enumerate().filter(|(_, m)| !**m) {
                from_left.push(NO_ROW);
                from_right.push(row as u32);
            }
        }
        let mut joined = left.select(from_left);
        joined.cols.extend(right.select(from_right).cols);
        Ok(joined)
    }
}

//! Rows by what they have in common: each row gets the number of its group, in the order in which groups are first seen.

use super::super::cells::Cells;
use super::super::compare::{Key, key, order};
use super::super::error::Try;
use super::super::scalar::Col;
use super::super::value::Value;
use super::Run;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A hash for numbers that are ours: one multiplication, folded.
#[derive(Default)]
pub(in super::super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(self.0 ^ number ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

pub(in super::super) type Numbers<K> = HashMap<K, u32, BuildHasherDefault<Mix>>;

/// The number of a row that has none.
pub(in super::super) const NONE: u32 = u32::MAX;

/// Pairs of numbers whose table is smaller than this need no hash.
const SMALL: usize = 1 << 21;

/// Pairs of numbers of which there are no more need a bit each, and no hash.
const MARKED: usize = 1 << 27;

/// The groups of rows.
pub(in super::super) struct Groups {
    /// One number a row.
    pub(in super::super) of: Vec<u32>,
    /// How many groups.
    pub(in super::super) count: usize,
}

impl Groups {
    /// All rows in one group.
    pub(in super::super) fn one(rows: usize) -> Groups {
        Groups { of: vec![0; rows], count: 1 }
    }

    /// The first row of each group, in their order.
    pub(in super::super) fn firsts(&self) -> Vec<u32> {
        let mut firsts = Vec::with_capacity(self.count);
        for (row, group) in self.of.iter().enumerate() {
            if *group as usize == firsts.len() {
                firsts.push(row as u32);
            }
        }
        firsts
    }
}

/// Groups rows with equal cells in all columns.
pub(in super::super) fn groups(cols: &[Col], rows: usize, run: &Run) -> Try<Groups> {
    let Some((first, rest)) = cols.split_first() else { return Ok(Groups { count: usize::from(rows > 0), ..Groups::one(rows) }) };
    if run.is_plain() {
        return plainly(cols, rows, Meeting::Group, &mut HashMap::new(), false, run);
    }
    let mut all = Index::default().number(first, rows, Meeting::Group, run)?;
    for col in rest {
        let more = Index::default().number(col, rows, Meeting::Group, run)?;
        all = Pairs::new(all.count, more.count).number(&all.of, &more, run)?;
    }
    Ok(all)
}

/// Groups rows by the keys of all columns, one row after the other.
pub(in super::super) fn plainly(
    cols: &[Col],
    rows: usize,
    meeting: Meeting,
    known: &mut HashMap<Vec<Key>, u32>,
    closed: bool,
    run: &Run,
) -> Try<Groups> {
    let mut count = known.len() as u32;
    let of = |row| {
        run.tick()?;
        let key: Option<Vec<Key>> = cols.iter().map(|col| meeting.key(&col.get(row))).collect();
        Ok(key.map_or(NONE, |key| number(known, key, &mut count, closed)))
    };
    let of = (0..rows).map(of).collect::<Try<Vec<u32>>>()?;
    Ok(Groups { of, count: count as usize })
}

/// By which rule cells are one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Meeting {
    /// Nulls are a group of their own.
    Group,
    /// What is null or NaN has no number.
    Distinct,
    /// As in a join: null meets null, NaN meets nothing; whether numbers meet as reals.
    Join { real: bool },
}

impl Meeting {
    fn key(self, value: &Value) -> Option<Key> {
        match self {
            Meeting::Group => Some(key(value, false)),
            Meeting::Distinct => (!value.is_null()).then(|| key(value, false)),
            Meeting::Join { .. } if value.is_null() => Some(key(value, false)),
            Meeting::Join { real } => order(value, value).map(|_| key(value, real)),
        }
    }
}

/// The numbers of the keys of one column.
#[derive(Default)]
pub(in super::super) struct Index {
    keys: HashMap<Key, u32>,
    whole: Numbers<i64>,
    count: u32,
    /// Keys that are not there yet get no number.
    closed: bool,
}

impl Index {
    /// From now on nothing is added.
    pub(in super::super) fn close(&mut self) {
        self.closed = true;
    }

    fn of_key(&mut self, key: Option<Key>) -> u32 {
        match key {
            None => NONE,
            Some(Key::Number(number)) => self.of_whole(number),
            Some(key) => number(&mut self.keys, key, &mut self.count, self.closed),
        }
    }

    fn of_whole(&mut self, key: i64) -> u32 {
        number(&mut self.whole, key, &mut self.count, self.closed)
    }

    /// The number of each row's key.
    pub(in super::super) fn number(&mut self, col: &Col, rows: usize, meeting: Meeting, run: &Run) -> Try<Groups> {
        let mut of = Vec::with_capacity(rows);
        match col.cells() {
            Cells::Dict { values, codes } => {
                // What a value's number is; one behind the last stands for null.
                let mut known: Vec<Option<u32>> = vec![None; values.len() + 1];
                for row in 0..rows {
                    let code = col.at(row).and_then(|at| codes.get(at)).map_or(values.len(), |c| values.len().min(*c as usize));
                    let known = known.get_mut(code);
                    of.push(match known.as_ref().and_then(|k| **k) {
                        Some(number) => number,
                        None => {
                            run.tick()?;
                            let number = self.of_key(meeting.key(&col.get(row)));
                            if let Some(known) = known {
                                *known = Some(number);
                            }
                            number
                        }
                    });
                }
            }
            Cells::Whole { numbers, nulls, .. } if !matches!(meeting, Meeting::Join { real: true }) => {
                let mut last = None;
                for row in 0..rows {
                    let cell = col.at(row).and_then(|at| numbers.get(at).filter(|_| !nulls.has(at)));
                    of.push(match (cell, last) {
                        (Some(cell), Some((known, number))) if *cell == known => number,
                        (Some(cell), _) => {
                            run.tick()?;
                            let number = self.of_whole(*cell);
                            last = Some((*cell, number));
                            number
                        }
                        (None, _) => self.of_key(meeting.key(&col.get(row))),
                    });
                }
            }
            _ => {
                for row in 0..rows {
                    run.tick()?;
                    of.push(self.of_key(meeting.key(&col.get(row))));
                }
            }
        }
        Ok(Groups { of, count: self.count as usize })
    }
}

fn number<K: Hash + Eq, S: std::hash::BuildHasher>(known: &mut HashMap<K, u32, S>, key: K, count: &mut u32, closed: bool) -> u32 {
    if closed {
        return known.get(&key).copied().unwrap_or(NONE);
    }
    *known.entry(key).or_insert_with(|| {
        *count += 1;
        *count - 1
    })
}

/// The numbers of pairs of numbers.
pub(in super::super) struct Pairs {
    wide: usize,
    table: Vec<u32>,
    hashed: Numbers<u64>,
    count: u32,
    closed: bool,
}

impl Pairs {
    /// For so many numbers on each side.
    pub(in super::super) fn new(left: usize, right: usize) -> Pairs {
        let cells = left.saturating_mul(right);
        let table = if cells <= SMALL { vec![NONE; cells] } else { Vec::new() };
        Pairs { wide: right, table, hashed: Numbers::default(), count: 0, closed: false }
    }

    /// From now on nothing is added.
    pub(in super::super) fn close(&mut self) {
        self.closed = true;
    }

    #[inline]
    fn of(&mut self, left: u32, right: u32) -> u32 {
        if left == NONE || right == NONE {
            return NONE;
        }
        match self.table.get_mut(left as usize * self.wide + right as usize) {
            Some(slot) => {
                if *slot == NONE && !self.closed {
                    *slot = self.count;
                    self.count += 1;
                }
                *slot
            }
            None => number(&mut self.hashed, u64::from(left) << 32 | u64::from(right), &mut self.count, self.closed),
        }
    }

    /// The number of each row's pair.
    pub(in super::super) fn number(&mut self, left: &[u32], right: &Groups, run: &Run) -> Try<Groups> {
        let mut of = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(&right.of) {
            run.tick()?;
            of.push(self.of(*left, *right));
        }
        Ok(Groups { of, count: self.count as usize })
    }
}

/// Which pairs of numbers have been seen.
pub(in super::super) struct Seen {
    wide: usize,
    bits: Vec<u64>,
    hashed: HashSet<u64, BuildHasherDefault<Mix>>,
}

impl Seen {
    /// For so many numbers on each side.
    pub(in super::super) fn new(left: usize, right: usize) -> Seen {
        let pairs = left.saturating_mul(right);
        let bits = if pairs <= MARKED { vec![0; pairs.div_ceil(64)] } else { Vec::new() };
        Seen { wide: right, bits, hashed: HashSet::default() }
    }

    /// Whether a pair is new; without a number on a side it is none.
    #[inline]
    pub(in super::super) fn is_new(&mut self, left: u32, right: u32) -> bool {
        if left == NONE || right == NONE {
            return false;
        }
        let pair = left as usize * self.wide + right as usize;
        match self.bits.get_mut(pair / 64) {
            Some(word) => {
                let bit = 1 << (pair % 64);
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
            None => self.hashed.insert(u64::from(left) << 32 | u64::from(right)),
        }
    }
}

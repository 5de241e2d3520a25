//! One walk by `$skip`, over rows that shift while we read.
//!
//! `$skip` counts rows, and rows come and go: where one goes away in front, the next page begins one too late and a row is never seen. So
//! each page begins with the last row that we have. If it does not, rows went away in front, and we reach back in growing steps until what
//! we know is there again. Where rows moved to places that we had passed, we look once more at the end. What comes twice is dropped.
//! Only hashes of ids are kept. Rows without a key cannot be told apart: there it is plain `$skip`.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

/// So many of the last rows are known in their order.
const TAIL: usize = 64;
/// So many of them in a row show the place, where the very last is gone.
const RUN: usize = 4;
/// So often the same page may come without a new row in it. Once is chance: as many rows came in front as we went on.
const REPEATS: u32 = 5;
/// How often we look for rows that move while we look for them.
const MOVES: u32 = 4;
/// How often the whole list is read again at most where its order does not hold.
const LOOKS: u32 = 20;

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) skip: u64,
    pub(super) top: Option<u64>,
}

/// What became of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Which of its rows are new.
    Rows(Vec<bool>),
    /// It does not follow what we have; ask again.
    Again,
}

#[derive(Debug)]
pub(super) struct Skip {
    keyed: bool,
    start: u64,
    size: Option<u64>,
    page_max: u64,
    /// The largest `$skip` that the service takes.
    limit: Option<u64>,
    /// Whether the page at the limit may be asked for although most of it is known.
    stretch: bool,
    /// Where the rows behind the last page begin.
    next: u64,
    /// Where rows begin that were never seen.
    frontier: u64,
    /// How far the next page reaches back.
    back: u64,
    tail: VecDeque<u64>,
    seen: HashSet<u64>,
    /// How many rows may have moved to where we had been.
    owed: u64,
    found: u64,
    /// So many known rows came since the last new one, in whole pages.
    quiet: u64,
    looking: bool,
    /// Whether rows moved while we looked again.
    moved: bool,
    looks: u32,
    returns: u32,
    print: u64,
    same: u32,
    done: bool,
    /// Why the walk cannot go on, although the last page was good.
    pub(super) broken: Option<&'static str>,
}

impl Skip {
    /// A walk; `size` is the page that is wanted, if one is asked for.
    pub(super) fn new(keyed: bool, start: u64, size: Option<u64>, page_max: u64) -> Skip {
        Skip {
            keyed,
            start,
            size,
            page_max,
            limit: None,
            stretch: false,
            next: start,
            frontier: start,
            back: 1,
            tail: VecDeque::new(),
            seen: HashSet::new(),
            owed: 0,
            found: 0,
            quiet: 0,
            looking: false,
            moved: false,
            looks: 0,
            returns: 0,
            print: 0,
            same: 0,
            done: false,
            broken: None,
        }
    }

    /// The service skips no further than that. With `stretch` the last page overlaps as far as it must to reach as far as it can.
    pub(super) fn limited(mut self, limit: u64, stretch: bool) -> Skip {
        (self.limit, self.stretch) = (Some(limit), stretch);
        self
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the next page lies behind what the service skips.
    pub(super) fn at_limit(&self) -> bool {
        match self.limit {
            Some(limit) if self.stretch => self.next >= limit + self.page_max,
            Some(limit) => self.next.saturating_sub(self.reach()) > limit,
            None => false,
        }
    }

    /// Whether the order does not hold and has to be taken as it comes.
    fn unstable(&self) -> bool {
        self.returns > 3
    }

    fn reach(&self) -> u64 {
        let back = if self.tail.is_empty() || self.unstable() { 0 } else { self.back.min(self.next - self.start) };
        match self.limit {
            Some(limit) if self.stretch => back.max(self.next.saturating_sub(limit)),
            _ => back,
        }
    }

    /// Where a page lies that a link led to.
    pub(super) fn place(&self) -> Ask {
        Ask { skip: self.next, top: None }
    }

    /// What to ask for, where so many rows are wanted in all.
    pub(super) fn ask(&self, wanted: Option<u64>) -> Ask {
        let back = self.reach();
        let size = match (self.size, wanted) {
            (Some(size), Some(wanted)) => Some(size.min(wanted)),
            (size, wanted) => size.or(wanted),
        };
        Ask { skip: self.next - back, top: size.map(|s| s.saturating_add(back).min(self.page_max)) }
    }

    /// Takes a page in: the ids of its rows and a fingerprint of it. An error says why the walk cannot go on.
    pub(super) fn accept(&mut self, ids: &[Option<u64>], print: u64, ask: Ask, has_link: bool) -> Result<Taken, &'static str> {
        let count = ids.len() as u64;
        let more = count > 0 && (has_link || ask.top.is_some_and(|top| count >= top));
        if !self.follows(ids, ask) {
            let whole = self.next - self.start;
            self.back = self.back.saturating_mul(8).min(whole);
            self.returns += u32::from(self.back == whole);
            return Ok(Taken::Again);
        }
        let known = ids.iter().flatten().filter(|id| self.seen.contains(id)).count() as u64;
        let fresh: Vec<bool> = ids.iter().map(|id| id.is_none_or(|id| self.seen.insert(id))).collect();
        let new = fresh.iter().filter(|f| **f).count() as u64;
        self.same = if print == self.print && more && (!self.keyed || new == 0) { self.same + 1 } else { 0 };
        self.print = print;
        if self.same > if self.keyed { REPEATS } else { 0 } {
            return Err("the same page came again: the service does not heed $skip");
        }
        if self.looking {
            self.found += new;
            self.quiet = if new > 0 { 0 } else { self.quiet + count };
            let place = self.tail.back().and_then(|last| ids.iter().position(|id| *id == Some(*last)));
            self.moved |= place.is_some_and(|place| ask.skip + place as u64 + 1 > self.next);
        } else if self.keyed && ask.top.is_some() {
            // More rows than we have read lie in front of here now.
            let expected = self.frontier.saturating_sub(ask.skip).min(count);
            self.owed = self.owed.saturating_add(known.saturating_sub(expected));
        }
        (self.next, self.back) = (ask.skip + count, 1);
        self.frontier = if new > 0 { self.next } else { self.frontier.max(self.next) };
        self.remember(ids);
        if !more || (self.looking && !self.unstable() && self.found >= self.owed && self.quiet >= TAIL as u64) {
            self.end();
        }
        Ok(Taken::Rows(fresh))
    }

    /// Whether a page continues what we have: nothing lies between.
    fn follows(&self, ids: &[Option<u64>], ask: Ask) -> bool {
        let Some(last) = self.tail.back() else { return true };
        if ask.skip >= self.next || ask.skip <= self.start || self.unstable() {
            return true;
        }
        let run: Option<Vec<u64>> = ids.get(..RUN).and_then(|ids| ids.iter().copied().collect());
        ids.contains(&Some(*last)) || run.is_some_and(|run| self.tail.iter().copied().collect::<Vec<_>>().windows(RUN).any(|w| w == run))
    }

    fn remember(&mut self, ids: &[Option<u64>]) {
        if !self.keyed || ids.last().is_some_and(Option::is_none) {
            return self.tail.clear();
        }
        let page: Vec<u64> = ids.iter().flatten().copied().collect();
        let last = page.get(page.len().saturating_sub(TAIL)..).unwrap_or_default();
        self.tail.retain(|id| !last.contains(id));
        self.tail.extend(last);
        while self.tail.len() > TAIL {
            self.tail.pop_front();
        }
    }

    fn end(&mut self) {
        let again = match self.looking {
            _ if self.unstable() => !self.looking || self.found > 0,
            true => self.moved && self.looks < MOVES,
            false => self.owed > 0,
        };
        self.done = !again;
        if again && self.looks == LOOKS {
            self.broken = Some("the rows come in another order each time");
        }
        self.owed = self.owed.saturating_sub(self.found);
        self.looks += 1;
        (self.looking, self.moved, self.found, self.quiet, self.next) = (true, false, 0, 0, self.start);
        self.tail.clear();
    }
}

/// A hash that stands for a text.
pub(super) fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

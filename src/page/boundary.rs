//! Lists that the service skips through only so far: read in windows of a time.
//!
//! A window is read by `$skip`. Where that ends before the window does, the times that were seen say how to go on. Do they fall or rise
//! from row to row, then the rest lies beyond the last of them, and one small request makes sure that nothing lies on this side. Otherwise
//! the window is cut in two at their median. Windows include their edges, and what comes twice is dropped.

use super::skip::{Ask, Skip};
use crate::json::Value;
use jiff::Timestamp;

/// The largest `$skip` that the service takes.
const SKIP_MAX: u64 = 500;

/// A moment as the service wrote it.
#[derive(Clone, Debug)]
struct Moment {
    at: Timestamp,
    text: String,
}

impl Moment {
    fn read(value: Option<&Value>) -> Option<Moment> {
        let text = value?.as_str()?;
        let at: Timestamp = text.parse().ok()?;
        let text = if text.ends_with('Z') { text.to_owned() } else { at.to_string() };
        Some(Moment { at, text })
    }
}

/// An edge, and whether it belongs to the window.
type Edge = Option<(Moment, bool)>;

#[derive(Clone, Debug)]
struct Window {
    low: Edge,
    high: Edge,
    /// Whether the order of its rows was found wanting: cut it, trust nothing.
    cut: bool,
}

impl Window {
    fn moment(&self) -> Option<&Moment> {
        match (&self.low, &self.high) {
            (Some((low, true)), Some((high, true))) if low.at == high.at => Some(low),
            _ => None,
        }
    }

    fn filter(&self, key: &str) -> Option<String> {
        let edge = |edge: &Edge, with: &str, without: &str| {
            edge.as_ref().map(|(m, included)| format!("{key} {} {}", if *included { with } else { without }, m.text))
        };
        let edges: Vec<String> = [edge(&self.low, "ge", "gt"), edge(&self.high, "le", "lt")].into_iter().flatten().collect();
        (!edges.is_empty()).then(|| edges.join(" and "))
    }
}

#[derive(Clone, Debug)]
enum Task {
    /// Read its rows.
    Read(Window),
    /// Ask how many rows it has; if more than we know, read it.
    Count(Window, u64),
}

#[derive(Debug)]
pub(super) struct Boundary {
    key: &'static str,
    size: u64,
    page_max: u64,
    /// What is to be done; the last comes first.
    tasks: Vec<Task>,
    pub(super) walk: Skip,
    /// The times of the window's rows, in the order in which they came.
    times: Vec<Moment>,
    /// Whether a row had no time that could be read.
    timeless: bool,
}

impl Boundary {
    pub(super) fn new(key: &'static str, size: u64, page_max: u64) -> Boundary {
        let whole = Window { low: None, high: None, cut: false };
        let walk = Skip::new(true, 0, Some(size), page_max).limited(SKIP_MAX, false);
        Boundary { key, size, page_max, tasks: vec![Task::Read(whole)], walk, times: Vec::new(), timeless: false }
    }

    /// Whether the rows of the next answer only have to be counted.
    pub(super) fn counts(&self) -> bool {
        matches!(self.tasks.last(), Some(Task::Count(..)))
    }

    pub(super) fn is_done(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The window's filter together with the user's.
    pub(super) fn filter(&self, user: Option<&str>) -> Option<String> {
        let (Task::Read(window) | Task::Count(window, _)) = self.tasks.last()?;
        match (user, window.filter(self.key)) {
            (Some(user), Some(own)) => Some(format!("({user}) and {own}")),
            (user, own) => own.or_else(|| user.map(str::to_owned)),
        }
    }

    pub(super) fn ask(&self, wanted: Option<u64>) -> Ask {
        if self.counts() { Ask { skip: 0, top: Some(1) } } else { self.walk.ask(wanted) }
    }

    /// Keeps the times of the rows that are new in this window.
    pub(super) fn note(&mut self, items: &[Value], fresh: &[bool]) {
        for (item, _) in items.iter().zip(fresh).filter(|(_, fresh)| **fresh) {
            match Moment::read(item.get(self.key)) {
                Some(moment) => self.times.push(moment),
                None => self.timeless = true,
            }
        }
    }

    /// Takes in how many rows there are.
    pub(super) fn counted(&mut self, count: Option<u64>) {
        if let Some(Task::Count(window, known)) = self.tasks.pop()
            && count.is_none_or(|count| count > known)
        {
            self.tasks.push(Task::Read(Window { cut: true, ..window }));
        }
        self.begin();
    }

    /// The window has been read to its end.
    pub(super) fn finished(&mut self) {
        self.tasks.pop();
        self.begin();
    }

    fn begin(&mut self) {
        (self.times, self.timeless) = (Vec::new(), false);
        let stretch = matches!(self.tasks.last(), Some(Task::Read(window)) if window.moment().is_some());
        self.walk = Skip::new(true, 0, Some(self.size), self.page_max).limited(SKIP_MAX, stretch);
    }

    /// The window has more rows than can be skipped through. An error says why there is no other way.
    pub(super) fn overflow(&mut self) -> Result<(), String> {
        let key = self.key;
        let Some(Task::Read(window) | Task::Count(window, _)) = self.tasks.last().cloned() else { return Ok(()) };
        if let Some(moment) = window.moment() {
            return Err(format!(
                "more than {} rows have the same {key}, {}; the service gives no more of them",
                self.times.len(),
                moment.text
            ));
        }
        let mut sorted = self.times.clone();
        sorted.sort_by_key(|m| m.at);
        let (Some(first), Some(last), Some(min), Some(max)) = (self.times.first(), self.times.last(), sorted.first(), sorted.last()) else {
            return Err(format!("the service refuses to skip, and no row shows where to go on by {key}"));
        };
        if self.timeless {
            return Err(format!("the service skips no further, and a row has no {key} to go on from"));
        }
        let pairs = || self.times.iter().zip(self.times.iter().skip(1));
        let falls = first.at > last.at && pairs().all(|(a, b)| a.at >= b.at);
        let rises = first.at < last.at && pairs().all(|(a, b)| a.at <= b.at);
        let next = if falls && !window.cut {
            let known = self.times.iter().filter(|m| m.at > last.at).count() as u64;
            let rest = Window { high: Some((last.clone(), true)), ..window.clone() };
            let done = Window { low: Some((last.clone(), false)), ..window.clone() };
            let mut next = vec![Task::Count(done, known), Task::Read(rest)];
            if window.high.is_none() {
                // What changes while we go down comes up here.
                next.push(Task::Read(Window { low: Some((max.clone(), true)), high: None, cut: false }));
            }
            next
        } else if rises && !window.cut {
            let known = self.times.iter().filter(|m| m.at < last.at).count() as u64;
            let rest = Window { low: Some((last.clone(), true)), ..window.clone() };
            let done = Window { high: Some((last.clone(), false)), ..window.clone() };
            vec![Task::Count(done, known), Task::Read(rest)]
        } else {
            let median = sorted.get(sorted.len() / 2).unwrap_or(min);
            // At the lower edge a cut would not make the window smaller: there the edge becomes a window of its own.
            let at_edge = matches!(&window.low, Some((low, true)) if low.at == median.at);
            let cut = |low: Edge, high: Edge| Task::Read(Window { low, high, cut: window.cut });
            let mid = |included| Some((median.clone(), included));
            if at_edge {
                vec![cut(mid(true), mid(true)), cut(mid(false), window.high.clone())]
            } else {
                vec![cut(window.low.clone(), mid(false)), cut(mid(true), window.high.clone())]
            }
        };
        self.tasks.pop();
        self.tasks.extend(next.into_iter().rev());
        self.begin();
        Ok(())
    }
}

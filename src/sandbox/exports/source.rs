//! A snapshot of an export: rows by their number, made when they are asked for.
//!
//! A tenant of forty machines exports a few hundred rows; whoever tests a download wants a million. So the rows of the real machines are
//! repeated under other device ids as often as [`Options::export_rows`](super::super::Options::export_rows) says, and never all at once.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::rows::{self, Subject};
use crate::sandbox::clock::SECOND;
use crate::sandbox::{House, clock};

/// How often the service makes a snapshot.
pub(super) const PERIOD: i64 = 6 * 3600 * SECOND;
/// How old a snapshot is when it can be had.
const DELAY: i64 = 3600 * SECOND;
/// A file has at most so many rows.
const PART_ROWS: u64 = 50_000;

/// A row of a machine that there is.
struct Row {
    device: String,
    group: i64,
    /// JSON.
    text: String,
}

/// A snapshot of an export.
pub(super) struct Source {
    rows: Vec<Row>,
    total: u64,
    pub(super) snapshot: i64,
    /// When it was made, in ticks.
    pub(super) generated: i64,
}

/// The number of the newest snapshot.
pub(super) fn newest(house: &House) -> i64 {
    (house.clock.now() - house.clock.start()).max(0) / PERIOD
}

impl Source {
    pub(super) fn new(house: &House, subject: Subject, snapshot: i64) -> Source {
        let generated = house.clock.start() - DELAY + snapshot * PERIOD;
        let machines = &house.pristine.machines;
        let row = |machine: &crate::sandbox::seed::Machine, value: &crate::json::Value| Row {
            device: machine.id.to_string(),
            group: machine.group_id,
            text: value.to_string(),
        };
        let mut all: Vec<Row> =
            machines.iter().flat_map(|m| subject.of(m, generated).iter().map(|v| row(m, v)).collect::<Vec<_>>()).collect();
        let wanted = house.options.export_rows;
        let later = usize::try_from(snapshot).unwrap_or_default();
        if subject == Subject::Software && wanted.is_none() && snapshot > 0 {
            all.extend(machines.iter().cycle().nth(later).map(|m| row(m, &rows::newcomer(m, snapshot))));
        }
        let total = if all.is_empty() { 0 } else { wanted.unwrap_or(all.len() as u64) };
        Source { rows: all, total, snapshot, generated }
    }

    /// A list that is no snapshot.
    pub(super) fn of(values: &[crate::json::Value]) -> Source {
        let rows: Vec<Row> = values.iter().map(|v| Row { device: String::new(), group: 0, text: v.to_string() }).collect();
        Source { total: rows.len() as u64, rows, snapshot: 0, generated: 0 }
    }

    pub(super) fn len(&self) -> u64 {
        self.total
    }

    fn base(&self) -> u64 {
        (self.rows.len() as u64).max(1)
    }

    /// Writes a row behind what is there.
    pub(super) fn write(&self, number: u64, out: &mut String) {
        let (round, place) = (number / self.base(), usize::try_from(number % self.base()).unwrap_or_default());
        let Some(row) = self.rows.get(place) else { return };
        if round == 0 {
            out.push_str(&row.text);
            return;
        }
        let device = format!("{round:08x}{}", row.device.get(8..).unwrap_or_default());
        out.push_str(&row.text.replace(&row.device, &device).replace("\"lark-", &format!("\"lark{round}-")));
    }

    /// The device groups, by their numbers.
    pub(super) fn groups(&self) -> Vec<i64> {
        let mut groups: Vec<i64> = self.rows.iter().map(|r| r.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The places of a group's rows among the rows that are repeated.
    fn places(&self, group: i64) -> Vec<u64> {
        self.rows.iter().zip(0u64..).filter(|(r, _)| r.group == group).map(|(_, place)| place).collect()
    }

    fn len_of(&self, group: i64) -> u64 {
        let (rounds, rest) = (self.total / self.base(), self.total % self.base());
        let places = self.places(group);
        rounds * places.len() as u64 + places.iter().filter(|p| **p < rest).count() as u64
    }

    /// How many files a group has: two at least, if there are rows for them.
    pub(super) fn parts(&self, group: i64) -> u64 {
        let rows = self.len_of(group);
        rows.div_ceil(PART_ROWS).max(2).min(rows)
    }

    /// One of a group's files: gzip of one JSON object a line.
    pub(super) fn file(&self, group: i64, part: u64) -> Vec<u8> {
        let (rows, parts) = (self.len_of(group), self.parts(group).max(1));
        let range = rows * part / parts..rows * (part + 1) / parts;
        self.compressed(&self.places(group), range, part == 0).unwrap_or_default()
    }

    /// Rows of a group as a gzip file. A file that is put together has several members, and a line may go from one into the next; the last
    /// line has no end.
    fn compressed(&self, places: &[u64], range: std::ops::Range<u64>, together: bool) -> io::Result<Vec<u8>> {
        let member = |out: Vec<u8>| GzEncoder::new(out, Compression::fast());
        let third = ((range.end - range.start) / 3).max(1);
        let mut out = member(Vec::new());
        let mut line = String::new();
        for number in range.clone() {
            let width = places.len().max(1) as u64;
            let place = usize::try_from(number % width).ok().and_then(|at| places.get(at)).copied().unwrap_or_default();
            line.clear();
            self.write(number / width * self.base() + place, &mut line);
            if number + 1 < range.end {
                line.push('\n');
            }
            let cut = if together && number > range.start && (number - range.start).is_multiple_of(third) { line.len() / 2 } else { 0 };
            let (before, after) = line.as_bytes().split_at_checked(cut).unwrap_or_default();
            if cut > 0 {
                out.write_all(before)?;
                out = member(out.finish()?);
            }
            out.write_all(after)?;
        }
        out.finish()
    }

    /// The folder of the snapshot: `2026-11-21/0601`.
    pub(super) fn folder(&self) -> String {
        clock::written(self.generated, "%Y-%m-%d/%H%M")
    }
}

//! Where a text occurs in a text: `indexof` and `indexof_regex`, with their window and count.
//!
//! Behind each hit the window moves along with the search, as the documented examples show. Where it would matter whether it does, or
//! whether hits may overlap, and the examples are silent, the call is refused.

use super::super::scalar::{Answer, Trouble};
use super::super::value::Value;
use super::{Built, Site, at, pattern, str_at};
use std::sync::Arc;

/// What is looked for, and where; characters are counted.
struct Search {
    start: usize,
    length: Option<usize>,
    /// Hits that are passed over.
    skip: usize,
}

/// None: the answer is null.
fn search(args: &[&Value], start: i64) -> Result<Option<Search>, Trouble> {
    let number = |at: usize, default: i64| args.get(at).map_or(default, |v| v.as_i64().unwrap_or(0));
    let (length, occurrence) = (number(3, -1), number(4, 1));
    if length < -1 || occurrence < 0 {
        return Ok(None);
    }
    let skip = usize::try_from(occurrence).ok().and_then(|o| o.checked_sub(1));
    let (Ok(start), Some(skip)) = (usize::try_from(start), skip) else {
        return Err(Trouble::Unsupported("a start before the text, or the occurrence 0".to_owned()));
    };
    Ok(Some(Search { start, length: usize::try_from(length).ok(), skip }))
}

/// The bytes from one character to another.
fn window(text: &str, from: usize, length: Option<usize>) -> (usize, &str) {
    let place = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let begin = place(from);
    let end = length.map_or(text.len(), |length| place(from.saturating_add(length)));
    (begin, text.get(begin..end).unwrap_or_default())
}

fn characters(text: &str, bytes: usize) -> usize {
    text.get(..bytes).unwrap_or_default().chars().count()
}

pub(super) fn index_of(args: &[&Value]) -> Answer {
    let (text, wanted) = (str_at(args, 0), str_at(args, 1));
    let start = args.get(2).map_or(0, |v| v.as_i64().unwrap_or(0));
    let start = if start < 0 { start.saturating_add(text.chars().count() as i64) } else { start };
    let Some(search) = search(args, start)? else {
        return Ok(Value::Null);
    };
    let find = |step: usize| {
        let mut from = search.start;
        for _ in 0..search.skip {
            let (begin, part) = window(text, from, search.length);
            from = characters(text, begin + part.find(wanted)?) + step;
        }
        let (begin, part) = window(text, from, search.length);
        Some(characters(text, begin + part.find(wanted)?))
    };
    let (overlapping, apart) = (find(1), find(wanted.chars().count().max(1)));
    if overlapping != apart {
        return Err(Trouble::Unsupported("indexof of a later occurrence where hits overlap".to_owned()));
    }
    Ok(Value::Long(apart.map_or(-1, |p| p as i64)))
}

pub(super) fn index_of_regex(site: &Site<'_>) -> Built {
    let regex = pattern(site, 1, str::to_owned)?;
    Ok(Arc::new(move |a: &[&Value]| {
        let start = a.get(2).map_or(0, |v| v.as_i64().unwrap_or(0));
        if start < 0 {
            return Ok(Value::Null);
        }
        let Some(search) = search(a, start)? else {
            return Ok(Value::Null);
        };
        let (text, regex) = (str_at(a, 0), regex(at(a, 1))?);
        let place = |length: Option<usize>| {
            let (begin, part) = window(text, search.start, length);
            regex.find_iter(part).nth(search.skip).map(|hit| characters(text, begin + hit.start()))
        };
        let found = place(search.length);
        if found.is_none() && search.skip > 0 && search.length.is_some() && place(None).is_some() {
            return Err(Trouble::Unsupported("indexof_regex of a later occurrence beyond the length".to_owned()));
        }
        Ok(Value::Long(found.map_or(-1, |p| p as i64)))
    }))
}

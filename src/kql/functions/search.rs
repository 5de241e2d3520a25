//! Where a text occurs in a text: `indexof` and `indexof_regex`, with their window and count.

use super::super::scalar::{Answer, Trouble};
use super::super::value::Value;
use super::{Built, Site, at, pattern, str_at};
use std::sync::Arc;

/// The part of a text that is looked at, and which hit is wanted.
struct Window<'t> {
    part: &'t str,
    /// Characters before the part.
    before: i64,
    occurrence: usize,
}

/// No window: the answer is null.
fn window<'t>(args: &[&'t Value], start: i64) -> Result<Option<Window<'t>>, Trouble> {
    let text = str_at(args, 0);
    let number = |at: usize, default: i64| args.get(at).map_or(default, |v| v.as_i64().unwrap_or(0));
    let (length, occurrence) = (number(3, -1), number(4, 1));
    if length < -1 || occurrence < 0 {
        return Ok(None);
    }
    let Some(occurrence) = usize::try_from(occurrence).ok().and_then(|o| o.checked_sub(1)) else {
        return Err(Trouble::Unsupported("the occurrence 0".to_owned()));
    };
    let place = |characters: i64| {
        let characters = usize::try_from(characters).unwrap_or(usize::MAX);
        text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
    };
    let from = place(start);
    let to = if length < 0 { text.len() } else { place(start.saturating_add(length)) };
    Ok(Some(Window { part: text.get(from..to).unwrap_or_default(), before: start, occurrence }))
}

impl Window<'_> {
    fn answer(&self, hit: Option<usize>) -> Value {
        let place = hit.map(|at| self.before + self.part.get(..at).unwrap_or_default().chars().count() as i64);
        Value::Long(place.unwrap_or(-1))
    }
}

pub(super) fn index_of(args: &[&Value]) -> Answer {
    let (text, search) = (str_at(args, 0), str_at(args, 1));
    let start = args.get(2).map_or(0, |v| v.as_i64().unwrap_or(0));
    let start = if start < 0 { start.saturating_add(text.chars().count() as i64) } else { start };
    if start < 0 {
        return Err(Trouble::Unsupported("a start before the text".to_owned()));
    }
    let Some(window) = window(args, start)? else {
        return Ok(Value::Null);
    };
    let apart = window.part.match_indices(search).nth(window.occurrence).map(|(at, _)| at);
    let every = || window.part.char_indices().map(|(at, _)| at).filter(|at| window.part.get(*at..).is_some_and(|t| t.starts_with(search)));
    if window.occurrence > 0 && every().nth(window.occurrence) != apart {
        return Err(Trouble::Unsupported("indexof of a later occurrence where hits overlap".to_owned()));
    }
    Ok(window.answer(apart))
}

pub(super) fn index_of_regex(site: &Site<'_>) -> Built {
    let regex = pattern(site, 1, str::to_owned)?;
    Ok(Arc::new(move |a: &[&Value]| {
        let start = a.get(2).map_or(0, |v| v.as_i64().unwrap_or(0));
        if start < 0 {
            return Ok(Value::Null);
        }
        let Some(window) = window(a, start)? else {
            return Ok(Value::Null);
        };
        let hit = regex(at(a, 1))?.find_iter(window.part).nth(window.occurrence).map(|m| m.start());
        Ok(window.answer(hit))
    }))
}
